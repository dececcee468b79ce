/** The share of the CPU they wanted that VMs got, over the last hour. */
import { describe, expect, test } from "vitest";
import type { Snapshot, Vm } from "../../src/domain/pool.ts";
import { type CpuGot, scoreOf, scoresOf } from "../../src/domain/score.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const [db, web, hot, cool] = [uuid(11), uuid(12), uuid(1), uuid(2)];

/** Where `db` is, what it uses of its 4 vCPUs and what it wants; `web` uses half of its 2 on hot. */
function seen(host: string, vcpuAverage: number, cpuDemand: number | null, cpuAverage = 80): Snapshot {
  const wants: Partial<Vm> = cpuDemand === null ? {} : { cpuDemand, demandFrom: "run-states" };
  const large = aVm({ uuid: db, vcpuNum: 4, vcpuAverage, ...wants });
  const small = aVm({ uuid: web, vcpuNum: 2, vcpuAverage: 50 });
  return aSnapshot([
    [aHost({ uuid: hot, cpuAverage }), host === hot ? [large, small] : [small]],
    [aHost({ uuid: cool, cpuAverage: 20 }), host === cool ? [large] : []],
  ]);
}

const rounded = (of: ReadonlyMap<string, CpuGot>) =>
  Object.fromEntries([...of].map(([key, got]) => [key, Math.round(10 * scoreOf(got)) / 10]));

describe("a score", () => {
  test("is what was got of what was wanted, each snapshot for its time; a host's is that of its VMs then", () => {
    const { vms, hosts, pool } = scoresOf([
      { snapshot: seen(cool, 80, 80), secondsBefore: 0 },
      { snapshot: seen(cool, 80, 80), secondsBefore: 300 },
      { snapshot: seen(hot, 50, 80), secondsBefore: 600 },
    ]);
    expect(rounded(vms)).toEqual({ [db]: Math.round((1000 * 210) / 240) / 10, [web]: 100 });
    expect(rounded(hosts)).toEqual({
      [hot]: Math.round((1000 * (200 + 300)) / (320 + 300)) / 10,
      [cool]: 100,
    });
    expect(scoreOf(pool)).toBeCloseTo((100 * (840 + 300)) / (960 + 300), 9);
  });

  test("forgets what is over an hour old, and does not stretch a snapshot over a gap", () => {
    const now = { snapshot: seen(cool, 80, 80), secondsBefore: 0 };
    expect(rounded(scoresOf([now, { snapshot: seen(hot, 10, 80), secondsBefore: 3700 }]).vms)[db]).toBe(100);
    // The last stands for ten minutes of fifty, as does the newest.
    const { vms } = scoresOf([now, { snapshot: seen(hot, 40, 80), secondsBefore: 3000 }]);
    expect(rounded(vms)[db]).toBe(75);
  });

  test("says nothing of a VM that may have waited where nothing tells; of one that wanted nothing all", () => {
    const full = seen(hot, 60, null, 100);
    expect([...scoresOf([{ snapshot: full, secondsBefore: 0 }]).vms.keys()]).toEqual([web]);
    const idle = scoresOf([{ snapshot: seen(cool, 0, 0), secondsBefore: 0 }]);
    expect(rounded(idle.vms)[db]).toBe(100);
  });
});
