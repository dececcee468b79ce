/** The history of typed commands, in a file that only its owner reads. Losing it is never an error. */

import fs from "node:fs";
import path from "node:path";

export interface History {
  /** What was typed before, newest first. */
  readonly lines: readonly string[];
  /** Remembers one more line, in the file too. */
  readonly add: (line: string) => void;
}

/** Lines that readline remembers, and about half of what the file keeps. */
export const historySize = 1000;

/** The file in the user's state folder (XDG), or null where the environment names no home. */
export function historyPath(environment: Readonly<Record<string, string | undefined>>): string | null {
  const state = environment["XDG_STATE_HOME"];
  if (state !== undefined && path.isAbsolute(state))
    return path.join(state, "xcp-balance", "manager_history");
  const home = environment["HOME"];
  if (home === undefined || !path.isAbsolute(home)) return null;
  return path.join(home, ".local", "state", "xcp-balance", "manager_history");
}

/** Reads the history at `file`. A line is appended as it is typed: two managers at once lose nothing. */
export function openHistory(file: string | null): History {
  if (file === null) return { lines: [], add: () => {} };
  const lines = readLines(file);
  return {
    lines: lines.slice(-historySize).reverse(),
    add: (line) => append(file, line),
  };
}

function readLines(file: string): string[] {
  try {
    const lines = fs
      .readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "");
    if (lines.length > 2 * historySize) shorten(file, lines.slice(-historySize));
    return lines;
  } catch {
    return [];
  }
}

function shorten(file: string, lines: readonly string[]): void {
  fs.writeFileSync(`${file}.new`, `${lines.join("\n")}\n`, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

function append(file: string, line: string): void {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.appendFileSync(file, `${line}\n`, { mode: 0o600 });
  } catch {
    // A read-only or full home folder must not keep anybody from working.
  }
}
