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

/**
 * "file": one that was named is missing, or cannot be read or written; "data": what stands in the database makes no
 * sense; "usage": the command line is wrong.
 */
export type AppErrorCode =
  | "settings"
  | "mysql"
  | "schema"
  | "data"
  | "pool"
  | "login"
  | "certificate"
  | "file"
  | "usage"
  | "not-found"
  | "ambiguous"
  | "conflict"
  | "refused"
  | "deadline";

interface FailureKind {
  readonly exitCode: number;
  /** What helps against such a failure where its message names nothing better. */
  readonly next: string;
}

const kinds: Readonly<Record<AppErrorCode, FailureKind>> = {
  settings: { exitCode: exitCode.couldNotRun, next: "correct the settings" },
  mysql: {
    exitCode: exitCode.couldNotRun,
    next: "see that MySQL is well, and ask `xcp-manager schema status`",
  },
  schema: { exitCode: exitCode.couldNotRun, next: "run `xcp-manager schema install`" },
  data: { exitCode: exitCode.couldNotRun, next: "mend the row that is named" },
  pool: { exitCode: exitCode.couldNotRun, next: "see that the pool's master is well, then try again" },
  login: { exitCode: exitCode.couldNotRun, next: "check XenUsr and XenPass" },
  certificate: { exitCode: exitCode.couldNotRun, next: "compare the fingerprint on the host, then trust it" },
  file: { exitCode: exitCode.couldNotRun, next: "see that the file is there and may be used" },
  deadline: { exitCode: exitCode.couldNotRun, next: "try again, or raise the limit in the settings" },
  usage: { exitCode: exitCode.usage, next: "see --help" },
  "not-found": { exitCode: exitCode.usage, next: "see what there is with SHOW" },
  ambiguous: { exitCode: exitCode.usage, next: "name it by its uuid" },
  conflict: { exitCode: exitCode.usage, next: "see what is there already with SHOW" },
  refused: { exitCode: exitCode.refused, next: "mend what the message names, then try again" },
};

export interface AppErrorOptions {
  readonly cause?: unknown;
  /** The step that helps, as a half sentence: it ends the message, and stands alone in JSON. */
  readonly next?: string | undefined;
}

/** A failure with a sentence for the operator: what failed, on what, why, and the next step. */
export class AppError extends Error {
  readonly code: AppErrorCode;
  /** The message without the next step that was given apart. */
  readonly summary: string;
  readonly #next: string | undefined;

  constructor(code: AppErrorCode, message: string, { next, ...options }: AppErrorOptions = {}) {
    super(next === undefined ? message : `${message}; ${next}`, options);
    this.name = "AppError";
    this.code = code;
    this.summary = message;
    this.#next = next;
  }

  /** The exit code of a program that ends with this failure. */
  get exitCode(): number {
    return kinds[this.code].exitCode;
  }

  /** The step that helps: the failure's own, or its kind's. */
  get next(): string {
    return this.#next ?? kinds[this.code].next;
  }

  /** The same failure with the place where it happened before its message: "rules.xcp:3". */
  at(place: string): AppError {
    return new AppError(this.code, `${place}: ${this.summary}`, { cause: this.cause, next: this.#next });
  }
}

/** The message of anything thrown, with those of its causes, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The step stands last, behind the causes.
  if (error instanceof AppError && error.message !== error.summary) {
    return `${withCause(error.summary, error)}; ${error.next}`;
  }
  return withCause(error.message !== "" ? error.message : error.name, error);
}

function withCause(own: string, error: Error): string {
  if (error.cause === undefined) return own;
  const cause = describeError(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}

/** A failure for programs: what failed, its kind, and the next step. */
export interface ErrorObject {
  readonly error: string;
  readonly code: AppErrorCode | "internal";
  readonly next: string;
}

/** What a program that was asked for JSON says of anything thrown. */
export function errorObject(error: unknown): ErrorObject {
  if (error instanceof AppError) {
    return { error: withCause(error.summary, error), code: error.code, next: error.next };
  }
  return { error: describeError(error), code: "internal", next: "please report it, with what you did" };
}

/** The exit code that a failure ends a program with. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AppError ? error.exitCode : exitCode.couldNotRun;
}
