/**
 * Ranks the hosts of a pool for one VM: where it would run best, next best, and where it cannot run and why. Pure.
 *
 * It moves nothing and starts nothing: every host is looked at by itself, with the VM on it and on no other. A VM that
 * runs is taken off its host first, so that its own host is ranked as the others are.
 */
import { withDerived } from "../../domain/derived.ts";
import { absence, subjectValue, takesPart } from "../../domain/deviation.ts";
import { type Host, occupiesHost, type Snapshot, type Uuid, type Vm } from "../../domain/pool.ts";
import { type Rule, termsOf } from "../../domain/rule.ts";
import { noUuid } from "../../domain/vmSize.ts";
import { termWeight } from "../../domain/weight.ts";
import { bytes, plural } from "../../text/format.ts";
import { immovability, pairKey } from "../facts.ts";
import { inOrder } from "../problem.ts";
import { hostsAfter, hostWith } from "../tell/outcome.ts";
import { type Company, companyOf } from "./company.ts";
import type { RankedHost, RankedServe, Ranking, RankOptions, RefusedHost } from "./ranking.ts";
import { RuledHosts } from "./ruledHosts.ts";
import { addedMinutes, type Scored, scoreOf } from "./score.ts";
import { ServedPlaces } from "./served.ts";

/**
 * The hosts of `pool` for `vm`, which may be one of the pool's VMs, running or not, or one of nobody's (`vmOfSize`). What
 * it would use is what its own measures say: give those of when it last ran for one that is halted. The same input gives
 * the same ranking, in whatever order the snapshot's lists come. Never throws.
 */
export function rankHosts(pool: Snapshot, rules: readonly Rule[], vm: Vm, options: RankOptions): Ranking {
  const { snapshot, places: placed, pairs } = prepared(pool);
  const source = placed.get(vm.uuid) ?? null;
  const without = source === null ? snapshot.hosts : withoutVm(snapshot, vm, source);
  const { serve } = options;
  const served = serve === undefined ? null : new ServedPlaces(snapshot, serve, vm, source, options);
  const judge: Judge = {
    snapshot,
    vm,
    options,
    source,
    ruled: new RuledHosts(without, rules, options.floors ?? (() => Number.NEGATIVE_INFINITY)),
    served,
    infeasibleOn: pairs.get(vm.uuid) ?? new Map(),
    companyOn: companyOf(snapshot, vm, options),
    hostWith: hostWith(vm),
  };
  const refused: RefusedHost[] = [];
  const found: PlaceFacts[] = [];
  without.forEach((host, index) => {
    const refusal = refusalOf(judge, host);
    if (refusal !== null) refused.push({ host: host.uuid, ...refusal });
    else found.push(factsOn(judge, host, snapshot.hosts[index] ?? host));
  });
  const rule = served?.facts() ?? null;
  const places = scored(found, judge, rule).sort(byRank);
  return {
    vm: vm.uuid === noUuid ? null : vm.uuid,
    source,
    needBytes: vm.placementBytes,
    places: places.map((place, index) => ({ ...place, rank: index + 1 })),
    refused,
    serve: rule,
    uncounted: rules.flatMap(termsOf).filter((term) => termWeight(vm, term) === null),
  };
}

type Unranked = Omit<RankedHost, "rank">;

/** What is known of a place, before it is held against the others. */
interface PlaceFacts extends Pick<Scored, "memoryShare"> {
  readonly facts: Omit<Unranked, "score" | "grade" | "reasons">;
}

function scored(
  found: readonly PlaceFacts[],
  { snapshot, options }: Judge,
  serving: RankedServe | null,
): Unranked[] {
  const hasHomeServer = takesHome(snapshot, options);
  const leastAdded = found.reduce(
    (least, { facts }) => Math.min(least, addedMinutes(facts.serve)),
    Number.POSITIVE_INFINITY,
  );
  const { headroomBytes } = options;
  return found.map(({ facts, memoryShare }) => ({
    ...facts,
    ...scoreOf({ ...facts, memoryShare, hasHomeServer, headroomBytes, serving, leastAdded }),
  }));
}

function byRank(a: Unranked, b: Unranked): number {
  if (a.score !== b.score) return b.score - a.score;
  const shorter = addedMinutes(a.serve) - addedMinutes(b.serve);
  if (shorter !== 0) return shorter;
  const short = (a.serve?.shortageAfter ?? 0) - (b.serve?.shortageAfter ?? 0);
  if (short !== 0) return short;
  if (a.isHere !== b.isHere) return a.isHere ? -1 : 1;
  return b.freeBytesAfter - a.freeBytesAfter || (a.host < b.host ? -1 : 1);
}

interface Judge {
  readonly snapshot: Snapshot;
  readonly vm: Vm;
  readonly options: RankOptions;
  readonly source: Uuid | null;
  readonly ruled: RuledHosts;
  readonly served: ServedPlaces | null;
  /** By host: why it cannot take the VM. */
  readonly infeasibleOn: ReadonlyMap<Uuid, string>;
  readonly companyOn: (host: Uuid) => Company;
  /** A host without the VM, when it has come. */
  readonly hostWith: (host: Host) => Host;
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

/** The hosts when the VM has gone from the one that it runs on. */
function withoutVm(snapshot: Snapshot, vm: Vm, source: Uuid): readonly Host[] {
  return hostsAfter({ ...snapshot, vms: [vm] }, [{ vm: vm.uuid, source, destination: noUuid }]);
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

/** @param host without the VM; `now` is as it is, which it stays where the VM runs there. */
function factsOn(judge: Judge, host: Host, now: Host): PlaceFacts {
  const { vm, options, source } = judge;
  const isHere = host.uuid === source;
  const after = isHere ? now : judge.hostWith(host);
  const freeBytes = host.placementFreeBytes ?? 0;
  const freeBytesAfter = freeBytes - (vm.placementBytes ?? 0);
  const facts = {
    host: host.uuid,
    isHere,
    isHomeServer: options.homeServer === host.uuid,
    freeBytes,
    freeBytesAfter,
    isTight: freeBytesAfter < options.headroomBytes,
    cpuPercentAfter: subjectValue(after, "CpuAverage"),
    vcpuPercentAfter: subjectValue(after, "VcpuCount"),
    ...judge.ruled.with(after),
    serve: judge.served?.on(host.uuid) ?? null,
    ...judge.companyOn(host.uuid),
  };
  return { facts, memoryShare: shareOf(freeBytesAfter, host.memoryTotalMb) };
}

function shareOf(free: number, totalMb: number | null): number | null {
  return totalMb === null || totalMb <= 0 ? null : Math.max(0, free / (totalMb * 1024 * 1024));
}

/** A home server that takes no part prefers nobody. */
function takesHome({ hosts }: Snapshot, { homeServer }: RankOptions): boolean {
  return hosts.some((host) => host.uuid === homeServer && takesPart(host));
}
