/** VM.pool_migrate: checks, reservation, the copy, the hand-over, and everything an observer sees of them. */

import { valueAt } from "../metrics/load.ts";
import {
  type ActiveMigration,
  idleVm,
  memoryOf,
  type PoolModel,
  poolRefOf,
  unusedBytes,
} from "../metrics/model.ts";
import type { TaskHandle } from "../objects/contract.ts";
import { nullRef } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";
import { failureOfFate, type MigrationFate } from "./faults.ts";
import { assertPlanHolds } from "./highAvailability.ts";
import { assertCanBootHere, assertCpuCompatible } from "./placementChecks.ts";
import { assertReachable } from "./reach.ts";
import { leave, reserve } from "./reservation.ts";
import { noteVm } from "./upkeep.ts";
import { haltVm, setMemory } from "./vmLifecycle.ts";
import { untilAllowed } from "./waiting.ts";

export interface MigrationRequest {
  readonly vmRef: string;
  readonly hostRef: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly task: TaskHandle;
}

/** Before the stream: the target builds a paused domain, the guest is asked to shrink. */
const preparingMs = 150;
/** The guest stands still while the last pages travel. */
const freezeMs = 200;
/** The source tidies up and gives its measures away. */
const cleanUpMs = 300;
/** After the move the guest grows back to what it had. */
const regrowMs = 5000;
/** Part of the memory that a fully busy guest dirties and has sent again; the thesis saw 291 MB for 256. */
const dirtiedPart = 0.1384;

/** Migrates the VM; resolves when it runs on the target, throws SimFailure when it stays (or is lost). */
export async function poolMigrate(model: PoolModel, request: MigrationRequest): Promise<void> {
  const { vmRef, hostRef, task } = request;
  const force = request.options["force"] === "true";
  model.db.text("host", hostRef, "uuid");
  if (!force) assertCpuCompatible(model, vmRef, hostRef);
  await untilAllowed(model, vmRef, "pool_migrate", force, task);
  // From here to the reservation nothing waits: xapi holds the pool-wide lock.
  assertNotOlder(model, vmRef, hostRef);
  assertCanBootHere(model, vmRef, hostRef);
  assertPlanHolds(model, vmRef, hostRef);
  const sourceRef = model.db.text("VM", vmRef, "resident_on");
  const stop = new AbortController();
  const migration = reserve(model, { vmRef, sourceRef, targetRef: hostRef, taskRef: task.ref, stop });
  const cancel = (): void => {
    // Too late: the domain runs on the target already.
    if (!migration.handover) migration.abort(new SimFailure("TASK_CANCELLED", [task.ref]));
  };
  task.cancelled.addEventListener("abort", cancel, { once: true });
  try {
    if (task.cancelled.aborted) cancel();
    assertReachable(model, sourceRef);
    await move(model, request, migration, stop.signal);
    announce(model, vmRef, sourceRef, hostRef);
  } finally {
    task.cancelled.removeEventListener("abort", cancel);
    leave(model, vmRef, hostRef, task.ref);
  }
}

/** Bytes that a migration of the VM has to send now: its memory, and what it dirties meanwhile. */
export function bytesToCopy(model: PoolModel, vmRef: string): number {
  const load = model.vmLoads.get(vmRef) ?? idleVm;
  const cpu = Math.min(1, valueAt(load.cpu, model.clock.now() - model.startMs, `${model.seed}/copy`));
  return Math.round(memoryOf(model, vmRef) * (1 + dirtiedPart * cpu));
}

async function move(
  model: PoolModel,
  { vmRef, hostRef, task }: MigrationRequest,
  migration: ActiveMigration,
  signal: AbortSignal,
): Promise<void> {
  const fate = model.faults.takeMigrationFate(vmRef, hostRef);
  const grownBytes = memoryOf(model, vmRef);
  if (fate?.kind === "fail" && fate.at === 0) throw failureOfFate(fate, vmRef);
  setMemory(model, vmRef, Math.min(grownBytes, model.db.number("VM", vmRef, "memory_dynamic_min")));
  try {
    await model.clock.sleep(preparingMs, signal);
    await copy(model, { vmRef, task, migration, signal, fate });
    await freeze(model, vmRef, migration, signal);
    if (fate?.kind === "fail" && fate.at === "end") throw failureOfFate(fate, vmRef);
    if (fate?.kind === "lose-vm") loseVm(model, vmRef);
    task.setCancellable(false);
    await handOver(model, vmRef, task, migration, signal);
    arrive(model, vmRef, migration);
  } finally {
    migration.frozen = false;
    migration.handover = false;
    regrow(model, vmRef, grownBytes);
  }
}

interface CopyOptions {
  readonly vmRef: string;
  readonly task: TaskHandle;
  readonly migration: ActiveMigration;
  readonly signal: AbortSignal;
  readonly fate: MigrationFate | null;
}

/** Streams the memory; the task's progress follows in whole percents of the stream. */
async function copy(model: PoolModel, options: CopyOptions): Promise<void> {
  const { vmRef, task, migration, signal, fate } = options;
  const streamPart = model.release.era === "A" ? 0.95 : 10 / 11;
  const transfer = model.transfers.start({
    sourceRef: migration.sourceRef,
    targetRef: migration.targetRef,
    bytes: bytesToCopy(model, vmRef),
    onPercent: (percent) => {
      task.setProgress((percent / 100) * streamPart);
      if (fate?.kind === "stall" && percent >= fate.at * 100) transfer.setPace(0);
      if (fate?.kind === "fail" && typeof fate.at === "number" && percent >= fate.at * 100) {
        migration.abort(failureOfFate(fate, vmRef));
      }
    },
    onRate: (rate) => {
      migration.rate = rate;
      noteVm(model, vmRef);
    },
  });
  try {
    if (fate?.kind === "slow") transfer.setPace(1 / fate.factor);
    if (fate?.kind === "stall" && fate.at === 0) transfer.setPace(0);
    await Promise.race([transfer.done, rejected(signal)]);
  } finally {
    transfer.stop();
    migration.rate = 0;
    noteVm(model, vmRef);
  }
}

async function freeze(
  model: PoolModel,
  vmRef: string,
  migration: ActiveMigration,
  signal: AbortSignal,
): Promise<void> {
  migration.frozen = true;
  noteVm(model, vmRef);
  await model.clock.sleep(freezeMs, signal);
}

/** The domain runs on the target, its records still say the source: nobody can read its measures. */
async function handOver(
  model: PoolModel,
  vmRef: string,
  task: TaskHandle,
  migration: ActiveMigration,
  signal: AbortSignal,
): Promise<void> {
  migration.frozen = false;
  migration.handover = true;
  noteVm(model, vmRef);
  task.setProgress(1);
  const oneRamp = model.release.era === "A";
  for (const step of [0, 0.5, 1]) {
    // The clean-up counts from 0 again; watchers who trust progress are wrong here.
    await model.clock.sleep(cleanUpMs / 3, signal);
    if (!oneRamp) task.setProgress(step);
  }
}

/** The records follow the domain: placement and reservation change together. */
function arrive(model: PoolModel, vmRef: string, migration: ActiveMigration): void {
  const { db } = model;
  const highest = Math.max(0, ...db.all("VM").map((vm) => db.number("VM", vm, "domid")));
  model.domainSince.set(vmRef, model.clock.now());
  migration.handover = false;
  db.update("VM", vmRef, {
    resident_on: migration.targetRef,
    scheduled_to_be_resident_on: nullRef,
    domid: highest + 1,
  });
  noteVm(model, vmRef);
}

function loseVm(model: PoolModel, vmRef: string): never {
  haltVm(model, vmRef);
  throw new SimFailure("INTERNAL_ERROR", [
    "xenopsd internal error: the connection was lost at the last step",
  ]);
}

/** Gives the guest its memory back once it has settled: as much of it as the host has. */
function regrow(model: PoolModel, vmRef: string, bytes: number): void {
  model.clock.after(regrowMs, () => {
    if (!model.db.has("VM", vmRef) || model.migrations.has(vmRef)) return;
    if (model.db.get("VM", vmRef, "power_state") !== "Running") return;
    const there = unusedBytes(model, model.db.text("VM", vmRef, "resident_on"));
    setMemory(model, vmRef, Math.min(bytes, memoryOf(model, vmRef) + there));
  });
}

function assertNotOlder(model: PoolModel, vmRef: string, hostRef: string): void {
  const { db } = model;
  if (db.map("pool", poolRefOf(model), "other_config")["rolling_upgrade_in_progress"] === undefined) return;
  const versionOf = (host: string): number[] =>
    String(db.map("host", host, "software_version")["product_version"] ?? "")
      .split(".")
      .map(Number);
  const here = versionOf(db.text("VM", vmRef, "resident_on"));
  const there = versionOf(hostRef);
  const first = here.findIndex((part, index) => part !== (there[index] ?? 0));
  if (first >= 0 && (there[first] ?? 0) < (here[first] ?? 0))
    throw new SimFailure("NOT_SUPPORTED_DURING_UPGRADE");
}

/** Newer pools tell the move in a message. */
function announce(model: PoolModel, vmRef: string, sourceRef: string, targetRef: string): void {
  if (model.release.era !== "F") return;
  const { db } = model;
  const name = (cls: string, ref: string): string => db.text(cls, ref, "name_label");
  db.create("message", {
    name: "VM_MIGRATED",
    priority: 3,
    cls: "VM",
    obj_uuid: db.text("VM", vmRef, "uuid"),
    timestamp: new Date(model.clock.now()),
    body: `VM '${name("VM", vmRef)}' migrated from host '${name("host", sourceRef)}' to host '${name("host", targetRef)}'`,
  });
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
