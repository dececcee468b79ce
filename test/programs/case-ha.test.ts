/** Case ha: that HA's plan forbids one VM on one host is a matter of the two; the same run plans anew. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startWorld, type World } from "../support/world.ts";

const file = new URL("../../../shared/cases/ha.pool", import.meta.url);

describe.skipIf(!existsSync(file))("case ha (skipped where ../shared/cases is missing)", () => {
  let world: World;

  beforeEach(async () => {
    world = await startWorld({ pool: { scenario: readFileSync(file, "utf8") }, speed: 10 });
    await world.begin("CpuAverage > 15");
  }, 120_000);

  afterEach(() => world?.stop());

  const command = (line: string) => runCommand(world.pool, line);
  const where = (name: string): string => {
    const { db } = world.pool;
    const ref = db.all("VM").find((each) => db.text("VM", each, "name_label") === name) ?? "";
    return db.text("host", db.text("VM", ref, "resident_on"), "name_label");
  };

  it("a1 is not moved to gamma, and the run goes on", async () => {
    command("fail-migration HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN vm=a1 at=start");
    const run = await world.run("xcp-control");
    expect(run).toMatchObject({ code: 3, stderr: "" });
    expect(run.stdout).toMatch(
      /^a1 \(.+\) could not be moved to gamma: HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN; it stays on alpha$/m,
    );
    expect(run.stdout).toContain("End Migration");
    expect(run.stdout).not.toContain("ended early");
    expect([where("a1"), where("a2")]).toContain("alpha");
    expect([where("a1"), where("a2")].filter((host) => host !== "alpha")).toHaveLength(1);
    const shown = await world.run("xcp-manager", ["-e", "SHOW BREAKER"]);
    expect(shown.stdout).not.toMatch(/open since/);
  });

  it("what HA refuses of every VM on gamma opens no breaker, and goes to beta", async () => {
    command("fail-migration HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN host=gamma at=start times=always");
    const run = await world.run("xcp-control");
    expect(run).toMatchObject({ code: 3, stderr: "" });
    expect(run.stdout).not.toMatch(/breaker|ended early/);
    expect([where("a1"), where("a2")].toSorted()).toEqual(["alpha", "beta"]);
    const next = await world.run("xcp-control", ["--dry-run"]);
    expect(next.stdout).not.toMatch(/breaker/);
  });
});
