/** Swaps as data: what they would do, what they cost, and why their moves are in a plan that may make them. Pure. */
import type { SwapOffer } from "../plan.ts";
import type { Swap } from "../search/swap.ts";
import { limitOf, type State } from "../state.ts";
import { amount, measured, placeOf, rounded, subjectName } from "./figures.ts";
import type { Reason } from "./reason.ts";

/** The swap with its figures; `seconds` is how long the host between is worse. */
export function offerOf({ problem, floor }: State, swap: Swap, seconds: number): SwapOffer | null {
  const { steps, cost, worst, value } = swap;
  const { R, vms, hosts, rules } = problem;
  const r = worst % R;
  const moves = steps.flatMap(({ vm, from, to }) => {
    const [moved, source, destination] = [vms[vm], hosts[from], hosts[to]];
    return moved === undefined || source === undefined || destination === undefined
      ? []
      : [{ vm: moved.uuid, source: source.uuid, destination: destination.uuid }];
  });
  const [first, second] = moves;
  const [host, rule] = [hosts[Math.floor(worst / R)], rules[r]];
  if (first === undefined || second === undefined || host === undefined || rule === undefined) return null;
  const limit = limitOf(problem, worst, floor[r] ?? 0);
  return {
    moves: [first, second],
    copyBytes: cost,
    host: host.uuid,
    rule,
    ...placeOf(problem, r),
    value: measured(problem, r, value),
    limit: measured(problem, r, limit),
    seconds,
  };
}

/** Why the two moves are in the plan. `state` stands before them. */
export function swapReasons({ problem, floor }: State, { steps, worst, value }: Swap): Reason[] {
  const { R, vms, hosts } = problem;
  const r = worst % R;
  const host = hosts[Math.floor(worst / R)];
  const limit = limitOf(problem, worst, floor[r] ?? 0);
  const figures = `${amount(problem, r, measured(problem, r, value))} of ${subjectName(problem, r)}, ${rounded(measured(problem, r, limit))} are allowed`;
  return steps.map((_, index) => {
    const other = vms[steps[1 - index]?.vm ?? -1];
    const places = `it changes places with ${other?.name || other?.uuid}`;
    const between = `between the two ${host?.name || host?.uuid} has ${figures} (ControlMomentaryWorsening)`;
    return { purpose: "changes places", rule: r, guest: -1, text: `${places}; ${between}` };
  });
}
