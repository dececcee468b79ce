/** One run of xcp-control, wired: lease, what was left open, then input -> gates -> plan -> execute -> report. */

import { AppError, describeError, exitCode } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import { inProse, type PlanTold } from "../explain/report.ts";
import type { ControlSettings, XenSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { loadDecisionInput } from "../store/load/decisionInput.ts";
import { finishRun, forgetRun, startRun } from "../store/runs.ts";
import { onlyRecommends } from "../store/wlb.ts";
import { Names } from "../text/names.ts";
import { shellWord } from "../text/quote.ts";
import type { KnownMembers } from "../xapi/members.ts";
import { act } from "./act.ts";
import { type ApplyTask, application } from "./apply.ts";
import { type EvacuateTask, evacuation } from "./evacuate.ts";
import { HeldLease, leaseLost } from "./heldLease.ts";
import { keepRules } from "./keepRules.ts";
import { observe, observeGate } from "./observe.ts";
import { closeOpen } from "./openMigrations.ts";
import { type PageOptions, writePlanPage } from "./planPageFile.ts";
import { recogniseAdvice } from "./recognise.ts";
import { refuse, tellGate } from "./refuse.ts";
import { type RoomTask, roomMaking } from "./room.ts";
import type { RunHooks } from "./runHooks.ts";
import { passedLine, type Reporter, say } from "./say.ts";
import {
  type ActOptions,
  type Conclusion,
  type Course,
  factsOf,
  type HostWork,
  type LeasedRun,
  lookAtInput,
  type RunEnd,
  type RunFacts,
  type Strategy,
} from "./strategy.ts";

/** What an administrator may ask for in a run's place. */
export type Task = EvacuateTask | ApplyTask | RoomTask;

/** Keeps the plan of a dry run for a later --apply. */
export interface Save {
  readonly file: string;
  readonly by: string;
  readonly at: () => Date;
  /** Rejects with AppError "file" where the file cannot be written. */
  readonly write: (file: string, plan: object) => Promise<void>;
}

export interface RunOptions extends Reporter {
  /** What an administrator asks for; without it the rules are kept. */
  readonly task?: Task;
  /** With dryRun and without a task. */
  readonly save?: Save;
  /** With dryRun: keeps the plan as a page, too. */
  readonly page?: PageOptions;
  /** Null with dryRun. */
  readonly xen: XenSettings | null;
  /** Members of the pool beside the settings'. */
  readonly known?: KnownMembers;
  readonly control: ControlSettings;
  readonly dryRun: boolean;
  /** How a dry run tells rules and moves; in sentences where it is left out. */
  readonly told?: PlanTold;
  /** With dryRun: a plan that is not empty ends with code 10. */
  readonly exitCode: boolean;
  readonly signal: AbortSignal;
  /** How long a running migration is still watched after a signal. */
  readonly graceMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
  /** Asked before anything is done. */
  readonly hooks?: RunHooks;
  /** Hears what a run that acts or observes found out. */
  readonly onFacts?: (facts: RunFacts) => void;
  /** This machine's name and this process' number, for whoever finds the lease taken. */
  readonly who: { readonly host: string; readonly pid: number };
  /** What the lease is measured by; `monotonicMs` when left out. */
  readonly leaseClockMs?: () => number;
}

type LiveOptions = RunOptions & ActOptions;

/** Plans, and unless it is a dry run carries the plan out. Returns the exit code. */
export async function runControl(db: Database, options: RunOptions): Promise<number> {
  const { xen } = options;
  if (options.dryRun || xen === null) return dryRun(db, options);
  const mode = options.control.mode === "observe" ? ({ mode: "observe" } as const) : {};
  const runId = await startRun(db, { program: "xcp-control", ...options.who, ...mode });
  let end: RunEnd;
  try {
    end = await leasedRun(db, runId, { ...options, xen });
  } catch (error) {
    // Where the database is what failed, the run stays without an end: so it reads as one that was killed.
    if (isWrongRequest(error)) await forgetRun(db, runId);
    else if (!isDatabaseFailure(error)) {
      const code = error instanceof AppError ? error.exitCode : exitCode.couldNotRun;
      await finishRun(db, runId, { outcome: "failed", exitCode: code, detail: describeError(error) });
    }
    throw error;
  }
  const { outcome, code, detail, gate = null } = end;
  await finishRun(db, runId, { outcome, exitCode: code, detail, gate });
  return end.code;
}

/** A host that is not there, or not the only one of its name: no failure of what is watched. */
function isWrongRequest(error: unknown): boolean {
  return error instanceof AppError && error.exitCode === exitCode.usage;
}

function isDatabaseFailure(error: unknown): boolean {
  return error instanceof AppError && (error.code === "mysql" || error.code === "schema");
}

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
  const run = { db, heldLease: taken, options };
  try {
    const left = await closeOpen(run);
    if (left === null) await recogniseAdvice(run);
    const end = left ?? (await work(run, options.task));
    await taken.end();
    return taken.lost.aborted ? withoutLease(end, taken) : end;
  } catch (error) {
    if (isDatabaseFailure(error)) taken.abandon();
    else await taken.end();
    if (isDatabaseFailure(error) || !taken.lost.aborted) throw error;
    say(options, "summary", `ended early: ${leaseLost}`);
    const end = { code: exitCode.partly, outcome: "partly", detail: describeError(error) } as const;
    return withoutLease(end, taken);
  }
}

/** Whatever was done: a run that has lost its lease on the way has not done all. */
function withoutLease({ detail }: RunEnd, { why }: HeldLease): RunEnd {
  const text = detail.includes("the lease was lost")
    ? detail
    : [detail, leaseLost].filter(Boolean).join("; ");
  return { code: exitCode.partly, outcome: "partly", detail: why === "" ? text : `${text} (${why})` };
}

function strategyOf(task: Task | undefined): Strategy {
  if (task === undefined) return keepRules;
  switch (task.kind) {
    case "evacuate":
      return evacuation(task);
    case "apply":
      return application(task);
    case "room":
      return roomMaking(task);
    default:
      return task satisfies never;
  }
}

/**
 * What a run is for: nothing is done by one that only observes, nor without being asked in a pool whose Workload Balancing
 * settings want recommendations only.
 */
async function work(run: LeasedRun, task: Task | undefined): Promise<RunEnd> {
  if (run.options.control.mode === "act") {
    const why = task === undefined ? await onlyRecommends(run.db) : null;
    return why === null ? follow(strategyOf(task), run) : observe(run, why);
  }
  return task === undefined ? observe(run) : refuse(observeGate(task.kind), run.options);
}

/** The stages, one after the other. */
async function follow(strategy: Strategy, run: LeasedRun): Promise<RunEnd> {
  const decided = await strategy.decide(await lookAtInput(run), run);
  const end = "gate" in decided ? refuse(decided.gate, run.options) : await execute(decided.course, run);
  return withHosts(end, decided.hosts ?? null);
}

/** Carries courses out, one collection after the other where one did not suffice. */
async function execute(first: Course, run: LeasedRun): Promise<RunEnd> {
  run.options.onFacts?.(factsOf(first.assessment, first.planner.first));
  for (let course = first; ; ) {
    course.announce();
    const objection = await askHooks(course, run);
    if (objection !== null) return refuse(objection, run.options);
    const result = course.planner.first.moves.length === 0 ? null : await act(run, course);
    const conclusion = course.conclude(result);
    const end = report(conclusion, run.options);
    if (conclusion.next === undefined) return end;
    const next = await conclusion.next();
    if (!("planner" in next)) return report(next, run.options);
    course = next;
  }
}

/** The gate that a hook closes before the plan. */
async function askHooks(
  { planner, assessment }: Course,
  { options, heldLease }: LeasedRun,
): Promise<Gate | null> {
  const { moves } = planner.first;
  if (options.hooks === undefined) return null;
  const names = new Names(assessment.stored.snapshot);
  return options.hooks.beforePlan({ moves, steps: [] }, names, heldLease.lost);
}

function report({ code, outcome, lines, detail }: Conclusion, options: Reporter): RunEnd {
  for (const line of lines) say(options, "summary", line);
  return { code, outcome, detail: detail ?? lines.slice(0, 2).join("; ") };
}

/** The end of the run with what was done to hosts. */
function withHosts(end: RunEnd, hosts: HostWork | null): RunEnd {
  if (hosts === null || (hosts.done.length === 0 && !hosts.trouble)) return end;
  const detail = [...hosts.done, end.detail].filter((part) => part !== "").join("; ");
  if (end.code !== exitCode.done) return { ...end, detail };
  if (hosts.trouble) return { code: exitCode.partly, outcome: "partly", detail };
  return { ...end, outcome: "done", detail };
}

/** The plan and what stands against it; neither the pool nor the database sees a change. */
async function dryRun(db: Database, options: RunOptions): Promise<number> {
  const { control, xen, json, save, page, program = "xcp-control" } = options;
  const input = await loadDecisionInput(db, control);
  const viewer = { db, control, poolUuid: xen?.poolUuid ?? null };
  const shown = await strategyOf(options.task).forecast(input, viewer);
  if ("gate" in shown) {
    if (shown.gate !== null) tellGate(shown.gate, options);
    return exitCode.refused;
  }
  if (json) options.printJson(shown.object());
  else for (const line of shown.lines(options.told ?? inProse)) options.print(line);
  if (save !== undefined && shown.toSave !== undefined) {
    await save.write(save.file, shown.toSave({ by: save.by, at: save.at() }));
    if (!json)
      options.print(
        `Saved in ${save.file}: ${program} --apply ${shellWord(save.file)} carries out exactly this, or nothing`,
      );
  }
  if (page !== undefined && shown.page !== undefined) {
    await writePlanPage(shown.page({ saved: page.saved, program }), page);
    if (!json) options.print(`Page in ${page.file}`);
  }
  return options.exitCode && shown.work > 0 ? exitCode.planNotEmpty : exitCode.done;
}
