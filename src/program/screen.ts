/** What the terminal at standard output can do. */

import process from "node:process";
import type { TerminalView } from "../text/screen.ts";

/** Variables of the environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The screen at standard output as it is now; null where that is no terminal. */
export function currentScreen(): TerminalView | null {
  const { stdout } = process;
  if (stdout.isTTY !== true) return null;
  // A terminal that tells no size has 0 of both.
  return screenIn(process.env, stdout.columns || 80, stdout.rows || 24);
}

/**
 * By the environment: no colours with NO_COLOR, unless that is empty (no-color.org), and none on a dumb terminal; ASCII alone
 * where the locale is not UTF-8 (LC_ALL, LC_CTYPE, LANG: the first that says something).
 */
export function screenIn(environment: Environment, columns: number, rows: number): TerminalView {
  const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || "";
  return {
    columns,
    rows,
    color: !environment["NO_COLOR"] && !isDumb(environment),
    unicode: /utf-?8/i.test(locale),
  };
}

/** A terminal that cannot move its cursor, or of which nobody says what it is. */
export function isDumb(environment: Environment): boolean {
  const term = environment["TERM"] ?? "";
  return term === "" || term === "dumb";
}
