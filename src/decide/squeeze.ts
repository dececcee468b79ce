/**
 * The pool as it is for those who want no guest squeezed. A live migration shrinks a guest with a range of memory to its
 * minimum before it copies, and what the host has free decides whether it grows back (xapi, CA-78365). So such a guest
 * moves only to a host with room for what it occupies now, and not at all when it uses more than the minimum leaves.
 * Pure. xapi's own arithmetic, which counts minimums alone, holds beside it: what is added here is never negative.
 */
import { takesPart } from "../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { bytes } from "../text/format.ts";

const mebibyte = 1024 * 1024;

/** Bytes that the guest occupies beyond what a migration shrinks it to; 0 of one that does not shrink. */
export function excessBytes({ copyBytes, shrinksToBytes }: Vm): number {
  return copyBytes === null || shrinksToBytes === null ? 0 : Math.max(0, copyBytes - shrinksToBytes);
}

/** Why a migration would take from the guest what it uses, in figures; null where it would not. */
export function squeezedBy(vm: Vm): string | null {
  const { copyBytes, shrinksToBytes, memoryInternalFreeMb } = vm;
  if (copyBytes === null || shrinksToBytes === null || excessBytes(vm) === 0) return null;
  const minimum = `a migration shrinks it to ${bytes(shrinksToBytes)} on the way (ControlSqueeze=never)`;
  if (memoryInternalFreeMb === null) {
    return `it occupies ${bytes(copyBytes)}, how much of that its guest uses is unknown, and ${minimum}`;
  }
  const used = copyBytes - memoryInternalFreeMb * mebibyte;
  return used > shrinksToBytes ? `its guest uses ${bytes(used)}, and ${minimum}` : null;
}

/** `snapshot` with the memory that guests occupy now in place of what they could be shrunk to. */
export function withoutSqueezing(snapshot: Snapshot): Snapshot {
  const excess = new Map<Uuid, number>();
  for (const vm of snapshot.vms) if (excessBytes(vm) > 0) excess.set(vm.uuid, excessBytes(vm));
  if (excess.size === 0) return snapshot;
  const onHosts = new Map<Uuid, number>();
  for (const { vmUuid, hostUuid } of snapshot.placements) {
    onHosts.set(hostUuid, (onHosts.get(hostUuid) ?? 0) + (excess.get(vmUuid) ?? 0));
  }
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => less(host, onHosts.get(host.uuid) ?? 0)),
    vms: snapshot.vms.map((vm) => {
      const more = excess.get(vm.uuid);
      if (more === undefined) return vm;
      const placementBytes = vm.placementBytes === null ? null : vm.placementBytes + more;
      return { ...vm, placementBytes, immovable: vm.immovable ?? squeezedBy(vm) };
    }),
  };
}

function less(host: Host, there: number): Host {
  if (there === 0 || host.placementFreeBytes === null || !takesPart(host)) return host;
  return { ...host, placementFreeBytes: host.placementFreeBytes - there };
}
