/**
 * Goes through a plan step by step on the pool itself, with arithmetic of its own, and counts what no plan may do.
 */
import { evaluate, excess, rounding, subjectValue, takesPart } from "../../../src/domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../../src/domain/pool.ts";
import { type SingleRule as Rule, type Subject, subjects } from "../../../src/domain/rule.ts";

export interface PlainMove {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
}

export interface Verdict {
  /** What went wrong, in words; empty for a sound plan. */
  readonly faults: readonly string[];
  /** Broken pairs at the start and at the end, and of those at the end the ones that were not broken before. */
  readonly before: number;
  readonly after: number;
  readonly created: number;
  /** The pairs broken at the end, as "host subject", by the lower of the means at the start and at the end. */
  readonly brokenAtEnd: readonly string[];
  /** Of these the ones with a higher value than at the start. */
  readonly raisedAtEnd: readonly string[];
  readonly copyMb: number;
}

export interface Checks {
  readonly headroomBytes: number;
  /** Judge memory, infeasible pairs and rules of each step; other planners are assessed by their end only. */
  readonly steps: boolean;
  /** A value at or under which the host breaks the rule in no case; default: none. */
  readonly ceiling?: (host: Uuid, rule: Rule) => number;
}

/** What the moves, made one after the other, do to the pool. */
export function replay(
  snapshot: Snapshot,
  rules: readonly Rule[],
  moves: readonly PlainMove[],
  checks: Checks,
): Verdict {
  const faults: string[] = [];
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const at = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, host]));
  const infeasible = new Set(snapshot.infeasiblePairs.map(({ vmUuid, hostUuid }) => `${vmUuid}>${hostUuid}`));
  const start = brokenPairs(snapshot.hosts, rules, checks);
  const values = startValues(snapshot.hosts);
  let copyMb = 0;
  for (const [index, { vm: uuid, source, destination }] of moves.entries()) {
    const [vm, from, to] = [vms.get(uuid), hosts.get(source), hosts.get(destination)];
    const say = (what: string) => faults.push(`step ${index + 1}, ${vm?.name} to ${to?.name}: ${what}`);
    if (vm === undefined || from === undefined || to === undefined || at.get(uuid) !== source) {
      say("it is not there");
      continue;
    }
    if (checks.steps) {
      for (const fault of stepFaults(vm, to, infeasible, checks.headroomBytes)) say(fault);
      for (const group of vm.antiAffinityGroups) {
        if (crowded(vms, at, group, source, destination)) say(`too many of ${group}`);
      }
    }
    copyMb += (vm.copyBytes ?? 0) / 1024 / 1024;
    at.set(uuid, destination);
    hosts.set(source, changed(from, vm, -1));
    hosts.set(destination, changed(to, vm, 1));
    if (checks.steps) {
      for (const fault of ruleFaults([...hosts.values()], rules, checks, start, values)) say(fault);
    }
  }
  const end = brokenPairs([...hosts.values()], rules, checks);
  const created = [...end.keys()].filter((pair) => !start.has(pair)).length;
  for (const [pair, deviation] of end) {
    const before = start.get(pair);
    if (checks.steps && before !== undefined && deviation > before + rounding(deviation)) {
      faults.push(`${pair} ends worse than it began`);
    }
  }
  const left = brokenByLowerMean(snapshot.hosts, [...hosts.values()], rules, checks);
  const brokenAtEnd = left.map(({ pair }) => pair);
  const raisedAtEnd = left.flatMap(({ pair, value }) =>
    value > (values.get(pair) ?? 0) + rounding(value) ? [pair] : [],
  );
  return { faults, before: start.size, after: end.size, created, brokenAtEnd, raisedAtEnd, copyMb };
}

function stepFaults(vm: Vm, to: Host, infeasible: ReadonlySet<string>, headroomBytes: number): string[] {
  const faults: string[] = [];
  if (!takesPart(to)) faults.push("the host takes no part");
  if (vm.immovable !== null || vm.isControlDomain || vm.powerState !== "Running")
    faults.push("it is immovable");
  if (infeasible.has(`${vm.uuid}>${to.uuid}`)) faults.push("it is barred");
  const free = to.placementFreeBytes ?? Number.NEGATIVE_INFINITY;
  if ((vm.placementBytes ?? 0) + headroomBytes > free) faults.push("no memory");
  return faults;
}

/** Whether the step would put more pairs of the group's members on one host than before. */
function crowded(
  vms: ReadonlyMap<Uuid, Vm>,
  at: ReadonlyMap<Uuid, Uuid>,
  group: string,
  source: Uuid,
  destination: Uuid,
): boolean {
  const members = [...at].filter(([vm]) => vms.get(vm)?.antiAffinityGroups.includes(group) ?? false);
  const on = (host: Uuid) => members.filter(([, each]) => each === host).length;
  return on(destination) > on(source) - 1;
}

/** Whether a value that is above the mean by more than the threshold is so low that it breaks nothing. */
function excused(checks: Checks, host: Uuid, rule: Rule, value: number): boolean {
  return value <= (checks.ceiling?.(host, rule) ?? Number.NEGATIVE_INFINITY) + rounding(value);
}

function brokenPairs(hosts: readonly Host[], rules: readonly Rule[], checks: Checks): Map<string, number> {
  const pairs = new Map<string, number>();
  rules.forEach((rule, index) => {
    for (const { hostUuid, value, deviation, broken } of evaluate(hosts, rule).verdicts) {
      if (broken && !excused(checks, hostUuid, rule, value))
        pairs.set(`${hostUuid} ${index} ${rule.subject}`, deviation);
    }
  });
  return pairs;
}

function brokenByLowerMean(
  start: readonly Host[],
  end: readonly Host[],
  rules: readonly Rule[],
  checks: Checks,
): { readonly pair: string; readonly value: number }[] {
  return rules.flatMap((rule) => {
    const [first, last] = [evaluate(start, rule).mean ?? 0, evaluate(end, rule)];
    const mean = Math.min(first, last.mean ?? 0);
    return last.verdicts
      .filter(({ value }) => excess(value, mean, rule.threshold) > 0)
      .filter(({ hostUuid, value }) => !excused(checks, hostUuid, rule, value))
      .map(({ hostUuid, value }) => ({ pair: `${hostUuid} ${rule.subject}`, value }));
  });
}

function startValues(hosts: readonly Host[]): Map<string, number> {
  return new Map(
    hosts.flatMap((host) =>
      subjects.map((subject) => [`${host.uuid} ${subject}`, subjectValue(host, subject) ?? 0]),
    ),
  );
}

/** A pair that breaks now: one that did not at the start, or one whose value is higher than at the start. */
function ruleFaults(
  hosts: readonly Host[],
  rules: readonly Rule[],
  checks: Checks,
  start: ReadonlyMap<string, number>,
  values: ReadonlyMap<string, number>,
): string[] {
  const faults: string[] = [];
  rules.forEach((rule, index) => {
    for (const { hostUuid, value, broken } of evaluate(hosts, rule).verdicts) {
      if (!broken || excused(checks, hostUuid, rule, value)) continue;
      const pair = `${hostUuid} ${index} ${rule.subject}`;
      const most = values.get(`${hostUuid} ${rule.subject}`) ?? 0;
      if (!start.has(pair)) faults.push(`${pair} breaks`);
      else if (value > most + rounding(value)) faults.push(`${pair} rises`);
    }
  });
  return faults;
}

function changed(host: Host, vm: Vm, sign: 1 | -1): Host {
  const part: Record<Subject, number> = {
    CpuAverage: ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / (host.cpuNum ?? 1),
    OccupiedMemoryMb: vm.memoryMb ?? 0,
    PifEth0RxKb: vm.vif0RxKb ?? 0,
    PifEth0TxKb: vm.vif0TxKb ?? 0,
  };
  const plus = (value: number | null, subject: Subject) =>
    value === null ? null : value + sign * part[subject];
  return {
    ...host,
    cpuAverage: plus(host.cpuAverage, "CpuAverage"),
    pifEth0RxKb: plus(host.pifEth0RxKb, "PifEth0RxKb"),
    pifEth0TxKb: plus(host.pifEth0TxKb, "PifEth0TxKb"),
    memoryFreeMb: host.memoryFreeMb === null ? null : host.memoryFreeMb - sign * part.OccupiedMemoryMb,
    placementFreeBytes:
      host.placementFreeBytes === null ? null : host.placementFreeBytes - sign * (vm.placementBytes ?? 0),
  };
}
