/** A rough form of xapi's failover plan: enough to refuse a placement that leaves protected VMs without a home. */
import { SimFailure } from "./failure.ts";
import { isActive, type PoolModel, poolRefOf } from "./model.ts";
import { freeMemoryOf, requiredMemoryOf } from "./placementMemory.ts";
import { isLive } from "./reach.ts";

/**
 * Throws HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN when, with the VM placed on the host as well, some one host's
 * protected VMs would not fit into the free memory of the others. xapi packs VM by VM and counts several
 * failures; this adds up bytes and counts one.
 */
export function assertPlanHolds(model: PoolModel, vmRef: string, hostRef: string): void {
  const pool = poolRefOf(model);
  if (model.db.get("pool", pool, "ha_enabled") !== true) return;
  if (model.db.number("pool", pool, "ha_host_failures_to_tolerate") < 1) return;
  const hosts = model.db.all("host").filter((host) => isLive(model, host));
  const arriving = requiredMemoryOf(model, vmRef);
  const holds = hosts.every((failing) => {
    const homeless =
      protectedBytes(model, failing) + (failing === hostRef && isProtected(model, vmRef) ? arriving : 0);
    const free = hosts
      .filter((host) => host !== failing && model.db.get("host", host, "enabled") === true)
      .reduce((sum, host) => sum + freeMemoryOf(model, host) - (host === hostRef ? arriving : 0), 0);
    return homeless <= free;
  });
  if (!holds) throw new SimFailure("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN");
}

function protectedBytes(model: PoolModel, hostRef: string): number {
  return model.db
    .list("host", hostRef, "resident_VMs")
    .filter((vm) => model.db.has("VM", vm) && isProtected(model, vm))
    .reduce((sum, vm) => sum + requiredMemoryOf(model, vm), 0);
}

/** Whether HA promises to start the VM again: "restart", or a number on older pools. */
function isProtected(model: PoolModel, vmRef: string): boolean {
  const priority = model.db.text("VM", vmRef, "ha_restart_priority");
  return isActive(model.db.text("VM", vmRef, "power_state")) && /^(restart|\d+)$/.test(priority);
}
