/** Which host goes to sleep next, if any: slowly, since every snapshot of a long window must allow it. Pure. */

import type { Snapshot, Uuid } from "../domain/pool.ts";
import { figure, gigabytes, plural } from "../text/format.ts";
import { describePair, newlyBroken } from "./balance.ts";
import { describePassed, passedLimits } from "./limits.ts";
import { averaged, type TimedSnapshot, totals } from "./load.ts";
import { lacksOf, type Rise } from "./need.ts";
import type { GreenOptions } from "./options.ts";
import { nameOf } from "./packing.ts";
import { consolidated, type Drain, planDrain, planGreen } from "./plan.ts";
import type { GreenGoal } from "./rule.ts";

/** Hosts of a plan that are tried before the next run's turn. */
const triedHosts = 4;

export interface Sparing {
  readonly pool: Snapshot;
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
  const options = { ...sparing.options, stayOn: new Map([...(sparing.options.stayOn ?? []), ...young]) };
  const usual = heavier(sparing);
  const { drains, certificate } = planGreen(usual, rule, options);
  const { hostsOn, hostsBound, boundReason } = certificate;
  const off = new Set(drains.map(({ host }) => host));
  const staying = new Set(pool.hosts.map(({ uuid }) => uuid).filter((uuid) => !off.has(uuid)));
  let objection: string | null = null;
  for (const joint of drains.slice(0, triedHosts)) {
    const alone = () => planDrain(usual, rule, options, joint.host);
    for (const drain of [joint, planDrain(usual, rule, options, joint.host, staying), alone()]) {
      if (drain === null) continue;
      const found = objectionTo(sparing, usual, drain);
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

/** The pool by the average of the long window or of the short one: by that in which more is used of a limit. */
function heavier({ pool, window, recent, rule }: Sparing): Snapshot {
  const rising = rule.limits.some((limit) => {
    if (limit.kind !== "below") return false;
    const mean = (snapshots: readonly TimedSnapshot[]) =>
      totals(snapshots, limit.subject).reduce((sum, { total }) => sum + total, 0) /
      Math.max(1, snapshots.length);
    return mean(recent) > mean(window);
  });
  return averaged(pool, rising ? recent : window);
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

/** What speaks against the drain in some snapshot of the window, or null. */
function objectionTo(sparing: Sparing, usual: Snapshot, drain: Drain): string | null {
  const { pool, window, recent, rise, rule, options } = sparing;
  const soon = lacksOf(
    consolidated(averaged(pool, recent), [drain]),
    rule,
    options,
    options.wakeFraction,
    rise,
  )[0];
  if (soon !== undefined)
    return `${soon.dimension} would soon need ${figure(soon.part * 100, 1)} % of what stays on`;
  const broken = newlyBroken(usual, consolidated(usual, [drain]), options);
  if (broken !== null) return `it would break a balance rule: ${describePair(broken)}`;
  const receivers = new Set(drain.moves.map(({ destination }) => destination));
  for (const snapshot of window) {
    const after = consolidated(averaged(pool, [snapshot]), [drain]);
    const passed = passedLimits(after, rule, options.wakeFraction).find(({ host }) =>
      receivers.has(host.uuid),
    );
    if (passed !== undefined)
      return `in one snapshot of the window there would have been ${describePassed(passed)}`;
  }
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
