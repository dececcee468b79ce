/** Lists as tables: aligned for people, comma or tab separated for other programs. Pure; what comes out is escaped. */

import { figure } from "./format.ts";
import { displayWidth, padWidth, printable } from "./text.ts";

/** What is not known is null. */
export type Cell = string | number | boolean | Date | null;

/** A list with named columns; the unit of a column stands in its title. */
export interface ShownTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The columns of a table: its title, and what it says of each row. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>;

/** One row for each of `rows`. */
export function tableOf<Row>(columns: Columns<Row>, rows: readonly Row[]): ShownTable {
  const cells = Object.values(columns);
  return { columns: Object.keys(columns), rows: rows.map((row) => cells.map((cell) => cell(row))) };
}

/** Aligned columns under their titles, numbers (with a unit or without) to the right; what is not known is `-`. */
export function alignedLines(table: ShownTable): readonly string[] {
  return alignedCells(table).map((cells) => cells.join(columnGap).trimEnd());
}

/** What stands between two columns. */
export const columnGap = "  ";

/** The same cell by cell, each as wide as its column: the titles, then the rows. */
export function alignedCells({ columns, rows }: ShownTable): readonly (readonly string[])[] {
  const texts = rows.map((row) => row.map(shownCell));
  const widths = columnWidths({ columns, rows });
  const right = columns.map((_, index) => isNumeric(rows.map((row) => row[index] ?? null)));
  const aligned = (cells: readonly string[]) =>
    cells.map((cell, index) => {
      const width = widths[index] ?? 0;
      return right[index] ? " ".repeat(width - displayWidth(cell)) + cell : padWidth(cell, width);
    });
  return [columns, ...texts].map(aligned);
}

/** How wide each column is where nothing is cut. */
export function columnWidths({ columns, rows }: ShownTable): readonly number[] {
  return columns.map((title, index) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(shownCell(row[index] ?? null)))),
  );
}

function isNumeric(cells: readonly Cell[]): boolean {
  const known = cells.filter((cell) => cell !== null);
  return known.length > 0 && known.every((cell) => typeof cell === "number" || isFigure(cell));
}

/** "+12.5 %". */
function isFigure(cell: Cell): boolean {
  return typeof cell === "string" && /^[+-]?\d+(?:\.\d+)?(?: \S{1,5})?$/.test(cell);
}

/** As a table for people has it, escaped: `-` for what is not known. */
export function shownCell(cell: Cell): string {
  if (typeof cell === "number") return figure(cell);
  const text = plainCell(cell);
  return text === "" ? "-" : text;
}

/** Comma separated as RFC 4180 has it; a spreadsheet takes no text in it for a formula. */
export function csvLines(table: ShownTable): readonly string[] {
  return separated(table, ",", (text) =>
    /[",]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text,
  );
}

/** Tab separated. No text has a tab or a line end in it: they are escaped. */
export function tsvLines(table: ShownTable): readonly string[] {
  return separated(table, "\t", (text) => text);
}

function separated(
  { columns, rows }: ShownTable,
  separator: string,
  quoted: (text: string) => string,
): readonly string[] {
  const cellOf = (cell: Cell) => (typeof cell === "string" ? harmless(plainCell(cell)) : plainCell(cell));
  return [columns, ...rows].map((row) => row.map((cell) => quoted(cellOf(cell))).join(separator));
}

/** Excel and its like calculate what begins so; behind an apostrophe it is text. */
function harmless(text: string): string {
  return /^\s*[=+\-@]/.test(text) ? `'${text}` : text;
}

/** Numbers to a millionth, which is more than anybody measured: 99.75, not 99.74999999999999; times in ISO 8601 and UTC; "" for what is not known. */
function plainCell(cell: Cell): string {
  if (cell === null) return "";
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? "" : cell.toISOString();
  if (typeof cell === "number" && Number.isFinite(cell)) return String(Number(cell.toFixed(6)));
  return printable(String(cell));
}
