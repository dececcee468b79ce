/**
 * What making room for a VM is decided by: as for an evacuation the gates of the data and an administrator's hold stand,
 * what keeps rules from moving VMs to and fro does not. Pure.
 */

import { AppError } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import { occupiesHost, type Snapshot, type Vm } from "../domain/pool.ts";
import { overheadOfSize, vmOfSize } from "../domain/vmSize.ts";
import { planRoom, type RoomPlan } from "../planner/room/room.ts";
import type { ControlSettings } from "../settings/types.ts";
import { findNamed } from "../text/find.ts";
import { type Assessment, type PairBans, pairsOf } from "./assess.ts";
import { settledGate } from "./gates.ts";
import { type LastUse, placingOptions } from "./placing.ts";

/** Which VM there is to be room for: of a size, one of the pool's, or one of the pool's with another size. */
export interface RoomRequest {
  /** Null: what the VM has. */
  readonly memoryBytes: number | null;
  /** The VM: uuid, the start of one, or name; null: none of the pool's. */
  readonly vm: string | null;
}

const mebibyte = 1024 * 1024;

/**
 * The VM that is meant. Throws AppError not-found or ambiguous, conflict where it runs already, and usage where neither a
 * size nor a VM is given.
 */
export function wantedVm({ vms, placements }: Snapshot, { memoryBytes, vm: wanted }: RoomRequest): Vm {
  if (wanted === null) {
    if (memoryBytes === null) throw new AppError("usage", "room for what? Name a size, a VM, or both");
    return vmOfSize({ memoryBytes, vcpus: null });
  }
  const vm = findNamed("VM", wanted, vms);
  if (occupiesHost(vm.powerState) || placements.some(({ vmUuid }) => vmUuid === vm.uuid)) {
    const name = vm.name === "" ? vm.uuid : vm.name;
    throw new AppError(
      "conflict",
      `${name} is ${vm.powerState}: it has its room. PLACE VM ranks other hosts for it`,
    );
  }
  if (memoryBytes === null) return vm;
  const memory = Math.ceil(memoryBytes / mebibyte) * mebibyte;
  const overhead = overheadOfSize({ memoryBytes, vcpus: vm.vcpuNum });
  return { ...vm, memoryMb: memory / mebibyte, placementBytes: memory + overhead };
}

/** The plan, null where the collection allows none; and the gate that keeps it from being carried out. */
export interface RoomForecast {
  readonly plan: RoomPlan | null;
  readonly gate: Gate | null;
}

/** The VM that there is to be room for, with what it used when it last ran, where that is known. */
export interface RoomGuest {
  readonly vm: Vm;
  readonly use: LastUse | null;
}

/** What making room for `guest` would do, but for what holds it by somebody's word. */
export function forecastRoom(
  assessment: Assessment,
  settings: ControlSettings,
  guest: RoomGuest,
): RoomForecast {
  const { stored, gate, controlState, bans } = assessment;
  if (gate !== null || stored === null) return { plan: null, gate };
  const pairs = pairsOf(stored.snapshot, bans);
  const plan = roomOf(assessment, settings, stored.snapshot, { vms: bans.vms, pairs }, guest);
  return { plan, gate: plan.moves.length === 0 ? null : settledGate(controlState) };
}

/** The plan from where things stand by now. */
export function roomOf(
  assessment: Assessment,
  settings: ControlSettings,
  state: Snapshot,
  bans: PairBans,
  { vm, use }: RoomGuest,
): RoomPlan {
  const options = placingOptions({ ...assessment, snapshot: state }, settings, vm, use);
  return planRoom(state, assessment.rules, vm, { ...options, bannedVms: bans.vms, bannedPairs: bans.pairs });
}
