/**
 * The cycle of xcp-control: load, check, plan, carry out, plan again from where things stand. Never decides on old
 * data, and says why when it does nothing.
 */
import type { Snapshot, StoredSnapshot, Uuid } from "../pool.ts";
import type { Rule } from "../rule.ts";
import type { ControlSettings } from "../settings.ts";
import type { XapiClient } from "../xapi/client.ts";
import { type ExecuteOptions, executeMove } from "./execute.ts";
import { applyMove, pairKey } from "./moves.ts";
import type { Outcome } from "./outcome.ts";
import { type Move, type Plan, planMigrations } from "./plan.ts";

/** A condition that must hold before anything is planned; the first that does not ends the run. */
export interface Gate {
  readonly name: string;
  readonly measured: string;
  readonly limit: string;
  readonly advice: string;
}

/**
 * The first gate that is closed for this snapshot, or null when all are open. `poolUuid` is the pool that the settings
 * mean, null where they name none.
 */
export function closedGate(
  stored: StoredSnapshot | null,
  maxAgeSeconds: number,
  poolUuid: string | null = null,
): Gate | null {
  if (stored === null) {
    return {
      name: "collection",
      measured: "none was ever stored",
      limit: "one at least",
      advice: "run xcp-collect first",
    };
  }
  const { collection, ageSeconds, snapshot } = stored;
  // A collection from the future means that the database's clock was set back: its age is anybody's guess.
  if (!(Math.abs(ageSeconds) <= maxAgeSeconds)) {
    return {
      name: "age of data",
      measured: Number.isFinite(ageSeconds)
        ? `collected ${Math.round(ageSeconds)} s ago`
        : "never collected by xcp-collect",
      limit: `${maxAgeSeconds} s (ControlSnapshotMaxAgeSeconds)`,
      advice: "run xcp-collect; is it still in cron?",
    };
  }
  if (!collection.complete) {
    return {
      name: "completeness",
      measured: `${collection.hostsUnread} of ${collection.hostsRead + collection.hostsUnread} hosts unread`,
      limit: "CollectUnreadHostsPercent",
      advice: "see why xcp-collect cannot read them",
    };
  }
  if (poolUuid !== null && poolUuid.toLowerCase() !== snapshot.pool.uuid.toLowerCase()) {
    return {
      name: "pool",
      measured: `the collection is of ${snapshot.pool.uuid}`,
      limit: `${poolUuid} (XenPoolUuid)`,
      advice: "do both programs mean the same pool and database?",
    };
  }
  if (snapshot.pool.rollingUpgrade) {
    return {
      name: "rolling upgrade",
      measured: "one is in progress",
      limit: "none",
      advice: "wait until the upgrade is over",
    };
  }
  if (snapshot.pool.wlbEnabled) {
    return {
      name: "workload balancing",
      measured: "the pool's own WLB is on",
      limit: "off",
      advice: "two balancers fight each other: keep one (xe pool-param-set wlb-enabled=false)",
    };
  }
  return null;
}

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
}

export interface Executor {
  readonly client: XapiClient;
  readonly execute: ExecuteOptions;
  /** Age of the collection at this moment. */
  readonly ageSeconds: () => number;
  /** Tells of each move before it is tried, and how it ended. */
  readonly onMove: (move: Move) => void;
  readonly onResult: (result: MoveResult) => void;
}

/** The plan for `snapshot` under the settings, with nothing banned yet. */
export function firstPlan(snapshot: Snapshot, rules: readonly Rule[], settings: ControlSettings): Plan {
  return planMigrations(snapshot, rules, {
    maxMoves: settings.maxMovesPerRun,
    headroomBytes: settings.headroomBytes,
    bannedVms: new Map(),
    bannedPairs: new Map(),
  });
}

/**
 * Carries the plan out, one migration at a time. After a refusal or failure it plans again from where things stand,
 * without the VM or pair that did not work; it never repeats the same move.
 */
export async function carryOut(
  snapshot: Snapshot,
  rules: readonly Rule[],
  settings: ControlSettings,
  executor: Executor,
): Promise<RunResult> {
  const plan = firstPlan(snapshot, rules, settings);
  const bans = { vms: new Map<Uuid, string>(), pairs: new Map<string, string>() };
  const results: MoveResult[] = [];
  let state = snapshot;
  let current = plan;
  let started = 0;
  for (;;) {
    const move = current.moves[0];
    if (move === undefined || started >= settings.maxMovesPerRun) break;
    if (executor.execute.stop.aborted) return finish("a signal");
    const age = executor.ageSeconds();
    if (age > settings.snapshotMaxAgeSeconds) {
      const limit = `limit ${settings.snapshotMaxAgeSeconds} s (ControlSnapshotMaxAgeSeconds)`;
      return finish(`the collection is ${Math.round(age)} s old by now, ${limit}; the next run plans anew`);
    }
    executor.onMove(move);
    const outcome = await executeMove(executor.client, move, executor.execute);
    const result = { move, outcome };
    results.push(result);
    executor.onResult(result);
    if (outcome.kind === "moved") {
      started++;
      state = applyMove(state, move.vm, move.source, move.destination);
      bans.vms.set(move.vm, "this run moved it already");
    } else {
      const end = endOfRun(outcome);
      if (end !== null || !isSetback(outcome)) return finish(end);
      if (outcome.kind === "failed") started++;
      ban(bans, move, outcome);
    }
    current = planMigrations(state, rules, {
      maxMoves: settings.maxMovesPerRun - started,
      headroomBytes: settings.headroomBytes,
      bannedVms: bans.vms,
      bannedPairs: bans.pairs,
    });
  }
  return finish(null);

  function finish(stoppedBy: string | null): RunResult {
    return { firstPlan: plan, lastPlan: current, results, stoppedBy };
  }
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
