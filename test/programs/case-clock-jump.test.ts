/** Case clock-jump: the database's clock is 60 days ahead for one collection; no history goes by it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { laterStatements } from "../../src/demo/fastMotion.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { asRoot } from "../support/database.ts";
import { type KillableServer, startKillableServer } from "../support/killableServer.ts";
import { startWorld, type World } from "../support/world.ts";

/** A server of its own: its clock is put ahead for whoever connects. */
let server: KillableServer;
let world: World;
let db: Database;
beforeAll(async () => {
  server = await startKillableServer();
  world = await startWorld({ pool: { builtin: "thesis" }, databaseServer: server.address });
  db = await openDatabase(world.database.admin);
}, 120_000);
afterAll(async () => {
  await db?.close();
  await world?.stop();
  await server?.stop();
});

const ahead = (days: number) =>
  asRoot(
    `SET GLOBAL init_connect = '${days === 0 ? "" : `SET timestamp = UNIX_TIMESTAMP() + ${days * 86_400}`}'`,
    undefined,
    server.address,
  );

const dayLater = () =>
  asRoot(
    [
      ...laterStatements(86_400),
      "UPDATE ProgramRun SET StartedAt = TIMESTAMPADD(DAY, -1, StartedAt), FinishedAt = TIMESTAMPADD(DAY, -1, FinishedAt)",
    ],
    world.database.admin.database,
    server.address,
  );

async function kept(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of ["HostSample", "CollectionPicture", "ProgramRun"]) {
    const [row] = await db.read((reader) => reader.rows(`SELECT COUNT(*) AS n FROM ${table}`));
    counts[table] = Number(row?.["n"]);
  }
  return counts;
}

it("keeps all of the history while the clocks disagree, and says so", async () => {
  for (let turn = 0; turn < 4; turn++) {
    await world.begin();
    await dayLater();
  }
  const before = await kept();
  await ahead(60);
  const { code, stdout } = await world.run("xcp-collect");
  await ahead(0);
  expect(code).toBe(0);
  expect(stdout).toMatch(/the pool's clock is 5\d{6} s behind the database's; is NTP running\? No old/);
  const after = await kept();
  expect(after["HostSample"]).toBeGreaterThan(before["HostSample"] ?? 0);
  expect(after["CollectionPicture"]).toBe((before["CollectionPicture"] ?? 0) + 1);
  // Of the runs, which no clock of a pool can vouch for, those of one day went at most: the four are days apart.
  expect(after["ProgramRun"]).toBeGreaterThanOrEqual(before["ProgramRun"] ?? 0);
});
