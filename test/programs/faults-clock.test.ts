/** F19: the database's clock jumps while xcp-control is at work. The server has a clock that the test sets. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { afterAll, beforeAll, expect, it } from "vitest";
import { twoHot } from "../support/controlPools.ts";
import { flowing } from "../support/poolTime.ts";
import { type RunningProgram, startProgram } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";
import { clockLibrary, startWrappedServer, type WrappedServer } from "../support/wrappedServer.ts";
import { rowsOf } from "./collectPool.ts";

const library = clockLibrary();
if (library === null)
  console.info("skipped: F19 needs Debian's libfaketime, which is missing and could not be installed");

let server: WrappedServer | null = null;
let world: World;
let clock = "";

/** Sets the server's clock so many seconds off the true one, for every session, old and new. */
function setClock(seconds: number): void {
  writeFileSync(clock, `${seconds < 0 ? "" : "+"}${seconds}\n`);
}

async function serverSecondsAhead(): Promise<number> {
  if (server === null) throw new Error("there is no server");
  const connection = await mysql.createConnection(server.address);
  try {
    const [rows] = await connection.query("SELECT UNIX_TIMESTAMP(SYSDATE(6)) AS now");
    return Number((rows as { now: number }[])[0]?.now) - Date.now() / 1000;
  } finally {
    await connection.end();
  }
}

beforeAll(async () => {
  if (library === null) return;
  server = await startWrappedServer("clock", (program, folder) => {
    clock = join(folder, "clock");
    setClock(0);
    return `LD_PRELOAD=${library} FAKETIME_TIMESTAMP_FILE='${clock}' FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 exec "${program}" "$@"`;
  });
  if (server === null) {
    console.info("skipped: F19 needs a MariaDB server of the system");
    return;
  }
  world = await startWorld({
    pool: { scenario: twoHot },
    manualClock: true,
    startMs: Date.now(),
    databaseServer: server.address,
  });
  await world.pool.clock.advance(60_000);
  await world.begin("CpuAverage > 4");
}, 180_000);

afterAll(async () => {
  await world?.stop();
  await server?.stop();
});

/** A run of control that is watching two migrations, the pool's time standing still. */
async function watching(change: Readonly<Record<string, string>>): Promise<RunningProgram> {
  const settings = { ...world.settings("control"), ControlPollSeconds: "1", ...change };
  const control = await startProgram("xcp-control", [], { settings, deadlineMs: 100_000 });
  await expect.poll(() => world.pool.model.migrations.size).toBe(2);
  await control.waitFor(/^Progress: /m);
  return control;
}

it.skipIf(library === null)(
  "F19: ten minutes ahead, then an hour back in mid-run: the lease is kept or given up, no second run acts, no VM moves twice",
  async ({ skip }) => {
    if (server === null) return skip();
    const began: string[] = [];
    world.pool.db.journal.onChange(() => {
      for (const vm of world.pool.model.migrations.keys())
        if (began.at(-1) !== vm && !began.includes(vm)) began.push(vm);
    });
    const control = await watching({ ControlLeaseSeconds: "6" });
    for (const seconds of [600, -3600, 0]) {
      setClock(seconds);
      await expect.poll(serverSecondsAhead).toBeGreaterThan(seconds - 60);
      expect(await serverSecondsAhead()).toBeLessThan(seconds + 60);
      // The lease is renewed each second: by a clock that has jumped, too.
      const before = await renewals();
      await expect.poll(renewals).not.toBe(before);
      const second = await world.run("xcp-control");
      expect(second, `clock ${seconds} s off`).toMatchObject({ code: 0 });
      expect(second.stdout).toMatch(/^another xcp-control is at work: /);
      expect(world.pool.model.migrations.size).toBe(2);
    }
    setClock(600);
    const ended = await flowing(world.pool, control.ended);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ stderr: "" });
    expect([0, 3]).toContain(ended.code);
    // A lease that was given up leaves its migrations to the next run.
    const isGivenUp = ended.code === 3;
    if (isGivenUp) {
      await world.pool.clock.advance(600_000);
      await world.run("xcp-control");
    }
    const rows = await rowsOf(world, "SELECT VmUuid, State, Seconds FROM Migration ORDER BY PlannedAt");
    expect(rows.length).toBeGreaterThanOrEqual(2);
    expect(new Set(rows.map(({ VmUuid }) => VmUuid)).size).toBe(rows.length);
    for (const { State, Seconds } of rows) {
      expect(State).toBe("succeeded");
      if (isGivenUp) continue;
      // By control's own steady clock, whatever the server's says.
      expect(Number(Seconds)).toBeGreaterThan(0);
      expect(Number(Seconds)).toBeLessThan(300);
    }
    expect(began.length).toBe(rows.length);
    // What is planned next is decided by numbers of collections, not by times: the old one is refused, a new one taken.
    const stale = await world.run("xcp-control");
    expect(stale.code).toBe(4);
    expect(stale.stdout).toMatch(/^refused: (freshness|age of data): /m);
    expect((await world.run("xcp-collect", ["-q"])).code).toBe(0);
    expect((await world.run("xcp-control", ["--dry-run"])).code).toBe(0);
    setClock(0);

    async function renewals(): Promise<string> {
      const [row] = await rowsOf(world, "SELECT RenewedAt FROM Lease");
      return String(row?.["RenewedAt"]);
    }
  },
  150_000,
);
