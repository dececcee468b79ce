/** The ways to print results. */

export const outputFormats = ["text", "table", "csv", "tsv", "json", "jsonl"] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Whether results are read by programs that know JSON. */
export function isJson(format: OutputFormat): boolean {
  return format === "json" || format === "jsonl";
}
