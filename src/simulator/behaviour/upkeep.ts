/** Keeps what follows from other fields as they change: allowed operations, history, free memory, woken waiters. */

import type { VmMoment } from "../metrics/history.ts";
import { idleVm, isActive, memoryOf, type PoolModel, refOrNull, unusedBytes } from "../metrics/model.ts";
import { nullRef } from "../objects/datamodel.ts";
import { updatePoolStatus } from "./highAvailability.ts";
import { allowedHostOperations } from "./hostOperations.ts";
import { allowedOperations } from "./vmOperations.ts";

/**
 * Watches the pool's objects from now on, whoever changes them; returns how to stop. Objects that are there
 * already are brought up to date at once.
 */
export function startUpkeep(model: PoolModel): () => void {
  const { db } = model;
  const owners = new Map<string, string>();
  const lives = new Map<string, unknown>();
  let seen = 0;
  let busy = false;
  const follow = (): void => {
    // Our own writes change the journal as well; the loop below sees them.
    if (busy) return;
    busy = true;
    try {
      while (seen < db.journal.generation) seen = catchUp(model, owners, lives, seen);
    } finally {
      busy = false;
    }
  };
  follow();
  return db.journal.onChange(follow);
}

function catchUp(
  model: PoolModel,
  owners: Map<string, string>,
  lives: Map<string, unknown>,
  seen: number,
): number {
  const { db } = model;
  owners.delete(nullRef);
  const until = db.journal.generation;
  const vms = new Set<string>();
  const hosts = new Set<string>();
  for (const change of db.journal.since(seen)) {
    if (change.cls === "VM" && change.operation === "del") model.history.forget(change.ref);
    else if (change.cls === "VM") vms.add(change.ref);
    else if (change.cls === "host" && change.operation !== "del") hosts.add(change.ref);
    else if (change.cls === "host_metrics") noteLife(model, change.ref, lives, hosts);
    else if (owners.has(change.ref)) vms.add(owners.get(change.ref) ?? "");
  }
  for (const vm of [...vms].filter((ref) => db.has("VM", ref))) {
    for (const field of ["metrics", "guest_metrics"]) owners.set(db.text("VM", vm, field), vm);
    keepVm(model, vm, hosts);
  }
  for (const host of hosts) if (db.has("host", host)) keepHost(model, host);
  if (vms.size + hosts.size > 0) updatePoolStatus(model);
  return until;
}

/** Of a host's metrics only its life matters to others; its memory changes with every breath of a VM. */
function noteLife(
  { db }: PoolModel,
  metricsRef: string,
  lives: Map<string, unknown>,
  hosts: Set<string>,
): void {
  const live = db.has("host_metrics", metricsRef) ? db.get("host_metrics", metricsRef, "live") : null;
  if (lives.get(metricsRef) === live) return;
  lives.set(metricsRef, live);
  for (const host of db.all("host")) if (db.text("host", host, "metrics") === metricsRef) hosts.add(host);
}

function keepVm(model: PoolModel, vmRef: string, hosts: Set<string>): void {
  const { db } = model;
  noteVm(model, vmRef);
  db.set("VM", vmRef, "allowed_operations", allowedOperations(model, vmRef));
  for (const field of ["resident_on", "scheduled_to_be_resident_on"]) {
    const host = db.text("VM", vmRef, field);
    if (host !== nullRef && db.has("host", host)) hosts.add(host);
  }
  for (const wake of model.waiters.get(vmRef) ?? []) wake();
}

function keepHost(model: PoolModel, hostRef: string): void {
  const { db } = model;
  db.set("host", hostRef, "allowed_operations", allowedHostOperations(model, hostRef));
  const metrics = db.text("host", hostRef, "metrics");
  if (db.has("host_metrics", metrics))
    db.set("host_metrics", metrics, "memory_free", unusedBytes(model, hostRef));
  for (const wake of model.waiters.get(hostRef) ?? []) wake();
}

/** Records what measuring needs to know of the VM from now on. */
export function noteVm(model: PoolModel, vmRef: string): void {
  model.history.note(vmRef, model.clock.now(), momentOf(model, vmRef));
}

function momentOf(model: PoolModel, vmRef: string): VmMoment {
  const power = model.db.text("VM", vmRef, "power_state");
  const migration = model.migrations.get(vmRef);
  return {
    hostRef: isActive(power) ? refOrNull(model, "VM", vmRef, "resident_on") : null,
    power,
    frozen: migration?.frozen === true,
    domainSinceMs: model.domainSince.get(vmRef) ?? Number.NEGATIVE_INFINITY,
    memoryBytes: memoryOf(model, vmRef),
    load: model.vmLoads.get(vmRef) ?? idleVm,
    copyTo:
      migration === undefined || migration.sourceRef === migration.targetRef ? null : migration.targetRef,
    copyRate: migration?.rate ?? 0,
  };
}
