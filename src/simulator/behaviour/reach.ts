/** Whether the master can reach another host. */

import type { PoolModel } from "../metrics/model.ts";
import { SimFailure } from "../server/failure.ts";

/** Whether the pool counts the host as alive: still true for ten minutes after it died. */
export function isLive(model: PoolModel, hostRef: string): boolean {
  const metrics = model.db.text("host", hostRef, "metrics");
  return model.db.has("host_metrics", metrics) && model.db.get("host_metrics", metrics, "live") === true;
}

/** Throws HOST_OFFLINE for a host known to be dead or off, CANNOT_CONTACT_HOST for one that only does not answer. */
export function assertReachable(model: PoolModel, hostRef: string): void {
  if (!isLive(model, hostRef)) throw new SimFailure("HOST_OFFLINE", [hostRef]);
  if (model.crashed.has(hostRef) || model.dark.has(hostRef))
    throw new SimFailure("CANNOT_CONTACT_HOST", [hostRef]);
}
