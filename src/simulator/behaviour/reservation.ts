/** The promise of a place on the target: written before the copy, taken back after it. */

import type { ActiveMigration, PoolModel } from "../metrics/model.ts";
import { nullRef, type SimMap, simMap } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";

export interface ReservationRequest {
  readonly vmRef: string;
  readonly sourceRef: string;
  readonly targetRef: string;
  readonly taskRef: string;
  /** Ends the migration that the reservation is for. */
  readonly stop: AbortController;
}

/** Promises the target to the VM; throws OTHER_OPERATION_IN_PROGRESS when the host is being emptied. */
export function reserve(model: PoolModel, request: ReservationRequest): ActiveMigration {
  const { vmRef, sourceRef, targetRef, taskRef, stop } = request;
  assertHostTakes(model, targetRef);
  const migration: ActiveMigration = {
    sourceRef,
    targetRef,
    rate: 0,
    handover: false,
    frozen: false,
    abort: (failure) => stop.abort(failure),
  };
  model.migrations.set(vmRef, migration);
  const { db } = model;
  db.update("VM", vmRef, {
    scheduled_to_be_resident_on: targetRef,
    current_operations: withKey(db.map("VM", vmRef, "current_operations"), taskRef, "pool_migrate"),
  });
  const operations = db.map("host", targetRef, "current_operations");
  db.set("host", targetRef, "current_operations", withKey(operations, taskRef, "vm_migrate"));
  return migration;
}

/** Takes the promise back and ends the operation on the VM and the host, whatever became of the migration. */
export function leave(model: PoolModel, vmRef: string, targetRef: string, taskRef: string): void {
  const { db } = model;
  model.migrations.delete(vmRef);
  if (db.has("VM", vmRef)) {
    db.update("VM", vmRef, {
      scheduled_to_be_resident_on: nullRef,
      current_operations: withoutKey(db.map("VM", vmRef, "current_operations"), taskRef),
    });
  }
  if (!db.has("host", targetRef)) return;
  const operations = db.map("host", targetRef, "current_operations");
  db.set("host", targetRef, "current_operations", withoutKey(operations, taskRef));
}

function assertHostTakes(model: PoolModel, hostRef: string): void {
  const current = Object.entries(model.db.map("host", hostRef, "current_operations"));
  const blocking = current.find(([, operation]) =>
    ["evacuate", "reboot", "shutdown"].includes(String(operation)),
  );
  if (blocking === undefined) return;
  throw new SimFailure("OTHER_OPERATION_IN_PROGRESS", ["host", hostRef, String(blocking[1]), blocking[0]]);
}

function withKey(map: SimMap, key: string, value: string): SimMap {
  return simMap([...Object.entries(map), [key, value]]);
}

function withoutKey(map: SimMap, key: string): SimMap {
  return simMap(Object.entries(map).filter(([other]) => other !== key));
}
