import { describe, expect, it } from "vitest";
import { absence, evaluate, excess, mean, subjectValue, takesPart } from "../../src/domain/deviation.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { aHost, uuid } from "../support/fixtures.ts";

const cpu = (threshold: number): Rule => ({ subject: "CpuAverage", threshold });

describe("the mean", () => {
  it("of nothing is unknown, of equal values exact", () => {
    expect(mean([])).toBeNull();
    expect(mean([25, 100])).toBe(62.5);
  });

  it("leaves out hosts that are dead, unread, disabled or without the value", () => {
    const hosts = [
      aHost({ uuid: uuid(1), cpuAverage: 10 }),
      aHost({ uuid: uuid(2), cpuAverage: 30 }),
      aHost({ uuid: uuid(3), cpuAverage: 99, live: false }),
      aHost({ uuid: uuid(4), cpuAverage: 99, read: false }),
      aHost({ uuid: uuid(5), cpuAverage: 99, enabled: false }),
      aHost({ uuid: uuid(6), cpuAverage: null }),
    ];
    const { mean, verdicts, missing } = evaluate(hosts, cpu(5));
    expect(mean).toBe(20);
    expect(verdicts.map(({ hostUuid }) => hostUuid)).toEqual([uuid(2), uuid(1)]);
    expect(missing).toEqual([uuid(6)]);
    expect(hosts.map(takesPart)).toEqual([true, true, false, false, false, true]);
    expect(hosts.map(absence).filter((reason) => reason !== null)).toHaveLength(3);
  });
});

describe("the threshold", () => {
  it("is broken above it, not at it, nor within the digits of a measure", () => {
    expect(excess(50, 25, 25)).toBe(0);
    expect(excess(50.000001, 25, 25)).toBe(0);
    expect(excess(50.001, 25, 25)).toBeGreaterThan(0);
    expect(excess(49.9, 25, 25)).toBeLessThan(0);
  });

  it("of 0 is kept by equal hosts whose mean cannot be written exactly", () => {
    const hosts = [1, 2, 3].map((number) => aHost({ uuid: uuid(number), cpuAverage: 0.1 }));
    expect(evaluate(hosts, cpu(0)).verdicts.map(({ broken }) => broken)).toEqual([false, false, false]);
  });
});

it("occupied memory needs both the total and the free memory", () => {
  const host = aHost({ uuid: uuid(1), memoryTotalMb: 4000, memoryFreeMb: 1000 });
  expect(subjectValue(host, "OccupiedMemoryMb")).toBe(3000);
  expect(subjectValue({ ...host, memoryTotalMb: null }, "OccupiedMemoryMb")).toBeNull();
  expect(subjectValue({ ...host, memoryFreeMb: null }, "OccupiedMemoryMb")).toBeNull();
});
