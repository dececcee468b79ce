/**
 * The cheapest set of items whose gains cover every need: a min-cost cover in several dimensions, by depth-first
 * branch and bound with a limit of nodes. Needs are 1 each; an entry above 1 counts 1. Pure; allocates rarely.
 */
import { Work } from "./work.ts";

const tiny = 1e-12;

export class Cover {
  /** Of the last `solve`: 1 where the item is chosen. */
  chosen: Uint8Array = new Uint8Array(0);
  /** Of the last `solve`: no cover is cheaper. Equal to the result when the search ended by itself. */
  bound = 0;
  /** Input, filled by the caller through `reserve`: cost of item i, gain at i * D + j. */
  cost: Float64Array = new Float64Array(0);
  gain: Float64Array = new Float64Array(0);
  #n = 0;
  #D = 0;
  /** The first `useful` entries: items that gain anything, densest first. */
  #order: Int32Array = new Int32Array(0);
  #useful = 0;
  #density: Float64Array = new Float64Array(0);
  #position: Int32Array = new Int32Array(0);
  #total: Float64Array = new Float64Array(0);
  /** Items of one dimension by gain per cost, at j * n + rank. */
  #byDimension: Int32Array = new Int32Array(0);
  #missing: Float64Array = new Float64Array(0);
  #taken: Uint8Array = new Uint8Array(0);
  #best = 0;
  #unit = 0;
  #nodes = 0;
  #open = 0;
  #looked = 0;
  readonly #work: Work;

  constructor(work: Work = new Work(Number.POSITIVE_INFINITY)) {
    this.#work = work;
  }

  /** Makes room for `n` items of `D` dimensions; then fill `cost` and `gain`. */
  reserve(n: number, D: number): void {
    this.#n = n;
    this.#D = D;
    if (this.cost.length < n) {
      this.cost = new Float64Array(n * 2);
      this.#total = new Float64Array(n * 2);
      this.chosen = new Uint8Array(n * 2);
      this.#taken = new Uint8Array(n * 2);
      this.#position = new Int32Array(n * 2);
      this.#order = new Int32Array(n * 2);
      this.#density = new Float64Array(n * 2);
    }
    if (this.gain.length < n * D) {
      this.gain = new Float64Array(n * D * 2);
      this.#byDimension = new Int32Array(n * D * 2);
    }
    if (this.#missing.length < (n + 2) * D) this.#missing = new Float64Array((n + 2) * D * 2);
  }

  /** The least cost of a cover found within `nodes`, or infinity where none exists. */
  solve(nodes: number): number {
    this.#work.charge("item", this.#n * this.#D);
    this.#prepare();
    this.chosen.fill(0, 0, this.#n);
    if (!this.#coverable()) {
      this.bound = Number.POSITIVE_INFINITY;
      return Number.POSITIVE_INFINITY;
    }
    this.#looked = 0;
    this.#greedy();
    this.#nodes = nodes;
    this.#open = Number.POSITIVE_INFINITY;
    this.#missing.fill(1, 0, this.#D);
    this.#taken.fill(0, 0, this.#n);
    this.#search(0, 0);
    this.#work.charge("cover", this.#looked);
    this.bound = Math.min(this.#best, this.#open);
    return this.#best;
  }

  #prepare(): void {
    const [n, D] = [this.#n, this.#D];
    for (let i = 0; i < n; i++) {
      let total = 0;
      for (let j = 0; j < D; j++) {
        const gain = Math.min(1, Math.max(0, this.gain[i * D + j] ?? 0));
        this.gain[i * D + j] = gain;
        total += gain;
      }
      this.#total[i] = total;
    }
    this.#useful = 0;
    for (let i = 0; i < n; i++) {
      this.#density[i] = (this.#total[i] ?? 0) / (this.cost[i] ?? 1);
      if ((this.#total[i] ?? 0) > 0) this.#insert(this.#order, 0, this.#useful++, i);
    }
    for (let rank = 0; rank < this.#useful; rank++) this.#position[this.#order[rank] ?? 0] = rank;
    if (D > 1) this.#sortDimensions();
    this.#unit = this.#commonUnit();
  }

  /** Puts `item` into the `count` items from `base` on, which stand by density, densest first. */
  #insert(items: Int32Array, base: number, count: number, item: number): void {
    const density = this.#density[item] ?? 0;
    let place = base + count;
    while (place > base && (this.#density[items[place - 1] ?? 0] ?? 0) < density) {
      items[place] = items[place - 1] ?? 0;
      place--;
    }
    items[place] = item;
  }

  #sortDimensions(): void {
    const [n, D] = [this.#n, this.#D];
    for (let j = 0; j < D; j++) {
      let count = 0;
      for (let rank = 0; rank < this.#useful; rank++) {
        const i = this.#order[rank] ?? 0;
        const gain = this.gain[i * D + j] ?? 0;
        this.#density[i] = gain / (this.cost[i] ?? 1);
        if (gain > 0) this.#insert(this.#byDimension, j * n, count++, i);
      }
      if (count < n) this.#byDimension[j * n + count] = -1;
    }
  }

  /** All costs are multiples of this, so a bound may be rounded up to one; 0 where they have no such unit. */
  #commonUnit(): number {
    let unit = 0;
    for (let rank = 0; rank < this.#useful; rank++) {
      let [a, b] = [this.cost[this.#order[rank] ?? 0] ?? 0, unit];
      if (!Number.isInteger(a)) return 0;
      while (b > 0) [a, b] = [b, a % b];
      unit = a;
      if (unit === 1) break;
    }
    return unit;
  }

  #coverable(): boolean {
    const D = this.#D;
    for (let j = 0; j < D; j++) {
      let sum = 0;
      for (let rank = 0; rank < this.#useful; rank++) sum += this.gain[(this.#order[rank] ?? 0) * D + j] ?? 0;
      if (sum < 1 - tiny) return false;
    }
    return true;
  }

  /** A first cover: repeat the best capped gain per cost, then drop what turned out to be redundant. */
  #greedy(): void {
    const D = this.#D;
    const missing = new Float64Array(D).fill(1);
    let lacking = D;
    while (lacking > 0) {
      this.#looked += this.#useful * D;
      let best = -1;
      let bestDensity = 0;
      for (let rank = 0; rank < this.#useful; rank++) {
        const i = this.#order[rank] ?? 0;
        if (this.chosen[i] === 1) continue;
        let gain = 0;
        for (let j = 0; j < D; j++) gain += Math.min(missing[j] ?? 0, this.gain[i * D + j] ?? 0);
        const density = gain / (this.cost[i] ?? 1);
        if (density > bestDensity) {
          best = i;
          bestDensity = density;
        }
      }
      if (best < 0) break;
      this.chosen[best] = 1;
      lacking = 0;
      for (let j = 0; j < D; j++) {
        const rest = (missing[j] ?? 0) - (this.gain[best * D + j] ?? 0);
        missing[j] = rest <= tiny ? 0 : rest;
        if (rest > tiny) lacking++;
      }
    }
    this.#dropRedundant();
    this.#best = this.#costOf(this.chosen);
  }

  #dropRedundant(): void {
    const D = this.#D;
    const surplus = new Float64Array(D).fill(-1);
    const items: number[] = [];
    for (let rank = 0; rank < this.#useful; rank++) {
      const i = this.#order[rank] ?? 0;
      if (this.chosen[i] !== 1) continue;
      items.push(i);
      for (let j = 0; j < D; j++) surplus[j] = (surplus[j] ?? 0) + (this.gain[i * D + j] ?? 0);
    }
    items.sort((a, b) => (this.cost[b] ?? 0) - (this.cost[a] ?? 0) || a - b);
    for (const i of items) {
      let redundant = true;
      for (let j = 0; j < D; j++) {
        if ((surplus[j] ?? 0) - (this.gain[i * D + j] ?? 0) < -tiny) redundant = false;
      }
      if (!redundant) continue;
      this.chosen[i] = 0;
      for (let j = 0; j < D; j++) surplus[j] = (surplus[j] ?? 0) - (this.gain[i * D + j] ?? 0);
    }
  }

  #costOf(chosen: Uint8Array): number {
    let cost = 0;
    for (let rank = 0; rank < this.#useful; rank++) {
      const i = this.#order[rank] ?? 0;
      if (chosen[i] === 1) cost += this.cost[i] ?? 0;
    }
    return cost;
  }

  /** Decides the items from `rank` on; what is missing at this depth stands at rank * D. */
  #search(rank: number, cost: number): void {
    const D = this.#D;
    const base = rank * D;
    let lacking = false;
    for (let j = 0; j < D; j++) if ((this.#missing[base + j] ?? 0) > tiny) lacking = true;
    if (!lacking) {
      if (cost < this.#best) {
        this.#best = cost;
        this.chosen.set(this.#taken.subarray(0, this.#n));
      }
      return;
    }
    this.#looked += 4 + D;
    const least = this.#roundUp(cost + this.#fractional(rank));
    if (least >= this.#best * (1 - tiny)) return;
    if (this.#nodes-- <= 0) {
      this.#open = Math.min(this.#open, least);
      return;
    }
    const item = this.#order[rank] ?? 0;
    this.#taken[item] = 1;
    for (let j = 0; j < D; j++) {
      this.#missing[base + D + j] = (this.#missing[base + j] ?? 0) - (this.gain[item * D + j] ?? 0);
    }
    this.#search(rank + 1, cost + (this.cost[item] ?? 0));
    this.#taken[item] = 0;
    for (let j = 0; j < D; j++) this.#missing[base + D + j] = this.#missing[base + j] ?? 0;
    this.#search(rank + 1, cost);
  }

  #roundUp(bound: number): number {
    return this.#unit > 0 ? Math.ceil(bound / this.#unit - 1e-6) * this.#unit : bound;
  }

  /** No completion costs less: the fractional cover of each dimension, and of all that is missing together. */
  #fractional(rank: number): number {
    const D = this.#D;
    const base = rank * D;
    let missing = 0;
    for (let j = 0; j < D; j++) missing += Math.max(0, this.#missing[base + j] ?? 0);
    let bound = 0;
    for (let place = rank; missing > tiny; place++) {
      this.#looked++;
      if (place >= this.#useful) return Number.POSITIVE_INFINITY;
      const item = this.#order[place] ?? 0;
      const gain = this.#total[item] ?? 0;
      bound += (this.cost[item] ?? 0) * Math.min(1, missing / gain);
      missing -= gain;
    }
    this.#looked += D;
    if (D === 1) return bound;
    for (let j = 0; j < D; j++)
      bound = Math.max(bound, this.#fractionalOf(j, rank, this.#missing[base + j] ?? 0));
    return bound;
  }

  #fractionalOf(j: number, rank: number, needed: number): number {
    const [n, D] = [this.#n, this.#D];
    let missing = needed;
    let bound = 0;
    for (let place = 0; missing > tiny; place++) {
      const item = place < n ? (this.#byDimension[j * n + place] ?? -1) : -1;
      if (item < 0) return Number.POSITIVE_INFINITY;
      this.#looked++;
      if ((this.#position[item] ?? 0) < rank) continue;
      const gain = this.gain[item * D + j] ?? 0;
      bound += (this.cost[item] ?? 0) * Math.min(1, missing / gain);
      missing -= gain;
    }
    return bound;
  }
}
