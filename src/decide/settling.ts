/**
 * The rule that the first points after a migration are not counted: a VM's counters begin again at its new host, and
 * its first values there are wrong or missing. Pure.
 */
import type { Placement, Snapshot, Uuid, Vm } from "../domain/pool.ts";

/** A VM that was first seen on its host a moment ago. */
export interface SettlingVm extends Placement {
  /** By the pool's clock, seconds since 1970; null where the pool told no time. */
  readonly seenAtSeconds: number | null;
  /** Whether the last collection saw it elsewhere. */
  readonly isNew: boolean;
}

/** Where the last stored collection saw the VMs. */
export interface LastPlaces {
  readonly poolUuid: Uuid;
  readonly hostOf: ReadonlyMap<Uuid, Uuid>;
  /** By VM: those whose measures that collection did not count. */
  readonly settling: ReadonlyMap<Uuid, SettlingVm>;
}

/** What the rule made of a snapshot. */
export interface Settled {
  readonly snapshot: Snapshot;
  /** The VMs whose measures were left out, to be stored with the snapshot. */
  readonly settling: readonly SettlingVm[];
}

/** Two points of 5 seconds: the second one is wholly of the new host. */
const doubtSeconds = 10;

const mebibyte = 1024 * 1024;

/**
 * Takes out the measures of VMs that are not where `last` saw them, and of those that have been there for less than
 * 10 s. VMs that `last` did not place, because they are new or did not run, are counted.
 * @param nowSeconds the pool's clock, read before the measures; null where the pool does not tell.
 */
export function ignoreUnsettled(
  snapshot: Snapshot,
  last: LastPlaces | null,
  nowSeconds: number | null,
): Settled {
  if (last === null || last.poolUuid !== snapshot.pool.uuid) return { snapshot, settling: [] };
  const settling = snapshot.placements.flatMap((placement) => {
    const settlingVm = settlingOf(placement, last, nowSeconds);
    return settlingVm === null ? [] : [settlingVm];
  });
  if (settling.length === 0) return { snapshot, settling };
  const doubted = new Set(settling.map(({ vmUuid }) => vmUuid));
  const vms = snapshot.vms.map((vm) => (doubted.has(vm.uuid) ? unmeasured(vm) : vm));
  return { snapshot: { ...snapshot, vms }, settling };
}

function settlingOf(
  { vmUuid, hostUuid }: Placement,
  last: LastPlaces,
  nowSeconds: number | null,
): SettlingVm | null {
  const before = last.hostOf.get(vmUuid);
  if (before === undefined) return null;
  if (before !== hostUuid) return { vmUuid, hostUuid, seenAtSeconds: nowSeconds, isNew: true };
  const known = last.settling.get(vmUuid);
  if (known === undefined || known.hostUuid !== hostUuid) return null;
  if (known.seenAtSeconds === null || nowSeconds === null) return null;
  // A clock that was set back must not keep the VM in doubt until it has caught up.
  return Math.abs(nowSeconds - known.seenAtSeconds) < doubtSeconds ? { ...known, isNew: false } : null;
}

/** The VM without what was measured; its memory as its record has it. */
function unmeasured({ eth0RxKb: _rx, eth0TxKb: _tx, cpuDemand: _d, demandFrom: _f, ...vm }: Vm): Vm {
  const recorded = vm.powerState === "Running" ? vm.copyBytes : null;
  return {
    ...vm,
    memoryMb: recorded === null ? null : Math.round(recorded / mebibyte),
    memoryInternalFreeMb: null,
    vif0TxKb: null,
    vif0RxKb: null,
    vcpuAverage: null,
    ...(vm.cpuWait === undefined ? {} : { cpuWait: null }),
  };
}
