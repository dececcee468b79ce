/**
 * Migrations that an earlier run left open, first of all: one that still runs is waited for like our own, any other is
 * closed by where its VM is. Nothing is planned before that is done.
 */

import type { Migration } from "../domain/migration.ts";
import type { Database } from "../store/connection.ts";
import { adoptMigration, type Closing, closeMigration, type End } from "../store/migrations.ts";
import { plural } from "../text/format.ts";
import type { HostRef, TaskRef, VmRecord, VmRef } from "../xapi/records.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { type HeldLease, leaseLost } from "./heldLease.ts";
import { endState, failureOf } from "./journal.ts";
import { isGone, type Outcome } from "./outcome.ts";
import { Watch, type WatchOptions } from "./watch.ts";

export interface ReconcileOptions {
  readonly client: XapiClient;
  readonly db: Database;
  readonly heldLease: HeldLease;
  /** How to watch a migration; `timeoutMs` is what is left of its time. */
  readonly watch: (migration: Migration) => WatchOptions;
  /** Called before a migration that still runs is waited for, and after. */
  readonly onAdopted: (migration: Migration) => void;
  readonly onWatched: (migration: Migration) => void;
  readonly onClosed: (migration: Migration, end: End) => void;
  readonly onLeft: (migration: Migration, reason: string) => void;
}

/** Why the run must end, or null when every row is closed. Several that still run are waited for side by side. */
export async function reconcile(
  open: readonly Migration[],
  options: ReconcileOptions,
): Promise<string | null> {
  const ends = await Promise.all(open.map((migration) => settle(migration, options)));
  if (ends.includes("lease lost")) return leaseLost;
  const left = ends.filter((end) => end === "left").length;
  if (left === 0) return null;
  return `${plural(left, "migration")} of an earlier run cannot be closed yet; nothing is planned before`;
}

async function settle(
  migration: Migration,
  options: ReconcileOptions,
): Promise<"closed" | "left" | "lease lost"> {
  const { db, heldLease } = options;
  if (heldLease.lost.aborted) return "lease lost";
  if (!(await adoptMigration(db, heldLease.leaseToken, migration.id))) return "lease lost";
  const found = await findEnd(migration, options);
  if ("left" in found) {
    options.onLeft(migration, found.left);
    return "left";
  }
  const closing: Closing = await closeMigration(db, heldLease.leaseToken, migration.id, found);
  if (closing === "lease lost") return "lease lost";
  options.onClosed(migration, found);
  return "closed";
}

/**
 * Seconds within which a request whose answer nobody heard may still be on its way. A VM that has not moved proves
 * nothing before.
 */
const requestSeconds = 60;

type Found = End | { readonly left: string };

async function findEnd(migration: Migration, options: ReconcileOptions): Promise<Found> {
  const { client } = options;
  const vm = await unlessGone(client.vmByUuid(migration.vm));
  const record = vm === null ? null : await unlessGone(client.vm(vm));
  if (vm === null || record === null) return overtaken("the VM is not in the pool any more");
  const [source, destination] = await Promise.all([
    unlessGone(client.hostByUuid(migration.source)),
    unlessGone(client.hostByUuid(migration.destination)),
  ]);
  const refs = { vm, source: source ?? nowhere, destination: destination ?? nowhere };
  const task = await runningTask(client, record, migration);
  if (task !== null) return adopt(task, refs, migration, options);
  if (record.power_state !== "Running" && record.power_state !== "Paused") {
    return overtaken(`nobody saw its end; the VM is ${record.power_state} now`);
  }
  if (record.resident_on === refs.destination) return unseen("succeeded");
  if (record.resident_on !== refs.source) return overtaken("nobody saw its end; the VM is on another host");
  if (migration.state === "running") return unseen("failed");
  if (migration.plannedSecondsAgo < requestSeconds) {
    return { left: "whether the pool got the request is not known yet" };
  }
  return { state: "refused", error: "not started: the run that meant to ended before", seconds: null };
}

/** A host that is not in the pool any more: no VM is on it. */
const nowhere = "" as HostRef;

function overtaken(error: string): End {
  return { state: "overtaken", error, seconds: null };
}

function unseen(state: "succeeded" | "failed"): End {
  const error =
    state === "succeeded" ? "nobody saw its end" : "nobody saw its end; the VM is on its old host";
  return { state, error, seconds: null };
}

/** The task of the VM's migration, whether it copies or still waits for its turn. */
async function runningTask(
  client: XapiClient,
  record: VmRecord,
  { taskRef }: Migration,
): Promise<TaskRef | null> {
  for (const [task, operation] of record.current_operations) {
    if (operation === "pool_migrate") return task as TaskRef;
  }
  if (taskRef === null) return null;
  const task = await unlessGone(client.task(taskRef as TaskRef));
  return task?.status === "pending" ? (taskRef as TaskRef) : null;
}

/** Waits for a migration that runs, as for one of our own. */
async function adopt(
  task: TaskRef,
  refs: { readonly vm: VmRef; readonly source: HostRef; readonly destination: HostRef },
  migration: Migration,
  options: ReconcileOptions,
): Promise<Found> {
  options.onAdopted(migration);
  const watchOptions = options.watch(migration);
  const startedMs = watchOptions.monotonicMs();
  const outcome: Outcome = await new Watch(options.client, refs, watchOptions)
    .toTheEnd(task)
    .finally(() => options.onWatched(migration));
  const state = endState(outcome);
  if (state === null) return { left: outcome.kind === "moved" ? "" : outcome.reason };
  const watched = (watchOptions.monotonicMs() - startedMs) / 1000;
  return {
    state,
    error: outcome.kind === "moved" ? null : outcome.reason,
    failure: failureOf(outcome),
    seconds: state === "succeeded" ? migration.plannedSecondsAgo + watched : null,
  };
}

async function unlessGone<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}
