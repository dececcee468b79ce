/** What the pool does with recommendations: where VMs start, where those of an evacuated host go, and what callers are told. */
import { assertCanBootHere } from "../behaviour/placementChecks.ts";
import { type PoolModel, poolRefOf } from "../metrics/model.ts";
import type { TaskHandle } from "../objects/contract.ts";
import { type SimMap, simMap } from "../objects/datamodel.ts";
import { SimFailure, toFailure } from "../server/failure.ts";
import type { PlacementRow } from "./answers.ts";
import { askWlb, assertWlbEnabled, consultsWlb, controlDomainOf, knownUuids, liveHosts } from "./client.ts";
import { uuidParameters } from "./request.ts";

/** The rows of a VM: every live host once. @throws SimFailure */
async function placementsOf(model: PoolModel, vmRef: string): Promise<PlacementRow[]> {
  const { db } = model;
  const parameters = uuidParameters({ PoolUuid: poolUuid(model), VmUuid: db.text("VM", vmRef, "uuid") });
  const answer = await askWlb(model, "VMGetRecommendations", parameters);
  const rows = answer.placements(knownUuids(model));
  const targets = rows.map(({ host }) => db.byUuid("host", host));
  const live = liveHosts(model);
  if (
    targets.length !== live.length ||
    new Set(targets).size !== live.length ||
    !live.every((host) => targets.includes(host))
  ) {
    throw new SimFailure("WLB_MALFORMED_RESPONSE", [
      "VMGetRecommendations",
      "VM recommendations must only target live hosts and target all of them",
      "Unknown",
    ]);
  }
  return rows;
}

function poolUuid(model: PoolModel): string {
  return model.db.text("pool", poolRefOf(model), "uuid");
}

/** VM.retrieve_wlb_recommendations: the pool's own checks come on top of the stars. @throws SimFailure */
export async function placementAdvice(model: PoolModel, vmRef: string): Promise<SimMap> {
  const { db } = model;
  assertWlbEnabled(model);
  const rows = await placementsOf(model, vmRef);
  return simMap(
    rows.map(({ host, id, stars, zeroReason }) => {
      const ref = db.byUuid("host", host);
      if (stars === 0) return [ref, ["WLB", "0.0", id, zeroReason]];
      const obstacle = obstacleTo(model, vmRef, ref);
      return [
        ref,
        obstacle === null ? ["WLB", starsText(stars), id] : ["WLB", "0.0", id, reasonOf(obstacle)],
      ];
    }),
  );
}

/** "4.5", "2.0" */
function starsText(stars: number): string {
  return Number.isInteger(stars) ? `${stars}.0` : String(stars);
}

function obstacleTo(model: PoolModel, vmRef: string, hostRef: string): SimFailure | null {
  try {
    assertCanBootHere(model, vmRef, hostRef, { cpu: true });
    return null;
  } catch (error) {
    return toFailure(error);
  }
}

function reasonOf({ code, params }: SimFailure): string {
  if (code === "VM_INCOMPATIBLE_WITH_THIS_HOST") return "HostCPUFeaturesIncompatible";
  return [code, ...params].join(";");
}

/**
 * The host on which a VM that is started or resumed without one should run: the most stars among those that can boot it.
 * Null where the pool decides by itself: nobody is asked, nobody answers, or no host has stars.
 */
export async function advisedHost(
  model: PoolModel,
  vmRef: string,
  action: string,
  task: TaskHandle,
): Promise<string | null> {
  if (!consultsWlb(model)) return null;
  const { db } = model;
  let rows: readonly PlacementRow[];
  try {
    rows = await placementsOf(model, vmRef);
  } catch (error) {
    toFailure(error);
    consultationFailed(model, "VM", vmRef);
    return null;
  }
  const [best] = rows
    .map((row) => ({ ...row, ref: db.byUuid("host", row.host) }))
    .filter(({ stars, ref }) => stars > 0 && obstacleTo(model, vmRef, ref) === null)
    .toSorted((a, b) => b.stars - a.stars);
  if (best === undefined) return null;
  tellTask(model, task, [
    ["wlb_advised", best.id],
    ["wlb_action", action],
    ["wlb_action_obj_type", "VM"],
    ["wlb_action_obj_ref", vmRef],
  ]);
  return best.ref;
}

/** The server finds out by the tasks' events whether its advice was taken. What the task had of its own is gone, as with xapi. */
function tellTask(
  { db, ...model }: PoolModel,
  { ref }: TaskHandle,
  entries: readonly [string, string][],
): void {
  if (!db.has("task", ref)) return;
  const ofPool = Object.entries(db.map("pool", poolRefOf({ db, ...model }), "other_config"));
  db.set("task", ref, "other_config", simMap([...ofPool, ...entries]));
}

function consultationFailed(model: PoolModel, cls: "VM" | "Host", ref: string): void {
  const { db } = model;
  const own = cls === "VM" ? "VM" : "host";
  db.create("message", {
    name: "WLB_CONSULTATION_FAILED",
    priority: 3,
    cls,
    obj_uuid: db.text(own, ref, "uuid"),
    timestamp: new Date(model.clock.now()),
    body: `Wlb consultation for ${cls} '${db.text(own, ref, "name_label")}' failed (pool uuid: ${poolUuid(model)})`,
  });
}

/** Where the VMs of a host go, by VM; those that are left out have no room anywhere. @throws SimFailure */
export async function evacuationTargets(
  model: PoolModel,
  hostRef: string,
): Promise<ReadonlyMap<string, string>> {
  const { db } = model;
  const hostUuid = db.text("host", hostRef, "uuid");
  const parameters = uuidParameters({ HostUuid: hostUuid, PoolUuid: poolUuid(model) });
  const answer = await askWlb(model, "HostGetRecommendations", parameters);
  return new Map(
    answer.evacuation(knownUuids(model)).map(({ vm, host }) => {
      const to = db.byUuid("host", host);
      if (vm === "") return [controlDomainOf(model, host), to];
      const ref = db.byUuid("VM", vm);
      // By where it is by now, which the server may not know yet; then nothing of the answer counts.
      if (db.text("VM", ref, "resident_on") === to) {
        const name = db.text("VM", ref, "name_label");
        throw new SimFailure("WLB_MALFORMED_RESPONSE", [
          `WLB recommends migrating VM ${name} to the same server it is being evacuated from.`,
        ]);
      }
      return [ref, to];
    }),
  );
}

/** The same for host.evacuate: null where the pool decides by itself. */
export async function advisedTargets(
  model: PoolModel,
  hostRef: string,
): Promise<ReadonlyMap<string, string> | null> {
  if (!consultsWlb(model)) return null;
  try {
    return await evacuationTargets(model, hostRef);
  } catch (error) {
    toFailure(error);
    consultationFailed(model, "Host", hostRef);
    return null;
  }
}

/** pool.retrieve_wlb_recommendations. @throws SimFailure */
export async function optimizationAdvice(model: PoolModel): Promise<SimMap> {
  assertWlbEnabled(model);
  const answer = await askWlb(
    model,
    "GetOptimizationRecommendations",
    uuidParameters({ PoolUuid: poolUuid(model) }),
  );
  return simMap(
    answer
      .optimization(knownUuids(model))
      .map(({ vm, host, optimization, id, reason }) => [
        vm === "" ? controlDomainOf(model, host) : model.db.byUuid("VM", vm),
        ["WLB", host, optimization, id, reason],
      ]),
  );
}
