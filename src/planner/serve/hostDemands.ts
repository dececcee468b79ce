/** What is expected to be wanted of each host: by its VMs, and by what else it does. Pure. */
import { subjectValue } from "../../domain/deviation.ts";
import { InTurn } from "../../domain/inTurn.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { capacity, rawWeight } from "../../domain/weight.ts";
import type { Demand } from "../plan.ts";

/**
 * The demand of each of `hosts`, in their order: the sums of its VMs', and what it is busy with beside them, which goes
 * on. A VM that is not in `demands` is taken to want what it uses.
 */
export function hostDemands(
  { vms, placements }: Snapshot,
  hosts: readonly Host[],
  demands: ReadonlyMap<Uuid, Demand>,
): readonly Demand[] {
  const parts = partsOf(demands);
  const hostIndex = new Map(hosts.map((host, h) => [host.uuid, h]));
  const places = new InTurn(vms);
  const means = hosts.map(() => new Array<number>(parts).fill(0));
  const variances = hosts.map(() => 0);
  const used = hosts.map(() => 0);
  for (const { vmUuid, hostUuid } of placements) {
    const [h, vm] = [hostIndex.get(hostUuid), vms[places.placeOf(vmUuid)]];
    if (h === undefined || vm === undefined || vm.isControlDomain) continue;
    const demand = demands.get(vmUuid) ?? demandAsUsed(vm, parts);
    used[h] = (used[h] ?? 0) + usedCpus(vm);
    variances[h] = (variances[h] ?? 0) + demand.variance;
    const sums = means[h] ?? [];
    demand.means.forEach((mean, t) => {
      sums[t] = (sums[t] ?? 0) + mean;
    });
  }
  return hosts.map((host, h): Demand => {
    const busy = ((subjectValue(host, "CpuAverage") ?? 0) * cpusOf(host)) / 100;
    const beside = Math.max(0, busy - (used[h] ?? 0));
    return { means: (means[h] ?? []).map((mean) => mean + beside), variance: variances[h] ?? 0 };
  });
}

/** How many parts the time ahead is divided in. */
export function partsOf(demands: ReadonlyMap<Uuid, Demand>): number {
  for (const { means } of demands.values()) return means.length;
  return 1;
}

/** What is wanted over all of the time ahead, in CPUs: the mean of its parts. */
export function meanWanted({ means }: Pick<Demand, "means">): number {
  return means.reduce((sum, mean) => sum + mean, 0) / Math.max(1, means.length);
}

/** Of a VM of which no more is known: it goes on as it is. */
export function demandAsUsed(vm: Vm, parts: number): Demand {
  return { means: new Array<number>(parts).fill(usedCpus(vm)), variance: 0 };
}

/** The CPUs of the host, in those of the pool's fastest; 0 where they are unknown. */
export function cpusOf(host: Host): number {
  return capacity(host, "CpuAverage") ?? 0;
}

function usedCpus(vm: Vm): number {
  return (rawWeight(vm, "CpuAverage") ?? 0) / 100;
}
