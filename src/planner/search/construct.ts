/**
 * Shed and place: relieves the worst host by the cheapest set of VMs that clears its rules, and gives each a
 * destination, making room there where none has it. Pure; works on a State and can take back what it did.
 */

import { weightOn } from "../problem.ts";
import { type State, tolerance } from "../state.ts";
import { Cover } from "./cover.ts";
import type { Random } from "./random.ts";
import type { Work } from "./work.ts";

/** How a destination is chosen among those that fit. */
export type ConstructMode = "most room" | "least room" | "small hosts" | "least memory";

/** Sets tried for one host before it is given up. */
const tries = 10;
/** Destinations tried when room has to be made, and failures of that after which a host is not worth more of it. */
const roomTries = 6;
const roomFailures = 3;

export interface ConstructSettings {
  readonly mode: ConstructMode;
  /** Price of moving each VM: its cost, or that with noise. */
  readonly price: Float64Array;
  readonly nodes: number;
  /** How many VMs may be pushed on, one after another, to make room for one. */
  readonly depth: number;
  /** Take hosts in an order that chance changes. */
  readonly shuffled: boolean;
}

export class Builder {
  /** 1 where a host could not be cleared: it is not tried again until this is reset. */
  readonly failed: Uint8Array;
  readonly #state: State;
  readonly #random: Random;
  readonly #covers: Cover[] = [];
  readonly #hopeless: Uint8Array;
  readonly #work: Work;
  /** What was moved, for taking it back: VM and the host it came from. */
  readonly #trail: number[] = [];
  readonly #shunned: Int32Array;
  #attempt = 0;
  #failures = 0;
  /** Items of the last `#shed` of each level. */
  readonly #items: number[][] = [];
  #settings: ConstructSettings;

  /** `hopeless`: pairs that nothing clears. */
  constructor(state: State, random: Random, hopeless: Uint8Array, settings: ConstructSettings, work: Work) {
    this.#state = state;
    this.#random = random;
    this.#hopeless = hopeless;
    this.#settings = settings;
    this.#work = work;
    this.failed = new Uint8Array(state.problem.H);
    this.#shunned = new Int32Array(state.problem.V).fill(-1);
  }

  /** Clears host after host until none is left that is not given up. */
  build(settings: ConstructSettings): void {
    this.#settings = settings;
    const { H } = this.#state.problem;
    for (let round = 0; round < 4 * H + 8; round++) {
      const h = this.#worst();
      if (h < 0) return;
      if (!this.#clear(h)) this.failed[h] = 1;
    }
  }

  #worst(): number {
    const state = this.#state;
    const { H, R, scale } = state.problem;
    this.#work.charge("look", H * R);
    let [worst, most] = [-1, 0];
    for (let h = 0; h < H; h++) {
      if (this.failed[h] === 1) continue;
      let over = 0;
      for (let r = 0; r < R; r++) {
        const pair = h * R + r;
        if (this.#hopeless[pair] === 0 && state.isOver(pair)) {
          over = Math.max(over, state.over(pair) / (scale[r] ?? 1));
        }
      }
      if (over > 0 && this.#settings.shuffled) over *= this.#random.next();
      if (over > most) [worst, most] = [h, over];
    }
    return worst;
  }

  /** The terms to clear: of each chain the cheapest of those that have not been `tried`. */
  #broken(h: number, tried: ReadonlySet<number>): number[] {
    const { R, end } = this.#state.problem;
    const terms: number[] = [];
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      if (this.#hopeless[h * R + lead] === 1 || !this.#state.isOver(h * R + lead)) continue;
      const term = this.#cheapestTerm(h, lead, tried);
      if (term >= 0) terms.push(term);
    }
    return terms;
  }

  /** The term of the rule that costs least to clear, or -1 where all were tried. */
  #cheapestTerm(h: number, lead: number, tried: ReadonlySet<number>): number {
    const last = this.#state.problem.end[lead] ?? lead + 1;
    if (last - lead === 1) return tried.has(lead) ? -1 : lead;
    let [cheapest, least] = [-1, Number.POSITIVE_INFINITY];
    for (let r = lead; r < last; r++) {
      if (tried.has(r)) continue;
      const price = this.#shed(h, [r], 0);
      if (price !== null && price < least) [cheapest, least] = [r, price];
    }
    return cheapest;
  }

  /** The same terms with another of the chain whose term failed last; null where no chain has another. */
  #withOtherTerm(h: number, terms: readonly number[], tried: Set<number>): number[] | null {
    const { first, end } = this.#state.problem;
    for (const r of terms) {
      const lead = first[r] ?? r;
      if ((end[lead] ?? 0) - lead === 1) continue;
      tried.add(r);
      const other = this.#cheapestTerm(h, lead, tried);
      if (other >= 0) return terms.map((each) => (each === r ? other : each));
    }
    return null;
  }

  /** Clears all rules of `h`, or as many as can be by giving up the dearest first. */
  #clear(h: number): boolean {
    const tried = new Set<number>();
    this.#attempt++;
    let rules = this.#broken(h, tried);
    while (rules.length > 0) {
      if (this.#relieve(h, rules)) return this.#isClear(h);
      const others = this.#state.problem.chained ? this.#withOtherTerm(h, rules, tried) : null;
      if (others !== null) {
        rules = others;
        continue;
      }
      if (rules.length === 1) return false;
      const prices = new Map(rules.map((r) => [r, this.#shed(h, [r], 0) ?? Number.POSITIVE_INFINITY]));
      const dearest = rules.reduce((a, b) => ((prices.get(b) ?? 0) > (prices.get(a) ?? 0) ? b : a));
      rules = rules.filter((r) => r !== dearest);
    }
    return false;
  }

  #isClear(h: number): boolean {
    const { R } = this.#state.problem;
    for (let r = 0; r < R; r++) {
      if (this.#hopeless[h * R + r] === 0 && this.#state.isOver(h * R + r)) return false;
    }
    return true;
  }

  #relieve(h: number, rules: readonly number[]): boolean {
    const start = this.#trail.length;
    this.#attempt++;
    this.#failures = 0;
    for (let count = 0; count < tries; count++) {
      const needed = rules.filter((r) => this.#state.isOver(h * this.#state.problem.R + r));
      if (needed.length === 0) {
        this.#trail.length = start;
        return true;
      }
      if (this.#shed(h, needed, 0) === null) break;
      const homeless = this.#placeAll(this.#chosen(h, 0));
      for (const v of homeless) this.#makeRoomOrShun(h, v, needed);
      if (!this.#work.more()) break;
    }
    const cleared = rules.every((r) => !this.#state.isOver(h * this.#state.problem.R + r));
    if (!cleared) this.#takeBack(start);
    this.#trail.length = start;
    return cleared;
  }

  #makeRoomOrShun(h: number, v: number, needed: readonly number[]): void {
    const state = this.#state;
    this.#shunned[v] = this.#attempt;
    if (this.#settings.depth === 0 || this.#failures >= roomFailures) return;
    if (!needed.some((r) => state.isOver(h * state.problem.R + r))) return;
    const otherwise = this.#shed(h, needed, 0) ?? Number.POSITIVE_INFINITY;
    const mark = this.#trail.length;
    const before = this.#price();
    if (!this.#makeRoom(v, this.#settings.depth)) {
      this.#failures++;
      return;
    }
    if (this.#price() - before > otherwise) this.#takeBack(mark);
  }

  #price(): number {
    const state = this.#state;
    this.#work.charge("look", state.awayCount);
    let sum = 0;
    for (let i = 0; i < state.awayCount; i++) sum += this.#settings.price[state.away[i] ?? 0] ?? 0;
    return sum;
  }

  #cover(level: number): Cover {
    let cover = this.#covers[level];
    if (cover === undefined) {
      cover = new Cover(this.#work);
      this.#covers[level] = cover;
    }
    return cover;
  }

  /** The price of the cheapest set whose leaving clears `rules` (and lacking memory) of `h`; null where none is. */
  #shed(h: number, rules: readonly number[], level: number, guest = -1): number | null {
    const state = this.#state;
    const { R, weight, inverse, need, home } = state.problem;
    const bytes = level > 0 ? Math.max(0, -(state.free[h] ?? 0)) : 0;
    const D = rules.length + (bytes > 0 ? 1 : 0);
    const surplus = rules.map((r) =>
      Math.max(level > 0 ? this.#aboveAim(h * R + r) : state.surplus(h * R + r), Number.MIN_VALUE),
    );
    const items: number[] = [];
    for (let v = state.first(h); v >= 0; v = state.after(v)) {
      if (v !== guest && this.#shunned[v] !== this.#attempt) items.push(v);
    }
    this.#items[level] = items;
    this.#work.charge("item", items.length * D);
    const cover = this.#cover(level);
    cover.reserve(items.length, D);
    for (let i = 0; i < items.length; i++) {
      const v = items[i] ?? 0;
      // A VM that is away already costs its bytes once, wherever it ends.
      cover.cost[i] = home[v] === h ? (this.#settings.price[v] ?? 0) : 1;
      for (let j = 0; j < rules.length; j++) {
        const r = rules[j] ?? 0;
        cover.gain[i * D + j] = ((weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0)) / (surplus[j] ?? 1);
      }
      if (bytes > 0) cover.gain[i * D + rules.length] = (need[v] ?? 0) / bytes;
    }
    const price = cover.solve(this.#settings.nodes);
    return Number.isFinite(price) ? price : null;
  }

  /** The VMs of the last `#shed`, hardest to place first. */
  #chosen(h: number, level: number): number[] {
    const state = this.#state;
    const { R, weight, inverse, scale, need } = state.problem;
    const cover = this.#cover(level);
    this.#work.charge("item", this.#items[level]?.length ?? 0);
    const chosen = (this.#items[level] ?? []).filter((_, i) => cover.chosen[i] === 1);
    const hardness = (v: number): number => {
      let most = 0;
      for (let r = 0; r < R; r++) {
        const part = (weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
        most = Math.max(most, part / (scale[r] ?? 1));
      }
      return most + (need[v] ?? 0) / 1e12;
    };
    return chosen
      .map((v) => ({ v, hard: hardness(v) }))
      .sort((a, b) => b.hard - a.hard || a.v - b.v)
      .map(({ v }) => v);
  }

  /** Places what fits, in two rounds; the VMs that found no place. */
  #placeAll(vms: readonly number[]): number[] {
    const waiting = vms.filter((v) => !this.#place(v));
    return waiting.filter((v) => !this.#place(v));
  }

  #place(v: number): boolean {
    const d = this.#destination(v);
    if (d < 0) return false;
    this.#move(v, d);
    return true;
  }

  #move(v: number, d: number): void {
    this.#trail.push(v, this.#state.at[v] ?? 0);
    this.#state.move(v, d);
  }

  #takeBack(mark: number): void {
    while (this.#trail.length > mark) {
      const s = this.#trail.pop() ?? 0;
      const v = this.#trail.pop() ?? 0;
      this.#state.move(v, s);
    }
  }

  /** The host that the mode prefers among those that take `v`; its home before all others; -1 where none does. */
  #destination(v: number): number {
    const state = this.#state;
    const { H, home, need } = state.problem;
    const at = state.at[v];
    const back = home[v] ?? 0;
    if (back !== at && state.fit(v, back) >= 0) return back;
    this.#work.charge("look", H);
    let [best, bestScore] = [-1, Number.NEGATIVE_INFINITY];
    for (let d = 0; d < H; d++) {
      if (d === at || (state.free[d] ?? 0) < (need[v] ?? 0)) continue;
      const slack = state.fit(v, d);
      if (slack < 0) continue;
      const score = this.#score(d, slack);
      if (score > bestScore) [best, bestScore] = [d, score];
    }
    return best;
  }

  #score(d: number, slack: number): number {
    switch (this.#settings.mode) {
      case "most room":
        return slack;
      case "least room":
        return -slack;
      case "small hosts":
        return -(this.#state.problem.hosts[d]?.cpuNum ?? 0) * 1e6 + slack;
      case "least memory":
        return -(this.#state.free[d] ?? 0);
      default:
        return this.#settings.mode satisfies never;
    }
  }

  /** Brings `v` to a host that must shed others for it; the cheapest of some candidates. */
  #makeRoom(v: number, depth: number): boolean {
    const level = this.#settings.depth - depth + 1;
    let best: number[] | null = null;
    let bestPrice = Number.POSITIVE_INFINITY;
    const mark = this.#trail.length;
    for (const d of this.#candidates(v)) {
      if (!this.#work.more()) break;
      const before = this.#price();
      this.#move(v, d);
      if (this.#unload(d, v, level, depth)) {
        const price = this.#price() - before;
        if (price < bestPrice) [best, bestPrice] = [this.#steps(mark), price];
      }
      this.#takeBack(mark);
    }
    if (best === null) return false;
    for (let i = 0; i < best.length; i += 2) this.#move(best[i] ?? 0, best[i + 1] ?? 0);
    return true;
  }

  /** Where the VMs that were moved since `mark` are now. */
  #steps(mark: number): number[] {
    const steps: number[] = [];
    const seen = new Set<number>();
    for (let i = mark; i < this.#trail.length; i += 2) {
      const v = this.#trail[i] ?? 0;
      if (!seen.has(v)) steps.push(v, this.#state.at[v] ?? 0);
      seen.add(v);
    }
    return steps;
  }

  /** Hosts that no infeasible pair or group keeps `v` from and that are over nothing now, the least overfilled first. */
  #candidates(v: number): number[] {
    const state = this.#state;
    const { H, R, end, shut, need, inverse, scale } = state.problem;
    this.#work.charge("look", H * R);
    const found: { d: number; over: number }[] = [];
    for (let d = 0; d < H; d++) {
      if (d === state.at[v] || shut[v * H + d] === 1 || state.fullGroup(v, d) >= 0) continue;
      if (state.isSpent(v, d)) continue;
      if (state.problem.free[d] === Number.NEGATIVE_INFINITY) continue;
      let over = Math.max(0, (need[v] ?? 0) - (state.free[d] ?? 0)) / (need[v] || 1);
      for (let lead = 0; lead < R; lead = end[lead] ?? R) {
        if (state.isOver(d * R + lead)) over = Number.POSITIVE_INFINITY;
        let least = Number.POSITIVE_INFINITY;
        for (let r = lead; r < (end[lead] ?? R); r++) {
          const more = weightOn(state.problem, v, d, r) * (inverse[d * R + r] ?? 0);
          least = Math.min(least, Math.max(0, state.aboveAim(d * R + r) + more) / (scale[r] ?? 1));
        }
        over += least;
      }
      if (Number.isFinite(over)) found.push({ d, over: over * (1 + 0.5 * this.#random.next()) });
    }
    found.sort((a, b) => a.over - b.over || a.d - b.d);
    return found.slice(0, roomTries).map(({ d }) => d);
  }

  /** Lets `d` shed what `guest` is too much for it; false where that does not work out. */
  #unload(d: number, guest: number, level: number, depth: number): boolean {
    const state = this.#state;
    const { R } = state.problem;
    const rules = this.#termsAbove(d, level, guest);
    if (rules === null) return false;
    if (rules.length === 0 && (state.free[d] ?? 0) >= 0) return true;
    if (this.#shed(d, rules, level, guest) === null) return false;
    for (const u of this.#chosen(d, level)) {
      if (!this.#place(u) && (depth <= 1 || !this.#makeRoom(u, depth - 1))) return false;
    }
    return (state.free[d] ?? 0) >= 0 && rules.every((r) => this.#aboveAim(d * R + r) <= 0) && state.holds(d);
  }

  /** The terms that `d` must shed for: of each chain that is past all its aims the cheapest; null where none can be. */
  #termsAbove(d: number, level: number, guest: number): number[] | null {
    const { R, end } = this.#state.problem;
    const terms: number[] = [];
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      const last = end[lead] ?? R;
      let past = true;
      for (let r = lead; r < last && past; r++) past = this.#aboveAim(d * R + r) > 0;
      if (!past) continue;
      let [cheapest, least] = [last - lead === 1 ? lead : -1, Number.POSITIVE_INFINITY];
      for (let r = lead; r < last && last - lead > 1; r++) {
        const price = this.#shed(d, [r], level, guest);
        if (price !== null && price < least) [cheapest, least] = [r, price];
      }
      if (cheapest < 0) return null;
      terms.push(cheapest);
    }
    return terms;
  }

  /** As `State.surplus`, but to the aim even of a pair that broke nothing: a destination keeps under it. */
  #aboveAim(pair: number): number {
    return this.#state.aboveAim(pair) - tolerance(this.#state.load[pair] ?? 0);
  }
}
