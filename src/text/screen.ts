/** What is printed on a terminal and nowhere else: tables within its width, colours where it has some. Pure. */

import { alignedLines, type Cell, type ShownTable, shownCell } from "./table.ts";
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

/**
 * `table` aligned within the terminal's width, a row a line: the widest columns of text are cut with "…" until it fits,
 * those of figures never. `paintOf` says in what colour a row stands.
 */
export function screenTable(
  table: ShownTable,
  screen: TerminalView,
  paintOf: (row: number) => Paint | null = () => null,
): readonly string[] {
  const [head, ...rows] = alignedLines(fitted(asShown(table, screen), screen.columns));
  return [
    painted(onScreen(head ?? "", screen), "head", screen),
    ...rows.map((line, row) => painted(onScreen(line, screen), paintOf(row), screen)),
  ];
}

/** Text that a locale cannot show is escaped before anything is aligned. */
function asShown({ columns, rows }: ShownTable, screen: TerminalView): ShownTable {
  if (screen.unicode) return { columns, rows };
  const shown = (cell: Cell): Cell => (typeof cell === "string" ? onScreen(cell, screen) : cell);
  return { columns, rows: rows.map((row) => row.map(shown)) };
}

function fitted(table: ShownTable, most: number): ShownTable {
  const widths = table.columns.map((title, index) =>
    Math.max(displayWidth(title), ...table.rows.map((row) => displayWidth(shownCell(row[index] ?? null)))),
  );
  const isText = table.columns.map((_, index) =>
    table.rows.some((row) => typeof row[index] === "string" && !/^[+-]?\d/.test(String(row[index]))),
  );
  const limits = [...widths];
  const total = () => limits.reduce((sum, width) => sum + width, 0) + 2 * Math.max(0, limits.length - 1);
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
