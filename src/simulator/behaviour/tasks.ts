/** The life of tasks: written field by field, status last, and left for the client to destroy. */

import type { SimulatedPoolLike, TaskHandle } from "../objects/contract.ts";
import { emptyMap, epoch, type SimValue, simMap } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";

const keptAfterFinishMs = 65 * 60_000;
const keptPendingMs = 24 * 3_600_000;
const keptAtMost = 200;

/** Opens, ends, cancels and clears away the tasks of one pool. */
export class Tasks {
  readonly #pool: SimulatedPoolLike;
  readonly #running = new Map<string, AbortController>();

  constructor(pool: SimulatedPoolLike) {
    this.#pool = pool;
  }

  /** A pending task of the session's own, as task.create makes it. */
  create(label: string, description: string, sessionRef: string): string {
    const { db, clock, masterRef } = this.#pool;
    const ref = db.create("task", {
      name_label: label,
      name_description: description,
      created: new Date(clock.now()),
      finished: epoch,
      status: "pending",
      resident_on: masterRef,
      type: "<none/>",
    });
    if (db.has("session", sessionRef)) {
      db.set("session", sessionRef, "tasks", [...db.list("session", sessionRef, "tasks"), ref]);
    }
    return ref;
  }

  /** A task with a message working under it. */
  open(label: string, sessionRef: string): TaskHandle {
    const ref = this.create(label, "", sessionRef);
    const controller = new AbortController();
    this.#running.set(ref, controller);
    const { db } = this.#pool;
    const pending = () => db.has("task", ref) && db.text("task", ref, "status") === "pending";
    db.set("task", ref, "allowed_operations", ["cancel"]);
    return {
      ref,
      cancelled: controller.signal,
      setProgress: (progress) => {
        if (pending()) db.set("task", ref, "progress", Math.min(1, Math.max(0, progress)));
      },
      setCancellable: (cancellable) => {
        if (pending()) db.set("task", ref, "allowed_operations", cancellable ? ["cancel"] : []);
      },
    };
  }

  /** What a message without Async works under: named, but in no database. */
  dummy(label: string, uuid: string): TaskHandle {
    const { signal } = new AbortController();
    return {
      ref: `DummyRef:|${uuid}|${label}`,
      cancelled: signal,
      setProgress: () => {},
      setCancellable: () => {},
    };
  }

  /** Ends an Async task well. `result` is the answer as one XML-RPC value. */
  succeed(ref: string, result: string): void {
    this.#end(ref, "result", result, "success");
  }

  /** Ends an Async task badly: cancelled for TASK_CANCELLED, else failure. */
  fail(ref: string, failure: SimFailure): void {
    const status = failure.code === "TASK_CANCELLED" ? "cancelled" : "failure";
    this.#end(ref, "error_info", [failure.code, ...failure.params], status);
  }

  /** Ends the task of a synchronous call: it vanishes. */
  vanish(ref: string): void {
    this.#running.delete(ref);
    this.#remove(ref);
  }

  /** Asks the message under the task to stop; harmless when it cannot be stopped any more. */
  cancel(ref: string): void {
    const { db } = this.#pool;
    if (db.text("task", ref, "status") !== "pending") return;
    this.#mark(ref, "cancel");
    if (db.list("task", ref, "allowed_operations").includes("cancel")) {
      this.#running.get(ref)?.abort(new SimFailure("TASK_CANCELLED", [ref]));
    }
  }

  /** task.set_status, as clients use it on tasks of their own: an end gets its time. */
  setStatus(ref: string, status: string): void {
    const { db, clock } = this.#pool;
    if (status !== "pending") db.set("task", ref, "finished", new Date(clock.now()));
    db.set("task", ref, "status", status);
  }

  /** Removes the task; one that still runs is only marked and goes when it ends. */
  destroy(ref: string): void {
    const { db } = this.#pool;
    if (db.text("task", ref, "status") === "pending" && this.#running.has(ref)) {
      this.#mark(ref, "destroy");
      return;
    }
    this.#remove(ref);
  }

  /** Clears away what finished 65 minutes ago, the oldest finished beyond 200, and forgotten pending ones. */
  collect(): void {
    const { db, clock } = this.#pool;
    const all = db.all("task");
    const finished = all.filter((ref) => db.text("task", ref, "status") !== "pending");
    const age = (ref: string, field: string) => clock.now() - Number(db.get("task", ref, field));
    const old = finished.filter((ref) => age(ref, "finished") > keptAfterFinishMs);
    const forgotten = all.filter(
      (ref) => !finished.includes(ref) && !this.#running.has(ref) && age(ref, "created") > keptPendingMs,
    );
    const oldestFirst = finished.toSorted((a, b) => age(b, "finished") - age(a, "finished"));
    const surplus = oldestFirst.slice(0, Math.max(0, all.length - keptAtMost));
    for (const ref of new Set([...old, ...forgotten, ...surplus])) this.#remove(ref);
  }

  #end(ref: string, field: string, outcome: SimValue, status: string): void {
    const { db, clock } = this.#pool;
    this.#running.delete(ref);
    if (!db.has("task", ref)) return;
    db.set("task", ref, "allowed_operations", []);
    db.set("task", ref, "finished", new Date(clock.now()));
    db.set("task", ref, "progress", 1);
    db.set("task", ref, field, outcome);
    const marks = Object.values(db.map("task", ref, "current_operations"));
    db.set("task", ref, "current_operations", emptyMap);
    db.set("task", ref, "status", status);
    if (marks.includes("destroy")) this.#remove(ref);
  }

  #mark(ref: string, operation: string): void {
    const { db } = this.#pool;
    const marks = Object.entries(db.map("task", ref, "current_operations"));
    db.set("task", ref, "current_operations", simMap([...marks, [`${operation}_${ref}`, operation]]));
  }

  #remove(ref: string): void {
    const { db } = this.#pool;
    if (!db.has("task", ref)) return;
    db.destroy("task", ref);
    for (const session of db.all("session")) {
      const tasks = db.list("session", session, "tasks");
      if (tasks.includes(ref))
        db.set(
          "session",
          session,
          "tasks",
          tasks.filter((task) => task !== ref),
        );
    }
  }
}
