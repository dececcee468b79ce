/** Options of a plan that nothing holds back. */
import type { PlanOptions } from "../../../src/planner/plan.ts";

export const freeOptions: PlanOptions = {
  maxMoves: 10,
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  rounds: 50,
};
