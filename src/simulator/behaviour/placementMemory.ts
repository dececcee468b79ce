/** The memory arithmetic of placement, fed from the pool's objects. */

import { type PoolModel, totalBytes } from "../metrics/model.ts";
import { freeBytes, type MemoryDemand, overheadBytes, requiredBytes, type Virtualisation } from "./memory.ts";

/** host.compute_free_memory; `leavingOut` is a VM whose reservation does not count. */
export function freeMemoryOf(model: PoolModel, hostRef: string, leavingOut: string | null = null): number {
  const { db } = model;
  const scheduled = db
    .all("VM")
    .filter((vm) => vm !== leavingOut && db.get("VM", vm, "scheduled_to_be_resident_on") === hostRef);
  return freeBytes({
    totalBytes: totalBytes(model, hostRef),
    overheadBytes: db.number("host", hostRef, "memory_overhead"),
    residents: db
      .list("host", hostRef, "resident_VMs")
      .filter((vm) => db.has("VM", vm))
      .map((vm) => demandOf(model, vm)),
    scheduled: scheduled.map((vm) => demandOf(model, vm)),
  });
}

/** What a host must have free to take the VM. */
export function requiredMemoryOf(model: PoolModel, vmRef: string): number {
  return requiredBytes(demandOf(model, vmRef));
}

function demandOf(model: PoolModel, vmRef: string): MemoryDemand {
  return {
    dynamicMinBytes: model.db.number("VM", vmRef, "memory_dynamic_min"),
    overheadBytes: model.db.number("VM", vmRef, "memory_overhead"),
  };
}

/** VM.compute_memory_overhead. */
export function computedOverheadOf(model: PoolModel, vmRef: string): number {
  const { db } = model;
  return overheadBytes({
    vcpusMax: db.number("VM", vmRef, "VCPUs_max"),
    staticMaxBytes: db.number("VM", vmRef, "memory_static_max"),
    shadowMultiplier: db.number("VM", vmRef, "HVM_shadow_multiplier"),
    virtualisation: virtualisationOf(model, vmRef),
  });
}

/** How the VM is virtualised: by its domain type, on older pools by whether it has a boot policy. */
export function virtualisationOf(model: PoolModel, vmRef: string): Virtualisation {
  const type = model.db.text("VM", vmRef, "domain_type");
  if (type === "hvm" || type === "pvh" || type === "pv" || type === "pv_in_pvh") return type;
  return model.db.text("VM", vmRef, "HVM_boot_policy") === "" ? "pv" : "hvm";
}
