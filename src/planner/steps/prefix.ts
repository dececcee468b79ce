/**
 * What to do first when not all may be done: whole hosts, the worst before the others, as many as the limits of moves
 * hold, of the plan and of each host; what is left goes to the worst host that is not cleared. Pure.
 */

import type { Problem } from "../problem.ts";
import { forbidden, State } from "../state.ts";
import type { Step } from "./order.ts";

export interface Beginning {
  /** All steps, possible in this order too. */
  readonly steps: readonly Step[];
  /** How many of them to make; no pair is worse then than at the start. */
  readonly length: number;
  /** Hosts whose own limit, not that of the plan, keeps others from being made. */
  readonly spent: readonly number[];
}

/** The steps with their most useful `most` in front; `waits` says which earlier steps each needs. */
export function beginning(
  state: State,
  steps: readonly Step[],
  waits: readonly (readonly number[])[],
  most: number,
): Beginning {
  const { movesLeft } = state.problem;
  if (steps.length <= most && areWithin(steps, movesLeft)) return { steps, length: steps.length, spent: [] };
  const chosen = new PrefixChoice(state, steps, waits, most).choose();
  const rest = [...steps.keys()].filter((index) => !chosen.has(index));
  const first = [...chosen].sort((a, b) => a - b);
  const pick = (indices: readonly number[]): Step[] => indices.flatMap((index) => steps[index] ?? []);
  const held = first.length < most ? spentBy(pick(first), pick(rest), movesLeft) : [];
  return { steps: pick([...first, ...rest]), length: first.length, spent: held };
}

/** Whether no host takes part in more of the steps than it may. */
export function areWithin(steps: readonly Step[], movesLeft: Float64Array): boolean {
  return [...movesOf(steps)].every(([h, count]) => count <= (movesLeft[h] ?? 0));
}

function movesOf(steps: readonly Step[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { from, to } of steps) for (const h of [from, to]) counts.set(h, (counts.get(h) ?? 0) + 1);
  return counts;
}

/** Hosts whose limit holds the steps `first` but no more with `rest`. */
function spentBy(first: readonly Step[], rest: readonly Step[], movesLeft: Float64Array): number[] {
  const [made, wanted] = [movesOf(first), movesOf(rest)];
  return [...wanted.keys()]
    .filter((h) => (made.get(h) ?? 0) + (wanted.get(h) ?? 0) > (movesLeft[h] ?? 0))
    .sort((a, b) => a - b);
}

class PrefixChoice {
  readonly #state: State;
  readonly #steps: readonly Step[];
  readonly #waits: readonly (readonly number[])[];
  readonly #most: number;
  readonly #ofVm = new Map<number, number[]>();
  #chosen: ReadonlySet<number> = new Set();

  constructor(state: State, steps: readonly Step[], waits: readonly (readonly number[])[], most: number) {
    this.#state = state;
    this.#steps = steps;
    this.#waits = waits;
    this.#most = most;
    steps.forEach(({ vm }, index) => {
      this.#ofVm.set(vm, [...(this.#ofVm.get(vm) ?? []), index]);
    });
  }

  choose(): ReadonlySet<number> {
    this.#chooseFrom(true);
    // Better a beginning after which the rest must be planned in another way than none.
    if (this.#chosen.size === 0) this.#chooseFrom(false);
    return this.#chosen;
  }

  #chooseFrom(continuable: boolean): void {
    const hosts = this.#hotHosts();
    for (const { h } of hosts) this.#add(this.#leaving(h), continuable);
    // What leaves a host beyond that makes room for who comes later.
    for (const { h, r } of hosts) this.#add(this.#enough(h, r), continuable);
    for (const { h, r } of hosts) {
      for (const index of this.#byPart(this.#leaving(h), h, r)) this.#add([index], continuable);
    }
    for (const index of this.#steps.keys()) this.#add([index], continuable);
  }

  /** Hosts that miss a rule at the start, worst first, each with the rule that it misses most. */
  #hotHosts(): { readonly h: number; readonly r: number; readonly over: number }[] {
    const { H, R, broken, scale } = this.#state.problem;
    this.#state.reset();
    const hosts = [...new Array(H).keys()].flatMap((h) => {
      let [worst, most] = [-1, 0];
      for (let r = 0; r < R; r++) {
        const over = this.#state.over(h * R + r) / (scale[r] ?? 1);
        if (broken[h * R + r] === 1 && over > most) [worst, most] = [r, over];
      }
      return worst < 0 ? [] : [{ h, r: worst, over: most }];
    });
    return hosts.sort((a, b) => b.over - a.over || a.h - b.h);
  }

  #leaving(h: number): number[] {
    return [...this.#steps.keys()].filter((index) => this.#steps[index]?.from === h);
  }

  /** Of the steps that leave the host the largest, until it misses no rule any more. */
  #enough(h: number, r: number): number[] {
    const { R, broken } = this.#state.problem;
    this.#state.reset();
    for (const [index, { vm, to }] of this.#steps.entries()) {
      if (this.#chosen.has(index)) this.#state.move(vm, to);
    }
    const misses = () =>
      Array.from({ length: R }, (_, i) => h * R + i).some(
        (pair) => broken[pair] === 1 && this.#state.isOver(pair),
      );
    const enough: number[] = [];
    for (const index of this.#byPart(this.#leaving(h), h, r)) {
      if (!misses()) break;
      if (this.#chosen.has(index)) continue;
      const step = this.#steps[index];
      if (step !== undefined) this.#state.move(step.vm, step.to);
      enough.push(index);
    }
    return enough;
  }

  #byPart(indices: readonly number[], h: number, r: number): number[] {
    const { R, weight, inverse } = this.#state.problem;
    const part = (index: number) =>
      (weight[(this.#steps[index]?.vm ?? 0) * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
    return indices.toSorted((a, b) => part(b) - part(a) || a - b);
  }

  /** Takes these steps and all that they need, if the limits hold them and no pair ends worse than it began. */
  #add(indices: readonly number[], continuable: boolean): void {
    if (this.#chosen.size >= this.#most) return;
    const all = this.#withNeeds(indices);
    if (all.size === this.#chosen.size || all.size > this.#most) return;
    const made = [...all].sort((a, b) => a - b).flatMap((index) => this.#steps[index] ?? []);
    if (!areWithin(made, this.#state.problem.movesLeft)) return;
    this.#state.reset();
    for (const { vm, to } of made) this.#state.move(vm, to);
    if (this.#state.left() >= forbidden) return;
    if (!continuable || this.#canGoOn(all)) this.#chosen = all;
  }

  /**
   * Whether a plan that begins where the state stands, after the steps of `done`, may make the others as they are: what
   * is broken no more then must not break on the way, and what is broken still must not rise.
   */
  #canGoOn(done: ReadonlySet<number>): boolean {
    const next = new State(startingAt(this.#state));
    for (const [index, { vm, to }] of this.#steps.entries()) {
      if (done.has(index)) continue;
      if (!next.stepFits(vm, to)) return false;
      next.move(vm, to);
    }
    return next.left() < forbidden;
  }

  /** With what must end before, and with the further way of a VM that waits somewhere. */
  #withNeeds(indices: readonly number[]): Set<number> {
    const all = new Set(this.#chosen);
    const open = [...indices];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (all.has(index)) continue;
      all.add(index);
      open.push(...(this.#waits[index] ?? []), ...(this.#ofVm.get(this.#steps[index]?.vm ?? -1) ?? []));
      if (all.size > this.#most) break;
    }
    return all;
  }
}

/** The problem of a pool that is as `state` has it. */
function startingAt(state: State): Problem {
  const { problem } = state;
  const { H, R, first, end } = problem;
  const isChain = (pair: number) => (end[pair % R] ?? 0) - (first[pair % R] ?? 0) > 1;
  return {
    ...problem,
    load: state.load.slice(),
    free: state.free.slice(),
    home: state.at.slice(),
    broken: Uint8Array.from({ length: H * R }, (_, pair) => (state.breaks(pair) ? 1 : 0)),
    held: Uint8Array.from({ length: H * R }, (_, pair) => {
      const asleep = problem.held[pair] === 1 && problem.broken[pair] === 0;
      return isChain(pair) && (asleep || state.breaks(pair)) ? 1 : 0;
    }),
    mean: Float64Array.from({ length: R }, (_, r) => state.mean(r)),
    groups: { ...problem.groups, count: state.members.slice() },
  };
}
