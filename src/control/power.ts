/** The part of a run that follows green rules: hosts are emptied, put to sleep and woken, one step a run. */

import { settledGate } from "../decide/gates.ts";
import { type GreenForecast, greenForecast, isIdle, type PowerInput } from "../decide/power.ts";
import { AppError, exitCode } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import type { Snapshot, StoredSnapshot, Uuid } from "../domain/pool.ts";
import { greenMoves } from "../explain/power.ts";
import { moveLine } from "../explain/report.ts";
import type { Move, Plan } from "../planner/plan.ts";
import type { PowerStep } from "../power/states.ts";
import { writeHostPower } from "../store/hostPower.ts";
import { loadPowerInput } from "../store/load/powerInput.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import type { TaskRef } from "../xapi/records.ts";
import { HostActions, type StepEnd } from "./hostActions.ts";
import type { RunResult } from "./planExecutor.ts";
import { withPool } from "./pool.ts";
import { resultReason } from "./report.ts";
import { isForPool } from "./runHooks.ts";
import { say } from "./say.ts";
import {
  type ActOptions,
  type Conclusion,
  type Course,
  ending,
  type HostWork,
  type LeasedRun,
  type StoredAssessment,
  unbounded,
} from "./strategy.ts";

/** What the green part of a run came to. */
export interface PowerTurn extends HostWork {
  /** Moves that empty a host or bring one under a limit; empty where there is nothing to move. */
  readonly moves: readonly Move[];
  readonly reason: string;
  /** A hook says no to the steps: nothing is done. */
  readonly objection?: Gate;
}

/** Does the steps with hosts that are due; null where no rule consolidates VMs and no host sleeps. Its moves are the caller's. */
export async function powerTurn(run: LeasedRun, assessment: StoredAssessment): Promise<PowerTurn | null> {
  const { db, options } = run;
  const startedMs = options.monotonicMs();
  const input = await loadPowerInput(db, options.control, assessment.stored);
  const forecast = greenForecast(assessment, options.control, input);
  if (forecast === null) return waiting(assessment, input, options);
  await keepProgress(run, assessment.stored, input, forecast);
  const { decision } = forecast;
  say(options, "green", `Green: ${decision.reason}`);
  const names = new Names(assessment.stored.snapshot);
  const steps = decision.steps.filter(isForPool);
  const objection =
    (await options.hooks?.beforePlan({ moves: [], steps }, names, run.heldLease.lost)) ?? null;
  if (objection !== null) return { moves: [], done: [], trouble: false, reason: decision.reason, objection };
  const now = () => input.hostPower.now + (options.monotonicMs() - startedMs) / 1000;
  const ends = await doSteps(run, { snapshot: assessment.stored.snapshot, input, forecast, now });
  const refusedHosts = new Set(ends.filter(({ end }) => end.kind !== "done").map(({ host }) => host));
  return {
    moves: movesOf(forecast, refusedHosts),
    done: ends.filter(({ end }) => end.kind === "done").map(({ what, host }) => `${names.of(host)}: ${what}`),
    trouble: ends.some(({ end, what }) => end.kind !== "done" && what !== "enable"),
    reason: decision.reason,
  };
}

/** Nothing is decided on measures that are not believed yet; null where there is nothing to decide. */
function waiting(
  { gate, controlState }: StoredAssessment,
  input: PowerInput,
  options: ActOptions,
): PowerTurn | null {
  const settling = settledGate(controlState);
  if (isIdle(input) || gate !== null || settling === null) return null;
  say(options, "green", `Green: waits, ${settling.measured}`);
  return { moves: [], done: [], trouble: false, reason: settling.measured };
}

/** The moves of what is emptied and relieved, but not of hosts that could not be taken out of service. */
function movesOf({ decision }: GreenForecast, refusedHosts: ReadonlySet<Uuid>): readonly Move[] {
  return greenMoves(decision).filter(({ source }) => !refusedHosts.has(source));
}

/** VMs that have left a host since the last look count as progress of its drain. */
async function keepProgress(
  { db, heldLease }: LeasedRun,
  { snapshot }: StoredSnapshot,
  { hostPower }: PowerInput,
  { states }: GreenForecast,
): Promise<void> {
  const changes = [...states].flatMap(([host, state]) =>
    state === hostPower.states.get(host)
      ? []
      : [{ host, state, reason: hostPower.reasons.get(host) ?? "", event: null }],
  );
  await writeHostPower(db, heldLease.leaseToken, snapshot.pool.uuid, changes);
}

interface Done {
  readonly host: Uuid;
  readonly what: string;
  readonly end: StepEnd;
}

/** What the steps with hosts are done by. */
interface Steps {
  readonly snapshot: Snapshot;
  readonly input: PowerInput;
  readonly forecast: GreenForecast;
  /** Seconds since 1970, by the database's clock. */
  readonly now: () => number;
}

async function doSteps(run: LeasedRun, { snapshot, input, forecast, now }: Steps): Promise<readonly Done[]> {
  const { db, heldLease, options } = run;
  const { hostPower } = input;
  const { decision, states } = forecast;
  const { steps } = decision;
  if (steps.length === 0 && hostPower.tasks.size === 0) return [];
  const names = new Names(snapshot);
  return withPool(snapshot.pool.uuid, run, async (client) => {
    const { sleep, control } = options;
    const hostActions = new HostActions(states, {
      db,
      heldLease,
      client,
      snapshot,
      now,
      pollMs: control.pollMs,
      sleep,
    });
    const ends: Done[] = [];
    for (const [host, task] of hostPower.tasks) {
      const end = await hostActions.followUp(host, task as TaskRef);
      if (end.kind !== "done") ends.push(tell({ host, what: "its task", end }, names, options));
    }
    for (const step of steps) {
      if (options.signal.aborted || heldLease.lost.aborted) break;
      const { host, kind, reason } = step;
      const why = decision.reason.includes(reason) ? "" : reason;
      ends.push(tell({ host, what: kind, end: await hostActions.do(step) }, names, options, why));
    }
    return ends;
  });
}

function tell(done: Done, names: Names, options: ActOptions, reason = ""): Done {
  const { host, what, end } = done;
  const event = end.kind === "failed" ? "alarm" : "host";
  say(options, event, textOf(done, names.of(host), reason), { host, step: what, end });
  return done;
}

function textOf({ what, end }: Done, name: string, reason: string): string {
  switch (end.kind) {
    case "done": {
      const parts = [name, words[what as PowerStep["kind"]] ?? what, reason];
      return parts.filter((part) => part !== "").join(": ");
    }
    case "failed":
      return `ALARM: ${name}: ${end.reason}; it is left alone until somebody sees to it`;
    case "refused":
      return `${name}: ${what} was not possible: ${end.reason}`;
    case "unknown":
      return `${name}: ${what} was asked for, and no answer was heard; the next run sees what came of it: ${end.reason}`;
    default:
      return end satisfies never;
  }
}

const words: Readonly<Record<PowerStep["kind"], string>> = {
  drain: "is being emptied, to sleep",
  "take back": "is taken into service again",
  "shut down": "is put to sleep",
  wake: "is woken",
  enable: "is enabled",
  "note on": "is on",
  "mark failed": "failed",
};

/** The strategy of green rules: the moves of the turn. The hour's and the run's limits are for rules that balance. */
export function consolidation(
  assessment: StoredAssessment,
  turn: PowerTurn,
  ageSeconds: () => number,
  options: ActOptions,
): Course {
  const names = new Names(assessment.stored.snapshot);
  return {
    assessment,
    planner: { first: planOfMoves(turn.moves), replan: () => null },
    control: unbounded(options.control),
    ageSeconds,
    announce: () => {},
    log: (move) => ({ rule: null, cause: "green", reason: `${turn.reason}: ${moveLine(move, names)}` }),
    conclude: (result) => conclude(result, names),
  };
}

function conclude(result: RunResult | null, names: Names): Conclusion {
  if (result === null) return { code: exitCode.done, outcome: "nothing", lines: [] };
  const moved = result.results.filter(({ outcome }) => outcome.kind === "moved").length;
  const failed = result.results.find(({ outcome }) => outcome.kind !== "moved");
  const lines = [`${plural(moved, "VM")} moved for the green rule`];
  if (failed !== undefined) lines.push(`${names.of(failed.move.vm)}: ${resultReason(failed.outcome)}`);
  else if (result.stoppedBy !== null) lines.push(`ended early: ${result.stoppedBy}`);
  return { ...ending(result), lines };
}

/** A plan that is only to be carried out: whoever made the moves has assessed them. */
function planOfMoves(moves: readonly Move[]): Plan {
  if (moves.some(({ after }) => after.length > 0))
    throw new AppError("usage", "moves of several plans that wait");
  const bytes = moves.reduce((sum, { copyBytes }) => sum + (copyBytes ?? 0), 0);
  return {
    moves,
    before: [],
    after: [],
    unresolved: [],
    absent: [],
    limited: false,
    spent: [],
    certificate: { kind: "bounded", boundBytes: 0, costBytes: bytes, gap: Number.POSITIVE_INFINITY },
    seconds: moves.reduce((sum, { seconds }) => sum + seconds, 0),
    secondsBound: 0,
    rounds: 0,
    searched: false,
  };
}
