import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { historyPath, historySize, openHistory } from "../../src/manager/history.ts";
import { type LineSource, linesOf, linesOfTexts } from "../../src/manager/lines.ts";

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

function source(text: string, size = 7): LineSource {
  return linesOf("x.xcp", chunksOf(Buffer.from(text), size));
}

async function all(lines: LineSource): Promise<string[]> {
  const read: string[] = [];
  for (let line = await lines.next(); line !== null; line = await lines.next()) read.push(line);
  return read;
}

describe("the lines of a script", () => {
  test("are the same however the bytes arrive", async () => {
    const line = fc.string({ unit: fc.constantFrom("a", " ", "é", "🚀", "\u2028", "\t") });
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
        expect(await all(source(lines.map((text) => `${text}\n`).join(""), size))).toEqual(lines);
      }),
    );
  });

  test("may end with CR LF, begin with a byte order mark and lack the last line end", async () => {
    expect(await all(source("\ufeffSHOW VMS\r\n\r\nSHOW HOSTS"))).toEqual(["SHOW VMS", "", "SHOW HOSTS"]);
    expect(await all(source(""))).toEqual([]);
  });

  test("know their place", async () => {
    const lines = source("a\nb\nc\n");
    await lines.next();
    expect(lines.where()).toBe("x.xcp:1");
    await lines.next();
    expect(lines.where()).toBe("x.xcp:2");
  });

  test("of -e are its values, split where they hold several lines", async () => {
    expect(await all(linesOfTexts("-e", ["SHOW VMS", "CREATE RULE HOST\nCpuAverage"]))).toEqual([
      "SHOW VMS",
      "CREATE RULE HOST",
      "CpuAverage",
    ]);
  });

  test("of 10 MB are refused before they are held in memory", async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; sent < 160; sent++) yield Buffer.alloc(65_536, "x");
    }
    await expect(linesOf("stdin", endless()).next()).rejects.toThrow("longer than 1048576 bytes");
    expect(sent).toBeLessThan(20);
  });

  test("with a NUL byte or without UTF-8 are refused", async () => {
    await expect(source("SHOW\0VMS\n").next()).rejects.toThrow("NUL");
    await expect(linesOf("stdin", chunksOf(Buffer.from([0x53, 0xff, 10]), 9)).next()).rejects.toThrow(
      "UTF-8",
    );
  });
});

describe("the history", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xcp-history-"));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test("lies in the user's state folder", () => {
    expect(historyPath({ XDG_STATE_HOME: "/s", HOME: "/h" })).toBe("/s/xcp-balance/manager_history");
    expect(historyPath({ HOME: "/h" })).toBe("/h/.local/state/xcp-balance/manager_history");
    expect(historyPath({ XDG_STATE_HOME: "relative", HOME: "/h" })).toBe(
      "/h/.local/state/xcp-balance/manager_history",
    );
    expect(historyPath({})).toBeNull();
  });

  test("comes back newest first, in a file that only its owner reads", () => {
    const file = path.join(folder, "new", "history");
    const first = openHistory(file);
    expect(first.lines).toEqual([]);
    first.add("SHOW VMS");
    first.add("SHOW HOSTS");
    expect(openHistory(file).lines).toEqual(["SHOW HOSTS", "SHOW VMS"]);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
  });

  test("does not grow without end", () => {
    const file = path.join(folder, "long");
    fs.writeFileSync(file, Array.from({ length: 5000 }, (_, index) => `SHOW VM ${index}\n`).join(""));
    expect(openHistory(file).lines).toHaveLength(historySize);
    expect(fs.readFileSync(file, "utf8").split("\n")).toHaveLength(historySize + 1);
    expect(openHistory(file).lines[0]).toBe("SHOW VM 4999");
  });

  test("that cannot be kept stops nobody", () => {
    const blocked = path.join(folder, "blocked");
    fs.writeFileSync(blocked, "");
    const history = openHistory(path.join(blocked, "history"));
    history.add("SHOW VMS");
    expect(history.lines).toEqual([]);
    expect(openHistory(null).lines).toEqual([]);
  });
});
