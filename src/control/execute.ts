/**
 * Carries out one move: looks at the VM and the destination once more, starts the migration, follows its task, and
 * decides by where the VM is in the end. The task's word is not the truth: tasks vanish with their master.
 */
import type { Uuid } from "../pool.ts";
import type { XapiClient } from "../xapi/client.ts";
import { classifyFailure, type FailureClass, XapiError, XapiUnreachable } from "../xapi/errors.ts";
import type { HostRef, TaskRecord, TaskRef, VmRecord, VmRef } from "../xapi/records.ts";

/** How a move ended. */
export type Outcome =
  | { readonly kind: "moved" }
  /** Not started: the pool or the facts are against it. */
  | { readonly kind: "refused"; readonly reason: string; readonly failure: FailureClass }
  /** Started, and the VM runs where it was. */
  | { readonly kind: "failed"; readonly reason: string; readonly failure: FailureClass }
  /** The pool is not what the plan was made from: nothing more may be decided on it. */
  | { readonly kind: "overtaken"; readonly reason: string }
  /** We stopped watching; the migration may go on in the pool. */
  | { readonly kind: "unknown"; readonly reason: string };

export interface ExecuteOptions {
  readonly pollMs: number;
  readonly timeoutMs: number;
  /** First request to stop: running migrations are watched on for `graceMs`. */
  readonly stop: AbortSignal;
  readonly graceMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
  /** Called once when the migration was started, and at every look at its task. */
  readonly onStart: () => void;
  readonly onProgress: (progress: number) => void;
}

/** Moves `vm` from `source` to `destination`; every failure of the pool becomes an outcome. */
export async function executeMove(
  client: XapiClient,
  move: { readonly vm: Uuid; readonly source: Uuid; readonly destination: Uuid },
  options: ExecuteOptions,
): Promise<Outcome> {
  let refs: Refs;
  try {
    const checked = await checkBefore(client, move);
    if ("kind" in checked) return checked;
    refs = checked;
    options.stop.throwIfAborted();
  } catch (error) {
    if (options.stop.aborted) return { kind: "unknown", reason: "stopped before it was started" };
    return refusal(error);
  }
  return migrate(client, refs, options);
}

interface Refs {
  readonly vm: VmRef;
  readonly source: HostRef;
  readonly destination: HostRef;
}

/** The refs when the move may start right now; the outcome when it may not. */
async function checkBefore(
  client: XapiClient,
  move: { readonly vm: Uuid; readonly source: Uuid; readonly destination: Uuid },
): Promise<Refs | Outcome> {
  const [vm, source, destination] = await Promise.all([
    client.vmByUuid(move.vm),
    client.hostByUuid(move.source),
    client.hostByUuid(move.destination),
  ]);
  const [record, host, metrics] = await Promise.all([
    client.vm(vm),
    client.host(destination),
    client.hostMetricsOf(destination),
  ]);
  if (record.power_state !== "Running") return overtaken(`it is ${record.power_state} now`);
  if (record.resident_on !== source) return overtaken("it is on another host now");
  const operation = [...record.current_operations.values()][0];
  if (operation !== undefined) {
    return refused(`OTHER_OPERATION_IN_PROGRESS (${operation})`, "later");
  }
  if (!metrics.live) return overtaken("the pool says that the destination is not alive");
  if (!host.enabled) return overtaken("the destination was disabled (maintenance)");
  if (record.allowed_operations.length > 0 && !record.allowed_operations.includes("pool_migrate")) {
    return refused("the pool does not offer pool_migrate for it", "never-this-vm");
  }
  await client.assertCanBootHere(vm, destination);
  return { vm, source, destination };
}

function overtaken(reason: string): Outcome {
  return { kind: "overtaken", reason };
}

function refused(reason: string, failure: FailureClass): Outcome {
  return { kind: "refused", reason, failure };
}

function refusal(error: unknown): Outcome {
  if (error instanceof XapiError) {
    if (error.code === "UUID_INVALID" || error.code === "HANDLE_INVALID") {
      return overtaken("it or a host left the pool");
    }
    return refused(error.message, classifyFailure(error.code));
  }
  if (error instanceof XapiUnreachable) return refused(error.message, "stop");
  throw error;
}

async function migrate(client: XapiClient, refs: Refs, options: ExecuteOptions): Promise<Outcome> {
  let task: TaskRef | null = null;
  try {
    options.onStart();
    task = await client.poolMigrateAsync(refs.vm, refs.destination);
  } catch (error) {
    // Refused by the pool: nothing began. No answer: it may have begun, so only the VM can tell.
    if (error instanceof XapiError) return refusal(error);
    return judge(client, refs, error instanceof Error ? error.message : String(error));
  }
  const end = await follow(client, task, options);
  const outcome = end.left ? unknownEnd(end.why) : await judge(client, refs, end.why, end.code);
  // A pending task is left to its migration; destroying it would hide it from the administrator.
  if (!end.left) await client.destroyTask(task).catch(() => {});
  return outcome;
}

function unknownEnd(why: string): Outcome {
  return { kind: "unknown", reason: `${why}; the migration goes on in the pool` };
}

interface TaskEnd {
  /** True when we stopped watching before the task ended. */
  readonly left: boolean;
  /** What the task or its loss says, for the operator; "" after success. */
  readonly why: string;
  readonly code?: string;
}

/** Looks at the task until its status says that it ended, the time is over, or we are to stop. */
async function follow(client: XapiClient, task: TaskRef, options: ExecuteOptions): Promise<TaskEnd> {
  const deadline = options.monotonicMs() + options.timeoutMs;
  let stopAt = Number.POSITIVE_INFINITY;
  let cancelledAt: number | null = null;
  for (;;) {
    const look = await lookAt(client, task);
    if (look.kind === "gone") return { left: false, why: "its task vanished" };
    if (look.kind === "seen") {
      options.onProgress(look.task.progress);
      const end = taskEnd(look.task);
      if (end !== null) return end;
    }
    const now = options.monotonicMs();
    if (options.stop.aborted) stopAt = Math.min(stopAt, now + options.graceMs);
    if (now >= stopAt) return { left: true, why: "stopped while it was running" };
    if (cancelledAt === null && now >= deadline) {
      cancelledAt = now;
      await client.cancelTask(task).catch(() => {});
    }
    if (cancelledAt !== null && now >= cancelledAt + cancelPatienceMs) {
      return { left: true, why: "over its time limit, and the pool did not cancel it" };
    }
    await options.sleep(options.pollMs);
  }
}

/** How long a cancelled migration may take to end before we stop watching it. */
const cancelPatienceMs = 60_000;

type Look = { readonly kind: "seen"; readonly task: TaskRecord } | { readonly kind: "gone" | "silent" };

async function lookAt(client: XapiClient, task: TaskRef): Promise<Look> {
  try {
    return { kind: "seen", task: await client.task(task) };
  } catch (error) {
    if (error instanceof XapiError && error.code === "HANDLE_INVALID") return { kind: "gone" };
    // A toolstack restart lasts a minute: the deadline ends the waiting, not the first silence.
    if (error instanceof XapiUnreachable || error instanceof XapiError) return { kind: "silent" };
    throw error;
  }
}

/** Only the status says that a task ended: progress 1 with status pending is normal. */
function taskEnd(task: TaskRecord): TaskEnd | null {
  switch (task.status) {
    case "success":
      return { left: false, why: "" };
    case "failure": {
      const [code = "UNKNOWN", ...params] = task.error_info;
      return { left: false, why: `${code}${params.length > 0 ? ` (${params.join(", ")})` : ""}`, code };
    }
    case "cancelled":
      return { left: false, why: "TASK_CANCELLED", code: "TASK_CANCELLED" };
    default:
      return null;
  }
}

/** Where the VM is decides. Asks again for a while, since the pool may be restarting. */
async function judge(client: XapiClient, refs: Refs, why: string, code?: string): Promise<Outcome> {
  let vm: VmRecord;
  try {
    vm = await client.vm(refs.vm);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      kind: "unknown",
      reason: `${why === "" ? "" : `${why}; `}where the VM is could not be read: ${reason}`,
    };
  }
  if (vm.resident_on === refs.destination && vm.power_state === "Running") return { kind: "moved" };
  const failure = code === undefined ? "later" : classifyFailure(code);
  if (vm.power_state !== "Running") {
    const reason = `${why === "" ? "the task reports success" : why}; the VM is ${vm.power_state} now`;
    return { kind: "failed", reason, failure: "stop" };
  }
  if ([...vm.current_operations.values()].includes("pool_migrate")) return unknownEnd(why);
  if (vm.resident_on !== refs.source) return overtaken(`${why}; it went to another host`);
  return {
    kind: "failed",
    reason: why === "" ? "the task reports success, but the VM did not move" : why,
    failure,
  };
}
