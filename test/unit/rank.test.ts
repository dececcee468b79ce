/** Rankings by hand: small pools in which the best host for a VM is known, and why. */
import { describe, expect, it } from "vitest";
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { noUuid, overheadOfSize, vmOfSize } from "../../src/domain/vmSize.ts";
import { rankHosts } from "../../src/planner/place/rank.ts";
import type { Ranking, RankOptions } from "../../src/planner/place/ranking.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
const options: RankOptions = {
  headroomBytes: 64 * mebibyte,
  bannedVms: new Map(),
  bannedPairs: new Map(),
};
const cpu25: Rule = { subject: "CpuAverage", threshold: 25 };

const host = (n: number, freeMb: number, fields: Partial<Host> = {}): Host =>
  aHost({ uuid: uuid(n), placementFreeBytes: freeMb * mebibyte, memoryFreeMb: freeMb, ...fields });
const vm = (n: number, memoryMb: number, fields: Partial<Vm> = {}): Vm =>
  aVm({ uuid: uuid(n), memoryMb, vcpuNum: 4, ...fields });
const halted = (n: number, memoryMb: number, fields: Partial<Vm> = {}): Vm =>
  vm(n, memoryMb, { powerState: "Halted", vcpuAverage: null, vif0RxKb: null, vif0TxKb: null, ...fields });

function rank(
  snapshot: Snapshot,
  who: Vm,
  { rules = [], ...extra }: Partial<RankOptions> & { rules?: readonly Rule[] } = {},
): Ranking {
  return rankHosts(snapshot, rules, who, { ...options, ...extra });
}

const order = ({ places }: Ranking) => places.map(({ host: at }) => at.slice(-1)).join(" ");
const refusals = ({ refused }: Ranking) => refused.map(({ host: at, code }) => `${at.slice(-1)} ${code}`);

describe("who comes first", () => {
  it("the host that has most left of what it is shortest of: of memory here, of CPU there", () => {
    const who = halted(11, 512);
    const byMemory = aSnapshot(
      [
        [host(1, 1024), []],
        [host(2, 3072), []],
        [host(3, 2048), []],
      ],
      { halted: [who] },
    );
    expect(order(rank(byMemory, who))).toBe("2 3 1");
    const byCpu = aSnapshot(
      [
        [host(1, 4096, { cpuAverage: 80 }), []],
        [host(2, 2048, { cpuAverage: 10 }), []],
      ],
      { halted: [who] },
    );
    const ranking = rank(byCpu, who);
    expect(order(ranking)).toBe("2 1");
    expect(ranking.places[1]?.reasons.at(-1)).toBe("shortest of CPU: 20 % left");
    expect(ranking.places.map((place) => place.rank)).toEqual([1, 2]);
  });

  it("a host whose rules hold, before one of more memory that would break a rule, with the figures of it", () => {
    const who = halted(11, 512, { vcpuAverage: 40 });
    const snapshot = aSnapshot(
      [
        [host(1, 4096, { cpuAverage: 50 }), []],
        [host(2, 640, { cpuAverage: 20 }), []],
      ],
      { halted: [who] },
    );
    const { places } = rank(snapshot, who, { rules: [cpu25] });
    expect(places.map(({ host: at, grade }) => [at, grade])).toEqual([
      [uuid(2), "keeps"],
      [uuid(1), "breaks"],
    ]);
    // On host 1: 50 + 40 = 90 against a mean of 55.
    expect(places[1]?.reasons[0]).toBe("it would break CpuAverage: 90 %, mean 55 %, allowed 25 above it");
    expect(places[1]?.harms).toMatchObject([{ host: uuid(1), kind: "breaks", value: 90, mean: 55 }]);
    expect(places[0]?.rules).toMatchObject([{ value: 60, mean: 55, limit: 80, broken: false }]);
    expect(places[0]).toMatchObject({
      cpuPercentAfter: 60,
      vcpuPercentAfter: 100,
      freeBytesAfter: 128 * mebibyte,
    });
    expect(places[1]?.score).toBeLessThan(31);
    expect(places[0]?.score).toBeGreaterThan(60);
  });

  it("a host without members of the VM's anti-affinity group, and none is refused for its members", () => {
    const group = { antiAffinityGroups: ["web"] };
    const who = halted(11, 256, group);
    const snapshot = aSnapshot(
      [
        [host(1, 4096), [vm(12, 256, group)]],
        [host(2, 1024), []],
        [host(3, 4096), [vm(13, 256, group), vm(14, 256, group)]],
      ],
      { halted: [who] },
    );
    const ranking = rank(snapshot, who);
    expect(order(ranking)).toBe("2 1 3");
    expect(ranking.places.map(({ groups }) => groups)).toEqual([
      [{ name: "web", members: 0, crowded: false }],
      // Four members and three hosts: two may share one.
      [{ name: "web", members: 1, crowded: false }],
      [{ name: "web", members: 2, crowded: true }],
    ]);
    expect(ranking.places[2]).toMatchObject({ grade: "crowds" });
    const tagged = aSnapshot([
      [host(1, 4096), [vm(12, 256, { tags: ["db"] })]],
      [host(2, 1024), []],
    ]);
    const other = halted(11, 256, { tags: ["db"] });
    expect(order(rank(tagged, other, { antiAffinityTags: ["db"] }))).toBe("2 1");
    expect(order(rank(tagged, other, { affinityTags: ["db"] }))).toBe("1 2");
    expect(order(rank(tagged, other))).toBe("1 2");
  });

  it("the home server, where it takes part and nothing speaks against it", () => {
    const who = halted(11, 256, { vcpuAverage: 50 });
    const snapshot = (home: Partial<Host>) =>
      aSnapshot(
        [
          [host(1, 1024, home), []],
          [host(2, 4096), []],
        ],
        { halted: [who] },
      );
    const extra = { homeServer: uuid(1), rules: [cpu25] };
    expect(order(rank(snapshot({}), who, extra))).toBe("1 2");
    expect(rank(snapshot({}), who, extra).places[0]?.reasons).toContain("it is the VM's home server");
    expect(order(rank(snapshot({ cpuAverage: 40 }), who, extra))).toBe("2 1");
    const away = rank(snapshot({ enabled: false }), who, extra);
    expect(order(away)).toBe("2");
    expect(away.places[0]?.score).toBe(
      rank(snapshot({ enabled: false }), who, { rules: [cpu25] }).places[0]?.score,
    );
  });

  it("a host on which the headroom stays, though another has less in use", () => {
    const who = halted(11, 1000);
    const snapshot = aSnapshot(
      [
        [host(1, 1024), []],
        [host(2, 1100, { cpuAverage: 90 }), []],
      ],
      {
        halted: [who],
      },
    );
    const ranking = rank(snapshot, who);
    expect(order(ranking)).toBe("2 1");
    expect(ranking.places[1]?.reasons[0]).toBe("less than the headroom would be free: 24 MB of 64 MB");
  });
});

describe("a VM that runs", () => {
  const who = vm(11, 1024, { vcpuAverage: 50 });
  const snapshot = aSnapshot([
    [host(1, 0, { cpuAverage: 50, memoryTotalMb: 4096 }), [who]],
    [host(2, 2048, { cpuAverage: 10 }), []],
    [host(3, 512), []],
  ]);

  it("has its own host ranked without it, with the memory that it has there", () => {
    const ranking = rank(snapshot, who, { rules: [cpu25] });
    expect(ranking.source).toBe(uuid(1));
    const own = ranking.places.find(({ isHere }) => isHere);
    // As things are: 50 %, and the 1024 MB that it has would be free without it.
    expect(own).toMatchObject({
      host: uuid(1),
      cpuPercentAfter: 50,
      freeBytes: 1024 * mebibyte,
      freeBytesAfter: 0,
    });
    expect(own?.harms).toMatchObject([{ kind: "breaks", value: 50 }]);
    expect(ranking.places[0]).toMatchObject({ host: uuid(2), cpuPercentAfter: 60, isHere: false });
    expect(refusals(ranking)).toEqual(["3 memory"]);
    expect(ranking.refused[0]?.reason).toBe("not enough memory: needs 1024 MB, has 512 MB free");
  });

  it("that nothing moves has its own host only, with XAPI's reason for the others", () => {
    const stuck = { ...who, immovable: "VM_HAS_VGPU (virtual GPU)" };
    const ranking = rank(snapshot, stuck);
    expect(order(ranking)).toBe("1");
    expect(ranking.refused.map(({ reason }) => reason)).toEqual([stuck.immovable, stuck.immovable]);
    const banned = rank(snapshot, who, { bannedVms: new Map([[who.uuid, "it is excluded by ann"]]) });
    expect(banned.refused).toMatchObject([{ code: "banned", reason: "it is excluded by ann" }, {}]);
  });
});

describe("who is refused", () => {
  it("each host for the first reason that holds", () => {
    const who = halted(11, 1024);
    const snapshot = aSnapshot(
      [
        [host(1, 4096, { enabled: false }), []],
        [host(2, 4096, { live: false }), []],
        [host(3, 4096, { read: false }), []],
        [host(4, 4096), []],
        [host(5, 4096), []],
        [host(6, 1000), []],
        [host(7, 1024, { placementFreeBytes: null }), []],
        [host(8, 1024), []],
      ],
      {
        halted: [who],
        infeasiblePairs: [{ vmUuid: who.uuid, hostUuid: uuid(4), reason: "VM_REQUIRES_SR (local)" }],
      },
    );
    const ranking = rank(snapshot, who, {
      bannedHosts: new Map([[uuid(5), "it is excluded by ann"]]),
      suspects: new Map([[uuid(3), "suspect: it reports 0 CPUs"]]),
    });
    expect(order(ranking)).toBe("8");
    expect(ranking.refused.map(({ code, reason }) => `${code}: ${reason}`)).toEqual([
      "absent: it is disabled (maintenance)",
      "absent: the pool says it is not alive",
      "absent: suspect: it reports 0 CPUs",
      "bar: VM_REQUIRES_SR (local)",
      "banned: it is excluded by ann",
      "memory: not enough memory: needs 1024 MB, has 1000 MB free",
      "unknown: the memory that the host has free is unknown",
    ]);
  });
});

describe("a size", () => {
  it("needs its memory and what Xen adds to it, as xapi computes it", () => {
    const examples = [
      [1, 1, 12],
      [4, 2, 37],
      [16, 8, 140],
    ] as const;
    for (const [gb, vcpus, overheadMb] of examples) {
      expect(overheadOfSize({ memoryBytes: gb * gibibyte, vcpus })).toBe(overheadMb * mebibyte);
    }
    expect(vmOfSize({ memoryBytes: gibibyte, vcpus: 1 }).placementBytes).toBe(1036 * mebibyte);
  });

  it("is ranked as any VM, its CPU counted as nothing and said so, and more vCPUs than CPUs refused", () => {
    const snapshot = aSnapshot([
      [host(1, 2048), []],
      [host(2, 4096, { cpuNum: 8 }), []],
      [host(3, 1030), []],
    ]);
    const ranking = rank(snapshot, vmOfSize({ memoryBytes: gibibyte, vcpus: 6 }), { rules: [cpu25] });
    expect(ranking).toMatchObject({ vm: null, source: null, needBytes: (1024 + 2 + 14 + 1) * mebibyte });
    expect(ranking.uncounted).toEqual([
      { subjects: ["CpuAverage"], condition: "more than mean", amount: 25 },
    ]);
    expect(order(ranking)).toBe("2");
    expect(refusals(ranking)).toEqual(["1 bar", "3 bar"]);
    expect(order(rank(snapshot, vmOfSize({ memoryBytes: gibibyte, vcpus: null })))).toBe("2 1");
    expect(noUuid).toBe("");
  });
});
