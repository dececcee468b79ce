/** The kinds of pools that consolidations are compared on, and a judge of consolidations with arithmetic of its own. */

import type { Host, Snapshot, Uuid } from "../../src/domain/pool.ts";
import type { PackingOptions } from "../../src/power/options.ts";
import type { Drain } from "../../src/power/plan.ts";
import type { GreenGoal } from "../../src/power/rule.ts";
import { generate } from "../../test/support/plan/pools.ts";

export interface Series {
  readonly name: string;
  readonly hosts: number;
  readonly vms: number;
  readonly unequal: boolean;
  readonly hard: boolean;
  readonly fill: number;
  readonly spareHosts: number;
  readonly count: number;
}

const sizes = [
  [4, 20, 40],
  [8, 120, 40],
  [16, 400, 30],
  [64, 2400, 10],
] as const;

export const series: readonly Series[] = sizes.flatMap(([hosts, vms, count]) =>
  [
    { unequal: false, hard: false, spareHosts: 0, what: "equal" },
    { unequal: false, hard: false, spareHosts: 1, what: "equal, 1 spare" },
    { unequal: true, hard: false, spareHosts: 1, what: "unequal, 1 spare" },
    { unequal: true, hard: true, spareHosts: 1, what: "unequal, pins and bars, 1 spare" },
  ].map(({ what, ...each }) => ({ ...each, name: `${hosts}x${vms}, ${what}`, hosts, vms, count, fill: 0.5 })),
);

export const rule = (spareHosts: number): GreenGoal => ({
  limits: [
    { kind: "below", subject: "CpuAverage", value: 80 },
    { kind: "memory free", percent: 5 },
  ],
  spareHosts,
  between: null,
});

export const options: PackingOptions = {
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  canWake: () => true,
  keepOn: new Map(),
  minimumHostsOn: 1,
  fillFraction: 1,
};

/** Fill from 35 to 65 % by the seed, so that one dimension or the other decides. */
export function poolOf(each: Series, seed: number): Snapshot {
  const fill = each.fill * (0.7 + 0.06 * (seed % 11));
  return generate({ ...each, fill, rules: 0, strict: 1 }, seed).snapshot;
}

/** What is wrong with the drains, made one after the other: steps that cannot be, and limits that a host passes by them. */
export function faultsOf(snapshot: Snapshot, drains: readonly Drain[]): string[] {
  const faults: string[] = [];
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, { ...figuresOf(host), off: false }]));
  const at = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const infeasible = new Set(snapshot.infeasiblePairs.map(({ vmUuid, hostUuid }) => `${vmUuid}>${hostUuid}`));
  for (const drain of drains) {
    if (snapshot.hosts.find(({ uuid }) => uuid === drain.host)?.isMaster)
      faults.push("the master is emptied");
    for (const { vm: uuid, source, destination } of drain.moves) {
      const [vm, to] = [vms.get(uuid), hosts.get(destination)];
      if (vm === undefined || to === undefined || at.get(uuid) !== source) {
        faults.push(`${uuid} is not there`);
        continue;
      }
      at.set(uuid, destination);
      to.cpu += ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / to.cpus;
      to.freeMb -= vm.memoryMb ?? 0;
      to.free -= vm.placementBytes ?? 0;
      if (to.off || vm.immovable !== null || infeasible.has(`${uuid}>${destination}`))
        faults.push(`${vm.name} may not go there`);
      if (to.cpu > 80.0001) faults.push(`${vm.name}: CPU at ${to.cpu}`);
      if (to.freeMb < 0.05 * to.totalMb - 0.01) faults.push(`${vm.name}: ${to.freeMb} MB free`);
      if (to.free < -1) faults.push(`${vm.name}: no memory for it`);
    }
    const own = hosts.get(drain.host);
    if (own !== undefined) own.off = true;
    if (isHeld(snapshot, at, drain.host)) faults.push(`${drain.host} is not empty`);
  }
  return faults;
}

function isHeld(snapshot: Snapshot, at: ReadonlyMap<Uuid, Uuid>, host: Uuid): boolean {
  return snapshot.vms.some(({ uuid, isControlDomain }) => !isControlDomain && at.get(uuid) === host);
}

function figuresOf(host: Host): { cpu: number; cpus: number; freeMb: number; totalMb: number; free: number } {
  return {
    cpu: host.cpuAverage ?? 0,
    cpus: host.cpuNum ?? 1,
    freeMb: host.memoryFreeMb ?? 0,
    totalMb: host.memoryTotalMb ?? 0,
    free: host.placementFreeBytes ?? 0,
  };
}
