/** What xcp-collect stores of power and high availability, and of hosts that are switched off. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { openDatabase } from "../../src/store/connection.ts";
import { loadSnapshot } from "../../src/store/snapshot.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const scenario = `
pool P product=XCP-ng version=8.3 ha=1
host A master memory=8192
host B memory=8192 power-on=wake-on-lan off
host C memory=8192 power-on=IPMI off
host D memory=8192 power-on=my-script
vm one on=A memory=1024 tools ha=restart
`;

let world: World;
beforeEach(async () => {
  world = await startWorld({ pool: { scenario }, manualClock: true });
  await world.pool.clock.advance(15_000);
});
afterEach(() => world.stop());

const named = (name: string): string => {
  const { db } = world.pool;
  return db.all("host").find((ref) => db.text("host", ref, "name_label") === name) ?? "";
};

async function stored() {
  const db = await openDatabase(world.database.control);
  try {
    const found = await loadSnapshot(db);
    if (found === null) throw new Error("nothing is stored");
    return found;
  } finally {
    await db.close();
  }
}

describe("a pool in which two of four hosts are switched off", () => {
  test("each host comes with its power-on mode, the pool with what HA tolerates", async () => {
    expect(await world.run("xcp-collect")).toMatchObject({ code: 0 });
    const { snapshot } = await stored();
    const byName = snapshot.hosts.map(({ name, powerOnMode, live, enabled, isMaster }) => [
      name,
      powerOnMode,
      live,
      enabled,
      isMaster,
    ]);
    expect(byName.sort()).toEqual([
      ["A", "", true, true, true],
      ["B", "wake-on-lan", false, false, false],
      ["C", "IPMI", false, false, false],
      ["D", "my-script", true, true, false],
    ]);
    expect(snapshot.pool).toMatchObject({ haEnabled: true, haTolerance: 1, haPlannedFor: 1 });
    expect(await rowsOf(world, "SELECT HaEnabled, HaTolerance, HaPlannedFor FROM Pool")).toEqual([
      { HaEnabled: 1, HaTolerance: 1, HaPlannedFor: 1 },
    ]);
  });

  test("it is read completely: nobody expects measures of a host that is off", async () => {
    const { stderr, stdout } = await world.run("xcp-collect");
    expect(`${stdout}${stderr}`).not.toContain("unread, its measures");
    const { snapshot, collection } = await stored();
    expect(collection.complete).toBe(true);
    expect(snapshot.hosts.filter(({ read }) => read).map(({ name }) => name)).toHaveLength(2);
  });

  test("a host that crashed is missed, also when it has no VM", async () => {
    runCommand(world.pool, "crash D");
    await world.pool.clock.advance(600_000);
    const { stderr, stdout } = await world.run("xcp-collect");
    expect(`${stdout}${stderr}`).toContain(
      "host D unread, its measures are unknown: the pool says it is not alive",
    );
  });

  test("a plan that HA lost is stored as the pool tells it", async () => {
    runCommand(world.pool, "disable D");
    expect(world.pool.db.get("host", named("D"), "enabled")).toBe(false);
    await world.run("xcp-collect");
    expect((await stored()).snapshot.pool).toMatchObject({ haTolerance: 1, haPlannedFor: 0 });
  });
});
