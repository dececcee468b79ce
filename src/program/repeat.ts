/** `--interval`: the same run again and again, whatever became of the one before, as long as that can help. */
import { AppError, type AppErrorCode, exitCode } from "../domain/errors.ts";
import type { ProgramContext } from "./context.ts";

/**
 * Runs `once`, or with an interval again and again until the signal: each run starts `intervalSeconds` after the
 * start of the one before, or at once when that took longer. A run that fails is reported and the next one is tried,
 * unless that cannot help.
 * Once nobody reads standard output any more the run in progress is the last one, and the code is a failure: the
 * reader of a pipe wanted no more, and a supervisor starts the program again with an output that works. An output that
 * fails for another reason, a full disk, may work again: it is told, and the next run is tried.
 */
export async function runRepeatedly(
  context: ProgramContext,
  intervalSeconds: number | undefined,
  once: () => Promise<number>,
): Promise<number> {
  if (intervalSeconds === undefined) return once();
  let code: number = exitCode.done;
  let hopeless = fromTheStart;
  const ended = AbortSignal.any([context.signal, context.outputClosed]);
  while (!ended.aborted) {
    const startedMs = context.monotonicMs();
    try {
      code = await once();
      context.checkOutput();
      hopeless = always;
    } catch (error) {
      if (context.signal.aborted) break;
      if (error instanceof AppError && hopeless.includes(error.code)) throw error;
      code = context.report(error);
    }
    const waitMs = startedMs + intervalSeconds * 1000 - context.monotonicMs();
    await sleep(Math.max(0, waitMs), ended);
  }
  return context.outputClosed.aborted ? exitCode.couldNotRun : code;
}

/**
 * Trying again does not mend these, and may worsen them: a directory locks an account after wrong passwords. After an
 * upgrade of the tables it is the program in memory that is too old.
 */
const always: readonly AppErrorCode[] = ["login", "usage", "schema"];

/**
 * Before any run came through, these are mistakes of the set-up, and whoever starts the program shall see it end. Later
 * somebody is at work: settings are being edited, a host's certificate is renewed.
 */
const fromTheStart: readonly AppErrorCode[] = [...always, "settings", "certificate"];

/** Parses the argument of --interval: whole or broken seconds, from 0.1 to a day. */
export function parseInterval(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new AppError("usage", `--interval ${text}: must be a number of seconds from 0.1 to 86400`);
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** Resolves after `ms`, signal or not: for waits that must not turn into a busy loop after a signal. */
export function sleepUnaborted(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
