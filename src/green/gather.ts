/**
 * The search for the fewest hosts that can stay on, then for the cheapest to empty. Pure; the same seed gives the same
 * search, and its budget counts work, not time.
 */
import { Random } from "../planner/random.ts";
import { Work } from "../planner/work.ts";
import { bytesBound, type HostsBound, hostsBound, pricesOf } from "./bound.ts";
import { Filler, modes } from "./fill.ts";
import { greenDefaults, type PackingOptions } from "./options.ts";
import { type Packing, roomsWithout } from "./packing.ts";
import { reserveHolds, sumsHold } from "./reserve.ts";
import { chooseSet, type Leaning } from "./sets.ts";

export interface Gathering {
  readonly off: Uint8Array;
  readonly count: number;
  readonly bytes: number;
  /** Host of each item. */
  readonly at: Int32Array;
}

/** Sets tried for a number of hosts: as they are cheapest, then sparing large hosts, then shuffled. */
const leanings: readonly Leaning[] = [
  { size: 0, noise: 0 },
  { size: 0.3, noise: 0 },
  { size: 1, noise: 0 },
  { size: 0, noise: 0.3 },
];

export class Gatherer {
  readonly bound: HostsBound;
  readonly #packing: Packing;
  readonly #floors: PackingOptions["floors"];
  readonly #prices: readonly (readonly [number, number])[];
  readonly #filler: Filler;
  readonly #random: Random;
  readonly #work: Work;
  #best: Gathering;

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

  run(): Gathering {
    const most = Math.min(this.#prices.length, this.#packing.H - this.bound.hosts);
    if (most <= 0) return this.#best;
    if (!this.#tryCount(most)) this.#bisect(most);
    this.#improve(most);
    return this.#best;
  }

  /** The largest number between what works and what does not. */
  #bisect(most: number): void {
    let high = most;
    for (let low = 0; high - low > 1 && this.#work.more(); low = this.#best.count) {
      const middle = high - low > 3 ? Math.ceil((low + high) / 2) : high - 1;
      if (!this.#tryCount(middle)) high = middle;
      else if (this.#best.count >= high) return;
    }
  }

  #tryCount(count: number): boolean {
    return leanings.some((leaning) => this.#try(count, leaning, leaning.noise));
  }

  /** Spends what is left on one host more, or on cheaper ones. */
  #improve(most: number): void {
    const cheapest = bytesBound(this.#packing, this.#best.count);
    for (let tries = 0; tries < 60 && this.#work.more(); tries++) {
      const leaning = { size: 1.5 * this.#random.next() ** 2, noise: 0.6 * this.#random.next() };
      if (this.#best.count < most) this.#try(this.#best.count + 1, leaning, 0.5);
      else if (this.#best.bytes <= cheapest) return;
      else this.#try(this.#best.count, { size: leaning.size * 0.2, noise: leaning.noise }, 0.3);
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

  get best(): Gathering {
    return this.#best;
  }
}
