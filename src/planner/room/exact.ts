/**
 * The exact way for tiny pools: A* over single possible migrations until a host has room. Pure. It finds the cheapest
 * sequence, of several the one with fewest moves, or proves that there is none.
 */
import { Heap } from "../search/heap.ts";
import type { Work } from "../search/work.ts";
import { State } from "../state.ts";
import type { Step } from "../steps/order.ts";
import type { RoomBounds } from "./bounds.ts";
import type { GuestProblem } from "./guest.ts";

export interface ExactRoom {
  /** The steps to a state in which a host has room; null where none was found below the limit. */
  readonly steps: readonly Step[] | null;
  /** Nothing was left to try: nothing is cheaper. */
  readonly exhausted: boolean;
  /** No plan copies less. */
  readonly bound: number;
}

interface RoomNode {
  readonly at: Uint8Array;
  readonly cost: number;
  readonly moves: number;
  readonly estimate: number;
  readonly parent: RoomNode | null;
  readonly vm: number;
}

/** Looks for steps that copy less than `limit` bytes, opening at most `opened` states. */
export function searchRoom(
  guest: GuestProblem,
  bounds: RoomBounds,
  limit: number,
  opened: number,
  work: Work,
): ExactRoom {
  return new RoomSearch(guest, bounds, limit, work).run(opened);
}

class RoomSearch {
  readonly #guest: GuestProblem;
  readonly #bounds: RoomBounds;
  readonly #targets: readonly number[];
  readonly #limit: number;
  readonly #work: Work;
  readonly #state: State;
  readonly #seen = new Map<string, number>();
  readonly #heap: Heap<RoomNode>;

  constructor(guest: GuestProblem, bounds: RoomBounds, limit: number, work: Work) {
    this.#guest = guest;
    this.#bounds = bounds;
    this.#targets = bounds.admitted;
    this.#limit = limit;
    this.#work = work;
    this.#state = new State(guest.problem, work);
    this.#heap = new Heap(
      (a, b) => a.estimate < b.estimate || (a.estimate === b.estimate && a.moves < b.moves),
    );
  }

  run(opened: number): ExactRoom {
    this.#push({ at: Uint8Array.from(this.#guest.problem.home), cost: 0, moves: 0, parent: null, vm: -1 });
    for (let count = 0; ; count++) {
      const node = this.#pop();
      if (node === null) return { steps: null, exhausted: true, bound: this.#limit };
      if (count >= opened || !this.#work.more()) {
        return { steps: null, exhausted: false, bound: Math.min(this.#limit, node.estimate) };
      }
      this.#enter(node.at);
      if (this.#targets.some((h) => this.#state.stepFits(this.#guest.guest, h))) {
        return { steps: stepsTo(node), exhausted: true, bound: node.cost };
      }
      this.#open(node);
    }
  }

  #pop(): RoomNode | null {
    for (;;) {
      const node = this.#heap.pop();
      if (node === null || (this.#seen.get(key(node.at)) ?? 0) >= node.cost) return node;
    }
  }

  #enter(at: Uint8Array): void {
    for (let v = 0; v < at.length; v++) this.#state.move(v, at[v] ?? 0);
  }

  #open(node: RoomNode): void {
    const { guest, source, problem } = this.#guest;
    for (let v = 0; v < problem.V; v++) {
      if (v === guest) continue;
      for (let d = 0; d < problem.H; d++) {
        if (d === source || d === node.at[v] || !this.#state.stepFits(v, d)) continue;
        const at = node.at.slice();
        at[v] = d;
        this.#work.charge("child", at.length);
        const cost = node.cost + (problem.cost[v] ?? 0);
        this.#push({ at, cost, moves: node.moves + 1, parent: node, vm: v });
      }
    }
  }

  #push(child: Omit<RoomNode, "estimate">): void {
    const name = key(child.at);
    const known = this.#seen.get(name);
    if (known !== undefined && known <= child.cost) return;
    const node = { ...child, estimate: child.cost + this.#least(child.at) };
    if (node.estimate >= this.#limit) return;
    this.#seen.set(name, node.cost);
    this.#heap.push(node);
  }

  /** The least over all hosts that could take the guest; what comes to a host only makes it dearer. */
  #least(at: Uint8Array): number {
    const { need, free, home } = this.#guest.problem;
    let least = Number.POSITIVE_INFINITY;
    for (const h of this.#targets) {
      let [bits, room] = [0, free[h] ?? 0];
      const vms: number[] = [];
      for (let v = 0; v < at.length; v++) {
        const bytes = need[v] ?? 0;
        if (home[v] === h) room += bytes;
        if (at[v] !== h) continue;
        vms.push(v);
        bits += 2 ** v;
        room -= bytes;
      }
      least = Math.min(least, this.#bounds.from(h, bits, vms, room));
    }
    return least;
  }
}

/** The assignment as text: pools that are searched through have few hosts. */
function key(at: Uint8Array): string {
  return String.fromCharCode(...at);
}

function stepsTo(node: RoomNode): Step[] {
  const steps: Step[] = [];
  for (let at: RoomNode | null = node; at !== null && at.parent !== null; at = at.parent) {
    steps.push({ vm: at.vm, from: at.parent.at[at.vm] ?? 0, to: at.at[at.vm] ?? 0, parked: false });
  }
  steps.reverse();
  const last = new Map(steps.map((step, index) => [step.vm, index]));
  return steps.map((step, index) => ({ ...step, parked: last.get(step.vm) !== index }));
}
