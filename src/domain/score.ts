/** A VM's score: the share of the CPU it wanted that it got, over the last hour. Pure. */
import { demandOf, unknownDemands } from "./demand.ts";
import type { Snapshot, Uuid } from "./pool.ts";

/** A snapshot, and how long before the newest one it was taken. */
export interface ScoredSample {
  readonly snapshot: Snapshot;
  readonly secondsBefore: number;
}

/** CPU time, in CPU-seconds, that was wanted and that was got. */
export interface CpuGot {
  readonly wanted: number;
  readonly got: number;
}

/** How far back scores look. */
export const scoreSeconds = 3600;

/** Below this score a VM counts as short of CPU. */
export const lowScore = 95;

/** A snapshot stands for so long at most: what was between two that lie further apart is not known. */
const longestSeconds = 600;

/** 0 to 100; 100 where nothing was wanted. */
export function scoreOf({ wanted, got }: CpuGot): number {
  return wanted > 0 ? Math.min(100, Math.max(0, (100 * got) / wanted)) : 100;
}

export interface Scores {
  /** What each VM wanted and got; VMs of which that is not known are not there. */
  readonly vms: ReadonlyMap<Uuid, CpuGot>;
  /** Of the VMs while they were on a host, together. */
  readonly hosts: ReadonlyMap<Uuid, CpuGot>;
  readonly pool: CpuGot;
}

/**
 * The scores by the snapshots of the last hour, newest first; each stands for the time until the next newer one. Where
 * a host was full and nothing told what a VM of it wanted, that time does not count for the VM.
 */
export function scoresOf(samples: readonly ScoredSample[]): Scores {
  const vms = new Map<Uuid, CpuGot>();
  const hosts = new Map<Uuid, CpuGot>();
  let pool: CpuGot = { wanted: 0, got: 0 };
  samples.forEach(({ snapshot, secondsBefore }, index) => {
    if (secondsBefore > scoreSeconds) return;
    // The newest stands for as long as the one before it.
    const newer = samples[index - 1]?.secondsBefore ?? 2 * secondsBefore - (samples[1]?.secondsBefore ?? -1);
    const seconds = Math.min(longestSeconds, Math.abs(secondsBefore - newer));
    const unknown = unknownDemands(snapshot);
    const byUuid = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
    for (const { vmUuid, hostUuid } of snapshot.placements) {
      const vm = byUuid.get(vmUuid);
      if (vm === undefined || vm.isControlDomain || unknown.has(vmUuid)) continue;
      const demand = demandOf(vm);
      if (demand === null || vm.vcpuNum === null) continue;
      const cpuSeconds = (vm.vcpuNum / 100) * seconds;
      const more = { wanted: demand.percent * cpuSeconds, got: (vm.vcpuAverage ?? 0) * cpuSeconds };
      vms.set(vmUuid, sum(vms.get(vmUuid), more));
      hosts.set(hostUuid, sum(hosts.get(hostUuid), more));
      pool = sum(pool, more);
    }
  });
  return { vms, hosts, pool };
}

function sum(before: CpuGot | undefined, more: CpuGot): CpuGot {
  return before === undefined ? more : { wanted: before.wanted + more.wanted, got: before.got + more.got };
}
