/** Hosts that are there again, and those that should be and are not. Pure. */

import { takesPart } from "../domain/deviation.ts";
import type { HostState, HostStates } from "../domain/hostPower.ts";
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import { span } from "../text/format.ts";
import type { PowerStep } from "./states.ts";

export interface Known<K extends HostState["kind"]> {
  readonly uuid: Uuid;
  readonly state: Extract<HostState, { readonly kind: K }>;
}

/** Hosts in that state, by uuid. */
export function hostsIn<K extends HostState["kind"]>(states: HostStates, kind: K): readonly Known<K>[] {
  const known: Known<K>[] = [];
  for (const [uuid, state] of states) {
    if (state.kind === kind) known.push({ uuid, state: state as Known<K>["state"] });
  }
  return known.sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
}

/**
 * What is to be done with hosts that were woken, or that somebody switched on: enable them, remember that they are on, or
 * give up one that is not there after `wakeSeconds`.
 */
export function powerTransitions(
  { hosts }: Snapshot,
  states: HostStates,
  now: number,
  wakeSeconds: number,
): readonly PowerStep[] {
  const byUuid = new Map(hosts.map((host) => [host.uuid, host]));
  const away = [...hostsIn(states, "waking"), ...hostsIn(states, "failed"), ...hostsIn(states, "asleep")];
  return away.flatMap(({ uuid, state }) => {
    const step = coming(byUuid.get(uuid), state, now - state.since, wakeSeconds);
    return step === null ? [] : [{ ...step, host: uuid }];
  });
}

function coming(
  host: Host | undefined,
  { kind }: HostState,
  seconds: number,
  limit: number,
): { readonly kind: "note on" | "enable" | "mark failed"; readonly reason: string } | null {
  const late = seconds > limit;
  if (host !== undefined && takesPart(host)) {
    return { kind: "note on", reason: `it is on again after ${span(seconds, "rough")}` };
  }
  if (host?.live && !host.enabled) {
    if (kind !== "asleep") return { kind: "enable", reason: "it is there again" };
    return late
      ? { kind: "enable", reason: `it is still on ${span(seconds, "rough")} after its shutdown` }
      : null;
  }
  if (kind !== "waking" || !late) return null;
  return {
    kind: "mark failed",
    reason: `it did not wake in ${span(seconds, "rough")} (limit ${span(limit, "rough")})`,
  };
}
