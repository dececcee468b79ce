/**
 * Which steps of a proven order must have ended before a step may start, so that all others may run in any order or
 * together. Pure.
 *
 * A transfer takes its destination's memory when it starts and gives its source's back when it ends. A step waits for
 * the earlier step of its VM and, where the destination could not take all arrivals so far otherwise, for the earlier
 * departures from there: what has arrived at a host is then never more, and what has left never less, than at some
 * point of the proven order. Where hosts differ in size, steps also move the mean that limits stand above: as long as
 * the lowest mean that any order could bring breaks nothing, that does not matter; before the first step with which it
 * might, all steps so far must have ended.
 */
import type { Step } from "./order.ts";
import type { Problem } from "./problem.ts";
import { limitOf, tolerance } from "./state.ts";

/** For each of `steps` the indices of the earlier ones that it waits for. */
export function waitsOf(problem: Problem, steps: readonly Step[]): readonly (readonly number[])[] {
  const watch = new Watch(problem);
  return steps.map((_, index) => watch.next(steps, index));
}

class Watch {
  readonly #problem: Problem;
  /** First step of the stretch in which all may run together, and of the one before it. */
  #start = 0;
  #previous = 0;
  /** When all steps so far are done. */
  readonly #load: Float64Array;
  readonly #free: Float64Array;
  readonly #mean: Float64Array;
  /** When of this stretch only the arrivals are done. */
  #peak: Float64Array;
  #least: Float64Array;
  /** The highest that each pair can be, and the lowest that each mean can be, while the stretch runs. */
  #highest: Float64Array;
  #lowest: Float64Array;

  constructor(problem: Problem) {
    this.#problem = problem;
    this.#load = problem.load.slice();
    this.#free = problem.free.slice();
    this.#mean = problem.mean.slice();
    this.#peak = this.#load.slice();
    this.#least = this.#free.slice();
    this.#highest = this.#load.slice();
    this.#lowest = this.#mean.slice();
  }

  next(steps: readonly Step[], index: number): number[] {
    const step = steps[index];
    if (step === undefined) return [];
    let waits = this.#enter(step);
    if (this.#problem.anyVarying && index > this.#start && !this.#holds()) {
      this.#newStretch(index);
      waits = this.#enter(step);
    }
    this.#carryOut(step);
    const before = Array.from({ length: this.#start - this.#previous }, (_, i) => this.#previous + i);
    for (let i = this.#start; i < index; i++) {
      if (steps[i]?.vm === step.vm || (waits && steps[i]?.from === step.to)) before.push(i);
    }
    return before;
  }

  /** Counts the step's arrival and what it may take from the mean; whether it must wait for departures. */
  #enter({ vm, from, to }: Step): boolean {
    const { R, weight, inverse, need, groups, counted } = this.#problem;
    this.#least[to] = (this.#least[to] ?? 0) - (need[vm] ?? 0);
    let waits = (this.#least[to] ?? 0) < 0 || groups.first[vm] !== groups.first[vm + 1];
    for (let r = 0; r < R; r++) {
      const raw = weight[vm * R + r] ?? 0;
      const [less, more] = [raw * (inverse[from * R + r] ?? 0), raw * (inverse[to * R + r] ?? 0)];
      this.#lowest[r] = (this.#lowest[r] ?? 0) + Math.min(0, more - less) / (counted[r] ?? 1);
      const pair = to * R + r;
      this.#peak[pair] = (this.#peak[pair] ?? 0) + more;
      if (more > 0 && !this.#keeps(pair, this.#peak[pair] ?? 0)) waits = true;
    }
    for (let r = 0; r < R; r++) {
      const pair = to * R + r;
      const value = waits
        ? (this.#load[pair] ?? 0) + (weight[vm * R + r] ?? 0) * (inverse[pair] ?? 0)
        : (this.#peak[pair] ?? 0);
      this.#highest[pair] = Math.max(this.#highest[pair] ?? 0, value);
    }
    return waits;
  }

  /** Whether the value keeps the rule at the lowest mean that this stretch can bring. */
  #keeps(pair: number, value: number): boolean {
    const { R, mean } = this.#problem;
    const r = pair % R;
    const floor = Math.min(mean[r] ?? 0, this.#lowest[r] ?? 0);
    return value <= limitOf(this.#problem, pair, floor) + tolerance(value);
  }

  /** Whether no order of the stretch lifts a pair above what it may be; what was broken may stay as it was. */
  #holds(): boolean {
    const { H, R, broken, known, load, varying } = this.#problem;
    for (let pair = 0; pair < H * R; pair++) {
      if (varying[pair % R] === 0 || known[pair] === 0) continue;
      const value = this.#highest[pair] ?? 0;
      const asBefore = broken[pair] === 1 && value <= (load[pair] ?? 0) + tolerance(value);
      if (!asBefore && !this.#keeps(pair, value)) return false;
    }
    return true;
  }

  #newStretch(index: number): void {
    this.#previous = this.#start;
    this.#start = index;
    this.#peak = this.#load.slice();
    this.#least = this.#free.slice();
    this.#highest = this.#load.slice();
    this.#lowest = this.#mean.slice();
  }

  #carryOut({ vm, from, to }: Step): void {
    const { R, weight, inverse, need, counted } = this.#problem;
    for (let r = 0; r < R; r++) {
      const raw = weight[vm * R + r] ?? 0;
      const [less, more] = [raw * (inverse[from * R + r] ?? 0), raw * (inverse[to * R + r] ?? 0)];
      this.#load[from * R + r] = (this.#load[from * R + r] ?? 0) - less;
      this.#load[to * R + r] = (this.#load[to * R + r] ?? 0) + more;
      this.#mean[r] = (this.#mean[r] ?? 0) + (more - less) / (counted[r] ?? 1);
    }
    this.#free[from] = (this.#free[from] ?? 0) + (need[vm] ?? 0);
    this.#free[to] = (this.#free[to] ?? 0) - (need[vm] ?? 0);
  }
}
