/**
 * Watches a started migration to its end: its task first, then the VM. Where the VM is decides, never the task's
 * word: tasks vanish with their master, and a task that succeeded may have moved nothing.
 */

import { AppError, describeError } from "../domain/errors.ts";
import type { FailureClass } from "../domain/migration.ts";
import { span } from "../text/format.ts";
import { XapiError } from "../xapi/errors.ts";
import { classifyFailure } from "../xapi/migrationErrors.ts";
import type { TaskRecord, TaskRef, VmRecord } from "../xapi/records.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import type { Refs } from "./check.ts";
import { leaseLost } from "./heldLease.ts";
import { isGone, type Outcome, overtaken } from "./outcome.ts";

export interface WatchOptions {
  readonly pollMs: number;
  readonly timeoutMs: number;
  /** Where the time limit comes from, in words. */
  readonly timeoutReason: string;
  /** First request to stop: a running migration is watched on for `graceMs`. */
  readonly stop: AbortSignal;
  readonly graceMs: number;
  /** Aborted when an administrator wants what runs cancelled; its reason is the order in words. */
  readonly ordered: AbortSignal;
  /** Aborted when another run answers for the migration: it is left at once. */
  readonly lost: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
  /** Called at every look at the task. */
  readonly onProgress: (progress: number) => void;
}

/** How long a cancelled migration may take to end, and a silent pool to answer, before we stop watching. */
const patienceMs = 60_000;

/** What the task or its loss says, for the operator; "" after success. */
interface TaskEnd {
  readonly why: string;
  /** What the failure says of; left out where nothing is known of one. */
  readonly failure?: FailureClass;
  readonly cancelled?: true;
}

/** When the pool was asked to cancel the migration, why, and what that says of. */
interface Cancel {
  readonly at: number;
  readonly why: string;
  readonly failure: FailureClass;
}

/** The pool did not say; waiting does not mend everything, e.g. not a login that is refused meanwhile. */
class Silence {
  readonly why: string;
  readonly mayEnd: boolean;

  constructor(why: string, mayEnd: boolean) {
    this.why = why;
    this.mayEnd = mayEnd;
  }
}

export class Watch {
  readonly #client: XapiClient;
  readonly #refs: Refs;
  readonly #options: WatchOptions;
  readonly #deadline: number;
  #stopAt = Number.POSITIVE_INFINITY;
  /** Once we have asked the pool to cancel it. */
  #cancelled: Cancel | null = null;

  /** The time limit counts from here. */
  constructor(client: XapiClient, refs: Refs, options: WatchOptions) {
    this.#client = client;
    this.#refs = refs;
    this.#options = options;
    this.#deadline = options.monotonicMs() + options.timeoutMs;
  }

  /** Follows the task to its end, then decides by the VM. Destroys the task when it ended. */
  async toTheEnd(task: TaskRef): Promise<Outcome> {
    const end = await this.#followTask(task);
    if ("kind" in end) return end;
    const outcome = await this.byVm(end);
    // A pending task is left to its migration; destroying it would hide it from the administrator.
    await this.#client.destroyTask(task).catch(() => {});
    return outcome;
  }

  /** Decides by where the VM is; waits while it is migrating or the pool is silent. */
  async byVm(end: TaskEnd): Promise<Outcome> {
    const until = Math.max(this.#deadline, this.#options.monotonicMs() + patienceMs);
    let silentUntil: number | null = null;
    for (;;) {
      const look = await this.#look(() => this.#client.vm(this.#refs.vm));
      if (look === "gone") return overtaken(`${end.why || "the task reports success"}; it left the pool`);
      if (look instanceof Silence) {
        silentUntil ??= this.#options.monotonicMs() + patienceMs;
        const reason = [end.why, `where the VM is could not be read: ${look.why}`].filter(Boolean).join("; ");
        if (!look.mayEnd || this.#over(silentUntil)) return { kind: "unknown", reason };
      } else {
        silentUntil = null;
        const outcome = this.#assess(look, end);
        if (outcome !== null) return outcome;
        if (this.#over(until)) return this.#left(end.why);
        await this.#cancelByVm(look);
      }
      await this.#options.sleep(this.#options.pollMs);
    }
  }

  /** Looks at the task until its status says that it ended; the outcome when we stop watching before. */
  async #followTask(task: TaskRef): Promise<TaskEnd | Outcome> {
    for (;;) {
      const look = await this.#look(() => this.#client.task(task));
      if (look === "gone") return { why: "its task vanished" };
      // A toolstack restart lasts a minute: the deadline ends the waiting, not the first silence.
      if (look instanceof Silence) {
        if (!look.mayEnd) return { kind: "unknown", reason: look.why };
      } else {
        this.#options.onProgress(look.progress);
        const end = this.#taskEnd(look);
        if (end !== null) return end;
      }
      if (this.#stopped()) return this.#left(this.#stopReason());
      const now = this.#options.monotonicMs();
      if (this.#cancelled === null) {
        this.#cancelled = this.#wantedCancel(now);
        if (this.#cancelled !== null) await this.#client.cancelTask(task).catch(() => {});
      }
      if (this.#cancelled !== null && now >= this.#cancelled.at + patienceMs) {
        return this.#left(`${this.#cancelled.why}, and the pool did not cancel it`);
      }
      await this.#options.sleep(this.#options.pollMs);
    }
  }

  /** Why the migration is to be cancelled by now, or null. */
  #wantedCancel(now: number): Cancel | null {
    const { ordered } = this.#options;
    if (ordered.aborted) return { at: now, why: String(ordered.reason), failure: "stopped" };
    // One that hangs is broken.
    return now >= this.#deadline ? { at: now, why: this.#overLimit(), failure: "path" } : null;
  }

  /** Of a migration whose task nobody told us: the pool names it with the VM. */
  async #cancelByVm({ current_operations }: VmRecord): Promise<void> {
    if (this.#cancelled !== null || !this.#options.ordered.aborted) return;
    this.#cancelled = this.#wantedCancel(this.#options.monotonicMs());
    for (const [task, operation] of current_operations) {
      if (operation === "pool_migrate") await this.#client.cancelTask(task as TaskRef).catch(() => {});
    }
  }

  async #look<T>(read: () => Promise<T>): Promise<T | "gone" | Silence> {
    try {
      return await read();
    } catch (error) {
      if (isGone(error)) return "gone";
      if (error instanceof XapiError) return new Silence(error.message, true);
      if (error instanceof AppError) return new Silence(describeError(error), error.code === "pool");
      throw error;
    }
  }

  /** Only the status says that a task ended: progress 1 with status pending is normal. */
  #taskEnd(task: TaskRecord): TaskEnd | null {
    const [code, ...params] = task.error_info;
    switch (task.status) {
      case "success":
        return { why: "" };
      case "failure":
        return {
          why: `${code ?? "UNKNOWN"}${params.length > 0 ? ` (${params.join(", ")})` : ""}`,
          failure: classifyFailure(code ?? "UNKNOWN", params),
          ...(code === "TASK_CANCELLED" ? this.#cancelledEnd() : {}),
        };
      case "cancelled":
        return this.#cancelledEnd();
      default:
        return null;
    }
  }

  #cancelledEnd(): TaskEnd {
    // What somebody else cancels is that person's matter.
    if (this.#cancelled === null) return { why: "it was cancelled", failure: "later", cancelled: true };
    const { why, failure } = this.#cancelled;
    return { why: `${why}, so it was cancelled`, failure, cancelled: true };
  }

  /** How it ended, or null while the migration goes on. */
  #assess(vm: VmRecord, { why, failure, cancelled }: TaskEnd): Outcome | null {
    const said = why === "" ? "the task reports success" : why;
    const runs = vm.power_state === "Running" || vm.power_state === "Paused";
    if (vm.resident_on === this.#refs.destination && runs) return { kind: "moved" };
    if (!runs) return { kind: "lost", reason: `${said}; the VM is ${vm.power_state} now` };
    if ([...vm.current_operations.values()].includes("pool_migrate")) return null;
    if (vm.resident_on !== this.#refs.source) return overtaken(`${said}; it went to another host`);
    const reason = why === "" ? `${said}, but the VM did not move` : why;
    return { kind: "failed", reason, failure: failure ?? "later", ...(cancelled ? { cancelled } : {}) };
  }

  /** Whether to end the waiting: the time `until` is over, or the grace after a request to stop is. */
  #over(until: number): boolean {
    return this.#stopped() || this.#options.monotonicMs() >= until;
  }

  #stopped(): boolean {
    const now = this.#options.monotonicMs();
    if (this.#options.stop.aborted) this.#stopAt = Math.min(this.#stopAt, now + this.#options.graceMs);
    return this.#options.lost.aborted || now >= this.#stopAt;
  }

  #stopReason(): string {
    return this.#options.lost.aborted ? leaseLost : "stopped while it was running";
  }

  #left(why: string): Outcome {
    return { kind: "unknown", reason: `${why || "still running"}; the migration goes on in the pool` };
  }

  #overLimit(): string {
    return `it took longer than ${span(this.#options.timeoutMs / 1000)} (${this.#options.timeoutReason})`;
  }
}
