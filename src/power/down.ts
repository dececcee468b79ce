/** Which host goes to sleep next, if any: slowly, by the mean and the variance of a long window. Pure. */

import { subjectValue, takesPart } from "../domain/deviation.ts";
import type { Snapshot, Uuid } from "../domain/pool.ts";
import { unitOf } from "../domain/rule.ts";
import { figure, gigabytes, plural } from "../text/format.ts";
import { describePair, newlyBroken } from "./balance.ts";
import { momentsOf } from "./expected.ts";
import { averaged, type TimedSnapshot, totals } from "./load.ts";
import { lacksOf, type Rise } from "./need.ts";
import type { GreenOptions } from "./options.ts";
import { nameOf } from "./packing.ts";
import { consolidated, type Drain, planDrain, planGreen } from "./plan.ts";
import { describeLimit, type GreenGoal } from "./rule.ts";

/** Hosts of a plan that are tried before the next run's turn. */
const triedHosts = 4;

export interface Sparing {
  readonly pool: Snapshot;
  /** The pool by sizes that leave so many standard deviations free. */
  readonly sized: (deviations: number) => Snapshot;
  readonly window: readonly TimedSnapshot[];
  /** Those of the short window, and what the load is going to rise by. */
  readonly recent: readonly TimedSnapshot[];
  readonly rise: Rise;
  readonly rule: GreenGoal;
  readonly options: GreenOptions;
  /** Hosts that have not been on for long enough, with the reason. */
  readonly young: ReadonlyMap<Uuid, string>;
}

export type DrainChoice =
  | { readonly kind: "drain"; readonly drain: Drain; readonly reason: string }
  | { readonly kind: "none"; readonly reason: string };

/** The host that the consolidation empties first and that nothing in the window speaks against. */
export function chooseDrain(sparing: Sparing): DrainChoice {
  const { pool, rule, young } = sparing;
  const { deviations } = sparing.options;
  const stayOn = new Map([...(sparing.options.stayOn ?? []), ...young]);
  const options = { ...sparing.options, stayOn, fillFraction: 1 };
  const usual = sparing.sized(deviations.usual);
  const bytes = bytesOfHost(pool);
  const { drains, certificate } = planGreen(usual, rule, options);
  const { hostsOn, hostsBound, boundReason } = certificate;
  const off = new Set(drains.map(({ host }) => host));
  const staying = new Set(pool.hosts.map(({ uuid }) => uuid).filter((uuid) => !off.has(uuid)));
  let objection: string | null = null;
  for (const joint of drains.slice(0, triedHosts)) {
    const alone = () => planDrain(usual, rule, options, joint.host);
    for (const drain of [joint, planDrain(usual, rule, options, joint.host, staying), alone()]) {
      if (drain === null) continue;
      const margin = marginOf(drain.copyBytes / Math.max(1, bytes), deviations);
      const found =
        margin > deviations.usual && planDrain(sparing.sized(margin), rule, options, drain.host) === null
          ? "with the margin of a drain that copies much its VMs find no places"
          : objectionTo(sparing, drain);
      if (found === null) {
        const enough = `${hostsOn} of ${plural(hostsOn + drains.length, "host")} ${hostsOn === 1 ? "is" : "are"} enough`;
        const stay = `${enough} (${boundReason} needs ${hostsBound})`;
        return { kind: "drain", drain, reason: `${stay}; ${describeDrain(pool, drain)}` };
      }
      objection ??= `host ${hostName(pool, drain.host)} is not emptied: ${found}`;
    }
  }
  if (objection !== null) return { kind: "none", reason: objection };
  return {
    kind: "none",
    reason: `${plural(hostsOn, "host on is", "hosts on are")} needed: ${whyNone(young, boundReason, hostsBound)}`,
  };
}

/**
 * The standard deviations that a drain leaves free, by what it copies as a part of what a host's VMs have in the mean. A load
 * that wanders takes four times as long to use up twice the margin: so each GiB is worth about as long a sleep.
 */
function marginOf(part: number, { usual, dear }: GreenOptions["deviations"]): number {
  return Math.max(usual, dear * Math.sqrt(part));
}

/** What the VMs of a host have to copy in the mean. */
function bytesOfHost({ vms, placements, hosts }: Snapshot): number {
  const bytes = new Map(vms.map(({ uuid, copyBytes }) => [uuid, copyBytes ?? 0]));
  const all = placements.reduce((sum, { vmUuid }) => sum + (bytes.get(vmUuid) ?? 0), 0);
  return all / Math.max(1, hosts.filter(takesPart).length);
}

function whyNone(young: ReadonlyMap<Uuid, string>, boundReason: string, hostsBound: number): string {
  const [first] = young.values();
  return `${boundReason} alone needs ${hostsBound}${first === undefined ? "" : `, and ${plural(young.size, "host has", "hosts have")} not been on for long enough`}`;
}

function describeDrain(pool: Snapshot, { host, moves, copyBytes }: Drain): string {
  const name = hostName(pool, host);
  if (moves.length === 0) return `host ${name} is empty`;
  const to = new Set(moves.map(({ destination }) => destination)).size;
  const gib = figure(gigabytes(copyBytes), 1);
  return `host ${name} is the cheapest to empty: ${plural(moves.length, "VM")}, ${gib} GiB, to ${plural(to, "host")}`;
}

function hostName({ hosts }: Snapshot, uuid: Uuid): string {
  const host = hosts.find((each) => each.uuid === uuid);
  return host === undefined ? uuid : nameOf(host);
}

/** What in the window speaks against the drain, or null. */
function objectionTo(sparing: Sparing, drain: Drain): string | null {
  const { pool, window, recent, rise, rule, options } = sparing;
  const { wakeFraction } = options;
  const soon = lacksOf(consolidated(averaged(pool, recent), [drain]), rule, options, wakeFraction, rise)[0];
  if (soon !== undefined)
    return `${soon.dimension} would soon need ${figure(soon.part * 100, 1)} % of what stays on`;
  const usual = averaged(pool, window);
  const broken = newlyBroken(usual, consolidated(usual, [drain]), options);
  if (broken !== null) return `it would break a balance rule: ${describePair(broken)}`;
  return fullReceiver(sparing, drain) ?? busyMoment(sparing, drain);
}

/** A host that would take VMs in and be too near to a limit: VMs that rise together show in the sum of the host alone. */
function fullReceiver({ pool, window, rule }: Sparing, drain: Drain): string | null {
  const receivers = new Set(drain.moves.map(({ destination }) => destination));
  const moments = window.map(
    (snapshot) =>
      new Map(consolidated(averaged(pool, [snapshot]), [drain]).hosts.map((host) => [host.uuid, host])),
  );
  for (const limit of rule.limits) {
    if (limit.kind !== "below") continue;
    for (const uuid of receivers) {
      const values = moments.map((hosts) => {
        const host = hosts.get(uuid);
        return host === undefined ? null : subjectValue(host, limit.subject);
      });
      const found = momentsOf(values);
      if (found === null) continue;
      const deviation = Math.sqrt(found.variance);
      if (found.mean + deviation <= limit.value) continue;
      const figures = `${figure(found.mean, 1)} and varied by ${figure(deviation, 1)} ${unitOf(limit.subject)}`;
      return `over the window host ${hostName(pool, uuid)} would have had ${figures} (${describeLimit(limit)})`;
    }
  }
  return null;
}

/** The busiest moment of the window, where what stays on would not have held it. */
function busyMoment({ pool, window, rule, options }: Sparing, drain: Drain): string | null {
  for (const snapshot of busiest(window, rule)) {
    const after = consolidated(averaged(pool, [snapshot]), [drain]);
    const [lack] = lacksOf(after, rule, options, options.wakeFraction);
    if (lack !== undefined) {
      return `in one snapshot of the window ${lack.dimension} would have needed ${figure(lack.part * 100, 1)} % of what stays on`;
    }
  }
  return null;
}

/** For each limit that fluctuates the snapshot in which most of it was used. */
function busiest(window: readonly TimedSnapshot[], { limits }: GreenGoal): readonly TimedSnapshot[] {
  const chosen = new Set<TimedSnapshot>(window.slice(-1));
  for (const limit of limits) {
    if (limit.kind !== "below") continue;
    const sums = totals(window, limit.subject);
    const most = sums.reduce((best, { total }, i) => (total > (sums[best]?.total ?? 0) ? i : best), 0);
    const snapshot = window[most];
    if (snapshot !== undefined) chosen.add(snapshot);
  }
  return [...chosen];
}
