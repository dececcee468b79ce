import { describe, expect, it } from "vitest";
import { double, int } from "../../src/store/columnTypes.ts";
import { chunked } from "../../src/store/tableDifference.ts";
import { hostTable } from "../../src/store/tables/Host.ts";
import { vmTable } from "../../src/store/tables/Vm.ts";
import { aHost, aVm, uuid } from "../support/fixtures.ts";

describe("numbers on their way into SQL", () => {
  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1e300,
    2 ** 31,
    -(2 ** 31) - 1,
    null,
  ])("become NULL where an INT cannot hold them: %s", (value) => {
    expect(int.write(value)).toBeNull();
  });

  it("fill an INT to its ends", () => {
    expect([
      int.write(2 ** 31 - 1),
      int.write(-(2 ** 31)),
      int.write(0.4),
      Object.is(int.write(-0.2), 0),
    ]).toEqual([2147483647, -2147483648, 0, true]);
  });

  it("become NULL where a DOUBLE would not be a number", () => {
    expect([double.write(Number.NaN), double.write(Number.POSITIVE_INFINITY), double.write(1e300)]).toEqual([
      null,
      null,
      1e300,
    ]);
  });

  it("never reach a row as NaN or infinity", () => {
    const bad = {
      memoryTotalMb: Number.NaN,
      cpuAverage: Number.POSITIVE_INFINITY,
      placementFreeBytes: 2 ** 60,
    };
    const rows = [
      hostTable.row(aHost({ uuid: uuid(1), ...bad })),
      vmTable.row(aVm({ uuid: uuid(2), vcpuAverage: Number.NaN })),
    ];
    const numbers = rows.flat().filter((value) => typeof value === "number");
    expect(numbers.every(Number.isFinite)).toBe(true);
  });
});

describe("rows in statements", () => {
  it("go 500 to a statement, and none is lost", () => {
    const sizes = [...chunked(Array.from({ length: 1201 }, (_, index) => [index]))].map(
      (chunk) => chunk.length,
    );
    expect(sizes).toEqual([500, 500, 201]);
  });

  it("go fewer to a statement where they have many columns", () => {
    const sizes = (columns: number) =>
      [...chunked(Array.from({ length: 100 }, () => Array(columns).fill(0)))].map((chunk) => chunk.length);
    expect(sizes(20)).toEqual([100]);
    expect(sizes(30)).toEqual([66, 34]);
    expect(sizes(3_000)).toEqual(Array(100).fill(1));
  });

  it("go fewer to a statement where they are long", () => {
    const long = "x".repeat(100_000);
    const chunks = [...chunked([[long], [long], [long], ["y"]])];
    expect(chunks.map((chunk) => chunk.length)).toEqual([1, 1, 2]);
  });

  it("make no statement where there are none", () => {
    expect([...chunked([])]).toEqual([]);
  });
});
