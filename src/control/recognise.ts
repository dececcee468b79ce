/** Enters in the log what an administrator has moved by himself, as the Workload Balancing server recommended it. */
import { loadSnapshot } from "../store/snapshot.ts";
import { recogniseApplied } from "../store/wlb.ts";
import { Names } from "../text/names.ts";
import { say } from "./say.ts";
import type { LeasedRun } from "./strategy.ts";

/** Before anything is planned: what was moved counts for cooldowns and caps of this run already. */
export async function recogniseAdvice({ db, heldLease, options }: LeasedRun): Promise<void> {
  const found = await recogniseApplied(db, heldLease.leaseToken);
  if (found.length === 0) return;
  const stored = await loadSnapshot(db);
  if (stored === null) return;
  const names = new Names(stored.snapshot);
  for (const { id, vm, source, destination } of found) {
    const text = `Applied by an administrator: ${names.of(vm)} from ${names.of(source)} to ${names.of(destination)} (recommendation ${id})`;
    say(options, "applied", text, { recommendation: id, vm, from: source, to: destination });
  }
}
