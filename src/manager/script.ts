/** Runs a script: every line a command or the answer to one, until the first error. */

import { AppError } from "../domain/errors.ts";
import { printable } from "../text/text.ts";
import type { Call, ListedCommand, ManagerContext } from "./command.ts";
import type { LineSource } from "./lines.ts";
import { parseCommand } from "./parse.ts";
import { runCommand } from "./run.ts";
import type { Question, Talk } from "./talk.ts";

/** Where a script's output goes. */
export interface ScriptOutput {
  /** Writes text as it is on standard output. */
  readonly write: (text: string) => void;
  /** Writes one line for the operator on standard error. */
  readonly note: (line: string) => void;
  /** Aborted when nobody reads standard output any more. */
  readonly closed: AbortSignal;
}

/** How a script ended: at its end, by EXIT, or cut off because nobody reads its output. */
export type ScriptEnd = "end" | "exit" | "cut";

export interface ScriptOptions extends Omit<ManagerContext, "talk"> {
  readonly source: LineSource;
  /** Where the answers of a dialogue go on when the script itself has ended; null for none. */
  readonly moreAnswers: LineSource | null;
  readonly output: ScriptOutput;
  /** Prints every command behind the prompt, as a terminal would show it. */
  readonly echo: boolean;
}

export const prompt = "XCP_Manager> ";

/** Runs the script. Throws the first failure as AppError with the place of its line before the message. */
export async function runScript(options: ScriptOptions): Promise<ScriptEnd> {
  const { source, output } = options;
  const talk = scriptTalk(options);
  try {
    for (;;) {
      const line = await source.next();
      if (line === null) return "end";
      const call = readCall(options.commands, line);
      if (call === null) continue;
      if (output.closed.aborted) return "cut";
      if (options.echo) output.write(`${prompt}${line.trim()}\n`);
      if (call.command.leaves) return "exit";
      await runCommand({ ...options, talk }, call);
    }
  } catch (error) {
    throw located(error, source.where());
  } finally {
    await source.close();
  }
}

/** Null where the line asks for nothing. */
function readCall(commands: readonly ListedCommand[], line: string): Call | null {
  const parsed = parseCommand(commands, line);
  if (parsed.kind === "problem") throw new AppError("usage", parsed.message);
  return parsed.kind === "nothing" ? null : parsed;
}

/** Answers are the lines that follow. They are printed too: the output then reads like the terminal's. */
function scriptTalk({ source, moreAnswers, output }: ScriptOptions): Talk {
  let kept: string | null = null;
  const nextAnswer = async () => (await source.next()) ?? (await moreAnswers?.next()) ?? null;
  return {
    interactive: false,
    print: (line) => output.write(`${line}\n`),
    note: output.note,
    ask: async (question: Question) => {
      if (question.isForTheNext !== undefined && kept === null) {
        const answer = await nextAnswer();
        if (answer !== null && question.isForTheNext(answer)) {
          kept = answer;
          return "";
        }
        output.write(`${question.text}${answer === null ? "" : printable(answer)}\n`);
        return answer;
      }
      output.write(question.text);
      const answer = kept ?? (await nextAnswer());
      kept = null;
      output.write(`${answer === null ? "" : printable(answer)}\n`);
      return answer;
    },
  };
}

function located(error: unknown, where: string): unknown {
  if (!(error instanceof AppError) || where === "") return error;
  return error.at(where);
}
