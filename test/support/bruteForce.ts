/** Every state of a tiny pool that migrations can reach, by trying them all: slow and without any cleverness. */
import type { Uuid } from "../../src/domain/pool.ts";
import type { Pool } from "./plan/pools.ts";
import { type Checks, type PlainMove, replay } from "./plan/verify.ts";

export interface Reached {
  /** Broken pairs as "host subject". */
  readonly broken: ReadonlySet<string>;
  readonly left: number;
  /** Least bytes copied on any way there. */
  readonly cost: number;
  /** The host of each VM. */
  readonly at: ReadonlyMap<Uuid, Uuid>;
  /** False where stopping here would leave a pair worse than it was, or a new one broken. */
  readonly sound: boolean;
}

interface Place {
  readonly moves: readonly PlainMove[];
  readonly at: string;
  readonly costMb: number;
}

const mebibyte = 1024 * 1024;

/**
 * All states that sound steps reach from the start, cheapest way first. No step may rely on a mean that others raised: what
 * is broken counts above the lower of the means at the start and at the step, as plans have it.
 */
export function allAssignments({ snapshot, rules }: Pool, checks: Checks): Reached[] {
  const start = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const text = (at: ReadonlyMap<string, string>) => [...at.values()].join();
  const open: Place[] = [{ moves: [], at: text(start), costMb: 0 }];
  const closed = new Set<string>();
  const atStart = new Set(replay(snapshot, rules, [], checks).brokenAtEnd);
  const reached: Reached[] = [];
  while (open.length > 0) {
    open.sort((a, b) => b.costMb - a.costMb);
    const place = open.pop();
    if (place === undefined || closed.has(place.at)) continue;
    closed.add(place.at);
    const verdict = replay(snapshot, rules, place.moves, checks);
    const now = new Map(start);
    for (const { vm, destination } of place.moves) now.set(vm, destination);
    reached.push({
      at: now,
      broken: new Set(verdict.brokenAtEnd),
      left: verdict.brokenAtEnd.length,
      cost: Math.round(verdict.copyMb * mebibyte),
      sound: verdict.faults.length === 0 && verdict.brokenAtEnd.every((pair) => atStart.has(pair)),
    });
    for (const [vm, source] of now) {
      for (const { uuid: destination } of snapshot.hosts) {
        if (destination === source) continue;
        const at = text(new Map(now).set(vm, destination));
        if (closed.has(at)) continue;
        const moves = [...place.moves, { vm, source, destination }];
        const next = replay(snapshot, rules, moves, checks);
        const isAllowed =
          next.brokenAtEnd.every((pair) => atStart.has(pair)) && next.raisedAtEnd.length === 0;
        if (isAllowed && next.faults.every((fault) => fault.endsWith("ends worse than it began"))) {
          open.push({ moves, at, costMb: next.copyMb });
        }
      }
    }
  }
  return reached;
}

/** Fewest pairs left, then least cost, among the states where a plan may end. */
export function bestOf(reached: readonly Reached[]): { left: number; cost: number } {
  let best = { left: Number.POSITIVE_INFINITY, cost: 0 };
  for (const { left, cost, sound } of reached) {
    if (sound && (left < best.left || (left === best.left && cost < best.cost))) best = { left, cost };
  }
  return best;
}
