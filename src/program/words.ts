/** Words of a command line that stand where none is wanted. */
import { AppError } from "../domain/errors.ts";
import { quote } from "../text/quote.ts";

/**
 * Refuses words of the command line that a program without arguments, or a command of one, has no use for.
 * @throws AppError usage.
 */
export function refuseWords(name: string, words: readonly string[]): void {
  const [first] = words;
  if (first === undefined) return;
  throw new AppError("usage", `${name} has no use for ${quote(first)}; ${name} --help lists its options`);
}
