/** Corners that random pools found: a term that arrivals lower, and a value that is past its limit by rounding alone. */
import { describe, expect, it } from "vitest";
import { planMigrations } from "../../src/planner/planner.ts";
import { toProblem } from "../../src/planner/problem.ts";
import { State } from "../../src/planner/state.ts";
import { withoutDetours } from "../../src/planner/steps/needed.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { freeOptions as options } from "../support/plan/options.ts";
import { rule } from "../support/rules.ts";

const gibibyte = 1024 ** 3;

/** Two hosts, the first with a VM of its own and traffic, the second with two VMs. */
function pool(sent: number) {
  const host = (n: number, cpuAverage: number, pifEth0TxKb: number) =>
    aHost({
      uuid: uuid(100 + n),
      cpuNum: 64,
      cpuAverage,
      pifEth0RxKb: 1523,
      pifEth0TxKb,
      placementFreeBytes: 16 * gibibyte,
    });
  const vm = (n: number, vcpuNum: number, vif0TxKb: number) =>
    aVm({ uuid: uuid(n), vcpuNum, vcpuAverage: 100, vif0RxKb: 10, vif0TxKb, copyBytes: gibibyte });
  return aSnapshot([
    [host(1, 13.539, sent), [vm(11, 8, 60)]],
    [host(2, 17.5, 0), [vm(21, 2, 0), vm(22, 2, 0)]],
  ]);
}

describe("plans in corners", () => {
  it("send VMs to a host that breaks a chain by being too idle, though it has VMs that may leave", () => {
    const chain = rule("PifEth0RxKb + PifEth0TxKb ABOVE 1500 AND CpuAverage BELOW 13.54");
    const plan = planMigrations(pool(100), [chain], options);
    expect(plan.moves).toMatchObject([{ source: uuid(102), destination: uuid(101) }]);
    expect(plan.unresolved).toEqual([]);
  });

  it("move nothing for what is past a limit by less than measures are exact", () => {
    // The sum is 0.6 millionths above what is allowed: a millionth is no load, and half of one is where searches stop.
    const chain = (limit: number) => rule(`PifEth0RxKb + PifEth0TxKb ABOVE ${limit}`);
    const moves = (limit: number) => planMigrations(pool(2421.1723), [chain(limit)], options).moves.length;
    expect(moves(3944.17)).toBe(0);
    expect(moves(3944.16)).toBe(1);
  });

  it("leave a VM where it was to wait, if nothing is worse for that", () => {
    const host = (n: number, freeGb: number) =>
      aHost({ uuid: uuid(100 + n), placementFreeBytes: freeGb * gibibyte });
    const vm = (n: number) => aVm({ uuid: uuid(n), placementBytes: 4 * gibibyte });
    const crossed = aSnapshot([
      [host(1, 0), [vm(1)]],
      [host(2, 8), []],
      [host(3, 0), [vm(2)]],
    ]);
    const state = new State(toProblem(crossed, [], options));
    const change = [
      { vm: 0, from: 0, to: 1, parked: true },
      { vm: 1, from: 2, to: 0, parked: false },
      { vm: 0, from: 1, to: 2, parked: false },
    ];
    expect(withoutDetours(state, change)).toEqual([
      { vm: 0, from: 0, to: 1, parked: false },
      { vm: 1, from: 2, to: 0, parked: false },
    ]);
  });
});
