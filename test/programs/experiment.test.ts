/** Chapter 6 of the thesis, end to end, with the three programs as child processes. */
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorld, type World } from "../support/world.ts";

const host1 = "eb966de6-276a-0428-2ecb-d1b2a69eff57";
const host2 = "6874ed0e-e89f-3fb4-306c-0ae78732ed62";
const vm2 = "67bad7be-dcce-a819-f7e2-9c92c9e626bc";
const speed = 20;

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" }, speed });
});
afterAll(() => world.stop());

async function show(command: string): Promise<string> {
  const { stdout, code } = await world.run("xcp-manager", ["-e", command]);
  expect(code).toBe(0);
  return stdout;
}

describe("the thesis' experiment", () => {
  it("collects the unbalanced pool, takes the rule, migrates VM2 and nothing else, and then does nothing", async () => {
    const before = await world.run("xcp-control");
    expect(before.code).toBe(4);
    expect(before.stdout).toBe(
      "refused: collection: none was ever stored, limit one at least; run xcp-collect first\n",
    );

    const collected = await world.run("xcp-collect");
    expect(collected).toMatchObject({ code: 0, stderr: "" });
    expect(collected.stdout).toMatch(/^collected pool .+: 2 hosts, 3 VMs \(3 running\) in \d+\.\d s\n/);
    expect(await show("SHOW HOST Host1")).toContain("Cpu Load Average - 25%");
    expect(await show("SHOW HOST Host2")).toContain("Cpu Load Average - 100%");

    const noRules = await world.run("xcp-control");
    expect(noRules).toMatchObject({ code: 0 });
    expect(noRules.stdout).toContain("Nothing to do: there are no rules");

    const dialogue = await world.run("xcp-manager", [], { stdin: "CREATE RULE HOST\nCpuAverage\n25\nY\n" });
    expect(dialogue.code).toBe(0);

    const dry = await world.run("xcp-control", ["--dry-run", "--json", "--exit-code"]);
    expect(dry.code).toBe(10);
    const plan = JSON.parse(dry.stdout);
    expect(plan.moves).toHaveLength(1);
    expect(plan.moves[0]).toMatchObject({ vm: vm2, from: host2, to: host1 });
    expect(world.pool.db.byUuid("VM", vm2)).toBeDefined();

    const acted = await world.run("xcp-control", [], { change: { ControlPollSeconds: "1" } });
    expect(acted).toMatchObject({ code: 0, stderr: "" });
    const lines = acted.stdout.trimEnd().split("\n");
    const start = lines.indexOf("Starting Migration ...");
    const end = lines.indexOf("End Migration");
    expect(start).toBeGreaterThanOrEqual(0);
    expect(end).toBeGreaterThan(start + 1);
    for (const line of lines.slice(start + 1, end)) expect(line).toMatch(/^Progress: (0|1|0\.\d{1,2})$/);
    expect(lines.filter((line) => line === "Starting Migration ...")).toHaveLength(1);
    expect(world.pool.db.all("task")).toEqual([]);

    await wait(15_000 / speed);
    const seen = await world.run("xcp-collect");
    expect(seen).toMatchObject({ code: 0, stderr: "" });
    expect(seen.stdout).toContain(
      "\nVM2 - Debian moved to Host1 since the last collection: its measures are believed from the next one\n",
    );
    expect(await show(`SHOW VM ${vm2}`)).toContain("VCpu Average - -\n");
    const soon = await world.run("xcp-control");
    expect(soon).toMatchObject({ code: 0, stderr: "" });
    expect(soon.stdout).toMatch(/Nothing to do: no host breaks a rule\. CpuAverage: mean 62\.5\d* %/);

    await wait(15_000 / speed);
    const settled = await world.run("xcp-collect");
    expect(settled).toMatchObject({ code: 0, stderr: "" });
    expect(settled.stdout).not.toContain("moved to");
    expect(await show("SHOW HOST Host1")).toContain("Cpu Load Average - 75%");
    expect(await show("SHOW HOST Host2")).toContain("Cpu Load Average - 50%");

    const after = await world.run("xcp-control");
    expect(after.code).toBe(0);
    expect(after.stdout).not.toContain("Starting Migration");
    expect(after.stdout).toMatch(/Nothing to do: no host breaks a rule\. CpuAverage: mean 62\.5\d* %/);
  }, 60_000);
});
