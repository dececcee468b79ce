/** Carries out one command and prints what came of it. */

import { expandedLines, onScreen } from "../text/screen.ts";
import { printable } from "../text/text.ts";
import type { Call, CommandOutcome, ManagerContext } from "./command.ts";
import { checkFormat, outputLines } from "./output.ts";

/** Runs `call` and prints its result. Throws AppError with a sentence for the operator. */
export async function runCommand(context: ManagerContext, call: Call): Promise<void> {
  checkFormat(call.command, context.format);
  const outcome = await call.run(context);
  if (outcome === null) return;
  const { marked = (plain: readonly string[]) => plain } = context.tools;
  const lines = marked(shownLines(context, outcome));
  if (context.talk.page === undefined) for (const line of lines) context.talk.print(line);
  else await context.talk.page(lines);
  for (const hint of outcome.hints()) context.talk.note(printable(hint));
}

/** As the format says; where none was asked for, as the terminal shows it. */
function shownLines(
  { format, screen: screenOf, expanded }: ManagerContext,
  outcome: CommandOutcome,
): readonly string[] {
  const screen = format === "text" ? (screenOf?.() ?? null) : null;
  if (screen === null) return outputLines(outcome, format);
  const table = expanded === true ? outcome.table() : null;
  if (table !== null) return expandedLines(table, screen);
  return outcome.screen?.(screen) ?? outputLines(outcome, format).map((line) => onScreen(line, screen));
}
