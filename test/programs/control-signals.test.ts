/** SIGTERM and SIGINT at xcp-control, before, during and between migrations. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { type Arena, openArena } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { flowing } from "../support/poolTime.ts";
import { type RunningProgram, startProgram } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

/** Three VMs to spread, so that a second migration would follow the first. */
const twoMoves = `${threeHosts}vm third on=hot vcpus=1 memory=300 cpu=40% tools\n`;

describe("the program", () => {
  let world: World;
  beforeEach(async () => {
    // Time stands still: no migration ends before the signal is there.
    world = await startWorld({ pool: { scenario: twoMoves }, manualClock: true, startMs: Date.now() });
    await world.pool.clock.advance(60_000);
    await world.begin("CpuAverage > 9");
  });
  afterEach(() => world.stop());

  const command = (line: string) => runCommand(world.pool, line);

  function start(...args: string[]): Promise<RunningProgram> {
    const settings = { ...world.settings("control"), ControlPollSeconds: "1" };
    return startProgram("xcp-control", args, { settings });
  }

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("%s before a migration: nothing starts, code %d", async (signal, code) => {
    command("hang VM.assert_can_boot_here times=always");
    const control = await start();
    await control.waitFor(/^\w+: hot -> cold\d;.+\n/m);
    control.child.kill(signal);
    const ended = await control.ended;
    expect(ended).toMatchObject({ code, stderr: "" });
    expect(ended.stdout).not.toContain("Starting Migration");
    expect(ended.stdout).toMatch(
      /not moved: stopped before it was started\n0 VMs moved\nended early: a signal\n$/,
    );
    expect(world.pool.model.migrations.size).toBe(0);
    expect(world.pool.db.all("session")).toEqual([]);
  });

  it("F41: a signal during a migration: it is watched to its end, and no other one starts", async () => {
    const control = await start();
    await control.waitFor(/^Progress: /m);
    control.child.kill("SIGTERM");
    const { code, stdout } = await flowing(world.pool, control.ended);
    expect(code).toBe(143);
    expect(stdout.match(/^Starting Migration/gm)).toHaveLength(1);
    expect(stdout).toMatch(/End Migration\n\w+ \(.+\) is on cold\d\n1 VM moved\nended early: a signal\n$/);
    expect(world.pool.db.all("task")).toEqual([]);
    expect(world.pool.db.all("session")).toEqual([]);
  });

  it("F41: a second signal during a migration ends at once, and the migration goes on", async () => {
    const control = await start();
    await control.waitFor(/^Progress: /m);
    control.child.kill("SIGTERM");
    control.child.kill("SIGINT");
    const { code, stdout } = await control.ended;
    expect([130, 143]).toContain(code);
    expect(stdout).not.toContain("moved");
    expect(world.pool.model.migrations.size).toBe(1);
  });

  it("a signal between two runs of --interval ends the waiting at once", async () => {
    await world.run("xcp-manager", ["-e", "DELETE RULE HOST CpuAverage"]);
    const control = await start("--interval", "3600");
    await control.waitFor(/Nothing to do: there are no rules/);
    control.child.kill("SIGTERM");
    expect(await control.ended).toMatchObject({ code: 143, stderr: "" });
  });

  it("--interval plans again and again, and goes on after a run that failed", async () => {
    await world.simulator.stop();
    const control = await start("--interval", "0.1");
    // The second line of the plan's first move can only come from a second run.
    await expect
      .poll(() => control.output.stderr.match(/no member of the pool serves/g)?.length ?? 0)
      .toBeGreaterThan(1);
    control.child.kill("SIGINT");
    expect((await control.ended).code).toBe(130);
  });
});

describe("the grace", () => {
  let arena: Arena;
  beforeAll(async () => {
    arena = await openArena();
  });
  afterAll(() => arena.close());

  it("over: the migration is left, and told to go on in the pool", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    ring.command("stall-migration at=30%");
    const stop = new AbortController();
    const told = await ring.control({
      signal: stop.signal,
      graceMs: 200,
      onLine: (line) => void (line.startsWith("Progress: 0.") && stop.abort()),
    });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/stopped while it was running; the migration goes on in the pool$/m);
    expect(ring.pool.model.migrations.size).toBe(1);
    expect(ring.pool.db.all("task")).toHaveLength(1);
    expect(ring.pool.db.all("session")).toEqual([]);
  });
});
