/**
 * What a run costs that can change nothing: pools as their own plans leave them, with hosts that break rules still, looked
 * at again and again with a little noise. Each picture is planned with and without proving first what stays.
 */
import type { FruitlessSearch } from "../../src/domain/controlState.ts";
import { isGivenUp } from "../../src/explain/report.ts";
import type { Plan, PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { Random } from "../../src/planner/search/random.ts";
import { generate } from "../../test/support/plan/pools.ts";
import { settled, withNoise } from "../../test/support/plan/repeated.ts";
import { series } from "./kinds.ts";

const options: PlanOptions = {
  maxMoves: 1e6,
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
};
/** Pictures of each pool, and how much more or less each VM uses at most. */
const pictures = 5;
const noise = 0.02;

const middle = (numbers: readonly number[], part: number) =>
  [...numbers]
    .sort((a, b) => a - b)
    [Math.min(numbers.length - 1, Math.floor(part * numbers.length))]?.toFixed(0) ?? "-";

/** What the next run knows of searches in vain, five minutes later. */
function knownAfter(plan: Plan, known: FruitlessSearch | null): FruitlessSearch | null {
  const later = { secondsAgo: (known?.secondsAgo ?? 0) + 300 };
  if (plan.fruitless !== undefined) return { ...plan.fruitless, secondsAgo: 300 };
  return plan.searchBefore === undefined || known === null ? null : { ...known, ...later };
}

/** A line for each kind: of `count` pools from seed `first` on those that settle. `cpuMs` is the process' CPU time. */
export function* again(only: string, first: number, count: number, cpuMs: () => number): Generator<string> {
  for (const kind of series.filter(({ name }) => name.includes(only))) {
    const proving: number[] = [];
    const searching: number[] = [];
    const remembering: number[] = [];
    let unsearched = 0;
    let [pools, givenUp, cleared, contradicted] = [0, 0, 0, 0];
    for (let seed = first; seed < first + count; seed++) {
      const pool = settled(generate(kind, seed), options);
      if (pool === null) continue;
      pools++;
      const random = new Random(seed);
      let known: FruitlessSearch | null = null;
      for (let picture = 0; picture < pictures; picture++) {
        const { snapshot, rules } = withNoise(pool, noise, random);
        const started = cpuMs();
        const plan = planMigrations(snapshot, rules, options);
        const between = cpuMs();
        const searched = planMigrations(snapshot, rules, { ...options, earlyProofs: false });
        proving.push(between - started);
        searching.push(cpuMs() - between);
        const before = cpuMs();
        const remembered = planMigrations(snapshot, rules, { ...options, searchedBefore: known });
        remembering.push(cpuMs() - before);
        if (remembered.searchBefore !== undefined) unsearched++;
        if (remembered.searchBefore !== undefined && searched.moves.length > 0) contradicted++;
        known = knownAfter(remembered, known);
        if (searched.moves.length > 0) cleared++;
        if (!isGivenUp(plan)) continue;
        givenUp++;
        if (searched.moves.length > 0) contradicted++;
      }
    }
    const times = (list: readonly number[]) => `${middle(list, 0.5)}, ${middle(list, 0.95)}`;
    const found = `${givenUp} of ${proving.length} | ${cleared} | ${contradicted}`;
    yield `${kind.name} | ${pools} of ${count} | ${times(searching)} | ${times(proving)} | ${times(remembering)} | ${unsearched} | ${found}`;
  }
}
