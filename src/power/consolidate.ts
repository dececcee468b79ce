/**
 * The search for the fewest hosts that can stay on, then for the cheapest to empty. Pure; the same seed gives the same
 * search, and its budget counts work, not time.
 */
import { Random } from "../planner/search/random.ts";
import { Work } from "../planner/search/work.ts";
import { bytesBound, type HostsBound, hostsBound, pricesOf, sumsHold } from "./bound.ts";
import { Filler, modes } from "./fill.ts";
import { greenDefaults, type PackingOptions } from "./options.ts";
import { type Packing, roomsWithout } from "./packing.ts";
import { reserveHolds } from "./reserve.ts";
import { allSets, chooseSet, type Leaning } from "./sets.ts";

export interface Consolidation {
  readonly off: Uint8Array;
  readonly count: number;
  readonly bytes: number;
  /** Host of each item. */
  readonly at: Int32Array;
}

/** The cheapest hosts, prices as they are; then rather those that leave room behind which nobody could use. */
const asCheap: Leaning = { size: 0, lopsided: 0, noise: 0 };
const first: readonly Leaning[] = [asCheap, { size: 0, lopsided: 2, noise: 0 }];

/** As many sets of hosts are tried one by one. */
const mostSets = 300;

function scaled({ size, lopsided, noise }: Leaning, by: number): Leaning {
  return { size: size * by, lopsided: lopsided * by, noise };
}

export class Consolidator {
  readonly bound: HostsBound;
  readonly #packing: Packing;
  readonly #floors: PackingOptions["floors"];
  readonly #prices: readonly (readonly [number, number])[];
  readonly #filler: Filler;
  readonly #random: Random;
  readonly #work: Work;
  #best: Consolidation;

  constructor(packing: Packing, options: PackingOptions) {
    this.#packing = packing;
    this.#floors = options.floors;
    this.#work = new Work(options.budgetMs ?? greenDefaults.budgetMs);
    this.#random = new Random(options.seed ?? greenDefaults.seed);
    this.#filler = new Filler(packing, this.#work);
    this.#prices = pricesOf(packing);
    this.bound = hostsBound(packing);
    this.#best = { off: new Uint8Array(packing.H), count: 0, bytes: 0, at: packing.home.slice() };
  }

  run(): Consolidation {
    const most = Math.min(this.#prices.length, this.#packing.H - this.bound.hosts);
    if (most <= 0) return this.#best;
    let failed = most + 1;
    for (let count = most; count > 0 && this.#work.more(); count -= most - count + 1) {
      if (this.#tryCount(count)) break;
      failed = count;
    }
    this.#bisect(failed);
    this.#improve(most);
    return this.#best;
  }

  /** All sets where they are few; else the cheapest that sums allow, and one that leaves less room behind. */
  #tryCount(count: number): boolean {
    const all = allSets(this.#packing, this.#prices, count, mostSets);
    if (all === null) return first.some((leaning) => this.#try(count, leaning, 0));
    this.#work.charge("look", all.length * this.#packing.H * this.#packing.K);
    return all.some((off) => this.#work.more() && this.tryOff(off, 0));
  }

  /** The largest number between what works and what does not. */
  #bisect(failed: number): void {
    let high = failed;
    while (high - this.#best.count > 1 && this.#work.more()) {
      const middle = Math.ceil((this.#best.count + high) / 2);
      if (!this.#tryCount(middle)) high = middle;
    }
  }

  /** Spends what is left on one host more, or on cheaper ones. */
  #improve(most: number): void {
    const cheapest = bytesBound(this.#packing, this.#best.count);
    for (let tries = 0; tries < 60 && this.#work.more(); tries++) {
      const leaning = {
        size: 1.5 * this.#random.next() ** 2,
        lopsided: 3 * this.#random.next() ** 2,
        noise: 1.2 * this.#random.next() ** 2,
      };
      if (this.#best.count < most) this.#try(this.#best.count + 1, leaning, 0.5);
      else if (this.#best.bytes <= cheapest) return;
      else this.#try(this.#best.count, scaled(leaning, 0.2), 0.3);
    }
  }

  /** One set in every mode; keeps it where it is better. */
  #try(count: number, leaning: Leaning, noise: number): boolean {
    const off = chooseSet(this.#packing, this.#prices, count, leaning, this.#random);
    this.#work.charge("look", this.#packing.H * this.#packing.K);
    if (off === null || this.#isNoBetter(off, count)) return false;
    return this.tryOff(off, noise);
  }

  #isNoBetter(off: Uint8Array, count: number): boolean {
    return count === this.#best.count && this.#bytesOf(off) >= this.#best.bytes;
  }

  #bytesOf(off: Uint8Array): number {
    return this.#prices.reduce((sum, [h, bytes]) => sum + (off[h] === 1 ? bytes : 0), 0);
  }

  /** Empties exactly these hosts, into `receivers` or any that stay; whether that works and is better than before. */
  tryOff(off: Uint8Array, noise: number, receivers?: Uint8Array): boolean {
    if (!sumsHold(this.#packing, off)) return false;
    const rooms = roomsWithout(this.#packing, off, this.#floors);
    const receives = receivers ?? off.map((each) => 1 - each);
    const items = this.#packing.itemsOf.flatMap((list, h) => (off[h] === 1 ? list : []));
    for (const mode of modes) {
      this.#filler.reset(rooms, receives);
      if (!this.#filler.fill(items, mode, this.#random, noise)) continue;
      if (!reserveHolds(this.#packing, off, this.#filler.at, this.#filler.load, this.#work)) continue;
      const count = off.reduce((sum, each) => sum + each, 0);
      this.#best = { off: off.slice(), count, bytes: this.#bytesOf(off), at: this.#filler.at.slice() };
      return true;
    }
    return false;
  }

  get best(): Consolidation {
    return this.#best;
  }
}
