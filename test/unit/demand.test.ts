/** What VMs want where their host is full: what tells of it, and what it comes to. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { demandNow } from "../../src/decide/serving.ts";
import { demandOf, lacksDemands, withLastUse, withMeasuredDemands } from "../../src/domain/demand.ts";
import { maxMinShares } from "../../src/domain/fairShare.ts";
import type { Snapshot, Vm } from "../../src/domain/pool.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const host = uuid(1);
const nothing = { waits: new Map(), hostloads: new Map() };

/** A host of 8 CPUs whose guests use so many of them, of 4 vCPUs each. */
function using(cpuAverage: number, ...cpus: readonly number[]): Snapshot {
  const vms = cpus.map((used, n) => aVm({ uuid: uuid(10 + n), vcpuNum: 4, vcpuAverage: (100 * used) / 4 }));
  return aSnapshot([[aHost({ uuid: host, cpuNum: 8, cpuAverage }), vms]]);
}

const wanted = ({ vms }: Snapshot) =>
  vms.map((vm) => {
    const demand = demandOf(vm);
    return demand === null ? null : [demandNow(vm), demand.source];
  });

describe("a VM's demand", () => {
  test("is what it used and waited for, where its run-states are recorded, full host or not", () => {
    const waits = new Map([
      [uuid(10), 25],
      [uuid(11), 0],
    ]);
    expect(wanted(withMeasuredDemands(using(60, 2, 1, 1), { ...nothing, waits }))).toEqual([
      [3, "run-states"],
      [1, "run-states"],
      [1, "measured"],
    ]);
  });

  test("shares what more vCPUs want to run than CPUs are used, among those that can be waiting", () => {
    const full = using(100, 3, 3, 1);
    const hostloads = new Map([[host, 9.5 / 8]]);
    // The small one gets all that it wants.
    expect(wanted(withMeasuredDemands(full, { ...nothing, hostloads }))).toEqual([
      [3.75, "hostload"],
      [3.75, "hostload"],
      [1, "measured"],
    ]);
    // Nobody wants more than all vCPUs; and whose run-states are known wants what they say.
    const waits = new Map([[uuid(10), 5]]);
    expect(
      wanted(withMeasuredDemands(full, { waits, hostloads: new Map([[host, 20 / 8]]) })).slice(0, 2),
    ).toEqual([
      [3.2, "run-states"],
      [4, "hostload"],
    ]);
  });

  test("is what it used on a host that is not full, whatever the count of one instant says", () => {
    const hostloads = new Map([[host, 1.5]]);
    expect(withMeasuredDemands(using(80, 3, 3), { ...nothing, hostloads })).toEqual(using(80, 3, 3));
  });

  test("else is what it last used while its host was not full, as long as the host stays full", () => {
    const full = using(100, 3, 3, 1);
    expect([lacksDemands(full), lacksDemands(using(94, 3, 3, 1))]).toEqual([true, false]);
    const once = withLastUse(full, using(90, 3.5, 2, 1.5));
    // The second uses more now, and the third uses so little that it gets what it wants.
    expect(wanted(once)).toEqual([
      [3.5, "last-use"],
      [3, "measured"],
      [1, "measured"],
    ]);
    expect(wanted(withLastUse(full, once))[0]).toEqual([3.5, "last-use"]);
    // On a full host of which nothing is known, what it used was its share.
    expect(withLastUse(full, using(99, 4, 2, 1.5))).toEqual(full);
  });

  test("is never less than what it used, nor more than its vCPUs, and all together is what the host tells", () => {
    const want = fc.array(fc.double({ min: 0.05, max: 4, noNaN: true }), { minLength: 3, maxLength: 12 });
    fc.assert(
      fc.property(want, (demands) => {
        const shares = maxMinShares(8, demands);
        const total = demands.reduce((sum, each) => sum + each, 0);
        const busy = (100 * shares.reduce((sum, each) => sum + each, 0)) / 8;
        const seen = withMeasuredDemands(using(busy, ...shares), {
          ...nothing,
          hostloads: new Map([[host, total / 8]]),
        });
        const found = seen.vms.map((vm: Vm) => demandNow(vm) ?? 0);
        found.forEach((cpus, n) => {
          expect(cpus).toBeGreaterThanOrEqual((shares[n] ?? 0) - 1e-9);
          expect(cpus).toBeLessThanOrEqual(4 + 1e-9);
        });
        if (busy < 95) return;
        // Two decimals of a percent of 4 vCPUs each.
        expect(found.reduce((sum, each) => sum + each, 0)).toBeCloseTo(total, 1);
      }),
    );
  });
});

describe("a VM that is to be placed", () => {
  const options: PlanOptions = {
    maxMoves: 10,
    headroomBytes: 0,
    bannedVms: new Map(),
    bannedPairs: new Map(),
    rounds: 50,
  };
  const gibibyte = 1024 ** 3;
  /** hot is full; its VMs use 2.5 of 10 CPUs each, and want more. */
  const snapshot = (wanted: number | null, there = 40): Snapshot =>
    aSnapshot([
      [
        aHost({ uuid: uuid(1), name: "hot", cpuNum: 10, cpuAverage: 100 }),
        [11, 12, 13, 14].map((n) =>
          aVm({
            uuid: uuid(n),
            vcpuNum: 10,
            vcpuAverage: 25,
            ...(wanted === null ? {} : { cpuDemand: wanted, demandFrom: "run-states" as const }),
            copyBytes: gibibyte,
            placementBytes: gibibyte,
          }),
        ),
      ],
      [
        aHost({
          uuid: uuid(2),
          name: "cool",
          cpuNum: 10,
          cpuAverage: there,
          placementFreeBytes: 64 * gibibyte,
        }),
        [],
      ],
    ]);
  const plan = (pool: Snapshot) => planMigrations(pool, [{ subject: "CpuAverage", threshold: 20 }], options);

  test("arrives with what it wants, and leaves with what it used", () => {
    // Mean 70, allowed 90: one goes, and cool has 65 by what is used, 85 by what is wanted.
    expect(plan(snapshot(null)).moves).toMatchObject([{ sourceAfter: 75, destinationAfter: 65 }]);
    const wanting = plan(snapshot(45));
    expect(wanting.moves).toMatchObject([{ sourceBefore: 100, sourceAfter: 75, destinationAfter: 85 }]);
    expect(wanting.after[0]?.verdicts.map(({ value }) => value)).toEqual([85, 75]);
  });

  test("goes nowhere where it would break the rule by what it wants, though it does not by what it used", () => {
    // By what it wants cool would have 95, and may have 90; by what it used 65.
    const { moves, unresolved } = plan(snapshot(55));
    expect(moves).toEqual([]);
    expect(unresolved).toMatchObject([{ host: uuid(1), value: 100 }]);
  });

  test("on any pool: each step is told as it is, breaks no rule, and the end is where the steps lead", () => {
    const threshold = 15;
    const host = fc.array(fc.double({ min: 0.2, max: 6, noNaN: true }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(host, { minLength: 2, maxLength: 4 }), (hosts) => {
        const wants = new Map<string, number>();
        const uses = new Map<string, number>();
        const placed = hosts.map((demands, h) => {
          const shares = maxMinShares(10, demands);
          const vms = demands.map((demand, n) => {
            const vm = aVm({
              uuid: uuid(100 * (h + 1) + n),
              vcpuNum: 10,
              vcpuAverage: 10 * (shares[n] ?? 0),
              cpuDemand: 10 * demand,
              demandFrom: "run-states",
              copyBytes: gibibyte,
              placementBytes: gibibyte,
            });
            wants.set(vm.uuid, 10 * demand);
            uses.set(vm.uuid, 10 * (shares[n] ?? 0));
            return vm;
          });
          const cpuAverage = 10 * shares.reduce((sum, each) => sum + each, 0);
          const free = { cpuNum: 10, cpuAverage, placementFreeBytes: 64 * gibibyte };
          return [aHost({ uuid: uuid(h + 1), ...free }), vms] as const;
        });
        const loads = new Map(placed.map(([each]) => [each.uuid, each.cpuAverage ?? 0]));
        const mean = [...loads.values()].reduce((sum, each) => sum + each, 0) / loads.size;
        const homes = new Map(placed.flatMap(([each, vms]) => vms.map((vm) => [vm.uuid, each.uuid])));
        const part = (vm: string, at: string) =>
          (homes.get(vm as never) === at ? uses.get(vm) : wants.get(vm)) ?? Number.NaN;
        const found = planMigrations(aSnapshot(placed), [{ subject: "CpuAverage", threshold }], options);
        const start = new Map(loads);
        for (const { vm, source, destination, sourceAfter, destinationAfter } of found.moves) {
          loads.set(source, (loads.get(source) ?? 0) - part(vm, source));
          loads.set(destination, (loads.get(destination) ?? 0) + part(vm, destination));
          expect(sourceAfter).toBeCloseTo(loads.get(source) ?? 0, 6);
          expect(destinationAfter).toBeCloseTo(loads.get(destination) ?? 0, 6);
          const most = Math.max(mean + threshold, start.get(destination) ?? 0);
          expect(loads.get(destination)).toBeLessThanOrEqual(most + 1e-6);
        }
        for (const { hostUuid, value } of found.after[0]?.verdicts ?? [])
          expect(value).toBeCloseTo(loads.get(hostUuid) ?? 0, 6);
      }),
      { numRuns: 60 },
    );
  });
});
