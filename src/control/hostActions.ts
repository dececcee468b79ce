/**
 * Does what a green rule asks of one host. What takes a host out of service is written down before the pool is asked, so
 * that a run which is killed leaves a state that the next one goes on from; what brings it back is written afterwards.
 */

import { describeError } from "../domain/errors.ts";
import type { HostPowerChange, HostPowerEventKind, HostState, HostStates } from "../domain/hostPower.ts";
import type { Snapshot, Uuid } from "../domain/pool.ts";
import { advance, type PowerStep, stateOf } from "../power/states.ts";
import type { Database } from "../store/connection.ts";
import { writeHostPower } from "../store/hostPower.ts";
import { XapiError, XapiUnreachable } from "../xapi/errors.ts";
import type { HostRef, TaskRef } from "../xapi/records.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { type HeldLease, leaseLost } from "./heldLease.ts";

export interface HostActionOptions {
  readonly db: Database;
  readonly heldLease: HeldLease;
  readonly client: XapiClient;
  readonly snapshot: Snapshot;
  /** Seconds since 1970, by the database's clock. */
  readonly now: () => number;
  readonly pollMs: number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** What a step came to. */
export type StepEnd =
  | { readonly kind: "done" }
  /** The pool or the facts are against it; the host's state is as it was. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The pool was asked, and its answer was not heard: the state is what was asked for, and the next run sees what came of it. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** A host that should be awake is not. */
  | { readonly kind: "failed"; readonly reason: string };

/** Why the pool did not do what it was asked for. */
interface NotDone {
  readonly why: string;
  /** "refused" by the pool; "unreached": it was never asked; "unheard": nobody heard its answer, so it may have done it. */
  readonly how: "refused" | "unreached" | "unheard";
}

/** Looks at a task's first moments only: a waking that fails says so at once, or is seen to by the next run. */
const looks = 8;

export class HostActions {
  readonly #options: HostActionOptions;
  #states: HostStates;

  constructor(states: HostStates, options: HostActionOptions) {
    this.#options = options;
    this.#states = states;
  }

  /** Does the step; whatever the pool says becomes an end. */
  async do(step: PowerStep): Promise<StepEnd> {
    if (!this.#options.heldLease.mayStart()) return refused("the lease is about to run out, or was lost");
    switch (step.kind) {
      case "note on":
        return this.#write(step, "on");
      case "mark failed":
        await this.#write(step, "failed");
        return { kind: "failed", reason: step.reason };
      case "enable":
      case "take back":
        return this.#bringBack(step);
      case "drain":
        return this.#takeOut(step);
      case "shut down":
        return this.#shutDown(step);
      case "wake":
        return this.#wake(step);
      default:
        return step satisfies never;
    }
  }

  /** A shutdown or waking that an earlier run asked for: how it ended, where it has by now. */
  async followUp(host: Uuid, task: TaskRef): Promise<StepEnd> {
    const failure = await this.#failureOf(task, 1);
    const state = stateOf(this.#states, host);
    if (failure === "pending") return { kind: "done" };
    if (failure === null || state.kind !== "waking") {
      const reason = failure ?? "its task has ended";
      await this.#put({ host, state, reason, event: null });
      return failure === null ? { kind: "done" } : refused(failure);
    }
    return this.#giveUp(host, state, failure);
  }

  async #bringBack(step: Extract<PowerStep, { kind: "enable" | "take back" }>): Promise<StepEnd> {
    const notDone = await this.#ask(step.host, (client, host) => client.hostEnable(host));
    // A host that still boots, and one whose answer was not heard, is asked again by the next run.
    if (notDone !== null)
      return step.kind === "enable" ? refused(notDone.why) : this.#tellRefusal(step, notDone.why);
    // It was asked to go down and did not: it is not asked again before somebody has seen to it.
    const event = stateOf(this.#states, step.host).kind === "asleep" ? "failed" : step.kind;
    return this.#write(step, event);
  }

  /** Takes the host out of service. Its VMs leave it afterwards, by a plan. */
  async #takeOut(step: Extract<PowerStep, { kind: "drain" }>): Promise<StepEnd> {
    const before = stateOf(this.#states, step.host);
    if (before.kind !== "draining") {
      const written = await this.#write(step, "drain");
      if (written.kind !== "done") return written;
    }
    const notDone = await this.#ask(step.host, async (client, host) => {
      const { enabled } = await client.host(host);
      if (enabled) await client.hostDisable(host);
    });
    if (notDone === null) return { kind: "done" };
    if (notDone.how === "unheard") return { kind: "unknown", reason: notDone.why };
    await this.#put({
      host: step.host,
      state: { kind: "on", since: this.#options.now() },
      reason: `could not be taken out of service: ${notDone.why}`,
      event: "refused",
    });
    return refused(notDone.why);
  }

  async #shutDown(step: Extract<PowerStep, { kind: "shut down" }>): Promise<StepEnd> {
    const objection = await this.#emptyObjection(step.host);
    if (objection !== null) return this.#tellRefusal(step, objection);
    const end = await this.#carryOut(step, (client, host) => client.hostShutdownAsync(host));
    if (typeof end !== "string") return end;
    // It stays as it is, empty and out of service, until it is taken back.
    const since = this.#options.now();
    const draining: HostState = { kind: "draining", since, left: 0, progressAt: since };
    const reason = `its shutdown failed: ${end}`;
    await this.#put({ host: step.host, state: draining, reason, event: "failed" });
    await this.#bringBack({ kind: "take back", host: step.host, reason });
    return refused(end);
  }

  async #wake(step: Extract<PowerStep, { kind: "wake" }>): Promise<StepEnd> {
    const end = await this.#carryOut(step, (client, host) => client.hostPowerOnAsync(host));
    return typeof end === "string" ? this.#giveUp(step.host, stateOf(this.#states, step.host), end) : end;
  }

  /** Writes the step down and has the pool begin it: how it ended, or in words why the pool failed it. */
  async #carryOut(
    step: Extract<PowerStep, { kind: "shut down" | "wake" }>,
    begin: (client: XapiClient, host: HostRef) => Promise<TaskRef>,
  ): Promise<StepEnd | string> {
    const before = stateOf(this.#states, step.host);
    const written = await this.#write(step, step.kind);
    if (written.kind !== "done") return written;
    const [task, notDone] = await this.#begin(step.host, begin);
    if (notDone?.how === "unheard") return { kind: "unknown", reason: notDone.why };
    if (notDone?.how === "unreached") return this.#asBefore(step, before, notDone.why);
    if (task === null) return notDone?.why ?? "";
    const failure = await this.#failureOf(task, looks);
    if (failure === "pending") await this.#remember(step.host, step.reason, task);
    return failure === null || failure === "pending" ? { kind: "done" } : failure;
  }

  async #giveUp(host: Uuid, state: HostState, why: string): Promise<StepEnd> {
    if (!("empty" in state)) return refused(why);
    const reason = `it could not be woken: ${why}`;
    await this.#put({
      host,
      state: { kind: "failed", since: this.#options.now(), empty: state.empty },
      reason,
      event: "failed",
    });
    return { kind: "failed", reason };
  }

  /** Why the host must not be switched off, by the pool itself; null where it is empty and out of service. */
  async #emptyObjection(uuid: Uuid): Promise<string | null> {
    let objection: string | null = null;
    const notDone = await this.#ask(uuid, async (client, host) => {
      const record = await client.host(host);
      if (record.enabled) objection = "somebody enabled it";
      const operations = [...record.current_operations.values()];
      if (operations.length > 0) objection = `it is at work (${operations.join(", ")})`;
      for (const vm of await client.residentVms(host)) {
        const { is_control_domain, name_label } = await client.vm(vm);
        if (!is_control_domain) objection = `${name_label} is on it`;
      }
    });
    return notDone?.why ?? objection;
  }

  async #ask(
    uuid: Uuid,
    work: (client: XapiClient, host: HostRef) => Promise<void>,
  ): Promise<NotDone | null> {
    const { client } = this.#options;
    let host: HostRef | null = null;
    try {
      host = await client.hostByUuid(uuid);
      await work(client, host);
      return null;
    } catch (error) {
      const why = describeError(error);
      if (error instanceof XapiError) return { why, how: "refused" };
      const unheard = host !== null && error instanceof XapiUnreachable && error.sent;
      return { why, how: unheard ? "unheard" : "unreached" };
    }
  }

  async #begin(
    uuid: Uuid,
    work: (client: XapiClient, host: HostRef) => Promise<TaskRef>,
  ): Promise<[TaskRef | null, NotDone | null]> {
    let task: TaskRef | null = null;
    const notDone = await this.#ask(uuid, async (client, host) => {
      task = await work(client, host);
    });
    return [task, notDone];
  }

  /** Null after success; why it failed; "pending" while it goes on. Destroys a task that ended. */
  async #failureOf(task: TaskRef, most: number): Promise<string | null | "pending"> {
    const { client, sleep, pollMs } = this.#options;
    for (let look = 0; look < most; look++) {
      if (look > 0) await sleep(pollMs);
      const record = await client.task(task).catch(() => null);
      if (record === null) return null;
      if (record.status === "pending") continue;
      await client.destroyTask(task).catch(() => {});
      return record.status === "success" ? null : record.error_info.join(", ") || record.status;
    }
    return "pending";
  }

  /** Keeps the task for the next run. */
  #remember(host: Uuid, reason: string, task: TaskRef | null): Promise<StepEnd> {
    return this.#put({ host, state: stateOf(this.#states, host), reason, task, event: null });
  }

  #tellRefusal(step: PowerStep, reason: string): Promise<StepEnd> {
    return this.#asBefore(step, stateOf(this.#states, step.host), reason);
  }

  /** The step was not made, and that is no fault of the host: a later run asks again. */
  async #asBefore({ host, kind }: PowerStep, state: HostState, reason: string): Promise<StepEnd> {
    await this.#put({ host, state, reason: `${kind}: ${reason}`, event: "refused" });
    return refused(reason);
  }

  /** The state that the step leads to. */
  #write(step: PowerStep, event: HostPowerEventKind): Promise<StepEnd> {
    const after = advance(this.#states, [step], this.#options.snapshot, this.#options.now());
    return this.#put({ host: step.host, state: stateOf(after, step.host), reason: step.reason, event });
  }

  async #put(change: HostPowerChange): Promise<StepEnd> {
    const { db, heldLease, snapshot } = this.#options;
    const written = await writeHostPower(db, heldLease.leaseToken, snapshot.pool.uuid, [change]);
    if (!written) {
      heldLease.giveUp();
      return refused(leaseLost);
    }
    this.#states = new Map([...this.#states, [change.host, change.state]]);
    return { kind: "done" };
  }
}

function refused(reason: string): StepEnd {
  return { kind: "refused", reason };
}
