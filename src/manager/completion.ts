/** What the Tab key offers. Pure. */

import type { ListedCommand } from "./command.ts";
import { type Completion, type KnownNames, offer } from "./offer.ts";
import { byLength } from "./parse.ts";

/** Whether completing `line` needs the names in the database. */
export function needsNames(commands: readonly ListedCommand[], line: string): boolean {
  return argumentOf(commands, line)?.command.complete?.names ?? false;
}

/** Completes a command: its words, or what may stand behind them. */
export function completeCommand(
  commands: readonly ListedCommand[],
  line: string,
  names: KnownNames,
): Completion {
  const words = commands.map((command) => command.words);
  const found = argumentOf(commands, line);
  if (found === null) return offer(words, line.trimStart());
  const { command, typed } = found;
  // SHOW LOAD may go on with a subject, or become SHOW LOAD HOST.
  const begin = `${command.words} `;
  const longer = words.filter((each) => each.startsWith(begin)).map((each) => each.slice(begin.length));
  const [known, replaced] = command.complete?.offer(typed, names) ?? [[], typed];
  return replaced === typed ? [[...known, ...offer(longer, typed)[0]], typed] : [known, replaced];
}

/** The command whose words stand whole in `line`, with a blank behind, and what is typed after them. */
function argumentOf(
  commands: readonly ListedCommand[],
  line: string,
): { readonly command: ListedCommand; readonly typed: string } | null {
  for (const command of commands.toSorted(byLength)) {
    const words = command.words.split(" ").join("\\s+");
    const typed = new RegExp(`^\\s*${words}\\s+(.*)$`, "i").exec(line)?.[1];
    if (typed !== undefined) return { command, typed };
  }
  return null;
}

/** Completes an answer from its likely values. */
export function completeAnswer(line: string, suggestions: readonly string[]): Completion {
  return offer(suggestions, line);
}
