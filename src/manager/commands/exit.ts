/** EXIT and QUIT: end the conversation, or the script. Whoever reads the lines sees to that. */

import { type Command, command, type HelpEntry } from "../command.ts";
import { bare } from "../forms.ts";

const help: readonly HelpEntry[] = [["EXIT", "leaves, as QUIT and Ctrl-D do"]];

export const exit: Command<null, null> = leave("EXIT", ["\\q"]);
export const quit: Command<null, null> = leave("QUIT", []);

function leave(words: string, aliases: readonly string[]): Command<null, null> {
  return command({
    ...bare(words),
    aliases,
    help,
    leaves: true,
    run: async () => null,
    text: () => [],
    json: () => null,
  });
}
