/**
 * Moves that serve VMs: those that save most CPU time that would be wanted and not had, for each gigabyte that is
 * copied. Pure.
 *
 * Each VM's demand in the time ahead is a mean (of each of one or more equal parts of it) and a variance; a host's is
 * the sum of its VMs' and of what else it does. What it is expected not to serve is `expectedShortage`. One move after
 * the other is chosen, the best by worth per gigabyte first, and those are taken back that are not worth their bytes
 * any more when all others are made: at the end each move is worth what is asked with all others in place. A migration
 * counts for some gigabytes more than it copies, or the smallest VMs would go about for next to nothing.
 */
import type { Demand } from "../plan.ts";
import type { State } from "../state.ts";
import type { Step } from "../steps/order.ts";
import { expectedShortage } from "./shortage.ts";

/** What hosts have and what is wanted of them: as many parts everywhere. */
export interface WantedOfHosts {
  /** Minutes ahead that count. */
  readonly minutes: number;
  /** Of a host: its CPUs, and all that is wanted of them at the start, by its VMs and by itself. */
  readonly capacity: readonly number[];
  readonly hosts: readonly Demand[];
  /** Of a VM; null where nothing is known of it, and it stays. */
  readonly vms: readonly (Demand | null)[];
  /** CPUs that a migration keeps busy on each of its ends. */
  readonly transferCpus: number;
}

/** The demands of a problem, and what moves must be worth. */
export interface ServeProblem extends WantedOfHosts {
  /** CPU-minutes that each gigabyte which a migration counts for must save at least. */
  readonly worth: number;
  /** Gigabytes that a migration counts for beside what it copies. */
  readonly overheadGigabytes: number;
  /** How long a migration of the VM takes. */
  readonly seconds: (v: number, from: number, to: number) => number;
}

/** What a chosen move saves, with all others made. */
export interface Saving {
  readonly step: Step;
  /** CPU-minutes in the time ahead, what the migration costs taken off. */
  readonly minutes: number;
  readonly gigabytes: number;
}

interface PossibleMove {
  readonly vm: number;
  readonly to: number;
  readonly minutes: number;
  readonly perGigabyte: number;
}

/** Destinations that are tried for each VM: those with most room by mean and deviation. */
export const triedHosts = 12;
const gibibyte = 1024 ** 3;

/** The sums of the hosts while VMs are moved about. */
export class ServedHosts<P extends WantedOfHosts = ServeProblem> {
  readonly problem: P;
  readonly #parts: number;
  readonly #means: Float64Array;
  readonly #variances: Float64Array;
  readonly #shortages: Float64Array;
  /** Of each host, NaN until somebody asks for it. */
  readonly #eases: Float64Array;
  readonly #burdens: Float64Array;

  constructor(problem: P) {
    this.problem = problem;
    const { hosts } = problem;
    this.#parts = hosts[0]?.means.length ?? 1;
    this.#means = Float64Array.from(hosts.flatMap(({ means }) => means));
    this.#variances = Float64Array.from(hosts, ({ variance }) => variance);
    this.#shortages = Float64Array.from(hosts, (_, h) => this.#with(h, null, 0));
    this.#eases = new Float64Array(hosts.length).fill(Number.NaN);
    this.#burdens = new Float64Array(hosts.length).fill(Number.NaN);
  }

  /** CPU-minutes that the host is expected not to serve in the time ahead. */
  shortage(h: number): number {
    return this.#shortages[h] ?? 0;
  }

  /** CPUs that are expected to be wanted of the host, in the mean of the time ahead. */
  wanted(h: number): number {
    let sum = 0;
    for (let t = 0; t < this.#parts; t++) sum += this.#means[h * this.#parts + t] ?? 0;
    return sum / this.#parts;
  }

  /** All that is expected to be wanted of the host. */
  demand(h: number): Demand {
    const means = Array.from(this.#means.subarray(h * this.#parts, (h + 1) * this.#parts));
    return { means, variance: this.#variances[h] ?? 0 };
  }

  /** The standard deviation of what is wanted of the host, in CPUs. */
  spread(h: number): number {
    return Math.sqrt(this.#variances[h] ?? 0);
  }

  /** As `shortage`, when the VM has come (1) or gone (-1). */
  after(h: number, v: number, sign: 1 | -1): number {
    return this.#with(h, this.problem.vms[v] ?? null, sign);
  }

  /** As `shortage`, with so much more to do. */
  withMore(h: number, demand: Demand): number {
    return this.#with(h, demand, 1);
  }

  /** What a migration costs the VMs of either end in so many minutes: CPU-minutes. */
  burden(h: number, minutes: number): number {
    const known = this.#burdens[h] ?? 0;
    return (Number.isNaN(known) ? this.#noteBurden(h) : known) * minutes;
  }

  /** CPUs that VMs of the host would lack while a migration goes on. */
  #noteBurden(h: number): number {
    const { capacity, transferCpus } = this.problem;
    const [mean, variance] = [this.#means[h * this.#parts] ?? 0, this.#variances[h] ?? 0];
    const most = capacity[h] ?? 0;
    const more = expectedShortage(mean + transferCpus, variance, most);
    const burden = Math.max(0, more - expectedShortage(mean, variance, most));
    this.#burdens[h] = burden;
    return burden;
  }

  /** CPUs between the mean and what the host has, in deviations: who takes a VM most easily. */
  ease(h: number): number {
    const known = this.#eases[h] ?? 0;
    return Number.isNaN(known) ? this.#noteEase(h) : known;
  }

  #noteEase(h: number): number {
    let most = 0;
    for (let t = 0; t < this.#parts; t++) most = Math.max(most, this.#means[h * this.#parts + t] ?? 0);
    const ease = ((this.problem.capacity[h] ?? 0) - most) / Math.sqrt(1e-6 + (this.#variances[h] ?? 0));
    this.#eases[h] = ease;
    return ease;
  }

  move(v: number, from: number, to: number): void {
    this.change(from, v, -1);
    this.change(to, v, 1);
  }

  /** The VM comes to the host (1) or goes from it (-1). */
  change(h: number, v: number, sign: 1 | -1): void {
    const demand = this.problem.vms[v];
    if (demand === null || demand === undefined) return;
    demand.means.forEach((mean, t) => {
      const at = h * this.#parts + t;
      this.#means[at] = (this.#means[at] ?? 0) + sign * mean;
    });
    this.#variances[h] = Math.max(0, (this.#variances[h] ?? 0) + sign * demand.variance);
    this.#shortages[h] = this.#with(h, null, 0);
    this.#eases[h] = Number.NaN;
    this.#burdens[h] = Number.NaN;
  }

  #with(h: number, demand: Demand | null, sign: number): number {
    const { capacity, minutes } = this.problem;
    const variance = Math.max(0, (this.#variances[h] ?? 0) + sign * (demand?.variance ?? 0));
    let sum = 0;
    for (let t = 0; t < this.#parts; t++) {
      const mean = (this.#means[h * this.#parts + t] ?? 0) + sign * (demand?.means[t] ?? 0);
      sum += expectedShortage(mean, variance, capacity[h] ?? 0);
    }
    return (sum * minutes) / this.#parts;
  }
}

/**
 * The moves that are worth it, best first; `state` stands at the start and ends behind the last of them.
 * @param most moves at most.
 */
export function chooseMoves(state: State, problem: ServeProblem, most: number): Saving[] {
  return new Choice(state, problem).run(most);
}

/** What each of `steps` saves with all others made; `state` stands behind the last of them. */
export function savingsOf(state: State, problem: ServeProblem, steps: readonly Step[]): Saving[] {
  return new Choice(state, problem).savings(steps);
}

class Choice {
  readonly #state: State;
  readonly #problem: ServeProblem;
  #sums: ServedHosts;
  /** The best move of each VM by now; undefined where it must be looked for. */
  readonly #best = new Map<number, PossibleMove | null>();
  /** What its host gains when the VM leaves; NaN where it must be reckoned. */
  readonly #reliefs: Float64Array;
  /** As `easiestFirst`, when last asked. */
  readonly #easiest: number[];

  constructor(state: State, problem: ServeProblem) {
    this.#state = state;
    this.#problem = problem;
    this.#sums = new ServedHosts(problem);
    this.#reliefs = new Float64Array(problem.vms.length).fill(Number.NaN);
    this.#easiest = [...problem.hosts.keys()];
  }

  run(most: number): Saving[] {
    const steps: Step[] = [];
    while (steps.length < most) {
      const best = this.#next();
      if (best === null) break;
      const from = this.#state.at[best.vm] ?? 0;
      this.#make({ vm: best.vm, from, to: best.to, parked: false });
      steps.push({ vm: best.vm, from, to: best.to, parked: false });
    }
    return this.#worthwhile(steps);
  }

  /** The state stands behind `steps` already. */
  savings(steps: readonly Step[]): Saving[] {
    this.#take(steps);
    return steps.map((step) => this.#savingOf(step));
  }

  #make({ vm, from, to }: Step): void {
    this.#state.move(vm, to);
    this.#sums.move(vm, from, to);
    for (const [v, candidate] of this.#best) {
      const at = this.#state.at[v] ?? -1;
      const touched = at === from || at === to || candidate?.to === to || candidate?.to === from;
      if (touched || candidate === null) this.#best.delete(v);
    }
    for (const h of [from, to])
      for (let v = this.#state.first(h); v >= 0; v = this.#state.after(v)) this.#reliefs[v] = Number.NaN;
  }

  #next(): PossibleMove | null {
    const { H } = this.#state.problem;
    const easiest = sortByEase(this.#sums, this.#easiest);
    let best: PossibleMove | null = null;
    // The best of those that are known first: few of the others can be better, and need be looked at.
    for (const known of this.#best.values())
      if (known !== null && (best === null || known.perGigabyte > best.perGigabyte)) best = known;
    for (let h = 0; h < H; h++) {
      // No VM saves more than its host lacks.
      const least = Math.max(best?.perGigabyte ?? 0, this.#problem.worth) * this.#problem.overheadGigabytes;
      if (this.#sums.shortage(h) <= least) continue;
      for (let v = this.#state.first(h); v >= 0; v = this.#state.after(v)) {
        const own = this.#bestOf(v, h, easiest, best?.perGigabyte ?? 0);
        if (own === null) continue;
        if (best === null || own.perGigabyte > best.perGigabyte) best = own;
      }
    }
    return best;
  }

  /** Null where there is none, or none that saves more than `least` for each gigabyte. */
  #bestOf(v: number, from: number, easiest: readonly number[], least: number): PossibleMove | null {
    const known = this.#best.get(v);
    if (known !== undefined) return known;
    // A VM moves once, and only where it is known what it wants.
    const { home, movesLeft } = this.#state.problem;
    if (home[v] !== from || this.#problem.vms[v] === null) return null;
    if ((this.#state.taken[from] ?? 0) >= (movesLeft[from] ?? 0)) return null;
    const relief = this.#reliefOf(v, from);
    const priced = this.#gigabytes(v) + this.#problem.overheadGigabytes;
    // No destination makes more of it than this.
    if (relief <= Math.max(least, this.#problem.worth) * priced) return null;
    const found = this.#search(v, from, easiest, relief);
    this.#best.set(v, found);
    return found;
  }

  #reliefOf(v: number, from: number): number {
    const known = this.#reliefs[v] ?? Number.NaN;
    if (!Number.isNaN(known)) return known;
    const relief = this.#sums.shortage(from) - this.#sums.after(from, v, -1);
    this.#reliefs[v] = relief;
    return relief;
  }

  #search(v: number, from: number, easiest: readonly number[], relief: number): PossibleMove | null {
    const priced = this.#gigabytes(v) + this.#problem.overheadGigabytes;
    let best: PossibleMove | null = null;
    let tried = 0;
    for (const to of easiest) {
      if (tried >= triedHosts) break;
      if (to === from || this.#state.isSpent(v, to) || !this.#state.stepFits(v, to)) continue;
      tried++;
      const minutes = this.#saved(v, from, to, relief);
      const perGigabyte = minutes / Math.max(1e-9, priced);
      if (perGigabyte <= this.#problem.worth) continue;
      if (best === null || perGigabyte > best.perGigabyte) best = { vm: v, to, minutes, perGigabyte };
    }
    return best;
  }

  #gigabytes(v: number): number {
    return (this.#state.problem.cost[v] ?? 0) / gibibyte;
  }

  #saved(v: number, from: number, to: number, relief: number): number {
    return savedMinutes(this.#sums, v, from, to, relief);
  }

  /** The steps without those that the others have made needless, each with what it saves beside all others. */
  #worthwhile(steps: readonly Step[]): Saving[] {
    let kept = steps;
    const rateOf = (saving: Saving) => rate(saving, this.#problem);
    for (;;) {
      const savings = kept.map((step) => this.#savingOf(step));
      const least = savings.reduce<Saving | null>(
        (worst, each) => (worst === null || rateOf(each) < rateOf(worst) ? each : worst),
        null,
      );
      if (least === null || rateOf(least) > this.#problem.worth) return savings;
      const without = kept.filter((step) => step !== least.step);
      if (!this.#isPossible(without)) return savings;
      kept = without;
      this.#take(kept);
    }
  }

  /** As if it were made last. */
  #savingOf(step: Step): Saving {
    const { vm, from, to } = step;
    this.#sums.move(vm, to, from);
    const relief = this.#sums.shortage(from) - this.#sums.after(from, vm, -1);
    const minutes = this.#saved(vm, from, to, relief);
    this.#sums.move(vm, from, to);
    return { step, minutes, gigabytes: this.#gigabytes(vm) };
  }

  /** Whether each step is still possible without the one that is taken back. */
  #isPossible(steps: readonly Step[]): boolean {
    const before = this.#state.save();
    this.#state.reset();
    const possible = steps.every(({ vm, to }) => {
      const fits = this.#state.stepFits(vm, to);
      if (fits) this.#state.move(vm, to);
      return fits;
    });
    if (!possible) this.#state.restore(before);
    return possible;
  }

  /** The state stands behind `steps` already; brings the sums there. */
  #take(steps: readonly Step[]): void {
    this.#sums = new ServedHosts(this.#problem);
    for (const { vm, from, to } of steps) this.#sums.move(vm, from, to);
  }
}

/** What a move saves from its end on, less what it takes while it goes on. `relief`: what its source gains by it. */
export function savedMinutes(sums: ServedHosts, v: number, from: number, to: number, relief: number): number {
  const { minutes, seconds } = sums.problem;
  const taken = Math.min(minutes, seconds(v, from, to) / 60);
  const harm = sums.after(to, v, 1) - sums.shortage(to);
  const cost = sums.burden(from, taken) + sums.burden(to, taken);
  return (relief - harm) * (1 - taken / minutes) - cost;
}

/** Hosts by how easily they take a VM, the easiest first. */
export function easiestFirst(sums: ServedHosts, count: number): readonly number[] {
  return sortByEase(
    sums,
    Array.from({ length: count }, (_, h) => h),
  );
}

/** Sorts `hosts`, which costs next to nothing where they are nearly in order. */
function sortByEase(sums: ServedHosts, hosts: number[]): readonly number[] {
  return hosts.sort((a, b) => sums.ease(b) - sums.ease(a) || a - b);
}

/** CPU-minutes saved for each gigabyte that the migration counts for. */
export function rate(
  { minutes, gigabytes }: Pick<Saving, "minutes" | "gigabytes">,
  { overheadGigabytes }: Pick<ServeProblem, "overheadGigabytes">,
): number {
  return minutes / Math.max(1e-9, gigabytes + overheadGigabytes);
}
