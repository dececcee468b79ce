/**
 * What green computing does with each host, and how that changes. Pure.
 *
 *   on -> draining -> asleep -> waking -> on
 *         draining -> on       taken back: it stalled, or the host is needed
 *         asleep, waking -> failed -> on    it did not wake in its time; somebody repaired it
 *
 * A host that nobody put to sleep is never asleep here, so that nobody's maintenance is ended by us.
 */

import { takesPart } from "../domain/deviation.ts";
import type { HostState, HostStates } from "../domain/hostPower.ts";
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import { hostsAfter } from "../planner/tell/outcome.ts";
import type { Drain } from "./plan.ts";

/** One thing to do with a host, with the reason in figures. */
export type PowerStep =
  /** Disable it, where it is not, and carry out what is left of its drain. */
  | { readonly kind: "drain"; readonly host: Uuid; readonly reason: string; readonly drain: Drain }
  /** Enable it; migrations that go on may end. */
  | { readonly kind: "take back"; readonly host: Uuid; readonly reason: string }
  | { readonly kind: "shut down"; readonly host: Uuid; readonly reason: string }
  | { readonly kind: "wake"; readonly host: Uuid; readonly reason: string }
  /** It is there again, and still disabled. */
  | { readonly kind: "enable"; readonly host: Uuid; readonly reason: string }
  /** It takes part again: nothing to do but to remember it. */
  | { readonly kind: "note on"; readonly host: Uuid; readonly reason: string }
  /** Raise the alarm; nothing is tried with it any more. */
  | { readonly kind: "mark failed"; readonly host: Uuid; readonly reason: string };

export function stateOf(states: HostStates, host: Uuid): HostState {
  return states.get(host) ?? { kind: "on", since: Number.NEGATIVE_INFINITY };
}

/** VMs on the host, control domains not counted. */
export function vmsOn({ vms, placements }: Snapshot, host: Uuid): readonly Uuid[] {
  const there = new Set(placements.flatMap((each) => (each.hostUuid === host ? [each.vmUuid] : [])));
  return vms
    .filter(({ uuid, isControlDomain }) => there.has(uuid) && !isControlDomain)
    .map(({ uuid }) => uuid);
}

/** The states with what the snapshot shows of progress. */
export function observe(states: HostStates, snapshot: Snapshot, now: number): HostStates {
  const seen = new Map(states);
  for (const [host, state] of states) {
    if (state.kind !== "draining") continue;
    const left = vmsOn(snapshot, host).length;
    if (left < state.left) seen.set(host, { ...state, left, progressAt: now });
  }
  return seen;
}

/** The states when the steps have been begun. A step that was not possible is left out by the caller. */
export function advance(
  states: HostStates,
  steps: readonly PowerStep[],
  snapshot: Snapshot,
  now: number,
): HostStates {
  const next = new Map(states);
  for (const step of steps) {
    const after = afterStep(stateOf(states, step.host), step, snapshot, now);
    if (after !== null) next.set(step.host, after);
  }
  return next;
}

/** Null where the step does not change the state. */
function afterStep(state: HostState, step: PowerStep, snapshot: Snapshot, now: number): HostState | null {
  switch (step.kind) {
    case "drain": {
      if (state.kind === "draining") return null;
      const left = vmsOn(snapshot, step.host).length;
      return { kind: "draining", since: now, left, progressAt: now };
    }
    case "take back":
    case "note on":
      return { kind: "on", since: now };
    case "shut down": {
      const empty = snapshot.hosts.find(({ uuid }) => uuid === step.host);
      return empty === undefined ? null : { kind: "asleep", since: now, empty };
    }
    case "wake":
      return state.kind === "asleep" ? { kind: "waking", since: now, empty: state.empty } : null;
    case "mark failed":
      return "empty" in state ? { kind: "failed", since: now, empty: state.empty } : null;
    case "enable":
      return null;
    default:
      return step satisfies never;
  }
}

/** The snapshot as it would be with these hosts on and empty. */
export function withHosts(snapshot: Snapshot, woken: readonly Host[]): Snapshot {
  const back = new Map(woken.map((host) => [host.uuid, { ...host, enabled: true, live: true, read: true }]));
  const hosts = snapshot.hosts.map((host) => {
    const of = back.get(host.uuid);
    back.delete(host.uuid);
    return of === undefined || takesPart(host) ? host : of;
  });
  return { ...snapshot, hosts: [...hosts, ...back.values()] };
}

/**
 * The snapshot when the migrations that go on are done. xapi holds their memory on both ends until then: at the destination
 * it is counted already.
 */
export function settled(snapshot: Snapshot): Snapshot {
  const going = new Map(snapshot.vms.map(({ uuid, migratingTo }) => [uuid, migratingTo]));
  const moves = snapshot.placements.flatMap(({ vmUuid, hostUuid }) => {
    const to = going.get(vmUuid) ?? null;
    return to === null || to === hostUuid ? [] : [{ vm: vmUuid, source: hostUuid, destination: to }];
  });
  if (moves.length === 0) return snapshot;
  const arriving = new Map<Uuid, { mb: number; bytes: number }>();
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  for (const { vm, destination } of moves) {
    const { mb, bytes } = arriving.get(destination) ?? { mb: 0, bytes: 0 };
    const { memoryMb = null, placementBytes = null } = vms.get(vm) ?? {};
    arriving.set(destination, { mb: mb + (memoryMb ?? 0), bytes: bytes + (placementBytes ?? 0) });
  }
  return {
    ...snapshot,
    hosts: hostsAfter(snapshot, moves).map((host) => {
      const { mb, bytes } = arriving.get(host.uuid) ?? { mb: 0, bytes: 0 };
      const { memoryFreeMb, placementFreeBytes } = host;
      return {
        ...host,
        memoryFreeMb: memoryFreeMb === null ? null : memoryFreeMb + mb,
        placementFreeBytes: placementFreeBytes === null ? null : placementFreeBytes + bytes,
      };
    }),
    vms: snapshot.vms.map((vm) => (vm.migratingTo === null ? vm : { ...vm, migratingTo: null })),
    placements: snapshot.placements.map(({ vmUuid, hostUuid }) => ({
      vmUuid,
      hostUuid: going.get(vmUuid) ?? hostUuid,
    })),
  };
}

/** The snapshot with the hosts taking part, as they are. */
export function withEnabled(snapshot: Snapshot, enabled: ReadonlySet<Uuid>): Snapshot {
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => (enabled.has(host.uuid) ? { ...host, enabled: true } : host)),
  };
}
