import { describe, expect, it } from "vitest";
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import type { SingleRule as Rule } from "../../src/domain/rule.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { Cover } from "../../src/planner/search/cover.ts";
import { schedule } from "../../src/planner/steps/schedule.ts";
import { aHost, aSnapshot, aVm, chapterSix, uuid } from "../support/fixtures.ts";
import { replay } from "../support/plan/verify.ts";

const mebibyte = 1024 * 1024;
const cpu25: Rule = { subject: "CpuAverage", threshold: 25 };
const options: PlanOptions = {
  maxMoves: 1000,
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  rounds: 300,
};

function plan(snapshot: Snapshot, rules: readonly Rule[] = [cpu25], extra: Partial<PlanOptions> = {}) {
  const made = planMigrations(snapshot, rules, { ...options, ...extra });
  const { faults } = replay(snapshot, rules, made.moves, {
    headroomBytes: extra.headroomBytes ?? 0,
    steps: true,
    ceiling: (_host, rule) => extra.floors?.(rule, 0) ?? Number.NEGATIVE_INFINITY,
  });
  expect(faults).toEqual([]);
  return made;
}

function changeVm(snapshot: Snapshot, id: string, fields: Partial<Vm>): Snapshot {
  return { ...snapshot, vms: snapshot.vms.map((vm) => (vm.uuid === id ? { ...vm, ...fields } : vm)) };
}

function changeHost(snapshot: Snapshot, id: string, fields: Partial<Host>): Snapshot {
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => (host.uuid === id ? { ...host, ...fields } : host)),
  };
}

describe("chapter 6 of the thesis, planned with a proof", () => {
  const { snapshot, host1, host2, vm2, vm3 } = chapterSix();

  it("moves VM2 to Host1, and nothing is better", () => {
    const { moves, after, certificate, unresolved, seconds } = plan(snapshot);
    expect(moves).toMatchObject([
      { vm: vm2.uuid, source: host2.uuid, destination: host1.uuid, mean: 62.5, purpose: "relieves" },
    ]);
    expect(after[0]?.verdicts.map(({ value }) => value)).toEqual([74.5, 50.5]);
    expect(certificate).toMatchObject({ kind: "optimal", costBytes: 256 * mebibyte, gap: 0 });
    expect(unresolved).toEqual([]);
    expect(seconds).toBeCloseTo((256 * mebibyte) / 110e6, 6);
  });

  it("moves VM3 when VM2 is banned; with both banned it proves that nothing helps and names them", () => {
    const bannedVms = new Map([[vm2.uuid, "cool-down"]]);
    expect(plan(snapshot, [cpu25], { bannedVms }).moves.map(({ vm }) => vm)).toEqual([vm3.uuid]);
    bannedVms.set(vm3.uuid, "pinned");
    const { moves, unresolved, certificate } = plan(snapshot, [cpu25], { bannedVms });
    expect(moves).toEqual([]);
    expect(certificate.kind).toBe("optimal");
    expect(unresolved).toMatchObject([{ host: host2.uuid, value: 100, mean: 62.5, proved: true }]);
    expect(unresolved[0]?.reason).toMatch(/nothing can clear it: of its 2 VMs 2 are left alone by this run/);
    expect(unresolved[0]?.refusals.map(({ reason }) => reason)).toEqual(["cool-down", "pinned"]);
  });

  it("a limit of moves of zero plans nothing and says that more would follow", () => {
    expect(plan(snapshot, [cpu25], { maxMoves: 0 })).toMatchObject({ moves: [], limited: true });
  });
});

describe("what is known of the pool beside the snapshot", () => {
  const { snapshot, host1, host2, vm2, vm3 } = chapterSix();

  it("a dormant pair is no goal and is not named, but its value still shows", () => {
    const suppressed = (host: string) => host === host2.uuid;
    const { moves, unresolved, after, certificate } = plan(snapshot, [cpu25], { suppressed });
    expect({ moves, unresolved, kind: certificate.kind }).toEqual({
      moves: [],
      unresolved: [],
      kind: "optimal",
    });
    expect(after[0]?.verdicts[0]).toMatchObject({ hostUuid: host2.uuid, value: 100, broken: true });
  });

  it("a host at or under the floor breaks nothing, and one above it only has to come down to it", () => {
    expect(plan(snapshot, [cpu25], { floors: () => 100 }).moves).toEqual([]);
    expect(plan(snapshot, [cpu25], { floors: () => 99 }).moves).toHaveLength(1);
    const idle = changeHost(snapshot, host1.uuid, { cpuAverage: 10 });
    const { moves, after } = plan(idle, [{ subject: "CpuAverage", threshold: 1 }], { floors: () => 60 });
    expect(moves.map(({ vm }) => vm)).toEqual([vm2.uuid]);
    expect(after[0]?.verdicts.map(({ value }) => value)).toEqual([59.5, 50.5]);
  });

  it("the cost that was learnt decides which VM is moved, and its time is what was learnt", () => {
    const costOf = (vm: Vm) => (vm.uuid === vm2.uuid ? 1100 * mebibyte : null);
    const { moves, certificate } = plan(snapshot, [cpu25], { costOf, secondsOf: () => 42 });
    expect(moves).toMatchObject([{ vm: vm3.uuid, copyBytes: vm3.copyBytes, seconds: 42 }]);
    expect(certificate.costBytes).toBe(vm3.copyBytes);
    const bannedVms = new Map([[vm3.uuid, "pinned"]]);
    const dear = plan(snapshot, [cpu25], { costOf, bannedVms });
    expect(dear.moves).toMatchObject([{ vm: vm2.uuid, copyBytes: 1100 * mebibyte }]);
    expect(dear.certificate.costBytes).toBe(1100 * mebibyte);
  });
});

describe("limits that no plan passes", () => {
  const { snapshot, host1, host2, vm2, vm3 } = chapterSix();
  const onlyVm2 = changeVm(snapshot, vm3.uuid, { immovable: "OPERATION_BLOCKED (pinned)" });

  it.each([
    ["a control domain", { isControlDomain: true }, "immovable", /control domain/],
    ["a paused VM", { powerState: "Paused" }, "immovable", /is Paused, not Running/],
    ["a VM whose load is unknown", { vcpuAverage: null }, "unknown", /part in CpuAverage is unknown/],
    [
      "a VM whose load is not a number",
      { vcpuAverage: Number.NaN },
      "unknown",
      /part in CpuAverage is unknown/,
    ],
    ["a VM without any part in the subject", { vcpuAverage: 0 }, "no part", /no part in CpuAverage/],
    ["a VM whose memory is unknown", { placementBytes: null }, "unknown", /memory it needs .* unknown/],
    ["a VM too large", { placementBytes: 2 ** 40 }, "memory", /not enough memory: needs 1048576 MB/],
  ])("%s stays, with the reason", (_what, fields, code, reason) => {
    const { moves, unresolved } = plan(changeVm(onlyVm2, vm2.uuid, fields));
    expect(moves).toEqual([]);
    const refusal = unresolved[0]?.refusals.find(({ vm }) => vm === vm2.uuid);
    expect(refusal?.code).toBe(code);
    expect(refusal?.reason).toMatch(reason);
    expect(unresolved[0]?.proved).toBe(true);
  });

  it.each([
    ["a disabled host", { enabled: false }],
    ["a dead host", { live: false }],
    ["an unread host", { read: false, cpuAverage: null }],
  ])("%s is out of the mean, neither receives nor sends", (_what, fields) => {
    const cold = plan(changeHost(snapshot, host1.uuid, fields));
    expect(cold).toMatchObject({ moves: [], absent: [{ host: host1.uuid }] });
    expect(cold.before[0]?.mean).toBe(100);
    const hot = plan(changeHost(snapshot, host2.uuid, fields));
    expect(hot).toMatchObject({ moves: [], unresolved: [], absent: [{ host: host2.uuid }] });
  });

  it.each([
    ["whose value is unknown", { cpuAverage: null }],
    ["whose value is not a number", { cpuAverage: Number.NaN }],
    ["without CPUs", { cpuNum: 0 }],
  ])("a host %s receives nothing", (_what, fields) => {
    const third = aHost({ uuid: uuid(3), cpuAverage: 0 });
    const wide = { ...changeHost(onlyVm2, host1.uuid, { cpuAverage: 60 }), hosts: [...onlyVm2.hosts, third] };
    expect(plan(changeHost(wide, third.uuid, {})).moves.map(({ destination }) => destination)).toEqual([
      third.uuid,
    ]);
    const { moves } = planMigrations(changeHost(wide, third.uuid, fields), [cpu25], options);
    expect(moves.map(({ destination }) => destination)).not.toContain(third.uuid);
  });

  it("a bar and a banned pair are kept, and named", () => {
    const reason = "VM_REQUIRES_SR (local)";
    const infeasible = { ...onlyVm2, infeasiblePairs: [{ vmUuid: vm2.uuid, hostUuid: host1.uuid, reason }] };
    expect(plan(infeasible).unresolved[0]?.refusals).toContainEqual({
      vm: vm2.uuid,
      host: host1.uuid,
      code: "bar",
      reason,
    });
    const bannedPairs = new Map([[`${vm2.uuid}>${host1.uuid}`, "tried"]]);
    expect(plan(onlyVm2, [cpu25], { bannedPairs }).moves).toEqual([]);
  });

  it("headroom is kept free at the destination", () => {
    const tight = changeHost(onlyVm2, host1.uuid, { placementFreeBytes: 300 * mebibyte });
    expect(plan(tight).moves).toHaveLength(1);
    expect(plan(tight, [cpu25], { headroomBytes: 64 * mebibyte }).moves).toEqual([]);
  });

  it("VMs of one anti-affinity group, or of one such tag, do not meet", () => {
    const meet = (fields: Partial<Vm>) =>
      snapshot.vms.reduce((all, vm) => changeVm(all, vm.uuid, vm.uuid === vm3.uuid ? {} : fields), snapshot);
    expect(plan(meet({ antiAffinityGroups: ["db"] })).moves.map(({ vm }) => vm)).toEqual([vm3.uuid]);
    const antiAffinityTags = ["db"];
    expect(plan(meet({ tags: ["db"] }), [cpu25], { antiAffinityTags }).moves.map(({ vm }) => vm)).toEqual([
      vm3.uuid,
    ]);
    expect(plan(meet({ tags: ["db"] })).moves.map(({ vm }) => vm)).toEqual([vm2.uuid]);
  });

  it("a member does not leave one of its group to meet another one, where the group could be apart", () => {
    const ofGroup = { vcpuNum: 4, vcpuAverage: 40, antiAffinityGroups: ["db"] };
    const pool = (crowded: Partial<Vm>) =>
      aSnapshot([
        [
          aHost({ uuid: uuid(1), name: "hot", cpuAverage: 80 }),
          [aVm({ ...ofGroup, uuid: uuid(11), name: "a" }), aVm({ ...ofGroup, uuid: uuid(12), name: "b" })],
        ],
        [
          aHost({ uuid: uuid(2), name: "cold", cpuAverage: 5 }),
          [aVm({ uuid: uuid(21), name: "c", ...crowded })],
        ],
        [aHost({ uuid: uuid(3), name: "full", cpuAverage: 40, placementFreeBytes: 0 }), []],
      ]);
    const { moves, unresolved } = plan(pool({ antiAffinityGroups: ["db"] }));
    expect(moves).toEqual([]);
    expect(new Set(unresolved[0]?.refusals.map(({ code }) => code))).toContain("apart");
    expect(plan(pool({})).moves.map(({ destination }) => destination)).toEqual([uuid(2)]);
  });

  it("VMs that an affinity tag keeps together are not parted", () => {
    const tied = [vm2, vm3].reduce((all, { uuid: id }) => changeVm(all, id, { tags: ["app"] }), snapshot);
    const { moves, unresolved } = plan(tied, [cpu25], { affinityTags: ["app"] });
    expect(moves).toEqual([]);
    expect(unresolved[0]?.refusals.map(({ code }) => code)).toEqual(["together", "together"]);
  });
});

/** Host a is hot with `big`; b has no memory for it until `small` leaves for c, which is too small for `big`. */
function needsRoom(): Snapshot {
  const gib = 1024 * mebibyte;
  const big = aVm({
    uuid: uuid(11),
    name: "big",
    memoryMb: 4096,
    vcpuNum: 4,
    vcpuAverage: 40,
    copyBytes: gib,
  });
  const rest = aVm({ uuid: uuid(12), name: "rest", vcpuNum: 4, vcpuAverage: 40, immovable: "pinned" });
  const small = aVm({ uuid: uuid(13), name: "small", memoryMb: 2048, vcpuAverage: 0, copyBytes: gib });
  return aSnapshot([
    [aHost({ uuid: uuid(1), name: "a", cpuAverage: 80, placementFreeBytes: 0 }), [big, rest]],
    [aHost({ uuid: uuid(2), name: "b", cpuAverage: 0, placementFreeBytes: 3 * gib }), [small]],
    [aHost({ uuid: uuid(3), name: "c", cpuAverage: 0, placementFreeBytes: 3 * gib }), []],
  ]);
}

describe("plans of several steps", () => {
  it("a VM is moved out of the way when that makes room, and goes first", () => {
    const { moves, certificate, unresolved, secondsBound, seconds } = plan(needsRoom());
    expect(unresolved).toEqual([]);
    expect(moves.map(({ vm, purpose, makesRoomFor }) => [vm, purpose, makesRoomFor])).toEqual([
      [uuid(13), "makes room", uuid(11)],
      [uuid(11), "relieves", null],
    ]);
    expect(moves.map(({ reason }) => reason)).toEqual([
      "big needs 4096 MB on b, which has 3072 MB as long as this VM is there",
      "a is 53.3 % above the mean of CpuAverage, 25 are allowed",
    ]);
    expect(certificate.kind).toBe("optimal");
    // The second waits for the first: its memory is free only then.
    expect(moves.map(({ after }) => after)).toEqual([[], [0]]);
    expect(moves[1]?.startSeconds).toBeCloseTo(moves[0]?.seconds ?? 0, 9);
    expect(seconds).toBeGreaterThanOrEqual(secondsBound);
  });

  it("a plan cut after its first step still breaks nothing", () => {
    const { moves, limited } = plan(needsRoom(), [cpu25], { maxMoves: 1 });
    expect(moves).toHaveLength(1);
    expect(limited).toBe(true);
  });

  describe("with hosts that may take part in few moves", () => {
    const vms = [20, 21, 22, 23].map((n) => aVm({ uuid: uuid(n), vcpuNum: 4, vcpuAverage: 24 }));
    const pool = aSnapshot([
      [aHost({ uuid: uuid(1), name: "a", cpuAverage: 96 }), vms],
      [aHost({ uuid: uuid(2), name: "b", cpuAverage: 0 }), []],
      [aHost({ uuid: uuid(3), name: "c", cpuAverage: 0 }), []],
    ]);
    // The mean is 32: two VMs must leave a, and b or c could take both.
    const rule = { subject: "CpuAverage", threshold: 17 } as const;
    const left = (a: number, b: number, c: number) => {
      const most = new Map([uuid(1), uuid(2), uuid(3)].map((host, h) => [host, [a, b, c][h] ?? 0]));
      return plan(pool, [rule], { movesLeftOf: (host) => most.get(host) ?? 0 });
    };
    const destinations = ({ moves }: ReturnType<typeof plan>) => moves.map((move) => move.destination).sort();

    it("each gets as many as it may, another one the rest", () => {
      expect(destinations(left(9, 2, 0))).toEqual([uuid(2), uuid(2)]);
      expect(destinations(left(9, 1, 9))).toEqual([uuid(2), uuid(3)]);
      expect(destinations(left(9, 0, 9))).toEqual([uuid(3), uuid(3)]);
    });

    it("a source that may give one gives one, and it is said which host holds the other back", () => {
      const { moves, limited, spent } = left(1, 9, 9);
      expect({ moves: moves.length, limited, spent }).toEqual({ moves: 1, limited: true, spent: [uuid(1)] });
    });

    it("where no host may take any the pair stays, and every refusal names that limit", () => {
      const { moves, unresolved } = left(9, 0, 0);
      expect(moves).toEqual([]);
      expect(unresolved[0]?.proved).toBe(false);
      expect(unresolved[0]?.reason).toMatch(/4 could only go to hosts that take part in as many moves/);
      expect(new Set(unresolved[0]?.refusals.map(({ code }) => code))).toEqual(new Set(["spent"]));
    });
  });

  it("hosts are brought to a fraction of the threshold, and destinations stay under it", () => {
    const vms = Array.from({ length: 10 }, (_, index) => aVm({ uuid: uuid(20 + index), vcpuAverage: 40 }));
    const pool = aSnapshot([
      [aHost({ uuid: uuid(1), cpuAverage: 100 }), vms],
      [aHost({ uuid: uuid(2), cpuAverage: 0 }), []],
      [aHost({ uuid: uuid(3), cpuAverage: 0 }), []],
    ]);
    const highest = (fraction: number) => {
      const { after } = plan(pool, [{ subject: "CpuAverage", threshold: 20 }], { targetFraction: fraction });
      return Math.max(...(after[0]?.verdicts.map(({ deviation }) => deviation) ?? []));
    };
    expect(highest(1)).toBeGreaterThan(10);
    expect(highest(0.5)).toBeLessThanOrEqual(10);
  });

  it("where the fraction cannot be reached, the threshold itself is", () => {
    const { snapshot, host1 } = chapterSix();
    // VM2 leaves Host2 12 below the mean and Host1 12 above it: within 25, not within 0.4 of that.
    const { unresolved, moves } = plan(snapshot, [cpu25], { targetFraction: 0.4 });
    expect(unresolved).toEqual([]);
    expect(moves.map(({ destination }) => destination)).toEqual([host1.uuid]);
  });
});

describe("unequal hosts", () => {
  it("a rule is not met by raising the mean", () => {
    // Moving the VM from the 8-CPU host to the 2-CPU one would lift the mean by as much as a rule allows.
    const pool = aSnapshot([
      [
        aHost({ uuid: uuid(1), cpuNum: 8, cpuAverage: 60 }),
        [aVm({ uuid: uuid(11), vcpuNum: 2, vcpuAverage: 90 })],
      ],
      [aHost({ uuid: uuid(2), cpuNum: 2, cpuAverage: 0 }), []],
      [aHost({ uuid: uuid(3), cpuNum: 2, cpuAverage: 0 }), []],
    ]);
    const rule: Rule = { subject: "CpuAverage", threshold: 20 };
    expect(plan(pool, [rule]).moves).toEqual([]);
  });
});

describe("the cheapest cover", () => {
  it("agrees with trying every set, in one and in several dimensions", () => {
    let state = 12345;
    const next = () => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return state / 2 ** 31;
    };
    const cover = new Cover();
    for (let round = 0; round < 200; round++) {
      const [n, D] = [1 + Math.floor(next() * 9), 1 + Math.floor(next() * 3)];
      cover.reserve(n, D);
      for (let i = 0; i < n; i++) cover.cost[i] = 1 + Math.floor(next() * 20);
      for (let i = 0; i < n * D; i++) cover.gain[i] = next() * 0.7;
      const cost = cover.cost.slice();
      const gain = cover.gain.slice();
      let best = Number.POSITIVE_INFINITY;
      for (let set = 0; set < 2 ** n; set++) {
        const sums = new Array<number>(D).fill(0);
        let price = 0;
        for (let i = 0; i < n; i++) {
          if (((set >> i) & 1) === 0) continue;
          price += cost[i] ?? 0;
          for (let j = 0; j < D; j++) sums[j] = (sums[j] ?? 0) + (gain[i * D + j] ?? 0);
        }
        if (sums.every((sum) => sum >= 1)) best = Math.min(best, price);
      }
      expect(cover.solve(100_000)).toBe(best);
      expect(cover.bound).toBe(best);
      expect(cover.solve(2)).toBeGreaterThanOrEqual(best);
      expect(cover.bound).toBeLessThanOrEqual(best);
    }
  });
});

describe("the schedule", () => {
  const transfer = (vm: number, from: number, to: number, seconds: number, ...after: number[]) => ({
    vm,
    from,
    to,
    seconds,
    after,
  });

  it("runs disjoint transfers together and at most k at a host", () => {
    const all = [transfer(1, 0, 1, 10), transfer(2, 2, 3, 10), transfer(3, 0, 3, 10)];
    expect(schedule(all, 1)).toEqual({ starts: [0, 0, 10], seconds: 20, bound: 20 });
    expect(schedule(all, 2)).toEqual({ starts: [0, 0, 0], seconds: 10, bound: 10 });
  });

  it("starts a transfer only when those that it waits for have ended", () => {
    expect(schedule([transfer(1, 0, 1, 5), transfer(2, 2, 0, 5, 0)], 4).starts).toEqual([0, 5]);
    expect(schedule([transfer(1, 0, 1, 5), transfer(2, 2, 0, 5)], 4).starts).toEqual([0, 0]);
  });
});

describe("a pair that only a swap clears", () => {
  const loads = [
    [50, 40],
    [30, 10],
  ];
  const machines = loads.map((on, h) =>
    on.map((load, v) =>
      aVm({ uuid: uuid(20 + 10 * h + v), name: `vm${h}${v}`, vcpuNum: 4, vcpuAverage: load, memoryMb: 1024 }),
    ),
  );
  const hosts = loads.map((on, h) =>
    aHost({ uuid: uuid(1 + h), name: `xen${h + 1}`, cpuNum: 4, cpuAverage: (on[0] ?? 0) + (on[1] ?? 0) }),
  );
  const pool = aSnapshot(hosts.map((host, h) => [host, machines[h] ?? []]));
  const cpu10: Rule = { subject: "CpuAverage", threshold: 10 };
  const made = (extra: Partial<PlanOptions>) =>
    planMigrations(pool, [cpu10], { ...options, targetFraction: 0.8, ...extra });

  it("is told so, with the two VMs and what would be worse between the two", () => {
    const { moves, unresolved, certificate } = made({});
    expect(moves).toEqual([]);
    expect(certificate.kind).toBe("optimal");
    expect(unresolved).toMatchObject([
      {
        host: uuid(1),
        proved: true,
        proof: "no order",
        swap: {
          moves: [
            { vm: uuid(21), source: uuid(1), destination: uuid(2) },
            { vm: uuid(31), source: uuid(2), destination: uuid(1) },
          ],
          host: uuid(2),
          value: 80,
          limit: 75,
        },
      },
    ]);
    expect(unresolved[0]?.reason).toMatch(
      /^no order of moves that never makes a rule worse clears it: of its 2 VMs/,
    );
  });

  it("is cleared by them where a rule may be worse for a moment, one after the other, never by one alone", () => {
    const { moves, unresolved, limited } = made({ momentaryWorsening: true });
    expect(unresolved).toEqual([]);
    expect(limited).toBe(false);
    expect(moves).toMatchObject([
      { vm: uuid(21), purpose: "changes places", after: [], destinationAfter: 80 },
      { vm: uuid(31), purpose: "changes places", after: [0], destinationAfter: 60 },
    ]);
    expect(moves[0]?.reason).toContain(
      "it changes places with vm11; between the two xen2 has 80 % of CpuAverage",
    );
    expect(made({ momentaryWorsening: true, maxMoves: 1 }).moves).toEqual([]);
    expect(made({ momentaryWorsening: true, movesLeftOf: () => 1 }).moves).toEqual([]);
  });
});
