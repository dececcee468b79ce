/** The strategy that keeps the rules that balance: the plan of their thresholds, and a new one after a setback. */

import { type Assessment, assess, forecastOf, pairsOf, planOf } from "../decide/assess.ts";
import { exitCode } from "../domain/errors.ts";
import type { StoredSnapshot } from "../domain/pool.ts";
import { subjectsOf } from "../domain/rule.ts";
import { unmeasuredLines } from "../domain/unmeasured.ts";
import { forecastJson } from "../explain/planJson.ts";
import { greenLines, greenObject, withGreen } from "../explain/power.ts";
import { forecastLines, moveLine, totalLines, unknownRuleLines } from "../explain/report.ts";
import { causeOf, type Plan } from "../planner/plan.ts";
import type { PlanFacts } from "../report/plan/planFacts.ts";
import type { ControlSettings } from "../settings/types.ts";
import { loadGreenForecast } from "../store/load/powerInput.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { shellWord } from "../text/quote.ts";
import type { Planner, RunResult } from "./planExecutor.ts";
import { type PageCall, planSettings } from "./planPageFile.ts";
import { runLines } from "./report.ts";
import { planToSave } from "./savedPlan.ts";
import { type Reporter, say, warnOfSuspects } from "./say.ts";
import {
  type ActOptions,
  type Conclusion,
  type Course,
  type Decided,
  ending,
  type StoredAssessment,
  type Strategy,
} from "./strategy.ts";

/** The plan and what stands against it, with what green rules would do. */
export const forecastBalance: Strategy["forecast"] = async (input, { db, control, poolUuid }) => {
  const assessment = assess(input, control, poolUuid);
  const { stored } = assessment;
  const { plan, gate } = forecastOf(assessment, control);
  if (gate !== null || stored === null || plan === null) return { gate };
  const green = await loadGreenForecast(db, control, assessment);
  const names = new Names(stored.snapshot);
  return {
    lines: (told) => withGreen(forecastLines(assessment, stored, plan, told), assessment, green, names),
    object: () => ({ ...forecastJson(assessment, stored, plan), green: greenObject(green, names) }),
    work: plan.moves.length + (green?.decision.steps.length ?? 0) + (green?.decision.reliefs.length ?? 0),
    toSave: (saver) => planToSave(stored, assessment, plan, saver),
    page: (call) => ({
      title: "Plan that keeps the rules",
      assessment: { ...assessment, stored },
      plan,
      findings: totalLines(plan),
      remarks: green === null ? [] : greenLines(green, names),
      settings: planSettings(control),
      apply: applying(call),
    }),
  };
};

/** How the plan of a page is carried out. */
function applying({ saved, program }: PageCall): PlanFacts["apply"] {
  const text =
    "A saved plan is carried out exactly as it is, or not at all: where the pool has changed meanwhile it is refused, and each move is checked once more before it starts.";
  return saved === null
    ? {
        text,
        commands: [`${program} --dry-run --save plan.json --html plan.html`, `${program} --apply plan.json`],
      }
    : { text, commands: [`${program} --apply ${shellWord(saved)}`] };
}

/** What a run makes of the rules that balance; `green` is what green rules have just said, null where none did. */
export function balance(
  assessment: Assessment,
  ageSeconds: () => number,
  green: string | null,
  options: ActOptions,
): Decided {
  const { stored, unknown } = assessment;
  const { plan, gate } = forecastOf(assessment, options.control);
  if (gate !== null || plan === null || stored === null) return { gate };
  const { snapshot } = stored;
  const names = new Names(snapshot);
  // A green rule has just said what it does: there is no need of another one.
  const isSilent = assessment.rules.length === 0 && assessment.serve === null && green !== null;
  const announce = () => {
    if (isSilent) return;
    if (options.json) options.printJson(planEvent(assessment, stored, plan));
    else if (plan.moves.length === 0) tellPlan(assessment, stored, plan, options);
    if (plan.moves.length === 0) return;
    for (const line of unknownRuleLines(unknown)) say(options, "warning", line);
    for (const line of unmeasuredLines(snapshot, subjectsOf(assessment.rules))) say(options, "warning", line);
    warnOfSuspects(assessment.suspicion, names, options);
  };
  const course: Course = {
    assessment: { ...assessment, stored },
    planner: plannerFor({ ...assessment, stored }, plan, options.control),
    control: options.control,
    ageSeconds,
    announce,
    log: (move) => ({ rule: move.rule, cause: causeOf(move), reason: moveLine(move, names) }),
    conclude: (result) => conclude(result, isSilent ? green : null, names),
  };
  return { course };
}

function conclude(result: RunResult | null, green: string | null, names: Names): Conclusion {
  if (result !== null) return { ...ending(result), lines: runLines(result, names) };
  return { code: exitCode.done, outcome: "nothing", lines: [], detail: green ?? "nothing to do" };
}

/** The plan that control carries out to keep the rules, and how it goes on after a setback. */
function plannerFor(assessment: StoredAssessment, first: Plan, control: ControlSettings): Planner {
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

/** What a dry run prints, as the first event of a run. */
function planEvent(assessment: Assessment, stored: StoredSnapshot, plan: Plan): object {
  const count = plan.moves.length;
  const text = count === 0 ? "nothing to do" : `${plural(count, "move")} planned`;
  return { event: "plan", text, ...forecastJson(assessment, stored, plan) };
}

function tellPlan(assessment: Assessment, stored: StoredSnapshot, plan: Plan, options: Reporter): void {
  for (const line of forecastLines(assessment, stored, plan)) options.print(line);
}
