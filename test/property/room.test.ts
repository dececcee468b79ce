/** Laws of making room over seeded random pools; tiny pools are compared with trying everything. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Host, Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { planRoom, type RoomPlan } from "../../src/planner/room/room.ts";
import { allAssignments, type Reached } from "../support/bruteForce.ts";
import { aVm, uuid } from "../support/fixtures.ts";
import { generate, type Kind, type Pool } from "../support/plan/pools.ts";
import { type Checks, replay } from "../support/plan/verify.ts";
import { someOf } from "../support/runs.ts";

const mebibyte = 1024 * 1024;
const options: PlanOptions = {
  maxMoves: 0,
  headroomBytes: 64 * mebibyte,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  rounds: 40,
};
const checks: Checks = { headroomBytes: options.headroomBytes, steps: true };
const runs = { numRuns: someOf(100), seed: 20_261_129 };

interface Case extends Pool {
  readonly vm: Vm;
}

const kinds: fc.Arbitrary<Kind> = fc.record({
  name: fc.constant("random"),
  hosts: fc.integer({ min: 1, max: 9 }),
  vms: fc.integer({ min: 0, max: 60 }),
  unequal: fc.boolean(),
  fill: fc.constantFrom(0.5, 0.7, 0.85),
  rules: fc.constantFrom(0, 0, 1, 2, 4),
  strict: fc.constantFrom(0.4, 2, 5),
  hard: fc.boolean(),
});
const seeds = fc.integer({ min: 1, max: 1_000_000 });

/** A halted VM that needs more than the host with most memory has free, by a part of what is in use. */
function withVm(pool: Pool, part: number, barred: number): Case {
  const { snapshot } = pool;
  const free = snapshot.hosts.map(({ placementFreeBytes }) => placementFreeBytes ?? 0);
  const largest = Math.max(0, ...snapshot.vms.map(({ placementBytes }) => placementBytes ?? 0));
  const vm = aVm({
    uuid: uuid(999_999),
    powerState: "Halted",
    placementBytes: Math.round((Math.max(0, ...free) + part * largest) / mebibyte) * mebibyte,
  });
  const infeasible = snapshot.hosts
    .filter((_, h) => barred % 4 === 3 && h === barred % snapshot.hosts.length)
    .map(({ uuid: hostUuid }) => ({ vmUuid: vm.uuid, hostUuid, reason: "VM_REQUIRES_SR (local)" }));
  return {
    ...pool,
    vm,
    snapshot: {
      ...snapshot,
      vms: [...snapshot.vms, vm],
      infeasiblePairs: [...snapshot.infeasiblePairs, ...infeasible],
    },
  };
}

/** Mostly a little too large for what is free. */
const parts = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0.01, max: 0.6, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: -0.5, max: 0, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: 0.6, max: 2, noNaN: true }) },
);
const cases: fc.Arbitrary<Case> = fc
  .tuple(kinds, seeds, parts, fc.nat(40))
  .map(([kind, seed, part, barred]) => withVm(generate(kind, seed), part, barred));
const tinyCases: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 2, max: 3 }), fc.integer({ min: 1, max: 6 }), kinds, seeds, parts, fc.nat(40))
  .map(([hosts, vms, kind, seed, part, barred]) =>
    // Where hosts differ in size the planner keeps to the lower of two means, trying everything to the mean of the moment.
    withVm(generate({ ...kind, hosts, vms, unequal: false }, seed), part, barred),
  );

function planFor({ snapshot, rules, vm }: Case): RoomPlan {
  return planRoom(snapshot, rules, vm, options);
}

/** Bytes that xapi would give on the host with the VMs where they are. */
function freeOn(host: Host, snapshot: Snapshot, at: ReadonlyMap<Uuid, Uuid>): number {
  const before = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  let free = host.placementFreeBytes ?? 0;
  for (const { uuid: vm, placementBytes } of snapshot.vms) {
    if (before.get(vm) === host.uuid) free += placementBytes ?? 0;
    if (at.get(vm) === host.uuid) free -= placementBytes ?? 0;
  }
  return free;
}

/** The hosts on which the VM can start when the others are where `at` has them. */
function startable({ snapshot, vm }: Case, at: ReadonlyMap<Uuid, Uuid>): Uuid[] {
  const closed = new Set(
    snapshot.infeasiblePairs.filter(({ vmUuid }) => vmUuid === vm.uuid).map(({ hostUuid }) => hostUuid),
  );
  return snapshot.hosts
    .filter((host) => !closed.has(host.uuid) && freeOn(host, snapshot, at) >= (vm.placementBytes ?? 0))
    .map((host) => host.uuid);
}

function atStart({ snapshot }: Case): Map<Uuid, Uuid> {
  return new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
}

function atEnd(each: Case, { moves }: RoomPlan): Map<Uuid, Uuid> {
  const at = atStart(each);
  for (const { vm, destination } of moves) at.set(vm, destination);
  return at;
}

const cost = ({ snapshot }: Case, { moves }: RoomPlan) => {
  const copies = new Map(snapshot.vms.map(({ uuid: vm, copyBytes }) => [vm, copyBytes ?? 0]));
  return moves.reduce((sum, { vm }) => sum + (copies.get(vm) ?? 0), 0);
};

describe("laws of making room", () => {
  it("each step is possible when those before it are done, breaks no rule and none worse, and after the last the VM can start on the target and not before", () => {
    let made = 0;
    fc.assert(
      fc.property(cases, (each) => {
        const plan = planFor(each);
        const { faults } = replay(each.snapshot, each.rules, plan.moves, checks);
        expect(faults).toEqual([]);
        const [before, after] = [startable(each, atStart(each)), startable(each, atEnd(each, plan))];
        if (plan.target === null) expect(plan.moves).toEqual([]);
        else expect(after).toContain(plan.target);
        expect(plan.ranking.places.map(({ host }) => host).sort()).toEqual(after.sort());
        if (plan.moves.length > 0) {
          made++;
          expect(before).toEqual([]);
        }
        if (before.length > 0) expect(plan.moves).toEqual([]);
      }),
      { ...runs, numRuns: 100 },
    );
    expect(made).toBeGreaterThan(15);
  });

  it("no move can be left out, and costs are those of its certificate, whose bound is not above them", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const plan = planFor(each);
        const { costBytes, boundBytes, kind } = plan.certificate;
        expect(costBytes).toBe(cost(each, plan));
        expect(boundBytes).toBeLessThanOrEqual(costBytes);
        if (plan.target !== null && plan.moves.length > 0) {
          expect(kind === "optimal").toBe(plan.proved);
          for (const vm of new Set(plan.moves.map((move) => move.vm))) {
            const fewer = plan.moves.filter((move) => move.vm !== vm);
            const possible = replay(each.snapshot, each.rules, fewer, checks).faults.length === 0;
            const at = atEnd(each, { ...plan, moves: fewer });
            expect(possible && startable(each, at).length > 0).toBe(false);
          }
        }
      }),
      { ...runs, numRuns: someOf(60) },
    );
  });

  it("every move makes room for the VM or for one that does, and names what for; every empty plan says why", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { moves, target, obstacles } = planFor(each);
        for (const { purpose, reason } of moves) {
          expect(["makes room", "waits elsewhere", "goes on"]).toContain(purpose);
          expect(reason.length).toBeGreaterThan(10);
        }
        if (target === null) {
          expect(obstacles.map(({ host }) => host).sort()).toEqual(
            each.snapshot.hosts.map(({ uuid: host }) => host).sort(),
          );
        } else expect(obstacles).toEqual([]);
      }),
      { ...runs, numRuns: someOf(60) },
    );
  });

  it("the same input gives the same plan, in whatever order its lists come", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { hosts, vms, placements, infeasiblePairs } = each.snapshot;
        const turned = {
          ...each.snapshot,
          hosts: hosts.toReversed(),
          vms: vms.toReversed(),
          placements: placements.toReversed(),
          infeasiblePairs: infeasiblePairs.toReversed(),
        };
        expect(planRoom(turned, each.rules, each.vm, options)).toEqual(planFor(each));
      }),
      { ...runs, numRuns: 30 },
    );
  });
});

describe("against trying everything, in tiny pools", () => {
  it("room is made where that can be, by copying the least that can be, and what is called proved is", () => {
    let [compared, impossible] = [0, 0];
    fc.assert(
      fc.property(tinyCases, (each) => {
        const plan = planFor(each);
        const reached = allAssignments(each, checks);
        const rooms = reached.filter((state: Reached) => startable(each, state.at).length > 0);
        const least = Math.min(...rooms.map((state) => state.cost));
        if (plan.target === null) {
          impossible++;
          expect(rooms).toEqual([]);
          expect(plan.proved).toBe(true);
          return;
        }
        expect(plan.proved).toBe(true);
        expect(cost(each, plan)).toBe(least);
        if (plan.moves.length > 0) compared++;
      }),
      { ...runs, numRuns: 150 },
    );
    expect(compared).toBeGreaterThan(15);
    expect(impossible).toBeGreaterThan(15);
  });
});
