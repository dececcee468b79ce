/**
 * A pool, its rules and the options as arrays of numbers: hosts that take part, VMs that may move. Pure.
 *
 * Indices: h host, v VM, r rule; what belongs to a host and a rule stands at h * R + r ("pair"), to a VM and a rule
 * at v * R + r. Costs are bytes to copy, whole numbers, so that sums are exact.
 */
import { excess, mean, subjectValue, takesPart } from "../deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../pool.ts";
import type { Rule } from "../rule.ts";
import { capacity, immovability, pairKey, rawWeight } from "./facts.ts";
import { type Groups, groupsOf } from "./groups.ts";
import type { PlanOptions, RefusalCode } from "./plan.ts";

/** A VM of a host that takes part but that this plan cannot move, with the reason. */
export interface Stuck {
  readonly vm: Vm;
  readonly host: number;
  readonly code: RefusalCode;
  readonly reason: string;
}

export interface Problem {
  readonly hosts: readonly Host[];
  readonly vms: readonly Vm[];
  readonly rules: readonly Rule[];
  readonly stuck: readonly Stuck[];
  readonly H: number;
  readonly V: number;
  readonly R: number;
  /** Of a pair: the value at the start (0 where unknown), 1 where it is known, 1 where it broke the rule. */
  readonly load: Float64Array;
  readonly known: Uint8Array;
  readonly broken: Uint8Array;
  /** Of a pair: value per absolute unit. */
  readonly inverse: Float64Array;
  /**
   * Of a pair: a value at or under which it keeps its rule whatever the mean; minus infinity where none is. It is the
   * rule's floor, and for a dormant pair at least its value at the start: it is no goal then, and cannot get worse.
   */
  readonly ceiling: Float64Array;
  /** Of a rule: mean at the start, hosts in it, allowed deviation, deviation aimed at, unit of severity. */
  readonly mean: Float64Array;
  readonly counted: Int32Array;
  readonly allowed: Float64Array;
  readonly aim: Float64Array;
  readonly scale: Float64Array;
  /** 1 where hosts differ in size, so that a migration changes the mean. */
  readonly varying: Uint8Array;
  readonly anyVarying: boolean;
  /** Of a VM: absolute weights (v * R + r), bytes a destination must have, bytes to copy (where unknown, as `need`), host at the start. */
  readonly weight: Float64Array;
  readonly need: Float64Array;
  readonly cost: Float64Array;
  /** Of a VM: the bytes that its migration copies, null where nothing is known of them. */
  readonly copies: readonly (number | null)[];
  readonly home: Int32Array;
  /** Of a host: bytes that arrivals may use, headroom taken off; minus infinity where nothing may arrive. */
  readonly free: Float64Array;
  /** Of a host: moves that it may take part in, coming and going together; infinite where any number. */
  readonly movesLeft: Float64Array;
  readonly groups: Groups;
  /** Bars and bans by v * H + h, with what the reasons are. */
  readonly closed: ReadonlyMap<number, { readonly code: RefusalCode; readonly reason: string }>;
  /** 1 at v * H + h where that pair is closed; empty where none is. */
  readonly shut: Uint8Array;
  /** Why a host neither sends nor receives though it takes part: a ruled measure of it is unknown. */
  readonly blind: readonly (string | null)[];
}

/** The snapshot with its lists by uuid: indices, sums and ties then depend on nothing but what is in it. */
export function inOrder(snapshot: Snapshot): Snapshot {
  const { hosts, vms, placements, bars } = snapshot;
  return {
    ...snapshot,
    hosts: hosts.toSorted((a, b) => compare(a.uuid, b.uuid)),
    vms: vms.toSorted((a, b) => compare(a.uuid, b.uuid)),
    placements: placements.toSorted((a, b) => compare(a.vmUuid, b.vmUuid) || compare(a.hostUuid, b.hostUuid)),
    bars: bars.toSorted(
      (a, b) => compare(a.vmUuid, b.vmUuid) || compare(a.hostUuid, b.hostUuid) || compare(a.reason, b.reason),
    ),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The snapshot, which is in order, under the rules as the planner computes with it. */
export function toProblem(snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions): Problem {
  const hosts = snapshot.hosts.filter(takesPart);
  const hostIndex = new Map(hosts.map((host, index) => [host.uuid, index]));
  const blind = hosts.map((host) => unknownMeasure(host, rules));
  const placed = placedVms(snapshot, hostIndex);
  const sorted = sortOut(placed, rules, options, blind);
  const H = hosts.length;
  const pairs = pairFigures(hosts, rules, options);
  const free = Float64Array.from(hosts, (host, h) =>
    host.placementFreeBytes === null || blind[h] !== null
      ? Number.NEGATIVE_INFINITY
      : host.placementFreeBytes - options.headroomBytes,
  );
  const vms = sorted.movable.map(({ vm }) => vm);
  const copies = sorted.movable.map(({ vm, host }) => {
    const source = hosts[host]?.uuid;
    const known = source === undefined ? null : (options.costOf?.(vm, source) ?? null);
    return known !== null && Number.isFinite(known) && known >= 0 ? known : vm.copyBytes;
  });
  const closed = closedPairs(snapshot, vms, hostIndex, options);
  return {
    hosts,
    vms,
    rules,
    stuck: sorted.stuck,
    H,
    V: vms.length,
    R: rules.length,
    ...pairs,
    ...aims(hosts, rules, pairs.mean, options.targetFraction ?? 1),
    weight: weights(vms, rules),
    need: Float64Array.from(vms, (vm) => vm.placementBytes ?? 0),
    cost: Float64Array.from(vms, (vm, v) => Math.max(1, Math.round(copies[v] ?? vm.placementBytes ?? 1))),
    copies,
    home: Int32Array.from(sorted.movable, ({ host }) => host),
    free,
    movesLeft: Float64Array.from(
      hosts,
      ({ uuid }) => options.movesLeftOf?.(uuid) ?? Number.POSITIVE_INFINITY,
    ),
    groups: groupsOf(placed, vms, H, options.antiAffinityTags ?? []),
    closed,
    shut: shutPairs(closed, vms.length * H),
    blind,
  };
}

function weights(vms: readonly Vm[], rules: readonly Rule[]): Float64Array {
  const weight = new Float64Array(vms.length * rules.length);
  vms.forEach((vm, v) => {
    rules.forEach(({ subject }, r) => {
      weight[v * rules.length + r] = rawWeight(vm, subject) ?? 0;
    });
  });
  return weight;
}

function shutPairs(closed: ReadonlyMap<number, unknown>, size: number): Uint8Array {
  const shut = new Uint8Array(closed.size > 0 ? size : 0);
  for (const pair of closed.keys()) shut[pair] = 1;
  return shut;
}

function unknownMeasure(host: Host, rules: readonly Rule[]): string | null {
  for (const { subject } of rules) {
    const value = subjectValue(host, subject);
    if (value === null || !Number.isFinite(value)) return `the host's ${subject} is unknown`;
    if (capacity(host, subject) === null) return "the number of the host's CPUs is unknown";
  }
  return null;
}

export interface PlacedVm {
  readonly vm: Vm;
  readonly host: number;
}

function placedVms(snapshot: Snapshot, hostIndex: ReadonlyMap<Uuid, number>): PlacedVm[] {
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  return snapshot.placements.flatMap(({ vmUuid, hostUuid }) => {
    const vm = vms.get(vmUuid);
    const host = hostIndex.get(hostUuid);
    return vm === undefined || host === undefined ? [] : [{ vm, host }];
  });
}

/** Parts VMs that may move from those that stay, with the reason. */
function sortOut(
  placed: readonly PlacedVm[],
  rules: readonly Rule[],
  options: PlanOptions,
  blind: readonly (string | null)[],
): { movable: PlacedVm[]; stuck: Stuck[] } {
  const movable: PlacedVm[] = [];
  const stuck: Stuck[] = [];
  const together = companions(placed, options.affinityTags ?? []);
  for (const { vm, host } of placed) {
    const obstacle = vmObstacle(vm, rules, options) ?? blindness(blind[host]) ?? bond(together, vm, host);
    if (obstacle === null) movable.push({ vm, host });
    else stuck.push({ vm, host, ...obstacle });
  }
  return { movable, stuck };
}

interface Obstacle {
  readonly code: RefusalCode;
  readonly reason: string;
}

function vmObstacle(vm: Vm, rules: readonly Rule[], options: PlanOptions): Obstacle | null {
  const immovable = immovability(vm);
  if (immovable !== null) return { code: "immovable", reason: immovable };
  const banned = options.bannedVms.get(vm.uuid);
  if (banned !== undefined) return { code: "banned", reason: banned };
  const unknown = rules.find(({ subject }) => rawWeight(vm, subject) === null);
  if (unknown !== undefined) {
    return { code: "unknown", reason: `its part in ${unknown.subject} is unknown` };
  }
  if (vm.placementBytes === null) {
    return { code: "unknown", reason: "the memory it needs or the host has free is unknown" };
  }
  return null;
}

function blindness(reason: string | null | undefined): Obstacle | null {
  return reason === null || reason === undefined ? null : { code: "unknown", reason };
}

/** How many VMs of each affinity tag run on each host, by "tag>host". */
function companions(placed: readonly PlacedVm[], tags: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { vm, host } of placed) {
    for (const tag of vm.tags.filter((each) => tags.includes(each))) {
      const key = `${tag}>${host}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return counts;
}

/** One that leaves its companions parts them; one that is alone parts nobody. */
function bond(together: ReadonlyMap<string, number>, vm: Vm, host: number): Obstacle | null {
  const tag = vm.tags.find((each) => (together.get(`${each}>${host}`) ?? 0) > 1);
  return tag === undefined ? null : { code: "together", reason: `it stays with the VMs of tag ${tag}` };
}

type PairFigures = Pick<
  Problem,
  "load" | "known" | "broken" | "inverse" | "ceiling" | "mean" | "counted" | "varying" | "anyVarying"
>;

function pairFigures(hosts: readonly Host[], rules: readonly Rule[], options: PlanOptions): PairFigures {
  const [H, R] = [hosts.length, rules.length];
  const load = new Float64Array(H * R);
  const known = new Uint8Array(H * R);
  const broken = new Uint8Array(H * R);
  const inverse = new Float64Array(H * R);
  const ceiling = new Float64Array(H * R).fill(Number.NEGATIVE_INFINITY);
  const means = new Float64Array(R);
  const counted = new Int32Array(R);
  const varying = new Uint8Array(R);
  rules.forEach((rule, r) => {
    const { subject, threshold } = rule;
    const floor = options.floors?.(rule) ?? Number.NEGATIVE_INFINITY;
    const values = hosts.map((host) => subjectValue(host, subject));
    const present = values.filter((value) => value !== null);
    const poolMean = mean(present) ?? 0;
    means[r] = poolMean;
    counted[r] = present.length;
    const sizes = hosts.map((host) => capacity(host, subject) ?? 1);
    varying[r] = sizes.some((size) => size !== sizes[0]) ? 1 : 0;
    values.forEach((value, h) => {
      const pair = h * R + r;
      inverse[pair] = 1 / (sizes[h] ?? 1);
      if (value === null) return;
      load[pair] = value;
      known[pair] = 1;
      ceiling[pair] = floor;
      if (excess(value, Math.max(poolMean + threshold, floor), 0) <= 0) return;
      if (isDormant(hosts[h], rule, options)) ceiling[pair] = value;
      else broken[pair] = 1;
    });
  });
  const anyVarying = varying.includes(1);
  return { load, known, broken, inverse, ceiling, mean: means, counted, varying, anyVarying };
}

function isDormant(host: Host | undefined, rule: Rule, { dormant }: PlanOptions): boolean {
  return host !== undefined && (dormant?.(host.uuid, rule) ?? false);
}

function aims(
  hosts: readonly Host[],
  rules: readonly Rule[],
  means: Float64Array,
  fraction: number,
): Pick<Problem, "allowed" | "aim" | "scale"> {
  const scale = rules.map(({ threshold }, r) => {
    const size = threshold > 0 ? threshold : Math.abs(means[r] ?? 0);
    return size > 0 && hosts.length > 0 ? size : 1;
  });
  return {
    allowed: Float64Array.from(rules, ({ threshold }) => threshold),
    aim: Float64Array.from(rules, ({ threshold }) => threshold * fraction),
    scale: Float64Array.from(scale),
  };
}

function closedPairs(
  snapshot: Snapshot,
  vms: readonly Vm[],
  hostIndex: ReadonlyMap<Uuid, number>,
  options: PlanOptions,
): Map<number, Obstacle> {
  const closed = new Map<number, Obstacle>();
  const H = hostIndex.size;
  const vmIndex = new Map(vms.map((vm, index) => [vm.uuid, index]));
  for (const { vmUuid, hostUuid, reason } of snapshot.bars) {
    const [v, h] = [vmIndex.get(vmUuid), hostIndex.get(hostUuid)];
    if (v !== undefined && h !== undefined) closed.set(v * H + h, { code: "bar", reason });
  }
  if (options.bannedPairs.size === 0) return closed;
  const byKey = options.bannedPairs;
  const hostUuids = [...hostIndex];
  const banned = new Set([...byKey.keys()].map((key) => key.slice(0, key.indexOf(">"))));
  vms.forEach((vm, v) => {
    if (!banned.has(vm.uuid)) return;
    for (const [hostUuid, h] of hostUuids) {
      const reason = byKey.get(pairKey(vm.uuid, hostUuid));
      if (reason !== undefined) closed.set(v * H + h, { code: "banned", reason });
    }
  });
  return closed;
}
