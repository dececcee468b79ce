/**
 * A recorded pool with VMs on other hosts than the record has them: what collections would have seen if migrations had
 * gone another way. Pure.
 *
 * A VM carries its recorded load with it. What is on a host beside its VMs stays there.
 */
import { hostsAfter } from "../planner/outcome.ts";
import type { Host, Snapshot, Uuid, Vm, VmMeasures } from "../pool.ts";

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

interface Known extends VmMeasures {
  readonly seconds: number;
}

/** A measure that is missing is taken to be what it was, for as long. */
const rememberedSeconds = 300;

/** Follows the record, moment by moment. */
export class Shadow {
  readonly #isControls: IsControls;
  readonly #load: TransferLoad;
  /** Where the VMs are, and where the record last had them. */
  readonly #places = new Map<Uuid, Uuid>();
  #recorded = new Map<Uuid, Uuid>();
  readonly #known = new Map<Uuid, Known>();
  #vms: ReadonlyMap<Uuid, Vm> = new Map();
  #hosts: ReadonlyMap<Uuid, Host> = new Map();
  readonly #free = new Map<Uuid, number>();
  readonly #flights = new Set<Flight>();

  constructor(isControls: IsControls, load: TransferLoad) {
    this.#isControls = isControls;
    this.#load = load;
  }

  /** The recorded moment as it would have been. */
  at(record: Snapshot, seconds: number): Snapshot {
    this.#follow(record, seconds);
    const vms = record.vms.map((vm) => this.#present(vm, seconds));
    const moved = record.placements
      .map(({ vmUuid, hostUuid }) => ({
        vm: vmUuid,
        source: hostUuid,
        destination: this.#places.get(vmUuid) ?? hostUuid,
      }))
      .filter(({ source, destination }) => source !== destination);
    const hosts = moved.length === 0 ? record.hosts : hostsAfter({ ...record, vms }, moved);
    const loaded = hosts.map((host) => this.#withTransfers(host));
    this.#vms = new Map(vms.map((vm) => [vm.uuid, vm]));
    this.#hosts = new Map(loaded.map((host) => [host.uuid, host]));
    for (const { uuid, placementFreeBytes } of loaded) this.#free.set(uuid, placementFreeBytes ?? 0);
    const placements =
      moved.length === 0
        ? record.placements
        : record.placements.map(({ vmUuid, hostUuid }) => ({
            vmUuid,
            hostUuid: this.#places.get(vmUuid) ?? hostUuid,
          }));
    return { ...record, hosts: loaded, vms, placements };
  }

  /** Why the move cannot begin now, or null. */
  objection({ vm, source, destination }: Flight): string | null {
    const host = this.#hosts.get(destination);
    if (this.#places.get(vm) !== source) return "the VM is not on its source any more";
    if (host === undefined || !host.live || !host.enabled) return "the destination does not serve";
    if ((this.#free.get(destination) ?? 0) < this.#need(vm)) return "the destination lacks the memory";
    return null;
  }

  vm(uuid: Uuid): Vm | null {
    return this.#vms.get(uuid) ?? null;
  }

  /** Begins a transfer: the destination's memory is taken from here on. */
  depart(flight: Flight): void {
    this.#flights.add(flight);
    this.#take(flight.destination, this.#need(flight.vm));
  }

  /** Ends it; false when the VM was gone or elsewhere meanwhile. */
  land(flight: Flight): boolean {
    this.#flights.delete(flight);
    if (this.#places.get(flight.vm) !== flight.source) return false;
    this.#places.set(flight.vm, flight.destination);
    this.#take(flight.source, -this.#need(flight.vm));
    return true;
  }

  #need(vm: Uuid): number {
    return this.#vms.get(vm)?.placementBytes ?? 0;
  }

  #take(host: Uuid, bytes: number): void {
    this.#free.set(host, (this.#free.get(host) ?? 0) - bytes);
  }

  /** Starts, ends and moves of others happen here too; control's own, as recorded, do not. */
  #follow(record: Snapshot, seconds: number): void {
    const serving = new Set(record.hosts.filter(({ live }) => live).map(({ uuid }) => uuid));
    const recorded = new Map<Uuid, Uuid>();
    for (const { vmUuid, hostUuid } of record.placements) {
      recorded.set(vmUuid, hostUuid);
      const before = this.#recorded.get(vmUuid);
      const moved =
        before !== hostUuid && (before === undefined || !this.#isControls(vmUuid, hostUuid, seconds));
      const place = this.#places.get(vmUuid);
      // A host that died takes its VMs with it, wherever they went in the record.
      if (place === undefined || moved || !serving.has(place)) this.#places.set(vmUuid, hostUuid);
    }
    for (const vm of this.#places.keys()) if (!recorded.has(vm)) this.#places.delete(vm);
    this.#recorded = recorded;
  }

  /** The VM with its present transfer, and with measures that the record lacks only because it moved there. */
  #present(vm: Vm, seconds: number): Vm {
    let shown = vm;
    if (vm.vcpuAverage !== null) this.#known.set(vm.uuid, { ...measuresOf(vm), seconds });
    else if (vm.powerState === "Running" && !vm.isControlDomain) {
      const known = this.#known.get(vm.uuid);
      if (known !== undefined && seconds - known.seconds <= rememberedSeconds) {
        const { seconds: _, ...measures } = known;
        shown = { ...vm, ...measures };
      }
    }
    const migratingTo = this.#migratingTo(vm, seconds);
    return shown.migratingTo === migratingTo ? shown : { ...shown, migratingTo };
  }

  #migratingTo({ uuid, migratingTo }: Vm, seconds: number): Uuid | null {
    for (const flight of this.#flights) if (flight.vm === uuid) return flight.destination;
    return migratingTo === null || this.#isControls(uuid, migratingTo, seconds) ? null : migratingTo;
  }

  #withTransfers(host: Host): Host {
    const leaving = [...this.#flights].filter(({ source }) => source === host.uuid).length;
    const coming = [...this.#flights].filter(({ destination }) => destination === host.uuid);
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

function measuresOf({ memoryMb, memoryInternalFreeMb, vif0TxKb, vif0RxKb, vcpuAverage }: Vm): VmMeasures {
  return { memoryMb, memoryInternalFreeMb, vif0TxKb, vif0RxKb, vcpuAverage };
}
