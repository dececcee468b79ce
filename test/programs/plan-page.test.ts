/** xcp-control --dry-run --html: the plan as a page, looked at in Chromium. */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Chromium, chromium } from "../support/chromium.ts";
import { temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

const pictures = fileURLToPath(new URL("../../.xcp-balance/screenshots/", import.meta.url));
const hostile = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;

let world: World;
let folder: string;
/** The name of a host. */
let host: string;
beforeAll(async () => {
  await mkdir(pictures, { recursive: true });
  folder = await temporaryFolder();
  world = await startWorld({ pool: { scenario: "generate hosts=5 vms=40 seed=5" }, manualClock: true });
  const { db } = world.pool;
  for (const vm of db.all("VM").slice(0, 14)) {
    if (db.get("VM", vm, "is_control_domain") !== true) db.set("VM", vm, "name_label", hostile);
  }
  const [first = ""] = db.all("host");
  host = db.text("host", first, "name_label");
  await world.pool.clock.advance(60_000);
  await world.begin();
  const rules = ["CREATE RULE HOST CpuAverage > 8", "CREATE RULE HOST OccupiedMemoryMb > 4000"];
  expect(
    (
      await world.run(
        "xcp-manager",
        rules.flatMap((rule) => ["-e", rule]),
      )
    ).code,
  ).toBe(0);
});
afterAll(() => world.stop());

/** A page, and what the program printed. */
async function pageOf(
  name: string,
  ...args: string[]
): Promise<{ file: string; text: string; lines: string[] }> {
  const file = path.join(folder, name);
  const { code, stdout, stderr } = await world.run("xcp-control", [
    "--dry-run",
    "--instant",
    "--html",
    file,
    ...args,
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  return { file, text: await readFile(file, "utf8"), lines: stdout.trim().split("\n") };
}

describe("the page of a plan", () => {
  it("has every move of the plan, the rules, the settings and the way to carry it out", async () => {
    const plan = path.join(folder, "plan.json");
    const { file, text, lines } = await pageOf("plan.html", "--save", plan);
    const saved = JSON.parse(await readFile(plan, "utf8")) as { moves: unknown[] };
    expect(saved.moves.length).toBeGreaterThan(0);
    expect(lines.at(-1)).toBe(`Page in ${file}`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(text).toContain(`<caption>${saved.moves.length} migration`);
    expect(text).toContain("<code>CpuAverage &gt; 8</code>");
    expect(text).toContain("<code>ControlTargetPercent</code>");
    expect(text).toContain(`xcp-control --apply ${plan}`);
    expect(text).not.toMatch(/<script|<img/i);
  });

  it("says of an evacuation what leaves, what stays and how it is done", async () => {
    const { text } = await pageOf("host.html", "--evacuate", host);
    expect(text).toContain(`<h1>Evacuation of ${host}</h1>`);
    expect(text).toMatch(/xcp-control --evacuate [0-9a-f-]{36}/);
    expect(text).toContain("any number: an administrator asks for it");
  });

  it("goes with --dry-run alone", async () => {
    const { code, stderr } = await world.run("xcp-control", ["--html", path.join(folder, "no.html")]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--html goes with --dry-run")]);
    const file = path.join(folder, "missing", "p.html");
    const wrong = await world.run("xcp-control", ["--dry-run", "--instant", "--html", file]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(`cannot write ${file}`)]);
  });

  it.skipIf(chromium === null)(
    "fits the window, asks for nothing and runs nothing",
    async () => {
      const browser = await Chromium.start();
      for (const [name = "", ...args] of [
        ["plan-2.html"],
        ["evacuation-2.html", "--evacuate", host],
      ] as const) {
        const { file } = await pageOf(name, ...args);
        const page = await browser.open(pathToFileURL(file).href);
        await page.resize(1100);
        await writeFile(path.join(pictures, `${name}.png`), await page.picture("light"));
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(1100);
        const cut =
          "[...document.querySelectorAll('.table')].filter((each) => each.scrollWidth > each.clientWidth).length";
        expect(await page.evaluate(cut)).toBe(0);
        expect(await page.evaluate("typeof window.pwned")).toBe("undefined");
        expect(await page.evaluate("document.querySelectorAll('img, script').length")).toBe(0);
        expect(await page.evaluate("document.querySelectorAll('#moves tbody tr').length")).toBeGreaterThan(0);
        expect(page.seen).toEqual({ requests: [pathToFileURL(file).href], complaints: [] });
      }
      await browser.stop();
    },
    240_000,
  );
});
