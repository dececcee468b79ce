/** What HELP prints: the help of every command, one below the other. Pure. */

import type { HelpEntry, ListedCommand } from "./command.ts";

/** The column in which meanings begin. */
const column = 37;

/** HELP, line by line. */
export function helpLines(commands: readonly ListedCommand[]): readonly string[] {
  // Commands of a family share their help.
  const each = new Set(commands.map(({ help }) => help));
  return [
    ...[...each].flatMap(linesOf),
    "Upper and lower case are the same, a ; at the end does no harm, lines that start with # or -- are comments.",
  ];
}

/** The lines of one command. */
export function linesOf(help: readonly HelpEntry[]): readonly string[] {
  return help.flatMap(entryLines);
}

function entryLines(entry: HelpEntry): readonly string[] {
  if (typeof entry === "string") return [`  ${entry}`];
  const [written, ...meaning] = entry;
  const [first = "", ...rest] = meaning;
  const below = rest.map((text) => " ".repeat(column) + text);
  if (written.length >= column) return [written, " ".repeat(column) + first, ...below];
  return [written.padEnd(column) + first, ...below];
}
