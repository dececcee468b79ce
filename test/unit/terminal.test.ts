/** What terminals are told apart by, without one: width, locale, backslashes, the prompt, the pager's words, sizes. */
import { describe, expect, it } from "vitest";
import { parseBackslash } from "../../src/manager/backslash.ts";
import { pagerCommand } from "../../src/manager/pager.ts";
import { promptOf } from "../../src/manager/standing.ts";
import { screenIn } from "../../src/program/screen.ts";
import { expandedLines, onScreen, screenTable, type TerminalView } from "../../src/text/screen.ts";
import { readSize } from "../../src/text/size.ts";
import type { ShownTable } from "../../src/text/table.ts";
import { displayWidth } from "../../src/text/text.ts";

const plain: TerminalView = { columns: 40, rows: 24, color: false, unicode: true };
const table: ShownTable = {
  columns: ["Name", "Reason", "CPU %"],
  rows: [
    ["a-very-long-name-of-a-virtual-machine", "because it is so and not otherwise", 12],
    ["日本", "x", null],
  ],
};

describe("a table on a terminal", () => {
  it("fits its width: text is cut, figures never", () => {
    const lines = screenTable(table, plain);
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(40);
    expect(lines[1]).toMatch(/^a-very-long-\S*… +because it\S* .*… +12$/);
    expect(screenTable(table, { ...plain, columns: 200 })[1]).toContain("machine  because it is so");
  });

  it("is ASCII where the locale is, and has colours only where there are some", () => {
    for (const line of screenTable(table, { ...plain, unicode: false })) expect(line).toMatch(/^[ -~]*$/);
    expect(onScreen("[##··] é", { unicode: false })).toBe("[##..] \\u{e9}");
    const [head = ""] = screenTable(table, { ...plain, color: true });
    expect([head.slice(0, 8), head.slice(-4)]).toEqual(["\u001b[1mName", "\u001b[0m"]);
    expect(screenTable(table, plain, () => "alarm").join("")).not.toContain("\u001b");
  });

  it("is a record a row when expanded", () => {
    expect(expandedLines({ columns: ["VM", "CPU %"], rows: [["a", 1]] }, plain)).toEqual([
      "-[ RECORD 1 ]-----",
      "VM    | a",
      "CPU % | 1",
    ]);
  });
});

describe("the environment", () => {
  const of = (environment: Readonly<Record<string, string>>) =>
    screenIn({ TERM: "xterm", LANG: "C.UTF-8", ...environment }, 80, 24);

  it("U9: NO_COLOR counts when it is not empty, TERM=dumb always, the first locale that says something decides", () => {
    expect([of({}).color, of({ NO_COLOR: "" }).color]).toEqual([true, true]);
    expect([of({ NO_COLOR: "1" }).color, of({ TERM: "dumb" }).color]).toEqual([false, false]);
    expect([of({}).unicode, of({ LC_ALL: "C" }).unicode]).toEqual([true, false]);
    expect(of({ LANG: "C", LC_CTYPE: "de_DE.utf8" }).unicode).toBe(true);
  });

  it("names the pager: PAGER with its words, less without it, none where it is empty", () => {
    expect(pagerCommand({})).toEqual(["less"]);
    expect(pagerCommand({ PAGER: "less -S" })).toEqual(["less", "-S"]);
    expect([pagerCommand({ PAGER: "" }), pagerCommand({ PAGER: "cat" })]).toEqual([null, null]);
  });
});

describe("the prompt", () => {
  it("names pool and age, says stale beyond the limit, and is the usual one before the first collection", () => {
    const of = (ageSeconds: number, pool = "mypool") => promptOf({ pool, ageSeconds }, 300, "XCP> ", plain);
    expect([of(42), of(240), of(900)]).toEqual([
      "mypool [42s]> ",
      "mypool [4 min]> ",
      "mypool [15 min, stale]> ",
    ]);
    expect(of(Number.POSITIVE_INFINITY)).toBe("mypool [of unknown age, stale]> ");
    expect(of(1, "\u001b[2J\u009bx")).toBe("\\u{1b}[2J\\u{9b}x [1s]> ");
    expect(promptOf(null, 300, "XCP> ", plain)).toBe("XCP> ");
  });
});

describe("a backslash", () => {
  it("watches what only looks, and nothing that changes something", () => {
    expect(parseBackslash("SHOW LOAD; \\watch 5")).toEqual({
      kind: "watch",
      command: "SHOW LOAD",
      seconds: 5,
    });
    expect(parseBackslash("\\watch")).toEqual({ kind: "watch", command: null, seconds: 5 });
    for (const line of [
      "PAUSE CONTROL \\watch 2",
      "DELETE RULE HOST ALL \\watch",
      "\\watch x",
      "\\watch 0",
      "\\nope",
    ])
      expect(parseBackslash(line), line).toMatchObject({ kind: "problem" });
    expect(parseBackslash("SHOW VM a\\b")).toBeNull();
    expect(parseBackslash("\\x on")).toEqual({ kind: "expanded", on: true });
  });
});

describe("a size", () => {
  it("is binary, needs its unit, and leaves what stands behind it", () => {
    expect(readSize("64 GB FOR VM x")).toEqual({ bytes: 64 * 1024 ** 3, rest: "FOR VM x" });
    expect(readSize("512MiB")?.bytes).toBe(512 * 1024 ** 2);
    expect(readSize("1.5t")?.bytes).toBe(1.5 * 1024 ** 4);
    for (const wrong of ["64", "GB", "0 GB", "-1 GB", "64 GBs", "1e3 GB", "9999999 TB"])
      expect(readSize(wrong), wrong).toBeNull();
  });
});
