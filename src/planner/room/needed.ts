/** What of a way to room is needed. Pure. */
import { State } from "../state.ts";
import { without } from "../steps/needed.ts";
import type { Step } from "../steps/order.ts";
import type { GuestProblem } from "./guest.ts";

/** Whether the steps are possible one after the other, and the guest fits on some host after them. */
export function makesRoom({ guest, source, problem }: GuestProblem, steps: readonly Step[]): boolean {
  const state = new State(problem);
  for (const { vm, to } of steps) {
    if (!state.stepFits(vm, to)) return false;
    state.move(vm, to);
  }
  return problem.hosts.some((_, h) => h !== source && state.stepFits(guest, h));
}

/** The steps up to the guest's own, without those that it can do without, the dearest taken out first. */
export function needed(guest: GuestProblem, steps: readonly Step[]): readonly Step[] {
  const own = steps.findIndex(({ vm }) => vm === guest.guest);
  let way = own < 0 ? steps : steps.slice(0, own);
  for (const detour of way.filter(({ parked }) => parked)) {
    const straight = without(way, detour);
    if (makesRoom(guest, straight)) way = straight;
  }
  const { cost } = guest.problem;
  const dearest = [...new Set(way.map(({ vm }) => vm))].sort(
    (a, b) => (cost[b] ?? 0) - (cost[a] ?? 0) || a - b,
  );
  for (const vm of dearest) {
    const fewer = way.filter((step) => step.vm !== vm);
    if (makesRoom(guest, fewer)) way = fewer;
  }
  return way;
}
