/** Chains and sums, by hand: which hosts break them, and what is done about it. */
import { describe, expect, it } from "vitest";
import { average } from "../../src/decide/samples.ts";
import { withDerived } from "../../src/domain/derived.ts";
import { evaluate, subjectValue } from "../../src/domain/deviation.ts";
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { moveLine, planLines } from "../../src/explain/report.ts";
import { planEvacuation } from "../../src/planner/evacuate/evacuate.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { Names } from "../../src/text/names.ts";
import { ChainBook } from "../support/chainBook.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { chain, rule } from "../support/rules.ts";

const options: PlanOptions = { maxMoves: 10, headroomBytes: 0, bannedVms: new Map(), bannedPairs: new Map() };
const mebibyte = 1024 * 1024;
const hostNames = ["a", "b", "c", "d"] as const;
type HostName = (typeof hostNames)[number];
const idOf = (name: HostName) => uuid(1 + hostNames.indexOf(name));

interface Load {
  readonly cpu?: number;
  readonly memoryMb?: number;
  readonly rx?: number;
  readonly tx?: number;
  readonly copyMb?: number;
}

/** Four hosts of 4 CPUs and 16 GB; each VM adds its load to its host, which has nothing else. */
function pool(loads: Partial<Record<HostName, readonly Load[]>>, fields: Partial<Host> = {}): Snapshot {
  return aSnapshot(
    hostNames.map((name, h): readonly [Host, readonly Vm[]] => {
      const vms = (loads[name] ?? []).map((load, v) =>
        aVm({
          uuid: uuid(100 * (h + 1) + v),
          name: `${name}${v}`,
          vcpuNum: 4,
          vcpuAverage: load.cpu ?? 0,
          memoryMb: load.memoryMb ?? 100,
          vif0RxKb: load.rx ?? 0,
          vif0TxKb: load.tx ?? 0,
          copyBytes: (load.copyMb ?? load.memoryMb ?? 100) * mebibyte,
        }),
      );
      const sum = (of: (vm: Vm) => number | null) => vms.reduce((all, vm) => all + (of(vm) ?? 0), 0);
      const free = 16_384 - sum((vm) => vm.memoryMb);
      const host = aHost({
        uuid: idOf(name),
        name,
        cpuAverage: sum((vm) => vm.vcpuAverage),
        memoryTotalMb: 16_384,
        memoryFreeMb: free,
        placementFreeBytes: free * mebibyte,
        pifEth0RxKb: sum((vm) => vm.vif0RxKb),
        pifEth0TxKb: sum((vm) => vm.vif0TxKb),
        ...fields,
      });
      return [host, vms];
    }),
  );
}

function plan(snapshot: Snapshot, rules: readonly Rule[], extra: Partial<PlanOptions> = {}) {
  const made = planMigrations(snapshot, rules, { ...options, ...extra });
  const book = new ChainBook(snapshot, rules, 0);
  expect(made.moves.flatMap((move) => book.move(move))).toEqual([]);
  return made;
}

const breakers = (snapshot: Snapshot, one: Rule) =>
  evaluate(withDerived(snapshot).hosts, one)
    .verdicts.filter(({ broken }) => broken)
    .map(({ hostUuid }) => snapshot.hosts.find(({ uuid: each }) => each === hostUuid)?.name);

/** "both the CPU and the memory pass a threshold" */
const first = rule("CpuAverage > 25 AND OccupiedMemoryMb > 2000");
/** "incoming plus outgoing traffic" */
const second = rule("PifEth0RxKb + PifEth0TxKb > 500");

describe("the thesis' first example: CPU and memory together", () => {
  const busy = { cpu: 30, memoryMb: 100 };
  const large = { cpu: 5, memoryMb: 3000 };

  it("is kept where no term is past: nothing is done", () => {
    const snapshot = pool({ a: [{ cpu: 20 }], b: [{ cpu: 10 }], c: [{ cpu: 10 }], d: [] });
    expect(breakers(snapshot, first)).toEqual([]);
    expect(plan(snapshot, [first]).moves).toEqual([]);
  });

  it("is kept where the CPU alone is past, which would break a rule of its own", () => {
    const snapshot = pool({ a: [busy, busy], b: [], c: [], d: [] });
    expect(breakers(snapshot, rule("CpuAverage > 25"))).toEqual(["a"]);
    expect(breakers(snapshot, first)).toEqual([]);
    expect(plan(snapshot, [first]).moves).toEqual([]);
  });

  it("is kept where the memory alone is past", () => {
    const snapshot = pool({ a: [large, large], b: [], c: [], d: [] });
    expect(breakers(snapshot, rule("OccupiedMemoryMb > 2000"))).toEqual(["a"]);
    expect(breakers(snapshot, first)).toEqual([]);
    expect(plan(snapshot, [first]).moves).toEqual([]);
  });

  it("is kept by a pool in which one host is past the one and another past the other", () => {
    const snapshot = pool({ a: [busy, busy], b: [large, large], c: [], d: [] });
    expect(breakers(snapshot, first)).toEqual([]);
    expect(plan(snapshot, [first]).moves).toEqual([]);
  });

  it("is broken where both are past, and cured by the cheaper of the two: here a busy, small VM", () => {
    const snapshot = pool({ a: [busy, busy, large, large], b: [], c: [], d: [] });
    expect(breakers(snapshot, first)).toEqual(["a"]);
    const { moves, after, certificate, unresolved } = plan(snapshot, [first]);
    expect(moves.map(({ vm, copyBytes }) => [vm, (copyBytes ?? 0) / mebibyte])).toEqual(
      [
        [uuid(100), 100],
        [uuid(101), 100],
      ].slice(0, moves.length),
    );
    expect(certificate).toMatchObject({ kind: "optimal", costBytes: moves.length * 100 * mebibyte });
    expect(after[0]?.verdicts.every(({ broken }) => !broken)).toBe(true);
    expect(unresolved).toEqual([]);
  });

  it("is cured by memory where that is cheaper", () => {
    const costly = { cpu: 30, memoryMb: 100, copyMb: 8000 };
    const cheap = { cpu: 5, memoryMb: 3000, copyMb: 200 };
    const { moves } = plan(pool({ a: [costly, costly, cheap, cheap], b: [], c: [], d: [] }), [first]);
    expect(moves.length).toBeGreaterThan(0);
    expect(new Set(moves.map(({ copyBytes }) => (copyBytes ?? 0) / mebibyte))).toEqual(new Set([200]));
    expect(moves[0]?.term).toBe(1);
  });

  it("does not put on a host what makes it break the chain, though either term alone may pass there", () => {
    // b is past the memory term already: a busy VM may go there only if CPU stays under.
    const snapshot = pool({
      a: [busy, busy, busy, large, large],
      b: [{ cpu: 40, memoryMb: 9000 }],
      c: [{ cpu: 40 }],
      d: [{ cpu: 40 }],
    });
    const { moves } = plan(snapshot, [first]);
    expect(moves.length).toBeGreaterThan(0);
  });
});

describe("the thesis' second example: incoming plus outgoing traffic", () => {
  it("is broken by the sum where neither part would be", () => {
    const half = { rx: 225, tx: 225 };
    const snapshot = pool({ a: [half, half], b: [], c: [], d: [] });
    expect(breakers(snapshot, rule("PifEth0RxKb > 500"))).toEqual([]);
    expect(breakers(snapshot, rule("PifEth0TxKb > 500"))).toEqual([]);
    expect(breakers(snapshot, second)).toEqual(["a"]);
    const { moves, after } = plan(snapshot, [second]);
    expect(moves).toHaveLength(1);
    expect(after[0]?.verdicts.every(({ broken }) => !broken)).toBe(true);
  });

  it("is kept where much comes in and nothing goes out, as long as the sum is small", () => {
    const snapshot = pool({ a: [{ rx: 600, tx: 0 }], b: [], c: [], d: [] });
    expect(breakers(snapshot, second)).toEqual([]);
    expect(plan(snapshot, [second]).moves).toEqual([]);
  });

  it("joins a chain", () => {
    const both = rule("CpuAverage > 25 AND PifEth0RxKb + PifEth0TxKb > 500");
    const traffic = { rx: 450, tx: 450 };
    expect(breakers(pool({ a: [traffic] }), both)).toEqual([]);
    expect(breakers(pool({ a: [{ cpu: 50 }] }), both)).toEqual([]);
    const snapshot = pool({ a: [{ cpu: 50 }, traffic] });
    expect(breakers(snapshot, both)).toEqual(["a"]);
    expect(plan(snapshot, [both]).unresolved).toEqual([]);
  });
});

describe("conditions of the host itself", () => {
  it("keep a pool alone whose busiest host is not busy", () => {
    const guarded = rule("CpuAverage > 10 AND CpuAverage ABOVE 60");
    const idle = pool({ a: [{ cpu: 30 }], b: [], c: [], d: [] });
    expect(breakers(idle, rule("CpuAverage > 10"))).toEqual(["a"]);
    expect(breakers(idle, guarded)).toEqual([]);
    const busy = pool({ a: [{ cpu: 40 }, { cpu: 30 }], b: [], c: [], d: [] });
    expect(breakers(busy, guarded)).toEqual(["a"]);
    const { moves, after } = plan(busy, [guarded]);
    expect(moves).toHaveLength(1);
    expect(after[0]?.verdicts[0]?.broken).toBe(false);
  });

  it("free memory under a limit is cured by VMs that leave", () => {
    const scarce = rule("MemoryFreeMb BELOW 4096");
    const snapshot = pool({ a: [{ memoryMb: 9000 }, { memoryMb: 4000 }], b: [], c: [], d: [] });
    expect(breakers(snapshot, scarce)).toEqual(["a"]);
    const { moves, after } = plan(snapshot, [scarce]);
    expect(moves.map(({ sourceBefore, sourceAfter }) => [sourceBefore, sourceAfter])).toEqual([[3384, 7384]]);
    expect(after[0]?.verdicts.map(({ broken }) => broken)).toEqual([false, false, false, false]);
  });

  it("a condition that no VM changes decides whether anything is done at all", () => {
    const hot = rule("CpuAverage > 20 AND loadavg ABOVE 2");
    const snapshot = pool({ a: [{ cpu: 30 }, { cpu: 30 }], b: [], c: [], d: [] });
    const measured = (load: number): Snapshot => ({
      ...snapshot,
      hosts: snapshot.hosts.map((host) => ({ ...host, sources: { loadavg: load } })),
    });
    expect(plan(measured(1), [hot]).moves).toEqual([]);
    expect(plan(measured(3), [hot]).moves).toHaveLength(1);
    // Nobody has measured it: the chain judges nobody, and stands in no other rule's way.
    expect(plan(snapshot, [hot]).moves).toEqual([]);
    expect(plan(snapshot, [hot, rule("CpuAverage > 25")]).moves).toHaveLength(1);
  });

  it("a host that becomes idle enough by what leaves it is not made to break the chain", () => {
    const wasteful = rule("OccupiedMemoryMb > 1000 AND CpuAverage BELOW 15");
    const snapshot = pool({
      a: [{ cpu: 30 }, { cpu: 14, memoryMb: 5000 }],
      b: [{ cpu: 20 }],
      c: [{ cpu: 20 }],
      d: [{ cpu: 5 }],
    });
    expect(breakers(snapshot, wasteful)).toEqual([]);
    const narrow = rule("CpuAverage > 10");
    expect(breakers(snapshot, narrow)).toEqual(["a"]);
    // The small VM must stay: without it the host has much memory in use and little to do.
    const { moves } = plan(snapshot, [narrow, wasteful]);
    expect(moves.map(({ vm }) => vm)).toEqual([uuid(101)]);
  });
});

describe("further subjects", () => {
  it("VMs are counted, each as one, control domains not", () => {
    const crowd = rule("VmCount > 2");
    const snapshot = pool({ a: [{}, {}, {}, {}, {}], b: [{}], c: [], d: [] });
    expect(withDerived(snapshot).hosts.map((host) => subjectValue(host, "VmCount"))).toEqual([5, 1, 0, 0]);
    const { moves, after } = plan(snapshot, [crowd]);
    expect(moves).toHaveLength(2);
    expect(after[0]?.verdicts.map(({ value }) => value).sort()).toEqual([1, 1, 1, 3].sort());
    const withDom0 = aSnapshot([[aHost({ uuid: uuid(1) }), [aVm({ uuid: uuid(5), isControlDomain: true })]]]);
    expect(withDerived(withDom0).hosts[0]?.derived?.["VmCount"]).toBe(0);
  });

  it("CPU time that VMs waited for is that of their CPUs, in percent of the host's; unknown of one is unknown of all", () => {
    const waiting = (cpuWait: number | null, vcpuNum = 2) =>
      aVm({ uuid: uuid(50 + vcpuNum), vcpuNum, cpuWait });
    const of = (...vms: Vm[]) =>
      withDerived(aSnapshot([[aHost({ uuid: uuid(1), cpuNum: 8 }), vms]])).hosts[0]?.derived?.["CpuWait"];
    expect(of(waiting(40, 2), waiting(10, 4))).toBe((40 * 2 + 10 * 4) / 8);
    expect(of(waiting(40, 2), waiting(null, 4))).toBeNull();
    expect(of(aVm({ uuid: uuid(60) }))).toBeNull();
    expect(of()).toBeNull();
  });

  it("VMs that wait for CPUs are moved to where they need not", () => {
    const placed = pool({ a: [{ cpu: 20 }, { cpu: 20 }, { cpu: 20 }], b: [{}], c: [{}], d: [{}] });
    const snapshot = {
      ...placed,
      vms: placed.vms.map((vm) => ({ ...vm, cpuWait: vm.name.startsWith("a") ? 12 : 0 })),
    };
    const wait = rule("CpuWait > 10");
    expect(breakers(snapshot, wait)).toEqual(["a"]);
    const { moves, after } = plan(snapshot, [wait]);
    expect(moves).toHaveLength(2);
    expect(after[0]?.verdicts.every(({ broken }) => !broken)).toBe(true);
  });

  it("where the pool records no waiting the rule judges nobody and holds no VM", () => {
    const snapshot = pool({ a: [{ cpu: 30 }, { cpu: 30 }], b: [], c: [], d: [] });
    const { moves, before } = plan(snapshot, [rule("CpuWait > 10"), rule("CpuAverage > 25")]);
    expect(moves).toHaveLength(1);
    expect(before[0]?.verdicts).toEqual([]);
    expect(before[0]?.missing).toHaveLength(4);
  });
});

describe("what is said of chains", () => {
  const snapshot = pool({ a: [{ cpu: 30 }, { cpu: 30, memoryMb: 6000 }], b: [], c: [], d: [] });
  const named = chain('CpuAverage > 25 AND OccupiedMemoryMb > 2000 NAME "both" FOR 2 OF 3');
  const stored = {
    snapshot,
    ageSeconds: 5,
    collection: {
      id: 1,
      startedAt: new Date(0),
      finishedAt: new Date(0),
      poolUuid: snapshot.pool.uuid,
      hostsRead: 4,
      hostsUnread: 0,
      vms: 2,
      complete: true,
      durationMs: 1,
      clockSkewSeconds: null,
    },
  };
  const assessment = { stored, sampling: { samples: 1, spanSeconds: 0 }, suppressed: () => null };

  it("a plan tells each term of each host, and the term that each move lowers", () => {
    const made = plan(snapshot, [named]);
    const lines = planLines(assessment, made);
    expect(lines).toContain(
      "Rule both: CpuAverage more than 25 % above the mean and OccupiedMemoryMb more than 2000 MB above the mean (in 2 of 3 samples): CpuAverage mean 15 %, limit 40; OccupiedMemoryMb mean 1525 MB, limit 3525, 1 of 4 hosts past all of it",
    );
    expect(lines).toContain(
      "  a: CpuAverage 60 (+45), OccupiedMemoryMb 6100 (+4575) BREAKS IT -> CpuAverage 30 (+15), OccupiedMemoryMb 6000 (+4475)",
    );
    expect(made.moves.map((move) => moveLine(move, new Names(snapshot)))).toEqual([
      expect.stringMatching(
        /^a0: a -> [bcd]; CpuAverage a 60 -> 30, [bcd] 0 -> 30 \(mean 15 %, allowed 25 above it\); 100 MB to copy, /,
      ),
    ]);
    expect(made.moves[0]?.reason).toBe("a is 45 % above the mean of CpuAverage, 25 are allowed");
  });

  it("what stays broken is told by the term that is nearest to being kept", () => {
    const pinned: Snapshot = {
      ...snapshot,
      vms: snapshot.vms.map((vm) => ({ ...vm, immovable: "VM_HAS_VGPU" })),
    };
    const made = plan(pinned, [named]);
    expect(made.unresolved).toMatchObject([{ host: uuid(1), value: 60, mean: 15, proved: true }]);
    expect(planLines(assessment, made)).toContain(
      "a stays 45 % above the mean of CpuAverage (allowed 25) and past every other term of both: nothing can clear it: of its 2 VMs 2 cannot be moved",
    );
  });

  it("an evacuation names the chain that it breaks on another host", () => {
    const tight = pool({ a: [{ cpu: 60, memoryMb: 6000 }], b: [{ cpu: 30, memoryMb: 3000 }], c: [], d: [] });
    const only = {
      ...tight,
      hosts: tight.hosts.map((host) => ({ ...host, enabled: ["a", "b", "c"].includes(host.name) })),
    };
    const all = rule("CpuAverage > 10 AND OccupiedMemoryMb > 10");
    const made = planEvacuation(only, [all], uuid(1), options);
    expect(made.stays).toEqual([]);
    expect(made.harms.length).toBeGreaterThan(0);
    expect(made.harms[0]?.rule).toBe(all);
  });
});

describe("samples of chains", () => {
  const of = (cpu: number, memoryMb: number) => pool({ a: [{ cpu, memoryMb }], b: [], c: [], d: [] });
  const both = of(60, 6000);
  const none = of(10, 100);

  it("count how often a host was past every term at once, not each at some time", () => {
    const { breaches } = average(both, [of(60, 100), of(10, 6000), both], [first]);
    expect(breaches(idOf("a"), first)).toEqual({ broken: 2, of: 4 });
  });

  it("are as many as the rule names itself, whatever the others count", () => {
    const five = rule("CpuAverage > 25 AND OccupiedMemoryMb > 2000 FOR 4 OF 5");
    const plain = rule("CpuAverage > 25");
    const past = [both, none, both, both, both, both];
    const { breaches, samples } = average(both, past, [five, plain], 3);
    expect(samples).toBe(3);
    expect(breaches(idOf("a"), five)).toEqual({ broken: 4, of: 5 });
    expect(breaches(idOf("a"), plain)).toEqual({ broken: 2, of: 3 });
  });

  it("average data sources and waiting as they average loads", () => {
    const at = (load: number, cpuWait: number): Snapshot => ({
      ...both,
      hosts: both.hosts.map((host) => ({ ...host, sources: { loadavg: load } })),
      vms: both.vms.map((vm) => ({ ...vm, cpuWait })),
    });
    const rules = [rule("CpuWait > 3 AND loadavg ABOVE 1")];
    const { snapshot } = average(at(3, 30), [at(0, 0)], rules);
    expect(snapshot.hosts[0]?.sources?.["loadavg"]).toBeCloseTo(2.25, 9);
    expect(snapshot.vms[0]?.cpuWait).toBeCloseTo(22.5, 9);
    expect(snapshot.hosts[0]?.derived?.["CpuWait"]).toBeCloseTo(22.5, 9);
    expect(snapshot.hosts[0]?.derived?.["VmCount"]).toBe(1);
  });
});
