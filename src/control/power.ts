/** The part of a run that follows green rules: hosts are emptied, put to sleep and woken, one step a run. */

import type { Assessment } from "../decide/assess.ts";
import { settledGate } from "../decide/gates.ts";
import { type GreenForecast, greenForecast, isIdle, type PowerInput } from "../decide/power.ts";
import { AppError, exitCode } from "../domain/errors.ts";
import type { StoredSnapshot, Uuid } from "../domain/pool.ts";
import { greenMoves } from "../explain/power.ts";
import { moveLine } from "../explain/report.ts";
import type { Move, Plan } from "../planner/plan.ts";
import type { PowerStep } from "../power/states.ts";
import type { Database } from "../store/connection.ts";
import { writeHostPower } from "../store/hostPower.ts";
import { loadPowerInput } from "../store/load/powerInput.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import type { TaskRef } from "../xapi/records.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { type ActOptions, act, ending, type RunEnd, type RunKind, withPool } from "./act.ts";
import type { HeldLease } from "./heldLease.ts";
import { HostActions, type StepEnd } from "./hostActions.ts";
import { resultReason } from "./report.ts";
import { say } from "./say.ts";

/** What the green part of a run came to. */
export interface PowerTurn {
  /** Moves that empty a host or bring one under a limit; empty where there is nothing to move. */
  readonly moves: readonly Move[];
  /** What was done, a line each. */
  readonly done: readonly string[];
  /** A host did not wake, or the pool refused something. */
  readonly trouble: boolean;
  readonly reason: string;
}

type StoredAssessment = Assessment & { readonly stored: StoredSnapshot };

/** Does the steps with hosts that are due; null where no rule consolidates VMs and no host sleeps. Its moves are the caller's. */
export async function powerTurn(
  db: Database,
  heldLease: HeldLease,
  assessment: StoredAssessment,
  options: ActOptions,
): Promise<PowerTurn | null> {
  const startedMs = options.monotonicMs();
  const input = await loadPowerInput(db, options.control, assessment.stored);
  const forecast = greenForecast(assessment, options.control, input);
  if (forecast === null) return waiting(assessment, input, options);
  await keepProgress(db, heldLease, assessment.stored, input, forecast);
  const { decision } = forecast;
  say(options, "green", `Green: ${decision.reason}`);
  const ends = await doSteps(db, heldLease, assessment.stored, input, forecast, options, () => {
    return input.hostPower.now + (options.monotonicMs() - startedMs) / 1000;
  });
  const names = new Names(assessment.stored.snapshot);
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
  db: Database,
  heldLease: HeldLease,
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

async function doSteps(
  db: Database,
  heldLease: HeldLease,
  { snapshot }: StoredSnapshot,
  { hostPower }: PowerInput,
  { decision, states }: GreenForecast,
  options: ActOptions,
  now: () => number,
): Promise<readonly Done[]> {
  const { steps } = decision;
  if (steps.length === 0 && hostPower.tasks.size === 0) return [];
  const names = new Names(snapshot);
  return withPool(snapshot.pool.uuid, heldLease, options, async (client: XapiClient) => {
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
      if (end.kind !== "done") ends.push(tell({ host, what: "its task", end }, "", names, options));
    }
    for (const step of steps) {
      if (options.signal.aborted || heldLease.lost.aborted) break;
      const { host, kind, reason } = step;
      const why = decision.reason.includes(reason) ? "" : reason;
      ends.push(tell({ host, what: kind, end: await hostActions.do(step) }, why, names, options));
    }
    return ends;
  });
}

function tell(done: Done, reason: string, names: Names, options: ActOptions): Done {
  const { host, what, end } = done;
  const name = names.of(host);
  const [event, text] =
    end.kind === "done"
      ? [
          "host",
          [name, words[what as PowerStep["kind"]] ?? what, reason].filter((part) => part !== "").join(": "),
        ]
      : end.kind === "failed"
        ? ["alarm", `ALARM: ${name}: ${end.reason}; it is left alone until somebody sees to it`]
        : ["host", `${name}: ${what} was not possible: ${end.reason}`];
  say(options, event, text, { host, step: what, end });
  return done;
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

/** Carries out the moves of the turn; the hour's and the run's limits are for rules that balance. */
export async function consolidate(
  db: Database,
  heldLease: HeldLease,
  assessment: StoredAssessment & { readonly ageSeconds: () => number },
  turn: PowerTurn,
  options: ActOptions,
): Promise<RunEnd> {
  const control = {
    ...options.control,
    maxMovesPerRun: Number.POSITIVE_INFINITY,
    maxMovesPerHour: Number.POSITIVE_INFINITY,
  };
  const planner = { first: planOfMoves(turn.moves), replan: () => null };
  return act(
    db,
    heldLease,
    assessment,
    planner,
    { ...options, control },
    consolidation(assessment.stored, turn),
  );
}

function consolidation({ snapshot }: StoredSnapshot, turn: PowerTurn): RunKind {
  const names = new Names(snapshot);
  return {
    log: (move) => ({ rule: null, cause: "green", reason: `${turn.reason}: ${moveLine(move, names)}` }),
    conclude: (result) => {
      const moved = result.results.filter(({ outcome }) => outcome.kind === "moved").length;
      const failed = result.results.find(({ outcome }) => outcome.kind !== "moved");
      const lines = [`${plural(moved, "VM")} moved for the green rule`];
      if (failed !== undefined) lines.push(`${names.of(failed.move.vm)}: ${resultReason(failed.outcome)}`);
      else if (result.stoppedBy !== null) lines.push(`ended early: ${result.stoppedBy}`);
      return { ...ending(result), lines };
    },
  };
}

/** The end of the run with what was done to hosts. */
export function withTurn(end: RunEnd, turn: PowerTurn | null): RunEnd {
  if (turn === null || (turn.done.length === 0 && !turn.trouble)) return end;
  const detail = [...turn.done, end.detail].filter((part) => part !== "").join("; ");
  if (end.code !== exitCode.done) return { ...end, detail };
  if (turn.trouble) return { code: exitCode.partly, outcome: "partly", detail };
  return { ...end, outcome: "done", detail };
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
  };
}
