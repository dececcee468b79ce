/** Case typo-as-failure: a host that is not there is a mistake of the command line, no failed run. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  await world.begin();
}, 120_000);

afterAll(() => world?.stop());

it("is told with code 2, and SHOW STATUS knows nothing of it", async () => {
  const before = await world.run("xcp-manager", ["-e", "SHOW STATUS"]);
  expect(before.stdout).toMatch(/^xcp-control - no run is remembered$/m);
  const run = await world.run("xcp-control", ["--evacuate", "nosuch"]);
  expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("nosuch") });
  const after = await world.run("xcp-manager", ["-e", "SHOW STATUS"]);
  expect(after.stdout).toMatch(/^xcp-control - no run is remembered$/m);
  expect(after.stdout).not.toContain("failed");
}, 60_000);

it("a run that another one keeps from its lease, or that cannot reach the pool, stands there all the same", async () => {
  const change = { XenHost: "http://127.0.0.1:9" };
  const rule = await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
  expect(rule.code).toBe(0);
  expect(await world.run("xcp-control", [], { change })).toMatchObject({ code: 1 });
  expect((await world.run("xcp-manager", ["-e", "SHOW STATUS"])).stdout).toMatch(
    /^xcp-control - failed, exit code 1/m,
  );
}, 60_000);

it("--timestamps: each line begins with the time, each event has it", async () => {
  const text = await world.run("xcp-control", ["--dry-run", "--timestamps"]);
  for (const line of text.stdout.trimEnd().split("\n"))
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {2}/);
  const json = await world.run("xcp-control", ["--json", "--timestamps"]);
  const events = json.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.length).toBeGreaterThan(2);
  for (const { at } of events) expect(new Date(String(at)).getTime()).toBeGreaterThan(Date.now() - 60_000);
}, 60_000);
