/** What xcp-collect says, when it ends, and with which code. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { type ProgramOptions, runProgram, startProgram } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" }, manualClock: true });
  await world.pool.clock.advance(60_000);
});
afterAll(() => world?.stop());

const collections = async () =>
  Number((await rowsOf(world, "SELECT COUNT(*) AS n FROM Collection"))[0]?.["n"]);
const settings = (): ProgramOptions => ({ settings: world.settings("collect") });

describe("a run", () => {
  it("says one line: pool, hosts, VMs, running guests and time", async () => {
    const result = await world.run("xcp-collect");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(/^collected pool Main Pool: 2 hosts, 3 VMs \(3 running\) in \d+\.\d s\n/);
  });

  it("with --json prints one object on one line, with these keys and no others", async () => {
    const result = await world.run("xcp-collect", ["--json"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(/^\{.*\}\n$/);
    const summary = JSON.parse(result.stdout);
    const [pool] = await rowsOf(world, "SELECT PoolUuid, Name FROM Pool");
    const [last] = await rowsOf(world, "SELECT MAX(Id) AS id FROM Collection");
    expect(summary).toEqual({
      pool: { uuid: pool?.["PoolUuid"], name: "Main Pool" },
      collection: Number(last?.["id"]),
      superseded: false,
      complete: true,
      hosts: 2,
      vms: 5,
      placements: 5,
      read: "all",
      bars: 0,
      unread: [],
      slow: [],
      suspect: [],
      untrusted: [],
      unmeasured: [],
      clockSkewSeconds: expect.any(Number),
      skipped: [],
      arrivals: [],
      recordedFromNow: 0,
      recordingRefused: null,
      warnings: [],
      durationMs: expect.any(Number),
    });
  });

  it("with -q prints nothing at all", async () => {
    const before = await collections();
    expect(await world.run("xcp-collect", ["-q"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(await collections()).toBe(before + 1);
  });

  it("whose summary nobody reads is stored, and ends without a word", async () => {
    const before = await collections();
    const running = await startProgram("xcp-collect", [], settings());
    running.child.stdout.destroy();
    const { code, signal, stderr } = await running.ended;
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
    expect(await collections()).toBe(before + 1);
  });

  it("leaves no session behind in the pool", () => {
    expect(world.pool.db.all("session")).toEqual([]);
  });
});

describe("--interval", () => {
  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("collects again and again until %s, and ends with %i", async (signal, code) => {
    const running = await startProgram("xcp-collect", ["--interval", "0.2"], settings());
    await running.waitFor(/collected pool .*\n(.*\n)*collected pool .*\n/);
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ code, stderr: "" });
    expect(world.pool.db.all("session")).toEqual([]);
  });

  it("does not wait for its next turn when it is to end", async () => {
    const running = await startProgram("xcp-collect", ["--interval", "3600"], settings());
    await running.waitFor(/collected pool/);
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 143, stderr: "" });
  });

  it("goes on after a run that failed, and says why that one failed", async () => {
    const { db } = world.pool;
    const running = await startProgram("xcp-collect", ["--interval", "0.2"], settings());
    await running.waitFor(/collected pool/);
    world.pool.model.outages.set(world.pool.masterRef, {
      goneUntilMs: Number.POSITIVE_INFINITY,
      startingUntilMs: Number.POSITIVE_INFINITY,
    });
    await expect.poll(() => running.output.stderr).toContain("no member of the pool serves");
    world.pool.model.outages.clear();
    const seen = running.output.stdout.split("\n").length;
    await expect.poll(() => running.output.stdout.split("\n").length).toBeGreaterThan(seen + 1);
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(143);
    for (const session of db.all("session")) db.destroy("session", session);
  });

  it("ends with a failure when nobody reads its lines any more", async () => {
    const running = await startProgram("xcp-collect", ["--interval", "0.2"], settings());
    await running.waitFor(/collected pool/);
    running.child.stdout.destroy();
    expect(await running.ended).toMatchObject({ code: 1, signal: null, stderr: "" });
  });

  it("ends at the first signal although a call hangs, and logs out", async () => {
    runCommand(world.pool, "hang host.* times=always");
    const running = await startProgram("xcp-collect", ["--interval", "60"], settings());
    await expect.poll(() => world.pool.db.all("session")).toHaveLength(1);
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 143, stdout: "", stderr: "" });
    expect(world.pool.db.all("session")).toEqual([]);
    runCommand(world.pool, "end-faults");
  });
});

describe("the command line", () => {
  const without = (args: readonly string[]) => runProgram("xcp-collect", args);

  it("--help and --version end with 0, without settings", async () => {
    const [help, version] = await Promise.all([without(["--help"]), without(["--version"])]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/Usage: xcp-collect/);
    expect(help.stdout).toContain("Exit codes: 0 done;");
    expect(version).toMatchObject({ code: 0, stderr: "" });
    expect(version.stdout).toMatch(
      /^xcp-collect \d+\.\d+\.\d+, schema \d+, commit (?:[0-9a-f]{7}|unknown), Node \d/,
    );
  });

  it("wrong usage ends with 2 and says what is wrong", async () => {
    const wrong = [
      ["--nonsense"],
      ["extra"],
      ["--interval"],
      ["--interval", "0"],
      ["-i", "soon"],
      ["--settings"],
    ];
    for (const result of await Promise.all(wrong.map(without))) {
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).not.toBe("");
      expect(result.stderr).not.toContain("at ");
    }
  });
});
