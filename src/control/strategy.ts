/**
 * The one way of a run: input -> gates -> plan -> execute -> report. A strategy says what is wanted: it passes the gates
 * and plans, tells of it, and says in the end what came of it; run.ts leads it through the stages.
 */

import type { Assessment, DecisionInput } from "../decide/assess.ts";
import { exitCode } from "../domain/errors.ts";
import type { Gate, GateCode } from "../domain/gate.ts";
import type { StoredSnapshot } from "../domain/pool.ts";
import type { PlanTold } from "../explain/report.ts";
import type { Plan } from "../planner/plan.ts";
import type { PlanFacts } from "../report/plan/planFacts.ts";
import type { ControlSettings, XenSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { loadDecisionInput } from "../store/load/decisionInput.ts";
import { rememberObservations } from "../store/observations.ts";
import type { RunOutcome } from "../store/runs.ts";
import type { KnownMembers } from "../xapi/members.ts";
import type { HeldLease } from "./heldLease.ts";
import type { JournalOptions } from "./journal.ts";
import type { Planner, RunResult } from "./planExecutor.ts";
import type { PageCall } from "./planPageFile.ts";
import type { RunHooks } from "./runHooks.ts";
import type { Reporter } from "./say.ts";

export interface ActOptions extends Reporter {
  readonly xen: XenSettings;
  /** Members of the pool beside the settings'. */
  readonly known?: KnownMembers;
  readonly control: ControlSettings;
  readonly signal: AbortSignal;
  readonly graceMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
  /** Asked before anything is done; left out where nobody is. */
  readonly hooks?: RunHooks;
  /** Hears what the run found out. */
  readonly onFacts?: (facts: RunFacts) => void;
}

/** What a run found out on its way, for those who watch; null of what it did not come to. */
export interface RunFacts {
  /** Hosts that are not believed. */
  readonly suspects: number;
  /** Pairs of a host and a rule that it breaks. */
  readonly violations: number | null;
  /** Moves of the plan. */
  readonly moves: number;
}

/** The facts of a plan and what it was made from. */
export function factsOf({ suspicion, rules }: Assessment, { before, moves }: Plan): RunFacts {
  const broken = before.flatMap(({ verdicts }) => verdicts).filter((verdict) => verdict.broken).length;
  // A plan of green rules says nothing of those that balance.
  const known = before.length > 0 || rules.length === 0;
  return { suspects: suspicion.hosts.size, violations: known ? broken : null, moves: moves.length };
}

/** A run that holds the lease. */
export interface LeasedRun {
  readonly db: Database;
  readonly heldLease: HeldLease;
  readonly options: ActOptions;
}

/** How a run ended, for the exit code and for the table ProgramRun. */
export interface RunEnd {
  readonly code: number;
  readonly outcome: RunOutcome;
  readonly detail: string;
  /** The gate that refused it. */
  readonly gate?: GateCode;
}

/** The input of a run, and how old its collection is at any moment. */
export interface Look {
  readonly input: DecisionInput;
  readonly ageSeconds: () => number;
}

/** Reads the input, and keeps what was seen of the hosts. */
export async function lookAtInput({ db, heldLease, options }: LeasedRun): Promise<Look> {
  const { control, monotonicMs } = options;
  const startedMs = monotonicMs();
  const input = await loadDecisionInput(db, control);
  const { stored } = input;
  if (stored !== null)
    await rememberObservations(db, heldLease.leaseToken, stored.collection.id, stored.snapshot);
  return { input, ageSeconds: () => (stored?.ageSeconds ?? 0) + (monotonicMs() - startedMs) / 1000 };
}

export type StoredAssessment = Assessment & { readonly stored: StoredSnapshot };

/** How a run logs its moves and what it says in the end. */
export interface RunKind {
  readonly log: JournalOptions["log"];
  /** What came of the moves; null where there were none to make. */
  readonly conclude: (result: RunResult | null) => Conclusion;
}

/** A plan that passed the gates, with all that carrying it out takes. */
export interface Course extends RunKind {
  readonly assessment: StoredAssessment;
  readonly planner: Planner;
  /** The settings with the limits that this run keeps. */
  readonly control: ControlSettings;
  readonly ageSeconds: () => number;
  /** Tells of the plan before anything is done. */
  readonly announce: () => void;
}

/** What a run came to. */
export interface Conclusion extends Omit<RunEnd, "detail"> {
  /** What it says in the end, a line each. */
  readonly lines: readonly string[];
  /** For the list of runs; the first two lines where it is left out. */
  readonly detail?: string;
  /** There is more to do by a later collection: the course that does it, or how the run ends without. */
  readonly next?: () => Promise<Course | Conclusion>;
}

/** What was done to hosts before anything is moved. */
export interface HostWork {
  /** A line each. */
  readonly done: readonly string[];
  /** A host did not wake, or the pool refused something. */
  readonly trouble: boolean;
}

/** A gate is closed (null: there is nothing to decide by), or a course is to be followed. */
export type Decided = ({ readonly gate: Gate | null } | { readonly course: Course }) & {
  readonly hosts?: HostWork | null;
};

/** What a dry run reads and shows by. */
export interface Viewer {
  readonly db: Database;
  readonly control: ControlSettings;
  /** The pool that the settings name; null where they name none. */
  readonly poolUuid: string | null;
}

/** What a dry run shows. */
export interface DryRunView {
  readonly lines: (told: PlanTold) => readonly string[];
  readonly object: () => object;
  /** How much a run would do: 0 where it has nothing to do. */
  readonly work: number;
  /** The plan as a file keeps it, where it can be kept. */
  readonly toSave?: (saver: { readonly by: string; readonly at: Date }) => object;
  /** What its page is made of, where there is one; of how it was called and where it is kept. */
  readonly page?: (call: PageCall) => PlanFacts;
}

export interface Strategy {
  /** What a run would do; neither the pool nor the database sees a change. */
  readonly forecast: (
    input: DecisionInput,
    viewer: Viewer,
  ) => Promise<DryRunView | { readonly gate: Gate | null }>;
  /** Passes the gates and plans, under the lease. Rejects with AppError where what was asked for makes no sense. */
  readonly decide: (look: Look, run: LeasedRun) => Promise<Decided>;
}

/** The settings of a run that was asked for: it is not bounded as those are that act by themselves. */
export function unbounded(control: ControlSettings): ControlSettings {
  return {
    ...control,
    maxMovesPerRun: Number.POSITIVE_INFINITY,
    maxMovesPerHour: Number.POSITIVE_INFINITY,
  };
}

/** The exit code of a run by how its moves ended. */
export function ending({ results, isTrouble }: RunResult): Omit<RunEnd, "detail"> {
  const moved = results.some(({ outcome }) => outcome.kind === "moved");
  const troubled =
    isTrouble || results.some(({ outcome }) => !["moved", "refused", "held"].includes(outcome.kind));
  const halted = results.some(({ outcome }) => outcome.kind === "refused" && outcome.failure === "pool");
  // What was begun and left, or failed, is more than not being able to run.
  if (halted && !moved && !troubled) return { code: exitCode.couldNotRun, outcome: "failed" };
  if (troubled || halted) return { code: exitCode.partly, outcome: "partly" };
  return { code: exitCode.done, outcome: "done" };
}
