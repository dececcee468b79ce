/** What a line asks the manager for. */
import { commandList } from "../../src/manager/commands/index.ts";
import { parseCommand } from "../../src/manager/parse.ts";

/** The command's words and what was read behind them; "nothing"; or why it is no command. */
export function asked(
  line: string,
): readonly [words: string, asked: unknown] | "nothing" | { problem: string } {
  const parsed = parseCommand(commandList, line);
  if (parsed.kind === "call") return [parsed.command.words, parsed.arguments];
  return parsed.kind === "nothing" ? "nothing" : { problem: parsed.message };
}

/** Why `line` is no command. */
export function messageFor(line: string): string {
  const read = asked(line);
  return typeof read === "object" && "problem" in read ? read.problem : `no problem but ${String(read)}`;
}
