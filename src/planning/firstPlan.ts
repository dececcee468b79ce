/** The plan that a run begins with: the planner, asked with the settings and with what is banned. Pure. */
import type { Bans } from "../cooldown.ts";
import type { Snapshot } from "../pool.ts";
import type { Rule } from "../rule.ts";
import type { ControlSettings } from "../settings.ts";
import { pairKey } from "./moves.ts";
import { type Plan, planMigrations } from "./plan.ts";

/** The plan for `snapshot` under the settings, without what is banned. */
export function firstPlan(
  snapshot: Snapshot,
  rules: readonly Rule[],
  settings: ControlSettings,
  bans: Bans,
): Plan {
  return planMigrations(snapshot, rules, {
    maxMoves: settings.maxMovesPerRun,
    headroomBytes: settings.headroomBytes,
    bannedVms: bans.vms,
    bannedPairs: pairsOf(snapshot, bans),
  });
}

/** Hosts that receive nothing, as pairs with every VM that could move. */
export function pairsOf(snapshot: Snapshot, { hosts }: Bans): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const [host, reason] of hosts) {
    for (const { vmUuid } of snapshot.placements) pairs.set(pairKey(vmUuid, host), reason);
  }
  return pairs;
}
