/**
 * A pool from a snapshot: the same hosts, VMs, places, memory and infeasible pairs, with loads that stay as they were measured, so
 * that collecting it gives the snapshot again. Where the measures of a host contradict those of its VMs, its VMs win.
 */
import { AppError } from "../../domain/errors.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { usualBootMs } from "../behaviour/machines.ts";
import { constant } from "../metrics/load.ts";
import { idleHost, type PoolModel, usualMhz } from "../metrics/model.ts";
import { findRelease, type Release } from "../objects/release.ts";
import { buildPool } from "./scenarioPool.ts";
import type { HostSpec, Scenario, StorageSpec, VmSpec } from "./scenarioSpecs.ts";
import { finishPool, type Residence } from "./snapshotFields.ts";
import { findCauses, type InfeasibilityCauses, type InfeasiblePlace } from "./snapshotInfeasiblePairs.ts";
import { guestNetwork, mainSpec, networkSpec, networksOf, throughEth0 } from "./snapshotWires.ts";

const shared = "shared storage";

/** The release that the snapshot's master plays. */
export function releaseOfSnapshot({ hosts }: Snapshot): Release {
  const version = (hosts.find(({ isMaster }) => isMaster) ?? hosts[0])?.version ?? "";
  for (const product of ["XCP-ng", "XenServer", "XCP"]) {
    const release = findRelease(product, version);
    if (release !== null) return release;
  }
  const newest = findRelease("XCP-ng", "8.3");
  if (newest === null) throw new Error("XCP-ng 8.3 is not known");
  return newest;
}

/** Fills an empty model; throws AppError where the snapshot has no host. */
export function buildSnapshotPool(model: PoolModel, snapshot: Snapshot): void {
  if (snapshot.hosts.length === 0) throw new AppError("usage", "the snapshot has no hosts");
  const residence = residenceOf(snapshot);
  const causes = findCauses(snapshot);
  buildPool(model, scenarioOf(model, snapshot, residence, causes));
  finishPool(model, snapshot, residence, causes);
}

function residenceOf({ hosts, vms, placements }: Snapshot): Residence {
  const hostOf = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const vmsOn = new Map<Uuid, Vm[]>(hosts.map(({ uuid }) => [uuid, []]));
  const controlOf = new Map<Uuid, Vm>();
  const strays: Vm[] = [];
  for (const vm of vms) {
    const host = hostOf.get(vm.uuid);
    if (host !== undefined) vmsOn.get(host)?.push(vm);
    if (!vm.isControlDomain) continue;
    if (host === undefined || controlOf.has(host)) strays.push(vm);
    else controlOf.set(host, vm);
  }
  // A control domain without a place belongs to a host that is down.
  for (const { uuid } of hosts) {
    if (controlOf.has(uuid)) continue;
    const stray = strays.findIndex((vm) => !hostOf.has(vm.uuid));
    const [vm] = stray < 0 ? [] : strays.splice(stray, 1);
    if (vm !== undefined) controlOf.set(uuid, vm);
  }
  const mhzOf = new Map(hosts.map(({ uuid, cpuMhz }) => [uuid, cpuMhz ?? usualMhz]));
  return { hostOf, vmsOn, controlOf, mhzOf };
}

/** Objects are called by their uuids while the pool is built: names need not be unique. */
function scenarioOf(
  model: PoolModel,
  snapshot: Snapshot,
  residence: Residence,
  causes: InfeasibilityCauses,
): Scenario {
  const { pool, hosts, vms } = snapshot;
  const controls = new Set([...residence.controlOf.values()].map(({ uuid }) => uuid));
  const master = hosts.find(({ isMaster }) => isMaster) ?? hosts[0];
  const main = mainSpec(hosts);
  return {
    pool: {
      name: pool.name,
      uuid: pool.uuid,
      release: model.release,
      profile: model.profile,
      haTolerates: 0,
    },
    hosts: hosts.map((host) => hostSpec(host, host === master, residence, causes)),
    vms: vms.filter(({ uuid }) => !controls.has(uuid)).map((vm) => vmSpec(vm, residence, causes)),
    storage: [
      storageSpec(shared, null),
      ...causes.storage.map((each) => storageSpec(each.key, hostsWith(hosts, each))),
    ],
    users: [],
    networks: [
      main,
      networkSpec(guestNetwork, "guests0", null),
      ...causes.networks.map((each, index) =>
        networkSpec(each.key, `others${index}`, hostsWith(hosts, each)),
      ),
    ],
  };
}

function hostSpec(
  host: Host,
  master: boolean,
  { vmsOn, controlOf }: Residence,
  causes: InfeasibilityCauses,
): HostSpec {
  const guests = (vmsOn.get(host.uuid) ?? []).filter((vm) => !vm.isControlDomain);
  const own = {
    rxKib: (host.pifEth0RxKb ?? 0) - sum(guests.map((vm) => throughEth0(vm).rx)),
    txKib: (host.pifEth0TxKb ?? 0) - sum(guests.map((vm) => throughEth0(vm).tx)),
  };
  const busy = ((host.cpuAverage ?? 0) / 100) * (host.cpuNum ?? 0);
  const asked = sum(guests.map((vm) => ((vm.vcpuAverage ?? 0) / 100) * (vm.vcpuNum ?? 0)));
  return {
    name: host.uuid,
    uuid: host.uuid,
    address: host.ip,
    cpus: host.cpuNum ?? 0,
    mhz: host.cpuMhz ?? usualMhz,
    // Memory is put right when all is built.
    memoryMib: 16_777_216,
    overheadMib: 0,
    controlDomainMib: 16,
    controlDomainUuid: controlOf.get(host.uuid)?.uuid ?? null,
    master,
    enabled: host.enabled,
    vendor: causes.cpus.get(host.uuid)?.vendor ?? "",
    features: causes.cpus.get(host.uuid)?.features ?? "",
    powerOn: host.powerOnMode,
    bootMs: usualBootMs,
    wake: "works",
    off: false,
    pendingGuidance: false,
    tags: [],
    load: {
      ...idleHost,
      controlDomainCpus: constant(Math.max(0, busy - asked)),
      loadAverage: constant(host.dom0LoadAvg ?? 0),
      rxKib: constant(Math.max(0, own.rxKib)),
      txKib: constant(Math.max(0, own.txKib)),
      // Guests and hosts are not measured at the same moment: the guests may have more than their host.
      uncountedKib: { rx: Math.max(0, -own.rxKib), tx: Math.max(0, -own.txKib) },
      loRxKib: constant(host.pifLoRxKb ?? 0),
      loTxKib: constant(host.pifLoTxKb ?? 0),
      xapiUsedMib: host.xapiMemoryUsageMb ?? 0,
      xapiFreeMib: host.xapiFreeMemoryMb ?? 0,
    },
  };
}

function vmSpec(vm: Vm, { hostOf, mhzOf }: Residence, { needs }: InfeasibilityCauses): VmSpec {
  const own = needs.get(vm.uuid);
  const home = hostOf.get(vm.uuid);
  const mhz = home === undefined ? usualMhz : (mhzOf.get(home) ?? usualMhz);
  const reason = vm.immovable ?? "";
  const networks = networksOf(vm);
  const { rx, tx } = throughEth0(vm);
  const powers: readonly VmSpec["power"][] = ["Running", "Paused", "Halted", "Suspended"];
  return {
    kind: "vm",
    name: vm.uuid,
    uuid: vm.uuid,
    snapshotOf: null,
    on: hostOf.get(vm.uuid) ?? null,
    power: powers.find((power) => power === vm.powerState) ?? "Halted",
    vcpus: Math.max(1, vm.vcpuNum ?? 1),
    memoryMib: 16,
    minMib: 16,
    // Only a guest that was built for Xen moves without tools.
    mode: vm.hasTools || reason.startsWith("VM_LACKS_FEATURE") ? "hvm" : "pv",
    tools: vm.hasTools,
    disks: own?.disks.map(({ place }) => place.key) ?? [],
    networks: [...networks, ...(own?.networks.map(({ key }) => key) ?? [])],
    tags: vm.tags,
    blocked: null,
    haPriority: vm.haPriority,
    platform: reason.startsWith("VM_IS_IMMOBILE") ? { nomigrate: "true" } : {},
    passesPci: reason.startsWith("VM_HAS_PCI_ATTACHED"),
    address: null,
    fullSize: false,
    load: {
      cpu: constant(((vm.vcpuAverage ?? 0) / 100) * (mhz / usualMhz)),
      rxKib: constant(vm.vif0RxKb ?? 0),
      txKib: constant(vm.vif0TxKb ?? 0),
      ...(networks.length < 2 ? {} : { others: [{ rxKib: constant(rx), txKib: constant(tx) }] }),
      freeMib: constant(vm.memoryInternalFreeMb ?? 0),
    },
  };
}

function hostsWith(hosts: readonly Host[], { lacking }: InfeasiblePlace): string[] {
  return hosts.filter(({ uuid }) => !lacking.has(uuid)).map(({ uuid }) => uuid);
}

function storageSpec(name: string, hosts: readonly string[] | null): StorageSpec {
  return { name, uuid: null, type: "nfs", shared: true, hosts };
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
