/** The parts of a rehearsal: the shadow of a recorded pool, the tally, the log, and what is decided by. */
import { describe, expect, it } from "vitest";
import { assess, type DecisionInput, forecastOf } from "../../src/decide/assess.ts";
import type { Migration } from "../../src/domain/migration.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { asControl } from "../../src/rehearse/decide.ts";
import { Ledger } from "../../src/rehearse/ledger.ts";
import { controlsMoves } from "../../src/rehearse/rehearsal.ts";
import { Shadow } from "../../src/rehearse/shadow.ts";
import { Tally } from "../../src/rehearse/tally.ts";
import { parseRule } from "../../src/rules/parse.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { controlSettings } from "../support/loop/live.ts";
import { generate, type Kind } from "../support/plan/pools.ts";

const mebibyte = 1024 * 1024;
const [a, b, c] = [uuid(1), uuid(2), uuid(3)];
const cpu20: Rule = { subject: "CpuAverage", threshold: 20 };
const small = aVm({ uuid: uuid(11), vcpuNum: 2, vcpuAverage: 80, memoryMb: 1024, vif0RxKb: 100 });
const other = aVm({ uuid: uuid(12), vcpuNum: 1, vcpuAverage: 20, memoryMb: 512 });

interface Change {
  readonly on?: "a" | "b" | "c";
  readonly vm?: Partial<Vm>;
  readonly b?: Partial<Host>;
}

/** Hosts a, b and c of 4 CPUs; `small` on one of them, `other` on a. */
function pool({ on = "a", vm = {}, b: ofB = {} }: Change = {}): Snapshot {
  const guest = { ...small, ...vm };
  const on_ = (host: string) => (on === host ? [guest] : []);
  const host = (id: Uuid, cpuAverage: number) =>
    aHost({ uuid: id, cpuNum: 4, cpuAverage, memoryTotalMb: 8192, memoryFreeMb: 4096, pifEth0RxKb: 200 });
  return aSnapshot([
    [host(a, 50), [...on_("a"), other]],
    [{ ...host(b, 10), ...ofB }, on_("b")],
    [host(c, 10), on_("c")],
  ]);
}

const quiet = { cpus: 0, eth0Kb: 0 };
const byOthers = () => false;
const migration = { vm: small.uuid, source: a, destination: b };

function hostOf(snapshot: Snapshot, id: Uuid): Host {
  const host = snapshot.hosts.find(({ uuid: each }) => each === id);
  if (host === undefined) throw new Error(`no host ${id}`);
  return host;
}

const placeOf = ({ placements }: Snapshot) =>
  placements.find(({ vmUuid }) => vmUuid === small.uuid)?.hostUuid;

/** The shadow after `small` has moved from a to b, whatever the record says. */
function moved(isControls: ConstructorParameters<typeof Shadow>[0] = byOthers): Shadow {
  const shadow = new Shadow(isControls, quiet);
  shadow.at(pool(), 0);
  shadow.depart(migration);
  expect(shadow.land(migration)).toBe(true);
  return shadow;
}

describe("the shadow of a recorded pool", () => {
  it("is the record itself where nothing was moved", () => {
    expect(new Shadow(byOthers, quiet).at(pool(), 0)).toEqual(pool());
  });

  it("takes a VM's load and memory from the host it left to the host it is on", () => {
    const then = moved().at(pool(), 60);
    expect(placeOf(then)).toBe(b);
    expect([hostOf(then, a).cpuAverage, hostOf(then, b).cpuAverage]).toEqual([10, 50]);
    expect([hostOf(then, a).pifEth0RxKb, hostOf(then, b).pifEth0RxKb]).toEqual([100, 300]);
    expect([hostOf(then, a).memoryFreeMb, hostOf(then, b).memoryFreeMb]).toEqual([5120, 3072]);
    expect(hostOf(then, b).placementFreeBytes).toBe((2048 - 1024) * mebibyte);
  });

  it("carries the load that the VM has at that moment, not the one it was moved with", () => {
    const then = moved().at(pool({ vm: { vcpuAverage: 40 } }), 60);
    expect(hostOf(then, b).cpuAverage).toBe(30);
  });

  it("reserves memory on the destination and shows the VM as migrating while it is on its way", () => {
    const shadow = new Shadow(byOthers, { cpus: 0.4, eth0Kb: 1000 });
    shadow.at(pool(), 0);
    shadow.depart(migration);
    const then = shadow.at(pool(), 30);
    expect(placeOf(then)).toBe(a);
    expect(then.vms.find(({ uuid: each }) => each === small.uuid)?.migratingTo).toBe(b);
    expect(hostOf(then, b).placementFreeBytes).toBe((2048 - 1024) * mebibyte);
    expect([hostOf(then, a).cpuAverage, hostOf(then, b).cpuAverage]).toEqual([60, 20]);
    expect([hostOf(then, a).pifEth0TxKb, hostOf(then, b).pifEth0RxKb]).toEqual([1000, 1200]);
  });

  it("refuses a move that the pool would refuse", () => {
    const shadow = new Shadow(byOthers, quiet);
    shadow.at(pool(), 0);
    expect(shadow.objection(migration)).toBeNull();
    expect(shadow.objection({ ...migration, source: c })).toMatch(/not on its source/);
    shadow.at(pool({ b: { enabled: false } }), 60);
    expect(shadow.objection(migration)).toMatch(/does not serve/);
    shadow.at(pool({ b: { placementFreeBytes: 1023 * mebibyte } }), 120);
    expect(shadow.objection(migration)).toMatch(/lacks the memory/);
  });

  it("follows a VM that somebody else moved, and not one that control moved", () => {
    expect(placeOf(moved().at(pool({ on: "c" }), 60))).toBe(c);
    expect(placeOf(moved(() => true).at(pool({ on: "c" }), 60))).toBe(b);
    const untouched = new Shadow(() => true, quiet);
    untouched.at(pool(), 0);
    expect(placeOf(untouched.at(pool({ on: "c" }), 60))).toBe(a);
  });

  it("gives the VM of a host that died to where the record has it", () => {
    expect(placeOf(moved().at(pool({ b: { live: false } }), 60))).toBe(a);
  });

  it("has a VM that was halted and started again where the record has it", () => {
    const shadow = moved();
    const halted = pool({ vm: { powerState: "Halted" } });
    shadow.at({ ...halted, placements: halted.placements.filter(({ vmUuid }) => vmUuid !== small.uuid) }, 60);
    expect(placeOf(shadow.at(pool(), 120))).toBe(a);
  });

  it("takes a measure that is missing to be what it was, for five minutes", () => {
    const shadow = new Shadow(byOthers, quiet);
    shadow.at(pool(), 0);
    const cpu = (seconds: number) =>
      shadow
        .at(pool({ vm: { vcpuAverage: null } }), seconds)
        .vms.find(({ uuid: each }) => each === small.uuid)?.vcpuAverage;
    expect([cpu(60), cpu(240), cpu(360), cpu(420)]).toEqual([80, 80, 80, null]);
  });

  it("hands on the same array of places while nothing moves", () => {
    const shadow = moved();
    const record = pool();
    const first = shadow.at(record, 60);
    expect(shadow.at({ ...record }, 120).placements).toBe(first.placements);
  });
});

describe("which recorded moves were control's", () => {
  const row = {
    vm: small.uuid,
    source: a,
    destination: b,
    state: "succeeded",
    plannedAt: new Date(1000_000),
    finishedAt: new Date(1060_000),
  } as Migration;

  it("are those of its log, from their beginning until a quarter of an hour after their end", () => {
    const isControls = controlsMoves([row]);
    expect(isControls(small.uuid, b, 1030)).toBe(true);
    expect(isControls(small.uuid, b, 1900)).toBe(true);
    expect(isControls(small.uuid, b, 2000)).toBe(false);
    expect(isControls(small.uuid, b, 999)).toBe(false);
    expect(isControls(small.uuid, c, 1030)).toBe(false);
    expect(controlsMoves([{ ...row, state: "refused" }])(small.uuid, b, 1030)).toBe(false);
  });
});

describe("the tally", () => {
  const hosts = (cpu: number) => [
    aHost({ uuid: a, cpuAverage: cpu }),
    aHost({ uuid: b, cpuAverage: 0 }),
    aHost({ uuid: c, cpuAverage: 0 }),
  ];

  function tallied(values: readonly number[], everySeconds = 60): Tally {
    const tally = new Tally([cpu20], { means: true });
    values.forEach((value, index) => {
      tally.add(aSnapshot(hosts(value).map((host) => [host, []])), index * everySeconds);
    });
    return tally;
  }

  it("counts a moment until the next one, and the last one not at all", () => {
    expect(tallied([90, 90, 0, 0, 90]).violations()).toMatchObject([{ minutes: 2, sustainedMinutes: 0 }]);
  });

  it("counts stretches of five minutes and more from their beginning", () => {
    const [four, five] = [
      [90, 90, 90, 90, 0, 0],
      [90, 90, 90, 90, 90, 0, 0],
    ];
    expect(tallied(four ?? []).violations()[0]?.sustainedMinutes).toBe(0);
    expect(tallied(five ?? []).violations()[0]?.sustainedMinutes).toBe(5);
    expect(tallied([...(five ?? []), ...(four ?? [])]).violations()[0]?.sustainedMinutes).toBe(5);
  });

  it("counts minutes by the mean of ten, in which a spike of one minute is lost", () => {
    const calm = new Array<number>(20).fill(0);
    expect(tallied([...calm, 90, ...calm]).violations()).toMatchObject([{ minutes: 1, meanMinutes: 0 }]);
    expect(
      tallied([...calm, ...new Array<number>(20).fill(90)]).violations()[0]?.meanMinutes,
    ).toBeGreaterThan(10);
  });

  it("knows nothing of a gap beyond five minutes of it", () => {
    const tally = tallied([90, 90], 7200);
    expect(tally.violations()[0]?.minutes).toBe(5);
    expect(tally.hours).toBeCloseTo(5 / 60);
  });

  it("counts a rule in its hours alone, and a stretch from their beginning", () => {
    const rule = parseRule("CpuAverage > 20 BETWEEN 01:00 AND 02:00");
    if ("kind" in rule) throw new Error(rule.message);
    const tally = new Tally([rule]);
    for (let minute = 0; minute <= 240; minute++) {
      tally.add(aSnapshot(hosts(minute < 63 ? 90 : 0).map((host) => [host, []])), minute * 60);
    }
    expect(tally.violations()).toMatchObject([{ minutes: 3, sustainedMinutes: 0 }]);
  });

  it("names the hour with the most minutes", () => {
    const tally = tallied([
      ...new Array<number>(60).fill(0),
      90,
      90,
      0,
      ...new Array<number>(60).fill(0),
      90,
      0,
    ]);
    expect(tally.worstHour()).toEqual({ seconds: 3600, minutes: 2 });
    expect(tallied([0, 0, 0]).worstHour()).toBeNull();
  });
});

describe("the log of simulated migrations", () => {
  const intent = { vm: small.uuid, source: a, destination: b, rule: cpu20, memoryBytes: 110_000_000 };

  it("says what control reads of its own: open rows, recent ones, the last end, the hour's count, costs", () => {
    const ledger = new Ledger([], []);
    const id = ledger.begin(intent, "run", 7, 1000);
    expect(ledger.controlState(1030, new Set()).open).toMatchObject([
      { state: "running", plannedSecondsAgo: 30 },
    ]);
    ledger.close(id, "succeeded", 1100, 8);
    const then = ledger.controlState(1160, new Set([small.uuid]));
    expect(then.open).toEqual([]);
    expect(then.recent).toMatchObject([{ state: "succeeded", finishedSecondsAgo: 60, collectionsAtEnd: 8 }]);
    expect(then.lastEnd).toEqual({ collectionsAtEnd: 8, secondsAgo: 60 });
    expect(then.unsettled).toEqual([small.uuid]);
    expect(then.costs.pool).toMatchObject({ bytesPerSecond: 1_100_000, samples: 1 });
    expect([then.startedLastHour, ledger.startedLastHour(4600)]).toEqual([1, 0]);
    expect(ledger.controlState(1000 + 86_400, new Set()).recent).toEqual([]);
  });

  it("remembers when a host was last seen to change", () => {
    const ledger = new Ledger([], []);
    ledger.look(pool(), 1, 0);
    ledger.look(pool({ b: { enabled: false } }), 2, 60);
    ledger.look(pool({ b: { enabled: false } }), 3, 120);
    const observation = ledger.controlState(180, new Set()).observations.find(({ host }) => host === b);
    expect(observation).toMatchObject({
      collectionId: 3,
      changedSecondsAgo: 120,
      before: { collectionId: 2, guests: 0 },
    });
  });
});

describe("what a rehearsed run decides", () => {
  const kind: Kind = {
    name: "4x20",
    hosts: 4,
    vms: 20,
    unequal: true,
    fill: 0.8,
    rules: 2,
    strict: 1.2,
    hard: true,
  };
  const settings = controlSettings(["ControlPlanMilliseconds=20"]);

  /** Every second pool has a chain that asks for what follows from where the VMs are. */
  function input(seed: number): DecisionInput {
    const { snapshot, rules: thesis } = generate(kind, seed);
    const crowded = parseRule("VmCount > 2 AND CpuAverage > 5");
    if ("kind" in crowded) throw new Error(crowded.message);
    const rules = seed % 2 === 0 ? [crowded] : thesis;
    const collection = {
      id: 1,
      startedAt: new Date(0),
      finishedAt: new Date(0),
      poolUuid: snapshot.pool.uuid,
      hostsRead: 4,
      hostsUnread: 0,
      vms: 20,
      complete: true,
      durationMs: 1,
      clockSkewSeconds: 0,
    };
    const controlState = new Ledger([], []).controlState(0, new Set());
    return { stored: { snapshot, collection, ageSeconds: 1 }, samples: [], rules, unknown: [], controlState };
  }

  it("is what control decides, also where no plan was made for want of a goal", () => {
    let empty = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const known = input(seed);
      const { moves, fired } = asControl(settings)(known);
      const { plan } = forecastOf(assess(known, settings, null), settings);
      expect(moves, `seed ${seed}`).toEqual(plan?.moves);
      if (fired.length === 0) empty++;
    }
    expect(empty).toBeGreaterThan(5);
    expect(empty).toBeLessThan(55);
  });
});
