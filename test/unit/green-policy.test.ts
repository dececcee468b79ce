/** What green computing does next with each host, and why. */

import { describe, expect, it } from "vitest";
import type { HostState } from "../../src/domain/hostPower.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { type Decision, decide } from "../../src/power/policy.ts";
import { advance, observe } from "../../src/power/states.ts";
import { uuid } from "../support/fixtures.ts";
import {
  aGreenPool,
  aView,
  emptyHost,
  greenOptions,
  greenRule,
  now,
  off,
  type Sketch,
  steady,
} from "../support/greenPools.ts";

const small: Sketch = { vms: [40, 40] };
const hour = 3600;
const drainingSince = (seconds: number, left = 2): HostState => ({
  kind: "draining",
  since: now - seconds,
  left,
  progressAt: now - seconds,
});
const asleep = (index: number, seconds: number): HostState => ({
  kind: "asleep",
  since: now - seconds,
  empty: emptyHost(index),
});
const waking = (index: number, seconds: number): HostState =>
  ({ ...asleep(index, seconds), kind: "waking" }) as HostState;
const cpu: Rule = { subject: "CpuAverage", threshold: 20 };

/** "drain 3" for each step, by the number of the host. */
function told({ steps }: Decision): string[] {
  return steps.map(({ kind, host }) => `${kind} ${Number(host.slice(-4)) - 1}`);
}

describe("going to sleep", () => {
  it("a pool that was quiet for the whole window empties one host, the cheapest, and never the master", () => {
    const pool = aGreenPool([{ vms: [10] }, small, { vms: [30] }, small]);
    const decision = decide(aView(steady(pool)), greenRule, greenOptions);
    expect(told(decision)).toEqual(["drain 2"]);
    expect(decision.reason).toContain("1 of 4 hosts is enough");
    expect(decision.reason).toContain("host xen3 is the cheapest to empty: 1 VM, 2 GiB, to 1 host");
  });

  it("a window that is not full yet lets no host sleep", () => {
    const pool = aGreenPool([small, small, small]);
    const decision = decide(aView(steady(pool, 20)), greenRule, greenOptions);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toBe("the snapshots do not reach over the last 40 min");
  });

  it("a load that was high in half of the window keeps a host on: its mean and its variance together", () => {
    const busy = aGreenPool([{ vms: [350] }, { vms: [350] }]);
    const quiet = aGreenPool([{ vms: [40] }, { vms: [40] }]);
    const snapshots = steady(quiet).map((each, i) => (i % 2 === 0 ? { ...each, snapshot: busy } : each));
    expect(told(decide(aView(steady(quiet)), greenRule, greenOptions))).toEqual(["drain 1"]);
    const decision = decide(aView(snapshots), greenRule, greenOptions);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toContain(
      "host xen2 is not emptied: with the margin of a drain that copies much its VMs find no places",
    );
  });

  it("a host with little to copy is emptied with less margin than one with much", () => {
    const at = (loads: readonly [number, number], vmMb: number) =>
      aGreenPool([{ vms: [loads[0]] }, { vms: [loads[1]], vmMb }]);
    const varying = (vmMb: number) =>
      steady(at([40, 380], vmMb)).map((each, i) =>
        i % 2 === 0 ? { ...each, snapshot: at([380, 40], vmMb) } : each,
      );
    const much = decide(aView(varying(2048)), greenRule, greenOptions);
    expect(much.reason).toContain("with the margin of a drain that copies much its VMs find no places");
    expect(told(decide(aView(varying(256)), greenRule, greenOptions))).toEqual(["drain 1"]);
  });

  it("while load rises that the rest could not hold soon, nothing is emptied", () => {
    const at = (load: number) => aGreenPool([{ vms: [load] }, { vms: [load] }]);
    const snapshots = steady(at(100)).map((each, i) => ({
      ...each,
      snapshot: at(Math.max(100, 100 + 12 * (i - 30))),
    }));
    const decision = decide(aView(snapshots), greenRule, greenOptions);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toContain("CpuAverage BELOW 70 would soon need");
  });

  it("a host that has not been on for twenty minutes stays on", () => {
    const pool = aGreenPool([small, small]);
    const states = { 1: { kind: "on", since: now - 15 * 60 } as const };
    const decision = decide(aView(steady(pool), states), greenRule, greenOptions);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toContain("1 host has not been on for long enough");
  });

  it("just after a host was woken or taken back nothing sleeps", () => {
    const pool = aGreenPool([small, small, small]);
    const states = { 1: { kind: "on", since: now - 4 * 60 } as const };
    const decision = decide(aView(steady(pool), states), greenRule, greenOptions);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toBe("host xen2 was needed 4 min ago: nothing is put to sleep");
  });

  it("hosts without a power-on mode, excluded ones and those with a VM that cannot move stay on", () => {
    const pool = aGreenPool([
      small,
      { ...small, fields: { powerOnMode: "" } },
      small,
      { ...small, vmFields: { immovable: "VM_HAS_VGPU" } },
    ]);
    const options = { ...greenOptions, keepOn: new Map([[uuid(3), "it is excluded"]]) };
    expect(decide(aView(steady(pool)), greenRule, options).steps).toEqual([]);
  });

  it("as many hosts stay on as the settings say, and as spares and HA ask for", () => {
    const pool = aGreenPool([{ vms: [10] }, { vms: [10] }, { vms: [10] }]);
    const least = (hosts: number) => ({ ...greenOptions, minimumHostsOn: hosts });
    expect(decide(aView(steady(pool)), greenRule, least(2)).steps).toHaveLength(1);
    expect(decide(aView(steady(pool)), greenRule, least(3)).steps).toEqual([]);
    expect(decide(aView(steady(pool)), { ...greenRule, spareHosts: 2 }, greenOptions).steps).toEqual([]);
    const ha = { ...pool, pool: { ...pool.pool, haEnabled: true } };
    const tolerant = { ...greenOptions, haFailuresToTolerate: 2 };
    expect(decide(aView(steady(ha)), greenRule, tolerant).steps).toEqual([]);
    expect(decide(aView(steady(pool)), greenRule, tolerant).steps).toHaveLength(1);
  });
});

describe("a drain", () => {
  const halfway = aGreenPool([small, { ...small, fields: { enabled: false } }, small]);

  it("goes on with what is still there, and no other host is emptied beside it", () => {
    const decision = decide(aView(steady(halfway), { 1: drainingSince(60) }), greenRule, greenOptions);
    expect(told(decision)).toEqual(["drain 1"]);
    expect(decision.reason).toBe("host xen2 is being emptied: 2 VMs are still on it");
  });

  it("waits for migrations that go on, and plans the rest", () => {
    const pool = aGreenPool([small, { ...small, fields: { enabled: false } }, small]);
    const vms = pool.vms.map((vm) => (vm.uuid === uuid(200) ? { ...vm, migratingTo: uuid(1) } : vm));
    const [step] = decide(
      aView(steady({ ...pool, vms }), { 1: drainingSince(60) }),
      greenRule,
      greenOptions,
    ).steps;
    expect(step?.kind === "drain" ? step.drain.moves.map(({ vm }) => vm) : null).toEqual([uuid(201)]);
  });

  it("ends with the shutdown of the empty host, if it is disabled", () => {
    const empty = (enabled: boolean) => aGreenPool([small, { fields: { enabled } }, small]);
    const states = { 1: drainingSince(60, 0) };
    expect(told(decide(aView(steady(empty(false)), states), greenRule, greenOptions))).toEqual([
      "shut down 1",
    ]);
    expect(told(decide(aView(steady(empty(true)), states), greenRule, greenOptions))).toEqual(["drain 1"]);
  });

  it("from which nothing has gone for too long is taken back", () => {
    const decision = decide(aView(steady(halfway), { 1: drainingSince(16 * 60) }), greenRule, greenOptions);
    expect(told(decision)).toEqual(["take back 1"]);
    expect(decision.reason).toContain("no VM has left it for 16 min; 2 VMs are still there");
  });

  it("is taken back when its VMs find no place any more", () => {
    const full = { vms: [320, 320] };
    const pool = aGreenPool([full, { vms: [200], fields: { enabled: false } }, full]);
    const decision = decide(aView(steady(pool), { 1: drainingSince(60, 1) }), greenRule, greenOptions);
    expect(told(decision)).toEqual(["take back 1"]);
    expect(decision.reason).toContain("its 1 VM finds no place within the limits any more");
  });

  it("is taken back when load needs the host, before a sleeping one is woken", () => {
    const pool = aGreenPool([
      { vms: [620] },
      { fields: { enabled: false } },
      { vms: [620] },
      { fields: off },
    ]);
    const states = { 1: drainingSince(60, 0), 3: asleep(3, hour) };
    const decision = decide(aView(steady(pool), states), { ...greenRule, spareHosts: 1 }, greenOptions);
    expect(told(decision)).toEqual(["take back 1"]);
    expect(decision.reason).toContain("CpuAverage BELOW 70: the load of the last 5 min needs");
  });

  it("is taken back when somebody enabled its host, or when that died", () => {
    const enabled = decide(
      aView(steady(aGreenPool([small, small])), {
        1: { ...drainingSince(60), since: now - hour } as HostState,
      }),
      greenRule,
      greenOptions,
    );
    expect(enabled.reason).toBe("host xen2 is taken back: somebody enabled it");
    const dead = aGreenPool([small, { ...small, fields: { enabled: false, live: false } }]);
    const decision = decide(aView(steady(dead), { 1: drainingSince(60) }), greenRule, greenOptions);
    expect(decision.reason).toBe("host xen2 is taken back: the pool says it is not alive");
  });

  it("is remembered: progress counts only when fewer VMs are there", () => {
    const states = new Map([[uuid(2), drainingSince(300, 3)]]);
    const seen = observe(states, halfway, now);
    expect(seen.get(uuid(2))).toEqual({ kind: "draining", since: now - 300, left: 2, progressAt: now });
    expect(observe(seen, halfway, now + 60)).toEqual(seen);
  });
});

describe("waking", () => {
  const busy = aGreenPool([{ vms: [340, 340] }, { vms: [325, 325] }, { fields: off }, { fields: off }]);

  it("load of five minutes that what is on does not hold wakes as many as are needed", () => {
    const states = { 2: asleep(2, hour), 3: asleep(3, 2 * hour) };
    const decision = decide(aView(steady(busy), states), greenRule, greenOptions);
    expect(told(decision)).toEqual(["wake 3"]);
    expect(decision.reason).toBe(
      "CpuAverage BELOW 70: the load of the last 5 min needs 103.1 % of what the hosts that are on may give",
    );
    const spare = decide(aView(steady(busy), states), { ...greenRule, spareHosts: 1 }, greenOptions);
    expect(told(spare)).toEqual(["wake 3", "wake 2"]);
  });

  it("a limit that is reached does not wait for the minimum time asleep, a forecast does", () => {
    expect(told(decide(aView(steady(busy), { 2: asleep(2, 60) }), greenRule, greenOptions))).toEqual([
      "wake 2",
    ]);
    const at = (load: number) => aGreenPool([{ vms: [load] }, { vms: [load] }, { fields: off }]);
    const rising = steady(at(100)).map((each, i) => ({
      ...each,
      snapshot: at(Math.max(100, 100 + 31 * (i - 30))),
    }));
    const soon = decide(aView(rising, { 2: asleep(2, hour) }), greenRule, greenOptions);
    expect(told(soon)).toEqual(["wake 2"]);
    expect(soon.reason).toContain("is rising and in 10 min needs");
    expect(decide(aView(rising, { 2: asleep(2, 600) }), greenRule, greenOptions).steps).toEqual([]);
  });

  it("only hosts that were put to sleep here are woken: others that are off stay so", () => {
    const decision = decide(aView(steady(busy)), greenRule, greenOptions);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toContain("no host that may be woken is left");
  });

  it("a host that is waking counts as there", () => {
    const states = { 2: waking(2, 60), 3: asleep(3, hour) };
    expect(decide(aView(steady(busy), states), greenRule, greenOptions).steps).toEqual([]);
  });

  it("a host that is there again is enabled, and remembered as on when it takes part", () => {
    const back = aGreenPool([small, { fields: { enabled: false } }]);
    const states = { 1: waking(1, 240) };
    expect(told(decide(aView(steady(back), states), greenRule, greenOptions))).toEqual(["enable 1"]);
    const there = decide(aView(steady(aGreenPool([small, {}])), states), greenRule, greenOptions);
    expect(told(there)).toEqual(["note on 1"]);
    const after = advance(new Map([[uuid(2), waking(1, 240)]]), there.steps, back, now);
    expect(after.get(uuid(2))).toEqual({ kind: "on", since: now });
  });

  it("a host that does not wake in its time is failed, and another is woken in its place", () => {
    const states = { 2: waking(2, 11 * 60), 3: asleep(3, hour) };
    const decision = decide(aView(steady(busy), states), greenRule, greenOptions);
    expect(told(decision)).toEqual(["mark failed 2", "wake 3"]);
    expect(decision.steps[0]?.reason).toBe("it did not wake in 11 min (limit 10 min)");
    const after = advance(aView([], states).states, decision.steps, busy, now);
    expect(after.get(uuid(3))?.kind).toBe("failed");
    const later = decide(
      aView(steady(busy), { 2: { ...asleep(2, 0), kind: "failed" } as HostState }),
      greenRule,
      greenOptions,
    );
    expect(later.steps).toEqual([]);
  });

  it("fewer hosts on than the settings ask for wake one", () => {
    const pool = aGreenPool([small, { fields: off }]);
    const options = { ...greenOptions, minimumHostsOn: 2 };
    const decision = decide(aView(steady(pool), { 1: asleep(1, hour) }), greenRule, options);
    expect(told(decision)).toEqual(["wake 1"]);
    expect(decision.reason).toBe("1 host is on, fewer than 2");
  });
});

describe("what forbids it", () => {
  const pool = aGreenPool([small, { ...small, fields: { enabled: false } }, small, { fields: off }]);
  const states = { 1: drainingSince(60), 3: asleep(3, hour) };
  const with_ = (facts: Partial<typeof pool.pool>) => ({ ...pool, pool: { ...pool.pool, ...facts } });

  it.each([
    ["a rolling upgrade", with_({ rollingUpgrade: true }), null, "a rolling upgrade goes on"],
    ["Workload Balancing", with_({ wlbEnabled: true }), null, "Workload Balancing is on in this pool"],
    ["a hold of the caller", pool, "control is paused", "control is paused"],
  ])("%s: the drain is taken back and nothing begun", (_, snapshot, hold, reason) => {
    const decision = decide(aView(steady(snapshot), states, { hold }), greenRule, greenOptions);
    expect(told(decision)).toEqual(["take back 1"]);
    expect(decision.reason).toBe(`nothing is begun: ${reason}`);
  });

  it("outside the hours the drain is taken back and sleepers are woken one after the other, or as load asks", () => {
    const night = { ...greenRule, between: { from: 22 * 60, to: 6 * 60 } };
    const decision = decide(aView(steady(pool), states), night, greenOptions);
    expect(told(decision)).toEqual(["take back 1", "wake 3"]);
    const atNight = decide(aView(steady(pool), states, { minuteOfDay: 5 * 60 }), night, greenOptions);
    expect(told(atNight)).toEqual(["drain 1"]);
    const full = aGreenPool([{ vms: [340, 340] }, { vms: [325, 325] }, { fields: off }, { fields: off }]);
    const sleepers = { 2: asleep(2, hour), 3: asleep(3, hour) };
    const surge = decide(aView(steady(full), sleepers), { ...night, spareHosts: 1 }, greenOptions);
    expect(told(surge)).toEqual(["wake 2", "wake 3"]);
    const one = decide(aView(steady(pool), { 1: waking(1, 60), 3: asleep(3, hour) }), night, greenOptions);
    expect(told(one).filter((step) => step.startsWith("wake"))).toEqual([]);
  });
});

describe("hosts past a limit", () => {
  it("are relieved of the cheapest VMs that suffice, and nothing is put to sleep", () => {
    const pool = aGreenPool([small, { vms: [200, 200, 200, 90] }, { vms: [30] }]);
    const decision = decide(aView(steady(pool)), greenRule, greenOptions);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toContain("host xen2 at 71 % (CpuAverage BELOW 70)");
    expect(
      decision.reliefs.flatMap(({ moves }) =>
        moves.map(({ vm, source }) => `${vm.slice(-3)} ${source.slice(-1)}`),
      ),
    ).toEqual(["200 2"]);
  });

  it("that nobody takes anything from wake a sleeper", () => {
    const pool = aGreenPool([{ vms: [300, 300] }, { vms: [500, 200] }, { fields: off }]);
    const decision = decide(aView(steady(pool), { 2: asleep(2, hour) }), greenRule, greenOptions);
    expect(told(decision)).toEqual(["wake 2"]);
  });
});

describe("a host with a VM that is too large for the limits of any", () => {
  const pool = aGreenPool([{ vms: [10] }, { vms: [690] }, { vms: [10] }, { fields: off }]);

  it("wakes nobody, since nobody could help, and holds up no other host's sleep", () => {
    const decision = decide(aView(steady(pool), { 3: asleep(3, hour) }), greenRule, greenOptions);
    expect(told(decision)).toEqual(["drain 2"]);
  });
});

describe("beside balance rules", () => {
  const options = { ...greenOptions, balance: [cpu] };

  it("while balance can cure a broken rule, nothing is put to sleep", () => {
    const pool = aGreenPool([{ vms: [10] }, { vms: [200, 200] }, { vms: [10] }]);
    const decision = decide(aView(steady(pool)), greenRule, options);
    expect(decision.steps).toEqual([]);
    expect(decision.reason).toContain(
      "balance comes first: host xen2: CpuAverage is more than 20 % above the medium",
    );
    expect(decide(aView(steady(pool)), greenRule, greenOptions).steps).toHaveLength(1);
  });

  it("a host whose absence would break a balance rule is not emptied", () => {
    const pool = aGreenPool([
      { vms: [10], vmMb: 26_000 },
      { vms: [400], vmFields: { immovable: "VM_HAS_VGPU" } },
      { vms: [100] },
    ]);
    const balanced = { ...greenOptions, balance: [{ ...cpu, threshold: 24 }] };
    expect(told(decide(aView(steady(pool)), greenRule, greenOptions))).toEqual(["drain 2"]);
    expect(decide(aView(steady(pool)), greenRule, balanced).steps).toEqual([]);
    const looser = { ...greenOptions, balance: [{ ...cpu, threshold: 25 }] };
    expect(told(decide(aView(steady(pool)), greenRule, looser))).toEqual(["drain 2"]);
  });

  it("a sleeper without which a broken rule stays is woken", () => {
    // Each of the two hosts is too full for a VM of the other, so only a third one can even them out.
    const pool = aGreenPool([
      { vms: [10], vmMb: 24_000 },
      { vms: [300, 250], vmMb: 12_000 },
      { fields: off },
    ]);
    const decision = decide(aView(steady(pool), { 2: asleep(2, hour) }), greenRule, options);
    expect(told(decision)).toEqual(["wake 2"]);
    expect(decision.reason).toContain("a host is woken for balance: host xen2");
    expect(decide(aView(steady(pool), { 2: asleep(2, 60) }), greenRule, options).steps).toEqual([]);
  });
});
