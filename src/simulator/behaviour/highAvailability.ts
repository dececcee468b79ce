/** A rough form of xapi's failover plan: enough to refuse what would leave protected VMs without a home. */

import { isActive, type PoolModel, poolRefOf } from "../metrics/model.ts";
import { SimFailure } from "../server/failure.ts";
import { freeMemoryOf, requiredMemoryOf } from "./placementMemory.ts";
import { isLive } from "./reach.ts";

/** What is planned to change. */
interface HaChange {
  /** This host accepts VMs no more. */
  readonly disabling?: string;
  /** The VM comes to the host, and still counts where it was. */
  readonly arriving?: { readonly vmRef: string; readonly hostRef: string };
}

/**
 * Throws HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN when there is a plan now and would be none with the VM placed on the
 * host as well.
 */
export function assertPlanHolds(model: PoolModel, vmRef: string, hostRef: string): void {
  assertChangeKeepsPlan(model, { arriving: { vmRef, hostRef } });
}

/** The same for a host that is to be disabled, and so leaves the plan. */
export function assertDisableKeepsPlan(model: PoolModel, hostRef: string): void {
  assertChangeKeepsPlan(model, { disabling: hostRef });
}

function assertChangeKeepsPlan(model: PoolModel, change: HaChange): void {
  const { db } = model;
  const pool = poolRefOf(model);
  if (db.get("pool", pool, "ha_enabled") !== true || db.get("pool", pool, "ha_allow_overcommit") === true)
    return;
  const failures = db.number("pool", pool, "ha_plan_exists_for");
  // Without a plan nothing can get worse.
  if (!hasPlan(model, failures) || hasPlan(model, failures, change)) return;
  throw new SimFailure("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN");
}

/** Writes what the pool says of its plan: for how many failures there is one, and whether that is too few. */
export function updatePoolStatus(model: PoolModel): void {
  const { db } = model;
  const pool = db.all("pool")[0];
  if (pool === undefined || db.get("pool", pool, "ha_enabled") !== true) return;
  const wanted = db.number("pool", pool, "ha_host_failures_to_tolerate");
  let planned = wanted;
  while (planned > 0 && !hasPlan(model, planned)) planned -= 1;
  db.update("pool", pool, {
    ha_plan_exists_for: planned,
    ha_overcommitted: planned < wanted || !hasPlan(model, planned),
  });
}

/**
 * Whether the protected VMs would have a home after the worst `failures` hosts had failed. xapi packs VM by VM; this
 * adds up bytes.
 */
function hasPlan(model: PoolModel, failures: number, change: HaChange = {}): boolean {
  const { db } = model;
  const hosts = db
    .all("host")
    .filter((host) => isLive(model, host) && db.get("host", host, "enabled") === true)
    .filter((host) => host !== change.disabling);
  const places = hosts.map((host) => placeOf(model, host, change));
  // A host that fails takes its memory along and leaves its VMs behind: the worst are those with most of both.
  const lost = places.map(({ free, held }) => free + held).sort((a, b) => b - a);
  const free = places.reduce((total, place) => total + place.free, 0);
  return sum(lost.slice(0, failures)) + homelessBytes(model, new Set(hosts)) <= free;
}

function placeOf(model: PoolModel, hostRef: string, { arriving }: HaChange): { free: number; held: number } {
  const here = model.db.list("host", hostRef, "resident_VMs").filter((vm) => isProtected(model, vm));
  const comes = arriving?.hostRef === hostRef ? arriving.vmRef : null;
  const more = comes === null ? 0 : requiredMemoryOf(model, comes);
  return {
    free: freeMemoryOf(model, hostRef) - more,
    held:
      sum(here.map((vm) => requiredMemoryOf(model, vm))) +
      (comes !== null && isProtected(model, comes) ? more : 0),
  };
}

/** Protected VMs that are on none of the hosts the plan counts, nor promised to one. */
function homelessBytes(model: PoolModel, counted: ReadonlySet<string>): number {
  const { db } = model;
  const homeless = db
    .all("VM")
    .filter((vm) => isProtected(model, vm))
    .filter((vm) => !counted.has(db.text("VM", vm, "resident_on")))
    .filter((vm) => !counted.has(db.text("VM", vm, "scheduled_to_be_resident_on")));
  return sum(homeless.map((vm) => requiredMemoryOf(model, vm)));
}

/** Whether HA promises to start the VM again: "restart", or a number on older pools. */
export function isProtected(model: PoolModel, vmRef: string): boolean {
  if (!model.db.has("VM", vmRef)) return false;
  const priority = model.db.text("VM", vmRef, "ha_restart_priority");
  return isActive(model.db.text("VM", vmRef, "power_state")) && /^(restart|\d+)$/.test(priority);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
