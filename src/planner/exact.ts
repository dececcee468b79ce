/**
 * The exact finish for tiny pools: A* over single possible migrations, guided by the shedding bound. Pure.
 * It finds the cheapest sequence that clears every pair but the hopeless ones, or proves that there is none.
 */
import type { Bounds } from "./bound.ts";
import { Cover } from "./cover.ts";
import type { Step } from "./order.ts";
import { State } from "./state.ts";

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
  readonly at: Uint8Array;
  readonly cost: number;
  readonly estimate: number;
  readonly parent: Node | null;
  readonly vm: number;
}

/** Searches below `limit` bytes, opening at most `opened` nodes. */
export function searchExactly(
  state: State,
  bounds: Bounds,
  hopeless: number,
  limit: number,
  opened: number,
  more: () => boolean,
): ExactResult {
  return new Exact(state, bounds, hopeless, limit).run(opened, more);
}

class Exact {
  readonly #state: State;
  readonly #bounds: Bounds;
  readonly #hopeless: number;
  readonly #limit: number;
  readonly #cover = new Cover();
  readonly #least = new Map<string, number>();
  readonly #seen = new Map<string, number>();
  readonly #heap = new Heap();

  constructor(state: State, bounds: Bounds, hopeless: number, limit: number) {
    this.#state = new State(state.problem);
    this.#bounds = bounds;
    this.#hopeless = hopeless;
    this.#limit = limit;
  }

  run(opened: number, more: () => boolean): ExactResult {
    const root = Uint8Array.from(this.#state.problem.home);
    this.#push({ at: root, cost: 0, estimate: this.#estimate(root), parent: null, vm: -1 });
    for (let count = 0; ; count++) {
      const node = this.#heap.pop();
      if (node === null) return { steps: null, cost: 0, exhausted: true, bound: this.#limit };
      if ((this.#seen.get(key(node.at)) ?? 0) < node.cost) continue;
      if (count >= opened || (count % 16 === 0 && !more())) {
        return { steps: null, cost: 0, exhausted: false, bound: node.estimate };
      }
      this.#enter(node.at);
      if (this.#state.left() === this.#hopeless) {
        return { steps: stepsTo(node), cost: node.cost, exhausted: true, bound: node.cost };
      }
      this.#open(node);
    }
  }

  #enter(at: Uint8Array): void {
    for (let v = 0; v < at.length; v++) this.#state.move(v, at[v] ?? 0);
  }

  #open(node: Node): void {
    const { H, V, cost } = this.#state.problem;
    for (let v = 0; v < V; v++) {
      if (v === node.vm || !this.#bounds.canLeave(v)) continue;
      for (let d = 0; d < H; d++) {
        if (d === node.at[v] || !this.#state.stepFits(v, d)) continue;
        const at = node.at.slice();
        at[v] = d;
        const paid = node.cost + (cost[v] ?? 0);
        this.#push({ at, cost: paid, estimate: paid + this.#estimate(at), parent: node, vm: v });
      }
    }
  }

  #push(node: Node): void {
    if (node.estimate >= this.#limit) return;
    const name = key(node.at);
    const known = this.#seen.get(name);
    if (known !== undefined && known <= node.cost) return;
    this.#seen.set(name, node.cost);
    this.#heap.push(node);
  }

  /** What must still be copied at least: every host over its limit sheds its surplus. */
  #estimate(at: Uint8Array): number {
    const { H } = this.#state.problem;
    let sum = 0;
    for (let h = 0; h < H; h++) sum += this.#shedding(h, at);
    return sum;
  }

  #shedding(h: number, at: Uint8Array): number {
    const vms: number[] = [];
    let name = `${h}`;
    for (let v = 0; v < at.length; v++) {
      if (at[v] !== h) continue;
      vms.push(v);
      name += `,${v}`;
    }
    let least = this.#least.get(name);
    if (least === undefined) {
      least = this.#cheapest(h, vms);
      this.#least.set(name, least);
    }
    return least;
  }

  #cheapest(h: number, vms: readonly number[]): number {
    const { R, home, weight, inverse, load, mean, aim, broken, cost } = this.#state.problem;
    const needs: { readonly r: number; readonly surplus: number }[] = [];
    for (let r = 0; r < R; r++) {
      const pair = h * R + r;
      if (broken[pair] === 0 || this.#bounds.unclearable[pair] === 1) continue;
      let value = load[pair] ?? 0;
      const part = (v: number) => (weight[v * R + r] ?? 0) * (inverse[pair] ?? 0);
      home.forEach((origin, v) => {
        if (origin === h) value -= part(v);
      });
      for (const v of vms) value += part(v);
      const surplus = value - (mean[r] ?? 0) - (aim[r] ?? 0) - 1e-9 * Math.max(1, Math.abs(load[pair] ?? 0));
      if (surplus > 0) needs.push({ r, surplus });
    }
    if (needs.length === 0) return 0;
    const leaving = vms.filter((v) => this.#bounds.canLeave(v));
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

function key(at: Uint8Array): string {
  return String.fromCharCode(...at);
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
class Heap {
  readonly #nodes: Node[] = [];

  push(node: Node): void {
    const nodes = this.#nodes;
    let place = nodes.push(node) - 1;
    while (place > 0) {
      const up = (place - 1) >> 1;
      if (!before(node, nodes[up])) break;
      nodes[place] = nodes[up] ?? node;
      place = up;
    }
    nodes[place] = node;
  }

  pop(): Node | null {
    const nodes = this.#nodes;
    const top = nodes[0];
    const last = nodes.pop();
    if (top === undefined || last === undefined) return null;
    if (nodes.length > 0) this.#sink(last);
    return top;
  }

  #sink(node: Node): void {
    const nodes = this.#nodes;
    let place = 0;
    for (;;) {
      let down = 2 * place + 1;
      if (down >= nodes.length) break;
      const right = nodes[down + 1];
      if (right !== undefined && before(right, nodes[down])) down++;
      const child = nodes[down];
      if (child === undefined || !before(child, node)) break;
      nodes[place] = child;
      place = down;
    }
    nodes[place] = node;
  }
}

function before(a: Node, b: Node | undefined): boolean {
  return b === undefined || a.estimate < b.estimate || (a.estimate === b.estimate && a.cost > b.cost);
}
