/** VMs that are started one after the other, before the next collection tells where: kept apart, and out of memory that is taken. */
import { describe, expect, it } from "vitest";
import { assessAsked } from "../../src/decide/placing.ts";
import type { Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import { starsFor } from "../../src/wlb/placement.ts";
import { type AdvisedStart, advisedHost, starsBeside } from "../../src/wlb/started.ts";
import { aControlState, aHost, aSnapshot, aStored, aVm, uuid } from "../support/fixtures.ts";
import { controlDefaults } from "../support/prompt.ts";

const control = controlDefaults({
  sampleCount: 1,
  headroomBytes: 0,
  affinityTags: ["together"],
  antiAffinityTags: ["apart"],
});
const gibibyte = 1024 ** 3;

const host = (n: number, freeGb: number) =>
  aHost({
    uuid: uuid(n),
    cpuAverage: 10,
    memoryTotalMb: 16 * 1024,
    placementFreeBytes: freeGb * gibibyte,
  });
const halted = (n: number, fields: Partial<Vm> = {}) =>
  aVm({ uuid: uuid(n), powerState: "Halted", vcpuAverage: null, memoryMb: 1024, ...fields });

/** Where VMs end that are started in this order with no collection between: each where it has most stars, as a pool does it. */
function startedAt(snapshot: Snapshot, order: readonly Vm[], cpus = 0): (Uuid | null)[] {
  const input = {
    stored: aStored(snapshot),
    samples: [],
    rules: [],
    unknown: [],
    controlState: aControlState(),
  };
  const assessment = assessAsked(input, control, null);
  const basis = { ...assessment, snapshot: assessment.stored?.snapshot ?? snapshot };
  const starts: AdvisedStart[] = [];
  return order.map((vm) => {
    const own = starsFor(basis, control, vm.uuid, null, new Set()) ?? [];
    const stars = starsBeside(own, vm, starts, snapshot, control);
    const best = advisedHost(stars);
    // Nothing but the stars tells a pool: no two hosts may have most of them.
    const most = Math.max(...stars.map((each) => Math.round(each.stars * 100)));
    expect(stars.filter((each) => Math.round(each.stars * 100) === most && most > 0)).toHaveLength(
      best === null ? 0 : 1,
    );
    if (best !== null) starts.push({ vm, host: best, cpus });
    return best;
  });
}

describe("VMs that are started between two collections", () => {
  const members = [11, 12, 13].map((n) => halted(n, { antiAffinityGroups: ["db"] }));
  const pool = (vms: readonly Vm[], free: readonly number[] = [12, 9, 6]) =>
    aSnapshot(
      free.map((each, index) => [host(index + 1, each), []] as const),
      { halted: vms },
    );

  it("of one anti-affinity group go to hosts of their own, and share them evenly where there are fewer", () => {
    expect(startedAt(pool(members), members)).toEqual([uuid(1), uuid(2), uuid(3)]);
    const four = [...members, halted(14, { antiAffinityGroups: ["db"] })];
    const found = startedAt(pool(four, [12, 9]), four);
    expect(found.filter((each) => each === uuid(1))).toHaveLength(2);
    expect(found.filter((each) => each === uuid(2))).toHaveLength(2);
  });

  it("with a tag that keeps apart do so too, and with one that keeps together follow the first", () => {
    const apart = [halted(11, { tags: ["apart"] }), halted(12, { tags: ["apart"] })];
    expect(startedAt(pool(apart), apart)).toEqual([uuid(1), uuid(2)]);
    // By memory alone the second would go elsewhere, since the first takes most of it.
    const pair = [
      halted(11, { tags: ["together"], memoryMb: 8 * 1024 }),
      halted(12, { tags: ["together"], memoryMb: 3 * 1024 }),
    ];
    expect(startedAt(pool(pair), pair)).toEqual([uuid(1), uuid(1)]);
  });

  it("that have nothing to do with each other are spread by what hosts have left", () => {
    const many = Array.from({ length: 12 }, (_, n) => halted(11 + n));
    const on = (free: readonly number[], cpus = 0) => {
      const found = startedAt(pool(many, free), many, cpus);
      return [1, 2, 3].map((n) => found.filter((each) => each === uuid(n)).length);
    };
    expect(on([14, 14, 14])).toEqual([4, 4, 4]);
    // As with a collection after each start: to as much memory left on each.
    expect(on([14, 10, 6])).toEqual([8, 4, 0]);
    // They want three CPUs a host: nearly evenly, though by memory alone the last would get none.
    expect([on([14, 13, 6], 1), on([14, 13, 6])]).toEqual([
      [5, 4, 3],
      [6, 6, 0],
    ]);
  });

  it("find no host that still has the memory", () => {
    const large = [11, 12, 13, 14].map((n) => halted(n, { memoryMb: 7 * 1024 }));
    // The third finds no host that still has as much; a pool then places it by itself.
    expect(startedAt(pool(large), large)).toEqual([uuid(1), uuid(2), null, null]);
  });

  it("are told why a host has no stars for them", () => {
    const [first, second] = [halted(11, { memoryMb: 9000 }), halted(12, { memoryMb: 9000 })] as const;
    const stars = [{ host: uuid(1), stars: 4, reason: "" }];
    const beside = starsBeside(
      stars,
      second,
      [{ vm: first, host: uuid(1), cpus: 0 }],
      pool([first, second]),
      control,
    );
    expect(beside).toEqual([
      {
        host: uuid(1),
        stars: 0,
        reason: expect.stringMatching(
          /^not enough memory: needs .*, has .* free beside 1 VM that was just asked for$/,
        ),
      },
    ]);
    // Asked again, a VM is not in its own way.
    expect(
      starsBeside(stars, first, [{ vm: first, host: uuid(1), cpus: 0 }], pool([first, second]), control),
    ).toBe(stars);
  });

  it("have one host with most stars even where all are alike", () => {
    const alike = pool([halted(11)], [8, 8, 8]);
    expect(startedAt(alike, [halted(11)])).toHaveLength(1);
  });
});
