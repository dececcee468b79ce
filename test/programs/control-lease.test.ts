/** The lease in the hands of a run: kept by renewing, given up by the run's own clock, lost to whoever takes it. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { HeldLease } from "../../src/control/heldLease.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { leaseStatus } from "../../src/store/lease.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase(test.control);
});
afterAll(async () => {
  await db.close();
  await test.drop();
});
beforeEach(() => asRoot("UPDATE Lease SET RunId = NULL", test.admin.database));

async function take(ttlMs: number, monotonicMs: () => number = () => performance.now()): Promise<HeldLease> {
  const taken = await HeldLease.take(db, { runId: crypto.randomUUID(), holder: "test", ttlMs, monotonicMs });
  if (!(taken instanceof HeldLease)) throw new Error("the lease is taken");
  return taken;
}

it("is renewed for as long as it is held, and free at once when it ends", async () => {
  const heldLease = await take(3_000);
  const before = await leaseStatus(db);
  await expect
    .poll(async () => (await leaseStatus(db)).renewedSecondsAgo ?? 9)
    .toBeLessThan((before.takenSecondsAgo ?? 0) + 0.4);
  expect(heldLease.mayStart()).toBe(true);
  await heldLease.end();
  expect((await leaseStatus(db)).holder).toBeNull();
});

it("starts nothing in the last third of its time, by a clock that counts from before the lease was asked for", async () => {
  let now = 0;
  const heldLease = await take(600_000, () => now);
  expect(heldLease.mayStart()).toBe(true);
  now = 400_000;
  expect(heldLease.mayStart()).toBe(true);
  now = 400_001;
  expect(heldLease.mayStart()).toBe(false);
  await heldLease.end();
});

it("is lost when another run has taken it, and is then not given back", async () => {
  const heldLease = await take(1_200);
  await asRoot("UPDATE Lease SET RunId = 'another', Token = Token + 1", test.admin.database);
  await expect.poll(() => heldLease.lost.aborted).toBe(true);
  expect([heldLease.mayStart(), heldLease.why]).toEqual([false, "another run has taken it"]);
  await heldLease.end();
  expect((await leaseStatus(db)).runId).toBe("another");
});

it("is lost when the database cannot be asked in time", async () => {
  const heldLease = await take(1_200);
  // A transaction that lasts holds the renewals up: they queue behind it on the one connection.
  let release = (): void => {};
  const busy = db.read(
    () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  );
  await expect.poll(() => heldLease.lost.aborted).toBe(true);
  expect(heldLease.why).toBe("it could not be renewed in time");
  release();
  await busy;
  await heldLease.end();
});
