/** Seeded pools for the comparison of planners: the same kind and seed give the same pool. */

import {
  asUuid,
  type Host,
  type InfeasiblePair,
  type Placement,
  type Snapshot,
  type Vm,
} from "../../../src/domain/pool.ts";
import type { SingleRule as Rule } from "../../../src/domain/rule.ts";
import { Random } from "../../../src/planner/search/random.ts";

const mebibyte = 1024 * 1024;

/** What a pool looks like. */
export interface Kind {
  readonly name: string;
  readonly hosts: number;
  readonly vms: number;
  /** Hosts of 16, 32 and 64 CPUs instead of 32 each. */
  readonly unequal: boolean;
  /** Part of the memory for VMs that is in use, about. */
  readonly fill: number;
  /** How many of the four subjects have a rule, CpuAverage first. */
  readonly rules: number;
  /** Thresholds in standard deviations over the hosts, plus up to a half: less is stricter. */
  readonly strict: number;
  /** Pins, infeasible pairs, groups, and now and then a VM that is larger than any rule allows. */
  readonly hard: boolean;
}

export interface Pool {
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
}

function uuid(prefix: number, number: number): ReturnType<typeof asUuid> {
  return asUuid(`${String(prefix).padStart(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`);
}

interface Sketch {
  readonly memoryMb: number;
  readonly vcpus: number;
  readonly host: number;
  readonly heat: number;
  readonly rx: number;
  readonly tx: number;
}

/** The pool of `kind` that `seed` gives. */
export function generate(kind: Kind, seed: number): Pool {
  const random = new Random(seed * 7919 + kind.hosts * 104_729 + kind.vms);
  const cpus = Array.from({ length: kind.hosts }, () =>
    kind.unequal ? ([16, 32, 64][random.below(3)] ?? 32) : 32,
  );
  const sketches = sketchVms(kind, cpus, random);
  const capacities = memoryOf(kind, cpus, sketches);
  const vms = sketches.map((sketch, index) => toVm(sketch, index, cpus, kind, random));
  const hosts = cpus.map((count, h) => toHost(h, count, capacities[h] ?? 0, vms, sketches, random));
  const placements: Placement[] = sketches.map(({ host }, v) => ({
    hostUuid: uuid(1, host),
    vmUuid: uuid(2, v),
  }));
  return {
    snapshot: {
      pool: {
        uuid: uuid(9, 0),
        name: kind.name,
        haEnabled: false,
        haTolerance: null,
        haPlannedFor: null,
        wlbEnabled: false,
        rollingUpgrade: false,
      },
      hosts,
      vms,
      placements,
      infeasiblePairs: kind.hard ? infeasiblePairs(kind, random) : [],
    },
    rules: rulesOf(hosts, vms, kind, random),
  };
}

/** VMs drawn to hosts of which some are hot; sizes as one finds them: many small, few large. */
function sketchVms(kind: Kind, cpus: readonly number[], random: Random): Sketch[] {
  const heat = cpus.map(() => (random.next() < 0.25 ? 1.6 + random.next() * 1.2 : 0.5 + random.next() * 0.6));
  const total = cpus.reduce((sum, each) => sum + each, 0);
  const crowd = cpus.map((each) => (each / total) * (0.7 + 0.6 * random.next()));
  const all = crowd.reduce((sum, each) => sum + each, 0);
  return Array.from({ length: kind.vms }, () => {
    let draw = random.next() * all;
    let host = 0;
    while (host < cpus.length - 1 && draw >= (crowd[host] ?? 0)) draw -= crowd[host++] ?? 0;
    const memoryMb = [512, 1024, 1024, 2048, 2048, 4096, 4096, 8192, 16384][random.below(9)] ?? 1024;
    const vcpus = [1, 1, 2, 2, 4, 4, 8][random.below(7)] ?? 1;
    const burst = -Math.log(1 - random.next() * 0.98);
    return {
      memoryMb,
      vcpus,
      host,
      heat: (heat[host] ?? 1) * burst,
      rx: (heat[host] ?? 1) * -Math.log(1 - random.next() * 0.99) * 800,
      tx: (heat[cpus.length - 1 - host] ?? 1) * -Math.log(1 - random.next() * 0.99) * 600,
    };
  });
}

/** Memory for VMs of each host, so that the pool is filled as the kind says and every host holds what it has. */
function memoryOf(kind: Kind, cpus: readonly number[], sketches: readonly Sketch[]): number[] {
  const used = cpus.map(() => 0);
  for (const { host, memoryMb } of sketches) used[host] = (used[host] ?? 0) + memoryMb + 40;
  const all = used.reduce((sum, each) => sum + each, 0);
  const weight = cpus.reduce((sum, each) => sum + each, 0);
  return cpus.map((each, h) => {
    const share = (all / kind.fill) * (each / weight);
    return Math.ceil(Math.max(share, (used[h] ?? 0) / 0.99) / 1024) * 1024;
  });
}

function toVm(sketch: Sketch, index: number, cpus: readonly number[], kind: Kind, random: Random): Vm {
  const perHost = kind.vms / kind.hosts;
  const size = cpus.reduce((sum, each) => sum + each, 0) / cpus.length;
  // About 35 % of the pool's CPUs in use, however many VMs there are.
  const share = (0.35 * size * 100) / perHost / sketch.vcpus;
  const vcpuAverage = Math.min(100, Math.round(share * sketch.heat * 100) / 100);
  const pinned = kind.hard && random.next() < 0.05;
  const grouped = kind.hard && random.next() < 0.08;
  return {
    uuid: uuid(2, index),
    name: `vm-${index}`,
    memoryMb: sketch.memoryMb,
    memoryInternalFreeMb: null,
    vif0TxKb: Math.round(sketch.tx * 10) / 10,
    vif0RxKb: Math.round(sketch.rx * 10) / 10,
    vcpuAverage,
    vcpuNum: sketch.vcpus,
    powerState: "Running",
    isControlDomain: false,
    placementBytes: (sketch.memoryMb + 40) * mebibyte,
    copyBytes: sketch.memoryMb * mebibyte,
    tags: [],
    hasTools: true,
    immovable: pinned ? "VM_HAS_PCI_ATTACHED" : null,
    haPriority: "",
    migratingTo: null,
    shrinksToBytes: null,
    antiAffinityGroups: grouped ? [`group-${index % 7}`] : [],
  };
}

function toHost(
  h: number,
  cpuNum: number,
  capacityMb: number,
  vms: readonly Vm[],
  sketches: readonly Sketch[],
  random: Random,
): Host {
  const own = vms.filter((_, v) => sketches[v]?.host === h);
  const sum = (part: (vm: Vm) => number) => own.reduce((total, vm) => total + part(vm), 0);
  const memory = sum((vm) => vm.memoryMb ?? 0);
  const reserved = sum((vm) => (vm.placementBytes ?? 0) / mebibyte);
  const dom0 = 2048;
  return {
    uuid: uuid(1, h),
    name: `host-${h}`,
    ip: null,
    cpuNum,
    memoryTotalMb: capacityMb + dom0,
    memoryFreeMb: capacityMb - memory,
    xapiMemoryUsageMb: 2,
    xapiFreeMemoryMb: 1,
    pifLoRxKb: 0,
    pifLoTxKb: 0,
    pifEth0RxKb: sum((vm) => vm.vif0RxKb ?? 0) + random.next() * 10,
    pifEth0TxKb: sum((vm) => vm.vif0TxKb ?? 0) + random.next() * 10,
    dom0LoadAvg: 0.5,
    cpuAverage: sum((vm) => ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / cpuNum) + 1 + random.next() * 3,
    enabled: true,
    live: true,
    isMaster: h === 0,
    version: "8.3.0",
    powerOnMode: "",
    cpuMhz: null,
    placementFreeBytes: Math.max(0, capacityMb - reserved) * mebibyte,
    read: true,
  };
}

function infeasiblePairs(kind: Kind, random: Random): InfeasiblePair[] {
  return Array.from({ length: Math.floor((kind.vms * kind.hosts) / 20) }, () => ({
    vmUuid: uuid(2, random.below(kind.vms)),
    hostUuid: uuid(1, random.below(kind.hosts)),
    reason: "VM_REQUIRES_SR (local)",
  }));
}

/** Thresholds by the spread over the hosts, so that some hosts break each rule and not all. */
function rulesOf(hosts: readonly Host[], vms: readonly Vm[], kind: Kind, random: Random): Rule[] {
  const value = {
    CpuAverage: (host: Host) => host.cpuAverage ?? 0,
    PifEth0RxKb: (host: Host) => host.pifEth0RxKb ?? 0,
    OccupiedMemoryMb: (host: Host) => (host.memoryTotalMb ?? 0) - (host.memoryFreeMb ?? 0),
    PifEth0TxKb: (host: Host) => host.pifEth0TxKb ?? 0,
  } as const;
  const subjects = ["CpuAverage", "PifEth0RxKb", "OccupiedMemoryMb", "PifEth0TxKb"] as const;
  return subjects.slice(0, kind.rules).map((subject) => {
    const values = hosts.map(value[subject]);
    const mean = values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length);
    const deviation = Math.sqrt(
      values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, values.length),
    );
    const threshold = Math.round(deviation * (kind.strict + 0.5 * random.next()) * 10) / 10;
    return { subject, threshold: Math.max(threshold, vms.length > 0 ? 0.1 : 0) };
  });
}
