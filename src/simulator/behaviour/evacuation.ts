/** Emptying a host: xapi's plan by memory, who stands in its way, and the migrations themselves. */

import { type PoolModel, poolRefOf } from "../metrics/model.ts";
import type { TaskHandle } from "../objects/contract.ts";
import { simMap } from "../objects/datamodel.ts";
import { SimFailure, toFailure } from "../server/failure.ts";
import { advisedTargets, evacuationTargets } from "../wlb/advice.ts";
import { assertWlbEnabled } from "../wlb/client.ts";
import { isProtected } from "./highAvailability.ts";
import { poolMigrate } from "./migration.ts";
import { guestsOn } from "./outages.ts";
import { assertCanBootHere } from "./placementChecks.ts";
import { freeMemoryOf, requiredMemoryOf } from "./placementMemory.ts";
import { operationFailure } from "./vmOperations.ts";

/** Where each VM of the host would go, or why it cannot. */
type EvacuationPlan = ReadonlyMap<string, { readonly to: string } | SimFailure>;

/** Newer pools move so many VMs at once; before, it was one after another. */
const usualBatch = 10;

/** host.get_vms_which_prevent_evacuation: the VMs that stay, each with code and parameters. */
export function evacuationBlockers(model: PoolModel, hostRef: string): ReturnType<typeof simMap> {
  const blocked = failuresOf(evacuationPlan(model, hostRef));
  return simMap(blocked.map(([vm, failure]) => [vm, [failure.code, ...failure.params]]));
}

/** Moves every VM away; throws the first reason why one cannot go before any has, and the first failure of a move. */
export async function evacuate(
  model: PoolModel,
  hostRef: string,
  task: TaskHandle,
  batch: number,
): Promise<void> {
  const targets = await advisedTargets(model, hostRef);
  const own = evacuationPlan(model, hostRef);
  const plan = targets === null ? own : advisedPlan(model, hostRef, own, targets);
  const [first] = failuresOf(plan);
  if (first !== undefined) throw first[1];
  await moveAll(model, plan, task, batch > 0 ? batch : model.release.era === "F" ? usualBatch : 1);
  const left = guestsOn(model, hostRef).length;
  if (left > 0) {
    throw new SimFailure("INTERNAL_ERROR", [`evacuate: ${left} VMs are still resident on ${hostRef}`]);
  }
}

/** host.retrieve_wlb_evacuate_recommendations: where each VM would go, or why it stays. @throws SimFailure */
export async function evacuationAdvice(
  model: PoolModel,
  hostRef: string,
): Promise<ReturnType<typeof simMap>> {
  assertWlbEnabled(model);
  const targets = await evacuationTargets(model, hostRef);
  const plan = advisedPlan(model, hostRef, evacuationPlan(model, hostRef), targets);
  return simMap(
    [...plan].map(([vm, where]) => [
      vm,
      where instanceof SimFailure
        ? [where.code, ...where.params]
        : ["WLB", model.db.text("host", where.to, "uuid")],
    ]),
  );
}

/** All targets are the advised ones; what keeps a VM for other reasons than memory is the pool's own to say. */
function advisedPlan(
  model: PoolModel,
  hostRef: string,
  own: EvacuationPlan,
  targets: ReadonlyMap<string, string>,
): EvacuationPlan {
  const noRoom = "HOST_NOT_ENOUGH_FREE_MEMORY";
  const advised = [...targets].map(([vm, to]) => [vm, { to }] as const);
  const left = guestsOn(model, hostRef)
    .filter((vm) => !targets.has(vm))
    .map((vm) => [vm, new SimFailure(noRoom, [vm])] as const);
  const hard = [...own].filter(([, where]) => where instanceof SimFailure && where.code !== noRoom);
  return new Map([...advised, ...left, ...hard]);
}

/** What a host does that goes down: `stop` for the VMs that cannot go, the others move, failures change nothing. */
export async function evacuateWhatMoves(
  model: PoolModel,
  hostRef: string,
  stop: (vmRef: string) => void,
): Promise<void> {
  const plan = evacuationPlan(model, hostRef);
  for (const [vm] of failuresOf(plan)) stop(vm);
  const movable = new Map([...plan].filter(([, where]) => !(where instanceof SimFailure)));
  const { signal } = new AbortController();
  const task = { ref: "", setProgress: () => {}, setCancellable: () => {}, cancelled: signal };
  await moveAll(model, movable, task, usualBatch).catch(() => {});
}

function failuresOf(plan: EvacuationPlan): [string, SimFailure][] {
  return [...plan].flatMap(([vm, where]): [string, SimFailure][] =>
    where instanceof SimFailure ? [[vm, where]] : [],
  );
}

/** A VM must be able to run on every other enabled host; then memory decides where it goes, the biggest first. */
function evacuationPlan(model: PoolModel, hostRef: string): EvacuationPlan {
  const { db } = model;
  const targets = db
    .all("host")
    .filter((host) => host !== hostRef && db.get("host", host, "enabled") === true);
  const free = new Map(targets.map((host) => [host, freeMemoryOf(model, host)]));
  const bySize = guestsOn(model, hostRef).sort(
    (a, b) => requiredMemoryOf(model, b) - requiredMemoryOf(model, a),
  );
  return new Map(
    bySize.map((vm) => {
      const failure = stayReason(model, vm, targets);
      return [vm, failure ?? place(model, vm, free)];
    }),
  );
}

function stayReason(model: PoolModel, vmRef: string, targets: readonly string[]): SimFailure | null {
  if (targets.length === 0) return new SimFailure("NO_HOSTS_AVAILABLE", [vmRef]);
  const failure = operationFailure(model, vmRef, "pool_migrate");
  if (failure !== null) return failure;
  const protects = model.db.get("pool", poolRefOf(model), "ha_enabled") === true;
  if (protects && !isProtected(model, vmRef))
    return new SimFailure("HOST_EVACUATE_VM_NOT_HA_PROTECTED", [vmRef]);
  try {
    for (const host of targets) assertCanBootHere(model, vmRef, host, { memory: false, cpu: true });
    return null;
  } catch (error) {
    return toFailure(error);
  }
}

function place(model: PoolModel, vmRef: string, free: Map<string, number>): { to: string } | SimFailure {
  const needed = requiredMemoryOf(model, vmRef);
  const [to, bytes] = [...free].sort((a, b) => b[1] - a[1])[0] ?? ["", -1];
  if (bytes < needed) return new SimFailure("HOST_NOT_ENOUGH_FREE_MEMORY", [vmRef]);
  free.set(to, bytes - needed);
  return { to };
}

/** So many at a time, each under a task of its own; a VM that was stopped meanwhile is no failure. */
async function moveAll(
  model: PoolModel,
  plan: EvacuationPlan,
  task: TaskHandle,
  batch: number,
): Promise<void> {
  const waiting = [...plan];
  let done = 0;
  let stop = false;
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !stop; next = waiting.shift()) {
      const [vm, where] = next;
      if (where instanceof SimFailure) throw where;
      try {
        await moveOne(model, vm, where.to);
      } catch (error) {
        stop = toFailure(error).code !== "VM_BAD_POWER_STATE";
        if (stop) throw error;
      }
      done += 1;
      task.setProgress(done / plan.size);
    }
  };
  await Promise.all(Array.from({ length: Math.min(batch, waiting.length) }, worker));
}

/** A migration that the pool begins itself: a task like any other, gone with its end. */
async function moveOne(model: PoolModel, vmRef: string, hostRef: string): Promise<void> {
  const { db } = model;
  const ref = db.create("task", {
    name_label: "Async.VM.pool_migrate",
    created: new Date(model.clock.now()),
    status: "pending",
    type: "<none/>",
  });
  const { signal } = new AbortController();
  const task: TaskHandle = {
    ref,
    cancelled: signal,
    setProgress: (progress) => {
      if (db.has("task", ref)) db.set("task", ref, "progress", Math.min(1, Math.max(0, progress)));
    },
    setCancellable: () => {},
  };
  try {
    await poolMigrate(model, { vmRef, hostRef, options: { live: "true" }, task });
  } finally {
    if (db.has("task", ref)) db.destroy("task", ref);
  }
}
