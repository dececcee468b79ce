/**
 * Whether the rules want the steps of a plan that somebody hands in: each must relieve a host of what the rules say of
 * it, or let others do so. Pure.
 */
import type { State } from "../state.ts";
import { goThrough, without } from "./needed.ts";
import type { Step } from "./order.ts";

/**
 * The index of the first step that no rule wants, or -1. `limits` is the pool with the thresholds themselves, by which
 * the steps are possible in this order; `aims` the same pool with what plans aim at. Both end after the last step.
 */
export function unwanted(limits: State, aims: State, steps: readonly Step[]): number {
  const relieving = relievingVms(aims, steps);
  const [left, leftOfAims] = [goThrough(limits, steps), goThrough(aims, steps)];
  // Where the steps are not possible by what is aimed at, that is infinite, and the thresholds alone decide.
  const isNeedless = (fewer: readonly Step[]) =>
    goThrough(limits, fewer) <= left && goThrough(aims, fewer) <= leftOfAims;
  const found = steps.findIndex((step) => {
    if (step.parked && isNeedless(without(steps, step))) return true;
    if (relieving.has(step.vm)) return false;
    return isNeedless(steps.filter(({ vm }) => vm !== step.vm));
  });
  for (const state of [limits, aims]) goThrough(state, steps);
  return found;
}

/** VMs that leave a host which is above its aim by then, and that weigh there. */
function relievingVms(state: State, steps: readonly Step[]): ReadonlySet<number> {
  const { R, weight } = state.problem;
  const vms = new Set<number>();
  state.reset();
  for (const { vm, from, to } of steps) {
    for (let r = 0; r < R; r++) {
      const pair = from * R + r;
      if (state.isOver(pair) && (weight[vm * R + r] ?? 0) > 0) vms.add(vm);
    }
    state.move(vm, to);
  }
  return vms;
}
