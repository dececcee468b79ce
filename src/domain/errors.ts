/** Failures that an operator can act on. Anything else is a broken invariant and keeps its stack. */

/** Exit codes of the three programs; unattended scripts depend on them. */
export const exitCode = {
  done: 0,
  couldNotRun: 1,
  usage: 2,
  partly: 3,
  refused: 4,
  planNotEmpty: 10,
} as const;

export type AppErrorCode =
  | "settings"
  | "mysql"
  | "schema"
  | "pool"
  | "login"
  | "certificate"
  | "usage"
  | "not-found"
  | "ambiguous"
  | "conflict"
  | "refused"
  | "deadline";

const exitCodeOf: Readonly<Record<AppErrorCode, number>> = {
  settings: exitCode.couldNotRun,
  mysql: exitCode.couldNotRun,
  schema: exitCode.couldNotRun,
  pool: exitCode.couldNotRun,
  login: exitCode.couldNotRun,
  certificate: exitCode.couldNotRun,
  deadline: exitCode.couldNotRun,
  usage: exitCode.usage,
  "not-found": exitCode.usage,
  ambiguous: exitCode.usage,
  conflict: exitCode.usage,
  refused: exitCode.refused,
};

/** A failure with a sentence for the operator: what failed, on what, why, and the next step. */
export class AppError extends Error {
  readonly code: AppErrorCode;

  constructor(code: AppErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "AppError";
    this.code = code;
  }

  /** The exit code of a program that ends with this failure. */
  get exitCode(): number {
    return exitCodeOf[this.code];
  }
}

/** The message of anything thrown, with those of its causes, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message !== "" ? error.message : error.name;
  if (error.cause === undefined) return own;
  const cause = describeError(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}
