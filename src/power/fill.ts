/**
 * Places for the items of hosts that are to be emptied, within the room of those that stay: largest first, on the host
 * that the mode prefers, with exchanges where one finds none. Pure. Hosts that stay only receive, so that the moves can
 * be made in any order.
 */
import type { Random } from "../planner/search/random.ts";
import type { Work } from "../planner/search/work.ts";
import { type Packing, slackOf } from "./packing.ts";

/** Which of the hosts that have room: where least is left over, where it is used evenly, where most is left. */
export type FillMode = "tight" | "in step" | "roomy";
export const modes: readonly FillMode[] = ["roomy", "in step", "tight"];

/** Items that are asked to go on for one that finds no place. */
const exchangeTries = 30;

export class Filler {
  readonly #packing: Packing;
  readonly #work: Work;
  /** Host of each item. */
  readonly at: Int32Array;
  /** What the items on each host take, at h * K + k. */
  readonly load: Float64Array;
  readonly #members: Int32Array;
  /** A usual room of each dimension, and each item's largest part of one. */
  readonly #scale: Float64Array;
  readonly #size: Float64Array;
  readonly #groups: readonly (readonly number[])[];
  #room: Float64Array;
  /** The rooms with what rounding may add. */
  #most: Float64Array;
  #receives: Uint8Array;
  #receivers: Int32Array = new Int32Array(0);

  constructor(packing: Packing, work: Work) {
    const { H, I, K, hard, room, weight, problem, members } = packing;
    this.#packing = packing;
    this.#work = work;
    this.at = packing.home.slice();
    this.load = packing.start.slice();
    this.#members = problem.groups.count.slice();
    this.#scale = new Float64Array(K).fill(1);
    for (let k = 0; k < hard; k++) {
      let sum = 0;
      for (let h = 0; h < H; h++) sum += room[h * K + k] ?? 0;
      this.#scale[k] = Math.max(1e-9, sum / Math.max(1, H));
    }
    this.#size = new Float64Array(I);
    for (let i = 0; i < I; i++) {
      for (let k = 0; k < hard; k++) {
        const part = (weight[i * K + k] ?? 0) / (this.#scale[k] ?? 1);
        this.#size[i] = Math.max(this.#size[i] ?? 0, part);
      }
    }
    const { first, members: named } = problem.groups;
    this.#groups = members.map((bundle) =>
      bundle.flatMap((v) => [...named.subarray(first[v] ?? 0, first[v + 1] ?? 0)]),
    );
    this.#room = room;
    this.#most = room;
    this.#receives = new Uint8Array(H);
  }

  /** Everything at home; `room` is what holds while the hosts that `receives` names take in others. */
  reset(room: Float64Array, receives: Uint8Array): void {
    this.at.set(this.#packing.home);
    this.load.set(this.#packing.start);
    this.#members.set(this.#packing.problem.groups.count);
    this.#room = room;
    this.#most = room.map((each) => each + slackOf(each));
    this.#receives = receives;
    this.#receivers = Int32Array.from([...receives.keys()].filter((h) => receives[h] === 1));
    this.#work.charge("reset", this.at.length + this.load.length);
  }

  /** Brings `items` to hosts that receive; false where one finds no place. `noise` of 0 to 1 shuffles their order. */
  fill(items: readonly number[], mode: FillMode, random: Random, noise: number): boolean {
    const rank = (i: number) => (this.#size[i] ?? 0) * (noise > 0 ? 1 - noise * random.next() : 1);
    const order = items
      .map((i) => ({ i, rank: rank(i) }))
      .sort((a, b) => b.rank - a.rank || a.i - b.i)
      .map(({ i }) => i);
    const placed: number[] = [];
    for (const i of order) {
      const d = this.#choose(i, mode, -1);
      if (d >= 0) this.move(i, d);
      else if (!this.#exchange(i, placed, mode)) return false;
      placed.push(i);
    }
    return true;
  }

  move(i: number, d: number): void {
    const { K, weight, H } = this.#packing;
    const s = this.at[i] ?? 0;
    for (let k = 0; k < K; k++) {
      const w = weight[i * K + k] ?? 0;
      this.load[s * K + k] = (this.load[s * K + k] ?? 0) - w;
      this.load[d * K + k] = (this.load[d * K + k] ?? 0) + w;
    }
    for (const g of this.#groups[i] ?? []) {
      this.#members[g * H + s] = (this.#members[g * H + s] ?? 0) - 1;
      this.#members[g * H + d] = (this.#members[g * H + d] ?? 0) + 1;
    }
    this.at[i] = d;
    this.#work.charge("move", K);
  }

  /** Whether `d` would hold the item within its room and its groups. */
  fits(i: number, d: number): boolean {
    const { K, H, weight, open, over } = this.#packing;
    if (this.#receives[d] === 0 || over[d] === 1 || open[i * H + d] === 0) return false;
    for (let k = 0; k < K; k++) {
      const w = weight[i * K + k] ?? 0;
      if (w === 0) continue;
      if ((this.load[d * K + k] ?? 0) + w > (this.#most[d * K + k] ?? 0)) return false;
    }
    return this.#admitted(i, d);
  }

  #admitted(i: number, d: number): boolean {
    const groups = this.#groups[i] ?? [];
    if (groups.length === 0) return true;
    const { H, problem } = this.#packing;
    return groups.every((g) => {
      const arriving = groups.filter((each) => each === g).length;
      return (this.#members[g * H + d] ?? 0) + arriving <= (problem.groups.limit[g * H + d] ?? 0);
    });
  }

  #choose(i: number, mode: FillMode, not: number): number {
    const { K, H, weight, open, over } = this.#packing;
    const at = this.at[i] ?? 0;
    const item = i * K;
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (const d of this.#receivers) {
      if (d === not || d === at || over[d] === 1 || open[i * H + d] === 0) continue;
      const pair = d * K;
      let k = 0;
      while (k < K) {
        const w = weight[item + k] ?? 0;
        const most = this.#most[pair + k] ?? 0;
        if (w > 0 && (this.load[pair + k] ?? 0) + w > most) break;
        k++;
      }
      if (k < K || !this.#admitted(i, d)) continue;
      const score = this.#score(i, d, mode);
      if (score < least) [best, least] = [d, score];
    }
    this.#work.charge("fit", this.#receivers.length * K);
    return best;
  }

  /** By the room that is left afterwards: its square, its unevenness and a little of its square, or how little it is. */
  #score(i: number, d: number, mode: FillMode): number {
    const { K, hard, weight } = this.#packing;
    const scale = this.#scale;
    let [squares, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let k = 0; k < hard; k++) {
      const used = (this.load[d * K + k] ?? 0) + (weight[i * K + k] ?? 0);
      const left = ((this.#room[d * K + k] ?? 0) - used) / (scale[k] ?? 1);
      squares += left * left;
      if (left < least) least = left;
      if (left > most) most = left;
    }
    if (mode === "tight") return squares;
    return mode === "in step" ? most - least + 0.25 * squares : -least;
  }

  /** A place for `i` from which one that was placed before goes on to another; false where none is found. */
  #exchange(i: number, placed: readonly number[], mode: FillMode): boolean {
    let tries = 0;
    for (let at = placed.length - 1; at >= 0 && tries < exchangeTries; at--) {
      const u = placed[at] ?? 0;
      const d = this.at[u] ?? 0;
      this.#work.charge("fit", 1);
      if (!this.#wouldFit(i, u, d)) continue;
      tries++;
      const e = this.#choose(u, mode, d);
      if (e < 0) continue;
      this.move(u, e);
      if (this.fits(i, d)) {
        this.move(i, d);
        return true;
      }
      this.move(u, d);
    }
    return false;
  }

  /** Whether `d` would have the room for `i` without `u`. */
  #wouldFit(i: number, u: number, d: number): boolean {
    const { K, H, weight, open } = this.#packing;
    if (open[i * H + d] === 0) return false;
    for (let k = 0; k < K; k++) {
      const w = (weight[i * K + k] ?? 0) - (weight[u * K + k] ?? 0);
      if ((this.load[d * K + k] ?? 0) + w > (this.#most[d * K + k] ?? 0)) return false;
    }
    return true;
  }
}
