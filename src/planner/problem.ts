/**
 * A pool, its rules and the options as arrays of numbers: hosts that take part, VMs that may move. Pure.
 *
 * Indices: h host, v VM, r term of a rule; what belongs to a host and a term stands at h * R + r ("pair"), to a VM and
 * a term at v * R + r. A rule of one term is that term; the terms of a chain stand side by side, and a host breaks it
 * when it is past all of them. Values of terms that are BELOW a limit are negative, so that too much is always above.
 * Costs are bytes to copy, whole numbers, so that sums are exact.
 */
import { excess, takesPart, termLimit, termMean, termScale, termValue } from "../domain/deviation.ts";
import { InTurn } from "../domain/inTurn.ts";
import type { Host, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import {
  isMeasuredOnHosts,
  isNoisy,
  isSingle,
  type Rule,
  sumText,
  type Term,
  termsOf,
  termUnit,
  whenVmLeaves,
} from "../domain/rule.ts";
import { arrivingTermWeight, termCapacity, termWeight } from "../domain/weight.ts";
import { withUnit } from "../rules/print.ts";
import { figure } from "../text/format.ts";
import { immovability, pairKey } from "./facts.ts";
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
  /** Of a term: its rule, what it says, and its place in the rule. */
  readonly rules: readonly Rule[];
  readonly terms: readonly Term[];
  readonly places: readonly number[];
  /** Of a term: the first of its rule's terms and the one behind the last. */
  readonly first: Int32Array;
  readonly end: Int32Array;
  /** Whether a rule has several terms. */
  readonly chained: boolean;
  /** Of a term: -1 where values are negative; 1 where a VM's leaving brings the host nearer to being past it. */
  readonly sign: Int8Array;
  readonly rising: Uint8Array;
  readonly anyRising: boolean;
  readonly stuck: readonly Stuck[];
  readonly H: number;
  readonly V: number;
  readonly R: number;
  /**
   * Of a pair: the value at the start (0 where unknown), 1 where it is known (of all terms of the rule), 1 where the
   * rule was broken (past all its terms) and is to be cured, 1 where a chain was broken whether it is or not.
   */
  readonly load: Float64Array;
  readonly known: Uint8Array;
  readonly broken: Uint8Array;
  readonly held: Uint8Array;
  /** Of a pair: value per absolute unit. */
  readonly inverse: Float64Array;
  /**
   * Of a pair: a value at or under which it keeps its rule whatever the mean; minus infinity where none is. It is the
   * rule's floor, and for a suppressed pair at least its value at the start: it is no goal then, and cannot get worse.
   */
  readonly ceiling: Float64Array;
  /**
   * Of a term: mean at the start, hosts in it, allowed deviation, deviation aimed at, unit of severity. A limit that
   * does not hang on the mean is a deviation from a mean of 0.
   */
  readonly mean: Float64Array;
  readonly counted: Int32Array;
  readonly allowed: Float64Array;
  readonly aim: Float64Array;
  readonly scale: Float64Array;
  /** 1 where hosts differ in size, so that a migration changes the mean. */
  readonly varying: Uint8Array;
  readonly anyVarying: boolean;
  /**
   * Of a VM: absolute weights (v * R + r) at home, and elsewhere, where it has what it wants; bytes a destination must
   * have, bytes to copy (where unknown, as `need`), host at the start.
   */
  readonly weight: Float64Array;
  readonly arriving: Float64Array;
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
  /** Infeasible pairs and bans by v * H + h, with what the reasons are. */
  readonly closed: ReadonlyMap<number, { readonly code: RefusalCode; readonly reason: string }>;
  /** 1 at v * H + h where that pair is closed; empty where none is. */
  readonly shut: Uint8Array;
  /** Why a host neither sends nor receives though it takes part: a ruled measure of it is unknown. */
  readonly blind: readonly (string | null)[];
}

/** What `v` weighs on `h` by the term `r`, in absolute units. */
export function weightOn({ R, home, weight, arriving }: Problem, v: number, h: number, r: number): number {
  return (home[v] === h ? weight : arriving)[v * R + r] ?? 0;
}

/** How many (host, rule) pairs are marked; a chain counts once, whatever its terms. */
export function countRules({ R, first }: Problem, marked: Uint8Array): number {
  return marked.reduce((sum, each, pair) => sum + (first[pair % R] === pair % R ? each : 0), 0);
}

/** The snapshot with its lists by uuid: indices, sums and ties then depend on nothing but what is in it. */
export function inOrder(snapshot: Snapshot): Snapshot {
  const { hosts, vms, placements, infeasiblePairs } = snapshot;
  return {
    ...snapshot,
    hosts: hosts.toSorted(byUuid),
    vms: vms.toSorted(byUuid),
    placements: placements.toSorted((a, b) => compare(a.vmUuid, b.vmUuid) || compare(a.hostUuid, b.hostUuid)),
    infeasiblePairs: infeasiblePairs.toSorted(
      (a, b) => compare(a.vmUuid, b.vmUuid) || compare(a.hostUuid, b.hostUuid) || compare(a.reason, b.reason),
    ),
  };
}

/** The order of hosts, and of VMs, in the planner's arrays. */
export function byUuid(a: { readonly uuid: Uuid }, b: { readonly uuid: Uuid }): number {
  return compare(a.uuid, b.uuid);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The snapshot, which is in order, under the rules as the planner computes with it. */
export function toProblem(snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions): Problem {
  const hosts = snapshot.hosts.filter(takesPart);
  const hostIndex = new Map(hosts.map((host, index) => [host.uuid, index]));
  const columns = columnsOf(rules, hosts);
  const { terms } = columns;
  const blind = hosts.map((host) => unknownMeasure(host, columns));
  const placed = placedVms(snapshot, hostIndex);
  const sorted = sortOut(placed, hosts, terms, options, blind);
  const H = hosts.length;
  const pairs = pairFigures(hosts, columns, options);
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
    ...columns,
    stuck: sorted.stuck,
    H,
    V: vms.length,
    R: terms.length,
    ...pairs,
    ...aims(hosts, columns, pairs.mean, options.targetFraction ?? 1),
    weight: weights(vms, columns, termWeight),
    arriving: weights(vms, columns, arrivingTermWeight),
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

type TermColumns = Pick<
  Problem,
  "rules" | "terms" | "places" | "first" | "end" | "chained" | "sign" | "rising" | "anyRising"
>;

/** The terms of the rules; a chain that no host has the values of judges nobody and is left out. */
function columnsOf(all: readonly Rule[], hosts: readonly Host[]): TermColumns {
  const rules: Rule[] = [];
  const terms: Term[] = [];
  const places: number[] = [];
  const first: number[] = [];
  const end: number[] = [];
  for (const rule of all) {
    const own = termsOf(rule);
    if (!isSingle(rule) && !hosts.some((host) => own.every((term) => termValue(host, term) !== null)))
      continue;
    const from = terms.length;
    own.forEach((term, place) => {
      rules.push(rule);
      terms.push(term);
      places.push(place);
      first.push(from);
      end.push(from + own.length);
    });
  }
  const sign = Int8Array.from(terms, ({ condition }) => (condition === "below" ? -1 : 1));
  const rising = Uint8Array.from(terms, (term, r) => (isRising(term, sign[r] ?? 1) ? 1 : 0));
  return {
    rules,
    terms,
    places,
    first: Int32Array.from(first),
    end: Int32Array.from(end),
    chained: end.some((last, r) => last - (first[r] ?? 0) > 1),
    sign,
    rising,
    anyRising: rising.includes(1),
  };
}

function isRising({ subjects }: Term, sign: number): boolean {
  const effects = subjects.map(whenVmLeaves);
  return effects.includes(sign > 0 ? "rises" : "falls");
}

function weights(
  vms: readonly Vm[],
  { terms, sign }: TermColumns,
  weightOf: typeof termWeight,
): Float64Array {
  const weight = new Float64Array(vms.length * terms.length);
  vms.forEach((vm, v) => {
    terms.forEach((term, r) => {
      weight[v * terms.length + r] = (sign[r] ?? 1) * (weightOf(vm, term) ?? 0) + 0;
    });
  });
  return weight;
}

function shutPairs(closed: ReadonlyMap<number, unknown>, size: number): Uint8Array {
  const shut = new Uint8Array(closed.size > 0 ? size : 0);
  for (const pair of closed.keys()) shut[pair] = 1;
  return shut;
}

/**
 * What keeps the host out of it though it takes part. That a figure is unknown which only a chain names, and no column
 * of Host holds, does not: the chain does not judge the host then.
 */
function unknownMeasure(host: Host, { terms }: TermColumns): string | null {
  for (const term of terms) {
    if (!term.subjects.every(isMeasuredOnHosts)) continue;
    const value = termValue(host, term);
    if (value === null || !Number.isFinite(value)) return `the host's ${sumText(term)} is unknown`;
    if (termCapacity(host, term) === null) return "the number of the host's CPUs is unknown";
  }
  return null;
}

export interface PlacedVm {
  readonly vm: Vm;
  readonly host: number;
}

function placedVms(snapshot: Snapshot, hostIndex: ReadonlyMap<Uuid, number>): PlacedVm[] {
  const places = new InTurn(snapshot.vms);
  const placed: PlacedVm[] = [];
  for (const { vmUuid, hostUuid } of snapshot.placements) {
    const vm = snapshot.vms[places.placeOf(vmUuid)];
    const host = hostIndex.get(hostUuid);
    if (vm !== undefined && host !== undefined) placed.push({ vm, host });
  }
  return placed;
}

/** Parts VMs that may move from those that stay, with the reason. */
function sortOut(
  placed: readonly PlacedVm[],
  hosts: readonly Host[],
  terms: readonly Term[],
  options: PlanOptions,
  blind: readonly (string | null)[],
): { movable: PlacedVm[]; stuck: Stuck[] } {
  const movable: PlacedVm[] = [];
  const stuck: Stuck[] = [];
  const together = companions(placed, options.affinityTags ?? []);
  const noises = terms.map((term) => noiseOfTerm(term, hosts, options.noisePercent ?? 0));
  for (const { vm, host } of placed) {
    const obstacle =
      vmObstacle(vm, terms, options) ??
      blindness(blind[host]) ??
      bond(together, vm, host) ??
      lightness(vm, hosts[host], terms, noises);
    if (obstacle === null) movable.push({ vm, host });
    else stuck.push({ vm, host, ...obstacle });
  }
  return { movable, stuck };
}

interface Obstacle {
  readonly code: RefusalCode;
  readonly reason: string;
}

function vmObstacle(vm: Vm, terms: readonly Term[], options: PlanOptions): Obstacle | null {
  const immovable = immovability(vm);
  if (immovable !== null) return { code: "immovable", reason: immovable };
  const banned = options.bannedVms.get(vm.uuid);
  if (banned !== undefined) return { code: "banned", reason: banned };
  const unknown = terms.find((term) => termWeight(vm, term) === null);
  if (unknown !== undefined) {
    return { code: "unknown", reason: `its part in ${sumText(unknown)} is unknown` };
  }
  if (vm.placementBytes === null) {
    return { code: "unknown", reason: "the memory it needs or the host has free is unknown" };
  }
  return null;
}

/** What of a host's value of the term is noise, in its unit; 0 of what is exact. */
function noiseOfTerm(term: Term, hosts: readonly Host[], percent: number): number {
  if (!isNoisy(term)) return 0;
  const whole = termUnit(term) === "%" ? 100 : Math.abs(termLimit(term, termMean(hosts, term)));
  return (percent / 100) * whole;
}

/** That moving the VM would change no rule's value by more than the noise of what is measured. */
function lightness(
  vm: Vm,
  host: Host | undefined,
  terms: readonly Term[],
  noises: readonly number[],
): Obstacle | null {
  if (host === undefined || !noises.some((noise) => noise > 0)) return null;
  const parts = terms.map((term) => Math.abs(termWeight(vm, term) ?? 0) / (termCapacity(host, term) ?? 1));
  if (parts.some((part, r) => part > 0 && part >= (noises[r] ?? 0))) return null;
  // One without any part in the rules is another matter, and told as such.
  if (parts.every((part) => part === 0)) return null;
  const largest = parts.indexOf(Math.max(...parts));
  const term = terms[largest];
  if (term === undefined) return null;
  const part = `its part in ${sumText(term)} is ${withUnit(figure(parts[largest] ?? 0), term)}`;
  return {
    code: "light",
    reason: `${part}, under the noise of the measure (${withUnit(figure(noises[largest] ?? 0), term)}, ControlNoisePercent)`,
  };
}

function blindness(reason: string | null | undefined): Obstacle | null {
  return reason === null || reason === undefined ? null : { code: "unknown", reason };
}

/** How many VMs of each affinity tag run on each host, by "tag>host". */
function companions(placed: readonly PlacedVm[], tags: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  if (tags.length === 0) return counts;
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
  if (together.size === 0) return null;
  const tag = vm.tags.find((each) => (together.get(`${each}>${host}`) ?? 0) > 1);
  return tag === undefined ? null : { code: "together", reason: `it stays with the VMs of tag ${tag}` };
}

type PairArrays = Pick<
  Problem,
  "load" | "known" | "broken" | "held" | "inverse" | "ceiling" | "mean" | "counted" | "varying" | "anyVarying"
>;

function pairFigures(hosts: readonly Host[], columns: TermColumns, options: PlanOptions): PairArrays {
  const { terms, sign } = columns;
  const [H, R] = [hosts.length, terms.length];
  const load = new Float64Array(H * R);
  const known = new Uint8Array(H * R);
  const inverse = new Float64Array(H * R);
  const ceiling = new Float64Array(H * R).fill(Number.NEGATIVE_INFINITY);
  const means = new Float64Array(R);
  const counted = new Int32Array(R);
  const varying = new Uint8Array(R);
  terms.forEach((term, r) => {
    const floor = options.floors?.(columns.rules[r] as Rule, columns.places[r] ?? 0);
    const values = hosts.map((host) => termValue(host, term));
    means[r] = termMean(hosts, term) ?? 0;
    counted[r] = values.filter((value) => value !== null).length;
    const sizes = hosts.map((host) => termCapacity(host, term) ?? 1);
    const relative = term.condition === "more than mean";
    varying[r] = relative && sizes.some((size) => size !== sizes[0]) ? 1 : 0;
    values.forEach((value, h) => {
      const pair = h * R + r;
      // What comes to a host or leaves it changes nothing that is unknown.
      inverse[pair] = value === null ? 0 : 1 / (sizes[h] ?? 1);
      if (value === null) return;
      load[pair] = (sign[r] ?? 1) * value + 0;
      known[pair] = 1;
      if (relative && floor !== undefined) ceiling[pair] = floor;
    });
  });
  const figures = { load, known, inverse, ceiling, mean: means, counted, varying };
  return { ...figures, ...breaches(hosts, columns, figures, options), anyVarying: varying.includes(1) };
}

/** Which rules are broken by which hosts. What is no goal gets its value at the start for a ceiling. */
function breaches(
  hosts: readonly Host[],
  { rules, terms, end }: TermColumns,
  {
    load,
    known,
    ceiling,
    mean: means,
  }: Pick<Problem, "load" | "mean"> & { known: Uint8Array; ceiling: Float64Array },
  options: PlanOptions,
): Pick<Problem, "broken" | "held"> {
  const [H, R] = [hosts.length, terms.length];
  const broken = new Uint8Array(H * R);
  const held = new Uint8Array(H * R);
  const allowed = terms.map(allowedOf);
  for (let h = 0; h < H; h++) {
    for (let r = 0; r < R; r = end[r] ?? R) {
      const own = Array.from({ length: (end[r] ?? R) - r }, (_, i) => h * R + r + i);
      if (own.some((pair) => known[pair] === 0)) {
        for (const pair of own) known[pair] = 0;
        // A chain that cannot be assessed stands in nobody's way; whom a thesis' rule cannot judge is blind.
        if (own.length > 1 || !isSingle(rules[r] as Rule))
          for (const pair of own) ceiling[pair] = Number.POSITIVE_INFINITY;
        continue;
      }
      let isKept = false;
      for (const pair of own) {
        const limit = Math.max((means[pair % R] ?? 0) + (allowed[pair % R] ?? 0), ceiling[pair] ?? 0);
        if (excess(load[pair] ?? 0, limit, 0) > 0) continue;
        isKept = true;
        // What is past its limit by rounding alone is at it: `tolerance` of state.ts is half as wide.
        load[pair] = Math.min(load[pair] ?? 0, limit);
      }
      if (isKept) continue;
      const suppressed = isSuppressed(hosts[h], rules[r] as Rule, options);
      for (const pair of own) {
        if (own.length > 1) held[pair] = 1;
        if (suppressed) ceiling[pair] = load[pair] ?? 0;
        else broken[pair] = 1;
      }
    }
  }
  return { broken, held };
}

/** What a value may be above the mean, or above 0 where the limit does not hang on the mean. */
function allowedOf({ condition, amount }: Term): number {
  return condition === "below" ? -amount : amount;
}

function isSuppressed(host: Host | undefined, rule: Rule, { suppressed }: PlanOptions): boolean {
  return host !== undefined && (suppressed?.(host.uuid, rule) ?? false);
}

/** A limit that does not hang on the mean is aimed at as it is: a part of it would be another condition. */
function aims(
  hosts: readonly Host[],
  { terms }: TermColumns,
  means: Float64Array,
  fraction: number,
): Pick<Problem, "allowed" | "aim" | "scale"> {
  const scale = terms.map((term, r) => (hosts.length > 0 ? termScale(term, means[r] ?? 0) : 1));
  const part = ({ condition }: Term) => (condition === "more than mean" ? fraction : 1);
  return {
    allowed: Float64Array.from(terms, allowedOf),
    aim: Float64Array.from(terms, (term) => allowedOf(term) * part(term)),
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
  if (snapshot.infeasiblePairs.length === 0 && options.bannedPairs.size === 0) return closed;
  const vmIndex = new Map(vms.map((vm, index) => [vm.uuid, index]));
  for (const { vmUuid, hostUuid, reason } of snapshot.infeasiblePairs) {
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
