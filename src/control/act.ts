/** The part of a run that talks to the pool: closes what earlier runs left open, and carries the plan out. */

import { type Assessment, pairsOf, planOf } from "../decide/assess.ts";
import type { ControlState } from "../domain/controlState.ts";
import { exitCode } from "../domain/errors.ts";
import type { Migration } from "../domain/migration.ts";
import { type CostBook, limitSeconds } from "../domain/migrationCost.ts";
import { emptySnapshot, type StoredSnapshot, type Uuid } from "../domain/pool.ts";
import { moveJson } from "../explain/planJson.ts";
import { moveLine } from "../explain/report.ts";
import type { Plan } from "../planner/plan.ts";
import type { ControlSettings, XenSettings } from "../settings/settings.ts";
import type { Database } from "../store/connection.ts";
import type { RunOutcome } from "../store/runs.ts";
import { bytes } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { connectXapi } from "../xapi/client.ts";
import { xapiOptions } from "../xapi/options.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { CallLimit } from "./calls.ts";
import { carryOut, type Planner, type RunResult } from "./control.ts";
import type { HeldLease } from "./heldLease.ts";
import { Journal, type JournalOptions } from "./journal.ts";
import { reconcile } from "./reconcile.ts";
import { runLines } from "./report.ts";
import { announce, type Reporter, say, sayOffTerminal } from "./say.ts";
import { Transfers, type Watched } from "./transfers.ts";
import type { WatchOptions } from "./watch.ts";

export interface ActOptions extends Reporter {
  readonly xen: XenSettings;
  readonly control: ControlSettings;
  readonly signal: AbortSignal;
  readonly graceMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
}

/** How a run ended, for the exit code and for the table ProgramRun. */
export interface RunEnd {
  readonly code: number;
  readonly outcome: RunOutcome;
  readonly detail: string;
}

/** Closes what earlier runs left open; how the run ends where that cannot be done, else null. */
export async function closeOpen(
  db: Database,
  heldLease: HeldLease,
  controlState: ControlState,
  stored: StoredSnapshot | null,
  options: ActOptions,
): Promise<RunEnd | null> {
  const names = new Names(stored?.snapshot ?? emptySnapshot);
  const poolUuid = options.xen.poolUuid ?? stored?.snapshot.pool.uuid ?? null;
  const what = ({ vm, source, destination }: Migration) =>
    `${names.of(vm)} (${vm}) from ${names.of(source)} to ${names.of(destination)}`;
  const transfers = new Transfers(options, names, options.monotonicMs);
  return withPool(poolUuid, heldLease, options, async (client, calls) => {
    const why = await reconcile(controlState.open, {
      client,
      db,
      heldLease,
      watch: (migration) => ({
        ...watchOptions(heldLease, options),
        ...leftOfLimit(migration, controlState.costs, options.control),
        onProgress: (progress) => transfers.progress(migration.vm, progress),
      }),
      onAdopted: (migration) => {
        calls.migrating++;
        say(options, "adopted", `An earlier run's migration still runs: ${what(migration)}`, ids(migration));
        transfers.begin(
          { ...migration, ...expected(migration, migration.memoryBytes, controlState.costs) },
          migration.plannedSecondsAgo,
        );
      },
      onWatched: ({ vm }) => {
        calls.migrating--;
        transfers.end(vm);
      },
      onClosed: (migration, end) => {
        const error = end.error === null ? "" : `: ${end.error}`;
        say(options, "closed", `An earlier run's migration ${end.state}: ${what(migration)}${error}`, {
          ...ids(migration),
          ...end,
        });
      },
      onLeft: (migration, reason) => {
        say(options, "left", `An earlier run's migration stays open: ${what(migration)}: ${reason}`, {
          ...ids(migration),
          reason,
        });
      },
    });
    if (why === null) return null;
    say(options, "summary", `ended early: ${why}`);
    return { code: exitCode.partly, outcome: "partly", detail: why };
  });
}

/** The plan that control carries out to keep the rules, and how it goes on after a setback. */
export function plannerFor(
  assessment: Assessment & { readonly stored: StoredSnapshot },
  first: Plan,
  control: ControlSettings,
): Planner {
  const pairs = pairsOf(assessment.stored.snapshot, assessment.bans);
  return {
    first,
    replan: ({ state, bans, movesLeft }) => {
      const all = {
        vms: new Map([...assessment.bans.vms, ...bans.vms]),
        pairs: new Map([...pairs, ...bans.pairs]),
      };
      return planOf(assessment, control, state, all, movesLeft);
    },
  };
}

/** How a run logs its moves and what it says in the end. */
export interface RunKind {
  readonly log: JournalOptions["log"];
  readonly conclude: (result: RunResult) => Conclusion;
}

/** What a run came to: a line each, the first for the list of runs. */
export interface Conclusion extends Omit<RunEnd, "detail"> {
  readonly lines: readonly string[];
}

/** The kind of a run that keeps the rules. */
export function ruleKeeping(names: Names): RunKind {
  return {
    log: (move) => ({ rule: move.rule, cause: "rules", reason: moveLine(move, names) }),
    conclude: (result) => ({ ...ending(result), lines: runLines(result, names) }),
  };
}

/** Carries a plan out. */
export async function act(
  db: Database,
  heldLease: HeldLease,
  assessment: Assessment & { readonly stored: StoredSnapshot; readonly ageSeconds: () => number },
  planner: Planner,
  options: ActOptions,
  runKind: RunKind = ruleKeeping(new Names(assessment.stored.snapshot)),
): Promise<RunEnd> {
  const { stored, controlState } = assessment;
  const { snapshot } = stored;
  const names = new Names(snapshot);
  const transfers = new Transfers(options, names, options.monotonicMs);
  return withPool(snapshot.pool.uuid, heldLease, options, async (client, calls) => {
    const result = await carryOut(snapshot, planner, options.control, {
      client,
      ageSeconds: assessment.ageSeconds,
      lost: heldLease.lost,
      journal: new Journal(db, heldLease, {
        collectionId: stored.collection.id,
        maxMovesPerHour: options.control.maxMovesPerHour,
        monotonicMs: options.monotonicMs,
        log: runKind.log,
      }),
      timeLimit: ({ source, destination, copyBytes }) =>
        timeLimit(source, destination, copyBytes, controlState.costs, options.control),
      execute: {
        ...watchOptions(heldLease, options),
        maxInPool: options.control.maxMigrationsInPool,
      },
      onMove: (move) => say(options, "move", moveLine(move, names), moveJson(move, names)),
      onStart: (move) => {
        calls.migrating++;
        sayOffTerminal(options, "start", "Starting Migration ...", { vm: move.vm });
        transfers.begin({ ...move, ...expected(move, move.copyBytes, controlState.costs) });
      },
      onProgress: ({ vm }, progress) => transfers.progress(vm, progress),
      onEnd: ({ vm }) => {
        calls.migrating--;
        transfers.end(vm);
      },
      onResult: (each) => announce(each, names, options),
    });
    const { lines, code, outcome } = runKind.conclude(result);
    for (const line of lines) say(options, "summary", line);
    return { code, outcome, detail: lines.slice(0, 2).join("; ") };
  });
}

/** Runs `work` with a connection to the pool. */
export async function withPool<T>(
  poolUuid: string | null,
  heldLease: HeldLease,
  options: ActOptions,
  work: (client: XapiClient, calls: CallLimit) => Promise<T>,
): Promise<T> {
  const calls = new CallLimit(options.signal, heldLease.lost, options.graceMs);
  try {
    const client = await connectXapi(xapiOptions({ ...options.xen, poolUuid }, "xcp-control", calls.signal));
    try {
      return await work(client, calls);
    } finally {
      await client.close();
    }
  } finally {
    calls.close();
  }
}

function watchOptions(
  heldLease: HeldLease,
  { control, signal, graceMs, sleep, monotonicMs }: ActOptions,
): Omit<WatchOptions, "timeoutMs" | "timeoutReason" | "onProgress"> {
  return { pollMs: control.pollMs, stop: signal, lost: heldLease.lost, graceMs, sleep, monotonicMs };
}

function expected(
  { source, destination }: { readonly source: Uuid; readonly destination: Uuid },
  memoryBytes: number | null,
  costs: CostBook,
): Pick<Watched, "bytes" | "expectedSeconds"> {
  return { bytes: memoryBytes, expectedSeconds: costs.seconds(source, destination, memoryBytes) };
}

type Limit = Pick<WatchOptions, "timeoutMs" | "timeoutReason">;

/** From the memory and what the pool's migrations have shown; the settings' limit where that is less. */
function timeLimit(
  source: Uuid,
  destination: Uuid,
  memoryBytes: number | null,
  costs: CostBook,
  { migrationTimeoutMs }: ControlSettings,
): Limit {
  const seconds = limitSeconds(costs.seconds(source, destination, memoryBytes), migrationTimeoutMs / 1000);
  if (seconds * 1000 >= migrationTimeoutMs) {
    return { timeoutMs: migrationTimeoutMs, timeoutReason: "ControlMigrationMinutes" };
  }
  const rate = bytes(costs.of(source, destination).bytesPerSecond, "MB");
  const memory = bytes(memoryBytes ?? 0, "MB");
  return {
    timeoutMs: seconds * 1000,
    timeoutReason: `three times what ${memory} take at ${rate}/s, 4 min at least`,
  };
}

function leftOfLimit(migration: Migration, costs: CostBook, control: ControlSettings): Limit {
  const { source, destination, memoryBytes, plannedSecondsAgo } = migration;
  const limit = timeLimit(source, destination, memoryBytes, costs, control);
  return { ...limit, timeoutMs: Math.max(0, limit.timeoutMs - plannedSecondsAgo * 1000) };
}

function ids({ vm, source, destination }: Migration): object {
  return { vm, from: source, to: destination };
}

/** The exit code of a run that keeps the rules. */
export function ending({ results, isTrouble }: RunResult): Omit<RunEnd, "detail"> {
  const moved = results.some(({ outcome }) => outcome.kind === "moved");
  const troubled =
    isTrouble || results.some(({ outcome }) => !["moved", "refused", "held"].includes(outcome.kind));
  const halted = results.some(({ outcome }) => outcome.kind === "refused" && outcome.failure === "stop");
  if (halted && !moved) return { code: exitCode.couldNotRun, outcome: "failed" };
  if (troubled || halted) return { code: exitCode.partly, outcome: "partly" };
  return { code: exitCode.done, outcome: "done" };
}
