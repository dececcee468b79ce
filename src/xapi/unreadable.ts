/**
 * What follows from records that could not be read: rows that are kept from the last collection, unread; VMs that are not
 * moved; hosts whose free memory is unknown. Pure. What is not known must never look like what allows a move.
 */
import {
  asUuid,
  type Host,
  occupiesHost,
  type Placement,
  type Snapshot,
  type Uuid,
  type Vm,
} from "../domain/pool.ts";
import type { Inventory } from "./inventory.ts";
import type { RecordOf, XapiClass } from "./recordCodec.ts";
import type { HostRecord, HostRef, Ref, SkippedRecord, VmRecord, VmRef } from "./records.ts";
import { VmDoubts } from "./vmDoubts.ts";

/** The records of a class that could not be read, by ref, with what of them could. */
export function unreadableOf<C extends XapiClass>(
  { skipped }: Pick<Inventory, "skipped">,
  name: C,
): ReadonlyMap<Ref<C>, SkippedRecord<RecordOf<C>>> {
  const own = skipped.filter((record) => record.class === name);
  return new Map(own.map((record) => [record.ref as Ref<C>, record as SkippedRecord<RecordOf<C>>]));
}

/** The rows of what could not be read, and what must not be concluded from the rest. */
export class Unreadable {
  readonly hosts: readonly Host[];
  readonly vms: readonly Vm[];
  readonly placements: readonly Placement[];
  /** How many hosts and VMs there are that no row stands for: their records tell no uuid, and no row of before is free. */
  readonly unknown: number;
  readonly #inventory: Inventory;
  readonly #last: Snapshot | null;
  readonly #lastPlace: ReadonlyMap<Uuid, Uuid>;
  readonly #uuidOfHost = new Map<HostRef, Uuid>();
  #namelessHosts: ReadonlySet<HostRef> = new Set();
  readonly #known = new Set<Uuid>();
  readonly #crowded = new Set<Uuid>();
  #anyCrowded = false;
  readonly #doubts: VmDoubts;

  /** `last` is the stored snapshot of this pool; null where there is none. */
  constructor(inventory: Inventory, last: Snapshot | null) {
    this.#inventory = inventory;
    this.#last = last;
    this.#lastPlace = new Map(last?.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
    this.#doubts = new VmDoubts(inventory);
    for (const [ref, { uuid }] of inventory.hosts) this.#uuidOfHost.set(ref, asUuid(uuid));
    const hosts = unreadableOf(inventory, "host");
    this.#crowdByUnlisted();
    const vms = [...unreadableOf(inventory, "VM")].filter(([, { readable }]) => isMachine(readable));
    const keptHosts = this.#hostRows(hosts);
    this.hosts = keptHosts.rows;
    for (const uuid of [...this.#uuidOfHost.values(), ...this.hosts.map((host) => host.uuid)])
      this.#known.add(uuid);
    const keptVms = this.#vmRows(new Map(vms));
    this.vms = keptVms.rows;
    this.placements = keptVms.placements;
    this.unknown = keptHosts.unknown + keptVms.unknown;
  }

  /** The host of that ref, read or not; null where nothing tells which it is. */
  hostUuid(ref: HostRef): Uuid | null {
    return this.#uuidOfHost.get(ref) ?? null;
  }

  /**
   * The host that a VM occupies whose record could be read; where it is one that does not tell which it is, the host of
   * the last collection. A dangling ref, as old pools keep of a halted VM, is none.
   */
  residence(vm: VmRecord): Uuid | null {
    if (!occupiesHost(vm.power_state) || vm.resident_on === null) return null;
    const known = this.#uuidOfHost.get(vm.resident_on);
    if (known !== undefined) return known;
    return this.#namelessHosts.has(vm.resident_on) ? this.#placeBefore(asUuid(vm.uuid)) : null;
  }

  /** Of a host whose metrics could not be read: what it was is no change, and without a word it is no dead one. */
  wasAlive(host: Uuid): boolean {
    return this.#last?.hosts.find(({ uuid }) => uuid === host)?.live ?? true;
  }

  /** Whether a VM that could not be read may have memory of the host. */
  isCrowded(host: Uuid): boolean {
    return this.#anyCrowded || this.#crowded.has(host);
  }

  /** Why a VM whose own record could be read is not moved all the same; null where nothing speaks against it. */
  doubt(ref: VmRef, vm: VmRecord): string | null {
    if (!occupiesHost(vm.power_state) || vm.is_control_domain) return null;
    return this.#doubts.of(ref, vm);
  }

  #hostRows(skipped: ReadonlyMap<HostRef, SkippedRecord<HostRecord>>): UnreadRows<Host> {
    if (skipped.size === 0) return { rows: [], unknown: 0 };
    const before = new Map(this.#last?.hosts.map((host) => [host.uuid, host]));
    const seen = new Set(this.#uuidOfHost.values());
    for (const [ref, { readable }] of skipped) {
      if (readable.uuid === undefined) continue;
      this.#uuidOfHost.set(ref, asUuid(readable.uuid));
      seen.add(asUuid(readable.uuid));
    }
    const nameless = [...skipped.keys()].filter((ref) => !this.#uuidOfHost.has(ref));
    const free = [...before.values()].filter(({ uuid }) => !seen.has(uuid));
    const [only] = free;
    if (nameless.length === 1 && free.length === 1 && only !== undefined)
      this.#uuidOfHost.set(nameless[0] as HostRef, only.uuid);
    this.#namelessHosts = new Set(nameless);
    const rows = [...skipped].flatMap(([ref, { readable }]) => {
      const uuid = this.#uuidOfHost.get(ref);
      return uuid === undefined ? [] : [this.#hostRow(ref, uuid, readable, before.get(uuid))];
    });
    // Which of them is which cannot be told: each of those that are missing is one that could not be read.
    const missing = free.filter(({ uuid }) => nameless.length > 0 && !rows.some((row) => row.uuid === uuid));
    return {
      rows: [...rows, ...missing.map((host) => this.#hostRow(null, host.uuid, {}, host))],
      unknown: Math.max(0, nameless.length - free.length),
    };
  }

  #hostRow(ref: HostRef | null, uuid: Uuid, readable: Partial<HostRecord>, before: Host | undefined): Host {
    const { pool, hostMetrics } = this.#inventory;
    const metrics = readable.metrics ? hostMetrics.get(readable.metrics) : undefined;
    const versions = readable.software_version;
    return {
      ...unmeasured,
      uuid,
      name: readable.name_label ?? before?.name ?? "",
      ip: readable.address || before?.ip || null,
      cpuNum: readable.host_CPUs?.length || before?.cpuNum || null,
      enabled: readable.enabled ?? before?.enabled ?? false,
      live: metrics?.live ?? this.wasAlive(uuid),
      isMaster: ref === null ? (before?.isMaster ?? false) : pool.master === ref,
      version: versions?.get("product_version") ?? before?.version ?? "",
      placementFreeBytes: null,
      cpuMhz: before?.cpuMhz ?? null,
      powerOnMode: readable.power_on_mode ?? before?.powerOnMode ?? "",
      read: false,
    };
  }

  #vmRows(skipped: ReadonlyMap<VmRef, SkippedRecord<VmRecord>>): UnreadRows<Vm> & {
    readonly placements: readonly Placement[];
  } {
    if (skipped.size === 0) return { rows: [], placements: [], unknown: 0 };
    const before = new Map(this.#last?.vms.map((vm) => [vm.uuid, vm]));
    const seen = new Set([...this.#inventory.vms.values()].map(({ uuid }) => uuid));
    for (const { readable } of skipped.values()) if (readable.uuid !== undefined) seen.add(readable.uuid);
    const nameless = [...skipped.values()].filter(({ readable }) => readable.uuid === undefined);
    const missing = nameless.length === 0 ? [] : [...before.values()].filter(({ uuid }) => !seen.has(uuid));
    const kept = [...skipped].flatMap(([ref, { readable, reason }]) =>
      readable.uuid === undefined ? [] : [{ ref, uuid: asUuid(readable.uuid), readable, reason }],
    );
    const reasons = [...new Set(nameless.map(({ reason }) => reason))].join("; ");
    const all = [...kept, ...missing.map(({ uuid }) => ({ ref: null, uuid, readable: {}, reason: reasons }))];
    const placements: Placement[] = [];
    for (const { uuid, readable } of all) {
      const hostUuid = this.#placeOf(uuid, readable);
      if (hostUuid !== null) placements.push({ hostUuid, vmUuid: uuid });
      this.#crowd(uuid, readable);
    }
    if (nameless.length > 0) this.#anyCrowded = true;
    return {
      rows: all.map(({ ref, uuid, readable, reason }) =>
        unreadVm(uuid, readable, before.get(uuid), { reason, groups: this.#groupsOf(ref) }),
      ),
      placements,
      unknown: Math.max(0, nameless.length - missing.length),
    };
  }

  /** By its record where that tells, else where it was. */
  #placeOf(uuid: Uuid, { power_state, resident_on }: Partial<VmRecord>): Uuid | null {
    if (power_state !== undefined && !occupiesHost(power_state)) return null;
    if (resident_on === null) return null;
    const told = resident_on === undefined ? undefined : this.#uuidOfHost.get(resident_on);
    return told ?? this.#placeBefore(uuid);
  }

  #placeBefore(vm: Uuid): Uuid | null {
    const host = this.#lastPlace.get(vm);
    return host !== undefined && this.#known.has(host) ? host : null;
  }

  /** It has memory where it runs and where it goes, how much is not known. */
  #crowd(uuid: Uuid, readable: Partial<VmRecord>): void {
    const { power_state, resident_on, scheduled_to_be_resident_on } = readable;
    const runs = power_state === undefined || occupiesHost(power_state);
    const place = this.#placeOf(uuid, readable);
    if (place !== null) this.#crowded.add(place);
    else if (runs && resident_on !== null) this.#anyCrowded = true;
    if (scheduled_to_be_resident_on === undefined) this.#anyCrowded = true;
    else if (scheduled_to_be_resident_on !== null) {
      const target = this.#uuidOfHost.get(scheduled_to_be_resident_on);
      if (target !== undefined) this.#crowded.add(target);
    }
  }

  /** A VM that is somewhere, or on its way, without a host of that ref has memory of some host. */
  #crowdByUnlisted(): void {
    for (const vm of this.#inventory.vms.values()) {
      if (!occupiesHost(vm.power_state)) continue;
      const { resident_on, scheduled_to_be_resident_on: target } = vm;
      if (target !== null && !this.#uuidOfHost.has(target)) this.#anyCrowded = true;
      if (resident_on === null || this.#uuidOfHost.has(resident_on)) continue;
      const place = this.residence(vm);
      if (place === null) this.#anyCrowded = true;
      else this.#crowded.add(place);
    }
  }

  #groupsOf(ref: VmRef | null): readonly string[] | null {
    if (ref === null) return null;
    const own = [...this.#inventory.groups.values()].filter(({ VMs }) => VMs.includes(ref));
    return own.filter(({ placement }) => placement === "anti_affinity").map(({ name_label }) => name_label);
  }
}

interface UnreadRows<T> {
  readonly rows: readonly T[];
  readonly unknown: number;
}

function isMachine({ is_a_template, is_a_snapshot }: Partial<VmRecord>): boolean {
  return is_a_template !== true && is_a_snapshot !== true;
}

const unmeasured = {
  memoryTotalMb: null,
  memoryFreeMb: null,
  xapiMemoryUsageMb: null,
  xapiFreeMemoryMb: null,
  pifLoRxKb: null,
  pifLoTxKb: null,
  pifEth0RxKb: null,
  pifEth0TxKb: null,
  dom0LoadAvg: null,
  cpuAverage: null,
} as const;

function unreadVm(
  uuid: Uuid,
  readable: Partial<VmRecord>,
  before: Vm | undefined,
  { reason, groups }: { readonly reason: string; readonly groups: readonly string[] | null },
): Vm {
  return {
    uuid,
    name: readable.name_label ?? before?.name ?? "",
    powerState: readable.power_state ?? before?.powerState ?? "Unknown",
    isControlDomain: readable.is_control_domain ?? before?.isControlDomain ?? false,
    memoryMb: null,
    memoryInternalFreeMb: null,
    vif0TxKb: null,
    vif0RxKb: null,
    vcpuAverage: null,
    vcpuNum: before?.vcpuNum ?? null,
    placementBytes: null,
    copyBytes: null,
    tags: readable.tags ?? before?.tags ?? [],
    hasTools: before?.hasTools ?? false,
    immovable: `its record cannot be read (${reason})`,
    haPriority: readable.ha_restart_priority ?? before?.haPriority ?? "",
    antiAffinityGroups: groups ?? before?.antiAffinityGroups ?? [],
    migratingTo: null,
    shrinksToBytes: null,
  };
}
