/**
 * Puts moves in an order in which every step is possible when the steps before it are done, parking a VM elsewhere
 * where moves wait for each other in a circle. Pure.
 */

import type { Work } from "../search/work.ts";
import type { State } from "../state.ts";

export interface Step {
  readonly vm: number;
  readonly from: number;
  readonly to: number;
  /** The VM waits at `to`: its own place comes later. */
  readonly parked: boolean;
}

export interface Ordering {
  readonly steps: readonly Step[];
  /** False when some moves can be made in no order that was found; `steps` are those before. */
  readonly complete: boolean;
  /** Bytes that parking copies beside the moves themselves. */
  readonly extra: number;
}

/** Orders `moves` (VM, destination, VM, destination...) from home; uses `state` for it and leaves it at the end. */
export function orderSteps(state: State, moves: Int32Array, work: Work): Ordering {
  return new Sequencer(state, moves, work).runPlainly() ?? new Sequencer(state, moves, work).run();
}

/** Whether some host both sends and receives, or the mean moves: without that every order is possible. */
export function orderMatters(state: State): boolean {
  const { H, home, anyVarying, anyRising } = state.problem;
  if (anyVarying || anyRising) return true;
  const sends = new Uint8Array(H);
  for (let i = 0; i < state.awayCount; i++) sends[home[state.away[i] ?? 0] ?? 0] = 1;
  for (let i = 0; i < state.awayCount; i++) if (sends[state.at[state.away[i] ?? 0] ?? 0] === 1) return true;
  return false;
}

interface Pending {
  readonly vm: number;
  readonly to: number;
}

class Sequencer {
  readonly #state: State;
  readonly #work: Work;
  #pending: Pending[] = [];
  readonly #steps: Step[] = [];
  readonly #parked = new Set<number>();
  readonly #severity: Float64Array;
  #extra = 0;

  constructor(state: State, moves: Int32Array, work: Work) {
    this.#state = state;
    this.#work = work;
    state.reset();
    for (let i = 0; i < moves.length; i += 2) {
      this.#pending.push({ vm: moves[i] ?? 0, to: moves[i + 1] ?? 0 });
    }
    const { H, R, scale } = state.problem;
    this.#severity = new Float64Array(H);
    for (let pair = 0; pair < H * R; pair++) {
      const h = Math.floor(pair / R);
      const over = state.isOver(pair) ? state.over(pair) / (scale[pair % R] ?? 1) : 0;
      this.#severity[h] = Math.max(this.#severity[h] ?? 0, over);
    }
  }

  /** Worst sources first, as far as nothing stands in the way: the usual case; null where something does. */
  runPlainly(): Ordering | null {
    this.#pending.sort((a, b) => this.#byUrgency(a, b));
    while (this.#pending.length > 0) {
      const next = this.#pending.find(({ vm, to }) => this.#state.stepFits(vm, to));
      if (next === undefined) return null;
      this.#make(next);
    }
    return { steps: this.#steps, complete: true, extra: 0 };
  }

  /** Worst source first, then the VM that is hardest to fit. */
  #byUrgency(a: Pending, b: Pending): number {
    const { home, need } = this.#state.problem;
    const severity = ({ vm }: Pending): number => this.#severity[home[vm] ?? 0] ?? 0;
    return severity(b) - severity(a) || (need[b.vm] ?? 0) - (need[a.vm] ?? 0) || a.vm - b.vm;
  }

  run(): Ordering {
    while (this.#pending.length > 0) {
      const next = this.#choose();
      if (next !== null) this.#make(next);
      else if (!this.#park()) break;
    }
    return { steps: this.#steps, complete: this.#pending.length === 0, extra: this.#extra };
  }

  #make(move: Pending): void {
    this.#steps.push({ vm: move.vm, from: this.#state.at[move.vm] ?? 0, to: move.to, parked: false });
    this.#state.move(move.vm, move.to);
    this.#work.charge("look", this.#pending.length);
    this.#pending = this.#pending.filter((each) => each !== move);
  }

  /** Of the moves that fit now: first what unlocks others, last what goes where others wait to go. */
  #choose(): Pending | null {
    const contested = new Uint8Array(this.#state.problem.H);
    const fitting: Pending[] = [];
    for (const move of this.#pending) {
      if (this.#state.stepFits(move.vm, move.to)) fitting.push(move);
      else contested[move.to] = 1;
    }
    const rank = ({ vm, to }: Pending): number => {
      if (contested[this.#state.at[vm] ?? 0] === 1) return 0;
      return contested[to] === 1 ? 2 : 1;
    };
    let best: Pending | null = null;
    for (const move of fitting) {
      if (best === null || (rank(move) - rank(best) || this.#byUrgency(move, best)) < 0) best = move;
    }
    return best;
  }

  /** Lets the cheapest VM wait elsewhere whose leaving unlocks a move; false where none does. */
  #park(): boolean {
    const { H, cost } = this.#state.problem;
    if (this.#parked.size > 4 + this.#pending.length) return false;
    const waiting = new Map(this.#pending.map((move) => [move.vm, move]));
    let best: { vm: number; to: number; price: number } | null = null;
    for (const blocked of this.#pending) {
      const d = blocked.to;
      for (const vm of this.#vmsOn(d)) {
        const price = (cost[vm] ?? 0) * (waiting.has(vm) ? 1 : 2);
        if (this.#parked.has(vm) || (best !== null && price >= best.price)) continue;
        for (let p = 0; p < H; p++) {
          if (p === d || !this.#unlocks(vm, p, blocked)) continue;
          best = { vm, to: p, price };
          break;
        }
      }
    }
    if (best === null) return false;
    const { vm, to, price } = best;
    const from = this.#state.at[vm] ?? 0;
    if (!waiting.has(vm)) this.#pending.push({ vm, to: from });
    this.#steps.push({ vm, from, to, parked: true });
    this.#state.move(vm, to);
    this.#parked.add(vm);
    this.#extra += price;
    return true;
  }

  #vmsOn(h: number): number[] {
    const vms: number[] = [];
    for (let v = this.#state.first(h); v >= 0; v = this.#state.after(v)) vms.push(v);
    return vms;
  }

  #unlocks(vm: number, p: number, blocked: Pending): boolean {
    if (!this.#state.stepFits(vm, p)) return false;
    const from = this.#state.at[vm] ?? 0;
    this.#state.move(vm, p);
    const fits = blocked.vm !== vm && this.#state.stepFits(blocked.vm, blocked.to);
    this.#state.move(vm, from);
    return fits;
  }
}
