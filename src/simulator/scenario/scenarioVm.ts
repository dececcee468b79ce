/** Builds a VM of a scenario with its disks, interfaces and metrics. */
import { uuidOf } from "../behaviour/chance.ts";
import { mib, overheadBytes } from "../behaviour/memory.ts";
import { fromMib, isActive, type PoolModel } from "../metrics/model.ts";
import { nullRef, type SimMap, simMap } from "../objects/datamodel.ts";
import { fullSizeFields, fullSizeGuest } from "./scenarioFullSize.ts";
import type { VmSpec } from "./scenarioSpecs.ts";

/** Refs by the names that a scenario gave. */
export interface BuiltPlaces {
  readonly hosts: ReadonlyMap<string, string>;
  readonly storage: ReadonlyMap<string, string>;
  /** The own SR of each host, by the host's name. */
  readonly localStorage: ReadonlyMap<string, string>;
  readonly networks: ReadonlyMap<string, string>;
}

const diskBytes = 10 * 1024 * mib;

/** `built` holds the VMs before it, for snapshots to find what they were taken of. */
export function buildVm(
  model: PoolModel,
  spec: VmSpec,
  places: BuiltPlaces,
  built: ReadonlyMap<string, string>,
): string {
  const { db } = model;
  const active = isActive(spec.power);
  const memory = fromMib(spec.memoryMib);
  const metrics = db.create("VM_metrics", {
    memory_actual: active ? memory : 0,
    VCPUs_number: active ? spec.vcpus : 0,
    start_time: new Date(active ? model.startMs : 0),
    hvm: spec.mode === "hvm",
    current_domain_type: active ? spec.mode : "unspecified",
  });
  const ref = db.create("VM", {
    ...sizeFields(spec),
    uuid: spec.uuid ?? uuidOf(model.seed, spec.kind, spec.name, built.size),
    name_label: spec.name,
    power_state: spec.power,
    metrics,
    guest_metrics: spec.tools && active ? buildGuestMetrics(model, spec) : nullRef,
    resident_on: spec.on === null ? nullRef : (places.hosts.get(spec.on) ?? nullRef),
    domid: active ? 1 + built.size : -1,
    HVM_boot_policy: spec.mode === "hvm" ? "BIOS order" : "",
    domain_type: spec.mode,
    platform: simMap([["acpi", "1"], ["nx", "true"], ["pae", "true"], ...Object.entries(spec.platform)]),
    last_boot_CPU_flags: active ? bootFlags(model, places.hosts.get(spec.on ?? "")) : simMap([]),
    is_a_template: spec.kind !== "vm",
    is_a_snapshot: spec.kind === "snapshot",
    snapshot_of: spec.snapshotOf === null ? nullRef : (built.get(spec.snapshotOf) ?? nullRef),
    snapshot_time: new Date(spec.kind === "snapshot" ? model.startMs : 0),
    tags: [...spec.tags],
    groups: (spec.groups ?? []).map((name) => groupNamed(model, name)),
    affinity: places.hosts.get(spec.home ?? "") ?? nullRef,
    blocked_operations: spec.blocked === null ? simMap([]) : simMap([["pool_migrate", spec.blocked]]),
    ha_restart_priority: spec.haPriority,
    ha_always_run: spec.haPriority !== "",
    attached_PCIs: spec.passesPci ? [`OpaqueRef:${uuidOf(model.seed, "PCI", spec.name)}`] : [],
    actions_after_shutdown: "destroy",
    actions_after_reboot: "restart",
    actions_after_crash: "restart",
    ...(spec.fullSize ? fullSizeFields(model, spec) : {}),
  });
  model.vmLoads.set(ref, spec.load);
  buildDisks(model, spec, ref, places);
  buildInterfaces(model, spec, ref, places);
  return ref;
}

/** The anti-affinity group of that name, made where it is not there yet. */
function groupNamed({ db }: PoolModel, name: string): string {
  const known = db.all("VM_group").find((ref) => db.text("VM_group", ref, "name_label") === name);
  return known ?? db.create("VM_group", { name_label: name, placement: "anti_affinity" });
}

function sizeFields(spec: VmSpec): Record<string, number> {
  const memory = fromMib(spec.memoryMib);
  const minimum = fromMib(spec.minMib);
  return {
    memory_static_max: memory,
    memory_dynamic_max: memory,
    memory_dynamic_min: minimum,
    memory_static_min: Math.min(minimum, 128 * mib),
    memory_target: isActive(spec.power) ? memory : 0,
    memory_overhead: overheadBytes({
      vcpusMax: spec.vcpus,
      staticMaxBytes: memory,
      shadowMultiplier: 1,
      virtualisation: spec.mode,
    }),
    VCPUs_max: spec.vcpus,
    VCPUs_at_startup: spec.vcpus,
    HVM_shadow_multiplier: 1,
  };
}

function bootFlags(model: PoolModel, hostRef: string | undefined): SimMap {
  if (hostRef === undefined) return simMap([]);
  const info = model.db.map("host", hostRef, "cpu_info");
  return simMap([
    ["vendor", info["vendor"] ?? ""],
    ["features", info["features"] ?? ""],
  ]);
}

function buildGuestMetrics(model: PoolModel, spec: VmSpec): string {
  return model.db.create("VM_guest_metrics", {
    PV_drivers_version: simMap([
      ["major", "7"],
      ["minor", "30"],
      ["micro", "0"],
      ["build", "1"],
    ]),
    PV_drivers_up_to_date: true,
    PV_drivers_detected: true,
    live: true,
    last_updated: new Date(model.startMs),
    os_version: simMap([["name", "Debian GNU/Linux"]]),
    networks: spec.address === null ? simMap([]) : simMap([["0/ip", spec.address]]),
    other: simMap([
      ["feature-suspend", "1"],
      ["feature-shutdown", "1"],
      ["feature-balloon", "1"],
    ]),
    ...(spec.fullSize ? fullSizeGuest(model, spec) : {}),
  });
}

function buildDisks(model: PoolModel, spec: VmSpec, vmRef: string, places: BuiltPlaces): void {
  const { db } = model;
  const first = [...places.storage.values()][0] ?? nullRef;
  const anyLocal = [...places.localStorage.values()][0] ?? nullRef;
  const srs = spec.disks.map((disk) =>
    disk === "local"
      ? (places.localStorage.get(spec.on ?? "") ?? anyLocal)
      : (places.storage.get(disk) ?? first),
  );
  const attached = isActive(spec.power);
  for (const [index, SR] of (srs.length > 0 ? srs : [first]).entries()) {
    const VDI = db.create("VDI", {
      SR,
      name_label: `${spec.name} ${index}`,
      type: "user",
      virtual_size: diskBytes,
    });
    const device = `xvd${String.fromCharCode(97 + index)}`;
    const userdevice = String(index);
    db.create("VBD", {
      VM: vmRef,
      VDI,
      device,
      userdevice,
      type: "Disk",
      mode: "RW",
      bootable: index === 0,
      currently_attached: attached,
    });
  }
  db.create("VBD", { VM: vmRef, VDI: nullRef, userdevice: "15", type: "CD", mode: "RO", empty: true });
}

function buildInterfaces(model: PoolModel, spec: VmSpec, vmRef: string, places: BuiltPlaces): void {
  const named = spec.networks.map((name) => places.networks.get(name) ?? nullRef);
  const networks = named.length > 0 ? named : [[...places.networks.values()][0] ?? nullRef];
  for (const [index, network] of networks.entries()) {
    const digits = uuidOf(model.seed, "VIF", vmRef, index).replaceAll("-", "").slice(0, 10);
    model.db.create("VIF", {
      VM: vmRef,
      network,
      device: String(index),
      MAC: `02:${(digits.match(/../g) ?? []).join(":")}`,
      MTU: 1500,
      MAC_autogenerated: true,
      currently_attached: isActive(spec.power),
    });
  }
}
