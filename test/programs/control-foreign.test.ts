/** F39: another client of the pool, with a session of its own, migrates VMs while xcp-control is at work. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { listMigrations } from "../../src/store/migrations.ts";
import { type Arena, openArena, type Ring } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";
import { flowing } from "../support/poolTime.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

/** The other client migrates the VM and waits for it. */
async function migrateByHand(ring: Ring, vm: string, host: string): Promise<void> {
  await ring.admin(async (client) => {
    const [ref, to] = await Promise.all([
      client.vmByUuid(ring.uuid("VM", vm)),
      client.hostByUuid(ring.uuid("host", host)),
    ]);
    await client.poolMigrateAsync(ref, to);
    const arrived = (async () => {
      while (ring.where(vm) !== host) await new Promise((resolve) => setTimeout(resolve, 20));
    })();
    await flowing(ring.pool, arrived);
  });
}

/** A VM that has just come is believed from the second collection on. */
async function collectSettled(ring: Ring): Promise<void> {
  for (let n = 0; n < 2; n++) {
    await ring.pool.clock.advance(60_000);
    await ring.collect(cpu25);
  }
}

/** As if the migrations of the log had ended so many hours before: within a day, and beyond every rest. */
const hoursLater = (hours: number) =>
  asRoot(
    ["PlannedAt", "SubmittedAt", "FinishedAt"].map(
      (column) => `UPDATE Migration SET ${column} = ${column} - INTERVAL ${hours} HOUR`,
    ),
    arena.database.admin.database,
  );

it("F39: somebody migrates our VM back each time: it is moved twice, then it is contended and stays", async () => {
  const ring = await arena.open(threeHosts.replace("vm big on=hot", 'vm big blocked="no" on=hot'), {
    byHand: true,
  });
  for (const round of [1, 2]) {
    await collectSettled(ring);
    const told = await flowing(ring.pool, ring.control());
    expect(told.code, `round ${round}: ${told.text}`).toBe(0);
    expect(ring.where("small"), told.text).toBe("cold1");
    await migrateByHand(ring, "small", "hot");
    await hoursLater(5);
  }
  const byHand = 2;
  expect(ring.migrations).toHaveLength(2 + byHand);
  await collectSettled(ring);
  const third = await flowing(ring.pool, ring.control());
  expect(third.code).toBe(0);
  expect(third.text).toMatch(
    /small stays: contended: 2 times within a day it was moved from the host it is on again; somebody moves it back/,
  );
  expect(ring.migrations).toHaveLength(2 + byHand);
  expect(await listMigrations(arena.manager)).toHaveLength(2);
});

it("F39: somebody migrates another VM while ours runs: both arrive, and nothing more is decided on what is old", async () => {
  const ring = await arena.open(threeHosts, { byHand: true });
  await ring.collect(cpu25);
  const lines: string[] = [];
  const run = ring.control({ onLine: (line) => void lines.push(line) });
  await expect.poll(() => lines.some((line) => line.startsWith("Progress: "))).toBe(true);
  const [ours = ""] = ring.migrations;
  const other = ours.startsWith("small") ? "big" : "small";
  await migrateByHand(ring, other, "cold2");
  const told = await flowing(ring.pool, run);
  expect(ring.where(other)).toBe("cold2");
  // Ours is closed by where it is, theirs has no row, and no VM was asked for twice.
  const rows = await listMigrations(arena.manager);
  expect(rows.filter(({ state }) => state === "succeeded")).toHaveLength(1);
  expect(rows.map(({ vm }) => vm)).not.toContain(undefined);
  expect(new Set(ring.migrations.map((each) => each.split(" ")[0])).size).toBe(ring.migrations.length);
  expect([0, 3], told.text).toContain(told.code);
  const next = await ring.control();
  expect(next.code).toBe(4);
  expect(next.lines.at(-1)).toMatch(/^refused: freshness: /);
  await collectSettled(ring);
  expect((await ring.control()).text).toMatch(/Nothing to do: no host breaks a rule/);
});
