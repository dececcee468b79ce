/**
 * The cycle of xcp-control: load, check, plan, carry out, plan again from where things stand. Never decides on old
 * data, and says why when it does nothing.
 */
import { pairKey } from "../planner/facts.ts";
import type { Move, Plan } from "../planner/plan.ts";
import type { PairBans } from "../planning/judge.ts";
import { applyMove } from "../planning/moves.ts";
import type { Snapshot, Uuid } from "../pool.ts";
import type { ControlSettings } from "../settings.ts";
import type { XapiClient } from "../xapi/client.ts";
import { type ExecuteOptions, executeMove } from "./execute.ts";
import type { Journal } from "./journal.ts";
import type { Outcome } from "./outcome.ts";

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

/** What is to be done, and how to plan anew after a setback; null where nothing else is wanted. */
export interface Planner {
  readonly first: Plan;
  readonly replan: (state: Snapshot, bans: PairBans, movesLeft: number) => Plan | null;
}

export interface Executor {
  readonly client: XapiClient;
  readonly execute: Omit<
    ExecuteOptions,
    "begin" | "mayStart" | "onSubmitted" | "timeoutMs" | "timeoutReason"
  >;
  /** The longest that a move may take, and why. */
  readonly timeLimit: (move: Move) => { readonly timeoutMs: number; readonly timeoutReason: string };
  readonly journal: Journal;
  /** Aborted when the lease is lost. */
  readonly lost: AbortSignal;
  /** Age of the collection at this moment. */
  readonly ageSeconds: () => number;
  /** Tells of each move before it is tried, and how it ended. */
  readonly onMove: (move: Move) => void;
  readonly onResult: (result: MoveResult) => void;
}

/**
 * Carries the plan out, one migration at a time. After a refusal or failure it plans again from where things stand,
 * without the VM or pair that did not work; it never repeats the same move.
 */
export async function carryOut(
  snapshot: Snapshot,
  planner: Planner,
  settings: ControlSettings,
  executor: Executor,
): Promise<RunResult> {
  const plan = planner.first;
  const bans = { vms: new Map<Uuid, string>(), pairs: new Map<string, string>() };
  const results: MoveResult[] = [];
  let state = snapshot;
  let current = plan;
  let started = 0;
  for (;;) {
    const move = current.moves[0];
    if (move === undefined || started >= settings.maxMovesPerRun) break;
    if (executor.lost.aborted) return finish(leaseLost, true);
    if (executor.execute.stop.aborted) return finish("a signal");
    const age = executor.ageSeconds();
    if (age > settings.snapshotMaxAgeSeconds) {
      const limit = `limit ${settings.snapshotMaxAgeSeconds} s (ControlSnapshotMaxAgeSeconds)`;
      return finish(`the collection is ${Math.round(age)} s old by now, ${limit}; the next run plans anew`);
    }
    executor.onMove(move);
    const outcome = await executeMove(executor.client, move, executeOptions(executor, move));
    const result = { move, outcome };
    results.push(result);
    executor.onResult(result);
    const end = await executor.journal.settle(outcome);
    if (executor.lost.aborted) return finish(leaseLost, true);
    if (end !== null) return finish(end, true);
    if (outcome.kind === "moved") {
      started++;
      state = applyMove(state, move.vm, move.source, move.destination);
      bans.vms.set(move.vm, "this run moved it already");
      current = { ...current, moves: current.moves.slice(1) };
    } else {
      const end = endOfRun(outcome);
      if (end !== null || !isSetback(outcome)) return finish(end);
      if (outcome.kind === "failed") started++;
      ban(bans, move, outcome);
      const next = planner.replan(state, bans, settings.maxMovesPerRun - started);
      if (next === null) return finish("a move of the plan was not possible");
      current = next;
    }
  }
  return finish(null);

  function finish(stoppedBy: string | null, isTrouble = false): RunResult {
    return { firstPlan: plan, lastPlan: current, results, stoppedBy, isTrouble };
  }
}

const leaseLost = "the lease was lost: another run may act now";

function executeOptions(executor: Executor, move: Move): ExecuteOptions {
  const { execute, journal } = executor;
  return {
    ...execute,
    ...executor.timeLimit(move),
    begin: () => journal.begin(move),
    mayStart: () => journal.mayStart(),
    onStart: () => {
      execute.onStart();
      journal.starting();
    },
    onSubmitted: (task) => journal.submitted(task),
  };
}

/** Why nothing more may be done after this outcome, or null when the run may go on. */
function endOfRun(outcome: Outcome): string | null {
  switch (outcome.kind) {
    case "overtaken":
      return "the pool changed since it was collected; the next run plans anew";
    case "unknown":
      return "how the last migration ends is not known; the next run plans anew";
    case "refused":
    case "failed":
      return outcome.failure === "stop" ? outcome.reason : null;
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

type Setback = Extract<Outcome, { kind: "refused" | "failed" }>;

function isSetback(outcome: Outcome): outcome is Setback {
  return outcome.kind === "refused" || outcome.kind === "failed";
}

function ban(
  bans: { vms: Map<Uuid, string>; pairs: Map<string, string> },
  move: Move,
  outcome: Setback,
): void {
  if (outcome.failure === "never-this-pair")
    bans.pairs.set(pairKey(move.vm, move.destination), outcome.reason);
  else bans.vms.set(move.vm, outcome.reason);
}
