/** Hosts and toolstacks that go away and come back. */

import { isActive, masterOf, type PoolModel, poolRefOf } from "../metrics/model.ts";
import type { HostCondition } from "../objects/contract.ts";
import { nullRef } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";
import { nextTurn, notePower } from "./machines.ts";
import { haltVm } from "./vmLifecycle.ts";

/** A silent host counts as alive for so long. */
export const silenceMs = 600_000;
const bootMs = 30_000;

/** What the host answers with at this moment. */
export function conditionOf(model: PoolModel, hostRef: string): HostCondition {
  const nowMs = model.clock.now();
  const outage = model.outages.get(hostRef);
  const silent = model.crashed.has(hostRef) || model.dark.has(hostRef);
  if (silent || (outage !== undefined && nowMs < outage.goneUntilMs)) return "gone";
  return outage !== undefined && nowMs < outage.startingUntilMs ? "starting" : "serving";
}

/** The host loses power. The pool goes on calling it alive for ten minutes, and its VMs running. */
export function crashHost(model: PoolModel, hostRef: string): void {
  model.crashed.add(hostRef);
  nextTurn(model, hostRef, "off");
  notePower(model, hostRef, "crashed", "nobody");
  for (const migration of model.migrations.values()) {
    if (migration.sourceRef !== hostRef && migration.targetRef !== hostRef) continue;
    migration.abort(
      model.release.era === "A"
        ? new SimFailure("HOST_OFFLINE", [migration.targetRef])
        : new SimFailure("INTERNAL_ERROR", ["xenopsd internal error: Unix.Unix_error(Unix.ECONNRESET)"]),
    );
  }
  model.clock.after(silenceMs, () => {
    if (model.crashed.has(hostRef)) setLive(model, hostRef, false);
  });
}

/** The host boots: its VMs are found dead, and for a while it answers HOST_STILL_BOOTING. */
export function recoverHost(model: PoolModel, hostRef: string): void {
  if (!model.crashed.delete(hostRef)) return;
  nextTurn(model, hostRef, "on");
  model.dark.delete(hostRef);
  notePower(model, hostRef, "live", "nobody");
  buryVms(model, hostRef);
  setLive(model, hostRef, true);
  const nowMs = model.clock.now();
  model.outages.set(hostRef, { goneUntilMs: nowMs, startingUntilMs: nowMs + bootMs });
  if (hostRef === masterOf(model)) forgetVolatile(model);
}

/** An administrator declares the crashed host dead: it is not live, and its VMs are halted. */
export function declareDead(model: PoolModel, hostRef: string): void {
  setLive(model, hostRef, false);
  buryVms(model, hostRef);
}

/** The host's toolstack restarts: gone for most of the time, then starting. The master's forgets sessions and tasks. */
export function restartToolstack(model: PoolModel, hostRef: string, seconds: number): void {
  const nowMs = model.clock.now();
  model.outages.set(hostRef, {
    goneUntilMs: nowMs + seconds * 800,
    startingUntilMs: nowMs + seconds * 1000,
  });
  if (hostRef === masterOf(model)) forgetVolatile(model);
}

/** Another host becomes the master: sessions and tasks are gone, both hosts restart their toolstack. */
export function changeMaster(model: PoolModel, hostRef: string, seconds: number): void {
  const before = masterOf(model);
  if (before === hostRef) return;
  model.db.set("pool", poolRefOf(model), "master", hostRef);
  forgetVolatile(model);
  for (const host of [before, hostRef]) restartToolstack(model, host, seconds);
}

/** What the master's database does not keep on disk. */
export function forgetVolatile(model: PoolModel): void {
  for (const cls of ["session", "task"]) {
    for (const ref of model.db.all(cls)) model.db.destroy(cls, ref);
  }
}

export function setLive(model: PoolModel, hostRef: string, live: boolean): void {
  const metrics = model.db.text("host", hostRef, "metrics");
  if (metrics !== nullRef) model.db.set("host_metrics", metrics, "live", live);
}

/** The VMs on the host are found to be halted: their domains went with its power. */
export function buryVms(model: PoolModel, hostRef: string): void {
  for (const vm of guestsOn(model, hostRef)) haltVm(model, vm);
}

/** The VMs with a domain on the host, by the pool's records; control domains are none. */
export function guestsOn(model: PoolModel, hostRef: string): string[] {
  const { db } = model;
  return db
    .list("host", hostRef, "resident_VMs")
    .filter((vm) => db.has("VM", vm) && db.get("VM", vm, "is_control_domain") !== true)
    .filter((vm) => isActive(db.text("VM", vm, "power_state")));
}
