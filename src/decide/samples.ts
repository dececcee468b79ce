/**
 * What the last collections say together: averaged measures, and how often each host broke each rule. Pure.
 *
 * One collection is noise: a rule acts where a host broke it in some of the last ones, by the averages of them all.
 * Earlier snapshots are read as if the VMs had been where they are now, so that a migration does not count against
 * the hosts that it has already relieved.
 */
import { derivedFor } from "../domain/derived.ts";
import { evaluate, subjectValue, takesPart } from "../domain/deviation.ts";
import { InTurn } from "../domain/inTurn.ts";
import type { Host, Placement, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import {
  isSingle,
  type NamedSubject,
  namedSubjects,
  type Rule,
  subjectFacts,
  type VmMeasureName,
} from "../domain/rule.ts";
import { capacity, rawWeight, withValues, writtenSubjects } from "../domain/weight.ts";
import { printRule } from "../rules/print.ts";

/** How often a host broke a rule, among the samples that have a value of it. */
export interface Breaches {
  readonly broken: number;
  readonly of: number;
}

export interface Averaged {
  /** The newest snapshot with averaged measures of hosts and VMs; all else as it is now. */
  readonly snapshot: Snapshot;
  /** Snapshots that were averaged, the newest included. */
  readonly samples: number;
  readonly breaches: (host: Uuid, rule: Rule) => Breaches;
}

/**
 * Averages `newest` with `earlier` snapshots of the same pool (newest first): exponentially, the newest counts most.
 * @param count snapshots that are averaged, the newest included; by default all. How often a rule was broken is counted
 * in as many, or in those of a rule that names a number of its own.
 */
export function average(
  newest: Snapshot,
  earlier: readonly Snapshot[],
  rules: readonly Rule[],
  count: number = earlier.length + 1,
): Averaged {
  const known = (snapshot: Snapshot) => derivedFor(snapshot, rules);
  const past = earlier.map((snapshot) => known(inPresentPlaces(snapshot, newest)));
  const samples = [known(newest), ...past];
  const counts = new Map(
    rules.map((rule) => [rule, countBreaches(samples.slice(0, wanted(rule, count)), rule)]),
  );
  const used = samples.slice(0, count);
  return {
    snapshot: used.length === 1 ? newest : known(averaged(newest, used)),
    samples: used.length,
    breaches: (host, rule) => countsOf(counts, rule)?.get(host) ?? { broken: 0, of: 0 },
  };
}

/** The samples in which it is counted how often the rule was broken. */
function wanted(rule: Rule, count: number): number {
  return isSingle(rule) || rule.repeat === null ? count : rule.repeat.of;
}

type Counts = ReadonlyMap<Uuid, Breaches>;

/** Of the rule itself, or of one that says the same. */
function countsOf(counts: ReadonlyMap<Rule, Counts>, rule: Rule): Counts | undefined {
  const own = counts.get(rule);
  if (own !== undefined) return own;
  const text = printRule(rule);
  return [...counts].find(([each]) => printRule(each) === text)?.[1];
}

function countBreaches(samples: readonly Snapshot[], rule: Rule): Counts {
  const counts = new Map<Uuid, Breaches>();
  for (const { hosts } of samples) {
    for (const { hostUuid, broken } of evaluate(hosts, rule).verdicts) {
      const before = counts.get(hostUuid) ?? { broken: 0, of: 0 };
      counts.set(hostUuid, { broken: before.broken + (broken ? 1 : 0), of: before.of + 1 });
    }
  }
  return counts;
}

/** An earlier snapshot with the loads it had, of the VMs that run now, where they are now. */
function inPresentPlaces(past: Snapshot, newest: Snapshot): Snapshot {
  if (areAlike(past.placements, newest.placements)) return { ...past, placements: newest.placements };
  const vmsThen = new Map(past.vms.map((vm) => [vm.uuid, vm]));
  const vmsNow = new Map(newest.vms.map((vm) => [vm.uuid, vm]));
  const hostThen = new Map(past.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const changes = new Changes();
  for (const { vmUuid, hostUuid } of newest.placements) {
    const from = hostThen.get(vmUuid);
    if (from === hostUuid) continue;
    const [then, now] = [vmsThen.get(vmUuid), vmsNow.get(vmUuid)];
    // One that was started since, or was not measured then, counts as it is now.
    changes.add(hostUuid, 1, from === undefined ? undefined : then, now);
    if (from !== undefined) changes.add(from, -1, then, now);
  }
  for (const [vmUuid, hostUuid] of hostThen) {
    if (!isPlaced(newest, vmUuid)) changes.add(hostUuid, -1, vmsThen.get(vmUuid), undefined);
  }
  return { ...past, placements: newest.placements, hosts: past.hosts.map((host) => changes.apply(host)) };
}

/** Whether the same VMs were in the same places, in the same order: as mostly, and quickly told. */
function areAlike(then: readonly Placement[], now: readonly Placement[]): boolean {
  if (then.length !== now.length) return false;
  return now.every(({ vmUuid, hostUuid }, place) => {
    const before = then[place];
    return before !== undefined && before.vmUuid === vmUuid && before.hostUuid === hostUuid;
  });
}

const placedOf = new WeakMap<Snapshot, ReadonlySet<Uuid>>();

function isPlaced(snapshot: Snapshot, vm: Uuid): boolean {
  let placed = placedOf.get(snapshot);
  if (placed === undefined) {
    placed = new Set(snapshot.placements.map(({ vmUuid }) => vmUuid));
    placedOf.set(snapshot, placed);
  }
  return placed.has(vm);
}

/** What arrivals and departures since then change in hosts' values, in absolute units; null where that is unknown. */
class Changes {
  readonly #byHost = new Map<Uuid, Map<NamedSubject, number | null>>();

  add(host: Uuid, sign: 1 | -1, then: Vm | undefined, now: Vm | undefined): void {
    const changes = this.#byHost.get(host) ?? new Map<NamedSubject, number | null>();
    for (const subject of writtenSubjects) {
      const weight = (then && rawWeight(then, subject)) ?? (now && rawWeight(now, subject)) ?? null;
      const before = changes.get(subject) ?? (changes.has(subject) ? null : 0);
      changes.set(subject, weight === null || before === null ? null : before + sign * weight);
    }
    this.#byHost.set(host, changes);
  }

  apply(host: Host): Host {
    const changes = this.#byHost.get(host.uuid);
    if (changes === undefined) return host;
    return withValues(host, writtenSubjects, (subject) => {
      const [value, change] = [subjectValue(host, subject), changes.get(subject) ?? null];
      const size = capacity(host, subject);
      if (value === null || change === null || size === null) return null;
      return Math.max(0, value + change / size);
    });
  }
}

/** Everything that weights of VMs are made of. */
const vmMeasures: readonly VmMeasureName[] = [
  ...new Set(namedSubjects.flatMap((subject) => subjectFacts[subject].vmMeasures)),
];

function averaged(newest: Snapshot, samples: readonly Snapshot[]): Snapshot {
  const weights = samples.map((_, age) => (1 - smoothing(samples.length)) ** age);
  const hosts = samples.map((sample) => new Map(sample.hosts.map((host) => [host.uuid, host])));
  const places = samples.map(({ vms }) => new InTurn(vms));
  return {
    ...newest,
    hosts: newest.hosts.map((host) => {
      const own = hosts
        .map((each) => each.get(host.uuid))
        .map((each) => (each && takesPart(each) ? each : undefined));
      const mean = (subject: NamedSubject) =>
        subjectValue(host, subject) === null
          ? null
          : weighted(weights, (age) => own[age] && subjectValue(own[age], subject));
      return takesPart(host) ? withSources(withValues(host, writtenSubjects, mean), own, weights) : host;
    }),
    vms: newest.vms.map((vm) => {
      if (vm.powerState !== "Running") return vm;
      const own = samples.map((sample, age) => sample.vms[places[age]?.placeOf(vm.uuid) ?? -1]);
      const means: Record<string, number | null> = {};
      for (const measure of vmMeasures) {
        const now = vm[measure];
        if (now !== undefined && now !== null)
          means[measure] = weighted(weights, (age) => own[age]?.[measure]);
      }
      return { ...vm, ...means, ...meanDemand(vm, own, weights) };
    }),
  };
}

/** What the VM wanted in the mean; nothing where it wants no more than it uses now. */
function meanDemand(
  { cpuDemand }: Vm,
  own: readonly (Vm | undefined)[],
  weights: readonly number[],
): Pick<Vm, "cpuDemand"> {
  if (cpuDemand === undefined || cpuDemand === null) return {};
  return { cpuDemand: weighted(weights, (age) => own[age]?.cpuDemand ?? own[age]?.vcpuAverage) };
}

/** The host with averages of the data sources that it has now. */
function withSources(host: Host, own: readonly (Host | undefined)[], weights: readonly number[]): Host {
  if (host.sources === undefined) return host;
  const sources = Object.keys(host.sources).map((name): [string, number] => [
    name,
    weighted(weights, (age) => own[age]?.sources?.[name]) ?? host.sources?.[name] ?? 0,
  ]);
  return { ...host, sources: Object.fromEntries(sources) };
}

/** The weight of the newest of n samples in an exponential average over n: 2 / (n + 1). */
function smoothing(samples: number): number {
  return 2 / (samples + 1);
}

/** The mean of the values that are known, by weight; null where none is. */
function weighted(
  weights: readonly number[],
  read: (age: number) => number | null | undefined,
): number | null {
  let [sum, total] = [0, 0];
  for (let age = 0; age < weights.length; age++) {
    const [value, weight] = [read(age), weights[age] ?? 0];
    if (value === null || value === undefined) continue;
    sum += weight * value;
    total += weight;
  }
  return total > 0 ? sum / total : null;
}
