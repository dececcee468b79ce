/** Carries out one command and prints what came of it. */

import { printable, printableJson } from "../text/text.ts";
import type { Call, ManagerContext } from "./command.ts";

/** Runs `call` and prints its result. Throws AppError with a sentence for the operator. */
export async function runCommand(context: ManagerContext, call: Call): Promise<void> {
  const outcome = await call.run(context);
  if (outcome === null) return;
  // Escaped by the commands already where a line has names in it: this is for the command that forgets to.
  const lines = context.json ? [printableJson(outcome.json())] : outcome.text().map(printable);
  for (const line of lines) context.talk.print(line);
  for (const hint of outcome.hints()) context.talk.note(printable(hint));
}
