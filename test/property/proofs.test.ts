/** What is proved before a search: no other way of looking clears what was given up. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGivenUp } from "../../src/explain/report.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { Random } from "../../src/planner/search/random.ts";
import { printRule } from "../../src/rules/print.ts";
import { allAssignments } from "../support/bruteForce.ts";
import { generate, type Kind } from "../support/plan/pools.ts";
import { settled, withNoise } from "../support/plan/repeated.ts";
import { replay } from "../support/plan/verify.ts";
import { someOf } from "../support/runs.ts";

const options: PlanOptions = {
  maxMoves: 1000,
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  rounds: 60,
};

const kinds = (hosts: number, vms: number): fc.Arbitrary<Kind> =>
  fc.record({
    name: fc.constant("random"),
    hosts: fc.integer({ min: 2, max: hosts }),
    vms: fc.integer({ min: 2, max: vms }),
    unequal: fc.boolean(),
    fill: fc.constantFrom(0.7, 0.85, 0.95),
    rules: fc.integer({ min: 1, max: 4 }),
    strict: fc.constantFrom(0.1, 0.4, 0.9),
    hard: fc.boolean(),
  });
const seeds = fc.integer({ min: 1, max: 1_000_000 });
const runs = (count: number) => ({ numRuns: someOf(count), seed: 20_261_130 });

describe("what is given up without a search", () => {
  it("is cleared in no state that possible steps reach, tried all", () => {
    let [given, proved] = [0, 0];
    fc.assert(
      fc.property(kinds(3, 6), seeds, fc.constantFrom(1, 0.8), (kind, seed, targetFraction) => {
        const pool = generate(kind, seed);
        const plan = planMigrations(pool.snapshot, pool.rules, { ...options, targetFraction });
        if (plan.unresolved.length === 0 || plan.searched) return;
        const reached = allAssignments(pool, { headroomBytes: 0, steps: true }).filter(({ sound }) => sound);
        for (const { host, rule, proved: isProved } of plan.unresolved) {
          if (!isProved) continue;
          proved++;
          const key = `${host} ${printRule(rule).split(" ")[0]}`;
          expect(reached.every(({ broken }) => broken.has(key))).toBe(true);
        }
        if (plan.unresolved.some(({ proof }) => proof === null)) return;
        given++;
        const { brokenAtEnd } = replay(pool.snapshot, pool.rules, plan.moves, {
          headroomBytes: 0,
          steps: true,
        });
        expect(brokenAtEnd.length).toBe(Math.min(...reached.map(({ left }) => left)));
      }),
      runs(400),
    );
    expect(given).toBeGreaterThan(30);
    expect(proved).toBeGreaterThan(30);
  });

  it("stays in every later picture that is given up: a whole search of that picture clears nothing either", () => {
    let [given, roomless] = [0, 0];
    fc.assert(
      fc.property(seeds, fc.constantFrom(0.02, 0.1), (seed, noise) => {
        const kind = {
          name: "",
          hosts: 6,
          vms: 60,
          unequal: true,
          fill: 0.93,
          rules: 3,
          strict: 0.2,
          hard: true,
        };
        const pool = settled(generate(kind, seed), options);
        if (pool === null) return;
        const random = new Random(seed);
        for (let picture = 0; picture < 3; picture++) {
          const { snapshot, rules } = withNoise(pool, noise, random);
          const plan = planMigrations(snapshot, rules, options);
          if (!isGivenUp(plan)) continue;
          given++;
          if (plan.unresolved.some(({ reason }) => reason.includes("no room"))) roomless++;
          const searched = planMigrations(snapshot, rules, { ...options, earlyProofs: false });
          expect(searched.moves).toEqual([]);
          expect(searched.unresolved.length).toBe(plan.unresolved.length);
          expect(plan.certificate).toMatchObject({ kind: "optimal", costBytes: 0 });
        }
      }),
      runs(120),
    );
    expect(given).toBeGreaterThan(10);
    expect(roomless).toBeGreaterThan(10);
  });
});
