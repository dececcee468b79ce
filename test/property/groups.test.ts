/** Laws of anti-affinity groups, also of those that have more members than the pool has hosts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Snapshot, Vm } from "../../src/domain/pool.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { generate, type Kind } from "../support/plan/pools.ts";
import { single } from "../support/rules.ts";
import { someOf, timeoutFor } from "../support/runs.ts";

const kind: Kind = {
  name: "groups",
  hosts: 4,
  vms: 30,
  unequal: false,
  fill: 0.7,
  rules: 2,
  strict: 0.1,
  hard: false,
};

/** Pools in which a third of the VMs, or all of them, are in one of few groups. */
const crowdedPools = fc
  .record({
    hosts: fc.integer({ min: 2, max: 6 }),
    vms: fc.integer({ min: 6, max: 40 }),
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    groups: fc.integer({ min: 1, max: 3 }),
    every: fc.constantFrom(1, 3),
  })
  .map(({ hosts, vms, seed, groups, every }) => {
    const { snapshot, rules } = generate({ ...kind, hosts, vms }, seed);
    const grouped = (vm: Vm, v: number): Vm =>
      v % every === 0 ? { ...vm, antiAffinityGroups: [`group ${v % groups}`] } : vm;
    return { snapshot: { ...snapshot, vms: snapshot.vms.map(grouped) }, rules: rules.map(single) };
  });

/** Pairs of members of one group that share a host, group by group. */
function pairsOf(snapshot: Snapshot, at: ReadonlyMap<string, string>): Map<string, number> {
  const members = new Map<string, number>();
  const pairs = new Map<string, number>();
  for (const { uuid, antiAffinityGroups } of snapshot.vms) {
    for (const group of antiAffinityGroups) {
      const place = `${group} on ${at.get(uuid)}`;
      const there = members.get(place) ?? 0;
      members.set(place, there + 1);
      pairs.set(group, (pairs.get(group) ?? 0) + there);
    }
  }
  return pairs;
}

describe("over pools with groups of any size", () => {
  it(
    "no step puts more pairs of a group on one host than there were before it",
    () => {
      let moves = 0;
      fc.assert(
        fc.property(crowdedPools, ({ snapshot, rules }) => {
          const options = { maxMoves: 1000, headroomBytes: 0, bannedVms: new Map(), bannedPairs: new Map() };
          const plan = planMigrations(snapshot, rules, { ...options, rounds: 10 });
          const at = new Map<string, string>(snapshot.placements.map((each) => [each.vmUuid, each.hostUuid]));
          let before = pairsOf(snapshot, at);
          for (const { vm, destination } of plan.moves) {
            at.set(vm, destination);
            const after = pairsOf(snapshot, at);
            for (const [group, pairs] of after) expect(pairs).toBeLessThanOrEqual(before.get(group) ?? 0);
            before = after;
            moves++;
          }
        }),
        { numRuns: someOf(1000), seed: 20_261_129 },
      );
      // A law of nothing would hold, too.
      expect(moves).toBeGreaterThan(someOf(300));
    },
    timeoutFor(120_000),
  );
});
