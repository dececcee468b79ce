/** The commands that README.md prints for a new Debian. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../commandTree.ts";

/** As they are printed, without what is said behind them: the block of code below the sentence that promises three of them. */
export function threeCommands(): readonly string[] {
  const text = readFileSync(join(projectFolder, "README.md"), "utf8");
  const [, block = ""] = /\bthree commands\b[^\n]*(?:\n[^\n]+)*:\n\n((?: {4}.*\n)+)/i.exec(text) ?? [];
  return block
    .split("\n")
    .map((line) => line.replace(/ {2,}#.*$/, "").trim())
    .filter((line) => line !== "");
}
