/**
 * A pool in virtual time: VMs whose loads are what `loads` says whatever is done with the pool, migrations that take as
 * long as their memory takes to copy, hosts that boot and go down. A full host shares its CPUs fairly.
 */

import { maxMinShares } from "../../../src/domain/fairShare.ts";
import { asUuid, type Host, type Snapshot, type Uuid, type Vm } from "../../../src/domain/pool.ts";

const mebibyte = 1024 * 1024;
export const bytesPerSecond = 110_000_000;
const bootSeconds = 240;
const downSeconds = 60;
/** Percent of one CPU that a host is busy with beside its VMs, and that a migration costs at each end. */
const ownPercent = 50;
const transferPercent = 50;

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

/** What a pool is like: hosts that are all the same, and VMs with the host that each begins on. */
export interface Design {
  readonly hosts: number;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly dom0Mb: number;
  readonly guests: readonly { readonly vcpus: number; readonly memoryMb: number; readonly home: number }[];
}

/** Percent of its vCPUs that each VM wants, by its place in the design, from `seconds` on; asked at each full minute. */
export type Loads = (seconds: number) => ArrayLike<number>;

interface Guest {
  readonly uuid: Uuid;
  readonly memoryMb: number;
  readonly vcpus: number;
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
  /** CPU-minutes that VMs wanted and did not get. */
  starvedMinutes = 0;
  readonly #design: Design;
  readonly #loads: Loads;
  /** Percent of one CPU that each machine's guests want, and transfers at it; null where something has changed since. */
  #sums: ReadonlyMap<Machine, { readonly wanted: number; readonly transfers: number }> | null = null;

  constructor(design: Design, loads: Loads) {
    this.#design = design;
    this.#loads = loads;
    this.machines = Array.from({ length: design.hosts }, (_, h) => ({
      uuid: uuid(1, h),
      name: `host-${h}`,
      isMaster: h === 0,
      power: "on",
      enabled: true,
      until: 0,
      arrivedAt: Number.NEGATIVE_INFINITY,
    }));
    this.guests = design.guests.map(({ vcpus, memoryMb, home }, v) => ({
      uuid: uuid(2, v),
      vcpus,
      memoryMb,
      load: 0,
      host: this.machines[home] as Machine,
      to: null,
      doneAt: 0,
    }));
    this.#drift();
  }

  /** Time passes: loads drift each full minute, migrations and boots that are done are done. */
  pass(seconds: number): void {
    this.now += seconds;
    if (this.now % 60 === 0) this.#drift();
    this.#starve(seconds);
    for (const guest of this.guests) {
      if (guest.to === null || guest.doneAt > this.now) continue;
      this.#sums = null;
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
    this.#sums = null;
    const loads = this.#loads(this.now);
    this.guests.forEach((guest, v) => {
      guest.load = loads[v] ?? 0;
    });
  }

  #starve(seconds: number): void {
    for (const machine of this.machines) {
      if (machine.power !== "on") continue;
      const missing = Math.max(0, this.demand(machine) - 100) / 100;
      this.starvedMinutes += (missing * this.#design.cpus * seconds) / 60;
    }
  }

  /** Percent of the machine's CPUs that its guests and control domain want, migrations at either end with it. */
  demand(machine: Machine): number {
    return (this.#beside(machine) + this.#sumsOf(machine).wanted) / this.#design.cpus;
  }

  #sumsOf(machine: Machine): { readonly wanted: number; readonly transfers: number } {
    this.#sums ??= this.#sumUp();
    return this.#sums.get(machine) ?? { wanted: 0, transfers: 0 };
  }

  #sumUp() {
    const sums = new Map(this.machines.map((machine) => [machine, { wanted: 0, transfers: 0 }]));
    for (const { host, to, load, vcpus } of this.guests) {
      const here = sums.get(host);
      if (here !== undefined) here.wanted += load * vcpus;
      if (to === null) continue;
      for (const end of [here, sums.get(to)]) if (end !== undefined) end.transfers++;
    }
    return sums;
  }

  /** Percent of one CPU that the machine is busy with beside its VMs. */
  #beside(machine: Machine): number {
    return ownPercent + transferPercent * this.transfersOf(machine);
  }

  /** CPUs that all VMs want. */
  get wantedCpus(): number {
    return this.guests.reduce((sum, { load, vcpus }) => sum + (load * vcpus) / 100, 0);
  }

  /** Memory that is taken and promised, in MB. */
  usedMb(machine: Machine): number {
    let used = this.#design.dom0Mb;
    for (const guest of this.guests)
      if (guest.host === machine || guest.to === machine) used += guest.memoryMb + 40;
    return used;
  }

  transfersOf(machine: Machine): number {
    return this.#sumsOf(machine).transfers;
  }

  /** Begins a migration; false where that is not possible. */
  migrate(vm: Uuid, destination: Uuid): boolean {
    const guest = this.guests.find((each) => each.uuid === vm);
    const to = this.machines.find((each) => each.uuid === destination);
    if (guest === undefined || to === undefined || guest.to !== null || guest.host === to) return false;
    if (to.power !== "on" || !to.enabled || this.usedMb(to) + guest.memoryMb + 40 > this.#design.memoryMb)
      return false;
    guest.to = to;
    this.#sums = null;
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
    const given = this.#given();
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
      vms: this.guests.map((guest) => toVm(guest, given.get(guest) ?? guest.load)),
      placements: this.guests.map((guest) => ({ vmUuid: guest.uuid, hostUuid: guest.host.uuid })),
      infeasiblePairs: [],
    };
  }

  /** Of VMs on full hosts: percent of their vCPUs that they get. */
  #given(): ReadonlyMap<Guest, number> {
    const given = new Map<Guest, number>();
    for (const machine of this.machines) {
      if (this.demand(machine) <= 100) continue;
      const guests = this.guests.filter(({ host }) => host === machine);
      const shares = maxMinShares(
        this.#design.cpus - this.#beside(machine) / 100,
        guests.map(({ load, vcpus }) => (load * vcpus) / 100),
      );
      guests.forEach((guest, i) => {
        given.set(guest, (100 * (shares[i] ?? 0)) / guest.vcpus);
      });
    }
    return given;
  }

  #host(machine: Machine): Host {
    const { cpus, memoryMb } = this.#design;
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

function toVm(guest: Guest, given: number): Vm {
  return {
    uuid: guest.uuid,
    name: guest.uuid.slice(-4),
    memoryMb: guest.memoryMb,
    memoryInternalFreeMb: null,
    vif0TxKb: 0,
    vif0RxKb: 0,
    vcpuAverage: given,
    cpuWait: guest.load - given,
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

/** What a policy does in each minute, and what goes on in between, every ten seconds. */
export interface Policy {
  readonly minute: (world: World) => void;
  readonly tick: (world: World) => void;
}
