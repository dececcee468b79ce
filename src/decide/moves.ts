/** What a move does to a pool snapshot. Pure. */

import type { Placement, Snapshot, Uuid } from "../domain/pool.ts";
import { hostsAfter } from "../planner/tell/outcome.ts";

/** The snapshot after `vm` moved from `source` to `destination`, by the VM's own measures. */
export function applyMove(snapshot: Snapshot, vm: Uuid, source: Uuid, destination: Uuid): Snapshot {
  if (!snapshot.vms.some(({ uuid }) => uuid === vm)) throw new Error(`no VM ${vm} in the snapshot`);
  return {
    ...snapshot,
    hosts: hostsAfter(snapshot, [{ vm, source, destination }]),
    placements: snapshot.placements
      .map((placement) => (placement.vmUuid === vm ? { hostUuid: destination, vmUuid: vm } : placement))
      .sort(byHostThenVm),
  };
}

function byHostThenVm(a: Placement, b: Placement): number {
  if (a.hostUuid !== b.hostUuid) return a.hostUuid < b.hostUuid ? -1 : 1;
  return a.vmUuid < b.vmUuid ? -1 : 1;
}
