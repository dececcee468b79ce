/** What one VM weighs on a host, and what forbids its moving whatever the rules say. Pure. */
import type { Host, Uuid, Vm } from "../pool.ts";
import type { Subject } from "../rule.ts";

/** What `vm` adds to the subject in absolute units (CPU: percent of one CPU); null where a measure is unusable. */
export function rawWeight(vm: Vm, subject: Subject): number | null {
  switch (subject) {
    case "CpuAverage":
      return usable(vm.vcpuAverage === null || vm.vcpuNum === null ? null : vm.vcpuAverage * vm.vcpuNum);
    case "OccupiedMemoryMb":
      return usable(vm.memoryMb);
    case "PifEth0RxKb":
      return usable(vm.vif0RxKb);
    case "PifEth0TxKb":
      return usable(vm.vif0TxKb);
    default:
      return subject satisfies never;
  }
}

function usable(value: number | null): number | null {
  return value !== null && Number.isFinite(value) && value >= 0 ? value : null;
}

/** Absolute units that make one unit of the subject's value on `host`; null where unknown. */
export function capacity(host: Host, subject: Subject): number | null {
  if (subject !== "CpuAverage") return 1;
  return host.cpuNum !== null && host.cpuNum > 0 ? host.cpuNum : null;
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

/** "1536 MB" */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}
