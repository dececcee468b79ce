/** What the Tab key offers. Pure. */

import type { ListedCommand } from "./command.ts";
import { type Completion, type KnownNames, offer } from "./offer.ts";

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
  const found = argumentOf(commands, line);
  return (
    found?.command.complete?.offer(found.typed, names) ??
    offer(
      commands.map(({ words }) => words),
      line.trimStart(),
    )
  );
}

/** The command whose words stand whole in `line`, with a blank behind, and what is typed after them. */
function argumentOf(
  commands: readonly ListedCommand[],
  line: string,
): { readonly command: ListedCommand; readonly typed: string } | null {
  for (const command of commands) {
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
