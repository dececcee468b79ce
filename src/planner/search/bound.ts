/**
 * What no plan can undercut: a host above its limit must lose at least its surplus of its own load, so the cheapest
 * covers of all hosts add up to a lower bound; a pair without any cover can be cleared by nobody. Of a chain the term
 * that is cheapest to clear counts. Pure.
 */
import { rounding } from "../../domain/deviation.ts";
import { type Problem, weightOn } from "../problem.ts";
import { aimOf, limitOf } from "../state.ts";
import { byRule, choicesWithin } from "./choices.ts";
import { Cover } from "./cover.ts";
import { Work } from "./work.ts";

/** Nodes of one cover; beyond them the bound is what the open nodes prove. */
const nodes = 20_000;
/** The same once this part of the budget is spent: a bound must leave something for the plan. */
const part = 0.25;
const nodesBeyond = 200;

/** What hosts would carry, and have free, without those VMs that could leave them. */
export interface Emptied {
  readonly load: Float64Array;
  readonly free: Float64Array;
}

export class Bounds {
  readonly #problem: Problem;
  readonly #work: Work;
  readonly #cover: Cover;
  /** Whether some other host could ever hold the VM: -1 not known yet. */
  readonly #leaves: Int8Array;
  readonly #emptied: Emptied;
  readonly #sheddings = new Map<string, number>();
  /** 1 where the pair is broken and nothing clears it, in whatever order; the same, or no order does. */
  readonly unclearable: Uint8Array;
  readonly hopeless: Uint8Array;
  /** 1 where it is for want of room elsewhere. */
  readonly refuted: Uint8Array;
  /** Whether not all of the other broken pairs can be cleared. */
  oneMoreStays = false;

  constructor(problem: Problem, work: Work = new Work(Number.POSITIVE_INFINITY)) {
    const { H, V, R, home, weight, inverse, need } = problem;
    this.#problem = problem;
    this.#work = work;
    this.#cover = new Cover(work);
    work.charge("look", V * (R + 1));
    this.#leaves = new Int8Array(V).fill(-1);
    const [load, free] = [problem.load.slice(), problem.free.slice()];
    this.#emptied = { load, free };
    for (let v = 0; v < V; v++) {
      const h = home[v] ?? 0;
      free[h] = (free[h] ?? 0) + (need[v] ?? 0);
      for (let r = 0; r < R; r++) {
        const pair = h * R + r;
        const part = (weight[v * R + r] ?? 0) * (inverse[pair] ?? 0);
        load[pair] = (load[pair] ?? 0) - part;
      }
    }
    this.unclearable = new Uint8Array(H * R);
    this.refuted = new Uint8Array(H * R);
    for (const pair of this.#stuckWith((v) => this.canLeave(v))) this.unclearable[pair] = 1;
    this.hopeless = this.unclearable.slice();
  }

  /** Marks the pairs that the leaving of these VMs does not clear, where no possible order takes others from their hosts. */
  markUnreachable(leavers: Uint8Array): void {
    for (const pair of this.#stuckWith((v) => leavers[v] === 1)) this.hopeless[pair] = 1;
  }

  /** Marks the pair, of a rule of one term, as one for which there is no room. */
  markRefuted(pair: number): void {
    for (const marks of [this.refuted, this.unclearable, this.hopeless]) marks[pair] = 1;
  }

  /** Broken pairs that even the leaving of all VMs for which `leaves` holds does not clear. */
  #stuckWith(leaves: (v: number) => boolean): number[] {
    const { H, R, broken, first, end, rising } = this.#problem;
    const hopeless: number[] = [];
    for (let pair = 0; pair < H * R; pair++) {
      const r = pair % R;
      if (broken[pair] === 0 || first[r] !== r) continue;
      const own = Array.from({ length: (end[r] ?? R) - r }, (_, i) => pair + i);
      const h = Math.floor(pair / R);
      // A term that arrivals lower is not cleared by what leaves: who comes is not known here.
      const isStuck = (each: number) =>
        rising[each % R] === 0 && this.#sheddable(h, each % R, leaves) < this.#surplus(each);
      if (own.every(isStuck)) hopeless.push(...own);
    }
    return hopeless;
  }

  #sheddable(h: number, r: number, leaves: (v: number) => boolean): number {
    const { R, weight, inverse } = this.#problem;
    let sum = 0;
    for (const v of this.vmsOf(h)) {
      if (leaves(v)) sum += (weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
    }
    return sum * (1 + 1e-12);
  }

  #byHost: readonly (readonly number[])[] | null = null;

  /** Movable VMs that are at home on `h`. */
  vmsOf(h: number): readonly number[] {
    if (this.#byHost === null) {
      const lists: number[][] = Array.from({ length: this.#problem.H }, () => []);
      this.#problem.home.forEach((home, v) => {
        lists[home]?.push(v);
      });
      this.#byHost = lists;
    }
    return this.#byHost[h] ?? [];
  }

  /** What must leave the pair at least, by the domain's own tolerance. Of a term that arrivals lower: nothing. */
  #surplus(pair: number): number {
    const { R, load, mean, rising } = this.#problem;
    if (rising[pair % R] === 1) return 0;
    const value = load[pair] ?? 0;
    return value - aimOf(this.#problem, pair, mean[pair % R] ?? 0) - rounding(value);
  }

  /** Whether another host would take `v` if everything movable had left it: no plan moves a VM for which none would. */
  canLeave(v: number): boolean {
    const known = this.#leaves[v] ?? -1;
    if (known >= 0) return known === 1;
    this.#work.charge("fit", this.#problem.R + 1);
    let can = false;
    for (let d = 0; d < this.#problem.H && !can; d++) {
      can = d !== this.#problem.home[v] && this.couldHold(v, d);
    }
    this.#leaves[v] = can ? 1 : 0;
    return can;
  }

  /** Whether `d` could hold `v` with what has left it that `emptied` says; everything that may move by default. */
  couldHold(v: number, d: number, emptied: Emptied = this.#emptied): boolean {
    const { H, R, shut, need, inverse, groups } = this.#problem;
    if ((emptied.free[d] ?? 0) < (need[v] ?? 0) || shut[v * H + d] === 1) return false;
    for (let i = groups.first[v] ?? 0; i < (groups.first[v + 1] ?? 0); i++) {
      const at = (groups.members[i] ?? 0) * H + d;
      if ((groups.fixed[at] ?? 0) >= (groups.limit[at] ?? 0)) return false;
    }
    const { end } = this.#problem;
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      let fits = false;
      for (let r = lead; r < (end[lead] ?? R) && !fits; r++) {
        const more = weightOn(this.#problem, v, d, r) * (inverse[d * R + r] ?? 0);
        fits = !(more > 0 && (emptied.load[d * R + r] ?? 0) + more > this.mostAllowed(d * R + r));
      }
      if (!fits) return false;
    }
    return true;
  }

  /** The highest value that the pair has at the end of any plan. */
  mostAllowed(pair: number): number {
    const { R, load, mean } = this.#problem;
    const most = Math.max(limitOf(this.#problem, pair, mean[pair % R] ?? 0), load[pair] ?? 0);
    return most + rounding(most);
  }

  /** The highest value by which the pair, a goal, has reached its aim. */
  mostAtAim(pair: number): number {
    const { R, load, mean } = this.#problem;
    const most = aimOf(this.#problem, pair, mean[pair % R] ?? 0);
    return most + rounding(Math.max(Math.abs(most), load[pair] ?? 0));
  }

  /** The least bytes that must leave host `h` so that the pairs of `rules` are cleared; infinite when nothing does. */
  shedding(h: number, rules: readonly number[]): number {
    if (rules.length === 0) return 0;
    const key = `${h} ${rules.join()}`;
    const known = this.#sheddings.get(key) ?? this.#cheapest(h, rules);
    this.#sheddings.set(key, known);
    return known;
  }

  /** By the best choice of one term of each chain. */
  #cheapest(h: number, rules: readonly number[]): number {
    const { first } = this.#problem;
    let least = Number.POSITIVE_INFINITY;
    for (const choice of choicesWithin(byRule(rules, first))) {
      least = Math.min(least, this.#cheapestOf(h, choice));
    }
    return least;
  }

  #cheapestOf(h: number, rules: readonly number[]): number {
    const { R, weight, inverse, cost } = this.#problem;
    const vms = this.vmsOf(h).filter((v) => this.canLeave(v));
    const needed = rules.map((r) => this.#surplus(h * R + r));
    // Within rounding of the limit nobody needs to leave.
    const real = rules.filter((_, j) => (needed[j] ?? 0) > 0);
    const needs = needed.filter((surplus) => surplus > 0);
    if (real.length === 0) return 0;
    this.#cover.reserve(vms.length, real.length);
    vms.forEach((v, i) => {
      this.#cover.cost[i] = cost[v] ?? 0;
      real.forEach((r, j) => {
        const part = (weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
        this.#cover.gain[i * real.length + j] = part / (needs[j] ?? 1);
      });
    });
    this.#cover.solve(this.#work.within(part) ? nodes : nodesBeyond);
    return this.#cover.bound;
  }

  /** The least cost of any plan that clears every broken pair for which `cleared` holds. */
  total(cleared: (pair: number) => boolean): number {
    const { H, R, broken } = this.#problem;
    let sum = 0;
    for (let h = 0; h < H; h++) {
      const rules: number[] = [];
      for (let r = 0; r < R; r++) {
        const pair = h * R + r;
        if (broken[pair] === 1 && cleared(pair)) rules.push(r);
      }
      sum += this.shedding(h, rules);
    }
    return sum;
  }
}
