/** F40: PAUSE CONTROL NOW, an administrator's order that reaches the migrations that run. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { breakerStatus } from "../../src/store/breaker.ts";
import { leaseStatus } from "../../src/store/lease.ts";
import { openMigrations } from "../../src/store/migrations.ts";
import { type Arena, openArena, type Ring } from "../support/controlArena.ts";
import { behindWire, checkHistory, endLease, migrationRows } from "../support/controlCrashes.ts";
import { cpu25, threeHosts, twoHot } from "../support/controlPools.ts";
import { flowing } from "../support/poolTime.ts";
import { type ProgramResult, runProgram } from "../support/programs.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

function manager(command: string): Promise<ProgramResult> {
  const account = arena.database.manager;
  return runProgram("xcp-manager", ["-e", command], {
    settings: {
      MysqlHost: account.servers.map(({ host, port }) => `${host}:${port}`).join(","),
      MysqlUsr: account.user,
      MysqlPass: account.password,
      MysqlDatabase: account.database,
    },
  });
}

async function started(count: number, work: (ring: Ring) => Promise<void>): Promise<void> {
  const ring = await arena.open(twoHot, { byHand: true });
  const rule = { ...cpu25, threshold: 4 };
  await ring.collect(rule);
  await behindWire(arena, ring, ["--json"], async ({ start }) => {
    const control = await start();
    await expect.poll(() => ring.pool.model.migrations.size).toBe(count);
    await expect
      .poll(() => control.output.stdout.match(/"event":"progress"/g)?.length ?? 0)
      .toBeGreaterThan(1);
    try {
      await work(ring);
    } finally {
      if (control.child.exitCode === null) control.child.kill("SIGKILL");
    }
    const ended = await control.ended;
    // What the run says and what the rows say is the same.
    const events = ended.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 3, stderr: "" });
    const results = events.filter(({ event }) => event === "result");
    expect(results).toHaveLength(count);
    for (const { outcome } of results)
      expect(outcome).toMatchObject({ kind: "failed", cancelled: true, failure: "stopped" });
    expect(events.at(-1).text).toMatch(/^ended early: PAUSE CONTROL NOW by .+ \(storage burns\)$/);
    expect(events.filter(({ event }) => event === "start")).toHaveLength(count);
  });
}

it("F40: PAUSE CONTROL NOW: two that run are cancelled in the pool, their rows say so, and nothing else is begun", async () => {
  await started(2, async (ring) => {
    const paused = await manager("PAUSE CONTROL NOW REASON storage burns");
    expect(paused.code).toBe(0);
    expect(paused.stderr).toContain("2 migrations that were begun are cancelled by the xcp-control at work");
    expect((await manager("SHOW STATUS")).stdout).toMatch(
      /^Pause - paused by .+ ago, until RESUME CONTROL, running migrations are cancelled: storage burns$/m,
    );
    await expect.poll(() => ring.pool.model.migrations.size).toBe(0);
    await expect.poll(async () => (await openMigrations(arena.controller)).length).toBe(0);
    await expect.poll(async () => (await leaseStatus(arena.controller)).holder).toBeNull();
    const rows = await migrationRows(arena);
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(row).toMatchObject({ state: "cancelled", failure: "stopped" });
      expect(row.error).toMatch(/^PAUSE CONTROL NOW by .+ \(storage burns\), so it was cancelled$/);
    }
    expect(ring.migrations).toHaveLength(2);
    expect(ring.pool.db.all("task")).toEqual([]);
    for (const host of ["hot1", "hot2"])
      for (const vm of ["a", "b", "c"]) expect(ring.where(`${vm}-${host}`)).toBe(host);
    // An administrator's word is no fault of pool, hosts or VMs: no breaker, no rest.
    expect(await breakerStatus(arena.controller)).toMatchObject({ open: false, trips: 0 });
    const refused = await ring.control();
    expect(refused.code).toBe(4);
    expect(refused.text).toMatch(
      /^refused: paused: paused by .+: storage burns, limit until somebody resumes/,
    );
    expect((await manager("RESUME CONTROL")).code).toBe(0);
    await ring.collect({ ...cpu25, threshold: 4 });
    const after = await flowing(ring.pool, ring.control({ maxMoves: 1 }));
    expect(after.text).toContain("1 VM moved");
    checkHistory(await ring.history());
  });
});

it("F40: a pause without NOW leaves running migrations alone, and ends as before", async () => {
  const ring = await arena.open(threeHosts, { byHand: true });
  await ring.collect(cpu25);
  const lines: string[] = [];
  const run = ring.control({ onLine: (line) => void lines.push(line) });
  await expect.poll(() => lines.some((line) => line.startsWith("Progress: "))).toBe(true);
  const paused = await manager("PAUSE CONTROL");
  expect(paused.stderr).toContain("1 migration that was begun goes on.");
  expect((await flowing(ring.pool, run)).code).toBe(0);
  expect(ring.where("small")).toBe("cold1");
  expect((await manager("RESUME CONTROL")).code).toBe(0);
});

it("F40: one that a killed run has left is cancelled by the next run that the pool heeds, and nothing is begun", async () => {
  const ring = await arena.open(threeHosts, { byHand: true });
  await ring.collect(cpu25);
  await behindWire(arena, ring, [], async ({ start }) => {
    const control = await start();
    await control.waitFor(/^Progress: /m);
    control.child.kill("SIGKILL");
    await control.ended;
  });
  await endLease(arena);
  expect((await manager("PAUSE CONTROL NOW")).stderr).toContain("or by the next one");
  ring.command("garbage task.cancel times=always");
  const unheeded = await ring.control({ hastySeconds: 0.5 });
  expect(unheeded.code).toBe(3);
  expect(unheeded.text).toMatch(
    /stays open: small .*: PAUSE CONTROL NOW by .+, and the pool did not cancel it; the migration goes on in the pool/,
  );
  expect(await openMigrations(arena.controller)).toMatchObject([{ state: "running" }]);
  ring.command("end-faults");
  const told = await ring.control();
  expect(told.code).toBe(4);
  expect(told.text).toMatch(
    /An earlier run's migration cancelled: small .*: PAUSE CONTROL NOW by .+, so it was cancelled/,
  );
  expect(told.lines.at(-1)).toMatch(/^refused: paused: /);
  expect(ring.where("small")).toBe("hot");
  expect(await migrationRows(arena)).toMatchObject([{ state: "cancelled", failure: "stopped" }]);
});

it("F40: one that arrives all the same counts as moved", async () => {
  const ring = await arena.open(threeHosts, { byHand: true });
  await ring.collect(cpu25);
  // The pool takes the order, and the migration is past the point where it can be heeded.
  ring.command("garbage task.cancel times=1");
  const lines: string[] = [];
  const run = ring.control({ maxMoves: 2, onLine: (line) => void lines.push(line) });
  await expect.poll(() => lines.some((line) => line.startsWith("Progress: "))).toBe(true);
  await manager("PAUSE CONTROL NOW REASON late");
  const told = await flowing(ring.pool, run);
  expect(told.text).toContain("1 VM moved");
  expect(told.lines.at(-1)).toMatch(/^ended early: PAUSE CONTROL NOW by .+ \(late\)$/);
  expect(ring.where("small")).toBe("cold1");
  expect(await migrationRows(arena)).toMatchObject([{ state: "succeeded", error: null }]);
});
