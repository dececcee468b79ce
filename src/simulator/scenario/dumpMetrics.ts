/** Metrics for what has none in its dump: some versions of xapi keep them out of the database. */
import { uuidOf } from "../behaviour/chance.ts";
import { mib } from "../behaviour/memory.ts";
import { isActive, type PoolModel, refOrNull } from "../metrics/model.ts";
import { simMap } from "../objects/datamodel.ts";
import type { Notify } from "./dumpFields.ts";

const gib = 1024 * mib;

/** Gives hosts and running VMs without metrics their own, and says so. */
export function completeMetrics(model: PoolModel, notify: Notify): void {
  completeVms(model, notify);
  completeHosts(model, notify);
  completeCpus(model, notify);
}

function completeVms(model: PoolModel, notify: Notify): void {
  const { db } = model;
  const active = db.all("VM").filter((vm) => isActive(db.text("VM", vm, "power_state")));
  const without = active.filter((vm) => lacks(model, "VM", vm, "VM_metrics", "metrics"));
  for (const vm of without) create(model, "VM", vm, "VM_metrics", "metrics");
  // A ref to what is not there tells that the guest had tools; without its metrics it could not be moved.
  const guests = active.filter(
    (vm) =>
      refOrNull(model, "VM", vm, "guest_metrics") !== null &&
      lacks(model, "VM", vm, "VM_guest_metrics", "guest_metrics"),
  );
  for (const vm of guests) {
    const ref = create(model, "VM", vm, "VM_guest_metrics", "guest_metrics");
    db.update("VM_guest_metrics", ref, {
      PV_drivers_detected: true,
      live: true,
      other: simMap(["feature-suspend", "feature-shutdown", "feature-balloon"].map((name) => [name, "1"])),
    });
  }
  if (without.length > 0)
    notify(
      `the dump has no VM_metrics of ${named(model, "VM", without)}: their vCPUs and memory are those configured`,
    );
  if (guests.length > 0)
    notify(
      `the dump has no VM_guest_metrics of ${named(model, "VM", guests)}: they are taken to have their tools`,
    );
}

function completeHosts(model: PoolModel, notify: Notify): void {
  const { db } = model;
  const hosts = db.all("host");
  const without = hosts.filter((host) => lacks(model, "host", host, "host_metrics", "metrics"));
  if (without.length === 0) return;
  const known = hosts
    .filter((host) => !without.includes(host))
    .map((host) => db.number("host_metrics", db.text("host", host, "metrics"), "memory_total"));
  // Hosts of one pool are mostly alike; whole steps of 4 GiB are what machines have.
  const wanted = Math.max(...without.map((host) => (occupied(model, host) * 4) / 3));
  const total = Math.max(...known, Math.ceil(wanted / (4 * gib)) * 4 * gib);
  for (const host of without) {
    const ref = create(model, "host", host, "host_metrics", "metrics");
    db.update("host_metrics", ref, { memory_total: total, last_updated: new Date(model.clock.now()) });
  }
  notify(
    `the dump has no host_metrics of ${named(model, "host", without)}: they get metrics of their own, are taken to be alive, each with ${Math.round(total / gib)} GiB of memory`,
  );
}

/** What Xen and the VMs there take up at their largest. */
function occupied(model: PoolModel, hostRef: string): number {
  const { db } = model;
  return db
    .list("host", hostRef, "resident_VMs")
    .filter((vm) => db.has("VM", vm))
    .map((vm) => db.number("VM", vm, "memory_dynamic_max") + db.number("VM", vm, "memory_overhead"))
    .reduce((sum, bytes) => sum + bytes, db.number("host", hostRef, "memory_overhead"));
}

/** Without its CPUs a host could neither be measured nor take a VM. */
function completeCpus(model: PoolModel, notify: Notify): void {
  const { db } = model;
  const without = db.all("host").filter((host) => db.list("host", host, "host_CPUs").length === 0);
  for (const host of without) {
    const counted = Number(db.map("host", host, "cpu_info")["cpu_count"] ?? 0);
    const count = Number.isInteger(counted) && counted > 0 && counted <= 8192 ? counted : 8;
    for (let number = 0; number < count; number += 1) {
      const uuid = uuidOf(model.seed, "host_cpu", host, number);
      db.create("host_cpu", { host, number, uuid });
    }
    notify(
      `the dump has no host_cpu of host ${db.text("host", host, "name_label").slice(0, 60)}: it gets ${count} CPUs`,
    );
  }
}

function lacks(model: PoolModel, cls: string, ref: string, target: string, field: string): boolean {
  const pointed = refOrNull(model, cls, ref, field);
  return pointed === null || !model.db.has(target, pointed);
}

/** Creates what `cls.field` points at, under the ref that it names. */
function create(model: PoolModel, cls: string, ref: string, target: string, field: string): string {
  const pointed = refOrNull(model, cls, ref, field);
  const uuid = uuidOf(model.seed, target, ref);
  const created = model.db.create(target, { uuid }, pointed ?? `OpaqueRef:${uuid}`);
  model.db.set(cls, ref, field, created);
  return created;
}

function named(model: PoolModel, cls: string, refs: readonly string[]): string {
  const names = refs.slice(0, 8).map((ref) => model.db.text(cls, ref, "name_label").slice(0, 60));
  return names.join(", ") + (refs.length > names.length ? ` and ${refs.length - names.length} more` : "");
}
