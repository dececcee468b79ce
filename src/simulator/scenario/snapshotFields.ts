/** What a scenario cannot say: names, exact memory, reasons and gaps of a snapshot, put into the objects it made. */
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { machineOf } from "../behaviour/machines.ts";
import { mib } from "../behaviour/memory.ts";
import { isActive, type PoolModel, poolRefOf } from "../metrics/model.ts";
import { simMap } from "../objects/datamodel.ts";
import type { InfeasibilityCauses, VmNeeds } from "./snapshotInfeasiblePairs.ts";
import { eth0Devices } from "./snapshotWires.ts";

/** Who runs where. */
export interface Residence {
  readonly hostOf: ReadonlyMap<Uuid, Uuid>;
  readonly vmsOn: ReadonlyMap<Uuid, readonly Vm[]>;
  /** The control domain that each host is built with. */
  readonly controlOf: ReadonlyMap<Uuid, Vm>;
  /** Clock rate of each host's CPUs. */
  readonly mhzOf: ReadonlyMap<Uuid, number>;
}

/** Finishes the pool that was built from the snapshot's scenario. */
export function finishPool(
  model: PoolModel,
  snapshot: Snapshot,
  residence: Residence,
  causes: InfeasibilityCauses,
): void {
  const { db } = model;
  const refs = new Map<Uuid, string>();
  for (const cls of ["host", "VM"]) {
    for (const ref of db.all(cls)) refs.set(db.text(cls, ref, "uuid") as Uuid, ref);
  }
  finishPlaces(model, causes);
  const staticMax = snapshot.hosts.some(({ version }) => Number.parseInt(version, 10) <= 6);
  for (const vm of snapshot.vms) {
    const ref = refs.get(vm.uuid);
    if (ref !== undefined)
      new VmFinisher(model, ref, vm).finish(causes.needs.get(vm.uuid), staticMax, snapshot.hosts);
  }
  for (const host of snapshot.hosts)
    finishHost(model, refs.get(host.uuid) ?? "", host, { residence, causes, refs });
  finishGroups(model, snapshot.vms, refs);
  db.update("pool", poolRefOf(model), {
    ha_enabled: snapshot.pool.haEnabled,
    ha_host_failures_to_tolerate: snapshot.pool.haTolerance ?? 0,
    ha_plan_exists_for: snapshot.pool.haPlannedFor ?? 0,
    wlb_enabled: snapshot.pool.wlbEnabled,
    other_config: simMap(snapshot.pool.rollingUpgrade ? [["rolling_upgrade_in_progress", "true"]] : []),
  });
}

function finishPlaces({ db }: PoolModel, { storage, networks }: InfeasibilityCauses): void {
  const names = new Map([...storage, ...networks].map(({ key, name }) => [key, name]));
  for (const cls of ["SR", "network"]) {
    for (const ref of db.all(cls)) {
      const name = names.get(db.text(cls, ref, "name_label"));
      if (name !== undefined) db.set(cls, ref, "name_label", name);
    }
  }
}

class VmFinisher {
  readonly #model: PoolModel;
  readonly #ref: string;
  readonly #vm: Vm;

  constructor(model: PoolModel, ref: string, vm: Vm) {
    this.#model = model;
    this.#ref = ref;
    this.#vm = vm;
  }

  finish(needs: VmNeeds | undefined, staticMax: boolean, hosts: readonly Host[]): void {
    const { db } = this.#model;
    const vm = this.#vm;
    db.update("VM", this.#ref, {
      name_label: vm.name,
      power_state: vm.powerState,
      is_control_domain: vm.isControlDomain,
      tags: [...vm.tags],
    });
    this.#setMemory(staticMax);
    this.#setCpus(needs, hosts);
    this.#setImmovable();
    if (needs !== undefined) this.#nameDisks(needs);
    if (vm.powerState === "Running") this.#setGaps();
  }

  /** Sizes for which xapi's arithmetic gives what the snapshot says. */
  #setMemory(staticMax: boolean): void {
    const { db } = this.#model;
    const { copyBytes, placementBytes, memoryMb, powerState, shrinksToBytes } = this.#vm;
    const occupied = copyBytes ?? (memoryMb ?? 0) * mib;
    const needed = placementBytes ?? 0;
    const minimum = shrinksToBytes ?? Math.floor(Math.min(needed, occupied) / mib) * mib;
    const rounded = Math.ceil(minimum / mib) * mib;
    const counted = staticMax ? Math.max(rounded, Math.floor(occupied / mib) * mib) : rounded;
    const fixedMost = powerState === "Running" ? minimum : occupied;
    db.update("VM", this.#ref, {
      memory_static_min: 0,
      memory_dynamic_min: minimum,
      memory_dynamic_max: shrinksToBytes === null ? fixedMost : Math.max(occupied, minimum + 1),
      memory_static_max: staticMax ? counted : occupied,
      memory_target: isActive(powerState) ? occupied : 0,
      memory_overhead: Math.max(0, needed - counted),
    });
    db.set(
      "VM_metrics",
      db.text("VM", this.#ref, "metrics"),
      "memory_actual",
      isActive(powerState) ? occupied : 0,
    );
  }

  #setCpus(needs: VmNeeds | undefined, hosts: readonly Host[]): void {
    const { db } = this.#model;
    const { vcpuNum, powerState, isControlDomain } = this.#vm;
    const most = needs?.vcpusMax ?? vcpuNum ?? 0;
    db.update("VM", this.#ref, { VCPUs_max: most, VCPUs_at_startup: Math.max(1, vcpuNum ?? 1) });
    db.set(
      "VM_metrics",
      db.text("VM", this.#ref, "metrics"),
      "VCPUs_number",
      isActive(powerState) ? (vcpuNum ?? 0) : 0,
    );
    if (isControlDomain) return;
    if (needs?.hardwarePlatform != null)
      db.set("VM", this.#ref, "hardware_platform_version", needs.hardwarePlatform);
    const unrestricted =
      needs?.vcpusMax == null && hosts.some(({ cpuNum }) => cpuNum !== null && cpuNum < most);
    if (unrestricted) {
      const platform = Object.entries(db.map("VM", this.#ref, "platform"));
      db.set("VM", this.#ref, "platform", simMap([...platform, ["vcpu-unrestricted", "true"]]));
    }
    const vendor: [string, string][] = needs?.vendor == null ? [] : [["vendor", needs.vendor]];
    const features: [string, string][] = needs === undefined ? [] : [["features", needs.features]];
    db.set("VM", this.#ref, "last_boot_CPU_flags", simMap([...vendor, ...features]));
  }

  #setImmovable(): void {
    const { db } = this.#model;
    const reason = this.#vm.immovable;
    if (
      reason === null ||
      this.#vm.isControlDomain ||
      /^(VM_IS_IMMOBILE|VM_LACKS_FEATURE|VM_HAS_PCI)/.test(reason)
    )
      return;
    // A VM that does not run is not offered to be moved, whatever it is.
    if (reason.startsWith("OPERATION_NOT_ALLOWED") && this.#vm.powerState !== "Running") return;
    const guest = db.text("VM", this.#ref, "guest_metrics");
    const suspend = /^VM_NON_SUSPENDABLE \((.*)\)$/s.exec(reason);
    if (suspend !== null && db.has("VM_guest_metrics", guest)) {
      const other = Object.entries(db.map("VM_guest_metrics", guest, "other"));
      const why: [string, string] = ["data-cant-suspend-reason", suspend[1] ?? ""];
      db.set(
        "VM_guest_metrics",
        guest,
        "other",
        simMap([...other.map(([key, value]): [string, string] => [key, String(value)]), why]),
      );
      return;
    }
    if (reason.startsWith("VDI_ON_BOOT_MODE_INCOMPATIBLE")) {
      for (const vdi of this.#disks()) db.set("VDI", vdi, "on_boot", "reset");
      return;
    }
    // Whatever else keeps the VM where it is, the pool refuses to move it.
    const words = /^OPERATION_BLOCKED \((.*)\)$/s.exec(reason)?.[1] ?? reason;
    db.set("VM", this.#ref, "blocked_operations", simMap([["pool_migrate", words]]));
  }

  #nameDisks(needs: VmNeeds): void {
    for (const [index, vdi] of this.#disks().entries()) {
      const name = needs.disks[index]?.name;
      if (name !== undefined) this.#model.db.set("VDI", vdi, "name_label", name);
    }
  }

  #disks(): string[] {
    const { db } = this.#model;
    const vbds = db.list("VM", this.#ref, "VBDs").filter((vbd) => db.get("VBD", vbd, "empty") !== true);
    return vbds.map((vbd) => db.text("VBD", vbd, "VDI")).filter((vdi) => db.has("VDI", vdi));
  }

  /** What was unknown stays unknown. */
  #setGaps(): void {
    const { memoryMb, memoryInternalFreeMb, vif0RxKb, vif0TxKb, vcpuAverage } = this.#vm;
    addGaps(this.#model, this.#ref, [
      ["memory", memoryMb],
      ["memory_internal_free", memoryInternalFreeMb],
      ["vif_0_rx", vif0RxKb],
      ["vif_0_tx", vif0TxKb],
      ["cpu*", vcpuAverage],
    ]);
  }
}

interface Around {
  readonly residence: Residence;
  readonly causes: InfeasibilityCauses;
  readonly refs: ReadonlyMap<Uuid, string>;
}

function finishHost(model: PoolModel, ref: string, host: Host, { residence, causes, refs }: Around): void {
  const { db } = model;
  const software = Object.entries(db.map("host", ref, "software_version")).filter(
    ([key]) => key !== "product_version",
  );
  const version: [string, string][] = host.version === "" ? [] : [["product_version", host.version]];
  const lacking = causes.cpus.get(host.uuid)?.lackingPlatforms ?? new Set();
  db.update("host", ref, {
    name_label: host.name,
    software_version: simMap([
      ...software.map(([key, value]): [string, string] => [key, String(value)]),
      ...version,
    ]),
    virtual_hardware_platform_versions: [0, 1, 2].filter((platform) => !lacking.has(platform)),
  });
  const vms = residence.vmsOn.get(host.uuid) ?? [];
  setHostMemory(
    model,
    ref,
    host,
    vms.map(({ uuid }) => refs.get(uuid) ?? ""),
  );
  if (!host.live || (!host.read && !host.isMaster)) {
    // A live host that nobody could read is as good as dead: neither counts, neither receives anything.
    db.set("host_metrics", db.text("host", ref, "metrics"), "live", false);
    model.crashed.add(ref);
    machineOf(model, ref).state = "off";
    model.power.beginOff(ref);
    return;
  }
  addGaps(model, ref, [
    ["memory_total_kib", host.memoryTotalMb],
    ["memory_free_kib", host.memoryFreeMb],
    ["xapi_memory_usage_kib", host.xapiMemoryUsageMb],
    ["xapi_free_memory_kib", host.xapiFreeMemoryMb],
    ["pif_lo_rx", host.pifLoRxKb],
    ["pif_lo_tx", host.pifLoTxKb],
    ...eth0Devices(host).flatMap((device): [string, number | null][] => [
      [`pif_${device}_rx`, host.pifEth0RxKb],
      [`pif_${device}_tx`, host.pifEth0TxKb],
    ]),
    ["loadavg", host.dom0LoadAvg],
    ["cpu*", host.cpuAverage],
  ]);
}

/**
 * The overhead of Xen follows from what xapi would still give to arriving VMs; the control domain makes up for the
 * difference to what is free at this moment.
 */
function setHostMemory(model: PoolModel, ref: string, host: Host, vms: readonly string[]): void {
  const { db } = model;
  const control = db.text("host", ref, "control_domain");
  const number = (vm: string, field: string) => db.number("VM", vm, field);
  const actual = (vm: string) => db.number("VM_metrics", db.text("VM", vm, "metrics"), "memory_actual");
  const guests = vms.filter((vm) => vm !== control);
  const shrunk = sum(
    [...guests, control].map((vm) => number(vm, "memory_dynamic_min") + number(vm, "memory_overhead")),
  );
  const free = host.placementFreeBytes ?? 0;
  const total = host.memoryTotalMb === null ? free + shrunk : host.memoryTotalMb * mib;
  const overhead = Math.max(0, total - free - shrunk);
  db.set("host", ref, "memory_overhead", overhead);
  db.set(
    "host_metrics",
    db.text("host", ref, "metrics"),
    "memory_total",
    host.placementFreeBytes === null ? 0 : total,
  );
  if (host.memoryFreeMb === null) return;
  const used = sum(guests.map((vm) => actual(vm) + number(vm, "memory_overhead")));
  const counted = number(control, "memory_dynamic_min") + number(control, "memory_overhead");
  const own = Math.max(
    0,
    Math.min(counted, total - overhead - used - actual(control) - host.memoryFreeMb * mib),
  );
  db.update("VM", control, {
    memory_overhead: own,
    memory_static_min: 0,
    memory_dynamic_min: counted - own,
    memory_static_max: Math.max(counted - own, number(control, "memory_static_max")),
  });
}

function finishGroups({ db }: PoolModel, vms: readonly Vm[], refs: ReadonlyMap<Uuid, string>): void {
  const groups = new Map<string, string>();
  const hosts = new Map(db.all("host").map((host) => [db.text("host", host, "uuid"), host]));
  for (const { uuid, antiAffinityGroups, homeServer } of vms) {
    const home = hosts.get(homeServer ?? "");
    const own = refs.get(uuid);
    if (home !== undefined && own !== undefined) db.set("VM", own, "affinity", home);
    for (const name of antiAffinityGroups) {
      const group =
        groups.get(name) ?? db.create("VM_group", { name_label: name, placement: "anti_affinity" });
      groups.set(name, group);
    }
    const ref = refs.get(uuid);
    if (ref === undefined || antiAffinityGroups.length === 0) continue;
    db.set(
      "VM",
      ref,
      "groups",
      antiAffinityGroups.map((name) => groups.get(name) ?? ""),
    );
  }
}

function addGaps(
  model: PoolModel,
  ref: string,
  sources: readonly (readonly [string, number | null])[],
): void {
  for (const [source, value] of sources) {
    if (value !== null) continue;
    const [fromMs, untilMs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    model.faults.addNanWindow({ ref, source, fromMs, untilMs });
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
