/**
 * Destinations that migrations do not reach. What breaks on the way is taken for a matter of the pair first; where it
 * broke for a second VM towards the same host, that host is the suspect, and not the VMs. Pure.
 */

import type { Migration } from "../domain/migration.ts";
import type { Uuid } from "../domain/pool.ts";
import { longest, shorten } from "../text/text.ts";

/** A migration that broke on its way. */
export interface PathFailure {
  readonly vm: Uuid;
  readonly destination: Uuid;
  readonly reason: string;
}

/** VMs that must fail towards a host before it is the suspect. */
const fewestVms = 2;

/** Migrations that broke on their way within the last `minutes`, oldest first, but to hosts that took a VM since. */
export function pathFailures(recent: readonly Migration[], minutes: number): readonly PathFailure[] {
  return recent.flatMap(({ vm, destination, failure, state, error, finishedSecondsAgo }, index) => {
    if (failure !== "path" || state === "refused" || finishedSecondsAgo === null) return [];
    if (finishedSecondsAgo >= minutes * 60) return [];
    const reached = recent
      .slice(index + 1)
      .some((later) => later.destination === destination && later.state === "succeeded");
    return reached ? [] : [{ vm, destination, reason: error ?? "no reason known" }];
  });
}

/** The hosts that are the suspects of these failures, each with what speaks against it. */
export function failingHosts(failures: readonly PathFailure[]): ReadonlyMap<Uuid, string> {
  const hosts = new Map<Uuid, string>();
  for (const { destination, reason } of failures) {
    const vms = new Set(failures.filter((each) => each.destination === destination).map(({ vm }) => vm));
    if (vms.size < fewestVms) continue;
    hosts.set(
      destination,
      `migrations of ${vms.size} VMs to it failed, the last one: ${shorten(reason, longest.error)}`,
    );
  }
  return hosts;
}

/** VMs that broke off towards more than one host: then it is the VM that is the suspect. */
export function failingVms(failures: readonly PathFailure[]): ReadonlySet<Uuid> {
  const suspects = failingHosts(failures);
  const single = failures.filter(({ destination }) => !suspects.has(destination));
  return new Set(
    single
      .filter((one) => single.some((other) => other.vm === one.vm && other.destination !== one.destination))
      .map(({ vm }) => vm),
  );
}
