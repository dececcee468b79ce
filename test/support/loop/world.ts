/** Seeded pools that live through a day, each VM on the host it began on: what the replay moves VMs about in. */

import {
  asUuid,
  type Host,
  type Placement,
  type Snapshot,
  type Uuid,
  type Vm,
} from "../../../src/domain/pool.ts";
import type { Rule } from "../../../src/domain/rule.ts";
import { Random } from "../../../src/planner/search/random.ts";
import { type Load, natureOf, normal, VmLoad } from "./load.ts";

export interface World {
  readonly name: string;
  readonly hosts: number;
  readonly vms: number;
  readonly cpus: number;
  readonly rules: readonly Rule[];
}

const cpu = (threshold: number): Rule => ({ subject: "CpuAverage", threshold });

export const worlds: readonly World[] = [
  { name: "4x40, CPU 20", hosts: 4, vms: 40, cpus: 16, rules: [cpu(20)] },
  { name: "4x40, CPU 12", hosts: 4, vms: 40, cpus: 16, rules: [cpu(12)] },
  { name: "8x120, CPU 15", hosts: 8, vms: 120, cpus: 24, rules: [cpu(15)] },
  {
    name: "8x120, CPU 12, Rx 8000",
    hosts: 8,
    vms: 120,
    cpus: 24,
    rules: [cpu(12), { subject: "PifEth0RxKb", threshold: 8000 }],
  },
  { name: "16x400, CPU 12", hosts: 16, vms: 400, cpus: 40, rules: [cpu(12)] },
];

const mebibyte = 1024 * 1024;

/** What collections read is off by this much (standard deviation). */
const sensorNoise = 0.05;

function uuid(prefix: number, number: number): Uuid {
  return asUuid(`${String(prefix).padStart(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`);
}

/** A pool whose minutes are asked for one after the other; the same world and seed give the same day. */
export class Day {
  readonly #world: World;
  readonly #loads: readonly VmLoad[];
  readonly #homes: readonly number[];
  readonly #memoryMb: number;
  readonly #random: Random;

  constructor(world: World, seed: number) {
    const random = new Random(seed * 7919 + world.hosts * 104_729 + world.vms);
    this.#world = world;
    this.#random = random;
    this.#loads = Array.from(
      { length: world.vms },
      (_, v) => new VmLoad(natureOf(random, world.cpus), new Random(seed * 1_000_003 + v)),
    );
    // As an administrator places them: by count, not by load.
    this.#homes = this.#loads.map((_, v) => v % world.hosts);
    this.#memoryMb = this.#roomyEnough();
  }

  /** The same memory for every host: enough for the fullest one, and a fifth more than all need. */
  #roomyEnough(): number {
    const used = new Array<number>(this.#world.hosts).fill(0);
    this.#loads.forEach(({ nature }, v) => {
      const home = this.#homes[v] ?? 0;
      used[home] = (used[home] ?? 0) + nature.memoryMb + 40;
    });
    const mean = used.reduce((sum, each) => sum + each, 0) / used.length;
    return Math.ceil(Math.max(1.25 * mean, 1.02 * Math.max(...used)));
  }

  /** The truth of this minute, all VMs at home. */
  minute(minute: number): Snapshot {
    const loads = this.#loads.map((load) => load.minute(minute));
    const vms = this.#loads.map((load, v) => this.#vm(load, v, loads[v]));
    const placements: Placement[] = this.#homes.map((home, v) => ({
      hostUuid: uuid(1, home),
      vmUuid: uuid(2, v),
    }));
    const hosts = Array.from({ length: this.#world.hosts }, (_, h) =>
      this.#host(
        h,
        vms.filter((_, v) => this.#homes[v] === h),
      ),
    );
    const pool = {
      uuid: uuid(9, 0),
      name: "loop",
      haEnabled: false,
      haTolerance: null,
      haPlannedFor: null,
      wlbEnabled: false,
      rollingUpgrade: false,
    };
    return { pool, hosts, vms, placements, infeasiblePairs: [] };
  }

  #vm({ nature }: VmLoad, v: number, load: Load | undefined): Vm {
    return {
      uuid: uuid(2, v),
      name: `vm-${v}`,
      memoryMb: nature.memoryMb,
      memoryInternalFreeMb: null,
      vif0TxKb: load?.txKb ?? 0,
      vif0RxKb: load?.rxKb ?? 0,
      vcpuAverage: load?.cpu ?? 0,
      vcpuNum: nature.vcpus,
      powerState: "Running",
      isControlDomain: false,
      placementBytes: (nature.memoryMb + 40) * mebibyte,
      copyBytes: nature.memoryMb * mebibyte,
      tags: [],
      hasTools: true,
      immovable: null,
      haPriority: "",
      antiAffinityGroups: [],
      migratingTo: null,
      shrinksToBytes: null,
    };
  }

  #host(h: number, vms: readonly Vm[]): Host {
    const sum = (part: (vm: Vm) => number) => vms.reduce((total, vm) => total + part(vm), 0);
    const { cpus } = this.#world;
    const dom0Mb = 2048;
    const total = this.#memoryMb + dom0Mb;
    return {
      uuid: uuid(1, h),
      name: `host-${h}`,
      ip: null,
      cpuNum: cpus,
      memoryTotalMb: total,
      memoryFreeMb: this.#memoryMb - sum(({ memoryMb }) => memoryMb ?? 0),
      xapiMemoryUsageMb: 2,
      xapiFreeMemoryMb: 1,
      pifLoRxKb: 0,
      pifLoTxKb: 0,
      pifEth0RxKb: sum(({ vif0RxKb }) => vif0RxKb ?? 0),
      pifEth0TxKb: sum(({ vif0TxKb }) => vif0TxKb ?? 0),
      dom0LoadAvg: 0.3 + 0.2 * this.#random.next(),
      // Above 100 where VMs want more than there is: the replay caps it, after it has moved VMs away.
      cpuAverage: sum(({ vcpuAverage, vcpuNum }) => ((vcpuAverage ?? 0) * (vcpuNum ?? 0)) / cpus) + 2,
      enabled: true,
      live: true,
      isMaster: h === 0,
      version: "8.3.0",
      powerOnMode: "",
      cpuMhz: null,
      placementFreeBytes: this.#memoryMb * mebibyte - sum(({ placementBytes }) => placementBytes ?? 0),
      read: true,
    };
  }
}

/** What a collection reads of the truth; the same for every policy. */
export function sensed(seed: number): (truth: Snapshot, seconds: number) => Snapshot {
  return (truth, seconds) => {
    const random = new Random(seed * 31 + seconds);
    const off = (value: number | null, most = Number.POSITIVE_INFINITY) => {
      const factor = 1 + sensorNoise * normal(random);
      return value === null ? null : Math.min(most, Math.max(0, value * factor));
    };
    return {
      ...truth,
      hosts: truth.hosts.map((host) => ({
        ...host,
        cpuAverage: off(host.cpuAverage, 100),
        pifEth0RxKb: off(host.pifEth0RxKb),
        pifEth0TxKb: off(host.pifEth0TxKb),
      })),
      vms: truth.vms.map((vm) => ({
        ...vm,
        vcpuAverage: off(vm.vcpuAverage, 100),
        vif0RxKb: off(vm.vif0RxKb),
        vif0TxKb: off(vm.vif0TxKb),
      })),
    };
  };
}
