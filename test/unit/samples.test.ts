import { describe, expect, it } from "vitest";
import { withInFlightMoves } from "../../src/decide/inFlight.ts";
import { average } from "../../src/decide/samples.ts";
import { chooseSamples } from "../../src/decide/sampling.ts";
import type { Host, Snapshot } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const cpu25: Rule = { subject: "CpuAverage", threshold: 25 };
const [a, b] = [uuid(1), uuid(2)];
const vm = aVm({ uuid: uuid(11), vcpuNum: 2, vcpuAverage: 80, memoryMb: 1024, vif0RxKb: 100, vif0TxKb: 10 });
const other = aVm({ uuid: uuid(12), vcpuNum: 1, vcpuAverage: 20 });

/** Host a and host b, with `vm` on one of them. */
function pool(
  cpuA: number | null,
  cpuB: number | null,
  on: "a" | "b",
  fields: Partial<typeof vm> = {},
): Snapshot {
  const moving = { ...vm, ...fields };
  return aSnapshot([
    [aHost({ uuid: a, cpuNum: 4, cpuAverage: cpuA }), on === "a" ? [moving, other] : [other]],
    [aHost({ uuid: b, cpuNum: 4, cpuAverage: cpuB }), on === "b" ? [moving] : []],
  ]);
}

const cpuOf = (snapshot: Snapshot, host: string) =>
  snapshot.hosts.find(({ uuid: each }) => each === host)?.cpuAverage;

describe("averaged samples", () => {
  it("with a single picture change nothing", () => {
    const newest = pool(90, 10, "a");
    const averaged = average(newest, [], [cpu25]);
    expect(averaged.snapshot).toBe(newest);
    expect(averaged.samples).toBe(1);
    expect(averaged.breaches(a, cpu25)).toEqual({ broken: 1, of: 1 });
  });

  it("weigh the newest of three by 4/7, then 2/7 and 1/7", () => {
    const { snapshot } = average(pool(70, 0, "a"), [pool(0, 0, "a"), pool(0, 70, "a")], [cpu25]);
    expect(cpuOf(snapshot, a)).toBeCloseTo(40, 9);
    expect(cpuOf(snapshot, b)).toBeCloseTo(10, 9);
  });

  it("average the VMs too, but neither their memory demand nor what is unknown now", () => {
    const newest = pool(50, 50, "a", { vcpuAverage: 70, vif0RxKb: null });
    const { snapshot } = average(newest, [pool(50, 50, "a", { vcpuAverage: 0 })], [cpu25]);
    const seen = snapshot.vms.find(({ uuid: id }) => id === vm.uuid);
    expect(seen?.vcpuAverage).toBeCloseTo((70 * 3) / 4, 9);
    expect(seen?.vif0RxKb).toBeNull();
    expect(seen?.placementBytes).toBe(vm.placementBytes);
  });

  it("count how often a host broke a rule, each picture by its own mean", () => {
    const { breaches } = average(pool(90, 10, "a"), [pool(20, 10, "a"), pool(80, 10, "a")], [cpu25]);
    expect(breaches(a, cpu25)).toEqual({ broken: 2, of: 3 });
    expect(breaches(b, cpu25)).toEqual({ broken: 0, of: 3 });
  });

  it("F29: a host that reports no load for one sample does not make the other one overloaded", () => {
    const { breaches } = average(pool(60, 0, "a"), [pool(60, 55, "a"), pool(60, 55, "a")], [cpu25]);
    expect(breaches(a, cpu25)).toEqual({ broken: 1, of: 3 });
  });

  it("see earlier pictures as if VMs had been where they are now", () => {
    // The VM weighs 40 % of a host with 4 CPUs; it went from a to b after the first picture.
    const { snapshot, breaches } = average(pool(50, 50, "b"), [pool(90, 10, "a")], [cpu25]);
    expect(cpuOf(snapshot, a)).toBeCloseTo(50, 9);
    expect(cpuOf(snapshot, b)).toBeCloseTo(50, 9);
    expect(breaches(a, cpu25)).toEqual({ broken: 0, of: 2 });
  });

  it("take VMs that were stopped since out of the past, and those that were started into it", () => {
    const halted: Snapshot = {
      ...pool(10, 10, "a"),
      placements: pool(10, 10, "a").placements.filter(({ vmUuid }) => vmUuid !== vm.uuid),
    };
    expect(cpuOf(average(halted, [pool(50, 10, "a")], [cpu25]).snapshot, a)).toBeCloseTo(10, 9);
    const started = average(pool(50, 10, "a"), [halted], [cpu25]);
    expect(cpuOf(started.snapshot, a)).toBeCloseTo((50 * 2 + 50) / 3, 9);
  });

  it("leave out a host's samples of times when it took no part, or had no value", () => {
    const off = (snapshot: Snapshot, fields: Partial<Host>): Snapshot => ({
      ...snapshot,
      hosts: snapshot.hosts.map((host) => (host.uuid === a ? { ...host, ...fields } : host)),
    });
    const newest = pool(80, 10, "a");
    for (const fields of [{ enabled: false }, { live: false }, { read: false }, { cpuAverage: null }]) {
      const { snapshot, breaches } = average(newest, [off(pool(0, 10, "a"), fields)], [cpu25]);
      expect(cpuOf(snapshot, a)).toBe(80);
      expect(breaches(a, cpu25)).toEqual({ broken: 1, of: 1 });
    }
    const unknownNow = average(pool(null, 10, "a"), [pool(80, 10, "a")], [cpu25]);
    expect(cpuOf(unknownNow.snapshot, a)).toBeNull();
  });

  it("do not guess what a VM that moved took with it where nobody ever measured it", () => {
    const blind = { vcpuAverage: null };
    const { snapshot } = average(pool(50, 50, "b", blind), [pool(90, 10, "a", blind)], [cpu25]);
    expect([cpuOf(snapshot, a), cpuOf(snapshot, b)]).toEqual([50, 50]);
  });
});

describe("a migration that goes on", () => {
  it("counts as done for the load, whoever began it; its memory is held on both ends", () => {
    const before = pool(90, 10, "a", { migratingTo: b });
    const after = withInFlightMoves(before);
    expect([cpuOf(after, a), cpuOf(after, b)]).toEqual([50, 50]);
    expect(after.placements).toContainEqual({ vmUuid: vm.uuid, hostUuid: b });
    expect(after.hosts.map((host) => host.placementFreeBytes)).toEqual(
      before.hosts.map((host) => host.placementFreeBytes),
    );
    expect(withInFlightMoves(pool(90, 10, "a"))).toEqual(pool(90, 10, "a"));
  });
});

describe("the choice of samples", () => {
  const every = (seconds: number, many: number) =>
    Array.from({ length: many }, (_, index) => ({ secondsBefore: (index + 1) * seconds }));
  const wish = { count: 3, everySeconds: 60, maxGapSeconds: 300 };
  const chosen = (all: readonly { secondsBefore: number }[]) =>
    chooseSamples(all, wish).map(({ secondsBefore }) => secondsBefore);

  it("takes one a minute where collections are more frequent, each one where they are rarer", () => {
    expect(chosen(every(60, 9))).toEqual([60, 120]);
    expect(chosen(every(10, 30))).toEqual([50, 100]);
    expect(chosen(every(240, 9))).toEqual([240, 480]);
  });

  it("ends at a gap, and with what there is", () => {
    expect(chosen(every(301, 9))).toEqual([]);
    expect(chosen([{ secondsBefore: 60 }, { secondsBefore: 400 }])).toEqual([60]);
    expect(chosen([])).toEqual([]);
    expect(chosen(every(1, 3))).toEqual([]);
  });
});
