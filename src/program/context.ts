/** What a program's body gets from its surroundings. */
export interface ProgramContext {
  readonly name: string;
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
  /** Writes one line for the operator on standard error, escaped. */
  readonly warn: (line: string) => void;
  /** Tells a failure after which the program goes on; returns the exit code that it would end with. */
  readonly report: (error: unknown) => number;
  /** Draws lines again and again below what is printed; null where standard output is no terminal. */
  readonly show: ((lines: readonly string[]) => void) | null;
  /** The number of this process. */
  readonly pid: number;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicMs: () => number;
}
