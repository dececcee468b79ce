/** Laws of EXPLAIN over random pools: it never contradicts the plan, and it always answers. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { type ExplainContext, explainHost, explainVm } from "../../src/explain/explain.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { Names } from "../../src/text/names.ts";
import { pools, ruleSets } from "../support/randomPools.ts";
import { someOf } from "../support/runs.ts";

const runs = { seed: 20_120_612, numRuns: someOf(300), endOnFailure: true } as const;

function assessmentOf(snapshot: Snapshot, rules: readonly Rule[], maxMoves: number) {
  // How good the plan is does not matter here.
  const options = { maxMoves, headroomBytes: 0, bannedVms: new Map(), bannedPairs: new Map(), budgetMs: 20 };
  const plan = planMigrations(snapshot, rules, options);
  const bans = { vms: new Map(), hosts: new Map(), failing: new Map(), pairs: new Map() };
  return {
    snapshot,
    plan,
    bans,
    gate: null,
    suppressed: () => null,
    names: new Names(snapshot),
  } satisfies ExplainContext;
}

const limits = fc.constantFrom(1, 2, 100);

describe("over any pool", () => {
  it("a VM moves exactly where the plan moves it, and every other one stays for a reason", () => {
    fc.assert(
      fc.property(pools, ruleSets, limits, (snapshot, rules, maxMoves) => {
        const assessment = assessmentOf(snapshot, rules, maxMoves);
        for (const vm of snapshot.vms) {
          const { verdict, answer, moves } = explainVm(assessment, vm);
          const planned = assessment.plan.moves.filter((move) => move.vm === vm.uuid);
          expect(moves).toEqual(planned);
          expect(verdict).toBe(planned.length > 0 ? "moves" : "stays");
          expect(answer).toMatch(/ (moves to .+, because .+|stays( on .+)?: .+)$/);
        }
      }),
      runs,
    );
  });

  it("a host breaks a rule exactly where the plan's figures say so, and its moves are the plan's", () => {
    fc.assert(
      fc.property(pools, ruleSets, limits, (snapshot, rules, maxMoves) => {
        const assessment = assessmentOf(snapshot, rules, maxMoves);
        for (const host of snapshot.hosts) {
          const { verdict, figures, moves } = explainHost(assessment, host);
          const verdicts = assessment.plan.before.map(({ verdicts: all }) =>
            all.find(({ hostUuid }) => hostUuid === host.uuid),
          );
          expect(figures.map(({ broken }) => broken)).toEqual(verdicts.map((each) => each?.broken ?? false));
          const isAbsent = assessment.plan.absent.some((each) => each.host === host.uuid);
          const isBroken = verdicts.some((each) => each?.broken);
          expect(verdict).toBe(isAbsent ? "absent" : isBroken ? "breaks" : "keeps");
          const own = assessment.plan.moves.filter(
            ({ source, destination }) => source === host.uuid || destination === host.uuid,
          );
          expect(moves).toEqual(own);
        }
      }),
      runs,
    );
  });

  it("a movable VM that stays on a host which stays broken is told what stands in the way", () => {
    fc.assert(
      fc.property(pools, ruleSets, (snapshot, rules) => {
        const assessment = assessmentOf(snapshot, rules, 100);
        for (const { host, refusals } of assessment.plan.unresolved) {
          for (const { vmUuid } of snapshot.placements.filter(({ hostUuid }) => hostUuid === host)) {
            const vm = snapshot.vms.find(({ uuid }) => uuid === vmUuid);
            if (vm === undefined) throw new Error("a placement without its VM");
            // One that only waits elsewhere for a while moves, and is explained so.
            if (assessment.plan.moves.some((move) => move.vm === vmUuid)) continue;
            const told = explainVm(assessment, vm).refusals;
            const reasons = refusals.filter((each) => each.vm === vmUuid).map(({ reason }) => reason);
            for (const reason of reasons) expect(told.map((each) => each.reason)).toContain(reason);
          }
        }
      }),
      runs,
    );
  });
});
