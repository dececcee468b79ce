/** Evacuations by hand: small pools in which the one right plan is known. */
import { describe, expect, it } from "vitest";
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { type Evacuation, planEvacuation } from "../../src/planner/evacuate/evacuate.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const mebibyte = 1024 * 1024;
const options: PlanOptions = {
  maxMoves: 10,
  headroomBytes: 64 * mebibyte,
  bannedVms: new Map(),
  bannedPairs: new Map(),
};
const cpu25: Rule = { subject: "CpuAverage", threshold: 25 };

function evacuate(
  snapshot: Snapshot,
  { rules = [], ...extra }: Partial<PlanOptions> & { rules?: readonly Rule[] } = {},
): Evacuation {
  return planEvacuation(snapshot, rules, uuid(1), { ...options, ...extra });
}

const host = (n: number, freeMb: number, fields: Partial<Host> = {}): Host =>
  aHost({ uuid: uuid(n), placementFreeBytes: freeMb * mebibyte, ...fields });
const vm = (n: number, memoryMb: number, fields: Partial<Vm> = {}): Vm =>
  aVm({ uuid: uuid(n), memoryMb, vcpuNum: 4, ...fields });
const routes = ({ moves }: Evacuation) =>
  moves.map(
    ({ vm: moved, destination, purpose }) => `${moved.slice(-3)} -> ${destination.slice(-1)} ${purpose}`,
  );

describe("where the VMs go", () => {
  it("to the hosts that then are most even, whatever the limit of moves", () => {
    const snapshot = aSnapshot([
      [host(1, 0, { cpuAverage: 60 }), [vm(11, 512, { vcpuAverage: 30 }), vm(12, 512, { vcpuAverage: 30 })]],
      [host(2, 2048, { cpuAverage: 10 }), []],
      [host(3, 2048, { cpuAverage: 40 }), []],
    ]);
    const plan = evacuate(snapshot, { rules: [cpu25], maxMoves: 1 });
    expect(routes(plan)).toEqual(["011 -> 2 evacuates", "012 -> 3 evacuates"].sort());
    expect(plan).toMatchObject({ stays: [], harms: [], limited: false });
    expect(plan.after[0]?.mean).toBe(55);
    expect(plan.before[0]?.mean).toBe(25);
  });

  it("away from a disabled host too, as a host is before maintenance, and from one whose measures are unread", () => {
    for (const state of [{ enabled: false }, { read: false, cpuAverage: null, memoryFreeMb: null }]) {
      const snapshot = aSnapshot([
        [host(1, 0, state), [vm(11, 512)]],
        [host(2, 2048), []],
      ]);
      expect(routes(evacuate(snapshot, { rules: [cpu25] }))).toEqual(["011 -> 2 evacuates"]);
    }
  });

  it("with their companions, though affinity forbids to part them: all leave", () => {
    const snapshot = aSnapshot([
      [host(1, 0), [vm(11, 512, { tags: ["db"] }), vm(12, 512, { tags: ["db"] })]],
      [host(2, 2048), []],
    ]);
    expect(evacuate(snapshot, { affinityTags: ["db"] }).stays).toEqual([]);
  });

  it("though their part in a rule is unknown: that is told, and the VM goes", () => {
    const snapshot = aSnapshot([
      [host(1, 0), [vm(11, 512, { vcpuAverage: null })]],
      [host(2, 2048), []],
    ]);
    const plan = evacuate(snapshot, { rules: [cpu25] });
    expect(plan.unmeasured).toEqual([uuid(11)]);
    expect(plan.stays).toEqual([]);
  });

  it("spread by anti-affinity over the hosts that remain", () => {
    const group = { antiAffinityGroups: ["web"] };
    const snapshot = aSnapshot([
      [host(1, 0), [vm(11, 512, group), vm(12, 512, group)]],
      [host(2, 8192), [vm(21, 512, group)]],
      [host(3, 1024), []],
    ]);
    const plan = evacuate(snapshot);
    expect(plan.moves.map(({ destination }) => destination).sort()).toEqual([uuid(2), uuid(3)]);
  });

  it("apart from the only other member of their group, where a host without one is left", () => {
    const group = { antiAffinityGroups: ["web"] };
    const snapshot = aSnapshot([
      [host(1, 0), [vm(11, 512, group)]],
      [host(2, 8192), [vm(21, 512, group)]],
      [host(3, 1024), []],
    ]);
    expect(routes(evacuate(snapshot))).toEqual(["011 -> 3 evacuates"]);
  });

  it("to make room for one another: a VM of another host moves only where otherwise one would stay", () => {
    const snapshot = aSnapshot([
      [host(1, 0), [vm(11, 2048)]],
      [host(2, 1600), [vm(21, 512)]],
      [host(3, 700), []],
    ]);
    const plan = evacuate(snapshot);
    expect(routes(plan)).toEqual(["021 -> 3 makes room", "011 -> 2 evacuates"]);
    expect(plan.moves[1]?.after).toEqual([0]);
    expect(plan.certificate).toMatchObject({ boundBytes: 2048 * mebibyte, costBytes: 2560 * mebibyte });
  });
});

describe("the rules", () => {
  it("are judged by the mean of the hosts that remain when all has come: no false alarm on the way there", () => {
    const snapshot = aSnapshot([
      [host(1, 0, { cpuAverage: 80 }), [vm(11, 512, { vcpuAverage: 40 }), vm(12, 512, { vcpuAverage: 40 })]],
      [host(2, 2048, { cpuAverage: 10 }), []],
      [host(3, 2048, { cpuAverage: 10 }), []],
    ]);
    const plan = evacuate(snapshot, { rules: [{ subject: "CpuAverage", threshold: 5 }] });
    expect(plan).toMatchObject({ harms: [], unresolved: [], stays: [] });
  });

  it("are avoided where they can be, though another host would have more room", () => {
    const snapshot = aSnapshot([
      [host(1, 0, { cpuAverage: 40 }), [vm(11, 512, { vcpuAverage: 40 })]],
      [host(2, 8192, { cpuAverage: 60 }), []],
      [host(3, 1024, { cpuAverage: 20 }), []],
    ]);
    expect(routes(evacuate(snapshot, { rules: [cpu25] }))).toEqual(["011 -> 3 evacuates"]);
  });

  it("do not keep a VM there: which rule breaks on which host is told, with its figures", () => {
    const snapshot = aSnapshot([
      [host(1, 0, { cpuAverage: 40 }), [vm(11, 512, { vcpuAverage: 40 })]],
      [host(2, 8192, { cpuAverage: 60 }), []],
      [host(3, 0, { cpuAverage: 20 }), []],
    ]);
    const plan = evacuate(snapshot, { rules: [cpu25] });
    expect(plan.stays).toEqual([]);
    expect(plan.harms).toEqual([{ host: uuid(2), rule: cpu25, value: 100, mean: 60, kind: "breaks" }]);
    expect(plan.unresolved).toMatchObject([
      { host: uuid(2), value: 100, reason: "what comes from host-01 makes it break the rule" },
    ]);
  });

  it("cannot be told of a host whose value is unknown: it takes VMs last, and that is told", () => {
    const blind = { cpuAverage: null };
    const two = (freeMb: number) =>
      aSnapshot([
        [host(1, 0, { cpuAverage: 20 }), [vm(11, 512, { vcpuAverage: 20 })]],
        [host(2, 8192, blind), []],
        [host(3, freeMb, { cpuAverage: 20 }), []],
      ]);
    expect(routes(evacuate(two(1024), { rules: [cpu25] }))).toEqual(["011 -> 3 evacuates"]);
    const plan = evacuate(two(0), { rules: [cpu25] });
    expect(plan.harms).toMatchObject([{ host: uuid(2), value: null, kind: "unknown" }]);
  });
});

describe("what stays", () => {
  it("is named with what every host says", () => {
    const snapshot = aSnapshot(
      [
        [host(1, 0), [vm(11, 512), vm(12, 9000), vm(13, 256, { immovable: "VM_HAS_VGPU" })]],
        [host(2, 4096), []],
        [host(3, 100), []],
        [host(4, 4096, { enabled: false }), []],
      ],
      { infeasiblePairs: [{ vmUuid: uuid(11), hostUuid: uuid(2), reason: "VM_REQUIRES_SR (local)" }] },
    );
    const plan = evacuate(snapshot, { bannedVms: new Map([[uuid(14), "x"]]) });
    expect(plan.moves).toEqual([]);
    expect(plan.stays.map(({ vm: stays, reason, proved }) => [stays, reason, proved])).toEqual([
      [
        uuid(11),
        "no host takes it: host-02: VM_REQUIRES_SR (local); host-03: not enough memory: needs 512 MB + 64 MB headroom, has 100 MB; host-04: it is disabled (maintenance)",
        true,
      ],
      [
        uuid(12),
        "no host takes it: host-02: not enough memory: needs 9000 MB + 64 MB headroom, has 4096 MB; host-03: not enough memory: needs 9000 MB + 64 MB headroom, has 100 MB; host-04: it is disabled (maintenance)",
        true,
      ],
      [uuid(13), "VM_HAS_VGPU", true],
    ]);
  });

  it("is an excluded VM, and every VM of a dead host or of the only one", () => {
    const full = (state: Partial<Host>) =>
      aSnapshot([
        [host(1, 0, state), [vm(11, 512)]],
        [host(2, 4096), []],
      ]);
    const banned = evacuate(full({}), { bannedVms: new Map([[uuid(11), "it is excluded by ann"]]) });
    expect(banned.stays).toMatchObject([{ vm: uuid(11), reason: "it is excluded by ann", code: "banned" }]);
    expect(evacuate(full({ live: false })).stays).toMatchObject([
      { reason: "the pool says that its host is not alive, so nothing can be migrated from there" },
    ]);
    const alone = aSnapshot([[host(1, 4096), [vm(11, 512)]]]);
    expect(evacuate(alone).stays).toMatchObject([{ reason: "there is no other host", proved: true }]);
  });

  it("is one that somebody is just migrating to the host", () => {
    const snapshot = aSnapshot([
      [host(1, 0), [vm(11, 512, { migratingTo: uuid(1) })]],
      [host(2, 4096), []],
    ]);
    expect(evacuate(snapshot)).toMatchObject({
      moves: [],
      stays: [{ reason: "it is just being migrated to its host" }],
    });
  });

  it("is never a control domain: without others the host is empty", () => {
    const dom0 = vm(10, 512, { isControlDomain: true });
    const snapshot = aSnapshot([
      [host(1, 0), [dom0]],
      [host(2, 4096), []],
    ]);
    expect(evacuate(snapshot)).toMatchObject({ moves: [], stays: [] });
  });
});

it("an unknown host is a mistake of the program", () => {
  expect(() => planEvacuation(aSnapshot([]), [], uuid(1), options)).toThrow(/no host/);
});
