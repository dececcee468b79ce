/**
 * What a move does to a pool snapshot, and why it may not be made. Pure.
 * The weight of a VM on a host: its vCPUs' use over the host's CPUs, its memory, its traffic.
 */
import { subjectValue } from "../deviation.ts";
import type { Host, Placement, Snapshot, Uuid, Vm } from "../pool.ts";
import { type Subject, subjects } from "../rule.ts";

/** What `vm` adds to the subject's value of `host`; null where a measure is missing. */
export function vmWeight(vm: Vm, host: Host, subject: Subject): number | null {
  switch (subject) {
    case "CpuAverage":
      if (vm.vcpuAverage === null || vm.vcpuNum === null || !host.cpuNum) return null;
      return (vm.vcpuAverage * vm.vcpuNum) / host.cpuNum;
    case "OccupiedMemoryMb":
      return vm.memoryMb;
    case "PifEth0RxKb":
      return vm.vif0RxKb;
    case "PifEth0TxKb":
      return vm.vif0TxKb;
    default:
      return subject satisfies never;
  }
}

/** Why `vm` can be moved nowhere, or null. */
export function immovability(vm: Vm): string | null {
  if (vm.isControlDomain) return "it is a control domain";
  if (vm.powerState !== "Running") return `it is ${vm.powerState}, not Running`;
  return vm.immovable;
}

/** The key of a VM with a host it might go to, for bars and bans. */
export function pairKey(vm: Uuid, destination: Uuid): string {
  return `${vm}>${destination}`;
}

/** Why `destination` lacks the memory for `vm` and the headroom beside it, or null. */
export function memoryObstacle(vm: Vm, destination: Host, headroomBytes: number): string | null {
  const { placementBytes: needed } = vm;
  const { placementFreeBytes: free } = destination;
  if (needed === null || free === null) return "the memory it needs or the host has free is unknown";
  if (needed + headroomBytes <= free) return null;
  return `not enough memory: needs ${mebibytes(needed)} + ${mebibytes(headroomBytes)} headroom, has ${mebibytes(free)}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}

/** The snapshot after `vmUuid` moved from `source` to `destination`, by the VM's own measures. */
export function applyMove(snapshot: Snapshot, vmUuid: Uuid, source: Uuid, destination: Uuid): Snapshot {
  const vm = snapshot.vms.find((candidate) => candidate.uuid === vmUuid);
  if (vm === undefined) throw new Error(`no VM ${vmUuid} in the snapshot`);
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => {
      if (host.uuid === source) return withVm(host, vm, -1);
      return host.uuid === destination ? withVm(host, vm, +1) : host;
    }),
    placements: snapshot.placements
      .map((placement) => (placement.vmUuid === vmUuid ? { hostUuid: destination, vmUuid } : placement))
      .sort(byHostThenVm),
  };
}

function byHostThenVm(a: Placement, b: Placement): number {
  if (a.hostUuid !== b.hostUuid) return a.hostUuid < b.hostUuid ? -1 : 1;
  return a.vmUuid < b.vmUuid ? -1 : 1;
}

/** `host` with the weight of `vm` added (sign 1) or taken off (sign -1). */
function withVm(host: Host, vm: Vm, sign: 1 | -1): Host {
  const [rx, tx, memory, cpu] = subjects.map((subject) => {
    const value = subjectValue(host, subject);
    const weight = vmWeight(vm, host, subject) ?? 0;
    return value === null ? null : value + sign * weight;
  });
  const free = host.placementFreeBytes;
  return {
    ...host,
    pifEth0RxKb: rx ?? null,
    pifEth0TxKb: tx ?? null,
    memoryFreeMb:
      memory === null || memory === undefined || host.memoryTotalMb === null
        ? host.memoryFreeMb
        : host.memoryTotalMb - memory,
    cpuAverage: cpu ?? null,
    placementFreeBytes: free === null ? null : free - sign * (vm.placementBytes ?? 0),
  };
}
