/** What must hold before anything is planned, in order, each with a name, the measured value and the limit. Pure. */

import type { ControlState } from "../domain/controlState.ts";
import type { Gate } from "../domain/gate.ts";
import { parseState, stateWords } from "../domain/migration.ts";
import type { StoredSnapshot } from "../domain/pool.ts";
import { plural, span } from "../text/format.ts";
import { longest, shorten } from "../text/text.ts";
import type { Suspicion } from "./suspicion.ts";

/** Limits of the settings; `poolUuid` is the pool that they mean, null where they name none. */
export interface GateLimits {
  readonly snapshotMaxAgeSeconds: number;
  readonly maxMovesPerHour: number;
  readonly quietMinutes: number;
  readonly poolUuid: string | null;
}

const daySeconds = 86_400;

/** The first gate that is closed by somebody's word or by what control itself did lately; null when all are open. */
export function blockedGate(controlState: ControlState, { maxMovesPerHour }: GateLimits): Gate | null {
  const { pause, breaker, startedLastHour } = controlState;
  const unknown = unknownStateGate(controlState);
  if (unknown !== null) return unknown;
  if (pause !== null) {
    const why = pause.reason === "" ? "" : `: ${pause.reason}`;
    return {
      code: "paused",
      measured: `paused by ${pause.by === "" ? "somebody" : pause.by} ${span(pause.sinceSecondsAgo, "rough")} ago${why}`,
      limit: pause.until === null ? "until somebody resumes" : `until ${utc(pause.until)}`,
      advice: "RESUME CONTROL ends it, at the prompt of xcp-manager",
      ...(pause.until !== null && pause.sinceSecondsAgo < daySeconds ? { passing: true } : {}),
    };
  }
  if (breaker.open) {
    return {
      code: "breaker",
      measured: shorten(breaker.reason ?? "migrations failed", longest.error),
      limit: `closed for another ${span(breaker.closesInSeconds ?? 0, "rough")}`,
      advice: "mend the cause, then run xcp-control --ack",
    };
  }
  if (startedLastHour < maxMovesPerHour) return null;
  return {
    code: "hour",
    measured: `${startedLastHour} within the last hour`,
    limit: `${maxMovesPerHour} (ControlMaxMovesPerHour)`,
    advice: "wait; see why so many were needed",
  };
}

/** A row whose state says nothing to this version: whether its VM is moved just now is anybody's guess. */
function unknownStateGate({ open, recent }: ControlState): Gate | null {
  const row = [...open, ...recent].find(({ state }) => parseState(state) === null);
  if (row === undefined) return null;
  return {
    code: "unknownState",
    measured: `the migration ${row.id} of VM ${row.vm} has the State "${row.state}"`,
    limit: `the states that this version knows: ${stateWords}`,
    advice:
      "see where the VM is; use the version that wrote the row, or correct its State in the table Migration",
  };
}

/** The first gate that is closed for this collection, or null when all are open. */
export function dataGate(
  stored: StoredSnapshot | null,
  controlState: ControlState,
  suspicion: Suspicion | null,
  limits: GateLimits,
): Gate | null {
  if (stored === null) {
    return {
      code: "collection",
      measured: "none was ever stored",
      limit: "one at least",
      advice: "run xcp-collect first",
    };
  }
  return (
    suspectGate(suspicion) ??
    ageGate(stored, limits.snapshotMaxAgeSeconds) ??
    completenessGate(stored) ??
    freshnessGate(stored, controlState) ??
    poolGate(stored, limits.poolUuid) ??
    quietGate(stored, controlState, limits.quietMinutes)
  );
}

function suspectGate(suspicion: Suspicion | null): Gate | null {
  if (suspicion === null || suspicion.pool === null) return null;
  return {
    code: "suspect",
    ...suspicion.pool,
    advice: "look at SHOW HOSTS and the pool; a later collection that agrees with this one is believed",
  };
}

function ageGate({ ageSeconds }: StoredSnapshot, maxAgeSeconds: number): Gate | null {
  // A collection from the future means that the database's clock was set back: its age is anybody's guess.
  if (Math.abs(ageSeconds) <= maxAgeSeconds) return null;
  return {
    code: "age",
    measured: Number.isFinite(ageSeconds)
      ? `collected ${Math.round(ageSeconds)} s ago`
      : "never collected by xcp-collect",
    limit: `${maxAgeSeconds} s (ControlSnapshotMaxAgeSeconds)`,
    advice: "run xcp-collect; is it still in cron?",
  };
}

function completenessGate({ collection }: StoredSnapshot): Gate | null {
  if (collection.complete) return null;
  const hosts = `${collection.hostsUnread} of ${plural(collection.hostsRead + collection.hostsUnread, "host")} unread`;
  return {
    code: "completeness",
    // Records of VMs and of what belongs to them count as well; the collection keeps no number of those.
    measured: collection.hostsUnread === 0 ? "records of the pool's objects could not be read" : hosts,
    limit: "CollectUnreadHostsPercent",
    advice: "see why xcp-collect cannot read them",
  };
}

/**
 * Closed while VMs that were migrated are not believed on their new hosts yet: no move may be made on such measures.
 * Asked only where there is a move to make: that no host breaks a rule may be said at once.
 */
export function settledGate({
  unsettled,
  lastEnd,
}: Pick<ControlState, "unsettled" | "lastEnd">): Gate | null {
  if (unsettled.length === 0) return null;
  const vms = plural(unsettled.length, "VM that was", "VMs that were");
  return {
    code: "settled",
    measured: `${vms} migrated came to the new host a moment ago: the measures still tell of before`,
    limit: "a collection that believes them",
    advice: "wait for the next xcp-collect",
    ...passingAfter(lastEnd),
  };
}

/** Seconds within which a collection follows a migration where all is well; data that is older than that has a gate of its own. */
const passingSeconds = 300;

function passingAfter(lastEnd: ControlState["lastEnd"]): Pick<Gate, "passing"> {
  return lastEnd !== null && lastEnd.secondsAgo >= 0 && lastEnd.secondsAgo < passingSeconds
    ? { passing: true }
    : {};
}

/** By the numbers of collections, not by times: a clock can be set. */
function freshnessGate({ collection }: StoredSnapshot, { lastEnd }: ControlState): Gate | null {
  if (lastEnd === null || collection.id > lastEnd.collectionsAtEnd) return null;
  return {
    code: "freshness",
    measured: `collection ${collection.id} began before the last migration ended, ${span(lastEnd.secondsAgo, "rough")} ago`,
    limit: `number ${lastEnd.collectionsAtEnd + 1} or later`,
    advice: "wait for the next xcp-collect",
    ...passingAfter(lastEnd),
  };
}

function poolGate({ snapshot: { pool } }: StoredSnapshot, poolUuid: string | null): Gate | null {
  if (poolUuid !== null && poolUuid.toLowerCase() !== pool.uuid.toLowerCase()) {
    return {
      code: "pool",
      measured: `the collection is of ${pool.uuid}`,
      limit: `${poolUuid} (XenPoolUuid)`,
      advice: "do both programs mean the same pool and database?",
    };
  }
  if (pool.rollingUpgrade) {
    return {
      code: "upgrade",
      measured: "one is in progress",
      limit: "none",
      advice: "wait until the upgrade is over",
    };
  }
  if (!pool.wlbEnabled) return null;
  return {
    code: "wlb",
    measured: "the pool's own WLB is on",
    limit: "off",
    advice: "two balancers fight each other: keep one (xe pool-param-set wlb-enabled=false)",
  };
}

/** What a host does after a step of ours may be seen so much later. */
const slowestBootSeconds = 1800;

/** Hosts that died, came back, or were disabled or enabled a moment ago, but for those that green rules handle. */
function quietGate(
  { snapshot, collection }: StoredSnapshot,
  controlState: ControlState,
  quietMinutes: number,
): Gate | null {
  if (quietMinutes === 0) return null;
  const observations = new Map(
    controlState.observations.map((observation) => [observation.host, observation]),
  );
  for (const { uuid, name, enabled, live } of snapshot.hosts) {
    const observation = observations.get(uuid);
    if (observation === undefined) continue;
    // A collection that was not looked at yet tells of the change itself.
    const isNew =
      observation.collectionId !== collection.id &&
      (observation.enabled !== enabled || observation.live !== live);
    const secondsAgo = isNew ? 0 : observation.changedSecondsAgo;
    if (secondsAgo === null || secondsAgo >= quietMinutes * 60) continue;
    const ownSecondsAgo = controlState.handled.get(uuid);
    if (ownSecondsAgo !== undefined && ownSecondsAgo < quietMinutes * 60 + slowestBootSeconds) continue;
    const state = !live ? "dead" : enabled ? "alive and enabled" : "disabled";
    return {
      code: "quiet",
      measured: `${name === "" ? uuid : name} is ${state} since ${span(secondsAgo, "rough")}`,
      limit: `${quietMinutes} min without a change (ControlQuietMinutes)`,
      advice: "wait until the pool's load has settled",
    };
  }
  return null;
}

function utc(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
