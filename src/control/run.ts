/** One run of xcp-control, wired: lease, what was left open, gates, plan, pool only when something is to be moved. */

import { type Assessment, forecastOf } from "../decide/assess.ts";
import { AppError, describeError, exitCode } from "../domain/errors.ts";
import type { StoredSnapshot } from "../domain/pool.ts";
import { forecastJson } from "../explain/planJson.ts";
import { greenObject, withGreen } from "../explain/power.ts";
import { forecastLines, unknownRuleLines } from "../explain/report.ts";
import type { Plan } from "../planner/plan.ts";
import type { ControlSettings, XenSettings } from "../settings/settings.ts";
import type { Database } from "../store/connection.ts";
import { loadControlState } from "../store/load/controlState.ts";
import { loadAssessment } from "../store/load/decisionInput.ts";
import { loadGreenForecast } from "../store/load/powerInput.ts";
import { rememberObservations } from "../store/observations.ts";
import { finishRun, startRun } from "../store/runs.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { type ActOptions, act, closeOpen, plannerFor, type RunEnd } from "./act.ts";
import { type ApplyTask, apply, showApplication } from "./apply.ts";
import { type EvacuateTask, evacuate, showEvacuation } from "./evacuate.ts";
import { HeldLease } from "./heldLease.ts";
import { consolidate, type PowerTurn, powerTurn, withTurn } from "./power.ts";
import { refuse, tellGate } from "./refuse.ts";
import { planToSave } from "./savedPlan.ts";
import { passedLine, type Reporter, say } from "./say.ts";

/** What an administrator may ask for in a run's place. */
export type Task = EvacuateTask | ApplyTask;

/** Keeps the plan of a dry run for a later --apply. */
export interface Save {
  readonly file: string;
  readonly by: string;
  readonly at: () => Date;
  /** Rejects with AppError "usage" where the file cannot be written. */
  readonly write: (file: string, plan: object) => Promise<void>;
}

export interface RunOptions extends Reporter {
  /** What an administrator asks for; without it the rules are kept. */
  readonly task?: Task;
  /** With dryRun and without a task. */
  readonly save?: Save;
  /** Null with dryRun. */
  readonly xen: XenSettings | null;
  readonly control: ControlSettings;
  readonly dryRun: boolean;
  /** With dryRun: a plan that is not empty ends with code 10. */
  readonly exitCode: boolean;
  readonly signal: AbortSignal;
  /** How long a running migration is still watched after a signal. */
  readonly graceMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
  /** This machine's name and this process' number, for whoever finds the lease taken. */
  readonly who: { readonly host: string; readonly pid: number };
  /** What the lease is measured by; `monotonicMs` when left out. */
  readonly leaseClockMs?: () => number;
}

/** Plans, and unless it is a dry run carries the plan out. Returns the exit code. */
export async function runControl(db: Database, options: RunOptions): Promise<number> {
  const { xen } = options;
  if (options.dryRun || xen === null) return dryRun(db, options);
  const runId = await startRun(db, { program: "xcp-control", ...options.who });
  let end: RunEnd;
  try {
    end = await leasedRun(db, runId, { ...options, xen });
  } catch (error) {
    // Where the database is what failed, the run stays without an end: so it reads as one that was killed.
    if (!isDatabaseFailure(error)) {
      const code = error instanceof AppError ? error.exitCode : exitCode.couldNotRun;
      await finishRun(db, runId, { outcome: "failed", exitCode: code, detail: describeError(error) });
    }
    throw error;
  }
  await finishRun(db, runId, { outcome: end.outcome, exitCode: end.code, detail: end.detail });
  return end.code;
}

function isDatabaseFailure(error: unknown): boolean {
  return error instanceof AppError && (error.code === "mysql" || error.code === "schema");
}

export type LiveOptions = RunOptions & ActOptions;

async function leasedRun(db: Database, runId: string, options: LiveOptions): Promise<RunEnd> {
  const { host, pid } = options.who;
  const taken = await HeldLease.take(db, {
    runId,
    holder: `${host} pid ${pid}`,
    ttlMs: options.control.leaseMs,
    monotonicMs: options.leaseClockMs ?? options.monotonicMs,
  });
  if (!(taken instanceof HeldLease)) {
    const line = passedLine(taken);
    say(options, "passed", line, { holder: taken.holder, ageSeconds: taken.takenSecondsAgo });
    return { code: exitCode.done, outcome: "passed", detail: line };
  }
  try {
    const end = await underLease(db, taken, options);
    await taken.end();
    return end;
  } catch (error) {
    if (isDatabaseFailure(error)) taken.abandon();
    else await taken.end();
    throw error;
  }
}

async function underLease(db: Database, heldLease: HeldLease, options: LiveOptions): Promise<RunEnd> {
  const controlState = await loadControlState(db);
  if (controlState.open.length > 0) {
    const end = await closeOpen(db, heldLease, controlState, await loadSnapshot(db), options);
    if (end !== null) return end;
  }
  if (options.task?.kind === "evacuate") return evacuate(db, heldLease, options.task, options);
  if (options.task?.kind === "apply") return apply(db, heldLease, options.task, options);
  const startedMs = options.monotonicMs();
  const assessment = await loadAssessment(db, options.control, options.xen.poolUuid);
  const { stored } = assessment;
  if (stored !== null)
    await rememberObservations(db, heldLease.leaseToken, stored.collection.id, stored.snapshot);
  // The hour's limit is for balancing: hosts that are needed are woken all the same.
  const { blocked } = assessment;
  if (blocked !== null && blocked.code !== "hour") return refuse(blocked, options);
  const ageSeconds = () => (stored?.ageSeconds ?? 0) + (options.monotonicMs() - startedMs) / 1000;
  const turn = stored === null ? null : await powerTurn(db, heldLease, { ...assessment, stored }, options);
  if (turn !== null && turn.moves.length > 0 && stored !== null) {
    return withTurn(
      await consolidate(db, heldLease, { ...assessment, stored, ageSeconds }, turn, options),
      turn,
    );
  }
  const end =
    blocked === null
      ? await balance(db, heldLease, { ...assessment, ageSeconds }, turn, options)
      : refuse(blocked, options);
  return withTurn(end, turn);
}

/** Keeps the rules that balance. */
async function balance(
  db: Database,
  heldLease: HeldLease,
  assessment: Assessment & { readonly ageSeconds: () => number },
  turn: PowerTurn | null,
  options: LiveOptions,
): Promise<RunEnd> {
  const { stored, unknown } = assessment;
  const { plan, gate } = forecastOf(assessment, options.control);
  if (gate !== null || plan === null || stored === null) return refuse(gate, options);
  // A green rule has just said what it does: there is no need of another one.
  if (assessment.rules.length === 0 && turn !== null) {
    return { code: exitCode.done, outcome: "nothing", detail: turn.reason };
  }
  if (plan.moves.length === 0) {
    if (options.json) options.printJson(planEvent(assessment, stored, plan));
    else tellPlan(assessment, stored, plan, options);
    return { code: exitCode.done, outcome: "nothing", detail: "nothing to do" };
  }
  if (options.json) options.printJson(planEvent(assessment, stored, plan));
  for (const line of unknownRuleLines(unknown)) say(options, "warning", line);
  const names = new Names(stored.snapshot);
  for (const [host, reason] of assessment.suspicion.hosts)
    say(options, "warning", `${names.of(host)} is left out of mean and moves: ${reason}`, { host });
  const planner = plannerFor({ ...assessment, stored }, plan, options.control);
  return act(db, heldLease, { ...assessment, stored }, planner, options);
}

/** The plan and what stands against it; neither the pool nor the database sees a change. */
async function dryRun(db: Database, options: RunOptions): Promise<number> {
  if (options.task?.kind === "evacuate") return showEvacuation(db, options.task, options);
  if (options.task?.kind === "apply") return showApplication(db, options.task, options);
  const assessment = await loadAssessment(db, options.control, options.xen?.poolUuid ?? null);
  const { stored } = assessment;
  const { plan, gate } = forecastOf(assessment, options.control);
  if (gate !== null || stored === null || plan === null) {
    if (gate !== null) tellGate(gate, options);
    return exitCode.refused;
  }
  const green = await loadGreenForecast(db, options.control, assessment);
  const names = new Names(stored.snapshot);
  if (options.json) {
    options.printJson({ ...forecastJson(assessment, stored, plan), green: greenObject(green, names) });
  } else {
    for (const line of withGreen(forecastLines(assessment, stored, plan), assessment, green, names))
      options.print(line);
  }
  if (options.save !== undefined) {
    const { file, by, at, write } = options.save;
    await write(file, planToSave(stored, assessment.rules, plan, { by, at: at() }));
    if (!options.json)
      options.print(`Saved in ${file}: xcp-control --apply carries out exactly this, or nothing`);
  }
  const work =
    plan.moves.length + (green?.decision.steps.length ?? 0) + (green?.decision.reliefs.length ?? 0);
  return options.exitCode && work > 0 ? exitCode.planNotEmpty : exitCode.done;
}

/** What a dry run prints, as the first event of a run. */
function planEvent(assessment: Assessment, stored: StoredSnapshot, plan: Plan): object {
  const count = plan.moves.length;
  const text = count === 0 ? "nothing to do" : `${plural(count, "move")} planned`;
  return { event: "plan", text, ...forecastJson(assessment, stored, plan) };
}

function tellPlan(assessment: Assessment, stored: StoredSnapshot, plan: Plan, options: Reporter): void {
  for (const line of forecastLines(assessment, stored, plan)) options.print(line);
}
