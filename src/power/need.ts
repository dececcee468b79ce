/** What hosts that are on lack to hold the load with the spare hosts not counted, and who is woken for it. Pure. */
import type { Host, Snapshot } from "../domain/pool.ts";
import { withoutLargest } from "./bound.ts";
import type { PackingOptions } from "./options.ts";
import { type Packing, slackOf, toPacking } from "./packing.ts";
import type { GreenGoal } from "./rule.ts";
import { withHosts } from "./states.ts";

/** A dimension in which what is on does not suffice. */
export interface Lack {
  readonly dimension: string;
  /** What is needed as a part of what is there, the spare hosts not counted; above 1. */
  readonly part: number;
}

/** How much the load is expected to rise, in absolute units by dimension; default not at all. */
export type Rise = (dimension: string) => number;

/** The dimensions that lack room when hosts are filled to `fraction` of their limits, the scarcest first. */
export function lacksOf(
  snapshot: Snapshot,
  rule: GreenGoal,
  options: PackingOptions,
  fraction: number,
  rise: Rise = () => 0,
): readonly Lack[] {
  const packing = toPacking(snapshot, rule, { ...options, fillFraction: fraction });
  return packing.dimensions
    .slice(0, packing.hard)
    .flatMap(({ name }, k) => lackOf(packing, k, name, rise(name)))
    .sort((a, b) => b.part - a.part);
}

function lackOf({ H, K, bare, start, spares }: Packing, k: number, dimension: string, rise: number): Lack[] {
  const rooms = Array.from({ length: H }, (_, h) => Math.max(0, bare[h * K + k] ?? 0));
  let needed = rise;
  for (let h = 0; h < H; h++) needed += start[h * K + k] ?? 0;
  const there = withoutLargest(rooms, spares);
  if (needed <= there + slackOf(needed)) return [];
  return [{ dimension, part: there > 0 ? needed / there : Number.POSITIVE_INFINITY }];
}

/**
 * The fewest of `sleepers` (in the order in which they are preferred) that end the lack, at most `most`: the largest
 * first, and last the first that suffices.
 */
export function wakersOf(
  snapshot: Snapshot,
  rule: GreenGoal,
  options: PackingOptions,
  fraction: number,
  rise: Rise,
  sleepers: readonly Host[],
  most: number,
): readonly Host[] {
  const chosen: Host[] = [];
  const rest = [...sleepers];
  const suffices = (hosts: readonly Host[]) =>
    lacksOf(withHosts(snapshot, hosts), rule, options, fraction, rise).length === 0;
  while (rest.length > 0 && chosen.length < most) {
    const last = rest.find((host) => suffices([...chosen, host]));
    const next = last ?? rest.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a));
    chosen.push(next);
    if (last !== undefined) break;
    rest.splice(rest.indexOf(next), 1);
  }
  return chosen;
}

export function sizeOf({ cpuNum, memoryTotalMb }: Host): number {
  return (cpuNum ?? 0) * (memoryTotalMb ?? 0);
}
