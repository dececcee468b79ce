/**
 * Whether goals could be reached if VMs could be divided among hosts and no step had to be possible: where not even that
 * is so, no plan reaches them. It is the linear program of all places at once, and what refutes it is a price for each
 * limit (of a rule on a host, of a host's memory) at which all that may move wins less than the goals ask. Pure.
 *
 * Whatever the prices, what they prove is proved: how they are chosen decides only how much is found. Mostly the first
 * do, by which each host has room for as much as its scarcest limit lets it have. Terms of chains, and those that leaving
 * raises, are no limits here: that proves less.
 */
import type { Problem } from "../problem.ts";
import type { Bounds } from "./bound.ts";
import type { Work } from "./work.ts";

/** Steps of the search for prices. */
const mostSteps = 60;
/** By which part of what the goals ask the steps mean to refute them: it decides how long a step is. */
const meant = 0.3;
/** How much of the way before is kept in a step. */
const kept = 1.5;
/** Part of the amounts added up that counts as rounding. */
const roundingPart = 1e-9;

interface Goal {
  /** Its limit, host * K + kind. */
  readonly at: number;
  readonly kind: number;
  /** What must leave, as room below 0. */
  readonly room: number;
}

export class Divisible {
  readonly #problem: Problem;
  readonly #bounds: Bounds;
  readonly #work: Work;
  /** Kinds of limits that a host has: one a rule, and its memory. */
  readonly #K: number;
  /** Of a limit: 1 where it counts, and how much may come to it, in VMs of mean size. */
  readonly #counts: Uint8Array;
  readonly #room: Float64Array;
  /** Of a VM and a kind: what it takes at home, and elsewhere; of a kind: the size of the mean VM. */
  readonly #leaves: Float64Array;
  readonly #comes: Float64Array;
  readonly #unit: Float64Array;
  /** Hosts that could ever hold VM v: from `first[v]` to before `first[v + 1]`. */
  readonly #first: Int32Array;
  readonly #hosts: Int32Array;
  readonly #price: Float64Array;
  /** How the value of prices changes with each. */
  readonly #slope: Float64Array;

  constructor(problem: Problem, bounds: Bounds, work: Work) {
    const { H, V, R } = problem;
    this.#problem = problem;
    this.#bounds = bounds;
    this.#work = work;
    this.#K = R + 1;
    const limits = H * this.#K;
    this.#counts = new Uint8Array(limits);
    this.#room = new Float64Array(limits);
    this.#price = new Float64Array(limits);
    this.#slope = new Float64Array(limits);
    this.#leaves = new Float64Array(V * this.#K);
    this.#comes = new Float64Array(V * this.#K);
    this.#unit = new Float64Array(this.#K);
    for (let k = 0; k < this.#K; k++) this.#measure(k);
    for (let h = 0; h < H; h++) this.#findLimits(h);
    [this.#first, this.#hosts] = this.#findHosts();
  }

  #measure(k: number): void {
    const { V, R, weight, arriving, need } = this.#problem;
    const [home, elsewhere] = k < R ? [weight, arriving] : [need, need];
    const place = (v: number) => (k < R ? v * R + k : v);
    this.#work.charge("item", V);
    let sum = 0;
    for (let v = 0; v < V; v++) sum += Math.abs(home[place(v)] ?? 0);
    const unit = sum > 0 ? sum / V : 1;
    this.#unit[k] = unit;
    for (let v = 0; v < V; v++) {
      this.#leaves[v * this.#K + k] = (home[place(v)] ?? 0) / unit;
      this.#comes[v * this.#K + k] = (elsewhere[place(v)] ?? 0) / unit;
    }
  }

  /** What every plan keeps at its end, whatever it clears: the limit, or what stood there before. */
  #findLimits(h: number): void {
    const { R, free } = this.#problem;
    for (let r = 0; r < R; r++) {
      const at = h * this.#K + r;
      if (!this.#isLimit(h, r)) continue;
      this.#counts[at] = 1;
      this.#room[at] = this.#roomUnder(h, r, this.#bounds.mostAllowed(h * R + r));
    }
    const memory = h * this.#K + R;
    this.#counts[memory] = 1;
    this.#room[memory] = Math.max(0, free[h] ?? 0) / (this.#unit[R] ?? 1);
  }

  #isLimit(h: number, r: number): boolean {
    const { R, first, end, rising, known, inverse } = this.#problem;
    const isAlone = (end[r] ?? 0) - (first[r] ?? 0) === 1;
    return isAlone && rising[r] === 0 && known[h * R + r] === 1 && (inverse[h * R + r] ?? 0) > 0;
  }

  #roomUnder(h: number, r: number, most: number): number {
    const { R, load, inverse } = this.#problem;
    return (most - (load[h * R + r] ?? 0)) / (inverse[h * R + r] ?? 1) / (this.#unit[r] ?? 1);
  }

  #findHosts(): [Int32Array, Int32Array] {
    const { H, V, R, home } = this.#problem;
    this.#work.charge("fit", V * H * (R + 1));
    const first = new Int32Array(V + 1);
    const hosts: number[] = [];
    for (let v = 0; v < V; v++) {
      for (let d = 0; d < H; d++) if (d !== home[v] && this.#bounds.couldHold(v, d)) hosts.push(d);
      first[v + 1] = hosts.length;
    }
    return [first, Int32Array.from(hosts)];
  }

  /**
   * Whether it is proved that no plan brings all of these broken pairs to their aims. Of a pair that is no limit here
   * nothing is asked.
   */
  refutes(pairs: readonly number[]): boolean {
    const goals = pairs.flatMap((pair) => this.#goalOf(pair));
    if (goals.length === 0) return false;
    const before = goals.map(({ at }) => this.#room[at] ?? 0);
    for (const { at, room } of goals) this.#room[at] = room;
    const isRefuted = this.#findPrices(goals);
    goals.forEach(({ at }, index) => {
      this.#room[at] = before[index] ?? 0;
    });
    return isRefuted;
  }

  #goalOf(pair: number): Goal[] {
    const { R } = this.#problem;
    const [h, r] = [Math.floor(pair / R), pair % R];
    if (!this.#isLimit(h, r)) return [];
    const room = this.#roomUnder(h, r, this.#bounds.mostAtAim(pair));
    return room < 0 ? [{ at: h * this.#K + r, kind: r, room }] : [];
  }

  #findPrices(goals: readonly Goal[]): boolean {
    this.#begin(goals);
    const way = new Float64Array(this.#price.length);
    for (let step = 0; step < mostSteps && this.#work.more(); step++) {
      this.#normalise(goals);
      const { value, size } = this.#assess();
      if (value < -roundingPart * size) return true;
      if (!this.#step(way, value + meant)) return false;
    }
    return false;
  }

  /** Each host has the price of what it has least room for: memory, or what goals are about. */
  #begin(goals: readonly Goal[]): void {
    const { H, R } = this.#problem;
    const kinds = [...new Set(goals.map(({ kind }) => kind)), R];
    this.#price.fill(0);
    for (let h = 0; h < H; h++) {
      let scarcest = -1;
      for (const kind of kinds) {
        const at = h * this.#K + kind;
        if (this.#counts[at] === 0) continue;
        if (scarcest < 0 || (this.#room[at] ?? 0) < (this.#room[scarcest] ?? 0)) scarcest = at;
      }
      if (scarcest >= 0) this.#price[scarcest] = 1;
    }
    for (const { at } of goals) {
      // Its memory is not what keeps VMs from leaving.
      this.#price[at - (at % this.#K) + R] = 0;
      this.#price[at] = 1;
    }
  }

  /** What the goals ask is to cost 1. */
  #normalise(goals: readonly Goal[]): void {
    const price = this.#price;
    const asked = () => goals.reduce((sum, { at, room }) => sum - (price[at] ?? 0) * room, 0);
    if (asked() <= 0) for (const { at } of goals) price[at] = 1;
    const all = asked();
    for (let at = 0; at < price.length; at++) price[at] = (price[at] ?? 0) / all;
  }

  /**
   * What all room costs, less what the goals ask, and what VMs win by going where they cost less: below 0 the goals are
   * refuted. `size` is how much was added up; the slope is left in its place.
   */
  #assess(): { readonly value: number; readonly size: number } {
    const { V, home } = this.#problem;
    const [price, slope, room] = [this.#price, this.#slope, this.#room];
    let [value, size] = [0, 0];
    slope.set(room);
    for (let at = 0; at < price.length; at++) {
      const worth = (room[at] ?? 0) * (price[at] ?? 0);
      value += worth;
      size += Math.abs(worth);
    }
    this.#work.charge("cover", (this.#hosts.length + V) * this.#K);
    for (let v = 0; v < V; v++) {
      const source = home[v] ?? 0;
      const own = this.#cost(this.#leaves, v, source);
      let [cheapest, least] = [-1, own];
      for (let i = this.#first[v] ?? 0; i < (this.#first[v + 1] ?? 0); i++) {
        const cost = this.#cost(this.#comes, v, this.#hosts[i] ?? 0);
        if (cost < least) [cheapest, least] = [this.#hosts[i] ?? 0, cost];
      }
      if (cheapest < 0) continue;
      value += own - least;
      size += Math.abs(own) + Math.abs(least);
      this.#tilt(this.#leaves, v, source, 1);
      this.#tilt(this.#comes, v, cheapest, -1);
    }
    return { value, size };
  }

  #cost(parts: Float64Array, v: number, h: number): number {
    const K = this.#K;
    let sum = 0;
    for (let k = 0; k < K; k++) sum += (this.#price[h * K + k] ?? 0) * (parts[v * K + k] ?? 0);
    return sum;
  }

  #tilt(parts: Float64Array, v: number, h: number, sign: 1 | -1): void {
    const K = this.#K;
    for (let k = 0; k < K; k++) {
      const at = h * K + k;
      this.#slope[at] = (this.#slope[at] ?? 0) + sign * (parts[v * K + k] ?? 0);
    }
  }

  /** One step down along `way`, which it bends; false where no way leads down. What does not count keeps its price of 0. */
  #step(way: Float64Array, height: number): boolean {
    const [price, slope] = [this.#price, this.#slope];
    let [along, before] = [0, 0];
    for (let at = 0; at < price.length; at++) {
      along += (way[at] ?? 0) * (slope[at] ?? 0);
      before += (way[at] ?? 0) ** 2;
    }
    const part = before > 0 ? Math.max(0, (-kept * along) / before) : 0;
    let length = 0;
    for (let at = 0; at < price.length; at++) {
      const next = (slope[at] ?? 0) + part * (way[at] ?? 0);
      const isStuck = this.#counts[at] === 0 || (price[at] === 0 && next > 0);
      way[at] = isStuck ? 0 : next;
      length += (way[at] ?? 0) ** 2;
    }
    if (length === 0) return false;
    for (let at = 0; at < price.length; at++) {
      price[at] = Math.max(0, (price[at] ?? 0) - (height / length) * (way[at] ?? 0));
    }
    return true;
  }
}
