/** What the body of a program gets. */
import type { Readable } from "node:stream";

/** Standard input, of which whoever asks on a terminal wants to know whether it is one. */
export type ProgramInput = Readable & { readonly isTTY?: boolean };

/** What a program's body gets from its surroundings: the process that it runs in, or a test. */
export interface ProgramContext {
  readonly name: string;
  /** What stands behind the program's name on the command line. */
  readonly args: readonly string[];
  /** The working folder, where the settings are looked for. */
  readonly folder: string;
  /** Standard input; whoever does not ask for it leaves it alone. */
  readonly input: () => ProgramInput;
  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Aborted when nobody reads standard output any more (EPIPE). */
  readonly outputClosed: AbortSignal;
  /** Writes one line of data on standard output, as it is: the caller has escaped names. */
  readonly print: (line: string) => void;
  /** Writes text on standard output as it is; resolves when it was taken or has failed. */
  readonly write: (text: string) => Promise<void>;
  /** Throws AppError "file" where standard output could not be written since this was asked last. */
  readonly checkOutput: () => void;
  /** Writes text on standard error as it is. */
  readonly writeError: (text: string) => void;
  /** Writes one line for the operator on standard error, escaped. */
  readonly warn: (line: string) => void;
  /** Tells a failure after which the program goes on; returns the exit code that it would end with. */
  readonly report: (error: unknown) => number;
  /** Draws lines again and again below what is printed; null where standard output is no terminal. */
  readonly show: ((lines: readonly string[]) => void) | null;
  /** What is told once in the program's life and was told. */
  readonly told: Set<string>;
  /** The number of this process. */
  readonly pid: number;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicMs: () => number;
}
