/** VMs and hosts that are left alone for now, with the reason: exclusions, cooldowns, failures, contention. Pure. */

import { failedByItself, isFailure, isOpen, type Migration } from "../domain/migration.ts";
import type { Snapshot, Uuid } from "../domain/pool.ts";
import { pairKey } from "../planner/facts.ts";
import { plural, span } from "../text/format.ts";
import { longest, shorten } from "../text/text.ts";
import { failingHosts, failingVms, pathFailures } from "./failingHosts.ts";
import { flapsOf } from "./flaps.ts";

export interface CooldownOptions {
  readonly vmCooldownMinutes: number;
  readonly failedVmMinutes: number;
  /** Migrations that one host gives or takes within an hour. */
  readonly maxMovesPerHost: number;
  /** VMs with one of these tags are left alone. */
  readonly excludeTags: readonly string[];
}

/** An administrator's word on a VM or host. */
export interface ExcludedObject {
  readonly kind: "VM" | "HOST";
  readonly uuid: Uuid;
  readonly by: string;
  readonly reason: string;
}

/** What a plan must not touch. */
export interface Bans {
  readonly vms: ReadonlyMap<Uuid, string>;
  /** Hosts that neither give nor receive a VM. */
  readonly hosts: ReadonlyMap<Uuid, string>;
  /** Hosts that receive nothing, for migrations to them fail; VMs may leave them. */
  readonly failing: ReadonlyMap<Uuid, string>;
  /** Hosts that do not receive one VM, by `pairKey`. */
  readonly pairs: ReadonlyMap<string, string>;
}

const dayMinutes = 24 * 60;

/** Times that a VM may come back to the host it was moved from within a day. */
const reversals = 2;

/**
 * The bans of this moment. `recent` are the migrations of the last day, oldest first. The first reason that holds is
 * given: exclusion, an open migration, contention, failures, rest.
 */
export function bansOf(
  snapshot: Snapshot,
  excluded: readonly ExcludedObject[],
  recent: readonly Migration[],
  options: CooldownOptions,
): Bans {
  const hosts = new Map([
    ...tiredHosts(recent, options.maxMovesPerHost),
    ...excluded
      .filter(({ kind }) => kind === "HOST")
      .map((each): [Uuid, string] => [each.uuid, `it is excluded${words(each)}`]),
  ]);
  const vms = new Map<Uuid, string>();
  const isAsked = hosts.size > 0 || recent.length > 0;
  const placements = isAsked ? snapshot.placements : [];
  const placed = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  for (const [vm, host] of placed) {
    const reason = hosts.get(host);
    if (reason !== undefined) vms.set(vm, reason.replace(/^it/, "its host"));
  }
  for (const { uuid, tags } of options.excludeTags.length > 0 ? snapshot.vms : []) {
    const tag = tags.find((each) => options.excludeTags.includes(each));
    if (tag !== undefined) vms.set(uuid, `it carries the tag ${tag} (ControlExcludeTags)`);
  }
  for (const each of excluded) if (each.kind === "VM") vms.set(each.uuid, `it is excluded${words(each)}`);
  const failures = pathFailures(recent, options.failedVmMinutes);
  const suspects = failingVms(failures);
  for (const [vm, own] of byVm(recent)) {
    const ofVm = own.filter((each) => suspects.has(vm) || !isOfHost(each));
    const reason = restOf(ofVm, placed.get(vm), options);
    if (reason !== null && !vms.has(vm)) vms.set(vm, reason);
  }
  const rest = `it takes none for ${options.failedVmMinutes} min (ControlFailedVmMinutes)`;
  const failing = new Map([...failingHosts(failures)].map(([host, why]) => [host, `${why}; ${rest}`]));
  const pairs = new Map([...leftPairs(recent, options), ...restingPairs(recent, options)]);
  return { vms, hosts, failing, pairs };
}

/**
 * How many migrations each host gave or took within the last hour; what was refused before it began does not count, nor
 * what empties a host to sleep.
 */
export function movesOfLastHour(recent: readonly Migration[]): ReadonlyMap<Uuid, number> {
  const counts = new Map<Uuid, number>();
  for (const { state, cause, plannedSecondsAgo, source, destination } of recent) {
    if (state === "refused" || cause === "green" || plannedSecondsAgo >= 3600) continue;
    for (const host of [source, destination]) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return counts;
}

/** Hosts that gave and took so many VMs within the last hour that they rest. */
function tiredHosts(recent: readonly Migration[], most: number): [Uuid, string][] {
  return [...movesOfLastHour(recent)]
    .filter(([, count]) => count >= most)
    .map(([host, count]) => [
      host,
      `it gave and took ${plural(count, "VM")} within the last hour, limit ${most} (ControlMaxMovesPerHost)`,
    ]);
}

function words({ by, reason }: ExcludedObject): string {
  return `${by === "" ? "" : ` by ${by}`}${reason === "" ? "" : `: ${reason}`}`;
}

function byVm(migrations: readonly Migration[]): ReadonlyMap<Uuid, readonly Migration[]> {
  return groupedBy(migrations, ({ vm }) => vm);
}

function groupedBy<K>(
  migrations: readonly Migration[],
  keyOf: (migration: Migration) => K,
): ReadonlyMap<K, readonly Migration[]> {
  const groups = new Map<K, Migration[]>();
  for (const migration of migrations) {
    const group = groups.get(keyOf(migration));
    if (group === undefined) groups.set(keyOf(migration), [migration]);
    else group.push(migration);
  }
  return groups;
}

/** Whether the end says something of the destination, and nothing of the VM. */
function isOfHost({ state, failure }: Migration): boolean {
  return isFailure(state) && (failure === "pair" || failure === "path" || failure === "host");
}

/** Pairs that failed lately: what is wrong may be the VM or the host, until more is known. */
function restingPairs(
  recent: readonly Migration[],
  { failedVmMinutes }: CooldownOptions,
): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  const ends = recent.filter((each) => each.state === "succeeded" || isOfHost(each));
  for (const own of groupedBy(ends, ({ vm, destination }) => pairKey(vm, destination)).values()) {
    const reason = restAfterFailures(own, failedVmMinutes);
    const [first] = own;
    if (reason !== null && first !== undefined) pairs.set(pairKey(first.vm, first.destination), reason);
  }
  return pairs;
}

/** How many times as long as it rests a VM does not go back to the host that it was moved from. */
const noReturn = 2;

/** Pairs of a VM and the host that it has left lately: it is not carried back for what it was carried away for. */
function leftPairs(
  recent: readonly Migration[],
  { vmCooldownMinutes }: CooldownOptions,
): ReadonlyMap<string, string> {
  const minutes = noReturn * vmCooldownMinutes;
  const pairs = new Map<string, string>();
  for (const { state, cause, vm, source, finishedSecondsAgo } of recent) {
    if (state !== "succeeded" || (cause !== "rules" && cause !== "serve")) continue;
    if (finishedSecondsAgo === null || finishedSecondsAgo >= minutes * 60) continue;
    const since = span(finishedSecondsAgo, "rough");
    pairs.set(
      pairKey(vm, source),
      `it was moved away from there ${since} ago and does not go back for ${minutes} min (ControlVmCooldownMinutes)`,
    );
  }
  return pairs;
}

/** Why the VM with these migrations rests, or null. */
function restOf(own: readonly Migration[], host: Uuid | undefined, options: CooldownOptions): string | null {
  if (own.some(({ state }) => isOpen(state))) return "a migration of it is not closed yet";
  const moved = own.filter(({ state }) => state === "succeeded");
  const returned = moved.filter(({ source }) => source === host).length;
  if (returned >= reversals) {
    return `contended: ${returned} times within a day it was moved from the host it is on again; somebody moves it back, or the rules fight each other`;
  }
  const returns = flapsOf(moved).length;
  return (
    restAfterFailures(own, options.failedVmMinutes) ??
    restAfterMove(moved, Math.min(dayMinutes, options.vmCooldownMinutes * 2 ** returns), returns)
  );
}

function restAfterFailures(own: readonly Migration[], baseMinutes: number): string | null {
  const ends = own.filter((each) => each.state === "succeeded" || failedByItself(each));
  const lastSuccess = ends.findLastIndex(({ state }) => state === "succeeded");
  const failures = ends.slice(lastSuccess + 1);
  const last = failures.at(-1);
  if (last === undefined || last.finishedSecondsAgo === null) return null;
  const minutes = Math.min(dayMinutes, baseMinutes * 2 ** (failures.length - 1));
  if (last.finishedSecondsAgo >= minutes * 60) return null;
  const times = failures.length === 1 ? "" : `, ${failures.length} times in a row`;
  return `its migration failed ${span(last.finishedSecondsAgo, "rough")} ago${times} (${shorten(last.error ?? "no reason known", longest.error)}); it rests ${minutes} min (ControlFailedVmMinutes)`;
}

/** It rests twice as long with each time that it came back to where it had been taken from. */
function restAfterMove(moved: readonly Migration[], minutes: number, returns: number): string | null {
  const last = moved.at(-1);
  if (last === undefined || last.finishedSecondsAgo === null) return null;
  if (last.finishedSecondsAgo >= minutes * 60) return null;
  const times = returns === 0 ? "" : `, for it came back ${plural(returns, "time")} within a day`;
  return `it was moved ${span(last.finishedSecondsAgo, "rough")} ago and rests ${minutes} min${times} (ControlVmCooldownMinutes)`;
}
