/** Migrations that go on while a plan is made, whoever began them, count as done. Pure. */

import type { Snapshot, Uuid } from "../domain/pool.ts";
import { hostsAfter } from "../planner/tell/outcome.ts";

/**
 * The snapshot with VMs that are just being migrated on their new hosts, their load with them. Memory stays as it is:
 * xapi holds it on both ends until the migration has ended.
 */
export function withInFlightMoves(snapshot: Snapshot): Snapshot {
  const targets = new Map<Uuid, Uuid>();
  for (const { uuid, migratingTo } of snapshot.vms) {
    if (migratingTo !== null) targets.set(uuid, migratingTo);
  }
  if (targets.size === 0) return snapshot;
  const moves = snapshot.placements.flatMap(({ vmUuid, hostUuid }) => {
    const destination = targets.get(vmUuid);
    return destination === undefined ? [] : [{ vm: vmUuid, source: hostUuid, destination }];
  });
  const loaded = hostsAfter(snapshot, moves);
  return {
    ...snapshot,
    hosts: loaded.map((host, index) => ({
      ...host,
      placementFreeBytes: snapshot.hosts[index]?.placementFreeBytes ?? null,
    })),
    placements: snapshot.placements.map((placement) => ({
      ...placement,
      hostUuid: targets.get(placement.vmUuid) ?? placement.hostUuid,
    })),
  };
}
