/**
 * A pool as a packing: bundles of VMs that move together, hosts with room in several dimensions, and why a host cannot
 * go to sleep whatever its load. Pure.
 *
 * Indices: h host, i item (a bundle), k dimension; what belongs to a host and a dimension stands at h * K + k, to an item
 * and a dimension at i * K + k, to an item and a host at i * H + h. Hosts are those that take part.
 */
import { rounding, termLimit, termValue } from "../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { termsOf } from "../domain/rule.ts";
import { termCapacity } from "../domain/weight.ts";
import type { Groups } from "../planner/groups.ts";
import { inOrder, type Problem, toProblem } from "../planner/problem.ts";
import { bundlesOf } from "./bundles.ts";
import { type Dimension, dimensionsOf } from "./dimensions.ts";
import type { PackingOptions } from "./options.ts";
import type { GreenGoal } from "./rule.ts";

export interface Packing {
  readonly snapshot: Snapshot;
  readonly problem: Problem;
  readonly dimensions: readonly Dimension[];
  readonly H: number;
  readonly I: number;
  readonly K: number;
  /** Dimensions before the balance rules: those that the reserve and the bound count by. */
  readonly hard: number;
  /** Movable VMs of an item, as indices of `problem`. */
  readonly members: readonly (readonly number[])[];
  readonly home: Int32Array;
  readonly weight: Float64Array;
  /** Bytes to copy. */
  readonly cost: Float64Array;
  /** 1 where no infeasible pair, ban or exclusion keeps the item from the host. */
  readonly open: Uint8Array;
  /** 1 where a host is past a limit already: nothing arrives there, not even what takes nothing of it. */
  readonly over: Uint8Array;
  /** Items at home on each host. */
  readonly itemsOf: readonly (readonly number[])[];
  /**
   * What the items of a host may take together. Where they take more at the start, as much as that: who stays may be as it
   * is, but nothing arrives.
   */
  readonly room: Float64Array;
  /** The same without regard to what they take at the start: less than that where a limit is passed already. */
  readonly bare: Float64Array;
  /** What the items of a host take at the start. */
  readonly start: Float64Array;
  /** Why the host stays on, whatever its load; null where it may sleep. */
  readonly kept: readonly (string | null)[];
  /** Hosts that must stay on, and that are to spare, at least. */
  readonly minimum: number;
  readonly spares: number;
}

/** The pool under the rule. Every measure that a limit asks for counts as it stands in the snapshot. */
export function toPacking(pool: Snapshot, rule: GreenGoal, options: PackingOptions): Packing {
  const snapshot = inOrder(pool);
  const bare = toProblem(snapshot, [], { ...options, maxMoves: 0, affinityTags: [] });
  const problem = { ...bare, groups: neverCrowded(bare.groups) };
  const balance = options.balance ?? [];
  const dimensions = dimensionsOf(rule.limits, balance, options.headroomBytes, options.fillFraction);
  const kept = keptHosts(snapshot, problem, dimensions, options);
  const sketch = { snapshot, problem, dimensions, kept, options };
  const spares = Math.max(rule.spareHosts, snapshot.pool.haEnabled ? (options.haFailuresToTolerate ?? 0) : 0);
  const minimum = Math.min(problem.H, Math.max(1, options.minimumHostsOn, spares + 1));
  return { ...withoutHomebodies(sketch), snapshot, problem, dimensions, minimum, spares };
}

/** Whoever leaves a host that goes to sleep must not crowd others: a host holds one member, or as many as now. */
function neverCrowded(groups: Groups): Groups {
  return { ...groups, limit: groups.count.map((held) => Math.max(held, 1)) };
}

interface Sketch {
  readonly snapshot: Snapshot;
  readonly problem: Problem;
  readonly dimensions: readonly Dimension[];
  readonly kept: readonly Kept[];
  readonly options: PackingOptions;
}

/** `mute`: nothing goes there and nothing leaves. */
interface Kept {
  readonly reason: string | null;
  readonly mute: boolean;
}

function keptHosts(
  snapshot: Snapshot,
  problem: Problem,
  dimensions: readonly Dimension[],
  options: PackingOptions,
): Kept[] {
  const stuck = new Map(
    problem.stuck.filter(({ vm }) => !vm.isControlDomain).map((each) => [each.host, each]),
  );
  const unknown = new Map<number, Vm>();
  problem.vms.forEach((vm, v) => {
    if (dimensions.some(({ weight }) => weight(vm) === null)) unknown.set(problem.home[v] ?? -1, vm);
  });
  const busy = migratingHosts(snapshot);
  return problem.hosts.map((host, h): Kept => {
    const blind = dimensions.find(({ used, allowed }) => !isKnown(used(host)) || allowed(host) === null);
    if (blind !== undefined) return { reason: `what it has for ${blind.name} is unknown`, mute: true };
    const excluded = options.keepOn.get(host.uuid);
    if (excluded !== undefined) return { reason: excluded, mute: true };
    if (host.isMaster) return { reason: "it is the pool's master", mute: false };
    if (!options.canWake(host))
      return { reason: "nothing could wake it: it has no power-on mode that works", mute: false };
    if (busy.has(host.uuid)) return { reason: "a VM is just being migrated from or to it", mute: false };
    const awake = options.stayOn?.get(host.uuid);
    if (awake !== undefined) return { reason: awake, mute: false };
    const blocked = stuck.get(h);
    if (blocked !== undefined)
      return { reason: `VM ${nameOf(blocked.vm)} cannot leave: ${blocked.reason}`, mute: false };
    const riddle = unknown.get(h);
    if (riddle !== undefined) return { reason: `what VM ${nameOf(riddle)} needs is unknown`, mute: false };
    return { reason: null, mute: false };
  });
}

function isKnown(value: number | null): boolean {
  return value !== null && Number.isFinite(value);
}

export function nameOf({ name, uuid }: Vm | Host): string {
  return name === "" ? uuid : name;
}

function migratingHosts({ vms, placements }: Snapshot): ReadonlySet<Uuid> {
  const going = new Map(
    vms.flatMap(({ uuid, migratingTo }) => (migratingTo === null ? [] : [[uuid, migratingTo]])),
  );
  return new Set(
    placements.flatMap(({ vmUuid, hostUuid }) => {
      const to = going.get(vmUuid);
      return to === undefined ? [] : [hostUuid, to];
    }),
  );
}

type Arrays = Omit<Packing, "snapshot" | "problem" | "dimensions" | "minimum" | "spares">;

/** An item that fits on no other host even if that were empty stays at home, and its host stays on with it. */
function withoutHomebodies(sketch: Sketch): Arrays {
  const first = arraysOf(sketch, new Map());
  const homebodies = new Map<number, string>();
  for (let i = 0; i < first.I; i++) {
    if (fitsElsewhere(first, i)) continue;
    const v = first.members[i]?.[0] ?? 0;
    const vm = sketch.problem.vms[v];
    const reason = `VM ${vm === undefined ? v : nameOf(vm)} would fit on no other host, even an empty one`;
    for (const member of first.members[i] ?? []) homebodies.set(member, reason);
  }
  return homebodies.size === 0 ? first : arraysOf(sketch, homebodies);
}

function fitsElsewhere({ H, K, hard, home, open, weight, room }: Arrays, i: number): boolean {
  for (let h = 0; h < H; h++) {
    if (h === home[i] || open[i * H + h] === 0) continue;
    let fits = true;
    for (let k = 0; k < hard && fits; k++) fits = (weight[i * K + k] ?? 0) <= (room[h * K + k] ?? 0);
    if (fits) return true;
  }
  return false;
}

function arraysOf(sketch: Sketch, homebodies: ReadonlyMap<number, string>): Arrays {
  const { problem, dimensions, kept, options } = sketch;
  const { H } = problem;
  const K = dimensions.length;
  const movable = (v: number): boolean => {
    const vm = problem.vms[v];
    if (vm === undefined || homebodies.has(v) || kept[problem.home[v] ?? -1]?.mute) return false;
    return dimensions.every(({ weight }) => weight(vm) !== null);
  };
  const members = bundlesOf(problem, options.affinityTags ?? [], movable);
  const I = members.length;
  const home = Int32Array.from(members, ([v = 0]) => problem.home[v] ?? 0);
  const weight = new Float64Array(I * K);
  const cost = new Float64Array(I);
  members.forEach((bundle, i) => {
    for (const v of bundle) {
      cost[i] = (cost[i] ?? 0) + (problem.cost[v] ?? 0);
      dimensions.forEach((dimension, k) => {
        const vm = problem.vms[v];
        weight[i * K + k] = (weight[i * K + k] ?? 0) + (vm === undefined ? 0 : (dimension.weight(vm) ?? 0));
      });
    }
  });
  const itemsOf: number[][] = Array.from({ length: H }, () => []);
  home.forEach((h, i) => {
    itemsOf[h]?.push(i);
  });
  const start = new Float64Array(H * K);
  home.forEach((h, i) => {
    for (let k = 0; k < K; k++) start[h * K + k] = (start[h * K + k] ?? 0) + (weight[i * K + k] ?? 0);
  });
  const hard = dimensions.filter(({ balance }) => balance === null).length;
  const reasons = kept.map(({ reason }) => reason);
  for (const [v, reason] of homebodies) reasons[problem.home[v] ?? 0] ??= reason;
  const bare = roomsOf(problem, dimensions, kept, start);
  const over = Uint8Array.from(kept, (_, h) => (isOver(bare, start, h * K, hard) ? 1 : 0));
  const room = bare.map((most, pair) => Math.max(most, start[pair] ?? 0));
  return {
    H,
    I,
    K,
    hard,
    members,
    home,
    weight,
    cost,
    over,
    open: openPairs(problem, members, kept),
    itemsOf,
    room,
    bare,
    start,
    kept: reasons,
  };
}

function roomsOf(
  { hosts, H }: Problem,
  dimensions: readonly Dimension[],
  kept: readonly Kept[],
  start: Float64Array,
): Float64Array {
  const K = dimensions.length;
  const room = new Float64Array(H * K);
  hosts.forEach((host, h) => {
    dimensions.forEach(({ used, allowed }, k) => {
      const own = start[h * K + k] ?? 0;
      const most = (allowed(host) ?? 0) - (used(host) ?? 0) + own;
      room[h * K + k] = kept[h]?.mute ? own : most;
    });
  });
  return room;
}

function isOver(bare: Float64Array, start: Float64Array, from: number, hard: number): boolean {
  for (let pair = from; pair < from + hard; pair++) {
    const most = bare[pair] ?? 0;
    if ((start[pair] ?? 0) > most + slackOf(most)) return true;
  }
  return false;
}

function openPairs(
  problem: Problem,
  members: readonly (readonly number[])[],
  kept: readonly Kept[],
): Uint8Array {
  const { H, shut, free } = problem;
  const open = new Uint8Array(members.length * H);
  for (let h = 0; h < H; h++) {
    if (kept[h]?.mute || free[h] === Number.NEGATIVE_INFINITY) continue;
    members.forEach((bundle, i) => {
      open[i * H + h] = bundle.every((v) => shut.length === 0 || shut[v * H + h] === 0) ? 1 : 0;
    });
  }
  return open;
}

/**
 * The rooms when the hosts `off` are gone: a balance rule allows its threshold above the least that the mean of those that
 * stay can be when they have taken in everything.
 */
export function roomsWithout(
  packing: Packing,
  off: Uint8Array,
  floors: PackingOptions["floors"],
): Float64Array {
  const { hard, K } = packing;
  if (hard === K) return packing.room;
  const room = packing.room.slice();
  for (let k = hard; k < K; k++) limitBalance(packing, k, off, floors, room);
  return room;
}

function limitBalance(
  { problem, dimensions, H, K, start }: Packing,
  k: number,
  off: Uint8Array,
  floors: PackingOptions["floors"],
  room: Float64Array,
): void {
  const dimension = dimensions[k];
  const balance = dimension?.balance;
  if (dimension === undefined || balance === null || balance === undefined) return;
  const { rule, place } = balance;
  const term = termsOf(rule)[place];
  if (term === undefined) return;
  let [sum, counted, arriving, largest] = [0, 0, 0, 1];
  problem.hosts.forEach((host, h) => {
    const value = termValue(host, term);
    if (off[h] === 1) arriving += start[h * K + k] ?? 0;
    else if (value !== null) {
      sum += value;
      counted++;
      largest = Math.max(largest, termCapacity(host, term) ?? 1);
    }
  });
  const mean = (sum + arriving / largest) / Math.max(1, counted);
  const most = Math.max(termLimit(term, mean), floors?.(rule, place) ?? Number.NEGATIVE_INFINITY);
  for (let h = 0; h < H; h++) {
    const host = problem.hosts[h];
    if (host === undefined || off[h] === 1) continue;
    const own = start[h * K + k] ?? 0;
    const allowed = most * (termCapacity(host, term) ?? 1) - (dimension.used(host) ?? 0) + own;
    room[h * K + k] = Math.max(own, allowed);
  }
}

/** What rounding may add to a sum without breaking a limit. */
export function slackOf(value: number): number {
  return 0.1 * rounding(value);
}
