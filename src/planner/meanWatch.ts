/**
 * Which steps must wait for others so that the mean never falls too low for what hosts carry, in whatever order steps
 * run; only hosts of different sizes move it. Pure.
 *
 * In a stretch of steps each pair has a highest value, and the highest of those needs a certain mean. A step that
 * lowers the mean waits for as many earlier ones that raise it as keep it above that: of any steps that have ended, the
 * last that lowers has seen to it for all before it.
 */

import { type Problem, weightOn } from "./problem.ts";
import { limitOf, tolerance } from "./state.ts";
import type { Step } from "./steps/order.ts";

interface MeanChange {
  readonly index: number;
  readonly by: number;
}

export class MeanWatch {
  readonly #problem: Problem;
  /** The mean of each rule at the start of the stretch, after all its steps so far, and the lowest of these. */
  #base: Float64Array;
  readonly #now: Float64Array;
  #least: Float64Array;
  /** The lowest mean that some order could bring. */
  #lowest: Float64Array;
  /** The mean that the highest values of the stretch need. */
  #needed: Float64Array;
  /** What the steps of the stretch do to each mean. */
  #changes: MeanChange[][];
  /** Of the last `enter`: what it did, and what was needed before it. */
  #last: readonly number[] = [];
  #neededBefore: Float64Array;

  constructor(problem: Problem) {
    this.#problem = problem;
    this.#base = problem.mean.slice();
    this.#now = problem.mean.slice();
    this.#least = problem.mean.slice();
    this.#lowest = problem.mean.slice();
    this.#needed = new Float64Array(problem.R);
    this.#neededBefore = this.#needed;
    this.#changes = [];
    this.newStretch(problem.load);
  }

  /** All steps so far have ended; pairs have the values `load`. */
  newStretch(load: Float64Array): void {
    const { H, R, anyVarying } = this.#problem;
    this.#base = this.#now.slice();
    this.#least = this.#now.slice();
    this.#lowest = this.#now.slice();
    this.#needed = new Float64Array(R).fill(Number.NEGATIVE_INFINITY);
    this.#changes = Array.from({ length: R }, () => []);
    if (!anyVarying) return;
    for (let h = 0; h < H; h++) this.liftHost(h, (r) => load[h * R + r] ?? 0);
  }

  /** Counts what the step does to the means. */
  enter({ vm, from, to }: Step, index: number): void {
    const { R, inverse, counted, varying } = this.#problem;
    this.#neededBefore = this.#needed.slice();
    this.#last = Array.from({ length: R }, (_, r) => {
      if (varying[r] === 0) return 0;
      const more = weightOn(this.#problem, vm, to, r) * (inverse[to * R + r] ?? 0);
      const less = weightOn(this.#problem, vm, from, r) * (inverse[from * R + r] ?? 0);
      return (more - less) / (counted[r] ?? 1);
    });
    this.#last.forEach((by, r) => {
      this.#now[r] = (this.#now[r] ?? 0) + by;
      this.#least[r] = Math.min(this.#least[r] ?? 0, this.#now[r] ?? 0);
      this.#lowest[r] = (this.#lowest[r] ?? 0) + Math.min(0, by);
      if (by !== 0) this.#changes[r]?.push({ index, by });
    });
  }

  /** Takes the last `enter` out of the means again; its stretch ends before it. */
  takeBack(): void {
    this.#needed = this.#neededBefore;
    this.#last.forEach((by, r) => {
      this.#now[r] = (this.#now[r] ?? 0) - by;
      if (by !== 0) this.#changes[r]?.pop();
    });
  }

  /** The pairs of the host may have these values in the stretch. One term of a chain that keeps it is enough. */
  liftHost(h: number, valueAt: (r: number) => number): void {
    const { R, end } = this.#problem;
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      const last = end[lead] ?? R;
      const kept = last - lead === 1 ? lead : this.#bestKept(h, lead, last, valueAt);
      if (kept >= 0) this.#lift(h * R + kept, valueAt(kept));
    }
  }

  /** The term by which the chain has most room; -1 where it is kept whatever the means. */
  #bestKept(h: number, lead: number, last: number, valueAt: (r: number) => number): number {
    const { R, varying, scale, load, held } = this.#problem;
    let [best, most] = [lead, Number.NEGATIVE_INFINITY];
    let asBefore = held[h * R + lead] === 1;
    for (let r = lead; r < last; r++) {
      const [pair, value] = [h * R + r, valueAt(r)];
      const room = limitOf(this.#problem, pair, this.#now[r] ?? 0) - value;
      if (varying[r] === 0 && room >= -tolerance(value)) return -1;
      if (value > (load[pair] ?? 0) + tolerance(value)) asBefore = false;
      // A term that does not hang on the mean and is past its limit keeps nothing.
      if (varying[r] === 1 && room / (scale[r] ?? 1) > most) [best, most] = [r, room / (scale[r] ?? 1)];
    }
    return asBefore ? -1 : best;
  }

  /** The pair may have this value in the stretch. What was broken at the start of the plan may be as it was. */
  #lift(pair: number, value: number): void {
    const { R, broken, known, load, varying, ceiling, allowed } = this.#problem;
    const r = pair % R;
    if (varying[r] === 0 || known[pair] === 0) return;
    const spare = tolerance(value);
    const most = Math.max(
      ceiling[pair] ?? 0,
      broken[pair] === 1 ? (load[pair] ?? 0) : Number.NEGATIVE_INFINITY,
    );
    if (value <= most + spare) return;
    this.#needed[r] = Math.max(this.#needed[r] ?? 0, value - spare - (allowed[r] ?? 0));
  }

  /** Whether the means of the order as it is are high enough for all that the stretch may bring in any other. */
  holds(): boolean {
    const { R, mean } = this.#problem;
    for (let r = 0; r < R; r++) {
      const least = Math.min(mean[r] ?? 0, this.#least[r] ?? 0);
      if ((this.#needed[r] ?? 0) > least + rounding(least)) return false;
    }
    return true;
  }

  /** Whether the value keeps the rule even at the lowest mean that some order of the stretch could bring. */
  keepsAtLowest(pair: number, value: number): boolean {
    const { R, mean } = this.#problem;
    const r = pair % R;
    const floor = Math.min(mean[r] ?? 0, this.#lowest[r] ?? 0);
    return value <= limitOf(this.#problem, pair, floor) + tolerance(value);
  }

  /** Steps of the stretch, earlier than `index`, that must have raised the means before it may lower them. */
  waitsOf(index: number, ways: readonly number[]): number[] {
    return this.#changes.flatMap((changes, r) => {
      const at = changes.findIndex((change) => change.index === index);
      if (at < 0 || (changes[at]?.by ?? 0) > 0) return [];
      const earlier = changes.slice(0, at + 1);
      const lowered = earlier.reduce((sum, { by }) => sum + Math.min(0, by), 0);
      const room = (this.#base[r] ?? 0) - (this.#needed[r] ?? 0);
      return raising(earlier, -(room + lowered) - rounding(this.#base[r] ?? 0), ways);
    });
  }
}

/** Of the changes some that raise the mean by `lack` together: those that end first. */
function raising(changes: readonly MeanChange[], lack: number, ways: readonly number[]): number[] {
  if (!(lack > 0)) return [];
  const raises = changes.filter(({ by }) => by > 0);
  raises.sort((a, b) => (ways[a.index] ?? 0) - (ways[b.index] ?? 0) || a.index - b.index);
  const chosen: number[] = [];
  let raised = 0;
  for (const { index, by } of raises) {
    if (raised >= lack) break;
    chosen.push(index);
    raised += by;
  }
  return chosen;
}

/** Far below what the domain takes for equal. */
function rounding(value: number): number {
  return 1e-12 * Math.max(1, Math.abs(value));
}
