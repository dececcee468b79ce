/** Figures of hosts that follow from their VMs: how many there are, and how long they waited for a CPU. Pure. */
import type { Host, Snapshot, Uuid, Vm } from "./pool.ts";
import { type Rule, subjectsOf } from "./rule.ts";

/** The snapshot with derived figures where some of the rules ask for them; else as it is. */
export function derivedFor(snapshot: Snapshot, rules: readonly Rule[]): Snapshot {
  const asked = subjectsOf(rules).some((subject) => subject === "VmCount" || subject === "CpuWait");
  return asked ? withDerived(snapshot) : snapshot;
}

/** The snapshot with `vmCount` and `cpuWait` of every host, by where the VMs are placed in it. */
export function withDerived(snapshot: Snapshot): Snapshot {
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const guests = new Map<Uuid, Vm[]>(snapshot.hosts.map(({ uuid }) => [uuid, []]));
  for (const { vmUuid, hostUuid } of snapshot.placements) {
    const vm = vms.get(vmUuid);
    if (vm !== undefined && !vm.isControlDomain) guests.get(hostUuid)?.push(vm);
  }
  // Where no VM's waiting is recorded, that of an empty host is no 0 either: nobody would see it rise.
  const recorded = [...guests.values()].some((own) => own.some((vm) => vmCpuWait(vm) !== null));
  const hosts = snapshot.hosts.map((host) => {
    const own = guests.get(host.uuid) ?? [];
    return { ...host, vmCount: own.length, cpuWait: recorded ? hostCpuWait(host, own) : null };
  });
  return { ...snapshot, hosts };
}

/** Percent of the host's CPUs; null where it is unknown of one guest. */
function hostCpuWait({ cpuNum }: Host, guests: readonly Vm[]): number | null {
  if (cpuNum === null || cpuNum <= 0) return null;
  let sum = 0;
  for (const vm of guests) {
    const waited = vmCpuWait(vm);
    if (waited === null) return null;
    sum += waited;
  }
  return sum / cpuNum;
}

/** What a VM adds to `cpuWait` of its host, in percent of one CPU; null where unknown. */
export function vmCpuWait({ cpuWait, vcpuNum }: Vm): number | null {
  return cpuWait === undefined || cpuWait === null || vcpuNum === null ? null : cpuWait * vcpuNum;
}
