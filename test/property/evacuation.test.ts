/** Laws of evacuations over seeded random pools; tiny pools are compared with trying everything. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Snapshot, Uuid } from "../../src/domain/pool.ts";
import { type Evacuation, planEvacuation } from "../../src/planner/evacuate/evacuate.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { Emptying, endings, faultsOf, harmedPairs } from "../support/evacuations.ts";
import { generate, type Kind, type Pool } from "../support/plan/pools.ts";
import { pools as roughPools, ruleSets } from "../support/randomPools.ts";
import { single } from "../support/rules.ts";
import { someOf } from "../support/runs.ts";

const options: PlanOptions = {
  maxMoves: 0,
  headroomBytes: 64 * 1024 * 1024,
  bannedVms: new Map(),
  bannedPairs: new Map(),
};
const runs = { numRuns: someOf(250), seed: 20_261_125 };

interface Case extends Pool {
  readonly host: Uuid;
  readonly options: PlanOptions;
}

/** A host to empty, and some VMs and pairs that are banned. */
function withHost(pool: Pool, draw: number, nth: number): Case {
  const { hosts, vms } = pool.snapshot;
  const bannedVms = new Map(vms.filter((_, v) => v % nth === 3).map(({ uuid }) => [uuid, "it is excluded"]));
  const spared = hosts[(draw + 1) % hosts.length]?.uuid;
  const bannedPairs = new Map(
    draw % 3 === 0 ? vms.map(({ uuid }) => [`${uuid}>${spared}`, "it is excluded"]) : [],
  );
  return {
    ...pool,
    host: hosts[draw % hosts.length]?.uuid as Uuid,
    options: { ...options, bannedVms, bannedPairs },
  };
}

const kinds: fc.Arbitrary<Kind> = fc.record({
  name: fc.constant("random"),
  hosts: fc.integer({ min: 1, max: 9 }),
  vms: fc.integer({ min: 0, max: 70 }),
  unequal: fc.boolean(),
  fill: fc.constantFrom(0.6, 0.85, 0.95),
  rules: fc.integer({ min: 0, max: 4 }),
  strict: fc.constantFrom(0.1, 0.4, 0.9),
  hard: fc.boolean(),
});
const seeds = fc.integer({ min: 1, max: 1_000_000 });
const cases: fc.Arbitrary<Case> = fc
  .tuple(
    fc.oneof(
      fc.tuple(kinds, seeds).map(([kind, seed]) => generate(kind, seed)),
      fc.tuple(roughPools, ruleSets).map(([snapshot, rules]) => ({ snapshot, rules })),
    ),
    fc.nat(20),
    fc.integer({ min: 4, max: 30 }),
  )
  .map(([pool, draw, nth]) => withHost(pool, draw, nth));
const tinyCases: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 2, max: 3 }), fc.integer({ min: 1, max: 6 }), kinds, seeds, fc.nat(20))
  .map(([hosts, vms, kind, seed, draw]) => withHost(generate({ ...kind, hosts, vms }, seed), draw, 30));

function planFor({ snapshot, rules, host, options }: Case): Evacuation {
  return planEvacuation(snapshot, rules, host, options);
}

describe("laws of every evacuation", () => {
  it("each step is possible when those before it are done, and nothing comes to the host", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const emptying = new Emptying(each.snapshot, each.host, each.options);
        expect(faultsOf(emptying, planFor(each).moves)).toEqual([]);
      }),
      runs,
    );
  });

  it("every VM that stays on the host is named with a reason, and no other VM stays", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { moves, stays } = planFor(each);
        const emptying = new Emptying(each.snapshot, each.host, each.options);
        for (const move of moves) emptying.make(move);
        expect(stays.map(({ vm }) => vm)).toEqual(emptying.remaining());
        for (const { reason } of stays) expect(reason).not.toBe("");
      }),
      runs,
    );
  });

  it("no VM stays that some host could take when all is done", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { moves, stays, host } = planFor(each);
        const emptying = new Emptying(each.snapshot, each.host, each.options);
        for (const move of moves) emptying.make(move);
        for (const { vm } of stays) {
          for (const destination of emptying.destinations) {
            expect(emptying.objection({ vm, source: host, destination })).not.toBeNull();
          }
        }
      }),
      runs,
    );
  });

  it("control domains, pinned and banned VMs do not move", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const vms = new Map(each.snapshot.vms.map((vm) => [vm.uuid, vm]));
        for (const { vm } of planFor(each).moves) {
          expect(vms.get(vm)).toMatchObject({
            isControlDomain: false,
            immovable: null,
            powerState: "Running",
          });
          expect(each.options.bannedVms.has(vm)).toBe(false);
        }
      }),
      runs,
    );
  });

  it("is the same for the same input, in whatever order its lists come", () => {
    fc.assert(
      fc.property(cases, fc.integer(), (each, salt) => {
        const plan = planFor(each);
        expect(planFor(each)).toEqual(plan);
        expect(planFor({ ...each, snapshot: shuffled(each.snapshot, salt) })).toEqual(plan);
      }),
      { ...runs, numRuns: someOf(80) },
    );
  });

  it("its cost is not below its bound: what goes from the host; more is copied only where others make room", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { moves, certificate, host } = planFor(each);
        const copies = new Map(each.snapshot.vms.map(({ uuid, copyBytes }) => [uuid, copyBytes ?? 0]));
        const going = new Set(moves.filter(({ source }) => source === host).map(({ vm }) => vm));
        expect(certificate.boundBytes).toBe([...going].reduce((sum, vm) => sum + (copies.get(vm) ?? 0), 0));
        expect(certificate.costBytes).toBeGreaterThanOrEqual(certificate.boundBytes);
        const only = moves.length === going.size;
        expect(certificate.costBytes === certificate.boundBytes).toBe(only);
        if (certificate.kind === "optimal") expect(only).toBe(true);
      }),
      runs,
    );
  });

  it("tells every rule that a host breaks, or breaks worse, when all is done, by the mean of the hosts that remain", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { moves, harms, after, host } = planFor(each);
        const emptying = new Emptying(each.snapshot, each.host, each.options);
        for (const move of moves) emptying.make(move);
        const told = harms
          .filter(({ kind }) => kind !== "unknown")
          .map((harm) => `${harm.host} ${single(harm.rule).subject}`);
        expect(told.sort()).toEqual(harmedPairs(each.snapshot, host, emptying.at, each.rules).sort());
        expect(after.flatMap(({ verdicts }) => verdicts).some(({ hostUuid }) => hostUuid === host)).toBe(
          false,
        );
      }),
      runs,
    );
  });

  it("is scheduled within two transfers a host, waits kept, and no faster than its bound", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { moves, seconds, secondsBound } = planFor(each);
        expect(seconds).toBeGreaterThanOrEqual(secondsBound - 1e-9);
        for (const { startSeconds, after } of moves) {
          for (const index of after) {
            const before = moves[index];
            expect((before?.startSeconds ?? 0) + (before?.seconds ?? 0)).toBeLessThanOrEqual(
              startSeconds + 1e-9,
            );
          }
          const running = moves.filter(
            (other) =>
              other.startSeconds <= startSeconds && other.startSeconds + other.seconds > startSeconds + 1e-9,
          );
          for (const { uuid } of each.snapshot.hosts) {
            const here = running.filter(({ source, destination }) => source === uuid || destination === uuid);
            expect(here.length).toBeLessThanOrEqual(2);
          }
        }
      }),
      { ...runs, numRuns: someOf(100) },
    );
  });
});

describe("against trying everything, in tiny pools", () => {
  it("no order of possible migrations leaves fewer VMs, and VMs of others move only where that leaves fewer", () => {
    fc.assert(
      fc.property(tinyCases, (each) => {
        const { moves, stays } = planFor(each);
        expect(stays.length).toBe(fewest(each, true));
        if (moves.some(({ source }) => source !== each.host)) {
          expect(stays.length).toBeLessThan(fewest(each, false));
        }
      }),
      { ...runs, numRuns: someOf(400) },
    );
  });

  it("a VM is called proved to stay only where no order of possible migrations gets it away", () => {
    fc.assert(
      fc.property(tinyCases, (each) => {
        const proved = planFor(each).stays.filter((stay) => stay.proved);
        if (proved.length === 0) return;
        for (const { at } of endings(each.snapshot, each.host, each.options, true)) {
          for (const { vm } of proved) expect(at.get(vm)).toBe(each.host);
        }
      }),
      { ...runs, numRuns: someOf(400) },
    );
  });

  it("harms no rule where as few VMs can be left without harm and without moving others", () => {
    fc.assert(
      fc.property(tinyCases, (each) => {
        const { stays, harms } = planFor(each);
        if (harms.length === 0 || stays.length < fewest(each, false)) return;
        for (const { at, remaining } of places(each)) {
          if (remaining > stays.length) continue;
          expect(harmedPairs(each.snapshot, each.host, at, each.rules).length).toBeGreaterThan(0);
        }
      }),
      { ...runs, numRuns: someOf(400) },
    );
  });
});

function fewest({ snapshot, host, options }: Case, others: boolean): number {
  let least = Number.POSITIVE_INFINITY;
  for (const ending of endings(snapshot, host, options, others)) {
    least = Math.min(least, ending.remaining().length);
  }
  return least;
}

function* places({ snapshot, host, options }: Case) {
  for (const ending of endings(snapshot, host, options, false)) {
    yield { at: ending.at, remaining: ending.remaining().length };
  }
}

/** The same pool with its lists in another order. */
function shuffled(snapshot: Snapshot, salt: number): Snapshot {
  const mix = <T>(list: readonly T[]): T[] =>
    list
      .map((each, index) => ({ each, key: Math.imul(index + 1, 2_654_435_761 ^ salt) >>> 0 }))
      .sort((a, b) => a.key - b.key)
      .map(({ each }) => each);
  return {
    ...snapshot,
    hosts: mix(snapshot.hosts),
    vms: mix(snapshot.vms),
    placements: mix(snapshot.placements),
    infeasiblePairs: mix(snapshot.infeasiblePairs),
  };
}
