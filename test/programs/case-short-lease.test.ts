/** Case short-lease: how long a lease lasts is the holder's matter; who has shorter ones waits all the same. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { isLeaseToken, releaseLease, takeLease } from "../../src/store/lease.ts";
import { asRoot } from "../support/database.ts";
import { startWorld, type World } from "../support/world.ts";

let world: World;
let db: Database;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  await world.begin();
  db = await openDatabase(world.database.control);
});
afterAll(async () => {
  await db?.close();
  await world?.stop();
});

it("a run with ControlLeaseSeconds 5 waits for one with 60, and takes over once the clock shows that nobody renews", async () => {
  const long = await takeLease(db, crypto.randomUUID(), "the long one", 60_000);
  if (!isLeaseToken(long)) throw new Error("the lease is taken");
  const short = { change: { ControlLeaseSeconds: "5" } };
  const waiting = await world.run("xcp-control", [], short);
  expect([waiting.code, waiting.stdout]).toEqual([
    0,
    expect.stringContaining("another xcp-control is at work: the long one"),
  ]);
  // Three times its own length ahead and more: the clock was set back, and nobody renews this one.
  await asRoot(
    "UPDATE Lease SET ExpiresAt = UTC_TIMESTAMP(6) + INTERVAL 200 SECOND",
    world.database.admin.database,
  );
  const taking = await world.run("xcp-control", [], short);
  expect([taking.code, taking.stdout]).toEqual([0, expect.not.stringContaining("at work")]);
});

it("a run with 60 takes over from one with 5 whose end is further away than its leases last", async () => {
  const brief = await takeLease(db, crypto.randomUUID(), "the short one", 5_000);
  if (!isLeaseToken(brief)) throw new Error("the lease is taken");
  await asRoot(
    "UPDATE Lease SET ExpiresAt = UTC_TIMESTAMP(6) + INTERVAL 20 SECOND",
    world.database.admin.database,
  );
  const taken = await takeLease(db, crypto.randomUUID(), "the long one", 60_000);
  expect(isLeaseToken(taken)).toBe(true);
  if (isLeaseToken(taken)) await releaseLease(db, taken);
});
