/** The manager's language: a line of text in, a command or a problem out. Pure; never throws. */

import { closest, editDistance } from "../text/text.ts";
import type { Call, ListedCommand } from "./command.ts";
import { after, problem, quote, type TextProblem } from "./words.ts";

/** What a line asks for; an empty line or a comment asks for nothing. */
export type Parsed = Call | TextProblem | { readonly kind: "nothing" };

/** The command that `line` writes. Case, blanks, a `;` at the end and a copied prompt do not matter. */
export function parseCommand(commands: readonly ListedCommand[], line: string): Parsed {
  const text = bareLine(line);
  if (text === "" || text.startsWith("#") || text.startsWith("--")) return { kind: "nothing" };
  const aliased = commands.find(({ aliases }) => aliases?.includes(text));
  if (aliased !== undefined) return aliased.call("");
  // SHOW LOAD HOST is not SHOW LOAD of something called HOST.
  for (const command of commands.toSorted(byLength)) {
    const rest = after(command.words, text);
    if (rest !== null) return command.call(rest);
  }
  return unknownCommand(commands, text);
}

/** The longest words first. */
export function byLength(a: ListedCommand, b: ListedCommand): number {
  return b.words.length - a.words.length;
}

function bareLine(line: string): string {
  const text = line.trim().replace(/^XCP_Manager>\s*/i, "");
  let end = text.length;
  // Not a regular expression: `\s*;` over a megabyte of blanks is quadratic.
  while (end > 0 && /[\s;]/.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

function unknownCommand(commands: readonly ListedCommand[], text: string): TextProblem {
  const typed = text.toUpperCase();
  const begun = commands.filter(({ words }) => words.startsWith(`${typed} `));
  if (begun.length > 0) {
    const usages = begun.map(({ usage }) => usage).join(", ");
    return problem(`${quote(text)} is not the whole command: ${usages}.`);
  }
  const meant = closestCommand(commands, typed);
  const hint = meant === null ? "" : ` Did you mean ${meant.usage}?`;
  return problem(`${quote(text)} is no command.${hint} HELP lists the commands.`);
}

/** The command whose words are nearest to as many first words of `typed`; the longer one where two are as near. */
function closestCommand(commands: readonly ListedCommand[], typed: string): ListedCommand | null {
  const typedWords = typed.slice(0, 200).split(/[\s;]+/);
  let nearest: { readonly command: ListedCommand; readonly distance: number } | null = null;
  for (const command of commands.toSorted(byLength)) {
    const start = typedWords.slice(0, command.words.split(" ").length).join(" ");
    if (closest(start, [command.words]) === null) continue;
    const distance = editDistance(start, command.words);
    if (nearest === null || distance < nearest.distance) nearest = { command, distance };
  }
  return nearest?.command ?? null;
}
