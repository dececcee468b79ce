/** What is printed on a terminal and nowhere else: tables within its width, colours where it has some. Pure. */

import { alignedCells, type Cell, columnGap, columnWidths, type ShownTable, shownCell } from "./table.ts";
import { displayWidth, fitWidth, padWidth } from "./text.ts";

/** What a terminal can do. */
export interface TerminalView {
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
  /** Whether its locale is UTF-8; else nothing but ASCII is drawn. */
  readonly unicode: boolean;
}

export type Paint = "head" | "alarm" | "warning";

const codes: Readonly<Record<Paint, string>> = { head: "1", alarm: "31", warning: "33" };

/** `text`, which is escaped, in a colour where there are any. */
export function painted(text: string, paint: Paint | null, { color }: Pick<TerminalView, "color">): string {
  return color && paint !== null ? `\u001b[${codes[paint]}m${text}\u001b[0m` : text;
}

/** Letters that a terminal of another locale would show as something else, as escapes; our own signs as ASCII. */
export function onScreen(text: string, { unicode }: Pick<TerminalView, "unicode">): string {
  if (unicode) return text;
  return text
    .replaceAll("…", "~")
    .replaceAll("·", ".")
    .replace(/[^ -~]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Narrower a column does not get: what is cut further says nothing. */
const narrowest = 8;

/** In what colour a cell stands; null for none. Rows count from 0, columns are named by their titles. */
export type PaintOf = (row: number, column: string) => Paint | null;

/**
 * `table` aligned within the terminal's width, a row a line: the widest columns of text are cut with "…" until it fits,
 * those of figures, and those that `whole` names, never.
 */
export function screenTable(
  table: ShownTable,
  screen: TerminalView,
  paintOf: PaintOf = () => null,
  whole: readonly string[] = [],
): readonly string[] {
  const [head, ...rows] = alignedCells(fitted(asShown(table, screen), screen.columns, whole));
  return [
    paintedCells(head ?? [], () => "head", screen),
    ...rows.map((cells, row) =>
      paintedCells(cells, (index) => paintOf(row, table.columns[index] ?? ""), screen),
    ),
  ];
}

/** Text that is cut to less is not well read any more. */
const readable = 24;

/** The first of `tables` that a terminal shows well, its texts cut to no less than a name; else the last one. */
export function firstThatFits(
  tables: readonly ShownTable[],
  { columns: most }: TerminalView,
  whole: readonly string[] = [],
): ShownTable {
  const needs = (table: ShownTable) => {
    const widths = columnWidths(table).map((width, index) => {
      const title = table.columns[index] ?? "";
      return whole.includes(title) ? width : Math.min(width, Math.max(readable, displayWidth(title)));
    });
    return widths.reduce((sum, width) => sum + width, 0) + columnGap.length * Math.max(0, widths.length - 1);
  };
  return tables.find((table) => needs(table) <= most) ?? tables.at(-1) ?? { columns: [], rows: [] };
}

/** Cells side by side; neighbours of one colour, with the gap between them, are painted at once. */
function paintedCells(
  cells: readonly string[],
  paintOf: (index: number) => Paint | null,
  screen: TerminalView,
): string {
  const runs: { text: string; readonly paint: Paint | null }[] = [];
  cells.forEach((cell, index) => {
    const paint = paintOf(index);
    const last = runs.at(-1);
    const isLast = index === cells.length - 1;
    const text = isLast ? cell.trimEnd() : cell;
    if (last === undefined) runs.push({ text, paint });
    else if (last.paint === paint) last.text += columnGap + text;
    else runs.push({ text: columnGap, paint: null }, { text, paint });
  });
  return runs.map(({ text, paint }) => painted(onScreen(text, screen), paint, screen)).join("");
}

/** Text that a locale cannot show is escaped before anything is aligned. */
function asShown({ columns, rows }: ShownTable, screen: TerminalView): ShownTable {
  if (screen.unicode) return { columns, rows };
  const shown = (cell: Cell): Cell => (typeof cell === "string" ? onScreen(cell, screen) : cell);
  return { columns, rows: rows.map((row) => row.map(shown)) };
}

function fitted(table: ShownTable, most: number, whole: readonly string[]): ShownTable {
  const widths = columnWidths(table);
  const isText = table.columns.map(
    (title, index) =>
      !whole.includes(title) &&
      table.rows.some((row) => typeof row[index] === "string" && !/^[+-]?\d/.test(String(row[index]))),
  );
  const limits = [...widths];
  const total = () =>
    limits.reduce((sum, width) => sum + width, 0) + columnGap.length * Math.max(0, limits.length - 1);
  for (let over = total() - most; over > 0; over = total() - most) {
    const widest = limits.reduce(
      (best, width, index) => (isText[index] && width > (limits[best] ?? 0) ? index : best),
      isText.indexOf(true),
    );
    if (widest < 0 || (limits[widest] ?? 0) <= narrowest) break;
    // Down to the next widest at most, so that columns are cut evenly.
    const next = Math.max(narrowest, ...limits.filter((_, index) => isText[index] && index !== widest));
    const width = limits[widest] ?? 0;
    limits[widest] = Math.max(narrowest, width - over, Math.min(width - 1, next));
  }
  const cut = (cell: Cell, index: number): Cell =>
    typeof cell === "string" ? fitWidth(shownCell(cell), limits[index] ?? 0) : cell;
  return { columns: table.columns, rows: table.rows.map((row) => row.map(cut)) };
}

/** Each row as a record of lines, as psql's \x has it: a title with its number, then column and value. */
export function expandedLines({ columns, rows }: ShownTable, screen: TerminalView): readonly string[] {
  const width = Math.max(0, ...columns.map(displayWidth));
  return rows.flatMap((row, index) => [
    painted(`-[ RECORD ${index + 1} ]${"-".repeat(Math.max(1, width))}`, "head", screen),
    ...columns.map((title, at) =>
      onScreen(`${padWidth(title, width)} | ${shownCell(row[at] ?? null)}`, screen),
    ),
  ]);
}
