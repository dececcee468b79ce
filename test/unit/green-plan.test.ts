/** How VMs are consolidated on few hosts, the words of green rules, loads over windows, and what sleeping was worth. */
import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import { atMean, expectationOf, sized } from "../../src/power/expected.ts";
import { averaged, covers, lately, risingBy, totals } from "../../src/power/load.ts";
import { consolidated, planDrain, planGreen } from "../../src/power/plan.ts";
import { planRelief } from "../../src/power/relief.ts";
import { maySleep, memoryFreePercent } from "../../src/power/rule.ts";
import { savingsOf } from "../../src/power/savings.ts";
import { uuid } from "../support/fixtures.ts";
import { aGreenPool, greenOptions, greenRule, now, steady } from "../support/greenPools.ts";

const options = { ...greenOptions, fillFraction: 1 };
const emptied = (snapshot: Snapshot, rule = greenRule, more = {}) =>
  planGreen(snapshot, rule, { ...options, ...more }).drains.map(({ host }) => Number(host.slice(-4)) - 1);

describe("gathering", () => {
  it("fills what stays on up to the limit and not beyond", () => {
    // 20 % of a CPU is the host's own: 340 + 340 + 20 is the limit of 70 % exactly.
    const pool = aGreenPool([{ vms: [340] }, { vms: [340] }, { vms: [340] }]);
    const plan = planGreen(pool, greenRule, options);
    expect(plan.drains).toHaveLength(1);
    expect(plan.certificate).toMatchObject({ hostsOn: 2, hostsBound: 2, kind: "optimal" });
    expect(plan.certificate.boundReason).toBe("CpuAverage BELOW 70");
    const hotter = aGreenPool([{ vms: [341] }, { vms: [340] }, { vms: [341] }]);
    expect(planGreen(hotter, greenRule, options)).toMatchObject({ drains: [], certificate: { hostsOn: 3 } });
  });

  it("keeps memory free as the rule says, beside what xapi needs", () => {
    const pool = aGreenPool([
      { vms: [1], vmMb: 14_000 },
      { vms: [1], vmMb: 14_000 },
    ]);
    // 32768 - 2048 - 28000 = 2720 MB free: 8.3 %.
    expect(emptied(pool)).toEqual([]);
    expect(emptied(pool, { ...greenRule, limits: [{ kind: "memory free", percent: 8 }] })).toEqual([1]);
    expect(emptied(pool, { ...greenRule, limits: [] }, { headroomBytes: 3000 * 1024 * 1024 })).toEqual([]);
  });

  it("leaves room for the failure of the spare hosts", () => {
    const pool = aGreenPool([{ vms: [300] }, { vms: [300] }, {}]);
    expect(emptied(pool)).toEqual([2, 1]);
    expect(emptied(pool, { ...greenRule, spareHosts: 1 })).toEqual([2]);
    expect(emptied(pool, { ...greenRule, spareHosts: 2 })).toEqual([]);
  });

  it("does not count on room for a spare where no single host has it for the VM", () => {
    // Each host has 200 left, together enough for the 400 of any of them, but no VM of 400 fits one.
    const pool = aGreenPool([{ vms: [400] }, { vms: [400] }, { vms: [400] }, {}]);
    expect(emptied(pool, { ...greenRule, spareHosts: 1 })).toEqual([]);
    expect(emptied(pool)).toEqual([3]);
  });

  it("empties the hosts with least to copy, in that order, and adds up what it copies", () => {
    const pool = aGreenPool([{ vms: [10] }, { vms: [10, 10, 10] }, { vms: [10, 10] }, { vms: [10] }]);
    const { drains, certificate } = planGreen(pool, greenRule, options);
    expect(drains.map(({ moves }) => moves.length)).toEqual([1, 2, 3]);
    expect(certificate.costBytes).toBe(6 * 2048 * 1024 * 1024);
    expect(certificate.boundBytes).toBe(certificate.costBytes);
    expect(drains[0]?.seconds).toBeCloseTo((2048 * 1024 * 1024) / 110e6, 6);
  });

  it("respects bars, bans and anti-affinity, and takes companions to one place", () => {
    const pair = { antiAffinityGroups: ["db"] };
    const apart = aGreenPool([{ vms: [10], vmFields: pair }, { vms: [10], vmFields: pair }, {}]);
    expect(emptied(apart)).toEqual([2]);
    const infeasiblePairs = [{ vmUuid: uuid(200), hostUuid: uuid(1), reason: "VM_REQUIRES_SR" }];
    const infeasible = { ...aGreenPool([{ vms: [10] }, { vms: [10] }]), infeasiblePairs };
    expect(emptied(infeasible)).toEqual([]);
    expect(
      emptied(aGreenPool([{ vms: [10] }, { vms: [10] }]), greenRule, {
        bannedVms: new Map([[uuid(200), "cool-down"]]),
      }),
    ).toEqual([]);
    const tagged = { vms: [100, 100], vmFields: { tags: ["app"] } };
    const together = aGreenPool([{ vms: [550] }, { vms: [550] }, tagged]);
    expect(emptied(together)).toEqual([2]);
    expect(emptied(together, greenRule, { affinityTags: ["app"] })).toEqual([]);
  });

  it("a host whose measures are unknown neither sleeps nor receives, one with an unknown VM does not sleep", () => {
    const blind = aGreenPool([{ vms: [10] }, { vms: [10] }, { fields: { cpuAverage: null } }]);
    const plan = planGreen(blind, greenRule, options);
    expect(plan.drains.flatMap(({ moves }) => moves.map(({ destination }) => destination))).toEqual([
      uuid(1),
    ]);
    expect(plan.on.find(({ host }) => host === uuid(3))?.reason).toBe(
      "what it has for CpuAverage BELOW 70 is unknown",
    );
    const riddle = aGreenPool([{ vms: [10] }, { vms: [10], vmFields: { vcpuAverage: null } }]);
    expect(planGreen(riddle, greenRule, options).on[1]?.reason).toBe("what VM vm-00 needs is unknown");
  });

  it("says why each host stays", () => {
    const pool = aGreenPool([
      { vms: [10] },
      { fields: { powerOnMode: "" } },
      { vms: [10], vmFields: { immovable: "VM_HAS_VGPU" } },
      { vms: [10], vmFields: { migratingTo: uuid(1) } },
    ]);
    const { on } = planGreen(pool, greenRule, options);
    expect(on.map(({ reason }) => reason)).toEqual([
      "it is the pool's master",
      "nothing could wake it: it has no power-on mode that works",
      "VM vm-00 cannot leave: VM_HAS_VGPU",
      "a VM is just being migrated from or to it",
    ]);
    const full = aGreenPool([{ vms: [340] }, { vms: [341] }]);
    expect(planGreen(full, greenRule, options).on[1]?.reason).toBe(
      "no fewer hosts were found to hold all VMs; CpuAverage BELOW 70 alone needs 2 on",
    );
  });

  it("one host is emptied alone only into those that may receive", () => {
    const pool = aGreenPool([{ vms: [10] }, { vms: [10] }, { vms: [10] }]);
    const drain = planDrain(pool, greenRule, options, uuid(2), new Set([uuid(3)]));
    expect(drain?.moves.map(({ destination }) => destination)).toEqual([uuid(3)]);
    expect(planDrain(pool, greenRule, options, uuid(1))).toBeNull();
    expect(planDrain(pool, greenRule, options, uuid(2), new Set())).toBeNull();
  });

  it("what is gathered takes part no more, and its load is where its VMs are", () => {
    const pool = aGreenPool([{ vms: [100] }, { vms: [200] }]);
    const after = consolidated(pool, planGreen(pool, greenRule, options).drains);
    expect(after.hosts.map(({ enabled, cpuAverage }) => [enabled, cpuAverage])).toEqual([
      [true, 32],
      [false, 2],
    ]);
  });
});

describe("relief", () => {
  it("takes the cheapest VMs that bring the host back, to hosts that stay within what it is filled to", () => {
    const pool = aGreenPool([{ vms: [500] }, { vms: [300, 300, 100] }, { vms: [300] }]);
    const [relief] = planRelief(pool, greenRule, { ...options, fillFraction: 0.9 }, new Set([uuid(2)]));
    expect(relief?.whole).toBe(true);
    expect(relief?.moves.map(({ source, destination }) => [source, destination])).toEqual([
      [uuid(2), uuid(3)],
    ]);
  });

  it("says so where the VMs that would suffice find no place", () => {
    const pool = aGreenPool([{ vms: [600] }, { vms: [400, 330] }]);
    const [relief] = planRelief(pool, greenRule, options, new Set([uuid(2)]));
    expect(relief).toMatchObject({ whole: false, moves: [] });
  });
});

describe("the rule", () => {
  it("lets hosts sleep in its hours, over midnight too", () => {
    const night = { ...greenRule, between: { from: 22 * 60, to: 6 * 60 } };
    expect([1320, 1439, 0, 359, 360, 1319].map((minute) => maySleep(night, minute))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    const noon = { ...greenRule, between: { from: 720, to: 780 } };
    expect([719, 720, 779, 780].map((minute) => maySleep(noon, minute))).toEqual([false, true, true, false]);
    expect(maySleep(greenRule, 0)).toBe(true);
  });

  it("knows free memory as a percentage, and what is unknown", () => {
    const [host] = aGreenPool([{}]).hosts;
    if (host === undefined) throw new Error("a host");
    expect(memoryFreePercent({ ...host, memoryTotalMb: 4000, memoryFreeMb: 1000 })).toBe(25);
    expect(memoryFreePercent({ ...host, memoryTotalMb: null })).toBeNull();
  });
});

describe("loads", () => {
  const at = (load: number) => aGreenPool([{ vms: [load] }, {}]);

  it("are averaged where the VMs are now, whoever held them then", () => {
    const before = at(100);
    const moved = { ...at(300), placements: [{ vmUuid: uuid(100), hostUuid: uuid(2) }] };
    const newest = {
      ...moved,
      hosts: moved.hosts.map((host, h) => ({ ...host, cpuAverage: h === 0 ? 2 : 32 })),
    };
    const pool = averaged(newest, [
      { at: 0, snapshot: before },
      { at: 60, snapshot: newest },
    ]);
    expect(pool.vms[0]?.vcpuAverage).toBe(50);
    expect(pool.hosts.map(({ cpuAverage }) => cpuAverage)).toEqual([2, 22]);
  });

  it("of a window count from its beginning, and a window with a hole covers nothing", () => {
    const snapshots = steady(at(1), 50);
    const window = lately(snapshots, now, 2400);
    expect(window).toHaveLength(40);
    expect(covers(window, now, 2400, 0.8)).toBe(true);
    expect(
      covers(
        window.filter((_, i) => i < 10 || i > 19),
        now,
        2400,
        0.8,
      ),
    ).toBe(false);
    expect(covers(window.slice(5), now, 2400, 0.8)).toBe(true);
    expect(covers(window.slice(10), now, 2400, 0.8)).toBe(false);
    expect(covers([], now, 2400, 0.8)).toBe(false);
  });

  it("that rise in a line are looked ahead, those that jump about or fall are not", () => {
    const line = Array.from({ length: 15 }, (_, i) => ({ at: 60 * i, snapshot: at(10 * i) }));
    expect(risingBy(totals(line, "CpuAverage"), 600)).toBeCloseTo(100, 6);
    expect(risingBy(totals(line.slice(0, 4), "CpuAverage"), 600)).toBe(0);
    const falling = line.map((each, i) => ({ ...each, snapshot: at(200 - 10 * i) }));
    expect(risingBy(totals(falling, "CpuAverage"), 600)).toBe(0);
    const noise = line.map((each, i) => ({ ...each, snapshot: at((i * 7919) % 100) }));
    expect(risingBy(totals(noise, "CpuAverage"), 600)).toBe(0);
  });

  it("of a VM in the middle of a burst count as no less than that where it is to arrive", () => {
    const newest = at(300);
    const window = steady(newest, 40).map((each, i) => ({ ...each, snapshot: i < 35 ? at(0) : newest }));
    const expectation = expectationOf(newest, window, window.slice(-5));
    const vmAndHost = (pool: Snapshot) => [pool.vms[0]?.vcpuAverage, pool.hosts[0]?.cpuAverage];
    // Half of the long mean and half of the burst: 168.75 % of a CPU, of four.
    expect(vmAndHost(atMean(newest, expectation))).toEqual([42.1875, 18.875]);
    expect(vmAndHost(sized(newest, expectation, 0.01))).toEqual([75, expect.closeTo(32.06, 2)]);
    expect(vmAndHost(sized(newest, expectation, 2))).toEqual([
      expect.closeTo(100.36, 2),
      expect.closeTo(53.78, 2),
    ]);
  });
});

describe("savings", () => {
  it("are the hours asleep by the watts, cut at the ends, against the memory that was migrated", () => {
    const hostPower = [
      { host: uuid(1), from: -3600, to: 3600 },
      { host: uuid(2), from: 3600, to: null },
      { host: uuid(3), from: 20_000, to: 30_000 },
    ];
    const savings = savingsOf(hostPower, 2 * 1024 ** 3, { idleWatts: 160, asleepWatts: 10 }, 0, 4 * 3600);
    expect(savings.hoursAsleep).toBe(4);
    expect(savings.kWh).toBeCloseTo(0.6, 9);
    expect(savings.kWhPerGib).toBeCloseTo(0.3, 9);
    expect(savingsOf([], 0, { idleWatts: 1, asleepWatts: 0 }, 0, 1)).toMatchObject({
      kWh: 0,
      kWhPerGib: null,
    });
  });
});
