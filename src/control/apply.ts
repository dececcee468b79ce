/**
 * Carries out a saved plan: exactly its moves in its order, with the usual checks before each, or none at all where
 * the pool is not as the plan has it. After a setback nothing is planned anew: the rest is left, and said.
 */

import { type Assessment, assess } from "../decide/assess.ts";
import { settledGate } from "../decide/gates.ts";
import { exitCode } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import type { StoredSnapshot } from "../domain/pool.ts";
import { gateObject, planJson } from "../explain/planJson.ts";
import { gateLine, moveLine, openLine, type PlanTold, poolLine, totalLines } from "../explain/report.ts";
import { causeOf, type Move, type Plan } from "../planner/plan.ts";
import type { ControlSettings } from "../settings/types.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import type { RunResult } from "./planExecutor.ts";
import { resultReason } from "./report.ts";
import { type NoPlan, readSavedPlan, type SavedPlan } from "./savedPlan.ts";
import { assessSavedPlan, changesSince, noPlanGate } from "./savedPlanGate.ts";
import { say } from "./say.ts";
import {
  type ActOptions,
  type Conclusion,
  type Course,
  ending,
  type RunKind,
  type Strategy,
} from "./strategy.ts";

export interface ApplyTask {
  readonly kind: "apply";
  /** What the file holds, whatever that is. */
  readonly content: unknown;
  /** Who has it carried out, "ann@desk7". */
  readonly by: string;
}

interface SavedPlanView {
  readonly saved: SavedPlan;
  readonly assessment: Assessment;
  readonly stored: StoredSnapshot;
  readonly plan: Plan;
}

/** The strategy that carries out a saved plan: done when all its moves were made, partly when some are left. */
export function application(task: ApplyTask): Strategy {
  return {
    forecast: async (input, { control, poolUuid }) => {
      const saved = readSavedPlan(task.content);
      if (isNoPlan(saved)) return { gate: noPlanGate(saved) };
      const view = viewOf(saved, assess(input, control, poolUuid), control);
      if ("gate" in view) return view;
      return {
        lines: (told) => applicationLines(view, told),
        object: () => applicationJson(view),
        work: view.plan.moves.length,
      };
    },
    decide: async ({ input, ageSeconds }, { options }) => {
      const saved = readSavedPlan(task.content);
      if (isNoPlan(saved)) return { gate: noPlanGate(saved) };
      const assessment = assess(input, options.control, options.xen.poolUuid);
      if (assessment.blocked !== null) return { gate: assessment.blocked };
      const view = viewOf(saved, assessment, options.control);
      return "gate" in view ? view : { course: courseOf(view, task, ageSeconds, options) };
    },
  };
}

function isNoPlan(saved: SavedPlan | NoPlan): saved is NoPlan {
  return "measured" in saved;
}

function courseOf(
  view: SavedPlanView,
  task: ApplyTask,
  ageSeconds: () => number,
  options: ActOptions,
): Course {
  const { saved, assessment, stored, plan } = view;
  const names = new Names(stored.snapshot);
  return {
    assessment: { ...assessment, stored },
    planner: { first: plan, replan: () => null },
    control: { ...options.control, maxMovesPerRun: plan.moves.length },
    ageSeconds,
    announce: () => {
      say(options, "saved plan", headLine(view), { savedAt: saved.savedAt, savedBy: saved.savedBy });
      for (const line of changesSince(saved, stored.snapshot)) say(options, "warning", line);
    },
    ...runKind(saved, plan, task, names),
  };
}

const nothing = "Nothing to do: the saved plan has no moves";

function viewOf(
  saved: SavedPlan,
  assessment: Assessment,
  control: ControlSettings,
): SavedPlanView | { readonly gate: Gate | null } {
  const { stored, gate, controlState } = assessment;
  if (gate !== null || stored === null) return { gate };
  const plan = assessSavedPlan(saved, assessment, stored, control);
  if (!("moves" in plan)) return { gate: plan };
  const unsettled = plan.moves.length === 0 ? null : settledGate(controlState);
  return unsettled === null ? { saved, assessment, stored, plan } : { gate: unsettled };
}

/** "Saved plan of 2026-03-01 08:00:00 UTC by ann@desk7, from collection 17: 2 moves" */
function headLine({ saved, plan }: SavedPlanView): string {
  const { savedAt, savedBy, collection } = saved;
  const moves = plural(plan.moves.length, "move");
  return `Saved plan of ${timeOf(savedAt)} by ${savedBy}, from collection ${collection}: ${moves}`;
}

function timeOf(iso: string): string {
  return iso.replace(/^(\S{10})T(\S{8})\S*$/, "$1 $2 UTC");
}

function applicationLines(view: SavedPlanView, told: PlanTold): string[] {
  const { saved, assessment, stored, plan } = view;
  const names = new Names(stored.snapshot);
  return [
    ...(assessment.blocked === null ? [] : [`A run would be ${gateLine(assessment.blocked)}`]),
    ...assessment.controlState.open.map((migration) => openLine(migration, names)),
    poolLine({ ...assessment, stored }),
    headLine(view),
    ...changesSince(saved, stored.snapshot),
    ...told.rules(plan, { ...assessment, stored }, names),
    ...told.moves(plan, names),
    ...totalLines(plan),
    ...(plan.moves.length === 0 ? [nothing] : []),
  ];
}

function applicationJson({ saved, assessment, stored, plan }: SavedPlanView): object {
  const { savedAt, savedBy, collection } = saved;
  return {
    savedPlan: { savedAt, savedBy, collection, changes: changesSince(saved, stored.snapshot) },
    ...planJson({ ...assessment, stored }, plan, assessment.unknown),
    held: gateObject(assessment.blocked),
  };
}

function runKind({ savedAt, savedBy }: SavedPlan, plan: Plan, { by }: ApplyTask, names: Names): RunKind {
  const origin = `saved plan of ${timeOf(savedAt)} by ${savedBy}, carried out by ${by}`;
  return {
    log: (move) => ({ rule: move.rule, cause: causeOf(move), reason: `${origin}: ${moveLine(move, names)}` }),
    conclude: (result) =>
      result === null
        ? { code: exitCode.done, outcome: "nothing", lines: [nothing] }
        : conclude(result, plan, names),
  };
}

function conclude(result: RunResult, plan: Plan, names: Names): Conclusion {
  const ends = new Map(result.results.map((each) => [keyOf(each.move), each]));
  const left = plan.moves.filter((move) => ends.get(keyOf(move))?.outcome.kind !== "moved");
  const moved = plan.moves.length - left.length;
  const why = (move: Move): string => {
    const end = ends.get(keyOf(move));
    return end === undefined ? "not tried" : resultReason(end.outcome);
  };
  const lines = [
    `${moved} of ${plural(plan.moves.length, "move")} made`,
    ...(result.stoppedBy === null ? [] : [`ended early: ${result.stoppedBy}`]),
    ...left.map(
      (move) =>
        `Left of the saved plan: ${names.of(move.vm)}: ${names.of(move.source)} -> ${names.of(move.destination)}: ${why(move)}`,
    ),
  ];
  const usual = ending(result);
  if (usual.code === exitCode.couldNotRun) return { ...usual, lines };
  if (left.length > 0) return { code: exitCode.partly, outcome: "partly", lines };
  return { code: exitCode.done, outcome: "done", lines };
}

/** A VM may move more than once in one plan: it waits elsewhere for its place. */
function keyOf({ vm, source, destination }: Move): string {
  return `${vm} ${source} ${destination}`;
}
