/** Progress: what one look says of a transfer, and lines that are drawn again at the bottom of a terminal. */
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { lookAt, transferLine } from "../../src/control/transfers.ts";
import { LiveLines } from "../../src/program/liveLines.ts";
import { Names } from "../../src/text/names.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

describe("a look at a transfer", () => {
  const expected = { bytes: 1000, expectedSeconds: 20 };

  it("tells rate and time left from the part that is done", () => {
    expect(lookAt(expected, 0.25, 10)).toEqual({ progress: 0.25, bytesPerSecond: 25, secondsLeft: 30 });
    expect(lookAt(expected, 1, 10)).toEqual({ progress: 1, bytesPerSecond: 100, secondsLeft: 0 });
  });

  it("guesses the time left from what was expected while nothing shows, never below 0", () => {
    expect(lookAt(expected, 0, 5)).toEqual({ progress: 0, bytesPerSecond: null, secondsLeft: 15 });
    expect(lookAt(expected, 0.01, 50).secondsLeft).toBe(0);
    expect(lookAt({ bytes: null, expectedSeconds: null }, 0, 5)).toMatchObject({
      bytesPerSecond: null,
      secondsLeft: null,
    });
  });

  it("reads as a line, with what is known", () => {
    const [a, b] = [aHost({ uuid: uuid(1), name: "xen1" }), aHost({ uuid: uuid(2), name: "xen4" })];
    const vm = aVm({ uuid: uuid(11), name: "vm7" });
    const names = new Names(
      aSnapshot([
        [a, [vm]],
        [b, []],
      ]),
    );
    const migration = { vm: vm.uuid, source: a.uuid, destination: b.uuid };
    const line = (bytesPerSecond: number | null, secondsLeft: number | null) =>
      transferLine({ ...migration, look: { progress: 0.437, bytesPerSecond, secondsLeft } }, names);
    expect(line(112 * 1024 * 1024, 12)).toBe("vm7 from xen1 to xen4: 43 %, 112 MB/s, 12 s left");
    expect(line(null, null)).toBe("vm7 from xen1 to xen4: 43 %");
    expect(line(null, 3723)).toBe("vm7 from xen1 to xen4: 43 %, 1 h 2 min left");
  });
});

/** What a terminal shows after everything was written: only the two sequences that are used. */
function shown(written: string): string[] {
  let lines: string[] = [""];
  for (const part of written.replaceAll("\u001b[0J", "").split("\u001b[")) {
    const up = /^(\d+)A/.exec(part);
    if (up !== null) lines = [...lines.slice(0, lines.length - 1 - Number(up[1])), ""];
    const [first = "", ...rest] = part.replace(/^\d+A/, "").split("\n");
    lines = [...lines.slice(0, -1), `${lines.at(-1)}${first}`, ...rest];
  }
  return lines.slice(0, -1);
}

describe("lines at the bottom of a terminal", () => {
  const terminal = (rows = 24, columns = 40) => {
    let written = "";
    const write = (text: string) => {
      written += text;
    };
    const live = new LiveLines({ write, rows: () => rows, columns: () => columns });
    return {
      show: (...lines: string[]) => live.show(lines),
      print: (line: string) => live.above(() => write(`${line}\n`)),
      text: () => shown(written),
      raw: () => written,
    };
  };

  it("are drawn again in place, below what is printed for good, and vanish", () => {
    const { show, print, text } = terminal();
    show("one 1 %", "two 1 %");
    show("one 2 %", "two 2 %");
    print("three is moved");
    expect(text()).toEqual(["three is moved", "one 2 %", "two 2 %"]);
    show("two 3 %");
    expect(text()).toEqual(["three is moved", "two 3 %"]);
    show();
    expect(text()).toEqual(["three is moved"]);
  });

  it("are cut to the window, so that none that scrolled away would have to be drawn", () => {
    const { show, text } = terminal(3, 10);
    show("a line that is too long", "two", "three", "four");
    expect(text()).toEqual(["a line t…", "two"]);
  });

  it("leave the output of a program that draws none as it is", () => {
    const { print, raw } = terminal();
    print("plain");
    expect(raw()).toBe("plain\n");
    expect(stripVTControlCharacters(raw())).toBe(raw());
  });
});
