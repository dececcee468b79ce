import { describe, expect, it } from "vitest";
import { runStates } from "../../src/simulator/metrics/runStates.ts";
import type { SourceValues } from "../../src/xapi/measures.ts";
import { hostMeasures, waitedPercent } from "../../src/xapi/snapshot.ts";

const good = new Map([
  ["memory_total_kib", 4166656],
  ["memory_free_kib", 1833984],
  ["xapi_memory_usage_kib", 6144],
  ["xapi_free_memory_kib", 2048],
  ["pif_lo_rx", 2048],
  ["pif_lo_tx", 1535],
  ["pif_eth0_rx", 14336],
  ["pif_eth0_tx", 6100],
  ["loadavg", 0.07],
  ["cpu0", 0.5],
  ["cpu1", 0.25],
]);

const eth0 = { device: "eth0", devices: ["eth0"], networks: null };
const onEth0 = (values: SourceValues, cpus: number) => hostMeasures(values, cpus, eth0);

describe("a host's measures", () => {
  it("are converted as the thesis did: KiB to MB, bytes/s to Kb/s, fractions to percent, rounded", () => {
    expect(onEth0(good, 2)).toEqual({
      memoryTotalMb: 4069,
      memoryFreeMb: 1791,
      xapiMemoryUsageMb: 6,
      xapiFreeMemoryMb: 2,
      pifLoRxKb: 2,
      pifLoTxKb: 1,
      pifEth0RxKb: 14,
      pifEth0TxKb: 6,
      dom0LoadAvg: 0.07,
      cpuAverage: 37.5,
    });
  });

  it("are null where the pool has no such source", () => {
    const measures = onEth0(new Map(), 2);
    expect(Object.values(measures).every((value) => value === null)).toBe(true);
  });

  it.each([
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a negative value", -1],
    ["an absurd value", 1e300],
  ])("are null, never 0, for %s", (_what, value) => {
    const broken = onEth0(new Map([...good.keys()].map((name) => [name, value])), 2);
    expect(Object.values(broken).every((measure) => measure === null)).toBe(true);
  });

  it("know no CPU average when a CPU is missing, when there are no CPUs, or when one is far above 1", () => {
    expect(onEth0(good, 3).cpuAverage).toBeNull();
    expect(onEth0(good, 0).cpuAverage).toBeNull();
    expect(onEth0(new Map([...good, ["cpu0", 1.5]]), 2).cpuAverage).toBeNull();
  });

  it("take a CPU that shows a little more than 1 as fully busy", () => {
    expect(onEth0(new Map([["cpu0", 1.0001]]), 1).cpuAverage).toBe(100);
  });

  it("know no total memory when it is 0", () => {
    expect(onEth0(new Map([["memory_total_kib", 0]]), 1).memoryTotalMb).toBeNull();
  });
});

describe("the time that a VM's CPUs wanted to run and could not", () => {
  const contention = new Map([
    ["runstate_full_contention", 0.125],
    ["runstate_partial_contention", 0.25],
    ["runstate_concurrency_hazard", 0.5],
  ]);

  const waited = (values: Iterable<readonly [string, number]>, vcpus = 4, used = 10) =>
    waitedPercent(new Map(values), { vcpus, used });

  it("is the share of its CPUs that were runnable, where the pool records that", () => {
    expect(waited([...contention, ["runnable_vcpus", 0.0625]])).toBe(6.25);
    expect(waited([["runnable_vcpus", 0]])).toBe(0);
    expect(waited([["runnable_vcpus", 1.01]])).toBe(100);
  });

  it("else what the states of independent CPUs say, within what they allow", () => {
    // 7/8 of the time some wait: between 1/8 + 3/4 * 1/4 and 1/8 + 3/4 * 3/4.
    expect(waited(contention)).toBeCloseTo(100 * (1 - 0.125 ** (1 / 4)), 9);
    expect(waited(contention, 2, 95)).toBe(50);
    // The one that the simulated pool makes of 4 CPUs that run 0.5 and wait 0.2 of the time.
    const states = Object.entries(runStates(4, 0.5, 0.2)).filter(([name]) => name.startsWith("runstate_"));
    expect(waited(states, 4, 50)).toBeCloseTo(20, 9);
    expect(waited(Object.entries(runStates(1, 0.5, 0.2)).slice(1), 1, 50)).toBeCloseTo(20, 9);
  });

  it("else the time in which none of them ran though some wanted to", () => {
    expect(waited([...contention].slice(0, 2))).toBe(37.5);
  });

  it("is unknown, never 0, where the pool records neither, or half, or what cannot be", () => {
    expect(waited([])).toBeNull();
    expect(waited([["runstate_full_contention", 0.5]])).toBeNull();
    expect(waited([["runnable_vcpus", 7]])).toBeNull();
    expect(waited([["runnable_vcpus", Number.NaN]])).toBeNull();
  });
});
