/** Enters in the log what an administrator has done by himself, as the Workload Balancing server recommended it. */
import { loadSnapshot } from "../store/snapshot.ts";
import { recogniseApplied, recogniseSwitched } from "../store/wlb.ts";
import { Names } from "../text/names.ts";
import { say } from "./say.ts";
import type { LeasedRun } from "./strategy.ts";

/** Before anything is planned: what was done counts for cooldowns, caps and sleeping hosts of this run already. */
export async function recogniseAdvice({ db, heldLease, options }: LeasedRun): Promise<void> {
  const moved = await recogniseApplied(db, heldLease.leaseToken);
  const switched = await recogniseSwitched(db, heldLease.leaseToken);
  if (moved.length + switched.length === 0) return;
  const stored = await loadSnapshot(db);
  if (stored === null) return;
  const names = new Names(stored.snapshot);
  for (const { id, vm, source, destination } of moved) {
    const text = `Applied by an administrator: ${names.of(vm)} from ${names.of(source)} to ${names.of(destination)} (recommendation ${id})`;
    say(options, "applied", text, { recommendation: id, vm, from: source, to: destination });
  }
  for (const { id, host, switch: to } of switched) {
    const what = to === "off" ? "put to sleep" : "woken";
    const text = `Applied by an administrator: ${names.of(host)} was ${what} (recommendation ${id})`;
    say(options, "applied", text, { recommendation: id, host, switch: to });
  }
}
