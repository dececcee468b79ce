/**
 * The plain way: one good step after the other. It copies more than a plan of sets, but it takes what is possible at
 * that moment, even to hosts that are not down to their aims themselves; no plan is to be worse than its. Pure.
 */

import type { State } from "../state.ts";
import type { Step } from "../steps/order.ts";
import type { Work } from "./work.ts";

/**
 * Goes on from `state`: the worst pair, its cheapest VM that clears it, else the one that takes most off, to the least
 * loaded host that takes it. Moves only VMs that are at home. The steps, each possible after those before it.
 */
export function takeSingleSteps(state: State, work: Work): Step[] {
  return new SingleStepWalk(state, work).run();
}

class SingleStepWalk {
  readonly #state: State;
  readonly #work: Work;
  readonly #given = new Set<number>();

  constructor(state: State, work: Work) {
    this.#state = state;
    this.#work = work;
  }

  run(): Step[] {
    const steps: Step[] = [];
    while (this.#work.more()) {
      const pair = this.#worst();
      if (pair < 0) break;
      const step = this.#bestStep(pair);
      if (step === null) {
        this.#given.add(pair);
        continue;
      }
      steps.push(step);
      this.#state.move(step.vm, step.to);
    }
    return steps;
  }

  #worst(): number {
    const { H, R, broken, scale, chained } = this.#state.problem;
    this.#work.charge("look", H * R);
    let [worst, most] = [-1, Number.NEGATIVE_INFINITY];
    for (let pair = 0; pair < H * R; pair++) {
      if (broken[pair] === 0 || this.#given.has(pair) || !this.#state.isOver(pair)) continue;
      const own = this.#state.over(pair) / (scale[pair % R] ?? 1);
      const severity = chained ? this.#severityIn(pair, own) : own;
      if (severity > most) [worst, most] = [pair, severity];
    }
    return worst;
  }

  /** Of a chain that of its easiest term, which comes first: the others are tried where that does not help. */
  #severityIn(pair: number, own: number): number {
    const easiest = this.#state.easiest(pair);
    const { R, scale } = this.#state.problem;
    const least = this.#state.over(easiest) / (scale[easiest % R] ?? 1);
    return least - 1e-6 * (own - least);
  }

  #bestStep(pair: number): Step | null {
    const { H, R, cost, home } = this.#state.problem;
    const [from, r] = [Math.floor(pair / R), pair % R];
    const load = (h: number) => this.#state.load[h * R + r] ?? 0;
    const hosts = [...new Array(H).keys()].filter((h) => h !== from).sort((a, b) => load(a) - load(b));
    const vms: number[] = [];
    for (let v = this.#state.first(from); v >= 0; v = this.#state.after(v)) {
      if (home[v] === from && this.#part(v, pair) > 0) vms.push(v);
    }
    this.#work.charge("look", 4 * (H + vms.length));
    const over = this.#state.over(pair);
    const clearing = vms.filter((v) => this.#part(v, pair) >= over);
    const others = vms.filter((v) => this.#part(v, pair) < over);
    clearing.sort((a, b) => (cost[a] ?? 0) - (cost[b] ?? 0));
    others.sort((a, b) => this.#part(b, pair) - this.#part(a, pair));
    for (const list of [clearing, others]) {
      for (const to of hosts) {
        const vm = list.find((each) => this.#fits(each, to));
        if (vm !== undefined) return { vm, from, to, parked: false };
      }
    }
    return null;
  }

  #part(v: number, pair: number): number {
    const { R, weight, inverse } = this.#state.problem;
    return (weight[v * R + (pair % R)] ?? 0) * (inverse[pair] ?? 0);
  }

  #fits(v: number, to: number): boolean {
    return !this.#state.isSpent(v, to) && this.#state.stepFits(v, to);
  }
}
