import { describe, expect, test } from "vitest";
import { chooseArchive } from "../../src/simulator/metrics/rrdTable.ts";
import type { NumberForm } from "../../src/simulator/objects/profile.ts";
import { formatValue, tableJson } from "../../src/simulator/server/rrdText.ts";

describe("the archive that answers", () => {
  const newest = 1_795_390_255;
  const cases: [ago: number, interval: number, step: number][] = [
    [10, 0, 5],
    [10, 5, 5],
    [599, 5, 5],
    // The boundary of an archive is outside of it already.
    [600, 5, 60],
    [601, 0, 60],
    [10, 6, 60],
    [10, 60, 60],
    [7000, 5, 60],
    [7199, 60, 60],
    [7300, 60, 3600],
    [10, 61, 3600],
    [600_000, 5, 3600],
    [609_000, 3600, 86_400],
    [10, 3601, 86_400],
    [10, 86_400, 86_400],
    [40_000_000, 5, 86_400],
    [10, 100_000, 86_400],
  ];
  for (const [ago, interval, step] of cases) {
    test(`of ${ago} s ago by steps of at least ${interval} s has steps of ${step} s`, () => {
      expect(chooseArchive({ start: newest - ago, interval }, newest).step).toBe(step);
    });
  }
});

describe("numbers", () => {
  const cases: [value: number, form: NumberForm, text: string][] = [
    [0, "fixed-4", "0.0"],
    [0, "digits-15", "0.0"],
    [0.05, "fixed-4", "0.0500"],
    [6195, "fixed-4", "6195.0000"],
    [0.00001, "fixed-4", "0.0000"],
    [34_359_738_368, "digits-5", "3.436e+10"],
    [0.123456789, "digits-5", "0.12346"],
    [99_999, "digits-5", "99999"],
    [99_999.6, "digits-5", "1e+05"],
    [100_000, "digits-5", "1e+05"],
    [0.00001234, "digits-5", "1.234e-05"],
    [780_140_544, "digits-15", "780140544"],
    [Math.fround(0.764642894), "digits-15", "0.764642894268036"],
    [Math.fround(67_029.4296875), "digits-15", "67029.4296875"],
    [1e15, "digits-15", "1e+15"],
    [Number.NaN, "fixed-4", "NaN"],
    [Number.POSITIVE_INFINITY, "digits-5", "Infinity"],
    [Number.NEGATIVE_INFINITY, "digits-15", "-Infinity"],
  ];
  for (const [value, form, text] of cases)
    test(`${value} is ${text} with ${form}`, () => expect(formatValue(value, form)).toBe(text));
});

describe("the three things called JSON", () => {
  const table = {
    start: 10,
    step: 5,
    end: 15,
    legend: ["AVERAGE:host:h:cpu0", "AVERAGE:vm:v:memory"],
    rows: [
      { t: 15, values: [0.5, Number.NaN] },
      { t: 10, values: [0, 1024] },
    ],
  };

  test("up to 8.2 it has no quotes about its names, and no rows at all crash the server", () => {
    expect(tableJson(table, "fixed-4", "unquoted")).toBe(
      '{meta: {start:10,step:5,end:15,rows:2,columns:2,legend:["AVERAGE:host:h:cpu0","AVERAGE:vm:v:memory"]},' +
        "data:[{t:15,values:[0.5000,NaN]},{t:10,values:[0.0,1024.0000]}]}",
    );
    expect(tableJson({ ...table, rows: [] }, "fixed-4", "unquoted")).toBeNull();
  });

  test("then all numbers are strings and the rows are inside meta", () => {
    const read = JSON.parse(tableJson(table, "digits-5", "data-in-meta") ?? "");
    expect(Object.keys(read)).toEqual(["meta"]);
    expect(Object.keys(read.meta)).toEqual(["start", "step", "end", "rows", "columns", "legend", "data"]);
    expect(read.meta.data[0]).toEqual({ t: "15", values: ["0.5", "NaN"] });
  });

  test("today the rows are beside meta", () => {
    const read = JSON.parse(tableJson(table, "digits-15", "strings") ?? "");
    expect(read.meta.rows).toBe("2");
    expect(read.data[1]).toEqual({ t: "10", values: ["0.0", "1024"] });
    expect(JSON.parse(tableJson({ ...table, rows: [] }, "digits-15", "strings") ?? "").data).toEqual([]);
  });
});
