import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { freeBytes, mib, overheadBytes, requiredBytes } from "../../src/simulator/behaviour/memory.ts";
import { constant, shareCpus, spreadOverCpus, valueAt } from "../../src/simulator/metrics/load.ts";

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("load profiles", () => {
  test("a ramp holds its ends before and after", () => {
    const ramp = { kind: "ramp", from: 0.1, to: 0.9, startMs: 1000, durationMs: 2000 } as const;
    expect([0, 2000, 9000].map((at) => valueAt(ramp, at, ""))).toEqual([0.1, 0.5, 0.9]);
  });

  test("a spike comes back every so often", () => {
    const spike = { kind: "spike", base: 1, peak: 5, startMs: 1000, durationMs: 500, everyMs: 2000 } as const;
    expect([0, 1000, 1499, 1500, 3000, 3600].map((at) => valueAt(spike, at, ""))).toEqual([1, 5, 5, 1, 5, 1]);
    expect(valueAt({ ...spike, everyMs: null }, 3000, "")).toBe(1);
  });

  test("noise stays within its amplitude, holds for a slot of 5 s and follows from the seed", () => {
    const noise = { kind: "noise", mean: 50, amplitude: 10 } as const;
    const values = Array.from({ length: 200 }, (_, slot) => valueAt(noise, slot * 5000, "vm1"));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(40);
    expect(Math.max(...values)).toBeLessThanOrEqual(60);
    expect(Math.abs(mean(values) - 50)).toBeLessThan(2);
    expect(valueAt(noise, 4999, "vm1")).toBe(values[0]);
    expect(valueAt(noise, 0, "vm2")).not.toBe(values[0]);
  });

  test("no profile goes below 0", () => {
    expect(valueAt({ kind: "noise", mean: 0, amplitude: 5 }, 0, "x")).toBeGreaterThanOrEqual(0);
    expect(valueAt(constant(-3), 0, "x")).toBe(0);
  });
});

describe("sharing CPUs", () => {
  test("a host with room gives every VM what it asks for", () => {
    const shares = shareCpus(4, 0.1, [
      { vcpus: 2, fraction: 0.5 },
      { vcpus: 4, fraction: 0.25 },
    ]);
    expect(shares).toEqual({ busy: 2.1, controlDomain: 0.1, vms: [1, 1] });
  });

  test("a saturated host is exactly full; who wants less than an equal part gets it all, the others get the same", () => {
    const demands = [
      { vcpus: 4, fraction: 1 },
      { vcpus: 2, fraction: 1 },
      { vcpus: 4, fraction: 0.5 },
    ];
    const shares = shareCpus(4, 0.2, [...demands, { vcpus: 2, fraction: 0.1 }]);
    expect(shares.busy).toBeCloseTo(4, 10);
    expect(shares.vms).toEqual([1.2, 1.2, 1.2, 0.2].map((cpus) => expect.closeTo(cpus, 10)));
  });

  test("whatever is asked, busy is the lesser of demand and CPUs, and the parts add up to it", () => {
    const demand = fc.record({
      vcpus: fc.integer({ min: 1, max: 16 }),
      fraction: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(demand, { maxLength: 12 }), (cpus, demands) => {
        const shares = shareCpus(cpus, 0.1, demands);
        const sum = shares.controlDomain + shares.vms.reduce((total, cpu) => total + cpu, 0);
        const asked =
          0.1 + demands.reduce((total, one) => total + Math.min(cpus, one.vcpus * one.fraction), 0);
        expect(shares.busy).toBeCloseTo(sum, 9);
        expect(shares.busy).toBeCloseTo(Math.min(cpus, asked), 9);
      }),
    );
  });

  test("the CPUs' shares lie within 0 and 1 and have the given mean", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 65 }),
        fc.string(),
        (share, count, seed) => {
          const cpus = spreadOverCpus(share, count, seed);
          expect(cpus).toHaveLength(count);
          expect(mean(cpus)).toBeCloseTo(share, 9);
          expect(cpus.every((cpu) => cpu >= 0 && cpu <= 1)).toBe(true);
        },
      ),
    );
  });
});

describe("memory arithmetic", () => {
  const gib = 1024 * mib;
  const hvm = (staticMaxBytes: number, vcpusMax: number, countsVcpuPages = false): number =>
    overheadBytes({ staticMaxBytes, vcpusMax, shadowMultiplier: 1, virtualisation: "hvm", countsVcpuPages }) /
    mib;

  test("the overhead of HVM guests is xapi's, before and since 26.3", () => {
    expect([hvm(gib, 1), hvm(4 * gib, 2), hvm(16 * gib, 8)]).toEqual([11, 36, 138]);
    expect([hvm(gib, 1, true), hvm(4 * gib, 2, true), hvm(16 * gib, 8, true)]).toEqual([12, 37, 140]);
  });

  test("a paravirtual guest costs 1 MiB less, one in a PVH container more", () => {
    const of = (virtualisation: "pv" | "pv_in_pvh"): number =>
      overheadBytes({ staticMaxBytes: 256 * mib, vcpusMax: 1, shadowMultiplier: 1, virtualisation }) / mib;
    expect([of("pv"), of("pv_in_pvh")]).toEqual([4, 1 + 1 + 3 + 23 + 2]);
  });

  test("the shadow multiplier is truncated and never gives less than 1 MiB", () => {
    const of = (shadowMultiplier: number): number =>
      overheadBytes({ staticMaxBytes: gib, vcpusMax: 1, shadowMultiplier, virtualisation: "hvm" }) / mib;
    expect([of(1.5), of(0)]).toEqual([2 + 13, 3]);
  });

  test("a VM needs its dynamic minimum in whole MiB, and its overhead", () => {
    expect(requiredBytes({ dynamicMinBytes: 100 * mib + 1, overheadBytes: 4 * mib })).toBe(105 * mib);
  });

  test("a VM in both lists counts twice, and free memory is never negative", () => {
    const vm = { dynamicMinBytes: 256 * mib, overheadBytes: 4 * mib };
    const host = { totalBytes: gib, overheadBytes: 100 * mib, residents: [vm], scheduled: [vm] };
    expect(freeBytes(host)).toBe((1024 - 100 - 2 * 260) * mib);
    expect(freeBytes({ ...host, totalBytes: 300 * mib })).toBe(0);
  });
});
