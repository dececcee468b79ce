/** Builds the objects of a pool from a scenario. */
import { AppError } from "../../domain/errors.ts";
import { uuidOf } from "../behaviour/chance.ts";
import { createMachine } from "../behaviour/machines.ts";
import { mib, overheadBytes } from "../behaviour/memory.ts";
import { fromMib, memoryOf, type PoolModel } from "../metrics/model.ts";
import { nullRef, simMap } from "../objects/datamodel.ts";
import type { HostSpec, NetworkSpec, Scenario, StorageSpec } from "./scenarioSpecs.ts";
import { type BuiltPlaces, buildVm } from "./scenarioVm.ts";
import { buildNetworks } from "./scenarioWires.ts";

const defaultStorage: StorageSpec = {
  name: "Shared storage",
  uuid: null,
  type: "nfs",
  shared: true,
  hosts: null,
};
const defaultNetwork: NetworkSpec = {
  name: "Pool-wide network associated with eth0",
  uuid: null,
  device: "eth0",
  hosts: null,
};

/** Fills an empty model; throws AppError where VMs do not fit on their host. */
export function buildPool(model: PoolModel, scenario: Scenario): void {
  const hosts = new Map(scenario.hosts.map((spec, index) => [spec.name, buildHost(model, spec, index)]));
  const storage = scenario.storage.length > 0 ? scenario.storage : [defaultStorage];
  const networks = scenario.networks.length > 0 ? scenario.networks : [defaultNetwork];
  const places: BuiltPlaces = {
    hosts,
    networks: buildNetworks(model, networks, hosts),
    storage: new Map(storage.map((spec) => [spec.name, buildStorage(model, spec, hosts)])),
    localStorage: new Map([...hosts].map(([name, ref]) => [name, buildLocalStorage(model, name, ref)])),
  };
  const vms = new Map<string, string>();
  for (const spec of scenario.vms) vms.set(spec.name, buildVm(model, spec, places, vms));
  const master = scenario.hosts.find((host) => host.master)?.name ?? "";
  model.db.create("pool", {
    uuid: scenario.pool.uuid ?? uuidOf(model.seed, "pool", scenario.pool.name),
    name_label: scenario.pool.name,
    master: hosts.get(master) ?? nullRef,
    default_SR: [...places.storage.values()][0] ?? nullRef,
    ha_enabled: scenario.pool.haTolerates > 0,
    ha_host_failures_to_tolerate: scenario.pool.haTolerates,
    ha_plan_exists_for: scenario.pool.haTolerates,
  });
  for (const [name, ref] of hosts) assertFits(model, name, ref);
}

function assertFits(model: PoolModel, name: string, hostRef: string): void {
  const { db } = model;
  const memory = db.number("host_metrics", db.text("host", hostRef, "metrics"), "memory_total");
  const wanted = db
    .list("host", hostRef, "resident_VMs")
    .reduce(
      (sum, vm) => sum + memoryOf(model, vm) + db.number("VM", vm, "memory_overhead"),
      db.number("host", hostRef, "memory_overhead"),
    );
  if (wanted <= memory) return;
  const inMib = (bytes: number): string => `${Math.ceil(bytes / mib)} MiB`;
  throw new AppError("usage", `host ${name}: its VMs need ${inMib(wanted)}, it has ${inMib(memory)}`);
}

function buildHost(model: PoolModel, spec: HostSpec, index: number): string {
  const { db, release, seed } = model;
  const metrics = db.create("host_metrics", {
    memory_total: fromMib(spec.memoryMib),
    live: !spec.off,
    last_updated: new Date(model.clock.now()),
  });
  const ref = db.create("host", {
    uuid: spec.uuid ?? uuidOf(seed, "host", spec.name),
    name_label: spec.name,
    hostname: spec.name.toLowerCase().replace(/[^a-z0-9-]/g, "-"),
    address: spec.address ?? `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}`,
    metrics,
    enabled: spec.enabled,
    memory_overhead: fromMib(spec.overheadMib),
    API_version_major: release.apiMajor,
    API_version_minor: release.apiMinor,
    API_version_vendor: "XenSource",
    software_version: simMap([
      ["product_brand", release.product],
      ["product_version", release.version],
      ["xapi", "1.3"],
    ]),
    capabilities: ["xen-3.0-x86_64", "hvm-3.0-x86_32", "hvm-3.0-x86_64"],
    cpu_info: cpuInfo(spec),
    edition: "xcp-ng",
    power_on_mode: spec.powerOn,
    power_on_config: powerOnConfig(model, spec, index),
    tags: [...spec.tags],
    other_config: simMap([["boot_time", `${Math.floor(model.startMs / 1000)}.`]]),
  });
  for (let number = 0; number < spec.cpus; number += 1) {
    db.create("host_cpu", {
      host: ref,
      number,
      vendor: spec.vendor,
      speed: spec.mhz,
      modelname: "Simulated CPU",
    });
  }
  model.hostLoads.set(ref, spec.load);
  buildMachine(model, spec, ref);
  buildControlDomain(model, spec, ref);
  return ref;
}

function buildMachine(model: PoolModel, spec: HostSpec, hostRef: string): void {
  const { bootMs, wake, pendingGuidance } = spec;
  const machine = { ...createMachine(), bootMs, wake, pendingGuidance };
  model.machines.set(hostRef, spec.off ? { ...machine, state: "off" } : machine);
  if (!spec.off) return;
  model.dark.add(hostRef);
  model.power.beginOff(hostRef);
}

/** Management boards have an address, a user and the uuid of a secret; wake-on-LAN needs nothing. */
function powerOnConfig(model: PoolModel, spec: HostSpec, index: number): ReturnType<typeof simMap> {
  if (spec.powerOn === "" || spec.powerOn === "wake-on-lan") return simMap([]);
  return simMap([
    ["power_on_ip", `10.1.${Math.floor(index / 250)}.${(index % 250) + 1}`],
    ["power_on_user", "root"],
    ["power_on_password_secret", uuidOf(model.seed, "power secret", spec.name)],
  ]);
}

function cpuInfo(spec: HostSpec): ReturnType<typeof simMap> {
  return simMap([
    ["cpu_count", String(spec.cpus)],
    ["socket_count", "1"],
    ["vendor", spec.vendor],
    ["speed", `${spec.mhz}.000`],
    ["modelname", "Simulated CPU"],
    ["features", spec.features],
    ["features_pv", spec.features],
    ["features_hvm", spec.features],
  ]);
}

function buildControlDomain(model: PoolModel, spec: HostSpec, hostRef: string): void {
  const { db } = model;
  const memory = fromMib(spec.controlDomainMib);
  const vcpus = Math.min(spec.cpus, 16);
  const metrics = db.create("VM_metrics", { memory_actual: memory, VCPUs_number: vcpus });
  const ref = db.create("VM", {
    uuid: spec.controlDomainUuid ?? uuidOf(model.seed, "control domain", spec.name),
    name_label: `Control domain on host: ${spec.name}`,
    name_description: "The domain which manages physical devices and manages other domains",
    is_control_domain: true,
    power_state: "Running",
    resident_on: hostRef,
    affinity: hostRef,
    domid: 0,
    metrics,
    memory_static_min: memory,
    memory_dynamic_min: memory,
    memory_dynamic_max: memory,
    memory_static_max: memory,
    memory_target: memory,
    memory_overhead: overheadBytes({
      vcpusMax: vcpus,
      staticMaxBytes: memory,
      shadowMultiplier: 1,
      virtualisation: "pv",
    }),
    VCPUs_max: vcpus,
    VCPUs_at_startup: vcpus,
    domain_type: "pv",
  });
  db.set("host", hostRef, "control_domain", ref);
}

function buildStorage(model: PoolModel, spec: StorageSpec, hosts: ReadonlyMap<string, string>): string {
  const { db } = model;
  const ref = db.create("SR", {
    uuid: spec.uuid ?? uuidOf(model.seed, "SR", spec.name),
    name_label: spec.name,
    type: spec.type,
    content_type: "user",
    shared: spec.shared,
    physical_size: fromMib(1024 * 1024),
  });
  for (const [name, host] of hosts) {
    if (spec.hosts === null || spec.hosts.includes(name))
      db.create("PBD", { host, SR: ref, currently_attached: true });
  }
  return ref;
}

function buildLocalStorage(model: PoolModel, hostName: string, hostRef: string): string {
  const spec: StorageSpec = {
    name: "Local storage",
    uuid: uuidOf(model.seed, "local SR", hostName),
    type: "ext",
    shared: false,
    hosts: [hostName],
  };
  return buildStorage(model, spec, new Map([[hostName, hostRef]]));
}
