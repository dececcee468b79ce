/** How room is made for a VM, in words and as an object: what would be moved, and where the VM can start then. Pure. */

import type { Assessment } from "../decide/assess.ts";
import type { StoredSnapshot, Vm } from "../domain/pool.ts";
import { noUuid } from "../domain/vmSize.ts";
import type { RoomPlan } from "../planner/room/room.ts";
import { bytes, plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { placeJson, placeLine } from "./placing.ts";
import { gateObject, planJson } from "./planJson.ts";
import {
  gateLine,
  inProse,
  openLine,
  type PlanTold,
  poolLine,
  totalLines,
  unknownRuleLines,
} from "./report.ts";

/** Hosts that are told with all reasons when the moves are done. */
const shownPlaces = 3;

/** The plan for a person, in the manner of SHOW PLAN. */
export function roomLines(
  assessment: Assessment,
  stored: StoredSnapshot,
  vm: Vm,
  plan: RoomPlan,
  told: PlanTold = inProse,
): string[] {
  const names = new Names(stored.snapshot);
  const { blocked, controlState } = assessment;
  return [
    ...(blocked === null ? [] : [`A run would be ${gateLine(blocked)}`]),
    ...controlState.open.map((migration) => openLine(migration, names)),
    ...unknownRuleLines(assessment.unknown),
    poolLine({ ...assessment, stored }),
    roomPurposeLine(plan, vm, names),
    ...(plan.moves.length === 0
      ? []
      : [
          ...plan.absent.map(
            ({ host, reason }) => `${names.of(host)} is left out of mean and moves: ${reason}`,
          ),
          ...told.rules(plan, { ...assessment, stored }, names),
        ]),
    ...told.moves(plan, names),
    ...totalLines(plan),
    ...plan.ranking.places.slice(0, shownPlaces).map((place) => placeLine(place, names)),
    ...obstacleLines(plan, names),
    roomEndLine(plan, vm, names, plan.moves.length === 0 ? "is" : "would be"),
  ];
}

/** "VM db", "a VM of this size". */
function guestName({ uuid }: Vm, names: Names): string {
  return uuid === noUuid ? "a VM of this size" : names.of(uuid);
}

/** "Room for db (needs 4140 MB): 2 VMs move" */
export function roomPurposeLine({ moves, needBytes, target }: RoomPlan, vm: Vm, names: Names): string {
  const need = needBytes === null ? "how much memory it needs is unknown" : `needs ${bytes(needBytes, "MB")}`;
  const head = `Room for ${guestName(vm, names)} (${need})`;
  if (target === null) return `${head}: no moves make it`;
  const going = new Set(moves.map((move) => move.vm)).size;
  return going === 0 ? `${head}: there is some already` : `${head}: ${plural(going, "VM moves", "VMs move")}`;
}

/** What stands against room on each host, and whether that is all there is to say. */
export function obstacleLines({ target, obstacles, proved }: RoomPlan, names: Names): string[] {
  if (target !== null) return [];
  return [
    ...obstacles.map(({ host, reason }) => `not on ${names.of(host)}: ${reason}`),
    proved
      ? "No moves whatever would change that"
      : "No moves were found that would change that; that there are none is not proved",
  ];
}

/** Where the VM can start, and how that is done. */
export function roomEndLine(
  { target }: Pick<RoomPlan, "target">,
  vm: Vm,
  names: Names,
  be: "is" | "would be",
): string {
  const name = guestName(vm, names);
  const can = be === "is" ? "can" : "could";
  const who = name.replace(/^a VM/, "A VM");
  if (target === null) return `${who} ${can} start nowhere`;
  const how = vm.uuid === noUuid ? "" : `: xe vm-start uuid=${vm.uuid} on=${names.of(target)}`;
  return `${who} ${can} start on ${names.of(target)}${how}`;
}

/** The same as one object. */
export function roomJson(
  assessment: Assessment,
  stored: StoredSnapshot,
  vm: Vm,
  plan: RoomPlan,
): Readonly<Record<string, unknown>> {
  const { blocked, controlState } = assessment;
  return {
    room: roomObject(plan, vm, new Names(stored.snapshot)),
    ...planJson({ ...assessment, stored }, plan, assessment.unknown),
    held: gateObject(blocked),
    open: controlState.open.map((row) => ({
      vm: row.vm,
      from: row.source,
      to: row.destination,
      state: row.state,
    })),
  };
}

/** What is particular to making room. */
export function roomObject(
  { needBytes, target, ranking, obstacles, proved }: RoomPlan,
  vm: Vm,
  names: Names,
): Readonly<Record<string, unknown>> {
  return {
    vm: vm.uuid === noUuid ? null : vm.uuid,
    vmName: vm.uuid === noUuid ? null : vm.name,
    needBytes,
    host: target,
    hostName: target === null ? null : names.exact(target),
    hosts: ranking.places.map((place) => placeJson(place, names)),
    obstacles: obstacles.map((each) => ({ ...each, hostName: names.exact(each.host) })),
    proved,
  };
}
