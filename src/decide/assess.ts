/**
 * What a run decides by, assessed from what is stored: which data is believed, what rests, which gates are closed, and
 * the plan. Pure: xcp-control, the manager and the benchmarks ask the same code.
 */

import type { ControlState } from "../domain/controlState.ts";
import { termValue } from "../domain/deviation.ts";
import type { Gate } from "../domain/gate.ts";
import { isWithin, minuteOfDay, timeText } from "../domain/hours.ts";
import type { Host, Snapshot, StoredSnapshot, Uuid } from "../domain/pool.ts";
import type { UnknownRule } from "../domain/rule.ts";
import {
  type ChainRule,
  floorSettingOf,
  isSingle,
  type Rule,
  type RuleOptions,
  type ServeRule,
  type Term,
  termsOf,
} from "../domain/rule.ts";
import { pairKey } from "../planner/facts.ts";
import type { Plan, PlanOptions, ServeOptions } from "../planner/plan.ts";
import { planServing } from "../planner/serve/planServing.ts";
import { withUnit } from "../rules/print.ts";
import type { ControlSettings } from "../settings/types.ts";
import { plural } from "../text/format.ts";
import { type Bans, bansOf, movesOfLastHour } from "./cooldown.ts";
import { withCpuSpeeds } from "./cpuSpeed.ts";
import { blockedGate, dataGate, settledGate } from "./gates.ts";
import { withInFlightMoves } from "./inFlight.ts";
import { type Averaged, average, type Breaches } from "./samples.ts";
import { type Sample, sampleWish } from "./sampling.ts";
import { demandsOf } from "./serving.ts";
import { withoutSqueezing } from "./squeeze.ts";
import {
  type ExpectedGuests,
  guestCounts,
  type Suspicion,
  suspicionOf,
  withoutSuspects,
} from "./suspicion.ts";
import { connectedWlb, withConfiguration } from "./workloadBalancing.ts";

/** All that is known when a run begins. */
export interface DecisionInput {
  /** The newest collection; null before the first. */
  readonly stored: StoredSnapshot | null;
  /** Earlier ones, newest first, that are averaged with it. */
  readonly samples: readonly Sample[];
  readonly rules: readonly Rule[];
  /** Rules that serve VMs. */
  readonly serving?: readonly ServeRule[];
  /** Rows of rules that nothing can follow. */
  readonly unknown: readonly UnknownRule[];
  /** The newest change of rules that these have seen; left out where they come from no database. */
  readonly ruleRevision?: number;
  readonly controlState: ControlState;
}

/** The collections that a plan stands on. */
export interface Sampling {
  readonly samples: number;
  readonly spanSeconds: number;
}

/** A rule that does nothing now, and why. */
export interface InactiveRule {
  readonly rule: ChainRule | ServeRule;
  readonly reason: string;
}

/** The decision input with what is to be thought of it; `rules` are those that act now. */
export interface Assessment extends DecisionInput {
  readonly inactive: readonly InactiveRule[];
  /** The newest collection with averaged measures, and with suspect hosts out of it. */
  readonly stored: StoredSnapshot | null;
  readonly sampling: Sampling;
  /** The rule that serves VMs now, with what they are expected to want; null where none acts. */
  readonly serve: ServeOptions | null;
  readonly suspicion: Suspicion;
  readonly bans: Bans;
  /** Closed by somebody's word or by what control did lately. */
  readonly blocked: Gate | null;
  /** Closed by the collection. */
  readonly gate: Gate | null;
  /** Why nothing is done about a host above the threshold; null where something is. */
  readonly suppressed: (host: Uuid, rule: Rule) => string | null;
}

/** Assesses `input`; `poolUuid` is the pool that the settings mean, null where they name none. */
export function assess(input: DecisionInput, given: ControlSettings, poolUuid: string | null): Assessment {
  const { stored, controlState } = input;
  const settings = withConfiguration(given, connectedWlb(stored?.snapshot.pool ?? null, controlState));
  const { acting: rules, inactive } = sortByHours(input.rules, stored, settings);
  const serving = sortByHours(input.serving ?? [], stored, settings);
  const limits = { ...settings, poolUuid };
  const { count } = sampleWish(settings, input.rules);
  const measured = input.samples.slice(0, count - 1).map(({ snapshot }) => snapshot);
  const suspicion = stored === null ? unsuspected : suspicionIn(stored, measured, controlState);
  const trusted =
    stored === null
      ? null
      : withInFlightMoves(asModelled(withoutSuspects(stored.snapshot, suspicion), settings));
  const earlier = measured.map((snapshot) => asModelled(snapshot, settings));
  const used = Math.max(0, settings.sampleCount - 1);
  const averaged = trusted === null ? null : average(trusted, earlier, rules, used + 1);
  return {
    ...input,
    rules,
    inactive: [...inactive, ...serving.inactive],
    serve: trusted === null ? null : serveOptions(serving.acting, trusted, input.samples, settings),
    stored: stored === null || averaged === null ? null : { ...stored, snapshot: averaged.snapshot },
    sampling: {
      samples: averaged?.samples ?? 0,
      spanSeconds: input.samples.slice(0, used).at(-1)?.secondsBefore ?? 0,
    },
    suspicion,
    bans: trusted === null ? noBans : bansOf(trusted, controlState.exclusions, controlState.recent, settings),
    blocked: blockedGate(controlState, limits),
    gate: dataGate(stored, controlState, suspicion, limits),
    suppressed: averaged === null ? () => null : suppression(averaged, settings),
  };
}

/** The first of the rules that serve VMs, with the demands of the last hour. */
function serveOptions(
  acting: readonly ServeRule[],
  trusted: Snapshot,
  samples: readonly Sample[],
  settings: ControlSettings,
): ServeOptions | null {
  const [rule] = acting;
  if (rule === undefined) return null;
  const earlier =
    settings.cpuSpeed === "scale"
      ? samples.map((each) => ({ ...each, snapshot: withCpuSpeeds(each.snapshot) }))
      : samples;
  return { rule, demands: demandsOf(trusted, earlier) };
}

/** The pool as plans are made for it; every VM must still be where it was measured. */
export function asModelled(
  snapshot: Snapshot,
  { cpuSpeed, squeeze }: Pick<ControlSettings, "cpuSpeed" | "squeeze">,
): Snapshot {
  const scaled = cpuSpeed === "scale" ? withCpuSpeeds(snapshot) : snapshot;
  return squeeze === "never" ? withoutSqueezing(scaled) : scaled;
}

/** The plan, null where the collection allows none; and the gate that keeps the next run from it, null where none does. */
export interface Forecast {
  readonly plan: Plan | null;
  readonly gate: Gate | null;
}

/** What the next run would do, but for what holds it by somebody's word or by what control did lately. */
export function forecastOf(assessment: Assessment, settings: ControlSettings): Forecast {
  const { stored, gate, controlState } = assessment;
  if (gate !== null || stored === null) return { plan: null, gate };
  const bans = { vms: assessment.bans.vms, pairs: pairsOf(stored.snapshot, assessment.bans) };
  const plan = planOf(assessment, settings, stored.snapshot, bans, settings.maxMovesPerRun);
  return { plan, gate: plan.moves.length === 0 ? null : settledGate(controlState) };
}

/** What a plan must not touch, pairs of VM and host by `pairKey`. */
export interface PairBans {
  readonly vms: ReadonlyMap<Uuid, string>;
  readonly pairs: ReadonlyMap<string, string>;
}

/** The plan from where things stand by now, with the true reason why suspect hosts take no part. */
export function planOf(
  assessment: Assessment,
  settings: ControlSettings,
  state: Snapshot,
  bans: PairBans,
  maxMoves: number,
): Plan {
  const options = plannerOptions(assessment, settings, bans, maxMoves);
  const made =
    assessment.stored === null ? new Map<Uuid, number>() : movesBetween(assessment.stored.snapshot, state);
  const movesLeftOf = (host: Uuid) => (options.movesLeftOf?.(host) ?? 0) - (made.get(host) ?? 0);
  const { serve } = assessment;
  const plan = planServing(state, assessment.rules, {
    ...options,
    // An evacuation, and room for a VM, move whatever is in the way.
    noisePercent: settings.noisePercent,
    momentaryWorsening: settings.momentaryWorsening,
    movesLeftOf,
    searchedBefore: assessment.controlState.fruitless ?? null,
    ...(serve === null ? {} : { serve }),
  });
  const absent = plan.absent.map(({ host, reason }) => ({
    host,
    reason: assessment.suspicion.hosts.get(host) ?? reason,
  }));
  return { ...plan, absent };
}

/** What this run itself has moved since the collection that it began with. */
function movesBetween(then: Snapshot, now: Snapshot): ReadonlyMap<Uuid, number> {
  const counts = new Map<Uuid, number>();
  const before = new Map(then.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  for (const { vmUuid, hostUuid } of now.placements) {
    const source = before.get(vmUuid);
    if (source === undefined || source === hostUuid) continue;
    for (const host of [source, hostUuid]) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return counts;
}

/** The settings and what is assessed, as the planner wants to have it. */
export function plannerOptions(
  { controlState: { costs, recent }, suppressed }: Pick<Assessment, "controlState" | "suppressed">,
  settings: ControlSettings,
  bans: PairBans,
  maxMoves: number,
): PlanOptions {
  const made = movesOfLastHour(recent);
  return {
    maxMoves,
    headroomBytes: settings.headroomBytes,
    bannedVms: bans.vms,
    bannedPairs: bans.pairs,
    seed: settings.planSeed,
    budgetMs: settings.planMs,
    targetFraction: settings.targetFraction,
    transfersPerHost: settings.transfersPerHost,
    transfersInPool: settings.maxMigrationsInPool,
    affinityTags: settings.affinityTags,
    antiAffinityTags: settings.antiAffinityTags,
    suppressed: (host, rule) => suppressed(host, rule) !== null,
    floors: (rule, place) => floorOf(termsOf(rule)[place], settings),
    costOf: (vm, source) => (vm.copyBytes === null ? null : vm.copyBytes * costs.from(source).dirtyFactor),
    movesLeftOf: (host) => Math.max(0, settings.maxMovesPerHost - (made.get(host) ?? 0)),
    secondsOf: (vm, source, destination) => costs.seconds(source, destination, vm.copyBytes) ?? 0,
  };
}

/** The pairs that are banned; hosts that receive nothing as pairs with every VM that could move. */
export function pairsOf(
  snapshot: Snapshot,
  { hosts, failing, pairs: own }: Omit<Bans, "vms">,
): ReadonlyMap<string, string> {
  const pairs = new Map(own);
  for (const [host, reason] of [...failing, ...hosts]) {
    for (const { vmUuid } of snapshot.placements) pairs.set(pairKey(vmUuid, host), reason);
  }
  return pairs;
}

const noBans: Bans = { vms: new Map(), hosts: new Map(), failing: new Map(), pairs: new Map() };

const unsuspected: Suspicion = { hosts: new Map(), pool: null };

function suspicionIn(
  stored: StoredSnapshot,
  earlier: readonly Snapshot[],
  controlState: ControlState,
): Suspicion {
  const { snapshot } = stored;
  return suspicionOf(snapshot, guestCounts(snapshot), expectedGuests(stored, controlState), earlier);
}

/** The guests of the collection that was looked at before this one, with what control itself has moved since. */
function expectedGuests(
  { collection, snapshot }: StoredSnapshot,
  controlState: ControlState,
): ExpectedGuests {
  const expected = new Map<Uuid, number>();
  for (const observation of controlState.observations) {
    if (observation.poolUuid.toLowerCase() !== snapshot.pool.uuid.toLowerCase()) continue;
    const base = observation.collectionId === collection.id ? observation.before : observation;
    if (base === null) continue;
    const moved = controlState.recent.filter(
      ({ state, collectionsAtEnd }) =>
        state === "succeeded" && collectionsAtEnd !== null && collectionsAtEnd >= base.collectionId,
    );
    const came = moved.filter(({ destination }) => destination === observation.host).length;
    const went = moved.filter(({ source }) => source === observation.host).length;
    expected.set(observation.host, Math.max(0, base.guests + came - went));
  }
  return expected;
}

/** Parts the rules that act at the time of the collection from those that are disabled or have other hours. */
function sortByHours<R extends Rule | ServeRule>(
  all: readonly R[],
  stored: StoredSnapshot | null,
  { timeZone }: ControlSettings,
): { readonly acting: readonly R[]; readonly inactive: readonly InactiveRule[] } {
  const minute = stored === null ? null : minuteOfDay(timeOf(stored), timeZone);
  const acting: R[] = [];
  const inactive: InactiveRule[] = [];
  for (const rule of all) {
    const reason = "enabled" in rule ? restOf(rule, minute, timeZone) : null;
    if (reason === null || !("enabled" in rule)) acting.push(rule);
    else inactive.push({ rule, reason });
  }
  return { acting, inactive };
}

/** When the collection began; of one without a time, any: nothing acts on it. */
function timeOf({ collection: { startedAt } }: StoredSnapshot): Date {
  return Number.isNaN(startedAt.getTime()) ? new Date(0) : startedAt;
}

function restOf({ enabled, between }: RuleOptions, minute: number | null, timeZone: string): string | null {
  if (!enabled) return "it is disabled";
  if (between === null || minute === null || isWithin(between, minute)) return null;
  const hours = `${timeText(between.from)} and ${timeText(between.to)}`;
  return `it acts between ${hours}, and at the collection it was ${timeText(minute)} (${timeZone})`;
}

function suppression({ snapshot, breaches }: Averaged, settings: ControlSettings): Assessment["suppressed"] {
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, host]));
  return (uuid, rule) => {
    const host = hosts.get(uuid);
    return (host && underFloor(host, rule, settings)) ?? notOftenEnough(breaches(uuid, rule), rule, settings);
  };
}

/** The floor of a term that is compared with the mean: the sum of its subjects'; minus infinity where one has none. */
function floorOf(term: Term | undefined, { floors }: ControlSettings): number {
  if (term === undefined || term.condition !== "more than mean") return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const subject of term.subjects) {
    const setting = floorSettingOf(subject);
    if (setting === null) return Number.NEGATIVE_INFINITY;
    sum += floors[setting];
  }
  return sum > 0 || term.subjects.length === 1 ? sum : Number.NEGATIVE_INFINITY;
}

function underFloor(host: Host, rule: Rule, settings: ControlSettings): string | null {
  for (const term of termsOf(rule)) {
    const [value, floor] = [termValue(host, term), floorOf(term, settings)];
    if (floor <= 0 || value === null || value > floor) continue;
    const keys = new Set(term.subjects.map(floorSettingOf));
    return `not above the floor of ${withUnit(floor, term)} (${[...keys].join(", ")})`;
  }
  return null;
}

/** With fewer samples than are wished for, what there is decides. */
function notOftenEnough({ broken, of }: Breaches, rule: Rule, settings: ControlSettings): string | null {
  const repeat = isSingle(rule) ? null : rule.repeat;
  const needed = Math.min(repeat?.broken ?? settings.breaches, of);
  if (broken >= needed) return null;
  const past = termsOf(rule).length > 1 ? "past all of it" : "above the threshold";
  const word = repeat === null ? "ControlBreaches" : `FOR ${repeat.broken} OF ${repeat.of}`;
  return `${past} in ${broken} of the last ${plural(of, "sample")} only, ${needed} ${needed === 1 ? "is" : "are"} needed (${word})`;
}
