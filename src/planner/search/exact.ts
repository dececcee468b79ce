/**
 * The exact finish for tiny pools: A* over single possible migrations, guided by the shedding bound. Pure.
 * It finds the cheapest sequence that clears every pair but the hopeless ones, or proves that there is none.
 */
import { rounding } from "../../domain/deviation.ts";
import { aimOf, State } from "../state.ts";
import type { Step } from "../steps/order.ts";
import type { Bounds } from "./bound.ts";
import { choicesWithin } from "./choices.ts";
import { Cover } from "./cover.ts";
import { Heap } from "./heap.ts";
import type { Work } from "./work.ts";

/** Pools that are tiny enough to be searched through. */
export function isTiny(H: number, V: number): boolean {
  return H <= 4 && V <= 40;
}

export interface ExactResult {
  /** The steps of a cheaper plan than the limit given; null where none was found. */
  readonly steps: readonly Step[] | null;
  readonly cost: number;
  /** Nothing was left to try: the plan is the cheapest, or (null) none cheaper than the limit exists. */
  readonly exhausted: boolean;
  /** No plan that clears these pairs copies less. */
  readonly bound: number;
}

interface Node {
  /** Host of each VM, and the same as VMs of each host (bit v of number h). */
  readonly at: Uint8Array;
  readonly on: readonly number[];
  readonly cost: number;
  readonly estimate: number;
  readonly parent: Node | null;
  readonly vm: number;
}

/** Searches below `limit` bytes for a plan that leaves no pair but the hopeless ones, opening at most `opened` nodes. */
export function searchExactly(
  state: State,
  bounds: Bounds,
  hopeless: number,
  limit: number,
  opened: number,
  work: Work,
): ExactResult {
  return new Exact(state, bounds, hopeless, limit, work).run(opened);
}

export interface FewestResult {
  readonly steps: readonly Step[];
  readonly left: number;
  readonly cost: number;
  /** Every state that can be reached was seen: nothing leaves fewer pairs, and nothing as few at less cost. */
  readonly exhausted: boolean;
}

/** Where not all can be cleared: goes through the states that can be reached, cheapest first. */
export function searchFewest(state: State, bounds: Bounds, opened: number, work: Work): FewestResult {
  return new Exact(state, bounds, -1, Number.POSITIVE_INFINITY, work).fewest(opened);
}

class Exact {
  readonly #state: State;
  readonly #bounds: Bounds;
  /** Pairs that the goal may leave; -1 where any number may be left. */
  readonly #hopeless: number;
  readonly #limit: number;
  readonly #work: Work;
  readonly #cover: Cover;
  /** The least that a host must shed, by the VMs that it has: one map a host. */
  readonly #least: readonly Map<number, number>[];
  readonly #canLeave: readonly boolean[];
  readonly #seen = new Map<string, number>();
  readonly #heap = new Heap<Node>(before);

  constructor(state: State, bounds: Bounds, hopeless: number, limit: number, work: Work) {
    this.#state = new State(state.problem, work);
    this.#work = work;
    this.#cover = new Cover(work);
    this.#bounds = bounds;
    this.#hopeless = hopeless;
    this.#limit = limit;
    this.#least = state.problem.hosts.map(() => new Map());
    this.#canLeave = state.problem.vms.map((_, v) => bounds.canLeave(v));
  }

  run(opened: number): ExactResult {
    this.#pushRoot();
    for (let count = 0; ; count++) {
      const node = this.#pop();
      if (node === null) return { steps: null, cost: 0, exhausted: true, bound: this.#limit };
      if (count >= opened || !this.#work.more()) {
        return { steps: null, cost: 0, exhausted: false, bound: node.estimate };
      }
      this.#enter(node.at);
      if (this.#state.left() === this.#hopeless) {
        return { steps: stepsTo(node), cost: node.cost, exhausted: true, bound: node.cost };
      }
      this.#open(node);
    }
  }

  fewest(opened: number): FewestResult {
    this.#pushRoot();
    let [best, fewest] = [this.#heap.peek(), Number.POSITIVE_INFINITY];
    for (let count = 0; ; count++) {
      const node = this.#pop();
      const exhausted = node === null;
      if (exhausted || count >= opened || !this.#work.more()) {
        return { steps: best === null ? [] : stepsTo(best), left: fewest, cost: best?.cost ?? 0, exhausted };
      }
      this.#enter(node.at);
      const left = this.#state.left();
      if (left < fewest) [best, fewest] = [node, left];
      this.#open(node);
    }
  }

  #pushRoot(): void {
    const root = Uint8Array.from(this.#state.problem.home);
    const on = this.#state.problem.hosts.map((_, h) =>
      root.reduce((bits, host, v) => (host === h ? bits + 2 ** v : bits), 0),
    );
    const estimate = on.reduce((sum, bits, h) => sum + this.#shedding(h, bits), 0);
    this.#push({ at: root, on, cost: 0, estimate, parent: null, vm: -1 });
  }

  /** The next node that no cheaper way to the same state has replaced. */
  #pop(): Node | null {
    for (;;) {
      const node = this.#heap.pop();
      if (node === null || (this.#seen.get(key(node.at)) ?? 0) >= node.cost) return node;
    }
  }

  #enter(at: Uint8Array): void {
    for (let v = 0; v < at.length; v++) this.#state.move(v, at[v] ?? 0);
  }

  #open(node: Node): void {
    const { H, V, cost } = this.#state.problem;
    for (let v = 0; v < V; v++) {
      if (v === node.vm || this.#canLeave[v] !== true) continue;
      for (let d = 0; d < H; d++) {
        if (d !== node.at[v] && this.#state.stepFits(v, d)) this.#push(this.#child(node, v, d, cost[v] ?? 0));
      }
    }
  }

  #child(parent: Node, vm: number, to: number, price: number): Node {
    this.#work.charge("child", parent.at.length);
    const from = parent.at[vm] ?? 0;
    const at = parent.at.slice();
    at[vm] = to;
    const on = parent.on.slice();
    on[from] = (on[from] ?? 0) - 2 ** vm;
    on[to] = (on[to] ?? 0) + 2 ** vm;
    let { estimate } = parent;
    for (const h of [from, to]) {
      estimate += this.#shedding(h, on[h] ?? 0) - this.#shedding(h, parent.on[h] ?? 0);
    }
    return { at, on, cost: parent.cost + price, estimate: estimate + price, parent, vm };
  }

  #push(node: Node): void {
    if (node.estimate >= this.#limit) return;
    const name = key(node.at);
    const known = this.#seen.get(name);
    if (known !== undefined && known <= node.cost) return;
    this.#seen.set(name, node.cost);
    this.#heap.push(node);
  }

  /** What must leave the host at least; nothing where the goal is not to clear all that is not proved to stay. */
  #shedding(h: number, bits: number): number {
    if (this.#hopeless < 0 || this.#bounds.oneMoreStays) return 0;
    const known = this.#least[h]?.get(bits);
    if (known !== undefined) return known;
    const vms: number[] = [];
    for (let v = 0; v < this.#canLeave.length; v++) if (Math.floor(bits / 2 ** v) % 2 === 1) vms.push(v);
    const least = this.#cheapest(h, vms);
    this.#least[h]?.set(bits, least);
    return least;
  }

  #cheapest(h: number, vms: readonly number[]): number {
    const { R, end, broken } = this.#state.problem;
    const surplus = new Float64Array(R);
    const groups: number[][] = [];
    for (let lead = 0; lead < R; lead = end[lead] ?? R) {
      const pair = h * R + lead;
      if (broken[pair] === 0 || this.#bounds.hopeless[pair] === 1) continue;
      const own = Array.from({ length: (end[lead] ?? R) - lead }, (_, i) => lead + i);
      for (const r of own) surplus[r] = this.#surplus(h, r, vms);
      // One term that needs nothing is enough.
      if (own.every((r) => (surplus[r] ?? 0) > 0)) groups.push(own);
    }
    if (groups.length === 0) return 0;
    const leaving = vms.filter((v) => this.#canLeave[v]);
    const prices = choicesWithin(groups).map((choice) => this.#priceOf(h, leaving, choice, surplus));
    return Math.min(...prices);
  }

  /** What must leave the host, with `vms` on it, for the term; nothing of one that arrivals lower. */
  #surplus(h: number, r: number, vms: readonly number[]): number {
    const { R, home, weight, inverse, load, mean, rising } = this.#state.problem;
    if (rising[r] === 1) return 0;
    const pair = h * R + r;
    let value = load[pair] ?? 0;
    const part = (v: number) => (weight[v * R + r] ?? 0) * (inverse[pair] ?? 0);
    home.forEach((origin, v) => {
      if (origin === h) value -= part(v);
    });
    for (const v of vms) value += part(v);
    return value - aimOf(this.#state.problem, pair, mean[r] ?? 0) - rounding(load[pair] ?? 0);
  }

  #priceOf(h: number, leaving: readonly number[], terms: readonly number[], surplus: Float64Array): number {
    const { R, weight, inverse, cost } = this.#state.problem;
    const needs = terms.map((r) => ({ r, surplus: surplus[r] ?? 0 }));
    if (needs.length === 0) return 0;
    this.#cover.reserve(leaving.length, needs.length);
    leaving.forEach((v, i) => {
      this.#cover.cost[i] = cost[v] ?? 0;
      needs.forEach(({ r, surplus }, j) => {
        const part = (weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
        this.#cover.gain[i * needs.length + j] = part / surplus;
      });
    });
    this.#cover.solve(2000);
    return this.#cover.bound;
  }
}

/** The assignment as text, eight VMs in a character. */
function key(at: Uint8Array): string {
  let text = "";
  for (let v = 0; v < at.length; v += 8) {
    let bits = 0;
    for (let i = v; i < v + 8 && i < at.length; i++) bits = bits * 4 + (at[i] ?? 0);
    text += String.fromCharCode(bits);
  }
  return text;
}

function stepsTo(node: Node): Step[] {
  const steps: Step[] = [];
  for (let at: Node | null = node; at !== null && at.parent !== null; at = at.parent) {
    steps.push({ vm: at.vm, from: at.parent.at[at.vm] ?? 0, to: at.at[at.vm] ?? 0, parked: false });
  }
  steps.reverse();
  const last = new Map(steps.map((step, index) => [step.vm, index]));
  return steps.map((step, index) => ({ ...step, parked: last.get(step.vm) !== index }));
}

/** Least estimate first; among equals the deepest. */
function before(a: Node, b: Node): boolean {
  return a.estimate < b.estimate || (a.estimate === b.estimate && a.cost > b.cost);
}
