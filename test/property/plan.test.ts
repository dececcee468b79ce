/** Laws of the planner over random pools: equal and unequal hosts, several rules, bars, tight memory. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Evaluation, evaluate, rounding, takesPart } from "../../src/deviation.ts";
import { applyMove, pairKey } from "../../src/planning/moves.ts";
import { type Plan, type PlanOptions, planMigrations } from "../../src/planning/plan.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../src/pool.ts";
import type { Rule } from "../../src/rule.ts";
import { uuid } from "../support/fixtures.ts";
import { mebibyte, pools, ruleSets } from "../support/randomPools.ts";

const runs = { seed: 20_120_612, numRuns: 400 } as const;
const optionSets: fc.Arbitrary<PlanOptions> = fc
  .record({
    maxMoves: fc.constantFrom(1, 2, 50),
    headroomMb: fc.constantFrom(0, 64, 512),
    banned: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }),
  })
  .map(({ maxMoves, headroomMb, banned }) => ({
    maxMoves,
    headroomBytes: headroomMb * mebibyte,
    bannedVms: new Map(banned.map((host) => [uuid(100 * host), "cool-down"])),
    bannedPairs: new Map(banned.map((host) => [pairKey(uuid(100 * host + 1), uuid(1)), "tried"])),
  }));

function everyPool(law: (snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions) => void): void {
  fc.assert(fc.property(pools, ruleSets, optionSets, law), runs);
}

/** The states of the pool before each move and after the last. */
function statesOf(snapshot: Snapshot, { moves }: Plan): Snapshot[] {
  const states = [snapshot];
  for (const { vm, source, destination } of moves) {
    states.push(applyMove(states.at(-1) as Snapshot, vm, source, destination));
  }
  return states;
}

/** How far each host is over each rule; 0 where it keeps it. */
function excesses(state: Snapshot, rules: readonly Rule[]): Map<string, { over: number; slack: number }> {
  return new Map(
    rules.flatMap((rule) =>
      evaluate(state.hosts, rule).verdicts.map(({ hostUuid, value, deviation, broken }) => [
        `${rule.subject} ${hostUuid}`,
        { over: broken ? deviation - rule.threshold : 0, slack: 3 * rounding(value) },
      ]),
    ),
  );
}

function hasBroken(evaluations: readonly Evaluation[]): boolean {
  return evaluations.some(({ verdicts }) => verdicts.some(({ broken }) => broken));
}

describe("every plan", () => {
  it("moves something in a good part of these pools, so that the laws below say something", () => {
    const counts = fc
      .sample(fc.tuple(pools, ruleSets, optionSets), runs)
      .map(([...input]) => planMigrations(...input).moves.length);
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(runs.numRuns / 5);
    expect(counts.filter((count) => count > 2).length).toBeGreaterThan(10);
  });

  it("is empty where no rule is broken, and only there without a refusal or a VM", () => {
    everyPool((snapshot, rules, options) => {
      const plan = planMigrations(snapshot, rules, options);
      if (!hasBroken(plan.before)) {
        expect(plan).toMatchObject({ moves: [], unresolved: [], limited: false });
      }
      for (const { host, refusals } of plan.unresolved) {
        const vms = snapshot.placements.filter(({ hostUuid }) => hostUuid === host);
        if (vms.length > plan.moves.length) expect(refusals.length).toBeGreaterThan(0);
      }
      // What is still broken at the end is either named or beyond the limit of moves.
      if (!plan.limited) {
        const named = plan.unresolved.map(({ host, rule }) => `${rule.subject} ${host}`);
        for (const { rule, verdicts } of plan.after) {
          for (const { hostUuid, broken } of verdicts)
            if (broken) expect(named).toContain(`${rule.subject} ${hostUuid}`);
        }
      }
    });
  });

  it("fits at every step: memory with headroom, bars, bans, and hosts that take part", () => {
    everyPool((snapshot, rules, options) => {
      const plan = planMigrations(snapshot, rules, options);
      const states = statesOf(snapshot, plan);
      const barred = new Set(snapshot.bars.map((bar) => pairKey(bar.vmUuid, bar.hostUuid)));
      for (const [index, move] of plan.moves.entries()) {
        const state = states[index] as Snapshot;
        const [source, destination] = [move.source, move.destination].map(
          (id) => state.hosts.find(({ uuid }) => uuid === id) as Host,
        );
        const vm = state.vms.find((each) => each.uuid === move.vm) as Vm;
        expect(state.placements).toContainEqual({ hostUuid: move.source, vmUuid: move.vm });
        expect(source && destination && takesPart(source) && takesPart(destination)).toBe(true);
        expect(destination?.placementFreeBytes).toBeGreaterThanOrEqual(
          (vm.placementBytes ?? Number.NaN) + options.headroomBytes,
        );
        const pair = pairKey(move.vm, move.destination);
        expect(barred.has(pair) || options.bannedPairs.has(pair) || options.bannedVms.has(move.vm)).toBe(
          false,
        );
        expect({ dom0: vm.isControlDomain, state: vm.powerState, why: vm.immovable }).toEqual({
          dom0: false,
          state: "Running",
          why: null,
        });
      }
    });
  });

  it("breaks no rule newly and makes none worse, at any step, and takes something off the host it helps", () => {
    everyPool((snapshot, rules, options) => {
      const plan = planMigrations(snapshot, rules, options);
      const states = statesOf(snapshot, plan).map((state) => excesses(state, rules));
      for (const [index, move] of plan.moves.entries()) {
        const [before, after] = [states[index], states[index + 1]];
        for (const [key, { over, slack }] of after ?? []) {
          expect(over, `${key} after move ${index}`).toBeLessThanOrEqual(
            (before?.get(key)?.over ?? 0) + slack,
          );
        }
        const key = `${move.rule.subject} ${move.source}`;
        expect(after?.get(key)?.over).toBeLessThan(before?.get(key)?.over ?? 0);
      }
    });
  });

  it("never moves a VM twice, keeps its limit, and says what it predicts", () => {
    everyPool((snapshot, rules, options) => {
      const plan = planMigrations(snapshot, rules, options);
      expect(new Set(plan.moves.map(({ vm }) => vm)).size).toBe(plan.moves.length);
      expect(plan.moves.length).toBeLessThanOrEqual(options.maxMoves);
      if (plan.limited) expect(plan.moves).toHaveLength(options.maxMoves);
      const last = statesOf(snapshot, plan).at(-1) as Snapshot;
      expect(plan.after).toEqual(rules.map((rule) => evaluate(last.hosts, rule)));
    });
  });

  it("never uses a measure that is unknown", () => {
    everyPool((snapshot, rules, options) => {
      for (const move of planMigrations(snapshot, rules, options).moves) {
        const vm = snapshot.vms.find(({ uuid }) => uuid === move.vm);
        const host = snapshot.hosts.find(({ uuid }) => uuid === move.destination);
        for (const { subject } of rules) {
          if (subject === "CpuAverage") expect([vm?.vcpuAverage, host?.cpuAverage]).not.toContain(null);
          if (subject === "PifEth0RxKb") expect(vm?.vif0RxKb).not.toBeNull();
          if (subject === "PifEth0TxKb") expect(vm?.vif0TxKb).not.toBeNull();
        }
      }
    });
  });
});

describe("planning again", () => {
  it("the same input gives the same plan, in whatever order hosts, VMs and bars come", () => {
    everyPool((snapshot, rules, options) => {
      const plan = planMigrations(snapshot, rules, options);
      expect(planMigrations(snapshot, rules, options)).toEqual(plan);
      const shuffled: Snapshot = {
        ...snapshot,
        vms: snapshot.vms.toReversed(),
        placements: snapshot.placements.toReversed(),
        bars: snapshot.bars.toReversed(),
      };
      expect(planMigrations(shuffled, rules, options).moves).toEqual(plan.moves);
    });
  });

  it("after the first moves, with the moved VMs banned, gives the rest of the plan", () => {
    everyPool((snapshot, rules, options) => {
      const plan = planMigrations(snapshot, rules, options);
      const states = statesOf(snapshot, plan);
      const banned = new Map<Uuid, string>(options.bannedVms);
      for (const [index, { vm }] of plan.moves.entries()) {
        banned.set(vm, "moved");
        const rest = planMigrations(states[index + 1] as Snapshot, rules, {
          ...options,
          maxMoves: options.maxMoves - index - 1,
          bannedVms: banned,
        });
        expect(rest.moves).toEqual(plan.moves.slice(index + 1));
      }
    });
  });

  it("after the whole plan gives nothing, unless it was limited or left something unresolved", () => {
    everyPool((snapshot, rules, options) => {
      const plan = planMigrations(snapshot, rules, options);
      const again = planMigrations(statesOf(snapshot, plan).at(-1) as Snapshot, rules, options);
      if (!plan.limited && plan.unresolved.length === 0) expect(again.moves).toEqual([]);
    });
  });
});
