/**
 * Which steps of a proven order must have ended before a step may start, so that all others may run in any order or
 * together. Pure.
 *
 * A transfer takes its destination's memory when it starts and gives its source's back when it ends. A step waits for
 * the earlier step of its VM and, where the destination could not take all arrivals so far otherwise, for as many of
 * the earlier departures from there as make it able to: of any steps that have begun, the last arrival has seen to it
 * that there is room for it and all arrivals before it. Where hosts differ in size, steps also move the mean that
 * limits stand above: see `MeanWatch`. Before the first step with which no such waits would do, all steps so far must
 * have ended.
 */
import { MeanWatch } from "../meanWatch.ts";
import { type Problem, weightOn } from "../problem.ts";
import type { Step } from "./order.ts";

/** For each of `steps` the indices of the earlier ones that it waits for. */
export function waitsOf(problem: Problem, steps: readonly Step[]): readonly (readonly number[])[] {
  return new WaitWatch(problem, steps).run();
}

class WaitWatch {
  readonly #problem: Problem;
  readonly #steps: readonly Step[];
  readonly #waits: number[][] = [];
  /** Bytes that are copied one after the other until the step has ended. */
  readonly #ways: number[] = [];
  /** First step of the stretch in which steps may run together, and of the one before it. */
  #start = 0;
  #previous = 0;
  /** When all steps so far are done. */
  readonly #load: Float64Array;
  readonly #free: Float64Array;
  /** When of this stretch only the arrivals are done. */
  #peak: Float64Array;
  #least: Float64Array;
  readonly #mean: MeanWatch;

  constructor(problem: Problem, steps: readonly Step[]) {
    this.#problem = problem;
    this.#steps = steps;
    this.#load = problem.load.slice();
    this.#free = problem.free.slice();
    this.#peak = this.#load.slice();
    this.#least = this.#free.slice();
    this.#mean = new MeanWatch(problem);
  }

  run(): readonly (readonly number[])[] {
    this.#steps.forEach((step, index) => {
      let departures = this.#enter(step, index);
      // Where leaving can break a rule too, no order but the proven one is known to be good.
      const alone = this.#problem.anyRising || !this.#mean.holds();
      if (alone && index > this.#start) {
        this.#mean.takeBack();
        this.#newStretch(index);
        departures = this.#enter(step, index);
      }
      this.#carryOut(step);
      this.#note(step, index, departures);
    });
    this.#addMeanWaits(this.#steps.length);
    return this.#waits;
  }

  /** Counts the arrival and what it does to the means; the departures that it waits for. */
  #enter(step: Step, index: number): number[] {
    const { vm, to } = step;
    const { R, inverse, need } = this.#problem;
    this.#least[to] = (this.#least[to] ?? 0) - (need[vm] ?? 0);
    for (let r = 0; r < R; r++) {
      const pair = to * R + r;
      this.#peak[pair] = (this.#peak[pair] ?? 0) + weightOn(this.#problem, vm, to, r) * (inverse[pair] ?? 0);
    }
    this.#mean.enter(step, index);
    const departures = this.#departuresFor(step, index);
    this.#mean.liftHost(to, (r) => this.#valueAfter(to, r, departures));
    return departures;
  }

  /** Departures from the destination without which it could not take all arrivals so far, none that is not needed. */
  #departuresFor({ vm, to }: Step, index: number): number[] {
    const all: number[] = [];
    for (let i = this.#start; i < index; i++) if (this.#steps[i]?.from === to) all.push(i);
    if (all.length === 0 || this.#suffices(vm, to, all, [])) return [];
    let kept = all;
    const latest = all.toSorted((a, b) => (this.#ways[b] ?? 0) - (this.#ways[a] ?? 0) || b - a);
    for (const each of latest) {
      const fewer = kept.filter((other) => other !== each);
      if (this.#suffices(vm, to, all, fewer)) kept = fewer;
    }
    return kept;
  }

  /** Whether `vm` may come to `to` after all arrivals so far when of the departures `all` those of `some` have ended. */
  #suffices(vm: number, to: number, all: readonly number[], some: readonly number[]): boolean {
    const { R, weight, inverse, need } = this.#problem;
    const given = some.reduce((sum, i) => sum + (need[this.#steps[i]?.vm ?? 0] ?? 0), 0);
    if (all.length > some.length) {
      if ((this.#least[to] ?? 0) + given < 0) return false;
      if (all.some((i) => !some.includes(i) && this.#shareGroup(vm, this.#steps[i]?.vm ?? 0))) return false;
    }
    const { end } = this.#problem;
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      const last = end[lead] ?? R;
      let [lifted, kept] = [false, false];
      for (let r = lead; r < last; r++) {
        if ((weight[vm * R + r] ?? 0) * (inverse[to * R + r] ?? 0) > 0) lifted = true;
      }
      // One term of a chain that is kept is enough.
      for (let r = lead; r < last && lifted && !kept; r++) {
        kept = this.#mean.keepsAtLowest(to * R + r, this.#valueAfter(to, r, some));
      }
      if (!lifted || kept) continue;
      // More than all that have a part in it cannot be waited for.
      if (all.some((i) => !some.includes(i) && this.#hasPart(this.#steps[i]?.vm ?? 0, lead, last)))
        return false;
    }
    return true;
  }

  #hasPart(vm: number, lead: number, last: number): boolean {
    const { R, weight } = this.#problem;
    for (let r = lead; r < last; r++) if ((weight[vm * R + r] ?? 0) > 0) return true;
    return false;
  }

  #valueAfter(to: number, r: number, departures: readonly number[]): number {
    const { R, inverse } = this.#problem;
    const pair = to * R + r;
    const raw = departures.reduce(
      (sum, i) => sum + weightOn(this.#problem, this.#steps[i]?.vm ?? 0, to, r),
      0,
    );
    return (this.#peak[pair] ?? 0) - raw * (inverse[pair] ?? 0);
  }

  #shareGroup(a: number, b: number): boolean {
    const { first, members } = this.#problem.groups;
    const own = members.subarray(first[a] ?? 0, first[a + 1] ?? 0);
    return own.some((g) => members.subarray(first[b] ?? 0, first[b + 1] ?? 0).includes(g));
  }

  #note(step: Step, index: number, departures: readonly number[]): void {
    const before = Array.from({ length: this.#start - this.#previous }, (_, i) => this.#previous + i);
    for (let i = this.#start; i < index; i++) {
      if (this.#steps[i]?.vm === step.vm || departures.includes(i)) before.push(i);
    }
    this.#waits.push(before);
    this.#ways.push(this.#way(index));
  }

  #way(index: number): number {
    const waits = this.#waits[index] ?? [];
    const cost = this.#problem.cost[this.#steps[index]?.vm ?? 0] ?? 0;
    return cost + waits.reduce((most, i) => Math.max(most, this.#ways[i] ?? 0), 0);
  }

  #newStretch(index: number): void {
    this.#addMeanWaits(index);
    this.#previous = this.#start;
    this.#start = index;
    this.#peak = this.#load.slice();
    this.#least = this.#free.slice();
    this.#mean.newStretch(this.#load);
  }

  /** The stretch ends before step `end`: it is known now how low the means may be in it. */
  #addMeanWaits(end: number): void {
    for (let index = this.#start; index < end; index++) {
      const more = this.#mean.waitsOf(index, this.#ways);
      const known = this.#waits[index] ?? [];
      if (more.length > 0) this.#waits[index] = [...new Set([...known, ...more])].sort((a, b) => a - b);
      this.#ways[index] = this.#way(index);
    }
  }

  #carryOut({ vm, from, to }: Step): void {
    const { R, inverse, need } = this.#problem;
    for (let r = 0; r < R; r++) {
      for (const [h, sign] of [
        [from, -1],
        [to, 1],
      ] as const) {
        const pair = h * R + r;
        const raw = weightOn(this.#problem, vm, h, r);
        this.#load[pair] = (this.#load[pair] ?? 0) + sign * raw * (inverse[pair] ?? 0);
      }
    }
    this.#free[from] = (this.#free[from] ?? 0) + (need[vm] ?? 0);
    this.#free[to] = (this.#free[to] ?? 0) - (need[vm] ?? 0);
  }
}
