/** Laws of rules on VcpuCount over seeded random pools: what they say depends on places and sizes, never on load. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withDerived } from "../../src/domain/derived.ts";
import { subjectValue } from "../../src/domain/deviation.ts";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { Plan, PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { hostsAfter } from "../../src/planner/tell/outcome.ts";
import { generate, type Kind } from "../support/plan/pools.ts";
import { rule } from "../support/rules.ts";
import { someOf } from "../support/runs.ts";

const options: PlanOptions = {
  maxMoves: 1000,
  headroomBytes: 64 * 1024 * 1024,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  rounds: 60,
};
const runs = { numRuns: someOf(200), seed: 20_261_129 };

const kinds: fc.Arbitrary<Kind> = fc.record({
  name: fc.constant("random"),
  hosts: fc.integer({ min: 2, max: 9 }),
  vms: fc.integer({ min: 4, max: 60 }),
  unequal: fc.boolean(),
  fill: fc.constantFrom(0.6, 0.85),
  rules: fc.constant(1),
  strict: fc.constant(0.4),
  hard: fc.boolean(),
});

interface Draw {
  readonly snapshot: Snapshot;
  readonly threshold: number;
}

const draws: fc.Arbitrary<Draw> = fc
  .tuple(kinds, fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 5, max: 150 }))
  .map(([kind, seed, threshold]) => ({ snapshot: generate(kind, seed).snapshot, threshold }));

function planFor({ snapshot, threshold }: Draw): Plan {
  return planMigrations(snapshot, [rule(`VcpuCount > ${threshold}`)], options);
}

/** Counted here anew: vCPUs of the guests of each host, in percent of its CPUs, where each VM ends. */
function countedAfter({ hosts, vms, placements }: Snapshot, { moves }: Plan): number[] {
  const at = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  for (const { vm, destination } of moves) at.set(vm, destination);
  return hosts.map(({ uuid, cpuNum }) => {
    const guests = vms.filter((vm) => !vm.isControlDomain && at.get(vm.uuid) === uuid);
    return (100 * guests.reduce((sum, { vcpuNum }) => sum + (vcpuNum ?? 0), 0)) / (cpuNum ?? 1);
  });
}

/** The pool as if all loads were other ones. */
function withOtherLoads(snapshot: Snapshot, percent: number): Snapshot {
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => ({ ...host, cpuAverage: percent, pifEth0RxKb: percent })),
    vms: snapshot.vms.map((vm) => ({ ...vm, vcpuAverage: percent, vif0RxKb: percent, vif0TxKb: null })),
  };
}

describe("plans by VcpuCount", () => {
  it("promise values that are counted again after the moves, and leave no host above that was not", () => {
    let [moved, cured] = [0, 0];
    fc.assert(
      fc.property(draws, (draw) => {
        const plan = planFor(draw);
        const counted = countedAfter(draw.snapshot, plan);
        const promised = hostsAfter(withDerived(draw.snapshot), plan.moves);
        promised.forEach((host, h) => {
          expect(subjectValue(host, "VcpuCount")).toBeCloseTo(counted[h] ?? Number.NaN, 6);
        });
        const above = (values: readonly number[]) => {
          const limit = values.reduce((sum, each) => sum + each, 0) / values.length + draw.threshold;
          return values.filter((value) => value > limit + 1e-3).length;
        };
        const before = countedAfter(draw.snapshot, { ...plan, moves: [] });
        expect(above(counted)).toBe(plan.unresolved.length);
        expect(above(counted)).toBeLessThanOrEqual(above(before));
        moved += plan.moves.length;
        cured += above(before) - above(counted);
      }),
      runs,
    );
    expect(moved).toBeGreaterThan(someOf(100));
    expect(cured).toBeGreaterThan(someOf(50));
  });

  it("are the same whatever the VMs do, and where nothing of it was measured", () => {
    const bare = ({ snapshot, threshold }: Draw) =>
      planFor({ snapshot, threshold }).moves.map(({ vm, source, destination }) => [vm, source, destination]);
    fc.assert(
      fc.property(draws, fc.integer({ min: 0, max: 100 }), (draw, percent) => {
        expect(bare({ ...draw, snapshot: withOtherLoads(draw.snapshot, percent) })).toEqual(bare(draw));
        const unmeasured = draw.snapshot.vms.map((vm) => ({ ...vm, vcpuAverage: null, vif0RxKb: null }));
        expect(bare({ ...draw, snapshot: { ...draw.snapshot, vms: unmeasured } })).toEqual(bare(draw));
      }),
      { ...runs, numRuns: someOf(100) },
    );
  });
});
