/** Waiting for the other operation of a VM or a host to end, as xapi does instead of failing. */

import type { PoolModel } from "../metrics/model.ts";
import type { TaskHandle } from "../objects/contract.ts";
import { SimFailure } from "../server/failure.ts";
import { operationFailure } from "./vmOperations.ts";

const firstWaitMs = 1000;
const longestWaitMs = 20_000;
const patienceMs = 2 * 3600 * 1000;
const mostWaiters = 100;

/**
 * Resolves when the VM allows the operation. Throws why it does not, at once for every reason but another
 * operation in progress, which is waited for up to two hours; TASK_CANCELLED when the task is cancelled.
 */
export function untilAllowed(
  model: PoolModel,
  vmRef: string,
  operation: string,
  force: boolean,
  task: TaskHandle,
): Promise<void> {
  return untilNothingFails(model, vmRef, task, () => operationFailure(model, vmRef, operation, force));
}

/** The same for any object and whatever keeps it: `failureOf` is asked whenever the object has changed. */
export async function untilNothingFails(
  model: PoolModel,
  ref: string,
  task: TaskHandle,
  failureOf: () => SimFailure | null,
): Promise<void> {
  const untilMs = model.clock.now() + patienceMs;
  let waitMs = firstWaitMs;
  for (;;) {
    const failure = failureOf();
    if (failure === null) return;
    if (failure.code !== "OTHER_OPERATION_IN_PROGRESS" || model.clock.now() >= untilMs) throw failure;
    if (waiting(model) >= mostWaiters) throw new SimFailure("TOO_MANY_PENDING_TASKS");
    await changed(model, ref, waitMs, task.cancelled);
    if (task.cancelled.aborted) throw new SimFailure("TASK_CANCELLED", [task.ref]);
    waitMs = Math.min(longestWaitMs, waitMs * 2);
  }
}

function waiting(model: PoolModel): number {
  return [...model.waiters.values()].reduce((sum, waiters) => sum + waiters.size, 0);
}

/** Resolves when the object changes, the time is up or the signal fires. */
function changed(model: PoolModel, ref: string, waitMs: number, signal: AbortSignal): Promise<void> {
  const waiters = model.waiters.get(ref) ?? new Set<() => void>();
  model.waiters.set(ref, waiters);
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = (): void => {
      timer.cancel();
      waiters.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = model.clock.after(waitMs, wake);
    waiters.add(wake);
    signal.addEventListener("abort", wake, { once: true });
  });
}
