/** Waiting for a VM's other operation to end, as xapi does instead of failing. */
import type { TaskHandle } from "./contract.ts";
import { SimFailure } from "./failure.ts";
import type { PoolModel } from "./model.ts";
import { operationFailure } from "./vmOperations.ts";

const firstWaitMs = 1000;
const longestWaitMs = 20_000;
const patienceMs = 2 * 3600 * 1000;
const mostWaiters = 100;

/**
 * Resolves when the VM allows the operation. Throws why it does not, at once for every reason but another
 * operation in progress, which is waited for up to two hours; TASK_CANCELLED when the task is cancelled.
 */
export async function untilAllowed(
  model: PoolModel,
  vmRef: string,
  operation: string,
  force: boolean,
  task: TaskHandle,
): Promise<void> {
  const untilMs = model.clock.now() + patienceMs;
  let waitMs = firstWaitMs;
  for (;;) {
    const failure = operationFailure(model, vmRef, operation, force);
    if (failure === null) return;
    if (failure.code !== "OTHER_OPERATION_IN_PROGRESS" || model.clock.now() >= untilMs) throw failure;
    if (waiting(model) >= mostWaiters) throw new SimFailure("TOO_MANY_PENDING_TASKS");
    await changed(model, vmRef, waitMs, task.cancelled);
    if (task.cancelled.aborted) throw new SimFailure("TASK_CANCELLED", [task.ref]);
    waitMs = Math.min(longestWaitMs, waitMs * 2);
  }
}

function waiting(model: PoolModel): number {
  return [...model.waiters.values()].reduce((sum, waiters) => sum + waiters.size, 0);
}

/** Resolves when the VM changes, the time is up or the signal fires. */
function changed(model: PoolModel, vmRef: string, waitMs: number, signal: AbortSignal): Promise<void> {
  const waiters = model.waiters.get(vmRef) ?? new Set<() => void>();
  model.waiters.set(vmRef, waiters);
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
