/** Carries out one command and prints what came of it. */

import { printable } from "../text/text.ts";
import type { Call, ManagerContext } from "./command.ts";
import { checkFormat, outputLines } from "./output.ts";

/** Runs `call` and prints its result. Throws AppError with a sentence for the operator. */
export async function runCommand(context: ManagerContext, call: Call): Promise<void> {
  checkFormat(call.command, context.format);
  const outcome = await call.run(context);
  if (outcome === null) return;
  const { marked = (lines: readonly string[]) => lines } = context.tools;
  for (const line of marked(outputLines(outcome, context.format))) context.talk.print(line);
  for (const hint of outcome.hints()) context.talk.note(printable(hint));
}
