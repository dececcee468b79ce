/**
 * The cycle of xcp-control: carry the plan out, several transfers at once where it allows that, and plan again from
 * where things stand after a setback. Never decides on old data, and says why when it does nothing.
 */

import type { PairBans } from "../decide/assess.ts";
import type { PathFailure } from "../decide/failingHosts.ts";
import { applyMove } from "../decide/moves.ts";
import type { Snapshot, Uuid } from "../domain/pool.ts";
import type { Move, Plan } from "../planner/plan.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { type ExecuteOptions, startMove, type Transfer } from "./execute.ts";
import { leaseLost } from "./heldLease.ts";
import type { Entry, Journal } from "./journal.ts";
import { endOfRun, isSetback, type Outcome } from "./outcome.ts";
import { Setbacks } from "./setbacks.ts";

/** One executed or refused move, for the report. */
export interface MoveResult {
  readonly move: Move;
  readonly outcome: Outcome;
}

export interface RunResult {
  readonly firstPlan: Plan;
  readonly lastPlan: Plan;
  readonly results: readonly MoveResult[];
  /** Set when the run ended before its plan did. */
  readonly stoppedBy: string | null;
  /** Whether what stopped it is a failure, not a limit or somebody's word. */
  readonly isTrouble: boolean;
}

/** Where a run stands when its plan met a setback: nothing is in flight. */
export interface Standpoint {
  readonly state: Snapshot;
  /** VMs and pairs that this run does not try again. */
  readonly bans: PairBans;
  /** Moves that the run may still start. */
  readonly movesLeft: number;
}

/** What is to be done, and how to plan anew after a setback; null where nothing else is wanted. */
export interface Planner {
  readonly first: Plan;
  readonly replan: (standpoint: Standpoint) => Plan | null;
}

export interface Executor {
  readonly client: XapiClient;
  readonly execute: Omit<
    ExecuteOptions,
    "begin" | "mayStart" | "onStart" | "onSubmitted" | "onProgress" | "onEnd" | "timeoutMs" | "timeoutReason"
  >;
  /** The longest that a move may take, and why. */
  readonly timeLimit: (move: Move) => { readonly timeoutMs: number; readonly timeoutReason: string };
  readonly journal: Journal;
  /** Migrations of earlier runs that broke on their way lately. */
  readonly pathFailures: readonly PathFailure[];
  /** Aborted when the lease is lost. */
  readonly lost: AbortSignal;
  /** The order to stop what runs, in words; null while there is none. */
  readonly order: () => string | null;
  /** Age of the collection at this moment. */
  readonly ageSeconds: () => number;
  /** Why somebody does not want the move; null where nobody minds. May take its time. */
  readonly objection: (move: Move) => Promise<string | null>;
  /** Tells of each move before it is tried. */
  readonly onMove: (move: Move) => void;
  /** The request leaves; and the migration ended, or is not watched any more. Each start has one end. */
  readonly onStart: (move: Move) => void;
  readonly onEnd: (move: Move) => void;
  /** A look at the running migration: a part of 1. */
  readonly onProgress: (move: Move, progress: number) => void;
  readonly onResult: (result: MoveResult) => void;
  /** The run moves nothing to this host any more. */
  readonly onFailingHost: (host: Uuid, reason: string) => void;
}

/**
 * Carries the plan out: a move starts when those that it waits for have ended and its hosts and the pool have a place
 * free. After a refusal or failure nothing more starts until what runs has ended; then it plans again from where things
 * stand, without the VM or pair that did not work. It never repeats the same move.
 */
export async function carryOut(
  snapshot: Snapshot,
  planner: Planner,
  settings: ControlSettings,
  executor: Executor,
): Promise<RunResult> {
  return new PlanExecutor(snapshot, planner, settings, executor).run();
}

/** A migration in flight that this run answers for. */
interface CarriedMigration {
  readonly index: number;
  readonly move: Move;
  readonly entry: Entry;
  readonly transfer: Transfer;
  /** Never rejects before somebody waits for it. */
  readonly landed: Promise<CarriedMigration>;
  outcome: Outcome | null;
}

interface Ending {
  readonly stoppedBy: string | null;
  readonly isTrouble: boolean;
}

class PlanExecutor {
  readonly #planner: Planner;
  readonly #settings: ControlSettings;
  readonly #executor: Executor;
  readonly #results: MoveResult[] = [];
  readonly #setbacks: Setbacks;
  readonly #inFlight = new Set<CarriedMigration>();
  /** Moves that were started. */
  #started = 0;
  #state: Snapshot;
  #plan: Plan;
  /** Moves of the plan, by index, that were tried, and that were made. */
  #tried = new Set<number>();
  #made = new Set<number>();
  /** A move of the plan did not work: the rest of it is not what is wanted any more. */
  #setback = false;
  #ending: Ending | null = null;

  constructor(snapshot: Snapshot, planner: Planner, settings: ControlSettings, executor: Executor) {
    this.#state = snapshot;
    this.#plan = planner.first;
    this.#planner = planner;
    this.#settings = settings;
    this.#executor = executor;
    this.#setbacks = new Setbacks(executor.pathFailures, executor.onFailingHost);
  }

  async run(): Promise<RunResult> {
    for (;;) {
      const index = this.#next();
      if (index !== null) await this.#start(index);
      else if (this.#inFlight.size > 0) await this.#land();
      else if (this.#ending === null && this.#setback) this.#planAnew();
      else return this.#result();
    }
  }

  /** The first move of the plan that may start now, or null. */
  #next(): number | null {
    if (this.#ending !== null || this.#setback) return null;
    if (this.#started >= this.#settings.maxMovesPerRun) return null;
    const index = this.#plan.moves.findIndex((move, each) => !this.#tried.has(each) && this.#fits(move));
    if (index < 0) return null;
    this.#ending = this.#hindrance();
    return this.#ending === null ? index : null;
  }

  #fits({ after, source, destination }: Move): boolean {
    const { maxMigrationsInPool, transfersPerHost } = this.#settings;
    const moves = [...this.#inFlight].map(({ move }) => move);
    const busy = (host: Uuid) =>
      moves.filter((each) => each.source === host || each.destination === host).length;
    return (
      moves.length < maxMigrationsInPool &&
      busy(source) < transfersPerHost &&
      busy(destination) < transfersPerHost &&
      after.every((before) => this.#made.has(before))
    );
  }

  /** What forbids any further start by now. */
  #hindrance(): Ending | null {
    const { lost, execute, order, ageSeconds } = this.#executor;
    if (lost.aborted) return { stoppedBy: leaseLost, isTrouble: true };
    if (execute.stop.aborted) return { stoppedBy: "a signal", isTrouble: false };
    const ordered = order();
    if (ordered !== null) return { stoppedBy: ordered, isTrouble: false };
    const age = ageSeconds();
    const { snapshotMaxAgeSeconds } = this.#settings;
    if (age <= snapshotMaxAgeSeconds) return null;
    const limit = `limit ${snapshotMaxAgeSeconds} s (ControlSnapshotMaxAgeSeconds)`;
    const stoppedBy = `the collection is ${Math.round(age)} s old by now, ${limit}; the next run plans anew`;
    return { stoppedBy, isTrouble: false };
  }

  async #start(index: number): Promise<void> {
    const move = this.#plan.moves[index];
    if (move === undefined) return;
    this.#tried.add(index);
    this.#executor.onMove(move);
    const entry = this.#executor.journal.entry(move);
    const objection = await this.#executor.objection(move);
    // Meanwhile the lease may have gone, the data have aged, somebody have stopped the run.
    this.#ending = this.#hindrance();
    if (this.#ending !== null) return;
    if (objection !== null) {
      return this.#settle(index, move, entry, { kind: "refused", reason: objection, failure: "later" });
    }
    const own = new Set([...this.#inFlight].flatMap(({ transfer }) => transfer.task ?? []));
    const begun = await startMove(this.#executor.client, move, own, this.#options(move, entry));
    if ("kind" in begun) return this.#settle(index, move, entry, begun);
    this.#started++;
    const migration: CarriedMigration = {
      index,
      move,
      entry,
      transfer: begun,
      landed: landing(),
      outcome: null,
    };
    this.#inFlight.add(migration);

    async function landing(): Promise<CarriedMigration> {
      const outcome = await (begun as Transfer).end;
      entry.ended();
      migration.outcome = outcome;
      return migration;
    }
  }

  #options(move: Move, entry: Entry): ExecuteOptions {
    const { execute, journal, onStart, onEnd, onProgress, timeLimit } = this.#executor;
    return {
      ...execute,
      ...timeLimit(move),
      begin: () => entry.begin(),
      mayStart: () => journal.mayStart(),
      onStart: () => {
        onStart(move);
        entry.starting();
      },
      onSubmitted: (task) => entry.submitted(task),
      onProgress: (progress) => onProgress(move, progress),
      onEnd: () => onEnd(move),
    };
  }

  /** Waits for the first of those in flight to end. */
  async #land(): Promise<void> {
    const migration = await Promise.race([...this.#inFlight].map(({ landed }) => landed));
    this.#inFlight.delete(migration);
    if (migration.outcome !== null)
      await this.#settle(migration.index, migration.move, migration.entry, migration.outcome);
  }

  async #settle(index: number, move: Move, entry: Entry, outcome: Outcome): Promise<void> {
    const result = { move, outcome };
    this.#results.push(result);
    this.#executor.onResult(result);
    const trouble = await entry.settle(outcome);
    if (outcome.kind === "moved") {
      this.#made.add(index);
      this.#state = applyMove(this.#state, move.vm, move.source, move.destination);
      this.#setbacks.banVm(move.vm, "this run moved it already");
    } else if (isSetback(outcome)) {
      this.#setback = true;
      this.#setbacks.add(move, outcome, this.#state);
    }
    this.#ending = this.#ending ?? this.#endingAfter(outcome, trouble);
  }

  #endingAfter(outcome: Outcome, trouble: string | null): Ending | null {
    if (this.#executor.lost.aborted) return { stoppedBy: leaseLost, isTrouble: true };
    if (trouble !== null) return { stoppedBy: trouble, isTrouble: true };
    const stoppedBy = this.#executor.order() ?? endOfRun(outcome);
    return stoppedBy === null ? null : { stoppedBy, isTrouble: false };
  }

  #planAnew(): void {
    this.#setback = false;
    if (this.#started >= this.#settings.maxMovesPerRun) {
      this.#plan = { ...this.#plan, moves: [] };
      return;
    }
    const next = this.#planner.replan({
      state: this.#state,
      bans: this.#setbacks.bans,
      movesLeft: this.#settings.maxMovesPerRun - this.#started,
    });
    if (next === null) this.#ending = { stoppedBy: "a move of the plan was not possible", isTrouble: false };
    else {
      this.#plan = next;
      this.#tried = new Set();
      this.#made = new Set();
    }
  }

  #result(): RunResult {
    return {
      firstPlan: this.#planner.first,
      lastPlan: this.#plan,
      results: this.#results,
      ...(this.#ending ?? { stoppedBy: null, isTrouble: false }),
    };
  }
}
