/** Questions that need a usable answer: a person is asked again, a script fails. */

import { AppError } from "../domain/errors.ts";
import { isProblem } from "../rules/problem.ts";
import type { ManagerContext } from "./command.ts";
import { isJson } from "./format.ts";
import type { Question, Talk } from "./talk.ts";
import { quote, type TextProblem } from "./words.ts";

/**
 * The answer to `question` as `read` understands it.
 * Throws AppError usage when the input ends, or when a script's answer is a problem.
 */
export async function askUntil<T extends string | number | boolean | readonly unknown[]>(
  talk: Talk,
  question: Question,
  read: (answer: string) => T | TextProblem,
): Promise<T> {
  for (;;) {
    const answer = await talk.ask(question);
    if (answer === null) {
      throw new AppError(
        "usage",
        "The dialogue ended before its last question was answered; nothing was changed.",
      );
    }
    const value = read(answer);
    if (!isProblem(value)) return value;
    if (!talk.interactive) throw new AppError("usage", `${value.message} Nothing was changed.`);
    talk.note(value.message);
  }
}

/** Whether the answer to `text` is yes. */
export function askYesNo(talk: Talk, text: string): Promise<boolean> {
  return askUntil(talk, { text: `${text} [Y/N] `, suggestions: ["Y", "N"] }, readYesNo);
}

/** Whether the answer is yes; a problem where it is neither yes nor no. */
export function readYesNo(answer: string): boolean | TextProblem {
  const word = answer.trim().toUpperCase();
  if (word === "Y" || word === "YES") return true;
  if (word === "N" || word === "NO") return false;
  return { kind: "problem", message: `${quote(answer)} is neither Y nor N.` };
}

/** Throws AppError usage where nobody sees the questions: `oneLine` is how it is written without. */
export function refuseDialogue({ format }: ManagerContext, oneLine: string): void {
  if (isJson(format)) throw new AppError("usage", `Questions do not fit into JSON; write ${oneLine}.`);
}
