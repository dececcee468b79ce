/** Which operations a VM allows now, and the failure that says why not: checks in xapi's order. */

import type { PoolModel } from "../metrics/model.ts";
import { nullRef } from "../objects/datamodel.ts";
import { isAtLeast } from "../objects/release.ts";
import { SimFailure } from "../server/failure.ts";
import { virtualisationOf } from "./placementMemory.ts";

/** Operations by the power states that allow them. */
const statesOf: Readonly<Record<string, readonly string[]>> = {
  start: ["Halted"],
  start_on: ["Halted"],
  clone: ["Halted", "Suspended"],
  copy: ["Halted", "Suspended"],
  destroy: ["Halted", "Suspended"],
  export: ["Halted", "Suspended"],
  changing_VCPUs: ["Halted"],
  changing_static_range: ["Halted"],
  make_into_template: ["Halted"],
  resume: ["Suspended"],
  resume_on: ["Suspended"],
  clean_shutdown: ["Running"],
  clean_reboot: ["Running"],
  hard_shutdown: ["Running", "Paused", "Suspended"],
  hard_reboot: ["Running", "Paused"],
  pause: ["Running"],
  unpause: ["Paused"],
  suspend: ["Running"],
  snapshot: ["Halted", "Running", "Suspended"],
  checkpoint: ["Running"],
  pool_migrate: ["Running"],
  migrate_send: ["Halted", "Running"],
  changing_VCPUs_live: ["Running"],
  changing_dynamic_range: ["Halted", "Running"],
};

/** Operations that stay possible while another one goes on. */
const alwaysPossible = new Set(["hard_shutdown", "hard_reboot"]);
const needSuspend = new Set(["pool_migrate", "migrate_send", "suspend", "checkpoint"]);
const forTemplates = new Set([
  "clone",
  "copy",
  "destroy",
  "export",
  "changing_VCPUs",
  "changing_static_range",
]);
const forSnapshots = new Set(["clone", "copy", "destroy", "export"]);

/** Why the VM does not allow the operation now, or null when it does. `force` skips what only warns of a guest's troubles. */
export function operationFailure(
  model: PoolModel,
  vmRef: string,
  operation: string,
  force = false,
): SimFailure | null {
  const { db } = model;
  const blocked = db.map("VM", vmRef, "blocked_operations")[operation];
  if (blocked !== undefined) return new SimFailure("OPERATION_BLOCKED", [vmRef, String(blocked)]);
  const states = statesOf[operation] ?? [];
  const power = db.text("VM", vmRef, "power_state");
  if (!states.includes(power)) {
    return new SimFailure("VM_BAD_POWER_STATE", [vmRef, states.join(";").toLowerCase(), power.toLowerCase()]);
  }
  return (
    busyFailure(model, vmRef, operation) ??
    kindFailure(model, vmRef, operation) ??
    (needSuspend.has(operation) ? guestFailure(model, vmRef, force) : null)
  );
}

/** VM.allowed_operations as it should read now. */
export function allowedOperations(model: PoolModel, vmRef: string): string[] {
  if (model.db.get("VM", vmRef, "is_control_domain") === true) return ["changing_dynamic_range"];
  return Object.keys(statesOf).filter((operation) => operationFailure(model, vmRef, operation) === null);
}

function busyFailure(model: PoolModel, vmRef: string, operation: string): SimFailure | null {
  const current = Object.entries(model.db.map("VM", vmRef, "current_operations"));
  if (current.length === 0 || alwaysPossible.has(operation)) return null;
  const operations = current.map(([, name]) => String(name)).join("; ");
  const tasks = current.map(([task]) => task).join("; ");
  return new SimFailure("OTHER_OPERATION_IN_PROGRESS", ["VM", vmRef, operations, tasks]);
}

function kindFailure(model: PoolModel, vmRef: string, operation: string): SimFailure | null {
  const { db } = model;
  const snapshot = db.get("VM", vmRef, "is_a_snapshot") === true;
  if (db.get("VM", vmRef, "is_a_template") === true && !snapshot && !forTemplates.has(operation)) {
    return new SimFailure("VM_IS_TEMPLATE", [vmRef, operation]);
  }
  if (snapshot && !forSnapshots.has(operation)) return new SimFailure("VM_IS_SNAPSHOT", [vmRef, operation]);
  return null;
}

/** What keeps a running guest from being suspended, and so from being moved. */
function guestFailure(model: PoolModel, vmRef: string, force: boolean): SimFailure | null {
  const { db, release } = model;
  const platform = db.map("VM", vmRef, "platform");
  const immobile = platform["nomigrate"] === "true" || platform["nested-virt"] === "true";
  if (!force && immobile && isAtLeast(release, 2, 6)) return new SimFailure("VM_IS_IMMOBILE", [vmRef]);
  if (db.get("VM", vmRef, "is_control_domain") === true) {
    return new SimFailure("OPERATION_NOT_ALLOWED", ["This operation is not allowed on a control domain"]);
  }
  return (
    (force ? null : driverFailure(model, vmRef)) ?? diskFailure(model, vmRef) ?? deviceFailure(model, vmRef)
  );
}

function driverFailure(model: PoolModel, vmRef: string): SimFailure | null {
  const { db, release } = model;
  // A guest that was built for Xen needs no drivers.
  if (virtualisationOf(model, vmRef) !== "hvm") return null;
  const metrics = db.text("VM", vmRef, "guest_metrics");
  const known = metrics !== nullRef && db.has("VM_guest_metrics", metrics);
  const drivers = known && Object.keys(db.map("VM_guest_metrics", metrics, "PV_drivers_version")).length > 0;
  const feature = known && db.map("VM_guest_metrics", metrics, "other")["feature-suspend"] === "1";
  if (drivers || feature) return null;
  if (isAtLeast(release, 2, 7)) return new SimFailure("VM_LACKS_FEATURE", [vmRef]);
  if (isAtLeast(release, 2, 5)) return new SimFailure("VM_LACKS_FEATURE_SUSPEND", [vmRef]);
  return new SimFailure("VM_MISSING_PV_DRIVERS", [vmRef]);
}

function diskFailure(model: PoolModel, vmRef: string): SimFailure | null {
  const { db } = model;
  const resets = db
    .list("VM", vmRef, "VBDs")
    .filter((vbd) => db.has("VBD", vbd) && db.get("VBD", vbd, "empty") !== true)
    .map((vbd) => db.text("VBD", vbd, "VDI"))
    .some((vdi) => db.has("VDI", vdi) && db.get("VDI", vdi, "on_boot") === "reset");
  return resets ? new SimFailure("VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION") : null;
}

function deviceFailure(model: PoolModel, vmRef: string): SimFailure | null {
  const codes: Readonly<Record<string, string>> = {
    attached_PCIs: "VM_HAS_PCI_ATTACHED",
    VGPUs: "VM_HAS_VGPU",
    VUSBs: "VM_HAS_VUSBS",
  };
  const found = Object.keys(codes).find((field) => model.db.list("VM", vmRef, field).length > 0);
  return found === undefined ? null : new SimFailure(codes[found] ?? "", [vmRef]);
}
