/** Keeps the rules: green rules have the first word, for hosts that are needed are woken; then those that balance. */

import { assess } from "../decide/assess.ts";
import { balance, forecastBalance } from "./balance.ts";
import { noteSearch } from "./fruitless.ts";
import { consolidation, powerTurn } from "./power.ts";
import type { Strategy } from "./strategy.ts";

export const keepRules: Strategy = {
  forecast: forecastBalance,
  decide: async ({ input, ageSeconds }, run) => {
    const { options } = run;
    const assessment = assess(input, options.control, options.xen.poolUuid);
    const { stored, blocked } = assessment;
    // The hour's limit is for balancing: hosts that are needed are woken all the same.
    if (blocked !== null && blocked.code !== "hour") return { gate: blocked };
    const turn = stored === null ? null : await powerTurn(run, { ...assessment, stored });
    if (turn?.objection !== undefined) return { gate: turn.objection };
    if (turn !== null && turn.moves.length > 0 && stored !== null) {
      return { course: consolidation({ ...assessment, stored }, turn, ageSeconds, options), hosts: turn };
    }
    if (blocked !== null) return { gate: blocked, hosts: turn };
    const decided = balance(assessment, ageSeconds, turn?.reason ?? null, options);
    if ("course" in decided) await noteSearch(run, assessment.controlState, decided.course.planner.first);
    return { ...decided, hosts: turn };
  },
};
