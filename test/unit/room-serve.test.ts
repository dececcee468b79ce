/** Room for a VM where a rule serves VMs: of ways that copy the same the one after which VMs wait least. */
import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { PlanOptions } from "../../src/planner/plan.ts";
import { planRoom } from "../../src/planner/room/room.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { servesCpu as rule } from "../support/rules.ts";

const options: PlanOptions = {
  maxMoves: 0,
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
};
const gibibyte = 1024 ** 3;
const guest = aVm({ uuid: uuid(99), powerState: "Halted", memoryMb: 6 * 1024 });

/** Room is made on host 1 by its one VM going to host 2 or 3, which both have the memory. */
function pool(free: readonly [number, number]): Snapshot {
  const host = (n: number, freeGb: number) =>
    aHost({
      uuid: uuid(n),
      cpuNum: 4,
      memoryTotalMb: 8 * 1024,
      placementFreeBytes: freeGb * gibibyte,
    });
  const vm = (n: number, memoryMb: number) => aVm({ uuid: uuid(n), memoryMb, vcpuNum: 4 });
  return aSnapshot(
    [
      [host(1, 5), [vm(11, 1024)]],
      [host(2, free[0]), [vm(21, 4096)]],
      [host(3, free[1]), [vm(31, 4096)]],
    ],
    { halted: [guest] },
  );
}

describe("room for a VM beside SERVE CPU", () => {
  const demands = new Map(
    (
      [
        [11, 3],
        [21, 4],
        [31, 0.5],
      ] as const
    ).map(([n, mean]) => [uuid(n), { means: [mean], variance: 0 }]),
  );

  it.each([
    [2, 3],
    [3, 2],
  ] as const)("sends what makes room where there are CPUs for it (%d and %d GB free)", (...free) => {
    const snapshot = pool(free);
    const plan = planRoom(snapshot, [], guest, { ...options, serve: { rule, demands } });
    expect(plan.moves).toMatchObject([{ vm: uuid(11), source: uuid(1), destination: uuid(3) }]);
    expect(plan.target).toBe(uuid(1));
    expect(plan.certificate.kind).toBe("optimal");
  });

  it("is made as without the rule where nobody waits, and where only one host has the memory", () => {
    const idle = new Map([...demands.keys()].map((vm) => [vm, { means: [0.1], variance: 0 }]));
    for (const free of [
      [2, 3],
      [3, 2],
    ] as const) {
      const plan = planRoom(pool(free), [], guest, { ...options, serve: { rule, demands: idle } });
      expect(plan.moves).toEqual(planRoom(pool(free), [], guest, options).moves);
    }
    const only = planRoom(pool([2, 0]), [], guest, { ...options, serve: { rule, demands } });
    expect(only.moves).toMatchObject([{ vm: uuid(11), destination: uuid(2) }]);
  });
});
