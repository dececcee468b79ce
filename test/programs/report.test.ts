/** Reports of real histories in a real Chromium: at 3 and 64 hosts, of a day and of a month, and with hostile names. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreOptions } from "../../src/store/connection.ts";
import { printable } from "../../src/text/text.ts";
import { Chromium, chromium, type ShownPage } from "../support/chromium.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { hostileNames } from "../support/hostileNames.ts";
import { type ProgramResult, runProgram } from "../support/programs.ts";
import { type HistoryWish, type WrittenHistory, writeHistory } from "../support/reportData.ts";

const pictures = fileURLToPath(new URL("../../.xcp-balance/screenshots/", import.meta.url));

interface Filled {
  readonly database: TestDatabase;
  readonly history: WrittenHistory;
}

/** Longest wait for a program on a machine that has other work. */
const slow = 200_000;

let folder: string;
let small: Filled;
let large: Filled;
let hostile: Filled;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "report-"));
  await mkdir(pictures, { recursive: true });
  small = await filled({ hosts: 3, vms: 36, days: 30, everySeconds: 900, migrations: 90 });
  large = await filled({ hosts: 64, vms: 768, days: 30, everySeconds: 1800, migrations: 700 });
  hostile = await filled({
    hosts: 4,
    vms: hostileNames.length * 2,
    days: 1,
    everySeconds: 900,
    migrations: hostileNames.length * 2,
    names: hostileNames,
  });
}, 300_000);
afterAll(async () => {
  for (const { database } of [small, large, hostile]) await database.drop();
  await rm(folder, { recursive: true, force: true });
});

async function filled(wish: HistoryWish): Promise<Filled> {
  const database = await createTestDatabase();
  return { database, history: await writeHistory(database.admin, wish) };
}

function manager(account: StoreOptions, args: readonly string[]): Promise<ProgramResult> {
  const settings = {
    MysqlHost: account.servers
      .map((server) => ("host" in server ? `${server.host}:${server.port}` : ""))
      .join(","),
    MysqlUsr: account.user,
    MysqlPass: account.password,
    MysqlDatabase: account.database,
  };
  return runProgram("xcp-manager", args, { settings, deadlineMs: slow });
}

/** Has the program write a report; its file. */
async function reportOf({ database }: Filled, since: string, name: string): Promise<string> {
  const file = path.join(folder, `${name}.html`);
  const { code, stdout, stderr } = await manager(database.manager, ["report", "--since", since, "-o", file]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^Report of pool .+ UTC to .+ UTC \(.+\): .+\.html, \d+ kB\n$/);
  return file;
}

describe("the file", { timeout: slow }, () => {
  it("is its owner's alone, has no script and asks for nothing", async () => {
    const file = await reportOf(small, "7d", "plain");
    const text = await readFile(file, "utf8");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // Not by toContain: a failure would print the page.
    expect(text.includes(`content="default-src 'none'; style-src 'unsafe-inline'"`)).toBe(true);
    expect(/<script|<link|<iframe|<img|@import|url\(|\son\w+=/i.exec(text)?.[0]).toBeUndefined();
  });

  it("has an arrow for each migration of its time, and no other", async () => {
    const text = await readFile(await reportOf(large, "30d", "arrows"), "utf8");
    const drawn = [...text.matchAll(/<g class="move \w+" id="m-([0-9a-f-]{36})">/g)].map(([, id]) => id);
    expect(drawn.toSorted()).toEqual([...large.history.migrations].sort());
  });

  it("counts what the database holds", async () => {
    const text = await readFile(await reportOf(small, "29d", "counts"), "utf8");
    // The limit was lowered in steps, and the band follows them.
    const wanted = ["CpuAverage &gt; 35", "1 host</b> slept", "age of data", "HOST_NOT_ENOUGH_FREE_MEMORY"];
    expect(wanted.filter((each) => !text.includes(each))).toEqual([]);
  });

  it("is said to be written where there is something to report on, with the reason where there is not", async () => {
    const database = await createTestDatabase();
    const { code, stderr } = await manager(database.manager, ["-e", "REPORT TO nothing.html"]);
    await database.drop();
    expect([code, stderr]).toEqual([2, expect.stringContaining("Nothing has been collected yet")]);
    const wrong = await manager(small.database.manager, ["report", "-o", "/nowhere/r.html"]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("cannot write /nowhere/r.html")]);
    const short = await manager(small.database.manager, ["report", "--since", "5s"]);
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining("is not from 10 min to 366 d")]);
  });
});

describe.skipIf(chromium === null)("in Chromium (skipped where /usr/bin/chromium is missing)", () => {
  let browser: Chromium;
  beforeAll(async () => {
    browser = await Chromium.start();
  });
  afterAll(() => browser.stop());

  async function shown(file: string): Promise<ShownPage> {
    return browser.open(pathToFileURL(file).href);
  }

  it.each([
    [3, "1d", "pdf"],
    [3, "30d", "dark"],
    [64, "1d", "dark"],
    [64, "30d", "pdf"],
  ] as const)(
    "%i hosts over %s fit the page, on a screen, on a telephone and on A4",
    async (hosts, since, also) => {
      const name = `report-${hosts}-${since}`;
      const file = await reportOf(hosts === 3 ? small : large, since, name);
      const page = await shown(file);
      await page.resize(390);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
      await page.resize(1100);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(1100);
      expect(await page.evaluate(overflowing)).toEqual([]);
      expect(await page.evaluate("document.querySelectorAll('svg[role=img]').length")).toBeGreaterThan(3);
      expect(await page.evaluate(unnamed)).toEqual([]);
      await writeFile(path.join(pictures, `${name}.png`), await page.picture("light"));
      if (also === "dark") {
        const day = await page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor");
        await writeFile(path.join(pictures, `${name}-dark.png`), await page.picture("dark"));
        const night = await page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor");
        expect([day, night]).toEqual(["rgb(243, 245, 248)", "rgb(15, 21, 27)"]);
      } else {
        const printed = await page.print();
        await writeFile(path.join(pictures, `${name}.pdf`), printed);
        expect(sizesOf(printed)).toEqual(["595 x 842"]);
      }
      expect(page.seen).toEqual({ requests: [pathToFileURL(file).href], complaints: [] });
    },
    240_000,
  );

  it("no name of a VM, host, rule, error or person becomes anything but text", async () => {
    const file = await reportOf(hostile, "1d", "hostile");
    const page = await shown(file);
    await writeFile(path.join(pictures, "report-hostile.png"), await page.picture("light"));
    expect(await page.evaluate("typeof window.pwned")).toBe("undefined");
    expect(await page.evaluate(elements)).toEqual([]);
    expect(await page.evaluate(attributes)).toEqual([]);
    const text = await page.evaluate<string>("document.documentElement.textContent");
    const missing = hostileNames.filter((each) => !text.includes(printable(each).slice(0, 60)));
    expect(missing).toEqual([]);
    expect(page.seen).toEqual({ requests: [pathToFileURL(file).href], complaints: [] });
  }, 240_000);
});

/** The sizes of a printed file's pages, in points. */
function sizesOf(pdf: Buffer): string[] {
  const boxes = [...pdf.toString("latin1").matchAll(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]/g)];
  return [...new Set(boxes.map(([, ...size]) => size.map((each) => Math.round(Number(each))).join(" x ")))];
}

/** Elements that stand out of the window; what scrolls by itself may. */
const overflowing = `[...document.body.querySelectorAll("*")]
  .filter((each) => each.closest(".picture, .table") === null && each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))`;

/** Pictures without a name or description for screen readers. */
const unnamed = `[...document.querySelectorAll("svg[role=img]")].filter((each) => {
  const ids = (each.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
  const texts = ids.map((id) => document.getElementById(id)?.textContent ?? "");
  return each.getAttribute("aria-label") === null && (texts.length !== 2 || texts.some((text) => text === ""));
}).map((each) => each.outerHTML.slice(0, 120))`;

/** Elements that the report has no use for. */
const elements = `[...new Set([...document.querySelectorAll("*")].map((each) => each.localName))].filter((name) =>
  !["html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "p", "nav", "a", "section", "div", "span", "b",
    "svg", "desc", "g", "path", "rect", "line", "circle", "text", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th",
    "td", "code", "footer"].includes(name))`;

/** Attributes that run or fetch something. */
const attributes = `[...document.querySelectorAll("*")].flatMap((each) => [...each.attributes])
  .filter(({ name, value }) => /^on|^src|^style|^action|^formaction|^xlink/.test(name) || (name === "href" && !value.startsWith("#")))
  .map(({ name, value }) => name + "=" + value)`;
