/** Laws of green computing over seeded random pools, and over days of simulated pools. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { takesPart } from "../../src/domain/deviation.ts";
import type { Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { newlyBroken } from "../../src/power/balance.ts";
import type { PackingOptions } from "../../src/power/options.ts";
import { consolidated, type GreenPlan, planGreen } from "../../src/power/plan.ts";
import type { GreenGoal } from "../../src/power/rule.ts";
import { faultsOfGathering, fewestOn, spareSumsFail } from "../support/consolidations.ts";
import { generate } from "../support/plan/pools.ts";
import { seededWorld } from "../support/power/seeded.ts";
import { green, step } from "../support/power/week.ts";

import { pools, ruleSets } from "../support/randomPools.ts";
import { someOf } from "../support/runs.ts";

const runs = { numRuns: someOf(300), seed: 20_261_125 };

interface Case {
  readonly snapshot: Snapshot;
  readonly rule: GreenGoal;
  readonly options: PackingOptions;
}

/** The pool with all measures known, almost every VM movable, and memory to spare. */
function roomy(pool: Snapshot): Snapshot {
  const extraMb = 4096;
  return {
    ...pool,
    hosts: pool.hosts.map((host) => ({
      ...host,
      cpuAverage: host.cpuAverage ?? 50,
      memoryTotalMb: (host.memoryTotalMb ?? 0) + extraMb,
      memoryFreeMb: (host.memoryFreeMb ?? 0) + extraMb,
      placementFreeBytes: (host.placementFreeBytes ?? 0) + extraMb * 1024 * 1024,
    })),
    vms: pool.vms.map((vm, v) => ({
      ...vm,
      vcpuAverage: vm.vcpuAverage ?? 10,
      vif0RxKb: vm.vif0RxKb ?? 10,
      vif0TxKb: vm.vif0TxKb ?? 10,
      immovable: v % 9 === 0 ? vm.immovable : null,
      powerState: v % 7 === 0 ? vm.powerState : "Running",
    })),
  };
}

const generated: fc.Arbitrary<Snapshot> = fc
  .record({
    hosts: fc.integer({ min: 2, max: 8 }),
    perHost: fc.integer({ min: 1, max: 9 }),
    unequal: fc.boolean(),
    hard: fc.boolean(),
    fill: fc.constantFrom(0.3, 0.5, 0.7),
    seed: fc.integer({ min: 1, max: 5000 }),
  })
  .map(({ hosts, perHost, seed, ...kind }) => {
    return generate({ ...kind, name: "", hosts, vms: hosts * perHost, rules: 0, strict: 1 }, seed).snapshot;
  });

const anyPool = fc.oneof(
  { weight: 1, arbitrary: pools },
  { weight: 3, arbitrary: pools.map(roomy) },
  { weight: 3, arbitrary: generated },
);

/** Groups, tags, a master, hosts that nothing wakes, bans. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    pool: anyPool,
    below: fc.integer({ min: 55, max: 98 }),
    percent: fc.integer({ min: 0, max: 15 }),
    spareHosts: fc.constantFrom(0, 0, 0, 1, 1, 2),
    minimumHostsOn: fc.constantFrom(1, 1, 1, 2),
    wakeless: fc.constantFrom(4, 100, 100),
    every: fc.integer({ min: 4, max: 40 }),
    balance: fc.oneof(
      { weight: 2, arbitrary: fc.constant<readonly Rule[]>([]) },
      { weight: 1, arbitrary: ruleSets },
    ),
    affinity: fc.boolean(),
  })
  .map(({ pool, below, percent, spareHosts, minimumHostsOn, wakeless, every, balance, affinity }) => {
    const vms = pool.vms.map(
      (vm, v): Vm => ({
        ...vm,
        antiAffinityGroups: v % every === 1 && !vm.isControlDomain ? ["group"] : [],
        tags: v % every === 2 && !vm.isControlDomain ? ["app"] : [],
      }),
    );
    const hosts = pool.hosts.map((host, h) => ({ ...host, isMaster: h === 0 }));
    const spare = new Map(
      vms.filter((_, v) => v % (4 * every) === 4).map(({ uuid }) => [uuid, "it is excluded"]),
    );
    return {
      snapshot: { ...pool, hosts, vms },
      rule: {
        limits: [
          { kind: "below", subject: "CpuAverage", value: below },
          { kind: "memory free", percent },
        ],
        spareHosts,
        between: null,
      },
      options: {
        headroomBytes: 16 * 1024 * 1024,
        bannedVms: spare,
        bannedPairs: new Map(),
        affinityTags: affinity ? ["app"] : [],
        canWake: ({ uuid }) => Number(uuid.slice(-4)) % wakeless !== 0,
        keepOn: new Map(),
        minimumHostsOn,
        fillFraction: 1,
        balance,
      },
    };
  });

const plan = ({ snapshot, rule, options }: Case): GreenPlan => planGreen(snapshot, rule, options);
const hostsOn = ({ hosts }: Snapshot) => hosts.filter(takesPart);

describe("a gathering", () => {
  it("makes only steps that are possible, and passes no limit at any of them", () => {
    let gatherings = 0;
    fc.assert(
      fc.property(cases, (each) => {
        const { drains } = plan(each);
        if (drains.some(({ moves }) => moves.length > 0)) gatherings++;
        expect(faultsOfGathering(each.snapshot, each.rule, each.options, drains)).toEqual([]);
      }),
      runs,
    );
    expect(gatherings).toBeGreaterThan(someOf(60));
  });

  it("never empties the master, a host that nothing wakes, or one too many", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { drains } = plan(each);
        const off = new Set(drains.map(({ host }) => host));
        const hosts = each.snapshot.hosts.filter(({ uuid }) => off.has(uuid));
        expect(hosts.every((host) => takesPart(host) && !host.isMaster && each.options.canWake(host))).toBe(
          true,
        );
        const left = hostsOn(each.snapshot).length - off.size;
        const least = Math.max(each.options.minimumHostsOn, each.rule.spareHosts + 1);
        expect(left).toBeGreaterThanOrEqual(Math.min(least, hostsOn(each.snapshot).length));
      }),
      runs,
    );
  });

  it("leaves as much room as the spare hosts have, wherever any host was emptied", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { drains } = plan(each);
        if (drains.length === 0) return;
        expect(spareSumsFail(consolidated(each.snapshot, drains), each.rule, each.options)).toEqual([]);
      }),
      runs,
    );
  });

  it("never undercuts its bounds", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { certificate } = plan(each);
        expect(certificate.hostsOn).toBeGreaterThanOrEqual(certificate.hostsBound);
        expect(certificate.costBytes).toBeGreaterThanOrEqual(certificate.boundBytes);
      }),
      runs,
    );
  });

  it("is the same whatever the order of the lists", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { hosts, vms, placements, infeasiblePairs } = each.snapshot;
        const turned = {
          ...each.snapshot,
          hosts: hosts.toReversed(),
          vms: vms.toReversed(),
          placements: placements.toReversed(),
          infeasiblePairs: infeasiblePairs.toReversed(),
        };
        expect(plan({ ...each, snapshot: turned })).toEqual(plan(each));
      }),
      runs,
    );
  });

  it("says nothing when it is carried out and asked again", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const { drains } = plan(each);
        expect(plan({ ...each, snapshot: consolidated(each.snapshot, drains) }).drains).toEqual([]);
      }),
      runs,
    );
  });

  it("breaks no balance rule among the hosts that stay on", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const after = consolidated(each.snapshot, plan(each).drains);
        expect(newlyBroken(each.snapshot, after, each.options)).toBeNull();
      }),
      runs,
    );
  });

  it("of a tiny pool leaves no fewer on than its bound says is possible at all, by trying everything", () => {
    let reached = 0;
    let tried = 0;
    fc.assert(
      fc.property(cases, (each) => {
        const tiny = withFew(each.snapshot);
        const bare = {
          ...each,
          snapshot: tiny,
          rule: { ...each.rule, spareHosts: 0 },
          options: { ...each.options, balance: [] },
        };
        const { certificate } = plan(bare);
        const fewest = fewestOn(tiny, bare.rule, bare.options);
        expect(certificate.hostsBound).toBeLessThanOrEqual(fewest);
        expect(certificate.hostsOn).toBeGreaterThanOrEqual(fewest);
        tried++;
        if (certificate.hostsOn === fewest) reached++;
      }),
      runs,
    );
    expect(reached / tried).toBeGreaterThan(0.98);
  });
});

/** At most four hosts with two VMs each. */
function withFew(snapshot: Snapshot): Snapshot {
  const hosts = snapshot.hosts.slice(0, 4);
  const counts = new Map<Uuid, number>();
  const guests = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const placements = snapshot.placements.filter(({ vmUuid, hostUuid }) => {
    if (guests.get(vmUuid)?.isControlDomain) return true;
    counts.set(hostUuid, (counts.get(hostUuid) ?? 0) + 1);
    return (counts.get(hostUuid) ?? 0) <= 2;
  });
  return { ...snapshot, hosts, placements };
}

describe("a day", () => {
  const [hosts, vms] = [5, 80];

  it("of steady load gathers once and then says nothing", () => {
    const world = seededWorld(hosts, vms, 1, true);
    const policy = green([{ subject: "CpuAverage", threshold: 15 }]);
    const minutes = (count: number) => {
      for (let minute = 0; minute < count; minute++) {
        step(world, policy);
        policy.minute(world);
      }
    };
    minutes(5 * 60);
    const { migrations, shutdowns, boots } = world;
    expect(shutdowns).toBeGreaterThan(0);
    expect(boots).toBe(0);
    minutes(8 * 60);
    expect([world.migrations, world.shutdowns, world.boots]).toEqual([migrations, shutdowns, boots]);
  });

  it("with its night puts hosts to sleep and wakes them, and a VM does not come back within the hour", () => {
    const world = seededWorld(hosts, vms, 5);
    const policy = green([{ subject: "CpuAverage", threshold: 20 }]);
    const left = new Map<string, number>();
    let at = new Map(world.guests.map((guest) => [guest.uuid, guest.host.uuid]));
    let [returns, over] = [0, 0];
    for (let minute = 0; minute < 30 * 60; minute++) {
      step(world, policy);
      policy.minute(world);
      for (const { uuid, host } of world.guests) {
        const before = at.get(uuid);
        if (before === undefined || before === host.uuid) continue;
        if (world.now - (left.get(`${uuid}>${host.uuid}`) ?? Number.NEGATIVE_INFINITY) < 3600) returns++;
        left.set(`${uuid}>${before}`, world.now);
      }
      at = new Map(world.guests.map((guest) => [guest.uuid, guest.host.uuid]));
      over += world.machines.filter((machine) => machine.power === "on" && world.demand(machine) > 90).length;
    }
    expect(world.shutdowns).toBeGreaterThan(1);
    expect(world.boots).toBeGreaterThan(0);
    expect(over).toBe(0);
    expect(returns / world.migrations).toBeLessThan(0.02);
  });
});
