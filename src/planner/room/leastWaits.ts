/** Of ways to room that copy the same the one after which VMs wait for CPUs least, where a rule serves them. Pure. */
import type { CpuWaits } from "../evacuate/waits.ts";
import type { Work } from "../search/work.ts";
import { noticeable } from "../serve/stillShort.ts";
import type { Step } from "../steps/order.ts";
import type { GuestProblem } from "./guest.ts";
import { makesRoom } from "./needed.ts";

/** Passes over all steps: each takes the best host for one step after the other. */
const passes = 4;

/**
 * `steps` with other destinations, as long as VMs wait less for that: the same VMs move, so that as much is copied. VMs that
 * move more than once keep their way.
 */
export function withLeastWaits(
  guest: GuestProblem,
  steps: readonly Step[],
  waits: CpuWaits,
  work: Work,
): readonly Step[] {
  const { H } = guest.problem;
  let way = steps;
  let least = waitedAfter(waits, way);
  for (let pass = 0; pass < passes; pass++) {
    const before = way;
    for (const [index, { vm, from, to }] of way.entries()) {
      if (way.filter((each) => each.vm === vm).length > 1) continue;
      for (let d = 0; d < H && work.more(); d++) {
        if (d === from || d === to || d === guest.source) continue;
        const other = way.map((each, at) => (at === index ? { ...each, to: d } : each));
        const waited = waitedAfter(waits, other);
        work.charge("fit", steps.length * 2);
        if (waited >= least - noticeable || !makesRoom(guest, other)) continue;
        [way, least] = [other, waited];
      }
    }
    if (way === before) break;
  }
  return way;
}

function waitedAfter(waits: CpuWaits, steps: readonly Step[]): number {
  waits.reset();
  for (const { vm, from, to } of steps) waits.move(vm, from, to);
  return waits.minutes;
}
