/** Other programs, run to their end. */
import { type SpawnOptions, spawn } from "node:child_process";
import { constants } from "node:os";

export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Leaves standard output to nobody; errors are shown all the same. */
  readonly silent?: boolean;
}

/**
 * Its exit code; 127 where it could not be started, 128 and the signal's number where one ended it. A signal for us
 * goes on to it, so that what comes afterwards (stopping the nodes) is still done.
 */
export function runToItsEnd(program: string, args: readonly string[], options: RunOptions): Promise<number> {
  const stdio: SpawnOptions["stdio"] = options.silent === true ? ["ignore", "ignore", "inherit"] : "inherit";
  const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, stdio });
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  // Ctrl-C on a terminal reaches both of us by itself.
  const stay = process.stdin.isTTY ? (): void => undefined : passOn;
  process.on("SIGINT", stay).on("SIGTERM", passOn).on("SIGHUP", passOn);
  return new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
  }).finally(() => process.off("SIGINT", stay).off("SIGTERM", passOn).off("SIGHUP", passOn));
}
