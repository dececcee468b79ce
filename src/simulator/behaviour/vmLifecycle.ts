/** Starting, stopping and destroying VMs. */

import { type PoolModel, refOrNull } from "../metrics/model.ts";
import { nullRef } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";
import { possibleHosts } from "./placementChecks.ts";
import { freeMemoryOf } from "./placementMemory.ts";

/** Starts the VM on the host, or on the possible host with most memory; NO_HOSTS_AVAILABLE where there is none. */
export function startVm(model: PoolModel, vmRef: string, hostRef: string | null = null): void {
  const { db } = model;
  const byRoom = possibleHosts(model, vmRef).sort((a, b) => freeMemoryOf(model, b) - freeMemoryOf(model, a));
  const target = hostRef ?? byRoom[0];
  if (target === undefined) throw new SimFailure("NO_HOSTS_AVAILABLE", [vmRef]);
  const highest = Math.max(0, ...db.all("VM").map((vm) => db.number("VM", vm, "domid")));
  model.domainSince.set(vmRef, model.clock.now());
  const metrics = refOrNull(model, "VM", vmRef, "metrics");
  if (metrics !== null) {
    db.update("VM_metrics", metrics, {
      memory_actual: db.number("VM", vmRef, "memory_dynamic_max"),
      VCPUs_number: db.number("VM", vmRef, "VCPUs_at_startup"),
      start_time: new Date(model.clock.now()),
    });
  }
  db.update("VM", vmRef, {
    power_state: "Running",
    resident_on: target,
    domid: highest + 1,
    memory_target: db.number("VM", vmRef, "memory_dynamic_max"),
  });
}

/** Stops the VM, as from inside the guest: also in the middle of a migration, which fails by it. */
export function haltVm(model: PoolModel, vmRef: string): void {
  const { db } = model;
  const metrics = refOrNull(model, "VM", vmRef, "metrics");
  if (metrics !== null) db.update("VM_metrics", metrics, { memory_actual: 0, VCPUs_number: 0 });
  db.update("VM", vmRef, { power_state: "Halted", resident_on: nullRef, domid: -1 });
  model.migrations.get(vmRef)?.abort(new SimFailure("VM_BAD_POWER_STATE", [vmRef, "running", "halted"]));
}

/** Suspends the VM to disk: it keeps what it is, and leaves its host. */
export function suspendVm(model: PoolModel, vmRef: string): void {
  haltVm(model, vmRef);
  model.db.set("VM", vmRef, "power_state", "Suspended");
}

/** Pauses a running VM, or lets a paused one go on. */
export function setPaused(model: PoolModel, vmRef: string, paused: boolean): void {
  model.db.set("VM", vmRef, "power_state", paused ? "Paused" : "Running");
}

/** Removes the VM with its metrics, disks' connections and interfaces; a running one is stopped first. */
export function destroyVm(model: PoolModel, vmRef: string): void {
  const { db } = model;
  if (db.get("VM", vmRef, "power_state") !== "Halted") haltVm(model, vmRef);
  for (const [field, cls] of [
    ["VBDs", "VBD"],
    ["VIFs", "VIF"],
    ["consoles", "console"],
  ] as const) {
    for (const ref of db.list("VM", vmRef, field)) if (db.has(cls, ref)) db.destroy(cls, ref);
  }
  for (const [field, cls] of [
    ["metrics", "VM_metrics"],
    ["guest_metrics", "VM_guest_metrics"],
  ] as const) {
    const ref = db.text("VM", vmRef, field);
    if (db.has(cls, ref)) db.destroy(cls, ref);
  }
  db.destroy("VM", vmRef);
  model.vmLoads.delete(vmRef);
  model.domainSince.delete(vmRef);
}

/** Balloons the guest: its target and what it occupies. */
export function setMemory(model: PoolModel, vmRef: string, bytes: number): void {
  const metrics = refOrNull(model, "VM", vmRef, "metrics");
  if (metrics !== null) model.db.set("VM_metrics", metrics, "memory_actual", bytes);
  model.db.set("VM", vmRef, "memory_target", bytes);
}
