/** Rankings by hand: small pools in which the best host for a VM is known, and why. */
import { describe, expect, it } from "vitest";
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import { noOptions, type Rule, type ServeRule } from "../../src/domain/rule.ts";
import { noUuid, overheadOfSize, vmOfSize } from "../../src/domain/vmSize.ts";
import { rankHosts } from "../../src/planner/place/rank.ts";
import type { Ranking, RankOptions } from "../../src/planner/place/ranking.ts";
import type { Demand } from "../../src/planner/plan.ts";
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

describe("a rule that serves VMs", () => {
  const rule: ServeRule = { serve: "CPU", worth: 1, overMinutes: 60, ...noOptions };
  const who = halted(11, 256);
  const steady = (cpus: number): Demand => ({ means: [cpus], variance: 0 });
  /** Hosts of 4 CPUs, each with a guest that wants so many of them; what they measure says nothing of it. */
  const ranked = (
    wanted: readonly Demand[],
    demand: Demand | null,
    extra: Partial<RankOptions> = {},
    fields: (n: number) => Partial<Host> = () => ({}),
  ): Ranking =>
    rank(
      aSnapshot(
        wanted.map((_, n) => [host(n + 1, 4096, fields(n)), [vm(21 + n, 256)]] as const),
        { halted: [who] },
      ),
      who,
      {
        serve: { rule, demands: new Map(wanted.map((each, n) => [uuid(21 + n), each])) },
        demand,
        ...extra,
      },
    );

  it("puts the VM where least is short with it there: by hand, one CPU too few for an hour is 60 CPU-minutes", () => {
    // With the VM's 1 CPU: 4.5, 3 and 5.5 wanted of 4.
    const { places, serve } = ranked([steady(3.5), steady(2), steady(4.5)], steady(1));
    expect(places.map(({ host: at, grade }) => `${at.slice(-1)} ${grade}`)).toEqual([
      "2 keeps",
      "1 short",
      "3 short",
    ]);
    expect(places.map((place) => place.serve)).toEqual([
      { shortageBefore: 0, shortageAfter: 0 },
      { shortageBefore: 0, shortageAfter: 30 },
      { shortageBefore: 30, shortageAfter: 90 },
    ]);
    expect(places.map(({ reasons }) => reasons[0])).toEqual([
      "no CPUs are expected to be short in the next hour",
      "30 CPU-minutes short in the next hour with it there (SERVE CPU)",
      "90 CPU-minutes short in the next hour with it there, 60 of them because of it (SERVE CPU)",
    ]);
    expect(serve).toEqual({ rule, toleratedMinutes: 5, wantedCpus: 1, spreadCpus: 0 });
  });

  it("counts how uncertain it is what is wanted: at the mean itself 0.4 deviations are expected to be short", () => {
    // 3 + 1 of 4 CPUs, with a variance of 0.64 + 0.36: 1 / sqrt(2 pi) of a CPU, 23.9 minutes; 2 + 1: 0.0833 of one, 5.0.
    const uncertain = ranked(
      [
        { means: [3], variance: 0.64 },
        { means: [2], variance: 0.64 },
      ],
      { means: [1], variance: 0.36 },
    );
    expect(order(uncertain)).toBe("2 1");
    expect(uncertain.places[0]?.serve?.shortageAfter).toBeCloseTo(5.0, 2);
    expect(uncertain.places[1]?.serve?.shortageAfter).toBeCloseTo(60 / Math.sqrt(2 * Math.PI), 3);
    // Of two halves of an hour only one lacks a CPU: 30 minutes.
    const halves = ranked([{ means: [2, 4], variance: 0 }], { means: [1, 1], variance: 0 });
    expect(halves.places[0]?.serve?.shortageAfter).toBe(30);
  });

  it("is nothing that a host is called short by while the rule would move nothing for it: 5 GB at a worth of 1", () => {
    // 4 CPUs and 4 minutes of an hour; 5 minutes and more are short.
    const at = (minutes: number) => ranked([steady(4)], steady(minutes / 60)).places[0];
    expect(at(4)).toMatchObject({ grade: "keeps" });
    expect(at(4)?.reasons[0]).toBe("4 CPU-minutes short in the next hour with it there (SERVE CPU)");
    expect(at(5.1)).toMatchObject({ grade: "short" });
    expect(at(4)?.score).toBeGreaterThan(60);
    expect(at(5.1)?.score).toBeLessThan(61);
    expect(at(5.1)?.score).toBeGreaterThan(45);
  });

  it("is behind rules that balance, headroom and groups, as in plans, and before the home server", () => {
    const short = [steady(4), steady(2)];
    const home = ranked(short, steady(1), { homeServer: uuid(1) });
    expect(order(home)).toBe("2 1");
    // What a host is busy with beside its VMs is wanted, too: 3.6 and 2 CPUs are more than 4 already.
    const hot = ranked(short, steady(1), {}, (n) => (n === 1 ? { cpuAverage: 90 } : {}));
    expect(order(hot)).toBe("1 2");
    expect(hot.places[1]?.serve?.shortageBefore).toBeCloseTo(96, 9);
    const rules = [cpu25];
    const broken = rank(
      aSnapshot(
        [
          [host(1, 4096, { cpuAverage: 0 }), [vm(21, 256)]],
          [host(2, 4096, { cpuAverage: 90 }), [vm(22, 256)]],
        ],
        { halted: [{ ...who, vcpuAverage: 10 }] },
      ),
      { ...who, vcpuAverage: 10 },
      {
        rules,
        serve: { rule, demands: new Map([[uuid(21), steady(4)]]) },
        demand: steady(1),
      },
    );
    expect(broken.places.map(({ grade }) => grade)).toEqual(["short", "breaks"]);
    const tight = ranked(short, steady(1), { headroomBytes: 3900 * mebibyte }, (n) =>
      n === 0 ? { placementFreeBytes: 8192 * mebibyte } : {},
    );
    expect(tight.places.map(({ grade }) => grade)).toEqual(["short", "crowds"]);
  });

  it("has a VM that runs taken off its host first, and says where nothing is known of what one would want", () => {
    const runs = vm(31, 256, { vcpuAverage: 100 });
    const demands = new Map([[runs.uuid, steady(3)]]);
    // It uses the host's 4 CPUs and wants 3 in the hour to come: nothing is busy beside it.
    const ranking = rank(
      aSnapshot([
        [host(1, 4096, { cpuAverage: 100 }), [runs]],
        [host(2, 4096, { cpuAverage: 75 }), [vm(32, 256)]],
      ]),
      runs,
      { serve: { rule, demands } },
    );
    // At home its 3 CPUs are all; on the other 3 are busy already, and two are missing.
    expect(ranking.places.map((place) => [place.host, place.serve])).toEqual([
      [uuid(1), { shortageBefore: 0, shortageAfter: 0 }],
      [uuid(2), { shortageBefore: 0, shortageAfter: 120 }],
    ]);
    const unknown = ranked([steady(5), steady(2)], null);
    expect(unknown.serve).toMatchObject({ wantedCpus: null, spreadCpus: null });
    expect(unknown.places.map(({ host: at, grade }) => `${at.slice(-1)} ${grade}`)).toEqual([
      "2 keeps",
      "1 keeps",
    ]);
    expect(unknown.places[1]?.reasons[0]).toBe(
      "60 CPU-minutes short in the next hour with it there or not (SERVE CPU)",
    );
  });

  it("changes nothing where there is none: the headroom alone tells such hosts apart", () => {
    const without = rank(
      aSnapshot(
        [
          [host(1, 300), [vm(21, 256)]],
          [host(2, 4096, { cpuAverage: 50 }), [vm(22, 256)]],
        ],
        { halted: [who] },
      ),
      who,
    );
    expect(without).toMatchObject({ serve: null });
    expect(without.places.map(({ host: at, grade, serve }) => [at, grade, serve])).toEqual([
      [uuid(2), "keeps", null],
      [uuid(1), "crowds", null],
    ]);
  });
});
