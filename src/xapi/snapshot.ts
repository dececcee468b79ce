/**
 * Makes one pool snapshot of what XAPI said: conversions, units and what counts as unknown. Pure.
 * Snapshots of VMs and templates are left out; control domains are in.
 */
import { type DemandMeasures, withMeasuredDemands } from "../domain/demand.ts";
import {
  asUuid,
  type Host,
  type HostInterfaces,
  type HostMeasures,
  type InfeasiblePair,
  occupiesHost,
  type Placement,
  type Snapshot,
  type Uuid,
  type Vm,
  type VmEth0,
  type VmHome,
} from "../domain/pool.ts";
import { type HostCpus, hostCpus } from "./hostCpus.ts";
import { type Eth0, Interfaces, nameOf, trafficOf, vmTraffic } from "./interfaces.ts";
import type { Inventory } from "./inventory.ts";
import {
  type Measures,
  type NamedMeasures,
  nothingNamed,
  type SourceValues,
  type waitSources,
} from "./measures.ts";
import {
  countsStaticMax,
  freeBytes,
  hasTools,
  InfeasiblePairFinder,
  immovableReason,
  requiredBytes,
  shrinksToBytes,
} from "./placement.ts";
import { cpuShare, plausible, toFourDecimals } from "./plausible.ts";
import type { HostRecord, HostRef, VmRecord, VmRef } from "./records.ts";
import { Unreadable } from "./unreadable.ts";

const none: SourceValues = new Map();

/**
 * The snapshot of `inventory` with `measures`; lists sorted by uuid. `eth0Device` names the interface to show as eth0
 * ("auto": each host's management interface), `named` what is kept beside the thesis' measures, `unreadable` what stands
 * for the records that could not be read.
 */
export function toSnapshot(
  inventory: Inventory,
  measures: Measures,
  eth0Device: string,
  named: NamedMeasures = nothingNamed,
  unreadable: Unreadable = new Unreadable(inventory, null),
): Snapshot {
  const vms = [...inventory.vms].filter(([, vm]) => !vm.is_a_snapshot && !vm.is_a_template);
  const interfaces = new Interfaces(inventory, eth0Device);
  const snapshot: Snapshot = {
    pool: {
      uuid: asUuid(inventory.pool.uuid),
      name: inventory.pool.name_label,
      haEnabled: inventory.pool.ha_enabled,
      haTolerance: inventory.pool.ha_host_failures_to_tolerate,
      haPlannedFor: inventory.pool.ha_plan_exists_for,
      wlbEnabled: inventory.pool.wlb_enabled,
      ...(inventory.pool.wlb_url === "" ? {} : { wlbUrl: inventory.pool.wlb_url }),
      rollingUpgrade: inventory.pool.other_config.has("rolling_upgrade_in_progress"),
    },
    hosts: [
      ...toHosts({ inventory, measures, named, unreadable, interfaces }).map((host) =>
        unreadable.isCrowded(host.uuid) ? { ...host, placementFreeBytes: null } : host,
      ),
      ...unreadable.hosts,
    ].sort(byUuid),
    vms: [...toVms(vms, { inventory, measures, named, unreadable, interfaces }), ...unreadable.vms].sort(
      byUuid,
    ),
    placements: toPlacements(vms, unreadable),
    infeasiblePairs: toInfeasiblePairs(vms, inventory, unreadable),
  };
  return withMeasuredDemands(snapshot, demandMeasures(snapshot, inventory, measures));
}

function demandMeasures({ vms }: Snapshot, inventory: Inventory, measures: Measures): DemandMeasures {
  const hostloads = new Map<Uuid, number>();
  for (const [ref, { uuid }] of inventory.hosts) {
    // A host with more vCPUs to a CPU than this is none.
    const hostload = plausible(measures.hosts.get(ref)?.get("hostload"), 1000);
    if (hostload !== null) hostloads.set(asUuid(uuid), hostload);
  }
  const waits = vms.flatMap(({ uuid, cpuWait = null }): [Uuid, number][] =>
    cpuWait === null ? [] : [[uuid, cpuWait]],
  );
  return { waits: new Map(waits), hostloads };
}

function toHosts({ inventory, measures, named: { hostSources }, unreadable, interfaces }: Sources): Host[] {
  const free = freeBytes(inventory);
  return [...inventory.hosts].map(([ref, host]) => {
    const metrics = host.metrics === null ? undefined : inventory.hostMetrics.get(host.metrics);
    const cpuNum = host.host_CPUs.length > 0 ? host.host_CPUs.length : null;
    const values = measures.hosts.get(ref) ?? none;
    const cpus = hostCpus(values, cpuNum ?? 0);
    return {
      uuid: asUuid(host.uuid),
      name: host.name_label,
      ip: host.address === "" ? null : host.address,
      cpuNum,
      ...hostMeasures(values, cpuNum ?? 0, interfaces.eth0Of(ref)),
      enabled: host.enabled,
      live: metrics?.live ?? (host.metrics !== null && unreadable.wasAlive(asUuid(host.uuid))),
      isMaster: inventory.pool.master === ref,
      version: version(host),
      placementFreeBytes: free.get(ref) ?? null,
      powerOnMode: host.power_on_mode,
      cpuMhz: clockRate(host),
      read: measures.hosts.has(ref) && !measures.unread.has(ref),
      ...interfacesOf(ref, interfaces),
      ...namedSources(values, hostSources, cpus),
      ...(cpus.doubt === null ? {} : { doubt: cpus.doubt }),
    };
  });
}

function interfacesOf(ref: HostRef, interfaces: Interfaces): HostInterfaces {
  const eth0 = interfaces.eth0Of(ref);
  return {
    interfaces: interfaces.namesOf(ref),
    ...(eth0 === null || eth0.networks === null ? {} : { eth0: nameOf(eth0) }),
  };
}

/** Nothing where nothing is named; what the host has no such source of is not there. */
function namedSources(
  values: SourceValues,
  names: readonly string[],
  { moreThreads, percent }: HostCpus,
): Pick<Host, "sources"> {
  if (names.length === 0) return {};
  const found = names.flatMap((name): [string, number][] => {
    // XAPI's own mean counts threads that sleep as busy.
    const own = name === "cpu_avg" && moreThreads;
    const value = own ? (percent === null ? undefined : percent / 100) : values.get(name);
    return value === undefined || !Number.isFinite(value) ? [] : [[name, value]];
  });
  return found.length === 0 ? {} : { sources: Object.fromEntries(found) };
}

function version(host: HostRecord): string {
  return host.software_version.get("product_version") ?? host.software_version.get("platform_version") ?? "";
}

/** "2394.454" of `cpu_info.speed`, in whole MHz; null where it is missing or no rate. */
function clockRate({ cpu_info }: HostRecord): number | null {
  const mhz = Math.round(Number(cpu_info.get("speed") ?? Number.NaN));
  return mhz > 0 && mhz < 100_000 ? mhz : null;
}

/** The measures of a host by XAPI's data source names, each in the unit of its column. */
export function hostMeasures(values: SourceValues, cpuNum: number, eth0: Eth0 | null): HostMeasures {
  return {
    memoryTotalMb: kibToMb(positive(values.get("memory_total_kib"))),
    memoryFreeMb: kibToMb(values.get("memory_free_kib")),
    xapiMemoryUsageMb: kibToMb(values.get("xapi_memory_usage_kib")),
    xapiFreeMemoryMb: kibToMb(values.get("xapi_free_memory_kib")),
    pifLoRxKb: bytesToKb(values.get("pif_lo_rx")),
    pifLoTxKb: bytesToKb(values.get("pif_lo_tx")),
    pifEth0RxKb: eth0 === null ? null : bytesToKb(trafficOf(eth0, values, "rx")),
    pifEth0TxKb: eth0 === null ? null : bytesToKb(trafficOf(eth0, values, "tx")),
    dom0LoadAvg: toFourDecimals(plausible(values.get("loadavg"), 1e6)),
    cpuAverage: hostCpus(values, cpuNum).percent,
  };
}

/** What hosts and VMs are made of. */
interface Sources {
  readonly inventory: Inventory;
  readonly measures: Measures;
  readonly named: NamedMeasures;
  readonly unreadable: Unreadable;
  readonly interfaces: Interfaces;
}

function toVms(
  vms: readonly (readonly [VmRef, VmRecord])[],
  { inventory, measures, named: { cpuWait }, unreadable, interfaces }: Sources,
): Vm[] {
  const staticMax = [...inventory.hosts.values()].some(countsStaticMax);
  const groupsOf = antiAffinityGroups(inventory);
  return vms.map(([ref, vm]) => {
    const running = vm.power_state === "Running";
    const values = running ? (measures.vms.get(ref) ?? none) : none;
    const metrics = vm.metrics === null ? undefined : inventory.vmMetrics.get(vm.metrics);
    const vcpuNum = positive(running ? metrics?.VCPUs_number : vm.VCPUs_max);
    const guest = vm.is_control_domain ? none : values;
    const vcpuAverage = cpuPercent(values, vcpuNum ?? 0);
    return {
      uuid: asUuid(vm.uuid),
      name: vm.name_label,
      powerState: vm.power_state,
      isControlDomain: vm.is_control_domain,
      memoryMb: bytesToMb(positive(running ? values.get("memory") : vm.memory_dynamic_max)),
      memoryInternalFreeMb: kibToMb(guest.get("memory_internal_free")),
      vif0TxKb: bytesToKb(guest.get("vif_0_tx")),
      vif0RxKb: bytesToKb(guest.get("vif_0_rx")),
      vcpuAverage,
      vcpuNum,
      placementBytes: requiredBytes(vm, staticMax),
      copyBytes: positive(running ? metrics?.memory_actual : undefined) ?? positive(vm.memory_dynamic_max),
      tags: vm.tags,
      hasTools: hasTools(vm, inventory),
      immovable: unreadable.doubt(ref, vm) ?? immovableReason(vm, inventory),
      haPriority: vm.ha_restart_priority,
      antiAffinityGroups: groupsOf.get(ref) ?? [],
      migratingTo: migrationTarget(vm, unreadable),
      shrinksToBytes: running ? shrinksToBytes(vm, staticMax) : null,
      ...homeOf(vm, unreadable),
      ...eth0Share(vm, guest, { inventory, interfaces, unreadable }),
      ...(cpuWait ? { cpuWait: waitedPercent(guest, { vcpus: vcpuNum ?? 1, used: vcpuAverage ?? 0 }) } : {}),
    };
  });
}

/** What the VM adds to eth0 of its host; nothing of a VM that runs on none, and of control domains. */
function eth0Share(
  vm: VmRecord,
  values: SourceValues,
  { inventory, interfaces, unreadable }: Pick<Sources, "inventory" | "interfaces" | "unreadable">,
): VmEth0 {
  if (vm.is_control_domain || vm.resident_on === null || unreadable.residence(vm) === null) return {};
  const traffic = vmTraffic(vm, inventory, interfaces.eth0Of(vm.resident_on), values);
  if (traffic === null) return { eth0Vifs: 0 };
  const [eth0RxKb, eth0TxKb] = [bytesToKb(traffic.rx), bytesToKb(traffic.tx)];
  return {
    eth0Vifs: traffic.interfaces,
    ...(eth0RxKb === null ? {} : { eth0RxKb }),
    ...(eth0TxKb === null ? {} : { eth0TxKb }),
  };
}

/**
 * Percent of the time in which the VM's CPUs wanted to run and could not, in the mean of its `vcpus`, which ran for
 * `used` percent of it; null where the pool does not record it.
 *
 * It is the share of them that were runnable, as newer pools tell. Others tell how long some of them were: in the time
 * of "full contention" all, in that of "partial contention" and "concurrency hazard" from one to all but one. Were the
 * vCPUs independent, each would wait for 1 - (1 - some)^(1 / vcpus) of the time; that, within those bounds, is taken.
 * Where only the two contentions are recorded it is the time in which none of them ran though some wanted to.
 */
export function waitedPercent(
  values: SourceValues,
  { vcpus, used }: { readonly vcpus: number; readonly used: number },
): number | null {
  const share = (name: (typeof waitSources)[number]) => plausible(values.get(name), 1.05);
  const runnable = share("runnable_vcpus");
  if (runnable !== null) return 100 * Math.min(1, runnable);
  const full = share("runstate_full_contention");
  const partial = share("runstate_partial_contention");
  if (full === null || partial === null) return null;
  const hazard = share("runstate_concurrency_hazard");
  if (hazard === null) return 100 * Math.min(1, full + partial);
  const some = Math.min(1, full + partial + hazard);
  const each = 1 - (1 - some) ** (1 / vcpus);
  const least = full + (some - full) / vcpus;
  const most = full + ((some - full) * Math.max(1, vcpus - 1)) / vcpus;
  return 100 * Math.min(1, Math.max(least, Math.min(each, most, Math.max(0, 1 - used / 100))));
}

/** A home server that left the pool is none. */
function homeOf({ affinity }: VmRecord, unreadable: Unreadable): VmHome {
  const homeServer = affinity === null ? null : unreadable.hostUuid(affinity);
  return homeServer === null ? {} : { homeServer };
}

/** Reserved by the pool from the request on, until the VM is there. */
function migrationTarget(vm: VmRecord, unreadable: Unreadable): Uuid | null {
  const target = vm.power_state === "Running" ? vm.scheduled_to_be_resident_on : null;
  if (target === null || target === vm.resident_on) return null;
  return unreadable.hostUuid(target);
}

function antiAffinityGroups(inventory: Inventory): Map<VmRef, string[]> {
  const groups = new Map<VmRef, string[]>();
  for (const group of inventory.groups.values()) {
    if (group.placement !== "anti_affinity") continue;
    for (const vm of group.VMs) groups.set(vm, [...(groups.get(vm) ?? []), group.name_label]);
  }
  return groups;
}

function toPlacements(vms: readonly (readonly [VmRef, VmRecord])[], unreadable: Unreadable): Placement[] {
  const placements = [...unreadable.placements];
  for (const [, vm] of vms) {
    const hostUuid = unreadable.residence(vm);
    if (hostUuid !== null) placements.push({ hostUuid, vmUuid: asUuid(vm.uuid) });
  }
  return placements.sort((a, b) => compare(a.hostUuid, b.hostUuid) || compare(a.vmUuid, b.vmUuid));
}

function toInfeasiblePairs(
  vms: readonly (readonly [VmRef, VmRecord])[],
  inventory: Inventory,
  unreadable: Unreadable,
): InfeasiblePair[] {
  const finder = new InfeasiblePairFinder(inventory);
  const infeasiblePairs: InfeasiblePair[] = [];
  for (const [vmRef, vm] of vms) {
    const home = unreadable.residence(vm);
    // Where it runs cannot be told: it is moved nowhere, and started nowhere either.
    if (vm.is_control_domain || (home === null && occupiesHost(vm.power_state))) continue;
    for (const hostRef of finder.infeasibleHosts(vmRef, vm)) {
      const host = inventory.hosts.get(hostRef);
      if (host === undefined || asUuid(host.uuid) === home) continue;
      const reason = finder.reason(vmRef, vm, hostRef, host);
      if (reason !== null)
        infeasiblePairs.push({ vmUuid: asUuid(vm.uuid), hostUuid: asUuid(host.uuid), reason });
    }
  }
  return infeasiblePairs.sort((a, b) => compare(a.vmUuid, b.vmUuid) || compare(a.hostUuid, b.hostUuid));
}

/** Mean of a VM's cpu0..cpuN-1 in percent; null unless every one of them is known. */
function cpuPercent(values: SourceValues, cpus: number): number | null {
  if (cpus === 0) return null;
  let sum = 0;
  for (let cpu = 0; cpu < cpus; cpu++) {
    const busy = cpuShare(values.get(`cpu${cpu}`));
    if (busy === null) return null;
    sum += Math.min(1, busy);
  }
  return (sum * 100) / cpus;
}

function positive(value: number | undefined | null): number | null {
  return value !== undefined && value !== null && Number.isFinite(value) && value > 0 ? value : null;
}

/** Beyond this a memory or traffic figure is broken: 4 EiB in bytes. */
const largest = 2 ** 62;

function scaled(value: number | null | undefined, divisor: number): number | null {
  const known = plausible(value ?? undefined, largest);
  return known === null ? null : Math.round(known / divisor);
}

function kibToMb(kib: number | null | undefined): number | null {
  return scaled(kib, 1024);
}

function bytesToMb(bytes: number | null | undefined): number | null {
  return scaled(bytes, 1024 * 1024);
}

function bytesToKb(bytes: number | null | undefined): number | null {
  return scaled(bytes, 1024);
}

function byUuid(a: { readonly uuid: string }, b: { readonly uuid: string }): number {
  return compare(a.uuid, b.uuid);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
