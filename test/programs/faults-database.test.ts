/** Faults of the database and of the way to it, one test each, with the numbers of the fault matrix. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBlackHole } from "../support/blackHole.ts";
import { twoHot } from "../support/controlPools.ts";
import { type CrashWorld, collectWell, holdsLock, startCrashWorld } from "../support/crashes.ts";
import { asRoot } from "../support/database.ts";
import { type KillableServer, startKillableServer } from "../support/killableServer.ts";
import { marksIn } from "../support/picture.ts";
import { flowing } from "../support/poolTime.ts";
import { startProgram } from "../support/programs.ts";
import { startWorld } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

/** A server of its own: its global settings are changed, and it is waited for until it drops a connection. */
let server: KillableServer;
let crash: CrashWorld;
beforeAll(async () => {
  server = await startKillableServer();
  crash = await startCrashWorld({ databaseServer: server.address });
});
afterAll(async () => {
  await crash?.stop();
  await server?.stop();
});

const globally = (setting: string) => asRoot(`SET GLOBAL ${setting}`, undefined, server.address);

async function expectUnchanged(work: () => Promise<void>): Promise<void> {
  const before = await crash.onlooker.stored();
  await work();
  await crash.onlooker.settled();
  const after = await crash.onlooker.stored();
  expect(after.picture).toEqual(before.picture);
  expect(after.collections).toEqual(before.collections);
}

describe("a run that stands still in the midst of its transaction, with the writers' lock held,", () => {
  it("F4: stopped (SIGSTOP): the next run is stored all the same, and the stale one is passed over", async () => {
    await crash.change();
    crash.wire.restart();
    const stale = await crash.start({ MysqlStatementSeconds: "1" });
    await new Promise<void>((resolve) => {
      const isHolder = holdsLock();
      crash.wire.assess = (event) => {
        if (!isHolder(event)) return "pass";
        crash.wire.assess = undefined;
        stale.child.kill("SIGSTOP");
        resolve();
        return "pass";
      };
    });
    await crash.change();
    const next = await (await crash.start()).ended;
    expect(next).toMatchObject({ code: 0, stderr: "" });
    const newest = await crash.onlooker.stored();
    stale.child.kill("SIGCONT");
    const ended = await stale.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain("not stored, a collection that started later is there already");
    expect(await crash.onlooker.stored()).toEqual(newest);
    expect(marksIn(newest)).toHaveLength(1);
    await collectWell(crash);
  }, 60_000);

  it("F10: cut off by a network that swallows all: it ends by itself, and the next run gets through", async () => {
    await crash.change();
    const sent: string[] = [];
    let swallowed: (() => void) | undefined;
    const swallowing = new Promise<void>((resolve) => {
      swallowed = resolve;
    });
    const hole = await startBlackHole(server.address, (bytes, network) => {
      sent.push(bytes.toString("latin1"));
      // Behind the statement that takes the lock, prepared and run, nothing passes any more.
      if (sent.at(-3)?.includes("UPDATE CollectionHead SET StoredId") !== true) return;
      network.swallow();
      swallowed?.();
    });
    const places = {
      MysqlHost: `${hole.host}:${hole.port}`,
      MysqlConnectSeconds: "1",
      MysqlStatementSeconds: "1",
    };
    const began = performance.now();
    const cut = await crash.start(places);
    await swallowing;
    await crash.change();
    const next = await (await crash.start()).ended;
    expect(next).toMatchObject({ code: 0, stderr: "" });
    expect(await cut.ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/Unable to connect to Mysql: .*no answer in time/),
    });
    expect(performance.now() - began).toBeLessThan(40_000);
    await hole.close();
    await collectWell(crash);
  }, 100_000);
});

describe("a server that does not take what is written", () => {
  it("F8: is read-only: collect and manager say that it is not the writer, and use it once it is again", async () => {
    await globally("read_only = 1");
    await expectUnchanged(async () => {
      const result = await (await crash.start()).ended;
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(/it is read-only, not the writer|read-only/);
      const manager = await crash.world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
      expect(manager.code).toBe(1);
      expect(manager.stderr).toMatch(/read-only/);
    });
    await globally("read_only = 0");
    await collectWell(crash);
  });

  it("F9: takes no large packets: the run names max_allowed_packet and leaves the old picture", async () => {
    await crash.change();
    const { db } = crash.world.pool;
    db.set("VM", db.all("VM")[0] ?? "", "tags", ["x".repeat(30_000)]);
    await globally("max_allowed_packet = 16384");
    await expectUnchanged(async () => {
      const result = await (await crash.start()).ended;
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(/max_allowed_packet: raise it/);
    });
    await globally("max_allowed_packet = 16777216");
    await collectWell(crash);
  });
});

describe("a schema that the programs were not made for", () => {
  it.each([
    ["older", "DELETE FROM SchemaVersion ORDER BY Version DESC LIMIT 1", /run `xcp-manager schema install`/],
    [
      "newer",
      "INSERT INTO SchemaVersion SELECT 9999, '9999_later.sql', 1, 1, 1, Holder, HeldUntil, ChangedAt FROM SchemaVersion LIMIT 1",
      /newer|upgrade/,
    ],
  ])("F46: %s: each refuses with what to do, and writes nothing", async (_, change, advice) => {
    const database = crash.world.database.admin.database;
    await asRoot(
      ["CREATE TABLE KeptVersion AS SELECT * FROM SchemaVersion", change],
      database,
      server.address,
    );
    try {
      await expectUnchanged(async () => {
        const collect = await (await crash.start()).ended;
        expect(collect).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(advice) });
        const control = await crash.world.run("xcp-control", ["--dry-run"]);
        expect(control).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(advice) });
        const manager = await crash.world.run("xcp-manager", ["-e", "SHOW HOSTS"]);
        expect(manager).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(advice) });
      });
    } finally {
      await asRoot(
        [
          "DELETE FROM SchemaVersion",
          "INSERT INTO SchemaVersion SELECT * FROM KeptVersion",
          "DROP TABLE KeptVersion",
        ],
        database,
        server.address,
      );
    }
    await collectWell(crash);
  });
});

describe("clocks that disagree", () => {
  it("F19: the server's clock jumps by an hour, both ways: the collection that started last stays", async () => {
    const jump = (seconds: number) =>
      globally(
        seconds === 0
          ? "init_connect = ''"
          : `init_connect = 'SET timestamp = UNIX_TIMESTAMP() + ${seconds}'`,
      );
    for (const seconds of [3600, -3600, 0]) {
      await jump(seconds);
      await crash.change();
      const stored = await collectWell(crash);
      expect(stored.storedId).toBe(stored.startedId);
      expect(marksIn(stored)).toHaveLength(1);
    }
    const rows = await crash.onlooker.query(
      "SELECT DurationMs, TIMESTAMPDIFF(SECOND, StartedAt, FinishedAt) AS took FROM Collection",
    );
    for (const row of rows) {
      expect(Number(row["DurationMs"])).toBeGreaterThanOrEqual(0);
      expect(Math.abs(Number(row["took"]))).toBeLessThan(60);
    }
  });
});

// The last one: connections of the other tests end with the server.
describe("a server that dies while xcp-control watches a migration", () => {
  it("F6: and comes back: the run goes on and closes its row; stays away: the next run closes it, and the VM moves once", async () => {
    const world = await startWorld({
      pool: { scenario: twoHot },
      manualClock: true,
      startMs: Date.now(),
      databaseServer: server.address,
    });
    const { pool } = world;
    const rows = () => rowsOf(world, "SELECT VmUuid, State FROM Migration ORDER BY PlannedAt");
    const watching = async (leaseSeconds: number) => {
      // A VM that has just come is believed from the second collection on.
      for (let n = 0; n < 2; n++) {
        await pool.clock.advance(60_000);
        expect((await world.run("xcp-collect", ["-q"])).code).toBe(0);
      }
      const limits = { ControlMaxMovesPerRun: "1", ControlLeaseSeconds: String(leaseSeconds) };
      const settings = { ...world.settings("control"), ...limits, ControlPollSeconds: "1" };
      const control = await startProgram("xcp-control", ["--instant"], { settings, deadlineMs: 100_000 });
      await control.waitFor(/^Progress: /m);
      return control;
    };
    try {
      await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 4"]);
      const first = await watching(120);
      server.kill();
      await server.restart();
      const ended = await flowing(pool, first.ended);
      expect(ended, ended.stdout).toMatchObject({ code: 0, stderr: "" });
      expect(ended.stdout).toContain("1 VM moved");
      expect(await rows()).toMatchObject([{ State: "succeeded" }]);

      const second = await watching(5);
      server.kill();
      // Its lease runs out with nobody to renew it at: what goes on in the pool is left to the next run.
      const left = await second.ended;
      expect([1, 3]).toContain(left.code);
      expect(left.stderr + left.stdout).toMatch(/lease was lost|Unable to connect to Mysql|Mysql/);
      expect(pool.model.migrations.size).toBe(1);
      await server.restart();
      expect(await rows()).toMatchObject([{ State: "succeeded" }, { State: "running" }]);
      await pool.clock.advance(600_000);
      const next = await world.run("xcp-control", ["--instant"], { deadlineMs: 100_000 });
      expect(next.stdout).toMatch(/^An earlier run's migration succeeded: /m);
      const both = await rows();
      expect(both).toMatchObject([{ State: "succeeded" }, { State: "succeeded" }]);
      expect(new Set(both.map(({ VmUuid }) => VmUuid)).size).toBe(2);
    } finally {
      await world.stop();
    }
  }, 150_000);
});
