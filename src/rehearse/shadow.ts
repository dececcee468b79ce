/**
 * A recorded pool with VMs on other hosts than the record has them: what collections would have seen if migrations had
 * gone another way. Pure.
 *
 * A VM carries its recorded load with it. What is on a host beside its VMs stays there. Moments follow each other by
 * the thousand, and most of what is in one is in the next: what has not changed is handed on as it is.
 */

import {
  emptySnapshot,
  type Host,
  type Placement,
  type Snapshot,
  type Uuid,
  type Vm,
  type VmEth0,
} from "../domain/pool.ts";
import { hostsAfter } from "../planner/tell/outcome.ts";

/** A VM on its way. */
export interface Flight {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
}

/** What a transfer costs each of its two hosts while it goes on. */
export interface TransferLoad {
  /** CPUs that copying keeps busy. */
  readonly cpus: number;
  /** KiB/s on the interface that the rules see; 0 where migrations have a network of their own. */
  readonly eth0Kb: number;
}

/** Whether a recorded change of a VM's host is not to be followed: it was control's doing, which is played anew. */
export type IsControls = (vm: Uuid, destination: Uuid, seconds: number) => boolean;

/** A measure that is missing is taken to be what it was, for as long. */
const rememberedSeconds = 300;

/** Follows the record, moment by moment. */
export class Shadow {
  readonly #isControls: IsControls;
  readonly #load: TransferLoad;
  /** Where the record has the VMs, and where those are that are elsewhere. */
  #recorded: ReadonlyMap<Uuid, Uuid> = new Map();
  readonly #displaced = new Map<Uuid, Uuid>();
  readonly #flights = new Map<Uuid, Flight>();
  readonly #free = new Map<Uuid, number>();
  /** Since when a measure of the VM is missing. */
  readonly #missing = new Map<Uuid, number>();
  readonly #vmIndex = new Index();
  #record: Pick<Snapshot, "hosts" | "vms" | "placements"> = emptySnapshot;
  #vms: readonly Vm[] = [];
  #hosts: readonly Host[] = [];
  /** The placements that are shown; null when they must be made anew. */
  #placements: readonly Placement[] | null = null;

  constructor(isControls: IsControls, load: TransferLoad) {
    this.#isControls = isControls;
    this.#load = load;
  }

  /** The recorded moment as it would have been. Its placements are the same array while nothing has moved. */
  at(record: Snapshot, seconds: number): Snapshot {
    this.#follow(record, seconds);
    const vms = this.#present(record.vms, seconds);
    const moved = [...this.#displaced].map(([vm, destination]) => ({
      vm,
      source: this.#recorded.get(vm) ?? destination,
      destination,
    }));
    this.#record = record;
    this.#vms = vms;
    const weights = moved.flatMap(({ vm }) => this.vm(vm) ?? []);
    const hosts = moved.length === 0 ? record.hosts : hostsAfter({ ...record, vms: weights }, moved);
    this.#hosts = hosts.map((host) => this.#withTransfers(host));
    for (const { uuid, placementFreeBytes } of this.#hosts) this.#free.set(uuid, placementFreeBytes ?? 0);
    this.#placements ??= this.#displaced.size === 0 ? record.placements : this.#moved(record.placements);
    return { ...record, hosts: this.#hosts, vms, placements: this.#placements };
  }

  /** Why the move cannot begin now, or null. */
  objection({ vm, source, destination }: Flight): string | null {
    const host = this.#hosts.find(({ uuid }) => uuid === destination);
    if (this.#place(vm) !== source) return "the VM is not on its source any more";
    if (host === undefined || !host.live || !host.enabled) return "the destination does not serve";
    if ((this.#free.get(destination) ?? 0) < this.#need(vm)) return "the destination lacks the memory";
    return null;
  }

  vm(uuid: Uuid): Vm | null {
    return this.#vms[this.#vmIndex.of(uuid, this.#vms)] ?? null;
  }

  /** Begins a transfer: the destination's memory is taken from here on. */
  depart(flight: Flight): void {
    this.#flights.set(flight.vm, flight);
    this.#take(flight.destination, this.#need(flight.vm));
  }

  /** Ends it; false when the VM was gone or elsewhere meanwhile. */
  land(flight: Flight): boolean {
    this.#flights.delete(flight.vm);
    if (this.#place(flight.vm) !== flight.source) return false;
    this.#put(flight.vm, flight.destination);
    this.#take(flight.source, -this.#need(flight.vm));
    return true;
  }

  #place(vm: Uuid): Uuid | undefined {
    return this.#displaced.get(vm) ?? this.#recorded.get(vm);
  }

  #put(vm: Uuid, host: Uuid): void {
    if (this.#recorded.get(vm) === host) this.#displaced.delete(vm);
    else this.#displaced.set(vm, host);
    this.#placements = null;
  }

  #need(vm: Uuid): number {
    return this.vm(vm)?.placementBytes ?? 0;
  }

  #take(host: Uuid, bytes: number): void {
    this.#free.set(host, (this.#free.get(host) ?? 0) - bytes);
  }

  #moved(placements: readonly Placement[]): readonly Placement[] {
    return placements.map((placement) => {
      const host = this.#displaced.get(placement.vmUuid);
      return host === undefined ? placement : { ...placement, hostUuid: host };
    });
  }

  /** Starts, ends and moves of others happen here too; control's own, as recorded, do not. */
  #follow(record: Snapshot, seconds: number): void {
    if (record.placements !== this.#record.placements) this.#followPlaces(record, seconds);
    if (this.#displaced.size === 0) return;
    const serving = new Set(record.hosts.filter(({ live }) => live).map(({ uuid }) => uuid));
    for (const [vm, host] of this.#displaced) {
      // A host that died took its VMs with it, wherever they went in the record.
      if (!serving.has(host)) this.#put(vm, this.#recorded.get(vm) ?? host);
    }
  }

  #followPlaces({ placements }: Snapshot, seconds: number): void {
    const before = this.#recorded;
    const recorded = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
    this.#recorded = recorded;
    this.#placements = null;
    for (const vm of this.#displaced.keys()) if (!recorded.has(vm)) this.#displaced.delete(vm);
    for (const [vm, host] of recorded) {
      const old = before.get(vm);
      if (old === undefined || old === host) continue;
      const place = this.#displaced.get(vm) ?? old;
      this.#put(vm, this.#isControls(vm, host, seconds) ? place : host);
    }
  }

  /** The VMs with their present transfers, and with measures that the record lacks only because they moved there. */
  #present(vms: readonly Vm[], seconds: number): readonly Vm[] {
    if (this.#flights.size === 0 && !vms.some((vm) => vm.migratingTo !== null || isUnmeasured(vm)))
      return vms;
    return vms.map((vm) => {
      const shown = isUnmeasured(vm) ? this.#remembered(vm, seconds) : vm;
      const migratingTo = this.#flights.get(vm.uuid)?.destination ?? this.#byOthers(vm, seconds);
      return shown.migratingTo === migratingTo ? shown : { ...shown, migratingTo };
    });
  }

  #remembered(vm: Vm, seconds: number): Vm {
    const known = this.vm(vm.uuid);
    if (known === null || known.vcpuAverage === null) return vm;
    const since = this.#missing.get(vm.uuid) ?? Number.NEGATIVE_INFINITY;
    // Missing anew where it was not missing a moment ago.
    const from =
      this.#record.vms[this.#vmIndex.of(vm.uuid, this.#record.vms)]?.vcpuAverage === null ? since : seconds;
    this.#missing.set(vm.uuid, from);
    if (seconds - from > rememberedSeconds) return vm;
    const { memoryMb, memoryInternalFreeMb, vif0TxKb, vif0RxKb, vcpuAverage } = known;
    const measures = { memoryMb, memoryInternalFreeMb, vif0TxKb, vif0RxKb, vcpuAverage };
    return { ...vm, ...measures, ...eth0Of(known) };
  }

  #byOthers({ uuid, migratingTo }: Vm, seconds: number): Uuid | null {
    return migratingTo === null || this.#isControls(uuid, migratingTo, seconds) ? null : migratingTo;
  }

  #withTransfers(host: Host): Host {
    if (this.#flights.size === 0 && isPossible(host)) return host;
    const flights = [...this.#flights.values()];
    const leaving = flights.filter(({ source }) => source === host.uuid).length;
    const coming = flights.filter(({ destination }) => destination === host.uuid);
    const { cpus, eth0Kb } = this.#load;
    const busy = (cpus * (leaving + coming.length) * 100) / (host.cpuNum || 1);
    const reserved = coming.reduce((sum, { vm }) => sum + this.#need(vm), 0);
    const plus = (value: number | null, extra: number) =>
      value === null ? null : Math.max(0, value + extra);
    return {
      ...host,
      cpuAverage: host.cpuAverage === null ? null : Math.min(100, Math.max(0, host.cpuAverage + busy)),
      pifEth0TxKb: plus(host.pifEth0TxKb, eth0Kb * leaving),
      pifEth0RxKb: plus(host.pifEth0RxKb, eth0Kb * coming.length),
      memoryFreeMb: plus(host.memoryFreeMb, 0),
      placementFreeBytes: plus(host.placementFreeBytes, -reserved),
    };
  }
}

/** Whether no measure is what only arithmetic makes of it. */
function isPossible({
  cpuAverage,
  pifEth0RxKb,
  pifEth0TxKb,
  memoryFreeMb,
  placementFreeBytes,
}: Host): boolean {
  const atLeast = [pifEth0RxKb, pifEth0TxKb, memoryFreeMb, placementFreeBytes].every(
    (value) => (value ?? 0) >= 0,
  );
  return atLeast && (cpuAverage ?? 0) >= 0 && (cpuAverage ?? 0) <= 100;
}

/** What is known of the VM's part of eth0. */
function eth0Of({ eth0Vifs, eth0RxKb, eth0TxKb }: Vm): VmEth0 {
  return {
    ...(eth0Vifs === undefined ? {} : { eth0Vifs }),
    ...(eth0RxKb === undefined ? {} : { eth0RxKb }),
    ...(eth0TxKb === undefined ? {} : { eth0TxKb }),
  };
}

function isUnmeasured({ vcpuAverage, powerState, isControlDomain }: Vm): boolean {
  return vcpuAverage === null && powerState === "Running" && !isControlDomain;
}

/** Where a VM stands in a list that seldom changes. */
class Index {
  #places = new Map<Uuid, number>();

  /** -1 where it is not in the list. */
  of(uuid: Uuid, vms: readonly Vm[]): number {
    const place = this.#places.get(uuid);
    if (place !== undefined && vms[place]?.uuid === uuid) return place;
    if (vms.length === 0) return -1;
    this.#places = new Map(vms.map((vm, index) => [vm.uuid, index]));
    return this.#places.get(uuid) ?? -1;
  }
}
