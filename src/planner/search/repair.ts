/**
 * Ruin and recreate: sends some VMs home and builds again with noise, keeping what is not worse, until the plan is
 * proved optimal or the budget ends. Pure; the same seed gives the same search.
 */

import { forbidden, State } from "../state.ts";
import { takeNeeded } from "../steps/needed.ts";
import { orderMatters, orderSteps, type Step } from "../steps/order.ts";
import type { Bounds } from "./bound.ts";
import { Builder, type ConstructMode, type ConstructSettings } from "./construct.ts";
import { fewestLeft, prove } from "./proofs.ts";
import type { Random } from "./random.ts";
import { takeSingleSteps } from "./singleSteps.ts";
import { tidy } from "./tidy.ts";
import type { Work } from "./work.ts";

/** An assignment that can be reached step by step. */
export interface Solution {
  /** VM, host, VM, host... of all that are not at home. */
  readonly moves: Int32Array;
  readonly left: number;
  /** Bytes to copy, parking included. */
  readonly cost: number;
  /** The way to it, where it was found with one; null where it is to be ordered. */
  readonly steps: readonly Step[] | null;
}

const patience = 150;
/** Part of the rounds that single steps end, where pairs are left. */
const stepping = 0.25;
const nodesAtFirst = 1500;
const nodesInRepair = 60;

export class Repair {
  best: Solution = { moves: new Int32Array(0), left: 0, cost: 0, steps: null };
  rounds = 0;
  /** The least number of pairs that a plan leaves, as far as is proved, and the least that such a plan costs. */
  hopeless: number;
  bound: number;
  readonly #state: State;
  readonly #probe: State;
  readonly #bounds: Bounds;
  readonly #random: Random;
  readonly #builder: Builder;
  readonly #work: Work;
  readonly #modes: readonly ConstructMode[];
  readonly #noisy: Float64Array;
  #current: Solution;
  #failed: Uint8Array;
  #stale = 0;

  constructor(state: State, bounds: Bounds, random: Random, work: Work) {
    const { problem } = state;
    this.#state = state;
    this.#probe = new State(problem, work);
    this.#random = random;
    this.#work = work;
    this.#bounds = bounds;
    this.hopeless = fewestLeft(problem, bounds);
    this.bound = this.#leastCost();
    this.#modes = problem.anyVarying
      ? ["most room", "least room", "small hosts", "least memory"]
      : ["most room", "least room", "least memory"];
    this.#noisy = problem.cost.slice();
    this.#builder = new Builder(state, random, bounds.hopeless, this.#settings("most room", true, 0), work);
    state.reset();
    this.best = { moves: new Int32Array(0), left: state.left(), cost: 0, steps: [] };
    this.#current = this.best;
    this.#failed = new Uint8Array(problem.H);
  }

  /** Of plans that leave no more than they must; where it is not known which pair must stay, of those with nothing to do. */
  #leastCost(): number {
    const { hopeless, oneMoreStays } = this.#bounds;
    return oneMoreStays ? 0 : this.#bounds.total((pair) => hopeless[pair] === 0);
  }

  /**
   * Proves what it can of the pairs that the best leaves. Without it a search for what nothing clears takes all of the
   * budget, in every run again.
   */
  proveLeft(): void {
    if (this.best.left === this.hopeless || this.best.left >= forbidden) return;
    const state = this.#state;
    const { H, R, broken, first } = state.problem;
    state.restore(this.best.moves);
    const left: number[] = [];
    for (let pair = 0; pair < H * R; pair++) {
      if (broken[pair] === 1 && first[pair % R] === pair % R && state.isOver(pair)) left.push(pair);
    }
    prove(state.problem, this.#bounds, left, this.#work);
    state.restore(this.#current.moves);
    this.hopeless = fewestLeft(state.problem, this.#bounds);
    this.bound = this.#leastCost();
  }

  /** Whether nothing can be better. */
  proved(): boolean {
    return this.best.left === this.hopeless && this.best.cost <= this.bound * (1 + 1e-12);
  }

  #settings(mode: ConstructMode, exact: boolean, depth: number): ConstructSettings {
    return {
      mode,
      price: exact ? this.#state.problem.cost : this.#noisy,
      nodes: nodesInRepair,
      depth,
      shuffled: false,
    };
  }

  /**
   * One plan for each way of choosing destinations, first without pushing others aside, then with; single steps for what
   * the best leaves; and single steps alone.
   */
  first(): void {
    for (const depth of [0, 1]) {
      this.#firstModes(depth);
      if (this.proved()) return;
      this.#complete();
      if (this.best.left === this.hopeless || !this.#work.more()) break;
    }
    this.#takeSingleSteps();
  }

  /** What the best leaves, by single steps. */
  #complete(): void {
    if (this.best.left === this.hopeless) return;
    this.#state.restore(this.best.moves);
    if (takeSingleSteps(this.#state, this.#work).length === 0) return;
    this.#assess(tidy(this.#state, this.#work), true);
  }

  /** The plan of single steps: as it is, and without what it does not need. */
  #takeSingleSteps(): void {
    const state = this.#state;
    state.reset();
    const steps = takeNeeded(state, takeSingleSteps(state, this.#work), this.#work);
    const [left, { cost }] = [state.left(), state];
    const isBest = better({ left, cost }, this.best);
    if (isBest) this.best = { moves: state.save(), left, cost, steps };
    this.#assess(tidy(state, this.#work), isBest);
  }

  #firstModes(depth: number): void {
    for (const mode of this.#modes) {
      if (this.proved()) return;
      this.#state.reset();
      this.#builder.failed.fill(0);
      this.#builder.build({ ...this.#settings(mode, true, depth), nodes: nodesAtFirst });
      this.#assess(tidy(this.#state, this.#work), true);
      if (!this.#work.more()) return;
    }
  }

  /** Rounds of repair, at most `limit`. */
  run(limit: number): void {
    for (let round = 0; round < limit && !this.proved() && this.#work.more(); round++) {
      this.rounds++;
      if (this.#stale >= patience) this.#backToBest();
      this.#builder.failed.set(this.#failed);
      this.#state.settle();
      this.#retrySome();
      this.#ruin();
      this.#builder.build(this.#roundSettings());
      // What sets cannot clear, single steps sometimes do.
      if (this.best.left > this.hopeless && this.#random.next() < stepping)
        takeSingleSteps(this.#state, this.#work);
      this.#assess(tidy(this.#state, this.#work), false);
    }
  }

  #backToBest(): void {
    const state = this.#state;
    state.restore(this.best.moves);
    // Single steps may be the best way to a place that holds more than is needed.
    const left = tidy(state, this.#work);
    this.#current = { moves: state.save(), left, cost: state.cost, steps: null };
    this.#failed.fill(0);
    this.#stale = 0;
  }

  #retrySome(): void {
    const { failed } = this.#builder;
    for (let h = 0; h < failed.length; h++) if (failed[h] === 1 && this.#random.next() < 0.15) failed[h] = 0;
  }

  #roundSettings(): ConstructSettings {
    const mode = this.#modes[this.#random.below(this.#modes.length)] ?? "most room";
    const depth = this.#random.below(this.#state.problem.H <= 16 ? 3 : 2);
    if (this.#random.next() >= 0.7) return this.#settings(mode, true, depth);
    const { cost, V } = this.#state.problem;
    this.#work.charge("draw", V);
    for (let v = 0; v < V; v++) this.#noisy[v] = (cost[v] ?? 0) * (1 + 0.6 * this.#random.next());
    return { ...this.#settings(mode, false, depth), shuffled: this.#random.next() < 0.4 };
  }

  #ruin(): void {
    const state = this.#state;
    const { home } = state.problem;
    if (state.awayCount === 0) return;
    const kind = this.#random.next();
    const anyone = () => state.away[this.#random.below(state.awayCount)] ?? 0;
    if (kind >= 0.7) {
      for (let count = 1 + this.#random.below(5); count > 0 && state.awayCount > 0; count--)
        this.#sendHome(anyone());
      return;
    }
    const source = kind < 0.4 || kind >= 0.55 ? (home[anyone()] ?? -1) : -1;
    const destination = kind >= 0.4 ? (state.at[anyone()] ?? -1) : -1;
    this.#work.charge("look", state.awayCount);
    for (const v of [...state.away.subarray(0, state.awayCount)]) {
      if (home[v] === source || state.at[v] === destination) this.#sendHome(v);
    }
  }

  /** Sends `v` home, and home again whoever took its memory or its place in a group meanwhile. */
  #sendHome(v: number): void {
    const state = this.#state;
    const { home } = state.problem;
    const back = home[v] ?? 0;
    if (state.at[v] === back) return;
    state.move(v, back);
    this.#builder.failed[back] = 0;
    while (!state.holds(back)) {
      let guest = state.first(back);
      while (guest >= 0 && home[guest] === back) guest = state.after(guest);
      if (guest < 0) return;
      this.#sendHome(guest);
    }
  }

  #assess(left: number, always: boolean): void {
    const { cost } = this.#state;
    const current = this.#current;
    const found = { left, cost };
    this.#stale++;
    if (better(found, this.best)) this.#reached(left);
    const tolerated = current.cost * (1 + 0.01 * this.#random.next());
    if (always || left < current.left || (left === current.left && cost <= tolerated)) {
      this.#current = { moves: this.#state.save(), left, cost, steps: null };
      this.#failed.set(this.#builder.failed);
    } else {
      this.#state.restore(current.moves);
    }
  }

  /** Takes the state for the best, if it can be reached step by step at a price that still makes it better. */
  #reached(left: number): void {
    const moves = this.#state.save();
    let { cost } = this.#state;
    if (left < forbidden && orderMatters(this.#state)) {
      const ordering = orderSteps(this.#probe, moves, this.#work);
      if (!ordering.complete) return;
      cost += ordering.extra;
      if (!better({ left, cost }, this.best)) return;
    }
    this.best = { moves, left, cost, steps: null };
    this.#stale = 0;
  }
}

/** Fewer pairs left, then less to copy. */
export function better(
  a: { readonly left: number; readonly cost: number },
  b: { readonly left: number; readonly cost: number },
): boolean {
  return a.left < b.left || (a.left === b.left && a.cost < b.cost);
}
