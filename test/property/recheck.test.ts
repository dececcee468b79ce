/** Laws of judging saved moves again: what is accepted is sound on the pool as it is, what is refused is not. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { Move, PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { recheck } from "../../src/planner/steps/recheck.ts";
import { generate, type Kind } from "../support/plan/pools.ts";
import { type Checks, replay } from "../support/plan/verify.ts";
import { someOf } from "../support/runs.ts";

const options: PlanOptions = {
  maxMoves: 1000,
  headroomBytes: 64 * 1024 * 1024,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  rounds: 30,
};
const checks: Checks = { headroomBytes: options.headroomBytes, steps: true };
const runs = { numRuns: someOf(250), seed: 20_261_126 };

const kinds: fc.Arbitrary<Kind> = fc.record({
  name: fc.constant("random"),
  hosts: fc.integer({ min: 2, max: 8 }),
  vms: fc.integer({ min: 2, max: 60 }),
  unequal: fc.boolean(),
  fill: fc.constantFrom(0.6, 0.85, 0.95),
  rules: fc.integer({ min: 1, max: 4 }),
  strict: fc.constantFrom(0.1, 0.4, 0.9),
  hard: fc.boolean(),
});
const pools = fc
  .tuple(kinds, fc.integer({ min: 1, max: 1_000_000 }))
  .map(([kind, seed]) => generate(kind, seed));

const planned = (moves: readonly Move[]) =>
  moves.map(({ vm, source, destination, purpose }) => ({
    vm,
    source,
    destination,
    parked: purpose === "waits elsewhere",
  }));

/** The pool some time later: hosts with other loads and other memory. */
function later(snapshot: Snapshot, change: readonly number[]): Snapshot {
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host, h) => {
      const factor = 1 + (change[h % change.length] ?? 0) / 100;
      return {
        ...host,
        cpuAverage: (host.cpuAverage ?? 0) * factor,
        pifEth0RxKb: (host.pifEth0RxKb ?? 0) * factor,
        placementFreeBytes: Math.round((host.placementFreeBytes ?? 0) * factor),
      };
    }),
  };
}

describe("moves that are judged again", () => {
  it("are accepted, move for move, in the pool that they were planned for", () => {
    fc.assert(
      fc.property(pools, fc.constantFrom(1, 0.8), ({ snapshot, rules }, targetFraction) => {
        const plan = planMigrations(snapshot, rules, { ...options, targetFraction });
        const found = recheck(snapshot, rules, planned(plan.moves), { ...options, targetFraction });
        if (!("moves" in found)) throw new Error(`move ${found.index}: ${found.reason}`);
        expect(planned(found.moves)).toEqual(planned(plan.moves));
        expect(found.after).toEqual(plan.after);
        expect(found.certificate.costBytes).toBe(plan.certificate.costBytes);
      }),
      runs,
    );
  });

  it("in a pool that has changed are accepted only when every step is sound there; all before the one that is named are", () => {
    fc.assert(
      fc.property(pools, fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 1 }), (pool, change) => {
        const { moves } = planMigrations(pool.snapshot, pool.rules, options);
        const changed = later(pool.snapshot, change);
        const found = recheck(changed, pool.rules, planned(moves), options);
        if ("moves" in found) {
          const { faults, created } = replay(changed, pool.rules, found.moves, checks);
          expect(faults.filter((fault) => !fault.endsWith("ends worse than it began"))).toEqual([]);
          expect(created).toBe(0);
          return;
        }
        expect(found.reason).not.toBe("");
        const before = replay(changed, pool.rules, moves.slice(0, found.index), checks);
        expect(before.faults.filter((fault) => !fault.endsWith("ends worse than it began"))).toEqual([]);
      }),
      runs,
    );
  });
});
