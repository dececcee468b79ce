/**
 * Ranks the hosts of a pool for one VM: where it would run best, next best, and where it cannot run and why. Pure.
 *
 * It moves nothing and starts nothing: every host is looked at by itself, with the VM on it and on no other. A VM that
 * runs is taken off its host first, so that its own host is ranked as the others are.
 */
import { withDerived } from "../../domain/derived.ts";
import {
  absence,
  type Evaluation,
  evaluate,
  subjectValue,
  takesPart,
  termLimit,
} from "../../domain/deviation.ts";
import { type Host, occupiesHost, type Snapshot, type Uuid, type Vm } from "../../domain/pool.ts";
import { type Rule, termsOf } from "../../domain/rule.ts";
import { noUuid } from "../../domain/vmSize.ts";
import { termWeight } from "../../domain/weight.ts";
import { bytes, plural } from "../../text/format.ts";
import { type Floors, harmsOf } from "../evacuate/harm.ts";
import { immovability, pairKey } from "../facts.ts";
import { inOrder } from "../problem.ts";
import { hostsAfter } from "../tell/outcome.ts";
import { type Company, companyOf } from "./company.ts";
import type { RankedHost, RankedRule, Ranking, RankOptions, RefusedHost } from "./ranking.ts";
import { scoreOf } from "./score.ts";

/**
 * The hosts of `pool` for `vm`, which may be one of the pool's VMs, running or not, or one of nobody's (`vmOfSize`). What
 * it would use is what its own measures say: give those of when it last ran for one that is halted. The same input gives
 * the same ranking, in whatever order the snapshot's lists come. Never throws.
 */
export function rankHosts(pool: Snapshot, rules: readonly Rule[], vm: Vm, options: RankOptions): Ranking {
  const { snapshot, places: placed, pairs } = prepared(pool);
  const source = placed.get(vm.uuid) ?? null;
  const without = moved(snapshot, vm, source, null);
  const judge: Judge = {
    snapshot,
    rules,
    vm,
    options,
    source,
    without,
    floors: options.floors ?? (() => Number.NEGATIVE_INFINITY),
    before: rules.map((rule) => evaluate(without, rule)),
    infeasibleOn: pairs.get(vm.uuid) ?? new Map(),
    companyOn: companyOf(snapshot, vm, options),
  };
  const refused: RefusedHost[] = [];
  const places: Omit<RankedHost, "rank">[] = [];
  for (const host of without) {
    const refusal = refusalOf(judge, host);
    if (refusal !== null) refused.push({ host: host.uuid, ...refusal });
    else places.push(placeOn(judge, host));
  }
  places.sort(byRank);
  return {
    vm: vm.uuid === noUuid ? null : vm.uuid,
    source,
    needBytes: vm.placementBytes,
    places: places.map((place, index) => ({ ...place, rank: index + 1 })),
    refused,
    uncounted: rules.flatMap(termsOf).filter((term) => termWeight(vm, term) === null),
  };
}

function byRank(a: Omit<RankedHost, "rank">, b: Omit<RankedHost, "rank">): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.isHere !== b.isHere) return a.isHere ? -1 : 1;
  return b.freeBytesAfter - a.freeBytesAfter || (a.host < b.host ? -1 : 1);
}

interface Judge {
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
  readonly vm: Vm;
  readonly options: RankOptions;
  readonly source: Uuid | null;
  /** The hosts when the VM runs nowhere, and the rules then. */
  readonly without: readonly Host[];
  readonly before: readonly Evaluation[];
  readonly floors: Floors;
  /** By host: why it cannot take the VM. */
  readonly infeasibleOn: ReadonlyMap<Uuid, string>;
  readonly companyOn: (host: Uuid) => Company;
}

/** What rankings of one snapshot share. */
interface Prepared {
  /** In order, with derived values. */
  readonly snapshot: Snapshot;
  /** The host of each VM. */
  readonly places: ReadonlyMap<Uuid, Uuid>;
  /** By VM and host: why the host cannot take it. */
  readonly pairs: ReadonlyMap<Uuid, ReadonlyMap<Uuid, string>>;
}

/** A pool is asked about VM after VM: what hangs on no VM is worked out once for each snapshot. */
const known = new WeakMap<Snapshot, Prepared>();

function prepared(pool: Snapshot): Prepared {
  const found = known.get(pool);
  if (found !== undefined) return found;
  const snapshot = withDerived(inOrder(pool));
  const places = new Map<Uuid, Uuid>();
  for (const { vmUuid, hostUuid } of snapshot.placements) {
    if (!places.has(vmUuid)) places.set(vmUuid, hostUuid);
  }
  const pairs = new Map<Uuid, Map<Uuid, string>>();
  for (const { vmUuid, hostUuid, reason } of snapshot.infeasiblePairs) {
    const own = pairs.get(vmUuid) ?? new Map<Uuid, string>();
    // The first reason counts.
    if (!own.has(hostUuid)) own.set(hostUuid, reason);
    pairs.set(vmUuid, own);
  }
  const made = { snapshot, places, pairs };
  known.set(pool, made);
  return made;
}

/** The hosts when the VM has gone from one and come to another; null stands for no host. */
function moved(snapshot: Snapshot, vm: Vm, from: Uuid | null, to: Uuid | null): readonly Host[] {
  const move = { vm: vm.uuid, source: from ?? noUuid, destination: to ?? noUuid };
  return from === to ? snapshot.hosts : hostsAfter({ ...snapshot, vms: [vm] }, [move]);
}

type HostRefusal = Omit<RefusedHost, "host">;

/** The first reason that holds: the host's own, the VM's, the two together, memory. `host` is without the VM. */
function refusalOf({ infeasibleOn, vm, source, options }: Judge, host: Host): HostRefusal | null {
  const isHere = host.uuid === source;
  const absent = options.suspects?.get(host.uuid) ?? absence(host);
  if (absent !== null && absent !== undefined) return { code: "absent", reason: absent };
  const banned = options.bannedHosts?.get(host.uuid);
  if (banned !== undefined && !isHere) return { code: "banned", reason: banned };
  if (!isHere && occupiesHost(vm.powerState)) {
    const immovable = immovability(vm);
    if (immovable !== null) return { code: "immovable", reason: immovable };
    const left = options.bannedVms.get(vm.uuid);
    if (left !== undefined) return { code: "banned", reason: left };
  }
  return isHere ? null : (infeasible(infeasibleOn, vm, host, options) ?? tooLarge(vm, host, options));
}

function infeasible(
  infeasibleOn: ReadonlyMap<Uuid, string>,
  vm: Vm,
  host: Host,
  { bannedPairs }: RankOptions,
): HostRefusal | null {
  const reason = infeasibleOn.get(host.uuid);
  if (reason !== undefined) return { code: "bar", reason };
  const banned = bannedPairs.get(pairKey(vm.uuid, host.uuid));
  if (banned !== undefined) return { code: "banned", reason: banned };
  // Of VMs of the pool xcp-collect knows it better: some may have more vCPUs than their host has CPUs.
  if (vm.uuid !== noUuid || vm.vcpuNum === null || host.cpuNum === null || vm.vcpuNum <= host.cpuNum) {
    return null;
  }
  const has = plural(host.cpuNum, "CPU");
  return {
    code: "bar",
    reason: `HOST_NOT_ENOUGH_PCPUS (${plural(vm.vcpuNum, "vCPU")}, the host has ${has})`,
  };
}

function tooLarge(
  { placementBytes }: Vm,
  { uuid, placementFreeBytes }: Host,
  { shrinkableBytes }: RankOptions,
): HostRefusal | null {
  if (placementBytes === null) return { code: "unknown", reason: "the memory that the VM needs is unknown" };
  if (placementFreeBytes === null) {
    return { code: "unknown", reason: "the memory that the host has free is unknown" };
  }
  if (placementFreeBytes >= placementBytes) return null;
  const [needs, has] = [bytes(placementBytes, "MB"), bytes(placementFreeBytes, "MB")];
  const more = shrinkableBytes?.get(uuid) ?? 0;
  const shrunk =
    placementFreeBytes + more < placementBytes
      ? ""
      : `, and ${bytes(more, "MB")} more if xapi shrank its guests (ControlSqueeze=allow)`;
  return { code: "memory", reason: `not enough memory: needs ${needs}, has ${has} free${shrunk}` };
}

function placeOn(judge: Judge, host: Host): Omit<RankedHost, "rank"> {
  const { snapshot, rules, vm, options, source, floors, before } = judge;
  const hosts = moved(snapshot, vm, source, host.uuid);
  const after = hosts.find(({ uuid }) => uuid === host.uuid) ?? host;
  const evaluations = rules.map((rule) => evaluate(hosts, rule));
  const harms = harmsOf(before, evaluations, [{ destination: host.uuid }], floors);
  const ranked = evaluations.map((evaluation) => ruleOn(evaluation, host.uuid));
  const company = judge.companyOn(host.uuid);
  const freeBytes = host.placementFreeBytes ?? 0;
  const freeBytesAfter = freeBytes - (vm.placementBytes ?? 0);
  const facts = {
    isHere: host.uuid === source,
    isHomeServer: options.homeServer === host.uuid,
    freeBytes,
    freeBytesAfter,
    isTight: freeBytesAfter < options.headroomBytes,
    cpuPercentAfter: subjectValue(after, "CpuAverage"),
    vcpuPercentAfter: subjectValue(after, "VcpuCount"),
    rules: ranked,
    harms,
    ...company,
  };
  const scored = scoreOf({
    ...facts,
    host: host.uuid,
    memoryShare: shareOf(freeBytesAfter, host.memoryTotalMb),
    hasHomeServer: takesHome(snapshot, options),
    headroomBytes: options.headroomBytes,
  });
  return { host: host.uuid, ...facts, ...scored };
}

function shareOf(free: number, totalMb: number | null): number | null {
  return totalMb === null || totalMb <= 0 ? null : Math.max(0, free / (totalMb * 1024 * 1024));
}

/** A home server that takes no part prefers nobody. */
function takesHome({ hosts }: Snapshot, { homeServer }: RankOptions): boolean {
  return hosts.some((host) => host.uuid === homeServer && takesPart(host));
}

function ruleOn({ rule, means, verdicts }: Evaluation, uuid: Uuid): RankedRule {
  const verdict = verdicts.find(({ hostUuid }) => hostUuid === uuid);
  if (verdict === undefined) return { rule, term: 0, value: null, mean: null, limit: null, broken: false };
  const mean = means[verdict.term] ?? null;
  const term = termsOf(rule)[verdict.term];
  const limit = term === undefined ? null : termLimit(term, mean);
  return { rule, term: verdict.term, value: verdict.value, mean, limit, broken: verdict.broken };
}
