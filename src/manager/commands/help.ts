/** HELP: every command, how it is written and what it does. */

import { type Command, command, type ListedCommand } from "../command.ts";
import { bare } from "../forms.ts";
import { helpLines, linesOf } from "../help.ts";

export const help: Command<null, readonly ListedCommand[]> = command({
  ...bare("HELP"),
  aliases: ["?", "\\?"],
  help: [["HELP", "this list"]],
  run: async ({ commands }) => commands,
  text: helpLines,
  json: (commands) => commands.map(({ words, usage, help }) => ({ words, usage, help: linesOf(help) })),
});
