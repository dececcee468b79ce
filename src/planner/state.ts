/**
 * One assignment of the movable VMs to hosts, kept with its sums so that a move costs O(rules). Pure.
 *
 * Limits stand above min(mean at the start, mean now): a plan never relies on a mean that its own moves raised. A
 * pair with a ceiling may always be as high as that. A chain is over where all its terms are; one term that is not is
 * enough, whichever it is.
 */
import { excess, rounding } from "../domain/deviation.ts";
import { type Problem, weightOn } from "./problem.ts";
import { Work } from "./search/work.ts";

/** Half the tolerance of the domain, so that what holds here holds there. */
export function tolerance(value: number): number {
  return 0.5 * rounding(value);
}

export class State {
  readonly problem: Problem;
  /** Host of each VM. */
  readonly at: Int32Array;
  /** Value of each pair. */
  readonly load: Float64Array;
  readonly free: Float64Array;
  /** Members of each anti-affinity group on each host. */
  readonly members: Int32Array;
  /** Of a host: VMs that have left it for elsewhere or come to it from elsewhere, each counted once. */
  readonly taken: Int32Array;
  /** Of a term: the mean that limits stand above. */
  readonly floor: Float64Array;
  /** The same after a step that is being assessed. */
  readonly #floorAfter: Float64Array;
  /** 1 where VMs came or went since the last `settle` or `reset`; after a reset all have. */
  readonly touched: Uint8Array;
  /** VMs that are not at home: the first `awayCount` entries. */
  readonly away: Int32Array;
  awayCount = 0;
  /** Bytes to copy for the VMs that are not at home. */
  cost = 0;
  readonly #work: Work;
  readonly #sum: Float64Array;
  readonly #place: Int32Array;
  readonly #head: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(problem: Problem, work: Work = new Work(Number.POSITIVE_INFINITY)) {
    const { H, V, R } = problem;
    this.problem = problem;
    this.#work = work;
    this.at = new Int32Array(V);
    this.load = new Float64Array(H * R);
    this.free = new Float64Array(H);
    this.taken = new Int32Array(H);
    this.members = new Int32Array(problem.groups.count.length);
    this.floor = new Float64Array(R);
    this.#floorAfter = new Float64Array(R);
    this.touched = new Uint8Array(H);
    this.away = new Int32Array(V);
    this.#sum = new Float64Array(R);
    this.#place = new Int32Array(V);
    this.#head = new Int32Array(H);
    this.#next = new Int32Array(V);
    this.#previous = new Int32Array(V);
    this.reset();
  }

  /** Every VM at home, all sums as measured. */
  reset(): void {
    const { H, V, R, home, mean, counted } = this.problem;
    this.#work.charge("reset", V + H * R);
    this.at.set(home);
    this.load.set(this.problem.load);
    this.free.set(this.problem.free);
    this.taken.fill(0);
    this.touched.fill(1);
    this.members.set(this.problem.groups.count);
    this.floor.set(mean);
    for (let r = 0; r < R; r++) this.#sum[r] = (mean[r] ?? 0) * (counted[r] ?? 0);
    this.awayCount = 0;
    this.cost = 0;
    this.#place.fill(-1);
    this.#head.fill(-1);
    for (let v = V - 1; v >= 0; v--) this.#link(v, home[v] ?? 0);
    if (H === 0 && V > 0) throw new Error("VMs without hosts");
  }

  /** Takes over another assignment, with sums computed afresh so that rounding does not add up. */
  restore(moves: Int32Array): void {
    this.reset();
    for (let i = 0; i < moves.length; i += 2) this.move(moves[i] ?? 0, moves[i + 1] ?? 0);
  }

  /** Forgets which hosts were touched. */
  settle(): void {
    this.touched.fill(0);
  }

  /** VMs that are not at home with their hosts: v0, h0, v1, h1... */
  save(): Int32Array {
    const moves = new Int32Array(this.awayCount * 2);
    for (let i = 0; i < this.awayCount; i++) {
      const v = this.away[i] ?? 0;
      moves[2 * i] = v;
      moves[2 * i + 1] = this.at[v] ?? 0;
    }
    return moves;
  }

  /** The first VM on a host, then `after` each; -1 ends. The list must not change while it is walked. */
  first(h: number): number {
    return this.#head[h] ?? -1;
  }

  after(v: number): number {
    return this.#next[v] ?? -1;
  }

  move(v: number, d: number): void {
    const { R, inverse, need } = this.problem;
    const s = this.at[v] ?? 0;
    if (s === d) return;
    this.#work.charge("move", R + 1);
    this.touched[s] = 1;
    this.touched[d] = 1;
    for (let r = 0; r < R; r++) {
      const [from, to] = [s * R + r, d * R + r];
      const less = weightOn(this.problem, v, s, r) * (inverse[from] ?? 0);
      const more = weightOn(this.problem, v, d, r) * (inverse[to] ?? 0);
      this.load[from] = (this.load[from] ?? 0) - less;
      this.load[to] = (this.load[to] ?? 0) + more;
      this.#shiftMean(r, more - less);
    }
    this.free[s] = (this.free[s] ?? 0) + (need[v] ?? 0);
    this.free[d] = (this.free[d] ?? 0) - (need[v] ?? 0);
    this.#countMember(v, s, -1);
    this.#countMember(v, d, 1);
    this.#unlink(v, s);
    this.#link(v, d);
    this.at[v] = d;
    this.#noteAway(v, s, d);
  }

  #shiftMean(r: number, change: number): void {
    if (this.problem.varying[r] === 0) return;
    const sum = (this.#sum[r] ?? 0) + change;
    this.#sum[r] = sum;
    this.floor[r] = Math.min(this.problem.mean[r] ?? 0, sum / (this.problem.counted[r] ?? 1));
  }

  #countMember(v: number, h: number, change: number): void {
    const { first, members } = this.problem.groups;
    for (let i = first[v] ?? 0; i < (first[v + 1] ?? 0); i++) {
      const at = (members[i] ?? 0) * this.problem.H + h;
      this.members[at] = (this.members[at] ?? 0) + change;
    }
  }

  #noteAway(v: number, s: number, d: number): void {
    const home = this.problem.home[v] ?? 0;
    this.taken[s] = (this.taken[s] ?? 0) + (s === home ? 1 : -1);
    this.taken[d] = (this.taken[d] ?? 0) + (d === home ? -1 : 1);
    if (s === home) {
      this.#place[v] = this.awayCount;
      this.away[this.awayCount++] = v;
      this.cost += this.problem.cost[v] ?? 0;
    } else if (d === home) {
      const place = this.#place[v] ?? 0;
      const last = this.away[--this.awayCount] ?? 0;
      this.away[place] = last;
      this.#place[last] = place;
      this.#place[v] = -1;
      this.cost -= this.problem.cost[v] ?? 0;
    }
  }

  #link(v: number, h: number): void {
    const head = this.#head[h] ?? -1;
    this.#next[v] = head;
    this.#previous[v] = -1;
    if (head >= 0) this.#previous[head] = v;
    this.#head[h] = v;
  }

  #unlink(v: number, h: number): void {
    const [next, previous] = [this.#next[v] ?? -1, this.#previous[v] ?? -1];
    if (previous >= 0) this.#next[previous] = next;
    else this.#head[h] = next;
    if (next >= 0) this.#previous[next] = previous;
  }

  /** How far a value is above what its pair must reach: the aim where it broke the rule, else the threshold. */
  over(pair: number): number {
    const { R, broken } = this.problem;
    const floor = this.floor[pair % R] ?? 0;
    const limit = broken[pair] === 1 ? aimOf(this.problem, pair, floor) : limitOf(this.problem, pair, floor);
    return (this.load[pair] ?? 0) - limit;
  }

  /** How far a value is above what it may be for an arrival: the aim, whether it broke the rule or not. */
  aboveAim(pair: number): number {
    const floor = this.floor[pair % this.problem.R] ?? 0;
    return (this.load[pair] ?? 0) - aimOf(this.problem, pair, floor);
  }

  /** Whether the rule of the pair, with all its terms, misses what it must reach by more than rounding. */
  isOver(pair: number): boolean {
    const { R, known, chained, first, end } = this.problem;
    if (known[pair] === 0) return false;
    if (!chained) return this.#isPast(pair);
    const base = pair - (pair % R);
    const last = end[pair % R] ?? R;
    for (let r = first[pair % R] ?? 0; r < last; r++) if (!this.#isPast(base + r)) return false;
    return true;
  }

  #isPast(pair: number): boolean {
    return this.over(pair) > tolerance(this.load[pair] ?? 0);
  }

  /** Of the terms of the pair's rule the one that the host is least past, or furthest from being past. */
  easiest(pair: number): number {
    const { R, first, end, scale } = this.problem;
    const base = pair - (pair % R);
    let [easiest, least] = [pair, Number.POSITIVE_INFINITY];
    for (let r = first[pair % R] ?? 0; r < (end[pair % R] ?? 0); r++) {
      const over = this.over(base + r) / (scale[r] ?? 1);
      if (over < least) [easiest, least] = [base + r, over];
    }
    return easiest;
  }

  /** What must leave a pair so that it is no longer over, a little less than `over` for rounding's sake. */
  surplus(pair: number): number {
    return this.over(pair) - tolerance(this.load[pair] ?? 0);
  }

  /** Smallest distance to a limit that is left when `v` has come to `d`, in units of severity; -1 where it cannot. */
  fit(v: number, d: number): number {
    const { R, inverse, need, scale } = this.problem;
    this.#work.charge("fit", R + 1);
    if ((this.free[d] ?? 0) < (need[v] ?? 0) || !this.#admits(v, d) || this.isSpent(v, d)) return -1;
    const s = this.at[v] ?? 0;
    let slack = Number.MAX_VALUE;
    if (this.problem.chained || this.problem.anyRising) {
      slack = this.#chainSlack(v, s, d);
      if (slack < 0) return -1;
    }
    const { chained, first, end } = this.problem;
    for (let r = 0; r < R; r++) {
      if (chained && (end[r] ?? 0) - (first[r] ?? 0) > 1) continue;
      const more = weightOn(this.problem, v, d, r) * (inverse[d * R + r] ?? 0);
      const value = (this.load[d * R + r] ?? 0) + more;
      const room = aimOf(this.problem, d * R + r, this.#meanAfter(r, v, s, d)) - value;
      if (room < -tolerance(value)) {
        // A host that is over already may still take what has no part in that rule.
        if (more > 0) return -1;
        continue;
      }
      slack = Math.min(slack, room / (scale[r] ?? 1));
    }
    return Math.max(0, slack);
  }

  /** As `fit`, of the chains alone: the room under the best of the terms of each. */
  #chainSlack(v: number, s: number, d: number): number {
    const { R, first, end, rising, inverse, scale, held, broken } = this.problem;
    this.#judgeMeans(v, s, d);
    if (this.problem.anyRising && !this.#sourceKeeps(v, s)) return -1;
    let slack = Number.MAX_VALUE;
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      if ((end[lead] ?? 0) - (first[lead] ?? 0) === 1) continue;
      if (held[d * R + lead] === 1 && broken[d * R + lead] === 0) {
        if (!this.#chainKeeps(d, lead, v, 1)) return -1;
        continue;
      }
      let [best, takesPart] = [Number.NEGATIVE_INFINITY, false];
      for (let r = lead; r < (end[lead] ?? R); r++) {
        const more = weightOn(this.problem, v, d, r) * (inverse[d * R + r] ?? 0);
        const value = (this.load[d * R + r] ?? 0) + more;
        const room = aimOf(this.problem, d * R + r, this.#floorAfter[r] ?? 0) - value;
        if (more > 0 && rising[r] === 0) takesPart = true;
        if (room >= -tolerance(value)) best = Math.max(best, room / (scale[r] ?? 1));
      }
      if (best > Number.NEGATIVE_INFINITY) slack = Math.min(slack, Math.max(0, best));
      // A host that is over already may still take what has no part in that rule.
      else if (takesPart) return -1;
    }
    return slack;
  }

  /** Puts the means after a step of `v` from `s` to `d` in place. */
  #judgeMeans(v: number, s: number, d: number): void {
    const { R } = this.problem;
    for (let r = 0; r < R; r++) this.#floorAfter[r] = this.#meanAfter(r, v, s, d);
  }

  /** Whether the leaving of `v` breaks no rule with a term that rises by it. */
  #sourceKeeps(v: number, s: number): boolean {
    const { R, end, rising } = this.problem;
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      const rises = rising.subarray(lead, end[lead] ?? R).includes(1);
      if (rises && !this.#chainKeeps(s, lead, v, -1)) return false;
    }
    return true;
  }

  /**
   * Whether a chain is kept on `h` when `v` has come (1), gone (-1) or neither (0): by one of its terms at least; or,
   * where it was broken at the start, none of its terms is further past than then.
   */
  #chainKeeps(h: number, lead: number, v: number, sign: 1 | -1 | 0): boolean {
    const { R, end, held, broken, rising, inverse, allowed } = this.problem;
    let worse = false;
    for (let r = lead; r < (end[lead] ?? R); r++) {
      const pair = h * R + r;
      const change = sign === 0 ? 0 : sign * weightOn(this.problem, v, h, r) * (inverse[pair] ?? 0);
      const value = (this.load[pair] ?? 0) + change;
      const floor = this.#floorAfter[r] ?? 0;
      const limit = limitOf(this.problem, pair, floor);
      // The ceiling of what is no goal is where it stood: that keeps nothing.
      const keeps = held[pair] === 1 && broken[pair] === 0 ? floor + (allowed[r] ?? 0) : limit;
      if (value <= keeps + tolerance(value)) return true;
      const most = Math.max(limit, this.problem.load[pair] ?? 0);
      if (rising[r] === 0 && value > most + tolerance(value)) worse = true;
    }
    return held[h * R + lead] === 1 && !worse;
  }

  #meanAfter(r: number, v: number, s: number, d: number): number {
    const { R, varying, mean, counted, inverse } = this.problem;
    if (varying[r] === 0) return this.floor[r] ?? 0;
    const change =
      weightOn(this.problem, v, d, r) * (inverse[d * R + r] ?? 0) -
      weightOn(this.problem, v, s, r) * (inverse[s * R + r] ?? 0);
    return Math.min(mean[r] ?? 0, ((this.#sum[r] ?? 0) + change) / (counted[r] ?? 1));
  }

  /** Whether neither an infeasible pair, a ban nor a group keeps `v` from `d`. */
  #admits(v: number, d: number): boolean {
    const { H, shut } = this.problem;
    if (shut.length > 0 && shut[v * H + d] === 1) return false;
    return this.fullGroup(v, d) < 0;
  }

  /** Whether `d` takes part in as many moves as it may, so that `v` must not come; it may always come home. */
  isSpent(v: number, d: number): boolean {
    const { movesLeft, home } = this.problem;
    return (this.taken[d] ?? 0) >= (movesLeft[d] ?? 0) && d !== home[v];
  }

  /**
   * A group of `v` that keeps it from `d`, or -1: one of which `d` holds as many as it may, or as many as the host that
   * `v` would leave, so that the step would put more pairs of members on one host than before.
   */
  fullGroup(v: number, d: number): number {
    const { H, groups, home } = this.problem;
    const s = this.at[v] ?? 0;
    const mayCrowd = s === d || home[v] === groups.emptied;
    for (let i = groups.first[v] ?? 0; i < (groups.first[v + 1] ?? 0); i++) {
      const g = groups.members[i] ?? 0;
      const there = this.members[g * H + d] ?? 0;
      if (there >= (groups.limit[g * H + d] ?? 0)) return g;
      if (!mayCrowd && there >= (this.members[g * H + s] ?? 0)) return g;
    }
    return -1;
  }

  /** Whether memory and groups of the host are as they must be. */
  holds(h: number): boolean {
    const { H, groups } = this.problem;
    if ((this.free[h] ?? 0) < Math.min(0, this.problem.free[h] ?? 0)) return false;
    for (let g = 0; g < groups.names.length; g++) {
      if ((this.members[g * H + h] ?? 0) > (groups.limit[g * H + h] ?? 0)) return false;
    }
    return true;
  }

  /**
   * Whether one migration of `v` to `d` may be made now: memory, groups, no pair newly broken, no value of a broken
   * pair above what it was at the start. A broken pair may stay broken: this assesses a step, not an end.
   */
  stepFits(v: number, d: number): boolean {
    const { R, inverse, need, varying } = this.problem;
    this.#work.charge("fit", R + 1);
    if ((this.free[d] ?? 0) < (need[v] ?? 0) || !this.#admits(v, d)) return false;
    const s = this.at[v] ?? 0;
    if ((this.problem.chained || this.problem.anyRising) && !this.#chainsKeep(v, s, d)) return false;
    const { chained, first, end } = this.problem;
    for (let r = 0; r < R; r++) {
      if (chained && (end[r] ?? 0) - (first[r] ?? 0) > 1) continue;
      const value = (this.load[d * R + r] ?? 0) + weightOn(this.problem, v, d, r) * (inverse[d * R + r] ?? 0);
      const floor = this.#meanAfter(r, v, s, d);
      if (!this.#keeps(d * R + r, value, floor)) return false;
      if (varying[r] === 1 && floor < (this.floor[r] ?? 0) && !this.#othersKeep(r, floor, s, d)) return false;
    }
    return true;
  }

  /** Whether the step keeps all chains: at its destination, at its source where it may rise, and elsewhere by the mean. */
  #chainsKeep(v: number, s: number, d: number): boolean {
    const { H, R, first, end, varying } = this.problem;
    this.#judgeMeans(v, s, d);
    if (this.problem.anyRising && !this.#sourceKeeps(v, s)) return false;
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      if ((end[lead] ?? 0) - (first[lead] ?? 0) === 1) continue;
      if (!this.#chainKeeps(d, lead, v, 1)) return false;
      let falls = false;
      for (let r = lead; r < (end[lead] ?? R); r++) {
        if (varying[r] === 1 && (this.#floorAfter[r] ?? 0) < (this.floor[r] ?? 0)) falls = true;
      }
      if (!falls) continue;
      this.#work.charge("look", H);
      if (!this.#chainKeeps(s, lead, v, -1)) return false;
      for (let h = 0; h < H; h++) {
        if (h !== s && h !== d && !this.#chainKeeps(h, lead, v, 0)) return false;
      }
    }
    return true;
  }

  #keeps(pair: number, value: number, floor: number): boolean {
    const { broken } = this.problem;
    const limit = limitOf(this.problem, pair, floor);
    const most = broken[pair] === 1 ? Math.max(limit, this.problem.load[pair] ?? 0) : limit;
    return value <= most + tolerance(value);
  }

  #othersKeep(r: number, floor: number, s: number, d: number): boolean {
    const { H, R, known } = this.problem;
    this.#work.charge("look", H);
    for (let h = 0; h < H; h++) {
      const pair = h * R + r;
      if (h === s || h === d || known[pair] === 0) continue;
      if (!this.#keeps(pair, this.load[pair] ?? 0, floor)) return false;
    }
    return true;
  }

  /**
   * Pairs that miss what they must reach. One that was not broken, or that is worse than at the start, counts a
   * million: no plan may have one.
   */
  left(): number {
    const { H, R, broken, first } = this.problem;
    this.#work.charge("look", H * R);
    let left = 0;
    for (let pair = 0; pair < H * R; pair++) {
      if (first[pair % R] !== pair % R) continue;
      if (this.isOver(pair)) left += broken[pair] === 1 && !this.#worse(pair) ? 1 : forbidden;
    }
    return left;
  }

  /** Whether the pair is further past than at the start; of a chain, one of its terms. */
  #worse(pair: number): boolean {
    const { R, end, rising } = this.problem;
    const lead = pair % R;
    for (let r = lead; r < (end[lead] ?? R); r++) {
      if (rising[r] === 0 && this.#isWorse(pair - lead + r)) return true;
    }
    return false;
  }

  #isWorse(pair: number): boolean {
    const { R, load, mean } = this.problem;
    const [value, start, floor] = [this.load[pair] ?? 0, load[pair] ?? 0, this.floor[pair % R] ?? 0];
    const rounding = tolerance(value);
    if (value > start + rounding) return true;
    if (value <= limitOf(this.problem, pair, floor)) return false;
    return value - floor > start - (mean[pair % R] ?? 0) + rounding;
  }

  /** The mean as it is now, where limits stand above `floor`. */
  mean(r: number): number {
    return (this.#sum[r] ?? 0) / (this.problem.counted[r] ?? 1);
  }

  /** The pair is broken as the domain says, by the threshold above the mean as it is now, and above its ceiling. */
  breaks(pair: number): boolean {
    const { R, known, first, end } = this.problem;
    if (known[pair] === 0) return false;
    const base = pair - (pair % R);
    for (let r = first[pair % R] ?? 0; r < (end[pair % R] ?? 0); r++) {
      const limit = limitOf(this.problem, base + r, this.mean(r));
      if (excess(this.load[base + r] ?? 0, limit, 0) <= 0) return false;
    }
    return true;
  }
}

/** The highest value by which the pair keeps its rule when limits stand above `mean`. */
export function limitOf({ R, allowed, ceiling }: Problem, pair: number, mean: number): number {
  return Math.max(mean + (allowed[pair % R] ?? 0), ceiling[pair] ?? 0);
}

/** The highest value that a goal must come down to, and to which arrivals may lift a pair. */
export function aimOf({ R, aim, ceiling }: Problem, pair: number, mean: number): number {
  return Math.max(mean + (aim[pair % R] ?? 0), ceiling[pair] ?? 0);
}

/** What a pair that no plan may leave adds to `State.left`. */
export const forbidden = 1_000_000;
