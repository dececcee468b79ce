/** Serving VMs: the expected shortage, what VMs are expected to want, and the moves that are worth their bytes. */
import { describe, expect, it } from "vitest";
import { servingBin } from "../../src/decide/sampling.ts";
import { demandNow, demandsOf } from "../../src/decide/serving.ts";
import { maxMinShares } from "../../src/domain/fairShare.ts";
import type { Snapshot, Uuid } from "../../src/domain/pool.ts";
import type { Demand, PlanOptions } from "../../src/planner/plan.ts";
import { planServing, recheckServing } from "../../src/planner/serve/planServing.ts";
import { expectedShortage } from "../../src/planner/serve/shortage.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { freeOptions as options } from "../support/plan/options.ts";
import { servesCpu as rule } from "../support/rules.ts";

const gibibyte = 1024 ** 3;

describe("the expected shortage of a normal demand", () => {
  it.each([
    [8, 4, 10],
    [10, 4, 10],
    [14, 1, 10],
    [30, 9, 10],
    [2, 0.25, 10],
    [12, 0, 10],
    [9, 0, 10],
  ])("of mean %d and variance %d with %d CPUs is what adding it up gives", (mean, variance, capacity) => {
    expect(expectedShortage(mean, variance, capacity)).toBeCloseTo(summed(mean, variance, capacity), 4);
  });
});

/** E[(D - capacity)+] by the midpoints of 40,000 slices. */
function summed(mean: number, variance: number, capacity: number): number {
  if (variance === 0) return Math.max(0, mean - capacity);
  const deviation = Math.sqrt(variance);
  const width = (16 * deviation) / 40_000;
  let sum = 0;
  for (let n = 0; n < 40_000; n++) {
    const x = mean - 8 * deviation + (n + 0.5) * width;
    const density = Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));
    sum += Math.max(0, x - capacity) * density * width;
  }
  return sum;
}

describe("a full host's CPUs", () => {
  it.each([
    [10, [2, 3, 4], [2, 3, 4]],
    [9, [2, 3, 8], [2, 3, 4]],
    [6, [1, 8, 8], [1, 2.5, 2.5]],
    [0, [1, 2], [0, 0]],
  ])("%d are shared among those who want %j as %j", (capacity, demands, shares) => {
    expect(maxMinShares(capacity, demands)).toEqual(shares);
  });
});

describe("what a VM is expected to want", () => {
  const vm = { uuid: uuid(1), vcpuNum: 4, copyBytes: gibibyte };
  const host = aHost({ uuid: uuid(100), cpuNum: 8, cpuAverage: 50 });
  const seen = (vcpuAverage: number, cpuWait: number | null = null): Snapshot =>
    aSnapshot([[host, [aVm({ ...vm, vcpuAverage, cpuWait })]]]);
  const history = (values: readonly number[]) =>
    values.map((value, n) => ({
      snapshot: seen(value),
      collectionId: n,
      secondsBefore: (n + 1) * servingBin.seconds,
    }));

  it("is what it used and what it waited for, at most all its vCPUs", () => {
    expect(demandNow(aVm({ ...vm, vcpuAverage: 50, cpuWait: 25 }))).toBe(3);
    expect(demandNow(aVm({ ...vm, vcpuAverage: 80, cpuWait: 40 }))).toBe(4);
    expect(demandNow(aVm({ ...vm, vcpuAverage: 50, cpuWait: null }))).toBe(2);
    expect(demandNow(aVm({ ...vm, vcpuAverage: null }))).toBeNull();
  });

  it("is what it has, where that does not change", () => {
    const demand = demandsOf(seen(50), history(new Array(11).fill(50)));
    expect(demand.get(uuid(1))).toEqual({ means: [2], variance: 0 });
  });

  it("goes by the newest collection, and by the one before where that does not tell", () => {
    const minute = (value: number, secondsBefore: number) => ({
      snapshot: seen(value),
      collectionId: secondsBefore,
      secondsBefore,
    });
    const calm = [60, 120, 180, 240, 300, 600, 900].map((seconds) => minute(20, seconds));
    const begun = demandsOf(seen(100), calm).get(uuid(1));
    // The newest, 4, or what was before it, 0.8, and 0.35 of the way from there: as likely the one as the other.
    expect(begun?.means[0]).toBeCloseTo((4 + (0.8 + 0.35 * 3.2)) / 2, 6);
    // Both erred once by 3.2, in three values that followed another; and they are 2.08 apart.
    expect(begun?.variance).toBeCloseTo(3.2 ** 2 / 3 + (2.08 / 2) ** 2, 6);
    const unseen = aSnapshot([[host, [aVm({ ...vm, vcpuAverage: null })]]]);
    expect(demandsOf(unseen, calm).get(uuid(1))?.means[0]).toBeCloseTo(0.8, 6);
    expect(demandsOf(unseen, calm.slice(4)).has(uuid(1))).toBe(false);
  });

  it("follows a step the more the longer it has stayed, and the mean of one that goes to and fro", () => {
    const after = (fives: number) =>
      demandsOf(
        seen(100),
        history([...new Array<number>(fives).fill(100), ...new Array<number>(11 - fives).fill(20)]),
      ).get(uuid(1))?.means[0] ?? 0;
    expect(after(0)).toBeGreaterThan(2.5);
    for (let fives = 1; fives < 8; fives++) expect(after(fives)).toBeGreaterThan(after(fives - 1));
    expect(after(8)).toBeCloseTo(4, 1);
    const noise = demandsOf(seen(100), history([0, 100, 0, 100, 0, 100, 0, 100, 0, 100, 0])).get(uuid(1));
    expect(noise?.means[0]).toBeGreaterThan(1.5);
    expect(noise?.means[0]).toBeLessThan(2.6);
    expect(noise?.variance).toBeGreaterThan(3);
  });
});

/** Two hosts of 10 CPUs: the first with too much to do. */
function pool(vms: readonly { readonly cpus: number; readonly gb: number }[], there = 0) {
  const hosts = [0, 1].map((h) =>
    aHost({
      uuid: uuid(100 + h),
      name: `xen${h + 1}`,
      cpuNum: 10,
      cpuAverage: h === 0 ? 100 : there * 10,
      placementFreeBytes: 64 * gibibyte,
    }),
  );
  const [first, second] = hosts;
  if (first === undefined || second === undefined) throw new Error("no hosts");
  const guests = vms.map(({ gb }, v) =>
    aVm({
      uuid: uuid(v + 1),
      name: `vm${v + 1}`,
      vcpuNum: 10,
      vcpuAverage: 0,
      cpuWait: null,
      copyBytes: gb * gibibyte,
      placementBytes: gb * gibibyte,
    }),
  );
  const demands = new Map<Uuid, Demand>(
    vms.map(({ cpus }, v) => [uuid(v + 1), { means: [cpus], variance: 0 }]),
  );
  const idle = { ...first, cpuAverage: 0 };
  return {
    snapshot: aSnapshot([
      [idle, guests],
      [second, []],
    ]),
    demands,
  };
}

describe("a plan that serves, looked at again", () => {
  const { snapshot, demands } = pool([
    { cpus: 6, gb: 32 },
    { cpus: 4, gb: 4 },
    { cpus: 3, gb: 16 },
  ]);
  const serve = { rule, demands };
  const moved = { vm: uuid(2), source: uuid(100), destination: uuid(101), parked: false, serves: true };

  it("is the same plan while the pool is", () => {
    const plan = planServing(snapshot, [], { ...options, serve });
    const again = recheckServing(snapshot, [], [moved], { ...options, serve });
    if (!("moves" in again)) throw new Error(again.reason);
    expect(again.moves).toEqual(plan.moves);
    expect(again.serve).toEqual(plan.serve);
    expect(again.after).toEqual(plan.after);
  });

  it("is refused where a move has come to be worth too little, where nothing asks for it, and out of order", () => {
    const calm = new Map([...demands].map(([vm]) => [vm, { means: [3], variance: 0 }]));
    expect(recheckServing(snapshot, [], [moved], { ...options, serve: { rule, demands: calm } })).toEqual({
      index: 0,
      reason: "by now it saves 0 CPU-minutes for each GB that it counts for, and the rule wants more than 1",
    });
    expect(recheckServing(snapshot, [], [moved], options)).toEqual({
      index: 0,
      reason: "no rule that serves VMs acts now",
    });
    const other = { ...moved, vm: uuid(3), serves: false };
    expect(recheckServing(snapshot, [], [other, moved], { ...options, serve })).toMatchObject({ index: 1 });
    const back = { ...moved, source: uuid(101), destination: uuid(100) };
    expect(recheckServing(snapshot, [], [back], { ...options, serve })).toMatchObject({
      index: 0,
      reason: "it is on another host by then",
    });
  });
});

describe("moves that serve", () => {
  it("are none where hosts have what is wanted", () => {
    const { snapshot, demands } = pool([
      { cpus: 5, gb: 1 },
      { cpus: 4, gb: 1 },
    ]);
    const plan = planServing(snapshot, [], { ...options, serve: { rule, demands } });
    expect(plan.moves).toEqual([]);
    expect(plan.serve).toMatchObject({ before: 0, after: 0, hosts: [] });
  });

  it("take the VM that saves most for its bytes, and tell it", () => {
    const { snapshot, demands } = pool([
      { cpus: 6, gb: 32 },
      { cpus: 4, gb: 4 },
      { cpus: 3, gb: 16 },
    ]);
    const plan = planServing(snapshot, [], { ...options, serve: { rule, demands } });
    expect(plan.moves).toMatchObject([{ vm: uuid(2), rule: null, purpose: "serves" }]);
    expect(plan.serve?.before).toBeCloseTo(180, 6);
    expect(plan.serve?.after).toBeCloseTo(0, 6);
    const [move] = plan.moves;
    expect(move?.served?.savedMinutes).toBeGreaterThan(170);
    expect(move?.served?.savedMinutes).toBeLessThan(180);
    expect(move?.reason).toMatch(/moving it to xen2 saves about 17\d CPU-minutes in the next hour for 4 GB$/);
  });

  it("are not made where a gigabyte is not worth what the rule asks", () => {
    const { snapshot, demands } = pool([
      { cpus: 8, gb: 60 },
      { cpus: 2.5, gb: 60 },
    ]);
    const plan = planServing(snapshot, [], { ...options, serve: { rule, demands } });
    expect(plan.serve?.before).toBeCloseTo(30, 6);
    expect(plan.moves).toEqual([]);
    const cheap = { ...rule, worth: 0.1 };
    expect(planServing(snapshot, [], { ...options, serve: { rule: cheap, demands } }).moves).toHaveLength(1);
  });

  it("are not made for next to nothing, however small the VM is", () => {
    const { snapshot, demands } = pool([
      { cpus: 10, gb: 60 },
      { cpus: 0.08, gb: 0.25 },
    ]);
    const asked = (more: object) =>
      planServing(snapshot, [], { ...options, serve: { rule, demands, ...more } }).moves.map(({ vm }) => vm);
    expect(asked({})).toEqual([]);
    expect(asked({ overheadGigabytes: 0 })).toEqual([uuid(2)]);
  });

  it("prefer what relieves the host soon, where both save as much for a gigabyte", () => {
    const { snapshot, demands } = pool([
      { cpus: 6, gb: 5 },
      { cpus: 6, gb: 5 },
    ]);
    const slow = (vm: { readonly uuid: Uuid }) => (vm.uuid === uuid(1) ? 1200 : 30);
    const [move] = planServing(snapshot, [], { ...options, secondsOf: slow, serve: { rule, demands } }).moves;
    expect(move?.vm).toBe(uuid(2));
    const [late] = planServing(snapshot, [], {
      ...options,
      secondsOf: () => 900,
      serve: { rule, demands },
    }).moves;
    // 120 CPU-minutes are lacking, and three quarters of the hour are left then.
    expect(late?.served?.savedMinutes).toBeCloseTo(120 * 0.75 - 0.4 * 15, 0);
  });

  it("heed memory, bans and the limits of moves", () => {
    const { snapshot, demands } = pool([
      { cpus: 6, gb: 4 },
      { cpus: 6, gb: 4 },
    ]);
    const asked = (extra: Partial<PlanOptions>, from = snapshot) =>
      planServing(from, [], { ...options, ...extra, serve: { rule, demands } }).moves;
    expect(asked({})).toHaveLength(1);
    expect(asked({ maxMoves: 0 })).toEqual([]);
    expect(asked({ movesLeftOf: () => 0 })).toEqual([]);
    expect(asked({ headroomBytes: 62 * gibibyte })).toEqual([]);
    expect(asked({ bannedVms: new Map([[uuid(1), "rests"]]) }).map(({ vm }) => vm)).toEqual([uuid(2)]);
  });

  it("break no rule that balances, and what balances makes no VM wait", () => {
    const { snapshot, demands } = pool(
      [
        { cpus: 6, gb: 4 },
        { cpus: 6, gb: 4 },
      ],
      0,
    );
    // By what is measured the second host is the busier one: nothing may come to it.
    const hosts = snapshot.hosts.map((host, h) => ({ ...host, cpuAverage: h === 0 ? 10 : 60 }));
    const balance = [{ subject: "CpuAverage", threshold: 20 }] as const;
    const vms = snapshot.vms.map((vm) => ({ ...vm, vcpuAverage: 5 }));
    const plan = planServing({ ...snapshot, hosts, vms }, balance, { ...options, serve: { rule, demands } });
    expect(plan.moves).toEqual([]);
    expect(plan.unresolved).toHaveLength(1);
  });
});
