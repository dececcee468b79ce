/** The pure rules of carrying plans out: states, costs, cooldowns, suspicion. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bansOf } from "../../src/decide/cooldown.ts";
import { suspicionOf, withoutSuspects } from "../../src/decide/suspicion.ts";
import {
  isFailure,
  isOpen,
  type Migration,
  type MigrationState,
  transition,
} from "../../src/domain/migration.ts";
import { CostBook, limitSeconds } from "../../src/domain/migrationCost.ts";
import type { Host, Snapshot } from "../../src/domain/pool.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const states: readonly MigrationState[] = [
  "planned",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "lost",
  "overtaken",
  "refused",
];

describe("the states of a migration", () => {
  it("go from planned to running to one end, and nowhere from there", () => {
    const allowed = states.flatMap((from) =>
      states.filter((to) => follows(from, to)).map((to) => [from, to]),
    );
    expect(allowed.every(([from]) => isOpen(from as MigrationState))).toBe(true);
    expect(allowed).toContainEqual(["planned", "refused"]);
    expect(allowed).not.toContainEqual(["running", "refused"]);
    expect(allowed).not.toContainEqual(["running", "planned"]);
    expect(states.filter(isFailure)).toEqual(["failed", "cancelled", "lost"]);
  });

  function follows(from: MigrationState, to: MigrationState): boolean {
    try {
      return transition(from, to) === to;
    } catch {
      return false;
    }
  }
});

describe("the cost of a migration", () => {
  const [a, b, c] = [uuid(1), uuid(2), uuid(3)];
  const gib = 2 ** 30;

  it("is assumed at first, then the pool's median, and the pair's own once it has three", () => {
    expect(new CostBook([]).of(a, b)).toMatchObject({ bytesPerSecond: 125_000_000, samples: 0 });
    const sample = (seconds: number, destination = b) => ({
      source: a,
      destination,
      memoryBytes: gib,
      seconds,
    });
    const book = new CostBook([sample(10), sample(20), sample(40), sample(100, c)]);
    expect(book.of(a, b)).toMatchObject({ samples: 3, bytesPerSecond: gib / 20 });
    expect(book.of(a, c)).toBe(book.pool);
    expect(book.seconds(a, b, null)).toBeNull();
    expect(book.seconds(a, b, 2 * gib)).toBe(40);
  });

  it("never has a dirty factor below 1, nor a rate that is no positive number", () => {
    const samples = fc.array(
      fc.record({
        source: fc.constantFrom(a, b),
        destination: fc.constant(c),
        memoryBytes: fc.integer({ min: 0, max: 2 ** 40 }),
        seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(samples, (each) => {
        const book = new CostBook(each.filter(({ seconds }) => seconds === 0 || seconds > 1e-3));
        for (const cost of [book.of(a, c), book.of(b, c), book.pool]) {
          expect(cost.bytesPerSecond).toBeGreaterThan(0);
          expect(cost.dirtyFactor).toBeGreaterThanOrEqual(1);
        }
      }),
    );
  });

  it("limits the time to three times what is expected, 4 minutes at least, and the setting at most", () => {
    expect([limitSeconds(10, 3600), limitSeconds(100, 3600), limitSeconds(5000, 3600)]).toEqual([
      240, 300, 3600,
    ]);
    expect([limitSeconds(null, 3600), limitSeconds(10, 60)]).toEqual([3600, 60]);
  });
});

describe("a VM rests", () => {
  const host = aHost({ uuid: uuid(1) });
  const vm = aVm({ uuid: uuid(11) });
  const snapshot = aSnapshot([
    [host, [vm]],
    [aHost({ uuid: uuid(2) }), []],
  ]);
  const options = { vmCooldownMinutes: 60, failedVmMinutes: 30, maxMovesPerHost: 10, excludeTags: [] };
  const row = (state: MigrationState, minutesAgo: number): Migration => ({
    id: "",
    runId: "",
    vm: vm.uuid,
    source: uuid(2),
    destination: host.uuid,
    rule: null,
    cause: "rules",
    reason: "",
    collectionId: 1,
    state,
    plannedAt: new Date(0),
    submittedAt: null,
    finishedAt: isOpen(state) ? null : new Date(0),
    taskRef: null,
    memoryBytes: null,
    seconds: null,
    error: "X",
    failure: null,
    collectionsAtEnd: 1,
    plannedSecondsAgo: minutesAgo * 60,
    finishedSecondsAgo: isOpen(state) ? null : minutesAgo * 60,
  });
  const reason = (...rows: Migration[]) => bansOf(snapshot, [], rows, options).vms.get(vm.uuid) ?? null;

  it("after a move, up to the cool-down and no longer", () => {
    expect(reason(row("succeeded", 59))).toMatch(/it was moved 59 min ago and rests 60 min/);
    expect(reason(row("succeeded", 60))).toBeNull();
    expect(reason(row("refused", 1), row("overtaken", 1))).toBeNull();
    expect(reason(row("running", 1))).toMatch(/not closed yet/);
  });

  it("after failures, twice as long each time, a day at most; a success forgets them", () => {
    const failures = (count: number, last: number) =>
      reason(...Array.from({ length: count }, (_, n) => row("failed", last + count - 1 - n)));
    expect([failures(1, 29), failures(1, 30)]).toEqual([expect.stringMatching(/rests 30 min/), null]);
    expect([failures(3, 119), failures(3, 120)]).toEqual([expect.stringMatching(/3 times .*120 min/), null]);
    expect(failures(12, 1439)).toMatch(/rests 1440 min/);
    expect(reason(row("failed", 200), row("succeeded", 150), row("failed", 40))).toBeNull();
  });

  it("on an excluded host as well, with who said so; and the host receives nothing", () => {
    const excluded = [{ kind: "HOST", uuid: host.uuid, by: "ann", reason: "old" }] as const;
    const bans = bansOf(snapshot, excluded, [], options);
    expect(bans.vms.get(vm.uuid)).toBe("its host is excluded by ann: old");
    expect(bans.hosts.get(host.uuid)).toBe("it is excluded by ann: old");
  });
});

describe("suspicion", () => {
  const figure = fc.oneof(fc.constant(null), fc.double(), fc.integer({ min: -5, max: 200 }));
  const odd = fc.record({ cpuNum: figure, cpuAverage: figure, memoryTotalMb: figure, memoryFreeMb: figure });

  it("leaves no impossible figure among the hosts that take part, whatever was stored", () => {
    fc.assert(
      fc.property(fc.array(odd, { minLength: 1, maxLength: 6 }), (figures) => {
        const hosts = figures.map((each, n): Host => ({ ...aHost({ uuid: uuid(n + 1) }), ...each }));
        const snapshot: Snapshot = { ...aSnapshot([]), hosts };
        const suspicion = suspicionOf(snapshot, new Map(), new Map());
        const clean = withoutSuspects(snapshot, suspicion);
        for (const host of clean.hosts.filter(({ read }) => read)) {
          expect(host.cpuNum).toBeGreaterThan(0);
          if (host.cpuAverage !== null) expect(Math.abs(host.cpuAverage - 50)).toBeLessThanOrEqual(50.5);
          if (host.memoryTotalMb !== null) expect(host.memoryTotalMb).toBeGreaterThan(0);
        }
        const suspects = clean.hosts.filter(({ read }) => !read).length;
        expect(suspicion.pool !== null).toBe(suspects > hosts.length / 3);
      }),
    );
  });

  it("of a host begins with 5 guests and half of them, of the pool with 3 guests and a fifth", () => {
    const snapshot = aSnapshot([1, 2, 3, 4].map((n) => [aHost({ uuid: uuid(n), cpuAverage: 10 }), []]));
    const assess = (now: number, before: number) =>
      suspicionOf(
        snapshot,
        new Map([
          [uuid(1), now],
          [uuid(2), 40],
        ]),
        new Map([
          [uuid(1), before],
          [uuid(2), 40],
        ]),
      );
    expect(assess(4, 9).hosts.size).toBe(1);
    expect(assess(5, 9).hosts.size).toBe(0);
    expect(assess(5, 10).hosts.size).toBe(0);
    expect(assess(6, 1).hosts.size).toBe(1);
    expect(assess(88, 100).pool).toBeNull();
    expect(assess(60, 100).pool).toMatchObject({ limit: "20 % fewer" });
  });

  it("F28: of a host begins where every figure stood still in three samples while another host's went on", () => {
    const at = (n: number, load: number, fields: Partial<Host> = {}) =>
      aHost({ uuid: uuid(n), cpuAverage: load, dom0LoadAvg: 0.3, ...fields });
    const pool = (...hosts: Host[]) => aSnapshot(hosts.map((host) => [host, []]));
    const assess = (newest: Snapshot, ...earlier: Snapshot[]) => [
      ...suspicionOf(newest, new Map(), new Map(), earlier).hosts.keys(),
    ];
    const moving = (load: number) => pool(at(1, 20), at(2, load), at(3, load + 1), at(4, load + 2));
    expect(assess(moving(1), moving(2), moving(3))).toEqual([uuid(1)]);
    expect(assess(moving(1), moving(2))).toEqual([]);
    expect(assess(moving(1), moving(2), pool(at(1, 20.001), at(2, 3)))).toEqual([]);
    // Where nothing moves anywhere, or the control domain rests, nothing can be said.
    expect(assess(moving(1), moving(1), moving(1))).toEqual([]);
    const idle = (load: number) => pool(at(1, 20, { dom0LoadAvg: 0 }), at(2, load));
    expect(assess(idle(1), idle(2), idle(3))).toEqual([]);
  });
});
