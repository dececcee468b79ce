import { describe, expect, it } from "vitest";
import { pairKey } from "../../src/planning/moves.ts";
import { type Plan, type PlanOptions, planMigrations } from "../../src/planning/plan.ts";
import type { Host, Snapshot, Vm } from "../../src/pool.ts";
import type { Rule } from "../../src/rule.ts";
import { aHost, aSnapshot, aVm, chapterSix, uuid } from "../support/fixtures.ts";

const cpu25: Rule = { subject: "CpuAverage", threshold: 25 };
const options: PlanOptions = {
  maxMoves: 10,
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
};

function plan(snapshot: Snapshot, rules: readonly Rule[] = [cpu25], extra: Partial<PlanOptions> = {}): Plan {
  return planMigrations(snapshot, rules, { ...options, ...extra });
}

function withHost(snapshot: Snapshot, uuid: string, fields: Partial<Host>): Snapshot {
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => (host.uuid === uuid ? { ...host, ...fields } : host)),
  };
}

function withVm(snapshot: Snapshot, uuid: string, fields: Partial<Vm>): Snapshot {
  return { ...snapshot, vms: snapshot.vms.map((vm) => (vm.uuid === uuid ? { ...vm, ...fields } : vm)) };
}

describe("chapter 6 of the thesis", () => {
  const { snapshot, host1, host2, vm2, vm3 } = chapterSix();

  it("moves VM2, which weighs as much as VM3 and has a quarter of the memory to copy", () => {
    const { moves, after, unresolved } = plan(snapshot);
    expect(moves).toHaveLength(1);
    expect(moves[0]).toMatchObject({ vm: vm2.uuid, source: host2.uuid, destination: host1.uuid, mean: 62.5 });
    expect(after[0]?.verdicts.map(({ value }) => value)).toEqual([74.5, 50.5]);
    expect(unresolved).toEqual([]);
  });

  it("moves VM3 when VM2 is banned, and nothing when both are", () => {
    const banned = new Map([[vm2.uuid, "cool-down"]]);
    expect(plan(snapshot, [cpu25], { bannedVms: banned }).moves[0]?.vm).toBe(vm3.uuid);
    banned.set(vm3.uuid, "pinned");
    const { moves, unresolved } = plan(snapshot, [cpu25], { bannedVms: banned });
    expect(moves).toEqual([]);
    expect(unresolved[0]?.refusals.map(({ reason }) => reason)).toEqual(["cool-down", "pinned"]);
  });

  it("a host exactly at the threshold keeps the rule, and just above it breaks it", () => {
    expect(plan(snapshot, [{ subject: "CpuAverage", threshold: 37.5 }]).moves).toEqual([]);
    expect(plan(snapshot, [{ subject: "CpuAverage", threshold: 37.51 }]).moves).toEqual([]);
    expect(plan(snapshot, [{ subject: "CpuAverage", threshold: 37.49 }]).moves).toHaveLength(1);
  });

  it("plans nothing again on the pool that its own plan leads to", () => {
    const balanced = withHost(withHost(snapshot, host1.uuid, { cpuAverage: 74.5 }), host2.uuid, {
      cpuAverage: 50.5,
    });
    expect(plan(balanced).moves).toEqual([]);
    expect(plan(balanced).unresolved).toEqual([]);
  });

  it("without rules plans nothing", () => {
    expect(plan(snapshot, []).moves).toEqual([]);
  });
});

describe("what may not be moved, or not there", () => {
  const { snapshot, host1, host2, vm2, vm3 } = chapterSix();
  const onlyVm2 = withVm(snapshot, vm3.uuid, { immovable: "OPERATION_BLOCKED (pinned)" });

  it.each([
    ["a control domain", { isControlDomain: true }, /control domain/],
    ["a paused VM", { powerState: "Paused" }, /is Paused, not Running/],
    ["a VM that xapi cannot move", { immovable: "VM_HAS_VGPU (virtual GPU)" }, /VM_HAS_VGPU/],
    ["a VM whose load is unknown", { vcpuAverage: null }, /part in CpuAverage is unknown/],
    ["a VM without any part in the subject", { vcpuAverage: 0 }, /no part in CpuAverage/],
    ["a VM whose memory is unknown", { placementBytes: null }, /memory it needs .* unknown/],
    [
      "a VM too large for the destination",
      { placementBytes: 2 ** 40 },
      /not enough memory: needs 1048576 MB/,
    ],
  ])("%s stays, with the reason", (_what, fields, reason) => {
    const { moves, unresolved } = plan(withVm(onlyVm2, vm2.uuid, fields));
    expect(moves).toEqual([]);
    expect(unresolved[0]?.refusals.find(({ vm }) => vm === vm2.uuid)?.reason).toMatch(reason);
  });

  it.each([
    ["a disabled host", { enabled: false }],
    ["a dead host", { live: false }],
    ["an unread host", { read: false, cpuAverage: null }],
  ])("%s is out of the mean and never a destination", (_what, fields) => {
    const { moves, before, absent } = plan(withHost(snapshot, host1.uuid, fields));
    expect(moves).toEqual([]);
    expect(before[0]?.mean).toBe(100);
    expect(absent.map(({ host }) => host)).toEqual([host1.uuid]);
  });

  it("a bar between a VM and a host is respected and named", () => {
    const reason = "VM_REQUIRES_SR (local)";
    const barred = { ...onlyVm2, bars: [{ vmUuid: vm2.uuid, hostUuid: host1.uuid, reason }] };
    const { moves, unresolved } = plan(barred);
    expect(moves).toEqual([]);
    expect(unresolved[0]?.refusals).toContainEqual({ vm: vm2.uuid, host: host1.uuid, reason });
  });

  it("a banned pair is not tried, the VM may go elsewhere", () => {
    const host3 = aHost({ uuid: uuid(3), name: "Host3", cpuAverage: 60 });
    const three = { ...onlyVm2, hosts: [...onlyVm2.hosts, host3] };
    const bannedPairs = new Map([[pairKey(vm2.uuid, host1.uuid), "tried"]]);
    expect(plan(three, [cpu25], { bannedPairs }).moves).toEqual([]);
    const cold = withHost(three, host3.uuid, { cpuAverage: 20 });
    expect(plan(cold, [cpu25], { bannedPairs }).moves[0]?.destination).toBe(host3.uuid);
  });

  it("headroom is kept free at the destination", () => {
    const tight = withHost(onlyVm2, host1.uuid, { placementFreeBytes: 300 * 1024 * 1024 });
    expect(plan(tight).moves).toHaveLength(1);
    expect(plan(tight, [cpu25], { headroomBytes: 64 * 1024 * 1024 }).moves).toEqual([]);
  });

  it("a VM that only carries the hot spot elsewhere stays", () => {
    const lone = aSnapshot([
      [aHost({ uuid: uuid(1), cpuAverage: 100 }), [aVm({ uuid: uuid(11), vcpuNum: 4, vcpuAverage: 100 })]],
      [aHost({ uuid: uuid(2), cpuAverage: 0 }), []],
    ]);
    const { moves, unresolved } = plan(lone);
    expect(moves).toEqual([]);
    expect(unresolved[0]?.refusals[0]?.reason).toMatch(/would break the rule of CpuAverage/);
  });

  it("a move that cures one rule and breaks another is refused", () => {
    const memoryRule: Rule = { subject: "OccupiedMemoryMb", threshold: 100 };
    const heavy = withHost(withVm(onlyVm2, vm2.uuid, { memoryMb: 1000 }), host2.uuid, {
      memoryFreeMb: 2048 - 20,
    });
    expect(plan(heavy, [cpu25, memoryRule]).moves).toEqual([]);
    expect(host1.memoryFreeMb).toBe(2048);
  });
});

describe("larger pools", () => {
  it("several moves follow each other until the rule holds", () => {
    const vms = Array.from({ length: 8 }, (_, index) => aVm({ uuid: uuid(100 + index), vcpuAverage: 50 }));
    const snapshot = aSnapshot([
      [aHost({ uuid: uuid(1), cpuAverage: 100 }), vms],
      [aHost({ uuid: uuid(2), cpuAverage: 0 }), []],
      [aHost({ uuid: uuid(3), cpuAverage: 0 }), []],
    ]);
    const { moves, after, limited } = plan(snapshot, [{ subject: "CpuAverage", threshold: 10 }]);
    expect(limited).toBe(false);
    expect(after[0]?.verdicts.every(({ broken }) => !broken)).toBe(true);
    expect(new Set(moves.map(({ vm }) => vm)).size).toBe(moves.length);
    expect(plan(snapshot, [cpu25], { maxMoves: 1 })).toMatchObject({ moves: { length: 1 }, limited: true });
  });

  it("a pool of one host, of none, or without VMs plans nothing", () => {
    const alone = aSnapshot([
      [aHost({ uuid: uuid(1), cpuAverage: 100 }), [aVm({ uuid: uuid(2), vcpuAverage: 9 })]],
    ]);
    expect(plan(alone)).toMatchObject({ moves: [], unresolved: [] });
    expect(plan(aSnapshot([]))).toMatchObject({ moves: [], before: [{ mean: null }] });
  });

  it("each of the four subjects is balanced by the VM's own part in it", () => {
    const vm = aVm({
      uuid: uuid(11),
      memoryMb: 300,
      vif0RxKb: 300,
      vif0TxKb: 300,
      vcpuAverage: 100,
      vcpuNum: 2,
    });
    const hot = { cpuAverage: 80, pifEth0RxKb: 500, pifEth0TxKb: 500, memoryFreeMb: 1000 };
    const cold = { cpuAverage: 10, pifEth0RxKb: 0, pifEth0TxKb: 0, memoryFreeMb: 2000 };
    const snapshot = aSnapshot([
      [aHost({ uuid: uuid(1), ...hot }), [vm]],
      [aHost({ uuid: uuid(2), ...cold }), []],
    ]);
    for (const subject of ["CpuAverage", "PifEth0RxKb", "PifEth0TxKb", "OccupiedMemoryMb"] as const) {
      const { moves } = plan(snapshot, [{ subject, threshold: subject === "CpuAverage" ? 30 : 150 }]);
      expect(
        moves.map(({ vm }) => vm),
        subject,
      ).toEqual([vm.uuid]);
    }
  });
});
