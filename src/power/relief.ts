/**
 * Moves that bring hosts which are past a limit, or near it, back under it, into hosts that have room. Pure.
 *
 * Only where a host is past a limit do VMs leave a host that stays on: consolidation never moves them.
 */

import type { Snapshot, Uuid } from "../domain/pool.ts";
import { Cover } from "../planner/search/cover.ts";
import { Random } from "../planner/search/random.ts";
import { Work } from "../planner/search/work.ts";
import { Filler } from "./fill.ts";
import { greenDefaults, type PackingOptions } from "./options.ts";
import { type Packing, roomsWithout, toPacking } from "./packing.ts";
import { type Drain, drainTo } from "./plan.ts";
import type { GreenGoal } from "./rule.ts";

const coverNodes = 2000;

/** The relief of one host: as a drain, but of the cheapest VMs that suffice; `whole` where they do and all found places. */
export interface Relief extends Drain {
  readonly whole: boolean;
}

/** Relieves the hosts until they are filled to `options.fillFraction`; others are never filled further than that. */
export function planRelief(
  pool: Snapshot,
  rule: GreenGoal,
  options: PackingOptions,
  over: ReadonlySet<Uuid>,
): readonly Relief[] {
  const packing = toPacking(pool, rule, options);
  const { hosts, H } = packing.problem;
  const work = new Work(options.budgetMs ?? greenDefaults.budgetMs);
  const filler = new Filler(packing, work);
  const none = new Uint8Array(H);
  const receives = Uint8Array.from(hosts, ({ uuid }) => (over.has(uuid) ? 0 : 1));
  filler.reset(roomsWithout(packing, none, options.floors), receives);
  const random = new Random(options.seed ?? greenDefaults.seed);
  return hosts.flatMap(({ uuid }, h): Relief[] => {
    if (!over.has(uuid)) return [];
    const set = cheapestSet(packing, h, work);
    const placed = (set ?? []).filter((i) => filler.fill([i], "roomy", random, 0));
    const whole = set !== null && placed.length === set.length;
    return [{ ...drainTo(packing, filler.at, options, h), whole }];
  });
}

/** Items whose going brings the host back under what it may hold, least to copy first; null where nothing does. */
function cheapestSet(packing: Packing, h: number, work: Work): readonly number[] | null {
  const { K, hard, bare, start, itemsOf, weight, cost } = packing;
  const over = Array.from({ length: hard }, (_, k) => (start[h * K + k] ?? 0) - (bare[h * K + k] ?? 0));
  const needs = over.flatMap((need, k) => (need > 0 ? [{ k, need }] : []));
  const items = itemsOf[h] ?? [];
  if (needs.length === 0) return [];
  const cover = new Cover(work);
  cover.reserve(items.length, needs.length);
  items.forEach((i, at) => {
    cover.cost[at] = cost[i] ?? 0;
    needs.forEach(({ k, need }, j) => {
      cover.gain[at * needs.length + j] = (weight[i * K + k] ?? 0) / need;
    });
  });
  if (!Number.isFinite(cover.solve(coverNodes))) return null;
  return items.filter((_, at) => cover.chosen[at] === 1);
}
