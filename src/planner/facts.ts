/** What one VM weighs on a host, and what forbids its moving whatever the rules say. Pure. */
import { vmCpuWait } from "../domain/derived.ts";
import type { Host, Uuid, Vm } from "../domain/pool.ts";
import { type AnySubject, isSource, type Term } from "../domain/rule.ts";

/**
 * What `vm` adds to the subject in absolute units (CPU: percent of one CPU); null where a measure is unusable. Nothing
 * is known of what it adds to a data source; of free memory it takes.
 */
export function rawWeight(vm: Vm, subject: AnySubject): number | null {
  if (isSource(subject)) return 0;
  switch (subject) {
    case "CpuAverage":
      return usable(vm.vcpuAverage === null || vm.vcpuNum === null ? null : vm.vcpuAverage * vm.vcpuNum);
    case "OccupiedMemoryMb":
      return usable(vm.memoryMb);
    case "PifEth0RxKb":
      return usable(vm.vif0RxKb);
    case "PifEth0TxKb":
      return usable(vm.vif0TxKb);
    case "MemoryFreeMb": {
      const memory = usable(vm.memoryMb);
      return memory === null ? null : -memory;
    }
    case "VmCount":
      return 1;
    case "CpuWait":
      return usable(vmCpuWait(vm));
    default:
      return subject satisfies never;
  }
}

/** The same of a term's sum. */
export function termWeight(vm: Vm, { subjects }: Term): number | null {
  let sum = 0;
  for (const subject of subjects) {
    const weight = rawWeight(vm, subject);
    if (weight === null) return null;
    sum += weight;
  }
  return sum;
}

function usable(value: number | null): number | null {
  return value !== null && Number.isFinite(value) && value >= 0 ? value : null;
}

/** Absolute units that make one unit of the subject's value on `host`; null where unknown. */
export function capacity(host: Host, subject: AnySubject): number | null {
  if (subject !== "CpuAverage" && subject !== "CpuWait") return 1;
  return host.cpuNum !== null && host.cpuNum > 0 ? host.cpuNum : null;
}

/** The same of a term, all of whose subjects have one unit. */
export function termCapacity(host: Host, { subjects }: Term): number | null {
  let size: number | null = 1;
  for (const subject of subjects) {
    const own = capacity(host, subject);
    if (own === null) return null;
    if (own !== 1) size = own;
  }
  return size;
}

/** Why `vm` can be moved nowhere, or null. */
export function immovability(vm: Vm): string | null {
  if (vm.isControlDomain) return "it is a control domain";
  if (vm.powerState !== "Running") return `it is ${vm.powerState}, not Running`;
  return vm.immovable;
}

/** The key of a VM with a host it might go to, for infeasible pairs and bans. */
export function pairKey(vm: Uuid, destination: Uuid): string {
  return `${vm}>${destination}`;
}

/** "1536 MB" */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}
