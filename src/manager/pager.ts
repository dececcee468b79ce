/** Shows more lines than a terminal has through the operator's pager. The only file of the manager that starts a process. */

import { spawn } from "node:child_process";
import type { Environment } from "../program/screen.ts";

/** The pager's words: PAGER as psql has it, else less; null where it is set to nothing or cat. No shell reads it. */
export function pagerCommand(environment: Environment): readonly string[] | null {
  const words = (environment["PAGER"] ?? "less").trim().split(/\s+/).filter(Boolean);
  return words.length === 0 || words[0] === "cat" ? null : words;
}

/**
 * Gives the lines to the pager and waits for its end. False where it could not be started, so that the lines are still to be
 * shown; that somebody quits before he has read all is no failure.
 */
export function throughPager(
  [program = "", ...args]: readonly string[],
  lines: readonly string[],
  environment: Environment,
): Promise<boolean> {
  // As git has it: colours as they are, nothing cleared, and an end by itself where all fits.
  const env = { ...environment, LESS: environment["LESS"] ?? "FRX" };
  return new Promise((resolve) => {
    const pager = spawn(program, args, { stdio: ["pipe", "inherit", "inherit"], env });
    pager.on("error", () => resolve(false));
    pager.on("close", () => resolve(true));
    pager.stdin?.on("error", () => {});
    pager.stdin?.end(lines.map((line) => `${line}\n`).join(""));
  });
}
