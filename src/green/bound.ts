/**
 * What no gathering undercuts: so many hosts stay on, and so many bytes are copied to empty so many. Pure.
 *
 * Hosts: in each dimension the hosts that stay, the spare ones not counted, must hold all; the largest hold most. An
 * anti-affinity group needs as many hosts as hold its members. Bytes: who empties so many hosts copies at least what
 * the cheapest hold.
 */
import type { Packing } from "./packing.ts";
import { slackOf } from "./packing.ts";

export interface HostsBound {
  readonly hosts: number;
  /** What forces so many: a dimension, a group, hosts that cannot sleep, or the settings. */
  readonly reason: string;
}

/** The fewest hosts that any gathering leaves on. */
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

/** The fewest bytes that any gathering copies which empties `count` hosts. */
export function bytesBound(packing: Packing, count: number): number {
  return pricesOf(packing)
    .slice(0, count)
    .reduce((sum, [, bytes]) => sum + bytes, 0);
}
