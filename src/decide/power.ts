/** What green rules ask for next, assessed from what is stored: the same for a run, its dry run and SHOW GREEN. Pure. */

import { type Gate, gateName } from "../domain/gate.ts";
import type { HostPower, HostStates } from "../domain/hostPower.ts";
import type { Host, StoredSnapshot, Uuid } from "../domain/pool.ts";
import type { GreenRule } from "../domain/rule.ts";
import type { TimedSnapshot } from "../power/load.ts";
import { type GreenOptions, greenDefaults } from "../power/options.ts";
import { type Decision, decide } from "../power/policy.ts";
import { type GreenGoal, maySleep } from "../power/rule.ts";
import { observe } from "../power/states.ts";
import type { ControlSettings } from "../settings/types.ts";
import { type Assessment, asModelled, pairsOf, plannerOptions } from "./assess.ts";
import { settledGate } from "./gates.ts";
import type { Sample } from "./sampling.ts";
import { connectedWlb, notParticipating } from "./workloadBalancing.ts";

/** What is known beside the assessment of a run. */
export interface PowerInput {
  /** Rules that are enabled, by number. */
  readonly rules: readonly GreenRule[];
  readonly hostPower: HostPower;
  /** Earlier snapshots over the windows, newest first. */
  readonly snapshots: readonly Sample[];
  /** The minute of the day, in the time zone of the settings. */
  readonly minuteOfDay: number;
}

/** What is to be done, and the states that it starts from. */
export interface GreenForecast {
  readonly rule: GreenRule | null;
  readonly decision: Decision;
  /** As the newest snapshot shows them. */
  readonly states: HostStates;
}

/** Which earlier snapshots the windows want: one a minute, more of a short window and fewer of a long one. */
export function greenWish({ green: { downMinutes } }: ControlSettings): {
  readonly count: number;
  readonly everySeconds: number;
  readonly maxGapSeconds: number;
} {
  const window = downMinutes * 60;
  const everySeconds = Math.max(window / 60, Math.min(60, window / 8));
  return {
    // Collections do not start to the second: snapshots may lie three quarters of that apart.
    count: Math.ceil(window / (0.75 * everySeconds)) + 2,
    everySeconds,
    maxGapSeconds: downMinutes * 60,
  };
}

/**
 * The decision; null where no rule is there and no host sleeps, and where a gate of the collection keeps a run from
 * everything, or measures are not believed yet. A pool that is upgraded or balanced by another takes back what is being emptied.
 */
export function greenForecast(
  assessment: Assessment,
  settings: ControlSettings,
  { rules, hostPower, snapshots, minuteOfDay }: PowerInput,
): GreenForecast | null {
  const { stored, gate } = assessment;
  if (stored === null || isIdle({ rules, hostPower })) return null;
  const hold = holdOf(gate);
  if ((gate !== null && hold === null) || settledGate(assessment.controlState) !== null) return null;
  const active = rules.find((rule) => maySleep(rule, minuteOfDay)) ?? rules[0] ?? null;
  const newest: TimedSnapshot = {
    at: hostPower.now - Math.max(0, stored.ageSeconds),
    snapshot: stored.snapshot,
  };
  const earlier = snapshots.map(({ snapshot, secondsBefore }) => ({
    at: newest.at - secondsBefore,
    snapshot: asModelled(snapshot, settings),
  }));
  const states = observe(hostPower.states, stored.snapshot, hostPower.now);
  const view = {
    now: hostPower.now,
    minuteOfDay,
    snapshots: [...earlier.reverse(), newest],
    states,
    hold,
  };
  const options = greenOptions({ ...assessment, stored }, settings, hostPower);
  return { rule: active, decision: decide(view, active ?? noRule(minuteOfDay), options), states };
}

/** Whether there is nothing to decide: no rule consolidates VMs, and every host is on. */
export function isIdle({ rules, hostPower }: Pick<PowerInput, "rules" | "hostPower">): boolean {
  return rules.length === 0 && [...hostPower.states.values()].every(({ kind }) => kind === "on");
}

/** Gates that tell of the pool, not of this one collection. */
function holdOf(gate: Gate | null): string | null {
  return gate !== null && (gate.code === "upgrade" || gate.code === "wlb")
    ? `${gateName(gate)}: ${gate.measured}`
    : null;
}

/** Where the last rule is gone: hosts may sleep at no time, so all are woken. */
function noRule(minuteOfDay: number): GreenGoal {
  const from = (minuteOfDay + 720) % 1440;
  return { limits: [], spareHosts: 0, between: { from, to: (from + 1) % 1440 } };
}

/** The settings, and what is left alone, as the policy wants to have it. */
export function greenOptions(
  assessment: Assessment & { readonly stored: StoredSnapshot },
  settings: ControlSettings,
  hostPower: HostPower,
): GreenOptions {
  const { stored, controlState, bans, rules } = assessment;
  const { green } = settings;
  const pairs = pairsOf(stored.snapshot, bans);
  const usual = plannerOptions(assessment, settings, { vms: bans.vms, pairs }, Number.POSITIVE_INFINITY);
  const { pool } = stored.snapshot;
  return {
    ...greenDefaults,
    headroomBytes: usual.headroomBytes,
    bannedVms: usual.bannedVms,
    bannedPairs: usual.bannedPairs,
    transfersPerHost: settings.transfersPerHost,
    affinityTags: settings.affinityTags,
    antiAffinityTags: settings.antiAffinityTags,
    ...(usual.floors === undefined ? {} : { floors: usual.floors }),
    ...(usual.costOf === undefined ? {} : { costOf: usual.costOf }),
    ...(usual.secondsOf === undefined ? {} : { secondsOf: usual.secondsOf }),
    seed: settings.planSeed,
    canWake: (host) => wakeObjection(host, hostPower) === null,
    keepOn: new Map([
      ...notParticipating(
        connectedWlb(pool, controlState),
        stored.snapshot.hosts.map(({ uuid }) => uuid),
      ),
      ...controlState.exclusions
        .filter(({ kind }) => kind === "HOST")
        .map(({ uuid, by }): [Uuid, string] => [uuid, `it is excluded${by === "" ? "" : ` by ${by}`}`]),
    ]),
    minimumHostsOn: green.leastHostsOn,
    haFailuresToTolerate: pool.haEnabled ? (pool.haTolerance ?? 1) : 0,
    balance: rules,
    downWindowSeconds: green.downMinutes * 60,
    upWindowSeconds: green.upMinutes * 60,
    minimumOnSeconds: green.leastOnMinutes * 60,
    minimumAsleepSeconds: green.leastAsleepMinutes * 60,
    stallSeconds: green.stallMinutes * 60,
    wakeSeconds: green.wakeMinutes * 60,
  };
}

/** Why the host must not sleep because nobody knows that it would wake, or null. */
export function wakeObjection(host: Host, hostPower: HostPower): string | null {
  if (host.isMaster) return "it is the pool's master";
  if (host.powerOnMode === null || host.powerOnMode === "") return "it has no power-on mode";
  const failed = hostPower.unreliable.get(host.uuid);
  if (failed === undefined) return null;
  return `its power failed ${Math.round((hostPower.now - failed) / 3600)} h ago, and control has not woken it since`;
}
