/** How a single move ended, and what the pool's failures make of it. Pure. */
import { AppError, describeError } from "../domain/errors.ts";
import type { FailureClass } from "../domain/migration.ts";
import type { Uuid } from "../domain/pool.ts";
import { longest, shorten } from "../text/text.ts";
import { XapiError } from "../xapi/errors.ts";
import { classifyFailure } from "../xapi/migrationErrors.ts";

/** One migration to carry out. */
export interface MoveTask {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
}

export type Outcome =
  | { readonly kind: "moved" }
  /** Not started: the pool or the facts are against it. */
  | { readonly kind: "refused"; readonly reason: string; readonly failure: FailureClass }
  /** Started, and the VM runs where it was. */
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly failure: FailureClass;
      /** The pool or a person cancelled it. */
      readonly cancelled?: true;
    }
  /** Started, and the VM runs nowhere: the migration took it with it, or somebody stopped it. */
  | { readonly kind: "lost"; readonly reason: string }
  /** The pool is not what the plan was made from: nothing more may be decided on it. */
  | { readonly kind: "overtaken"; readonly reason: string }
  /** We do not know how it ends; the migration may go on in the pool. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** Not started: we were asked to stop. */
  | { readonly kind: "stopped"; readonly reason: string }
  /** Not started: somebody or something forbids every migration by now. */
  | { readonly kind: "held"; readonly reason: string };

export function overtaken(reason: string): Outcome {
  return { kind: "overtaken", reason };
}

/** The pool knows the object no more. */
export function isGone(error: unknown): boolean {
  return error instanceof XapiError && (error.code === "UUID_INVALID" || error.code === "HANDLE_INVALID");
}

/** What a failure before the start means; anything but the pool's and our own failures is thrown on. */
export function refusal(error: unknown): Outcome {
  if (isGone(error)) return overtaken("it or a host left the pool");
  if (error instanceof XapiError) {
    if (["HOST_DISABLED", "HOST_NOT_LIVE"].includes(error.code)) return overtaken(error.message);
    return { kind: "refused", reason: error.message, failure: classifyFailure(error.code, error.params) };
  }
  // Nobody serves, or our login is refused meanwhile: no other move will fare better.
  if (error instanceof AppError) {
    return { kind: "refused", reason: describeError(error), failure: "pool" };
  }
  throw error;
}

/** Why nothing more may be done after this outcome, or null when the run may go on. */
export function endOfRun(outcome: Outcome): string | null {
  switch (outcome.kind) {
    case "overtaken":
      return "the pool changed since it was collected; the next run plans anew";
    case "unknown":
      return "how the last migration ends is not known; the next run plans anew";
    case "refused":
    case "failed":
      return outcome.failure === "pool" ? shorten(outcome.reason, longest.error) : null;
    case "lost":
      return "a VM was lost; see to it before the next run";
    case "stopped":
      return "a signal";
    case "held":
      return outcome.reason;
    case "moved":
      return null;
    default:
      return outcome satisfies never;
  }
}

/** An outcome after which the rest of the plan is not what is wanted any more. */
export type Setback = Extract<Outcome, { kind: "refused" | "failed" }>;

export function isSetback(outcome: Outcome): outcome is Setback {
  return outcome.kind === "refused" || outcome.kind === "failed";
}
