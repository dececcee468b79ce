/** Reads the pool's objects in a few bulk calls: what exists and where, not how loaded it is. */

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
  /** Records that could not be understood and were left out. */
  readonly skipped: readonly SkippedRecord[];
}

/** Every object that a snapshot needs, one get_all_records a class; all of them within one budget of memory. */
export function readInventory(client: XapiClient): Promise<Inventory> {
  return client.together(() => readObjects(client));
}

async function readObjects(client: XapiClient): Promise<Inventory> {
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
  const parts: readonly Records<string, unknown>[] = [
    hosts,
    vms,
    hostMetrics,
    vmMetrics,
    guestMetrics,
    groups,
    vbds,
    vdis,
    srs,
    pbds,
    vifs,
    pifs,
    networks,
  ];
  return {
    pool: [...pools.values()][0] ?? client.pool,
    hosts,
    hostMetrics,
    vms,
    vmMetrics,
    guestMetrics,
    groups,
    vbds,
    vdis,
    pbds,
    vifs,
    pifs,
    networks,
    storageNames: new Map([...srs].map(([ref, sr]) => [ref, sr.name_label])),
    skipped: parts.flatMap((part) => part.skipped),
  };
}
