/** Laws of guests with a range of memory: none moves where it could not grow back, none that uses more than its minimum. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assess, forecastOf } from "../../src/decide/assess.ts";
import { excessBytes, squeezedBy, withoutSqueezing } from "../../src/decide/squeeze.ts";
import type { Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { aControlState, aStored } from "../support/fixtures.ts";
import { controlSettings } from "../support/loop/live.ts";
import { generate, type Kind } from "../support/plan/pools.ts";
import { someOf } from "../support/runs.ts";

const mebibyte = 1024 * 1024;
const kind: Kind = {
  name: "ranges",
  hosts: 4,
  vms: 24,
  unequal: false,
  fill: 0.9,
  rules: 2,
  strict: 0.1,
  hard: false,
};

interface RangedPool {
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
  /** Bytes that all VMs of a host may occupy together. */
  readonly capacity: ReadonlyMap<Uuid, number>;
}

/** Every other VM shrinks to a quarter or half; a third of all guests tell nothing of what they use. */
function ranged(vm: Vm, v: number, part: number): Vm {
  if (v % 2 === 0 || vm.copyBytes === null) return vm;
  const shrinksToBytes = Math.floor(vm.copyBytes * part);
  const free = v % 3 === 0 ? null : Math.round(((vm.memoryMb ?? 0) * (v % 10)) / 10);
  return {
    ...vm,
    shrinksToBytes,
    placementBytes: shrinksToBytes + 40 * mebibyte,
    memoryInternalFreeMb: free,
  };
}

const rangedPools: fc.Arbitrary<RangedPool> = fc
  .record({
    hosts: fc.integer({ min: 2, max: 6 }),
    vms: fc.integer({ min: 4, max: 36 }),
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    part: fc.constantFrom(0.25, 0.5),
  })
  .map(({ hosts, vms, seed, part }) => {
    const { snapshot, rules } = generate({ ...kind, hosts, vms }, seed);
    const before = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
    const after = new Map(snapshot.vms.map((vm, v) => [vm.uuid, ranged(vm, v, part)]));
    const sum = (host: Uuid, of: ReadonlyMap<Uuid, Vm>) =>
      snapshot.placements
        .filter(({ hostUuid }) => hostUuid === host)
        .reduce((total, { vmUuid }) => total + (of.get(vmUuid)?.placementBytes ?? 0), 0);
    const capacity = new Map(
      snapshot.hosts.map((host) => [host.uuid, (host.placementFreeBytes ?? 0) + sum(host.uuid, before)]),
    );
    return {
      rules,
      capacity,
      snapshot: {
        ...snapshot,
        vms: [...after.values()],
        hosts: snapshot.hosts.map((host) => ({
          ...host,
          placementFreeBytes: (capacity.get(host.uuid) ?? 0) - sum(host.uuid, after),
        })),
      },
    };
  })
  // What no host can use is no measure: nothing is planned by it.
  .filter(({ snapshot }) => snapshot.hosts.every(({ cpuAverage }) => (cpuAverage ?? 0) <= 100));

function planOf({ snapshot, rules }: RangedPool, squeeze: "never" | "allow") {
  const settings = controlSettings([`ControlSqueeze=${squeeze}`, "ControlPlanMilliseconds=10"]);
  const input = { stored: aStored(snapshot), samples: [], rules, unknown: [] };
  const assessment = assess({ ...input, controlState: aControlState() }, settings, null);
  const { plan } = forecastOf(assessment, settings);
  if (plan === null) throw new Error("no plan");
  return { plan, headroom: settings.headroomBytes };
}

describe("over pools whose guests have ranges of memory", () => {
  it("each step leaves its VM the room that it occupies, and takes nothing that a guest uses", () => {
    let moves = 0;
    fc.assert(
      fc.property(rangedPools, (pool) => {
        const { plan, headroom } = planOf(pool, "never");
        const vms = new Map(pool.snapshot.vms.map((vm) => [vm.uuid, vm]));
        const at = new Map(pool.snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
        // What a VM takes of a host when it has grown back: its overhead is in both figures.
        const taken = (vm: Vm | undefined) =>
          vm === undefined ? 0 : (vm.placementBytes ?? 0) + excessBytes(vm);
        for (const { vm: uuid, destination } of plan.moves) {
          const vm = vms.get(uuid);
          at.set(uuid, destination);
          const there = [...at].filter(([, host]) => host === destination);
          const used = there.reduce((sum, [each]) => sum + taken(vms.get(each)), 0);
          expect(used + headroom).toBeLessThanOrEqual(pool.capacity.get(destination) ?? 0);
          if (vm !== undefined) expect(squeezedBy(vm)).toBeNull();
          moves++;
        }
      }),
      { numRuns: someOf(1000), seed: 20_261_129 },
    );
    // A law of nothing would hold, too.
    expect(moves).toBeGreaterThan(someOf(500));
  });

  it("without ranges nothing is counted otherwise than xapi does, and with them never less", () => {
    fc.assert(
      fc.property(rangedPools, ({ snapshot }) => {
        const plain = { ...snapshot, vms: snapshot.vms.map((vm) => ({ ...vm, shrinksToBytes: null })) };
        expect(withoutSqueezing(plain)).toBe(plain);
        for (const host of withoutSqueezing(snapshot).hosts) {
          const before = snapshot.hosts.find(({ uuid }) => uuid === host.uuid);
          expect(host.placementFreeBytes).toBeLessThanOrEqual(before?.placementFreeBytes ?? 0);
        }
      }),
      { numRuns: someOf(200), seed: 20_261_129 },
    );
  });
});
