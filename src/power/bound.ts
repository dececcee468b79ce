/**
 * What no consolidation undercuts: so many hosts stay on, and so many bytes are copied to empty so many. Pure.
 *
 * Hosts: in each dimension the hosts that stay, the spare ones not counted, must hold all; the largest hold most. An
 * anti-affinity group needs as many hosts as hold its members. Bytes: who empties so many hosts copies at least what
 * the cheapest hold.
 */
import { type Packing, slackOf } from "./packing.ts";

export interface HostsBound {
  readonly hosts: number;
  /** What forces so many: a dimension, a group, hosts that cannot sleep, or the settings. */
  readonly reason: string;
}

/** The fewest hosts that any consolidation leaves on. */
export function hostsBound(packing: Packing): HostsBound {
  const { H, hard, dimensions, kept, minimum } = packing;
  const forced = kept.filter((reason) => reason !== null).length;
  let best: HostsBound = { hosts: Math.min(H, minimum), reason: "the fewest hosts that are to stay on" };
  const raise = (hosts: number, reason: string) => {
    if (hosts > best.hosts) best = { hosts: Math.min(H, hosts), reason };
  };
  raise(forced, "hosts that cannot sleep");
  for (let k = 0; k < hard; k++) raise(hostsForDimension(packing, k), dimensions[k]?.name ?? "");
  packing.problem.groups.names.forEach((name, g) => {
    raise(hostsForGroup(packing, g), `anti-affinity of ${name}`);
  });
  return best;
}

function hostsForDimension(packing: Packing, k: number): number {
  const { H, K, room, start, kept, spares } = packing;
  let needed = 0;
  for (let h = 0; h < H; h++) needed += start[h * K + k] ?? 0;
  const order = forcedFirst(kept, (h) => room[h * K + k] ?? 0);
  for (let n = spares + 1; n <= H; n++) {
    const rooms = order.slice(0, n).map((h) => room[h * K + k] ?? 0);
    if (withoutLargest(rooms, spares) + slackOf(needed) >= needed) return n;
  }
  return H;
}

/** Forced hosts, then the others from the largest to the smallest. */
function forcedFirst(kept: Packing["kept"], size: (h: number) => number): number[] {
  const rank = (h: number) => (kept[h] === null ? 1 : 0);
  return [...kept.keys()].sort((a, b) => rank(a) - rank(b) || size(b) - size(a) || a - b);
}

/** In each dimension: whether those that stay, but for the largest spares, have the room for all. */
export function sumsHold(packing: Packing, off: Uint8Array): boolean {
  for (let k = 0; k < packing.hard; k++) if (shortage(packing, off, k) > 0) return false;
  return true;
}

/** What is missing in the dimension when the spare hosts are not counted; 0 or less where nothing is. */
export function shortage({ H, K, room, start, spares }: Packing, off: Uint8Array, k: number): number {
  const rooms: number[] = [];
  let needed = 0;
  for (let h = 0; h < H; h++) {
    needed += start[h * K + k] ?? 0;
    if (off[h] === 0) rooms.push(room[h * K + k] ?? 0);
  }
  const missing = needed - withoutLargest(rooms, spares);
  return missing <= slackOf(needed) ? Math.min(0, missing) : missing;
}

/** The sum of all but the `spares` largest. */
export function withoutLargest(sizes: readonly number[], spares: number): number {
  const sorted = sizes.toSorted((a, b) => b - a);
  return sorted.slice(spares).reduce((sum, each) => sum + each, 0);
}

function hostsForGroup({ problem, H, kept }: Packing, g: number): number {
  const { count, limit } = problem.groups;
  let members = 0;
  for (let h = 0; h < H; h++) members += count[g * H + h] ?? 0;
  const order = forcedFirst(kept, (h) => limit[g * H + h] ?? 0);
  for (let n = 1; n <= H; n++) {
    const held = order.slice(0, n).reduce((sum, h) => sum + (limit[g * H + h] ?? 0), 0);
    if (held >= members) return n;
  }
  return H;
}

/** Bytes to copy to empty each host that may sleep, from the cheapest: [host, bytes]. */
export function pricesOf({ kept, itemsOf, cost }: Packing): [number, number][] {
  return [...kept.keys()]
    .filter((h) => kept[h] === null)
    .map((h): [number, number] => [h, (itemsOf[h] ?? []).reduce((sum, i) => sum + (cost[i] ?? 0), 0)])
    .sort(([a, priceA], [b, priceB]) => priceA - priceB || a - b);
}

/** The fewest bytes that any consolidation copies which empties `count` hosts. */
export function bytesBound(packing: Packing, count: number): number {
  const prices = pricesOf(packing);
  if (count <= 0) return 0;
  if (subsets(prices.length, count) <= mostSubsets) return cheapestSubset(packing, prices, count);
  let bound = cheapest(prices, count, () => 0);
  for (let k = 0; k < packing.hard; k++) bound = Math.max(bound, bytesWithin(packing, prices, count, k));
  return Math.max(0, Math.floor(bound * (1 + 1e-12)));
}

/** Sets that are tried through. */
const mostSubsets = 3000;

export function subsets(of: number, count: number): number {
  let number = 1;
  for (let i = 1; i <= count; i++) number = (number * (of - count + i)) / i;
  return number;
}

/** The cheapest hosts that the others have the room for, in each dimension alone: all sets are tried. */
function cheapestSubset(
  packing: Packing,
  prices: readonly (readonly [number, number])[],
  count: number,
): number {
  const off = new Uint8Array(packing.H);
  let best = Number.POSITIVE_INFINITY;
  const choose = (from: number, left: number, bytes: number): void => {
    if (bytes >= best) return;
    if (left === 0) {
      if (sumsHold(packing, off)) best = bytes;
      return;
    }
    for (let at = from; at <= prices.length - left; at++) {
      const [h, price] = prices[at] ?? [0, 0];
      off[h] = 1;
      choose(at + 1, left - 1, bytes + price);
      off[h] = 0;
    }
  };
  choose(0, count, 0);
  return Number.isFinite(best) ? best : 0;
}

function cheapest(
  prices: readonly (readonly [number, number])[],
  count: number,
  toll: (h: number) => number,
): number {
  const all = prices.map(([h, bytes]) => bytes + toll(h)).sort((a, b) => a - b);
  return all.slice(0, count).reduce((sum, each) => sum + each, 0);
}

/**
 * The same when the room that goes with the hosts may be no more than the others can miss: for every price that one puts on
 * room, the cheapest hosts with that toll, less the toll on all that can be missed, are a bound (Lagrange).
 */
function bytesWithin(
  packing: Packing,
  prices: readonly (readonly [number, number])[],
  count: number,
  k: number,
): number {
  const { H, K, room, start } = packing;
  const rooms = Array.from({ length: H }, (_, h) => room[h * K + k] ?? 0);
  let needed = 0;
  for (let h = 0; h < H; h++) needed += start[h * K + k] ?? 0;
  const all = rooms.reduce((sum, each) => sum + each, 0);
  const missable = all - sparesAtLeast(packing, rooms, count) - needed + slackOf(needed);
  const dearest = Math.max(1, ...prices.map(([, bytes]) => bytes));
  const unit = (dearest * H) / Math.max(1e-9, all);
  const at = (toll: number) => cheapest(prices, count, (h) => toll * (rooms[h] ?? 0)) - toll * missable;
  // Concave in the toll: a coarse walk finds the hill, thirds its top.
  let best = 0;
  for (let power = -8; power <= 8; power++) if (at(unit * 2 ** power) > at(best)) best = unit * 2 ** power;
  let [low, high] = [best / 2, best * 2];
  for (let step = 0; step < 20; step++) {
    const third = (high - low) / 3;
    if (at(low + third) < at(high - third)) low += third;
    else high -= third;
  }
  return Math.max(at(best), at((low + high) / 2));
}

/** Room that is with the spare hosts, whichever hosts stay. */
function sparesAtLeast({ H, spares, kept }: Packing, rooms: readonly number[], count: number): number {
  const smallest = rooms.toSorted((a, b) => a - b).slice(0, H - count);
  const forced = rooms.filter((_, h) => kept[h] !== null).sort((a, b) => b - a);
  const sum = (sizes: readonly number[]) => sizes.reduce((total, each) => total + Math.max(0, each), 0);
  return Math.max(sum(smallest.slice(-spares || smallest.length)), sum(forced.slice(0, spares)));
}
