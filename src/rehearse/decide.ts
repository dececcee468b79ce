/** What a run would decide: by the very code that xcp-control runs. Pure. */

import { type Assessment, assess, type DecisionInput, forecastOf } from "../decide/assess.ts";
import { derivedFor } from "../domain/derived.ts";
import { evaluate } from "../domain/deviation.ts";
import type { Gate } from "../domain/gate.ts";
import type { Rule } from "../domain/rule.ts";
import type { Move } from "../planner/plan.ts";
import type { ControlSettings } from "../settings/types.ts";

/** A move as far as carrying it out needs it. */
export type PlannedMove = Pick<Move, "vm" | "source" | "destination" | "rule" | "after">;

export interface RehearsedDecision {
  readonly moves: readonly PlannedMove[];
  /** What keeps the run from acting; null where nothing does. */
  readonly gate: Gate | null;
  /** Rules that some host breaks so often that they act. */
  readonly fired: readonly Rule[];
}

export type Decide = (input: DecisionInput) => RehearsedDecision;

/** Decides as a run of control with these settings does. */
export function asControl(settings: ControlSettings): Decide {
  return (input) => {
    const assessment = assess(input, settings, null);
    const fired = firedRules(assessment);
    if (assessment.blocked !== null) return { moves: [], gate: assessment.blocked, fired };
    // A plan without a goal is empty: it need not be made.
    if (fired.length === 0 && assessment.serve === null) return { moves: [], gate: assessment.gate, fired };
    const { plan, gate } = forecastOf(assessment, settings);
    if (gate !== null || plan === null) return { moves: [], gate, fired };
    return { moves: plan.moves, gate: null, fired };
  };
}

/** Nothing is ever moved; rules fire all the same. */
export function asOff(settings: ControlSettings): Decide {
  return (input) => ({ moves: [], gate: null, fired: firedRules(assess(input, settings, null)) });
}

function firedRules({ stored, rules, suppressed }: Assessment): readonly Rule[] {
  if (stored === null) return [];
  const { hosts } = derivedFor(stored.snapshot, rules);
  return rules.filter((rule) =>
    evaluate(hosts, rule).verdicts.some(
      ({ broken, hostUuid }) => broken && suppressed(hostUuid, rule) === null,
    ),
  );
}
