/** Writes down what is about to be done and what came of it, so that whoever comes next can go on from there. */

import { AppError } from "../domain/errors.ts";
import type { EndState, FailureClass, MigrationCause } from "../domain/migration.ts";
import type { Rule } from "../domain/rule.ts";
import type { Move } from "../planner/plan.ts";
import type { Database } from "../store/connection.ts";
import { closeMigration, type Hindrance, markSubmitted, planMigration } from "../store/migrations.ts";
import { plural } from "../text/format.ts";
import { type HeldLease, leaseLost } from "./heldLease.ts";
import type { Outcome } from "./outcome.ts";

export interface JournalOptions {
  readonly collectionId: number;
  /** The newest change of rules that the plan has seen. */
  readonly ruleRevision: number | undefined;
  readonly maxMovesPerHour: number;
  readonly monotonicMs: () => number;
  /** The move in words, kept as its reason, and the rule that it serves. */
  readonly log: (move: Move) => {
    readonly reason: string;
    readonly rule: Rule | null;
    readonly cause: MigrationCause;
  };
}

/** The journal of one run. */
export class Journal {
  readonly #db: Database;
  readonly #heldLease: HeldLease;
  readonly #options: JournalOptions;

  constructor(db: Database, heldLease: HeldLease, options: JournalOptions) {
    this.#db = db;
    this.#heldLease = heldLease;
    this.#options = options;
  }

  /** The page of one move; nothing is written yet. */
  entry(move: Move): Entry {
    return new Entry(this.#db, this.#heldLease, move, this.#options);
  }

  /** Asked with nothing between the answer and the call to the pool. */
  mayStart(): boolean {
    if (this.#heldLease.mayStart()) return true;
    this.#heldLease.giveUp("it could not be renewed in time");
    return false;
  }
}

/** One move in the journal: its row, once it is meant to be made. */
export class Entry {
  readonly #db: Database;
  readonly #heldLease: HeldLease;
  readonly #move: Move;
  readonly #options: JournalOptions;
  #id: string | null = null;
  #startedMs: number | null = null;
  #endedMs: number | null = null;

  constructor(db: Database, heldLease: HeldLease, move: Move, options: JournalOptions) {
    this.#db = db;
    this.#heldLease = heldLease;
    this.#move = move;
    this.#options = options;
  }

  /** Commits the intent to make the move; why it may not be made, or null. */
  async begin(): Promise<Outcome | null> {
    const { vm, source, destination, copyBytes, mean, seconds: expectedSeconds } = this.#move;
    const { sourceBefore, sourceAfter, destinationBefore, destinationAfter } = this.#move;
    const { ruleRevision } = this.#options;
    const intent = {
      vm,
      source,
      destination,
      ...this.#options.log(this.#move),
      figures: {
        mean,
        sourceBefore,
        sourceAfter,
        destinationBefore,
        destinationAfter,
        expectedSeconds,
        ruleRevision,
      },
      collectionId: this.#options.collectionId,
      memoryBytes: copyBytes,
    };
    const planned = await planMigration(
      this.#db,
      this.#heldLease.leaseToken,
      intent,
      this.#options.maxMovesPerHour,
    );
    if (!("id" in planned)) {
      if (planned.kind === "lease") this.#heldLease.giveUp();
      return held(planned, this.#options.maxMovesPerHour);
    }
    this.#id = planned.id;
    return null;
  }

  /** The request is about to leave: the time of the migration counts from here. */
  starting(): void {
    this.#startedMs = this.#options.monotonicMs();
  }

  /** The migration ended, though its row may be closed later. */
  ended(): void {
    this.#endedMs = this.#options.monotonicMs();
  }

  /** The pool took the request. The migration is watched whether or not that can be written down. */
  async submitted(task: string): Promise<void> {
    if (this.#id === null) return;
    try {
      await markSubmitted(this.#db, this.#heldLease.leaseToken, this.#id, task);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }

  /** Closes the row; why the run must end, or null. A migration whose end is not known stays open for the next run. */
  async settle(outcome: Outcome): Promise<string | null> {
    const state = endState(outcome);
    if (this.#id === null || state === null) return null;
    const error = outcome.kind === "moved" ? null : outcome.reason;
    const seconds = outcome.kind === "moved" ? this.#seconds() : null;
    const closing = await closeMigration(this.#db, this.#heldLease.leaseToken, this.#id, {
      state,
      error,
      seconds,
      failure: failureOf(outcome),
    });
    if (closing === "lease lost") {
      this.#heldLease.giveUp();
      return leaseLost;
    }
    return closing === "breaker opened" ? breakerOpened : null;
  }

  #seconds(): number | null {
    if (this.#startedMs === null) return null;
    return Math.max(0, (this.#endedMs ?? this.#options.monotonicMs()) - this.#startedMs) / 1000;
  }
}

/** What a run says when its failures were too many. */
export const breakerOpened =
  "too many migrations failed: the breaker is open, nothing is started until it closes (xcp-control --ack)";

/** What a failure or refusal says of; null of any other outcome. */
export function failureOf(outcome: Outcome): FailureClass | null {
  return outcome.kind === "failed" || outcome.kind === "refused" ? outcome.failure : null;
}

/** The state that the outcome of a migration means; null where its end is not known. */
export function endState(outcome: Outcome): EndState | null {
  switch (outcome.kind) {
    case "moved":
      return "succeeded";
    case "failed":
      return outcome.cancelled === true ? "cancelled" : "failed";
    case "refused":
    case "stopped":
    case "held":
      return "refused";
    case "lost":
    case "overtaken":
      return outcome.kind;
    case "unknown":
      return null;
    default:
      return outcome satisfies never;
  }
}

function held(hindrance: Hindrance, maxPerHour: number): Outcome {
  switch (hindrance.kind) {
    case "lease":
      return { kind: "held", reason: leaseLost };
    case "paused": {
      const why = hindrance.reason === "" ? "" : ` (${hindrance.reason})`;
      return { kind: "held", reason: `paused by ${hindrance.by === "" ? "somebody" : hindrance.by}${why}` };
    }
    case "breaker":
      return { kind: "held", reason: `the breaker is open: ${hindrance.reason}` };
    case "hour":
      return {
        kind: "held",
        reason: `${plural(hindrance.count, "migration")} within the last hour, limit ${maxPerHour} (ControlMaxMovesPerHour)`,
      };
    case "open":
      return { kind: "refused", reason: "a migration of it is not closed yet", failure: "later" };
    case "stale":
      return { kind: "overtaken", reason: "a migration of another run ended since the collection began" };
    default:
      return hindrance satisfies never;
  }
}
