/**
 * What is proved of the pairs that a first plan leaves, so that nothing is searched for where nothing can be found. Pure.
 *
 * Two proofs, either of them quick: no room (`divisible.ts`), and no way: of all VMs that possible steps could ever take
 * from their hosts, were each step to undo none of those before it, the host's own do not suffice.
 */
import { countRules, type Problem } from "../problem.ts";
import type { Bounds } from "./bound.ts";
import { Divisible } from "./divisible.ts";
import type { Work } from "./work.ts";

/** Parts of the budget: beyond the first no further pair is tried, beyond the second not all of them together. */
const partAlone = 0.25;
const partTogether = 0.3;

/**
 * Marks in `bounds` which of `left` (pairs) nothing clears, and whether something of what remains must stay. A chain's pair
 * is any of its terms.
 */
export function prove(problem: Problem, bounds: Bounds, left: readonly number[], work: Work): void {
  const { R, broken, first } = problem;
  bounds.markUnreachable(leavers(problem, bounds, work));
  const open = left.filter((pair) => bounds.hopeless[pair] === 0);
  if (open.length === 0 || !work.within(partAlone)) return;
  const divisible = new Divisible(problem, bounds, work);
  for (const pair of open) {
    if (work.within(partAlone) && divisible.refutes([pair])) bounds.markRefuted(pair);
  }
  if (open.every((pair) => bounds.hopeless[pair] === 1) || !work.within(partTogether)) return;
  const goals: number[] = [];
  for (let pair = 0; pair < broken.length; pair++) {
    if (broken[pair] === 1 && first[pair % R] === pair % R && bounds.hopeless[pair] === 0) goals.push(pair);
  }
  // Of one alone the same was asked before.
  if (goals.length > 1 && divisible.refutes(goals)) bounds.oneMoreStays = true;
}

/** The least number of pairs that a plan leaves. */
export function fewestLeft(problem: Problem, bounds: Bounds): number {
  return countRules(problem, bounds.hopeless) + (bounds.oneMoreStays ? 1 : 0);
}

/**
 * 1 for each VM that some order of possible steps may take from its host: one that fits elsewhere, when all of those have
 * left that were found before and nobody has come.
 */
function leavers(
  { H, V, R, home, need, weight, inverse, load, free }: Problem,
  bounds: Bounds,
  work: Work,
): Uint8Array {
  const emptied = { load: load.slice(), free: free.slice() };
  const leaves = new Uint8Array(V);
  for (let found = true; found; ) {
    found = false;
    for (let v = 0; v < V; v++) {
      if (leaves[v] === 1 || !fits(v)) continue;
      found = true;
      leaves[v] = 1;
      const h = home[v] ?? 0;
      emptied.free[h] = (emptied.free[h] ?? 0) + (need[v] ?? 0);
      for (let r = 0; r < R; r++) {
        const pair = h * R + r;
        emptied.load[pair] = (emptied.load[pair] ?? 0) - (weight[v * R + r] ?? 0) * (inverse[pair] ?? 0);
      }
    }
  }
  return leaves;

  function fits(v: number): boolean {
    for (let d = 0; d < H; d++) {
      if (d === home[v]) continue;
      work.charge("fit", R + 1);
      if (bounds.couldHold(v, d, emptied)) return true;
    }
    return false;
  }
}
