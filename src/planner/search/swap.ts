/**
 * Two VMs that change places: what clears a broken pair where no order of moves does that never makes a rule worse. Between
 * the two migrations one host is worse; afterwards none is. Pure.
 */
import { limitOf, type State } from "../state.ts";
import type { Step } from "../steps/order.ts";
import type { Work } from "./work.ts";

export interface Swap {
  /** In the order in which the host between is past its limits least. */
  readonly steps: readonly [Step, Step];
  readonly cost: number;
  /** The pair that is furthest past its limit between the two. */
  readonly worst: number;
  /** Its value then. */
  readonly value: number;
}

/**
 * The swap that copies least (of equal ones the one that is least past a limit on the way) after which the pair is down to its aim, and no other is worse than before; null where there
 * is none, or the budget ends. `state` is left as it was.
 */
export function findSwap(state: State, pair: number, work: Work): Swap | null {
  const { H, R, cost } = state.problem;
  const [h, r] = [Math.floor(pair / R), pair % R];
  const over = state.over(pair);
  const before = state.left();
  const leaving = vmsOf(state, h).toSorted((a, b) => (cost[a] ?? 0) - (cost[b] ?? 0) || a - b);
  let best: Assessed | null = null;
  for (const v of leaving) {
    const off = partOf(state, v, h, r);
    for (let d = 0; d < H && off > 0; d++) {
      if (d === h) continue;
      for (const guest of vmsOf(state, d)) {
        work.charge("look", 1);
        if ((cost[v] ?? 0) + (cost[guest] ?? 0) > (best?.cost ?? Number.POSITIVE_INFINITY)) continue;
        if (off - partOf(state, guest, h, r) < over * 0.999) continue;
        if (!work.more()) return best;
        const found = assess(state, { v, guest, h, d }, pair, before);
        if (found !== null && (best === null || isBetter(found, best))) best = found;
      }
    }
  }
  return best;
}

function vmsOf(state: State, h: number): number[] {
  const vms: number[] = [];
  for (let v = state.first(h); v >= 0; v = state.after(v)) vms.push(v);
  return vms;
}

function partOf({ problem }: State, v: number, h: number, r: number): number {
  const { R, weight, inverse } = problem;
  return (weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
}

/** With how far the host between is past a limit, in units of severity. */
interface Assessed extends Swap {
  readonly past: number;
}

function isBetter(a: Assessed, b: Assessed): boolean {
  return a.cost < b.cost || (a.cost === b.cost && a.past < b.past);
}

interface Places {
  readonly v: number;
  readonly guest: number;
  readonly h: number;
  readonly d: number;
}

/** The swap in its better order, if it does what it should and can be made in one. */
function assess(state: State, { v, guest, h, d }: Places, pair: number, before: number): Assessed | null {
  state.move(v, d);
  state.move(guest, h);
  const isCure = !state.isOver(pair) && state.left() < before && state.holds(h) && state.holds(d);
  state.move(guest, d);
  state.move(v, h);
  if (!isCure) return null;
  const out: Step = { vm: v, from: h, to: d, parked: false };
  const back: Step = { vm: guest, from: d, to: h, parked: false };
  const orders = [inOrder(state, out, back), inOrder(state, back, out)];
  return orders.reduce((a, b) => (a === null || (b !== null && b.past < a.past) ? b : a));
}

/** The swap in this order with how far it lifts a pair past its limit; null where a step is not possible. */
function inOrder(state: State, one: Step, other: Step): Assessed | null {
  if (!isPossible(state, one)) return null;
  state.move(one.vm, one.to);
  const between = isPossible(state, other) ? worstOf(state, one.to) : null;
  state.move(one.vm, one.from);
  if (between === null) return null;
  const { cost } = state.problem;
  return { steps: [one, other], cost: (cost[one.vm] ?? 0) + (cost[other.vm] ?? 0), ...between };
}

/** Memory, groups, infeasible pairs and bans; and the limits of hosts' moves. */
function isPossible(state: State, { vm, to }: Step): boolean {
  const { H, shut, need } = state.problem;
  if ((state.free[to] ?? 0) < (need[vm] ?? 0) || state.isSpent(vm, to)) return false;
  return !(shut.length > 0 && shut[vm * H + to] === 1) && state.fullGroup(vm, to) < 0;
}

function worstOf(state: State, h: number): { worst: number; value: number; past: number } {
  const { R, scale } = state.problem;
  let [worst, past] = [h * R, Number.NEGATIVE_INFINITY];
  for (let r = 0; r < R; r++) {
    const pair = h * R + r;
    const over = (state.load[pair] ?? 0) - limitOf(state.problem, pair, state.floor[r] ?? 0);
    if (over / (scale[r] ?? 1) > past) [worst, past] = [pair, over / (scale[r] ?? 1)];
  }
  return { worst, value: state.load[worst] ?? 0, past };
}
