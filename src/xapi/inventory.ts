/** Reads the pool's objects in a few bulk calls: what exists and where, not how loaded it is. */

import { occupiesHost } from "../domain/pool.ts";
import { XapiUnreachable } from "./errors.ts";
import type { RecordOf, XapiClass } from "./recordCodec.ts";
import type {
  HostMetricsRecord,
  HostMetricsRef,
  HostRecord,
  HostRef,
  NetworkRecord,
  NetworkRef,
  PbdRecord,
  PbdRef,
  PifRecord,
  PifRef,
  PoolRecord,
  Records,
  Ref,
  SkippedRecord,
  VbdRecord,
  VbdRef,
  VdiRecord,
  VdiRef,
  VifRecord,
  VifRef,
  VmGroupRecord,
  VmGroupRef,
  VmGuestMetricsRecord,
  VmGuestMetricsRef,
  VmMetricsRecord,
  VmMetricsRef,
  VmRecord,
  VmRef,
} from "./records.ts";
import type { XapiClient } from "./xapiClient.ts";

/** All objects of the pool that a snapshot is made of. */
export interface Inventory {
  readonly pool: PoolRecord;
  readonly hosts: ReadonlyMap<HostRef, HostRecord>;
  readonly hostMetrics: ReadonlyMap<HostMetricsRef, HostMetricsRecord>;
  /** Without templates and snapshots. */
  readonly vms: ReadonlyMap<VmRef, VmRecord>;
  readonly vmMetrics: ReadonlyMap<VmMetricsRef, VmMetricsRecord>;
  readonly guestMetrics: ReadonlyMap<VmGuestMetricsRef, VmGuestMetricsRecord>;
  readonly groups: ReadonlyMap<VmGroupRef, VmGroupRecord>;
  readonly vbds: ReadonlyMap<VbdRef, VbdRecord>;
  readonly vdis: ReadonlyMap<VdiRef, VdiRecord>;
  readonly pbds: ReadonlyMap<PbdRef, PbdRecord>;
  readonly vifs: ReadonlyMap<VifRef, VifRecord>;
  readonly pifs: ReadonlyMap<PifRef, PifRecord>;
  readonly networks: ReadonlyMap<NetworkRef, NetworkRecord>;
  /** Names of storage repositories, for messages. */
  readonly storageNames: ReadonlyMap<string, string>;
  /** Records that could not be understood and were left out; hosts that only VMs name among them. */
  readonly skipped: readonly SkippedRecord[];
}

/** The classes that an inventory is made of. */
export type PoolClass = Exclude<XapiClass, "task">;

/** All records of these classes. */
export type PoolRecords = { readonly [C in PoolClass]: Records<Ref<C>, RecordOf<C>> };

/**
 * Every object that a snapshot needs, one get_all_records a class; all of them within one budget of memory. Rejects with
 * XapiUnreachable also where two hosts or two VMs have one uuid.
 */
export async function readInventory(client: XapiClient): Promise<Inventory> {
  return toInventory(await readPoolRecords(client), client);
}

/** The same as records by class, not yet put together. */
export function readPoolRecords(client: XapiClient): Promise<PoolRecords> {
  return client.together(() => readRecords(client));
}

async function readRecords(client: XapiClient): Promise<PoolRecords> {
  // Hosts and VMs last and together: placements come from the VMs, and are what must be newest.
  const [hostMetrics, guestMetrics, groups, vbds, vdis, srs, pbds, vifs, pifs, networks] = await Promise.all([
    client.hostMetrics(),
    client.vmGuestMetrics(),
    client.vmGroups(),
    client.loadedVbds(),
    client.currentVdis(),
    client.srs(),
    client.pbds(),
    client.vifs(),
    client.pifs(),
    client.networks(),
  ]);
  const [hosts, vmMetrics, vms, pools] = await Promise.all([
    client.hosts(),
    client.vmMetrics(),
    client.machines(),
    client.pools(),
  ]);
  return {
    pool: pools,
    host: hosts,
    VM: vms,
    host_metrics: hostMetrics,
    VM_metrics: vmMetrics,
    VM_guest_metrics: guestMetrics,
    VM_group: groups,
    VBD: vbds,
    VDI: vdis,
    SR: srs,
    PBD: pbds,
    VIF: vifs,
    PIF: pifs,
    network: networks,
  };
}

/** @throws XapiUnreachable where two hosts or two VMs have one uuid. */
export function toInventory(records: PoolRecords, client: XapiClient): Inventory {
  const { host: hosts, VM: vms } = records;
  for (const [name, found] of Object.entries({ host: hosts, VM: vms })) refuseTwins(client, name, found);
  const parts: readonly Records<string, unknown>[] = Object.values(records);
  return {
    pool: [...records.pool.values()][0] ?? client.pool,
    hosts,
    hostMetrics: records.host_metrics,
    vms,
    vmMetrics: records.VM_metrics,
    guestMetrics: records.VM_guest_metrics,
    groups: records.VM_group,
    vbds: records.VBD,
    vdis: records.VDI,
    pbds: records.PBD,
    vifs: records.VIF,
    pifs: records.PIF,
    networks: records.network,
    storageNames: new Map([...records.SR].map(([ref, sr]) => [ref, sr.name_label])),
    skipped: [...parts.flatMap((part) => part.skipped), ...unlistedHosts(hosts, vms)],
  };
}

/** The tables know objects by uuid: of two with one, only one would be seen, and it would be anybody's guess which. */
function refuseTwins(
  client: XapiClient,
  name: string,
  records: ReadonlyMap<string, { readonly uuid: string }>,
): void {
  const seen = new Set<string>();
  for (const { uuid } of records.values()) {
    if (seen.has(uuid)) {
      const message = `${client.url}: the answer is not XAPI's: ${name}: the uuid ${uuid} comes twice`;
      throw new XapiUnreachable("garbled", message, { sent: true });
    }
    seen.add(uuid);
  }
}

/** A VM runs on a host: where that is not listed, its record was lost on the way. */
function unlistedHosts(
  hosts: Records<HostRef, HostRecord>,
  vms: ReadonlyMap<VmRef, VmRecord>,
): SkippedRecord[] {
  const known = new Set<string>([...hosts.keys(), ...hosts.skipped.map(({ ref }) => ref)]);
  const lost = new Map<string, SkippedRecord>();
  for (const { power_state, resident_on, name_label, uuid } of vms.values()) {
    if (!occupiesHost(power_state) || resident_on === null || known.has(resident_on)) continue;
    if (lost.has(resident_on)) continue;
    const reason = `the pool does not list it, and ${name_label || uuid} runs on it`;
    lost.set(resident_on, { class: "host", ref: resident_on, uuid: "", name: "", reason, readable: {} });
  }
  return [...lost.values()];
}

/** How many records of each class there are, and how many of them could not be read. */
export function countsByClass(
  inventory: Inventory,
): ReadonlyMap<string, { readonly all: number; readonly unreadable: number }> {
  const { hosts, hostMetrics, vms, vmMetrics, guestMetrics, groups, vbds, vdis, pbds, vifs, pifs } =
    inventory;
  const read: Readonly<Record<XapiClass, number>> = {
    pool: 0,
    host: hosts.size,
    host_metrics: hostMetrics.size,
    VM: vms.size,
    VM_metrics: vmMetrics.size,
    VM_guest_metrics: guestMetrics.size,
    VM_group: groups.size,
    VBD: vbds.size,
    VDI: vdis.size,
    SR: inventory.storageNames.size,
    PBD: pbds.size,
    VIF: vifs.size,
    PIF: pifs.size,
    network: inventory.networks.size,
    task: 0,
  };
  const unreadable = new Map<string, number>();
  for (const { class: name } of inventory.skipped) unreadable.set(name, (unreadable.get(name) ?? 0) + 1);
  return new Map(
    Object.entries(read).map(([name, count]) => {
      const left = unreadable.get(name) ?? 0;
      return [name, { all: count + left, unreadable: left }];
    }),
  );
}
