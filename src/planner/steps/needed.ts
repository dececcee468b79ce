/** Takes steps and detours out of a way that is possible without them. Pure. */

import type { Work } from "../search/work.ts";
import type { State } from "../state.ts";
import type { Step } from "./order.ts";

/**
 * The steps without those that nothing needs, the dearest first: the others are possible without them, and no more pairs
 * are left. `state` stands after the last, and ends there.
 */
export function takeNeeded(state: State, steps: readonly Step[], work: Work): readonly Step[] {
  return withoutNeedless(state, steps, steps, () => work.more());
}

/** Steps beyond which a way is left as it was found: what is tried grows with their square. */
const mostTried = 500;

/**
 * The steps as few as the same end allows: no detour that is not needed, and of VMs that move once none without which as
 * few pairs are left. A search that was cut off may have left such. `state` ends after the last.
 */
export function tidied(state: State, steps: readonly Step[]): readonly Step[] {
  const straight = withoutDetours(state, steps);
  if (straight.length > mostTried) return straight;
  const isOnce = ({ vm }: Step) => straight.filter((other) => other.vm === vm).length === 1;
  return withoutNeedless(state, straight, straight.filter(isOnce), () => true);
}

/** The steps without those `tried` that nothing needs, the dearest first, while `goesOn`. */
function withoutNeedless(
  state: State,
  steps: readonly Step[],
  tried: readonly Step[],
  goesOn: () => boolean,
): readonly Step[] {
  const { cost } = state.problem;
  let [needed, left] = [steps, state.left()];
  for (const step of tried.toSorted((a, b) => (cost[b.vm] ?? 0) - (cost[a.vm] ?? 0))) {
    if (!goesOn()) break;
    const fewer = needed.filter((other) => other !== step);
    const without = goThrough(state, fewer);
    if (without <= left) [needed, left] = [fewer, without];
  }
  goThrough(state, needed);
  return needed;
}

/** Makes the steps from the start; the pairs left, infinite where one of them is not possible. */
export function goThrough(state: State, steps: readonly Step[]): number {
  state.reset();
  for (const { vm, to } of steps) {
    if (!state.stepFits(vm, to)) return Number.POSITIVE_INFINITY;
    state.move(vm, to);
  }
  return state.left();
}

/**
 * The steps with each detour left out that turns out not to be needed: its VM goes straight to its place, or stays where
 * it comes back to, or stays where it was to wait. `state` ends after the last.
 */
export function withoutDetours(state: State, steps: readonly Step[]): readonly Step[] {
  let needed = steps;
  const least = goThrough(state, steps);
  for (const detour of steps.filter(({ parked }) => parked)) {
    if (!needed.includes(detour)) continue;
    const ways = [without(needed, detour), staying(needed, detour)];
    needed = ways.find((way) => way.length < needed.length && goThrough(state, way) <= least) ?? needed;
  }
  goThrough(state, needed);
  return needed;
}

/** The steps with the VM left where it waits, where it goes on from there but once. */
function staying(steps: readonly Step[], detour: Step): readonly Step[] {
  const at = steps.indexOf(detour);
  const later = steps.filter(({ vm }, index) => index > at && vm === detour.vm);
  const [next] = later;
  if (next === undefined || later.length > 1) return steps;
  return steps.flatMap((step) => {
    if (step === next) return [];
    return [step === detour ? { ...detour, parked: false } : step];
  });
}

/** The steps without this detour: its VM goes straight to where it goes next, or stays where it comes back to. */
export function without(steps: readonly Step[], detour: Step): readonly Step[] {
  const at = steps.indexOf(detour);
  const next = steps.findIndex(({ vm }, index) => index > at && vm === detour.vm);
  return steps.flatMap((step, index) => {
    if (index === at) return [];
    if (index !== next) return [step];
    return step.to === detour.from ? [] : [{ ...step, from: detour.from }];
  });
}
