/** Examples and exit codes as --help writes them, taken apart. */
import type { CommandTree } from "./commandTree.ts";

/** The lines below "Examples:", without their indentation. */
export function examplesOf({ before, after }: CommandTree): readonly string[] {
  const block = /^Examples:\n((?: {2}.*\n?)+)/m.exec(`${before}\n${after}`)?.[1] ?? "";
  return block
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(2));
}

/** "0" and "done" of "Exit codes: 0 done; 1 could not run ...": empty where --help names none. */
export function exitCodesOf({
  before,
  after,
}: CommandTree): readonly (readonly [code: string, meaning: string])[] {
  const sentence = /^Exit codes: ([\s\S]*)$/m.exec(`${before}\n${after}`)?.[1] ?? "";
  const entries = sentence
    .trim()
    .replaceAll(/\s*\n\s*/g, " ")
    .replace(/\.$/, "")
    .split(/; (?=\d)/);
  return entries.flatMap((entry) => {
    const [, codes = "", meaning = ""] = /^(\d+(?:\/\d+)*),? (.*)$/.exec(entry) ?? [];
    return codes === "" ? [] : [[codes, meaning] as const];
  });
}
