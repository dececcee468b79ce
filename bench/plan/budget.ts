/** How much CPU a search takes that spends its whole budget, kind by kind: what the prices of its work are checked by. */
import { planMigrations } from "../../src/planner/planner.ts";
import { generate } from "../../test/support/plan/pools.ts";
import { series } from "./kinds.ts";

const budgetMs = 300;

/** A line for each kind in which some of `count` pools leaves a gap: CPU over budget. `cpuMs` is the process' CPU time. */
export function* budgets(only: string, first: number, count: number, cpuMs: () => number): Generator<string> {
  for (const kind of series.filter(({ name }) => name.includes(only))) {
    const ratios: number[] = [];
    for (let seed = first; seed < first + count; seed++) {
      const { snapshot, rules } = generate(kind, seed);
      const options = { maxMoves: 1e6, headroomBytes: 0, bannedVms: new Map(), bannedPairs: new Map() };
      const started = cpuMs();
      const { certificate } = planMigrations(snapshot, rules, { ...options, budgetMs });
      // What is proved to be the best ends before its budget.
      if (certificate.kind === "bounded") ratios.push((cpuMs() - started) / budgetMs);
    }
    ratios.sort((a, b) => a - b);
    const figures = [0, Math.floor(ratios.length / 2), ratios.length - 1].map((at) => ratios[at]?.toFixed(2));
    if (ratios.length > 0) yield `${kind.name} | ${ratios.length} of ${count} | ${figures.join(" | ")}`;
  }
}
