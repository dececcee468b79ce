/** What begins with a backslash at the prompt, as psql has it: it is about the terminal, not the pool. Pure. */

import { problem, type TextProblem } from "./words.ts";

/** What a line asks of the terminal. */
export type Backslash =
  /** Runs the command again and again; null: the one before. */
  | { readonly kind: "watch"; readonly command: string | null; readonly seconds: number }
  | { readonly kind: "expanded"; readonly on: boolean | null }
  | { readonly kind: "help" }
  | { readonly kind: "quit" };

export const backslashHelp: readonly string[] = [
  "\\watch [N]    the last command again every N seconds (5), until Ctrl-C; also behind a command: SHOW LOAD \\watch 5",
  "\\x [on|off]   lists as records, a column a line, or as tables again",
  "\\?            these lines; HELP lists the commands",
  "\\q            leaves, as EXIT does",
];

/** Commands that only look, so that they may be repeated. */
const looking = /^(?:SHOW|TOP|EXPLAIN|PLACE|EVACUATE|MAKE\s+ROOM|DOCTOR|HELP)\b/i;

const [least, most, usual] = [1, 86_400, 5];

/** What `line` asks of the terminal; null where it is a command. Never throws. */
export function parseBackslash(line: string): Backslash | TextProblem | null {
  const text = line.trim().replace(/;$/, "").trimEnd();
  const watched = /^(.*?)\s*;?\s*\\watch(?:\s+(\S+))?$/is.exec(text);
  if (watched !== null) return watchOf(watched[1] ?? "", watched[2]);
  if (!text.startsWith("\\")) return null;
  const [, word = "", rest = ""] = /^\\(\S*)\s*(.*)$/s.exec(text) ?? [];
  switch (word.toLowerCase()) {
    case "q":
      return { kind: "quit" };
    case "?":
    case "h":
      return { kind: "help" };
    case "x":
      if (rest === "") return { kind: "expanded", on: null };
      if (/^(?:on|off)$/i.test(rest)) return { kind: "expanded", on: rest.toLowerCase() === "on" };
      return problem("\\x takes on, off or nothing.");
    default:
      return problem(`\\${word} is not known. \\? lists what begins with a backslash, HELP the commands.`);
  }
}

function watchOf(command: string, typed: string | undefined): Backslash | TextProblem {
  const seconds = typed === undefined ? usual : Number(typed);
  if (!(seconds >= least && seconds <= most))
    return problem(`\\watch takes seconds, from ${least} to ${most}.`);
  if (command === "") return { kind: "watch", command: null, seconds };
  return isWatchable(command)
    ? { kind: "watch", command, seconds }
    : problem("\\watch repeats commands that only look, such as SHOW LOAD.");
}

/** Whether the command may be repeated: it changes nothing. */
export function isWatchable(command: string): boolean {
  return looking.test(command.trim());
}
