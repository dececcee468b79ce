import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { barText } from "../../src/manager/bar.ts";
import { hostLoadOf, showHostLoad } from "../../src/manager/commands/hostLoad.ts";
import { commandList } from "../../src/manager/commands/index.ts";
import { loadOf, type PoolLoad, showLoad } from "../../src/manager/commands/load.ts";
import { showVms } from "../../src/manager/commands/vms.ts";
import { outputFormats } from "../../src/manager/format.ts";
import { checkFormat, outputLines } from "../../src/manager/output.ts";
import { alignedLines, csvLines, type ShownTable, tsvLines } from "../../src/manager/table.ts";
import type { TerminalView } from "../../src/text/screen.ts";
import { displayWidth } from "../../src/text/text.ts";
import { asked, messageFor } from "../support/asked.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const table: ShownTable = {
  columns: ["Name", "CPU %", "At", "Live"],
  rows: [
    ['web, "1"', 7.256, new Date(0), true],
    ["=HYPERLINK(1)", -12, null, false],
    ["日本", null, new Date(1000), null],
  ],
};

describe("a table", () => {
  test("is aligned for people: numbers to the right, wide letters counted, - for what is not known", () => {
    expect(alignedLines(table)).toEqual([
      "Name           CPU %  At                        Live",
      'web, "1"        7.26  1970-01-01T00:00:00.000Z  true',
      "=HYPERLINK(1)    -12  -                         false",
      "日本               -  1970-01-01T00:00:01.000Z  -",
    ]);
  });

  test("is CSV in which a spreadsheet calculates nothing but numbers are numbers", () => {
    expect(csvLines({ columns: ["x"], rows: [[99.74999999999999], [1e21]] })).toEqual([
      "x",
      "99.75",
      "1e+21",
    ]);
    expect(csvLines(table)).toEqual([
      "Name,CPU %,At,Live",
      '"web, ""1""",7.256,1970-01-01T00:00:00.000Z,true',
      "'=HYPERLINK(1),-12,,false",
      "日本,,1970-01-01T00:00:01.000Z,",
    ]);
    const dangerous = ["+1", "-1", "@SUM(1)", "  =1", "\t=1"].map((text) => [text]);
    for (const line of csvLines({ columns: ["x"], rows: dangerous }).slice(1)) {
      expect(line.replace(/^"/, "")).toMatch(/^(?:'|\\u)/);
    }
  });

  test("has a line a row and a field a column, whatever the names are", () => {
    const names = fc.string({ unit: "binary", maxLength: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(names, names), { maxLength: 5 }), (rows) => {
        const hostile: ShownTable = { columns: ["a", "b"], rows };
        for (const line of tsvLines(hostile)) expect(line.split("\t")).toHaveLength(2);
        const fields = /^(?:[^",]*|"(?:[^"]|"")*"),(?:[^",]*|"(?:[^"]|"")*")$/;
        for (const line of csvLines(hostile)) expect(line).toMatch(fields);
        for (const lines of [csvLines(hostile), alignedLines(hostile)]) {
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(line).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u);
        }
      }),
    );
  });
});

describe("--format", () => {
  const vms = [{ vm: aVm({ uuid: uuid(1), name: "a" }), host: null }];
  const outcome = {
    text: () => showVms.text(vms),
    json: () => showVms.json(vms),
    table: () => showVms.table?.(vms) ?? null,
    hints: () => [],
  };

  test("jsonl has a line for each of a list, json one for all", () => {
    expect(outputLines(outcome, "json").map((line) => JSON.parse(line))).toEqual([showVms.json(vms)]);
    expect(outputLines(outcome, "jsonl").map((line) => JSON.parse(line))).toEqual(showVms.json(vms));
  });

  test("table, csv and tsv list a VM a line below the titles", () => {
    for (const format of ["table", "csv", "tsv"] as const) {
      const lines = outputLines(outcome, format);
      expect(lines).toHaveLength(2);
      expect(lines[0]).toContain("Power state");
      expect(lines[1]).toContain(uuid(1));
    }
  });

  test("is refused before it runs where a command lists nothing, but for text and JSON", () => {
    for (const command of commandList) {
      for (const format of outputFormats) {
        const fits = command.lists || ["text", "json", "jsonl"].includes(format);
        if (fits) expect(() => checkFormat(command, format)).not.toThrow();
        else expect(() => checkFormat(command, format)).toThrow(`${command.words} is no list`);
      }
    }
    expect(commandList.filter(({ lists }) => lists).length).toBeGreaterThan(8);
  });
});

describe("a bar", () => {
  test("is filled as far as the value goes, with the mean and the limits marked", () => {
    expect(barText({ value: 50, full: 100, mean: null, limits: [] })).toBe(
      `[${"#".repeat(15)}${"·".repeat(15)}]`,
    );
    expect(barText({ value: 100, full: 100, mean: 50, limits: [75, 900] })).toBe(
      "[###############|#######!#####!]",
    );
    expect(barText({ value: null, full: 0, mean: 0, limits: [] })).toBe(`[|${"·".repeat(29)}]`);
  });

  test("is always as wide", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(number, number, number, number, (value, full, mean, limit) => {
        expect(displayWidth(barText({ value, full, mean, limits: [limit] }))).toBe(32);
      }),
    );
  });
});

/** Colours as words. */
function inWords(line: string): string {
  return line
    .replaceAll("\u001b[31m", "<red>")
    .replaceAll("\u001b[33m", "<yellow>")
    .replaceAll("\u001b[1m", "<bold>")
    .replaceAll("\u001b[0m", "</>");
}

describe("SHOW LOAD", () => {
  const hosts = [
    aHost({ uuid: uuid(1), name: "calm", cpuAverage: 10 }),
    aHost({ uuid: uuid(2), name: "busy", cpuAverage: 90 }),
    aHost({ uuid: uuid(3), name: "unread", cpuAverage: null }),
    aHost({ uuid: uuid(4), name: "away", cpuAverage: 99, enabled: false }),
  ];
  const vms = [aVm({ uuid: uuid(11) }), aVm({ uuid: uuid(12), isControlDomain: true })];
  const rule = { subject: "CpuAverage", threshold: 25 } as const;
  const load = loadOf(
    aSnapshot(hosts.map((host) => [host, host.name === "busy" ? vms : []] as const)),
    [rule],
    "CpuAverage",
  );

  test("lists the most loaded host first, and what has no value last", () => {
    expect(load.hosts.map(({ host }) => host.name)).toEqual(["away", "busy", "calm", "unread"]);
  });

  test("compares with the mean of those that take part, and with the rules' limits", () => {
    expect(load).toMatchObject({ mean: 50, limits: [75] });
    expect(load.hosts.map(({ deviation }) => deviation)).toEqual([null, 40, -40, null]);
    expect(load.hosts.map(({ breaks }) => breaks)).toEqual([[], [rule], [], []]);
    expect(load.hosts[0]?.absent).toContain("maintenance");
  });

  test("counts guests, not control domains", () => {
    expect(load.hosts.map(({ vms }) => vms)).toEqual([0, 1, 0, 0]);
  });

  test("prints a line a host, marks and units with it", () => {
    const collection = { id: 12 } as Parameters<typeof showLoad.text>[0]["collection"];
    const [title, marks, blank, head, ...lines] = showLoad.text({ ...load, collection, ageSeconds: 34 });
    expect([title, marks, blank]).toEqual([
      "Hosts by CpuAverage, collection 12, 34 s old",
      "Mean | 50 %, limits ! 75 %",
      "",
    ]);
    expect(head).toMatch(/^Host +CpuAverage +From mean +Load +CPU % +Memory MB/);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^busy +90 % +\+40 +\[#{15}\|#{6,7}!#+·+\] .*breaks CpuAverage > 25 %$/);
    expect(lines[3]).toMatch(/^unread +- +- +\[·/);
  });

  const collection = { id: 12 } as Parameters<typeof showLoad.text>[0]["collection"];
  const onScreen = (of: Omit<PoolLoad, "collection" | "ageSeconds">, screen: Partial<TerminalView> = {}) =>
    showLoad.screen?.(
      { ...of, collection, ageSeconds: 34 },
      { columns: 200, rows: 24, color: true, unicode: true, ...screen },
    ) ?? [];
  test("on a terminal a host over its limit is red, one that takes no part and a score of the starved yellow", () => {
    const scores = new Map([[uuid(2), { wanted: 100, got: 60 }]]);
    const starved = loadOf(aSnapshot(hosts.map((host) => [host, []] as const)), [rule], "CpuAverage", scores);
    const lines = onScreen(starved).map(inWords);
    expect(lines.find((line) => line.includes("busy"))).toMatch(/^<red>busy .*<\/> {2}<yellow> +60<\/>/);
    expect(lines.find((line) => line.includes("busy"))).toContain("<red>breaks CpuAverage > 25 %</>");
    expect(lines.find((line) => line.includes("away"))).toMatch(/^<yellow>away/);
    expect(lines.find((line) => line.includes("calm"))).not.toContain("<");
    const enough = new Map([[uuid(2), { wanted: 100, got: 95 }]]);
    const fine = loadOf(aSnapshot(hosts.map((host) => [host, []] as const)), [], "CpuAverage", enough);
    expect(onScreen(fine).find((line) => line.includes("busy"))).not.toContain("\u001b");
    expect(onScreen(starved, { color: false }).join("")).not.toContain("\u001b");
  });

  test("on a terminal lines keep to its width, whatever hosts are called, with the bar whole", () => {
    const named = hosts.map((host, n) => ({ ...host, name: `${"\u009b[2J日本-".repeat(20)}${n}` }));
    const many = Array.from({ length: 16 }, () => named).flat();
    const wide = loadOf(
      aSnapshot(many.map((host, n) => [{ ...host, uuid: uuid(100 + n) }, []] as const)),
      [rule],
      "CpuAverage",
    );
    for (const columns of [80, 100, 140]) {
      for (const unicode of [true, false]) {
        const lines = onScreen(wide, { columns, unicode, color: false });
        expect(lines).toHaveLength(4 + 64);
        for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
        for (const line of lines.slice(4)) expect(line).toMatch(/\[[#|!.·]{14,30}\]/);
      }
    }
    const [, , , head] = onScreen(load, { columns: 80, color: false });
    expect(head).toMatch(/^Host +CpuAverage +Load +VMs +Score +State$/);
    expect(onScreen(loadOf(aSnapshot([]), [], "CpuAverage"), { columns: 80, color: false })[1]).toBe(
      "Mean | -, limits ! none: no rule compares it alone",
    );
  });

  test("takes any subject, and names the one that was meant", () => {
    expect(asked("SHOW LOAD")).toEqual(["SHOW LOAD", "CpuAverage"]);
    expect(asked("top vmcount;")).toEqual(["TOP", "VmCount"]);
    expect(messageFor("TOP CpuAverag")).toContain("Did you mean CpuAverage?");
  });
});

describe("SHOW LOAD HOST", () => {
  const host = aHost({ uuid: uuid(1), name: "h", cpuNum: 8, cpuAverage: 40 });
  const vms = [
    aVm({ uuid: uuid(11), name: "idle", vcpuNum: 8, vcpuAverage: 1 }),
    aVm({ uuid: uuid(12), name: "busy", vcpuNum: 2, vcpuAverage: 100, immovable: "passthrough" }),
    aVm({ uuid: uuid(13), name: "new", vcpuNum: 2, vcpuAverage: null }),
  ];
  const other = aHost({ uuid: uuid(2), name: "other" });
  const load = hostLoadOf(
    aSnapshot([
      [host, vms],
      [other, [aVm({ uuid: uuid(14) })]],
    ]),
    host,
  );

  test("lists the VMs of that host by the part of its CPUs that they take", () => {
    expect(load.vms.map(({ vm, cpuShare }) => [vm.name, cpuShare])).toEqual([
      ["busy", 25],
      ["idle", 1],
      ["new", null],
    ]);
  });

  test("prints a line a VM below the host's own, and why a VM stays", () => {
    const [title, , head, busy] = showHostLoad.text(load);
    expect(title).toBe("h: CPU 40 %, 8 CPUs");
    expect(head).toMatch(/^VM +CPU of host +Load +vCPUs/);
    expect(busy).toMatch(/^busy +25 % +\[#{8}·{22}\] +2 .*passthrough$/);
  });

  test("on a terminal it keeps to the width, and has the score of a VM that is short of CPU in yellow", () => {
    const scores = new Map([
      [uuid(11), { wanted: 100, got: 90 }],
      [uuid(12), { wanted: 100, got: 99 }],
    ]);
    const view = { columns: 80, rows: 24, color: true, unicode: true };
    const lines =
      showHostLoad.screen?.(hostLoadOf(aSnapshot([[host, vms]]), host, scores), view).slice(3) ?? [];
    expect(lines.map(inWords)[0]).not.toContain("<");
    expect(lines.map(inWords)[1]).toMatch(/^idle .*<yellow> +90<\/>/);
    for (const line of lines) expect(inWords(line).replaceAll(/<[^>]*>/g, "").length).toBeLessThanOrEqual(80);
  });

  test("is not SHOW LOAD of a subject called HOST", () => {
    expect(asked("SHOW LOAD HOST h")).toEqual(["SHOW LOAD HOST", { object: "HOST", wanted: "h" }]);
    expect(messageFor("SHOW LOAD HOST")).toContain("SHOW LOAD HOST which?");
  });
});
