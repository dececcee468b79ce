/** How results are printed: the thesis' text, JSON, or a table. Pure; what comes out is escaped. */

import { AppError } from "../domain/errors.ts";
import { printable, printableJson } from "../text/text.ts";
import type { CommandOutcome, ListedCommand } from "./command.ts";
import { isJson, type OutputFormat } from "./format.ts";
import { alignedLines, csvLines, type ShownTable, tsvLines } from "./table.ts";

/** Throws AppError usage where `command` lists nothing that would make a table. */
export function checkFormat({ words, lists }: ListedCommand, format: OutputFormat): void {
  if (lists || format === "text" || isJson(format)) return;
  throw new AppError(
    "usage",
    `${words} is no list, so --format ${format} does not fit; write --format text, json or jsonl.`,
  );
}

/** The lines of `outcome`, without line ends. */
export function outputLines(outcome: CommandOutcome, format: OutputFormat): readonly string[] {
  switch (format) {
    case "json":
      return [printableJson(outcome.json())];
    case "jsonl": {
      const value = outcome.json();
      return Array.isArray(value) ? value.map(printableJson) : [printableJson(value)];
    }
    // Escaped by the commands already where a line has names in it: this is for the command that forgets to.
    case "text":
      return outcome.text().map(printable);
    case "table":
      return alignedLines(tableIn(outcome));
    case "csv":
      return csvLines(tableIn(outcome));
    case "tsv":
      return tsvLines(tableIn(outcome));
  }
}

function tableIn({ table }: CommandOutcome): ShownTable {
  return table() ?? { columns: [], rows: [] };
}
