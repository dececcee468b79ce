/** Which operations a host allows now, the failure that says why not, and the marks of those that go on. */

import type { PoolModel } from "../metrics/model.ts";
import type { TaskHandle } from "../objects/contract.ts";
import { simMap } from "../objects/datamodel.ts";
import { enumValues } from "../objects/datamodelEnums.ts";
import { SimFailure } from "../server/failure.ts";
import { isLive } from "./reach.ts";
import { untilNothingFails } from "./waiting.ts";

const operations = (enumValues["host_allowed_operations"] ?? "").split(" ");
const arriving = new Set(["provision", "vm_resume", "vm_migrate"]);
const leaving = new Set(["evacuate", "reboot", "shutdown"]);
/** Of the operations in progress, those that exclude others beside the two groups. */
const exclusions: Readonly<Record<string, readonly string[]>> = {
  reboot: ["shutdown", "apply_updates"],
  shutdown: ["reboot", "apply_updates"],
  apply_updates: ["reboot", "shutdown", "enable"],
  provision: ["provision"],
};
const needDisabled = new Set(["reboot", "shutdown", "apply_updates"]);

/** Why the host does not allow the operation now, or null when it does; xapi's checks in xapi's order. */
export function hostOperationFailure(
  model: PoolModel,
  hostRef: string,
  operation: string,
): SimFailure | null {
  return (
    busyFailure(model, hostRef, operation) ??
    (needDisabled.has(operation) && model.db.get("host", hostRef, "enabled") === true
      ? new SimFailure("HOST_NOT_DISABLED")
      : null) ??
    (operation === "power_on" ? wakeFailure(model, hostRef) : null)
  );
}

/** host.allowed_operations as it should read now. */
export function allowedHostOperations(model: PoolModel, hostRef: string): string[] {
  return operations.filter((operation) => hostOperationFailure(model, hostRef, operation) === null);
}

/**
 * Waits until the host allows the operation, and shows it in current_operations while `work` goes on. Throws why the
 * host does not allow it, at once for every reason but another operation in progress.
 */
export async function withHostOperation<T>(
  model: PoolModel,
  host: { readonly ref: string; readonly operation: string; readonly task: TaskHandle },
  work: () => T | Promise<T>,
): Promise<T> {
  const { ref, operation, task } = host;
  await untilNothingFails(model, ref, task, () => hostOperationFailure(model, ref, operation));
  markHost(model, ref, task.ref, operation);
  try {
    return await work();
  } finally {
    markHost(model, ref, task.ref, null);
  }
}

/** Notes under a task's ref that the operation goes on at the host; null takes the note back. */
export function markHost(model: PoolModel, hostRef: string, taskRef: string, operation: string | null): void {
  if (!model.db.has("host", hostRef)) return;
  const current = Object.entries(model.db.map("host", hostRef, "current_operations"));
  const others = current.filter(([task]) => task !== taskRef);
  const entries = operation === null ? others : [...others, [taskRef, operation] as const];
  model.db.set("host", hostRef, "current_operations", simMap(entries));
}

/** VMs arrive or leave, never both at once. */
function busyFailure(model: PoolModel, hostRef: string, operation: string): SimFailure | null {
  const current = Object.entries(model.db.map("host", hostRef, "current_operations"));
  const excludes = (other: string): boolean =>
    (arriving.has(operation) && leaving.has(other)) ||
    (leaving.has(operation) && arriving.has(other)) ||
    (exclusions[other] ?? []).includes(operation);
  const blocking = current.find(([, other]) => excludes(String(other)));
  if (blocking === undefined) return null;
  const [task, other] = blocking;
  return new SimFailure("OTHER_OPERATION_IN_PROGRESS", ["host", hostRef, String(other), task]);
}

function wakeFailure(model: PoolModel, hostRef: string): SimFailure | null {
  if (isLive(model, hostRef)) return new SimFailure("HOST_IS_LIVE", [hostRef]);
  if (model.db.text("host", hostRef, "power_on_mode") !== "") return null;
  return new SimFailure("HOST_POWER_ON_MODE_DISABLED");
}
