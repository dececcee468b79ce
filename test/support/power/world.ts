/**
 * A pool in virtual time: VMs with day and night, migrations that take as long as their memory takes to copy, hosts that
 * boot and go down. Seeded: the same seed gives the same loads whatever is done with the pool.
 */

import { asUuid, type Host, type Snapshot, type Uuid, type Vm } from "../../../src/domain/pool.ts";
import { Random } from "../../../src/planner/search/random.ts";

const mebibyte = 1024 * 1024;
export const bytesPerSecond = 110_000_000;
const bootSeconds = 240;
const downSeconds = 60;
const cpus = 32;
const memoryMb = 192 * 1024;
const dom0Mb = 4096;

type Power = "on" | "going down" | "off" | "booting";

interface Machine {
  readonly uuid: Uuid;
  readonly name: string;
  readonly isMaster: boolean;
  power: Power;
  enabled: boolean;
  /** When the power state changes by itself. */
  until: number;
  /** When the last VM arrived. */
  arrivedAt: number;
}

/** Whose load: of the day's work, of the night's jobs, or the same at all times. */
type Habit = "day" | "night" | "flat";

interface Guest {
  readonly uuid: Uuid;
  readonly memoryMb: number;
  readonly vcpus: number;
  readonly habit: Habit;
  readonly peak: number;
  noise: number;
  load: number;
  host: Machine;
  to: Machine | null;
  doneAt: number;
}

function uuid(prefix: number, number: number): Uuid {
  return asUuid(`${String(prefix).padStart(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`);
}

export class World {
  /** Seconds since Monday 00:00. */
  now = 0;
  migrations = 0;
  migratedBytes = 0;
  boots = 0;
  shutdowns = 0;
  readonly machines: readonly Machine[];
  readonly guests: readonly Guest[];
  readonly #random: Random;
  /** How high this day is, of the usual one. */
  #day = 1;

  readonly #steady: boolean;

  /** `steady`: every VM takes the same at all times. */
  constructor(hosts: number, vms: number, seed: number, steady = false) {
    this.#steady = steady;
    this.#random = new Random(seed);
    this.machines = Array.from({ length: hosts }, (_, h) => ({
      uuid: uuid(1, h),
      name: `host-${h}`,
      isMaster: h === 0,
      power: "on",
      enabled: true,
      until: 0,
      arrivedAt: Number.NEGATIVE_INFINITY,
    }));
    this.guests = Array.from({ length: vms }, (_, v) => this.#guest(v, hosts));
    for (let warm = 0; warm < 30; warm++) this.#drift();
  }

  #guest(v: number, hosts: number): Guest {
    const random = this.#random;
    const habit = random.next() < 0.7 ? "day" : random.next() < 0.5 ? "night" : "flat";
    const burst = -Math.log(1 - random.next() * 0.95);
    return {
      uuid: uuid(2, v),
      memoryMb: [1024, 2048, 2048, 4096, 4096, 8192][random.below(6)] ?? 2048,
      vcpus: [1, 2, 2, 4][random.below(4)] ?? 2,
      habit,
      peak: Math.min(95, 15 + 30 * burst),
      noise: 0,
      load: 0,
      host: this.machines[v % hosts] as Machine,
      to: null,
      doneAt: 0,
    };
  }

  /** Time passes: loads drift each full minute, migrations and boots that are done are done. */
  pass(seconds: number): void {
    this.now += seconds;
    if (this.now % 86_400 === 0) this.#day = 0.85 + 0.3 * this.#random.next();
    if (this.now % 60 === 0) this.#drift();
    for (const guest of this.guests) {
      if (guest.to === null || guest.doneAt > this.now) continue;
      guest.host = guest.to;
      guest.host.arrivedAt = this.now;
      guest.to = null;
    }
    for (const machine of this.machines) {
      if (machine.until > this.now) continue;
      if (machine.power === "going down") machine.power = "off";
      if (machine.power === "booting") machine.power = "on";
    }
  }

  #drift(): void {
    if (this.#steady) {
      for (const guest of this.guests) guest.load = guest.peak * 0.3;
      return;
    }
    for (const guest of this.guests) {
      guest.noise = 0.92 * guest.noise + 0.22 * Math.sqrt(1 - 0.92 ** 2) * 2 * gauss(this.#random);
      guest.load = Math.max(
        0.5,
        Math.min(100, guest.peak * this.#shape(guest.habit) * Math.exp(guest.noise * 0.5)),
      );
    }
  }

  /** From 0.15 to 1: office hours from 7 to 19, half on weekends; night jobs from 1 to 4. */
  #shape(habit: Habit): number {
    const hour = (this.now / 3600) % 24;
    if (habit === "flat") return 0.4;
    if (habit === "night") return hour >= 1 && hour < 4 ? 0.9 : 0.1;
    const weekend = Math.floor(this.now / 86_400) % 7 >= 5;
    const work = Math.max(0, Math.min(1, Math.min((hour - 7) / 2, (19 - hour) / 2)));
    return 0.12 + 0.88 * work * (weekend ? 0.3 : 1) * this.#day;
  }

  /** Percent of the machine's CPUs that its guests and control domain want; a migration costs half a CPU at each end. */
  demand(machine: Machine): number {
    let wanted = 50;
    for (const { host, to, load, vcpus } of this.guests) {
      if (host === machine) wanted += load * vcpus;
      if (to !== null && (host === machine || to === machine)) wanted += 50;
    }
    return wanted / cpus;
  }

  /** Memory that is taken and promised, in MB. */
  usedMb(machine: Machine): number {
    let used = dom0Mb;
    for (const guest of this.guests)
      if (guest.host === machine || guest.to === machine) used += guest.memoryMb + 40;
    return used;
  }

  transfersOf(machine: Machine): number {
    return this.guests.filter(({ host, to }) => to !== null && (host === machine || to === machine)).length;
  }

  /** Begins a migration; false where that is not possible. */
  migrate(vm: Uuid, destination: Uuid): boolean {
    const guest = this.guests.find((each) => each.uuid === vm);
    const to = this.machines.find((each) => each.uuid === destination);
    if (guest === undefined || to === undefined || guest.to !== null || guest.host === to) return false;
    if (to.power !== "on" || !to.enabled || this.usedMb(to) + guest.memoryMb + 40 > memoryMb) return false;
    guest.to = to;
    guest.doneAt = this.now + (guest.memoryMb * mebibyte * 1.1) / bytesPerSecond;
    this.migrations++;
    this.migratedBytes += guest.memoryMb * mebibyte * 1.1;
    return true;
  }

  machine(host: Uuid): Machine {
    const machine = this.machines.find((each) => each.uuid === host);
    if (machine === undefined) throw new Error(`no host ${host}`);
    return machine;
  }

  shutDown(host: Uuid): void {
    const machine = this.machine(host);
    if (this.guests.some((guest) => guest.host === machine || guest.to === machine))
      throw new Error("it is not empty");
    machine.power = "going down";
    machine.enabled = false;
    machine.until = this.now + downSeconds;
    this.shutdowns++;
  }

  powerOn(host: Uuid): void {
    const machine = this.machine(host);
    if (machine.power !== "off") throw new Error("it is not off");
    machine.power = "booting";
    machine.until = this.now + bootSeconds;
    this.boots++;
  }

  snapshot(): Snapshot {
    return {
      pool: {
        uuid: uuid(9, 0),
        name: "week",
        haEnabled: false,
        haTolerance: null,
        haPlannedFor: null,
        wlbEnabled: false,
        rollingUpgrade: false,
      },
      hosts: this.machines.map((machine) => this.#host(machine)),
      vms: this.guests.map((guest) => toVm(guest)),
      placements: this.guests.map((guest) => ({ vmUuid: guest.uuid, hostUuid: guest.host.uuid })),
      infeasiblePairs: [],
    };
  }

  #host(machine: Machine): Host {
    const on = machine.power === "on" || machine.power === "going down";
    const used = this.usedMb(machine);
    return {
      uuid: machine.uuid,
      name: machine.name,
      ip: null,
      cpuNum: cpus,
      memoryTotalMb: on ? memoryMb : null,
      memoryFreeMb: on ? memoryMb - used : null,
      xapiMemoryUsageMb: null,
      xapiFreeMemoryMb: null,
      pifLoRxKb: 0,
      pifLoTxKb: 0,
      pifEth0RxKb: 0,
      pifEth0TxKb: 0,
      dom0LoadAvg: 0,
      cpuAverage: on ? Math.min(100, this.demand(machine)) : null,
      enabled: machine.enabled,
      live: on,
      isMaster: machine.isMaster,
      version: "8.3.0",
      powerOnMode: "IPMI",
      cpuMhz: null,
      placementFreeBytes: on ? (memoryMb - used) * mebibyte : null,
      read: on,
    };
  }
}

function toVm(guest: Guest): Vm {
  return {
    uuid: guest.uuid,
    name: guest.uuid.slice(-4),
    memoryMb: guest.memoryMb,
    memoryInternalFreeMb: null,
    vif0TxKb: 0,
    vif0RxKb: 0,
    vcpuAverage: guest.load,
    vcpuNum: guest.vcpus,
    powerState: "Running",
    isControlDomain: false,
    placementBytes: (guest.memoryMb + 40) * mebibyte,
    copyBytes: guest.memoryMb * mebibyte,
    tags: [],
    hasTools: true,
    immovable: null,
    haPriority: "",
    antiAffinityGroups: [],
    migratingTo: guest.to?.uuid ?? null,
    shrinksToBytes: null,
  };
}

function gauss(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** What a policy does in each minute, and what goes on in between, every ten seconds. */
export interface Policy {
  readonly minute: (world: World) => void;
  readonly tick: (world: World) => void;
}
