/** The tables that control carries plans out by: lease, log of migrations, breaker, pause, exclusions. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { asUuid } from "../../src/domain/pool.ts";
import { bandwidthOf } from "../../src/store/bandwidth.ts";
import { acknowledgeBreaker, breakerStatus } from "../../src/store/breaker.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { exclude, include, listExclusions } from "../../src/store/exclusions.ts";
import {
  isLeaseToken,
  type LeaseToken,
  leaseStatus,
  releaseLease,
  renewLease,
  takeLease,
} from "../../src/store/lease.ts";
import {
  adoptMigration,
  closeMigration,
  type Intent,
  listMigrations,
  markSubmitted,
  openMigrations,
  planMigration,
} from "../../src/store/migrations.ts";
import { pauseControl, pauseStatus, resumeControl } from "../../src/store/pause.ts";
import { finishRun, lastSuccess, listRuns, startRun } from "../../src/store/runs.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";

let test: TestDatabase;
let control: Database;
let other: Database;
let manager: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  [control, other, manager] = await Promise.all([
    openDatabase(test.control),
    openDatabase(test.control),
    openDatabase(test.manager),
  ]);
});
afterAll(async () => {
  for (const db of [control, other, manager]) await db.close();
  await test.drop();
});

const sql = (statement: string) => asRoot(statement, test.admin.database);
beforeEach(async () => {
  await sql("DELETE FROM Migration");
  await sql("UPDATE Lease SET RunId = NULL");
  await sql("UPDATE Breaker SET Trips = 0, OpenUntil = NULL, CountFrom = NULL, OpenedAt = NULL");
  await sql("UPDATE Pause SET Paused = FALSE");
});

const ttl = 60_000;

async function leaseToken(runId = crypto.randomUUID() as string, db = control): Promise<LeaseToken> {
  const taken = await takeLease(db, runId, "test", ttl);
  if (!isLeaseToken(taken)) throw new Error(`held by ${taken.holder}`);
  return taken;
}

const uuid = (text: string) => asUuid(text.padEnd(36, "0"));
const intent = (vm = "a"): Intent => ({
  vm: uuid(vm),
  source: uuid("source"),
  destination: uuid("destination"),
  rule: { subject: "CpuAverage", threshold: 25 },
  cause: "rules",
  reason: "hot",
  figures: { mean: 1 },
  collectionId: 1,
  memoryBytes: 2 ** 30,
});

async function begun(owner: LeaseToken, vm = "a"): Promise<string> {
  const planned = await planMigration(control, owner, intent(vm), 1000);
  if (!("id" in planned)) throw new Error(planned.kind);
  return planned.id;
}

describe("the lease", () => {
  it("is held by one run at a time, and the other one is told by whom and since when", async () => {
    const first = await leaseToken("first");
    const second = await takeLease(other, "second", "me", ttl);
    expect(second).toMatchObject({ holder: "test", runId: "first", token: first.token });
    expect(await renewLease(control, first, ttl)).toBe(true);
    await releaseLease(control, first);
    expect((await leaseStatus(other)).holder).toBeNull();
    expect((await leaseToken("second", other)).token).toBe(first.token + 1);
  });

  it("is won by exactly one of two that reach for it at once, fifty times", async () => {
    for (let round = 0; round < 50; round++) {
      const taken = await Promise.all([
        takeLease(control, `a${round}`, "a", ttl),
        takeLease(other, `b${round}`, "b", ttl),
      ]);
      const winners = taken.filter(isLeaseToken);
      expect(winners).toHaveLength(1);
      await Promise.all(winners.map((winner) => releaseLease(control, winner)));
    }
  });

  it("that expired is taken over, and the old holder can neither renew nor write", async () => {
    const old = await leaseToken("old");
    const id = await begun(old);
    await sql("UPDATE Lease SET ExpiresAt = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND");
    const fresh = await leaseToken("fresh", other);
    expect(fresh.token).toBe(old.token + 1);
    expect(await renewLease(control, old, ttl)).toBe(false);
    expect(await planMigration(control, old, intent("b"), 1000)).toEqual({ kind: "lease" });
    expect(await markSubmitted(control, old, id, "task")).toBe(false);
    const end = { state: "succeeded", error: null, seconds: 1 } as const;
    expect(await closeMigration(control, old, id, end)).toBe("lease lost");
    expect(await adoptMigration(other, fresh, id)).toBe(true);
    expect(await closeMigration(other, fresh, id, end)).toBe("closed");
    await releaseLease(control, old);
    expect((await leaseStatus(control)).runId).toBe("fresh");
  });

  it("that expired gives no right to write, though nobody has taken it over yet", async () => {
    const old = await leaseToken("old");
    const id = await begun(old);
    await sql("UPDATE Lease SET ExpiresAt = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND");
    expect(await planMigration(control, old, intent("b"), 1000)).toEqual({ kind: "lease" });
    expect(await markSubmitted(control, old, id, "task")).toBe(false);
    expect(await renewLease(control, old, ttl)).toBe(true);
    expect(await markSubmitted(control, old, id, "task")).toBe(true);
  });

  it("that ends further away than any lease lasts was taken before the clock was set back: it is taken over", async () => {
    await leaseToken("old");
    await sql("UPDATE Lease SET ExpiresAt = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR");
    expect((await leaseToken("fresh", other)).runId).toBe("fresh");
  });
});

describe("the log of migrations", () => {
  it("holds one open row for a VM, whoever writes it", async () => {
    const owner = await leaseToken();
    await begun(owner);
    expect(await planMigration(control, owner, intent(), 1000)).toEqual({ kind: "open" });
    const insert = `INSERT INTO Migration (Id, RunId, Token, VmUuid, OpenVm, SourceUuid, DestinationUuid, Reason,
      Figures, CollectionId, State, PlannedAt) VALUES (UUID(), 'x', 0, '${uuid("a")}', '${uuid("a")}', 's', 'd', '',
      '{}', 1, 'planned', UTC_TIMESTAMP(6))`;
    await expect(sql(insert)).rejects.toThrow(/Duplicate/);
  });

  it("goes from planned to running to its end, and no further", async () => {
    const owner = await leaseToken();
    const id = await begun(owner);
    expect(await markSubmitted(control, owner, id, "task")).toBe(true);
    expect((await openMigrations(manager))[0]).toMatchObject({ id, state: "running", taskRef: "task" });
    const end = { state: "failed", error: "why", seconds: null } as const;
    expect(await closeMigration(control, owner, id, end)).toBe("closed");
    expect(await closeMigration(control, owner, id, { ...end, state: "succeeded" })).toBe("lease lost");
    expect(await openMigrations(control)).toEqual([]);
    expect((await listMigrations(manager))[0]).toMatchObject({ state: "failed", error: "why" });
  });

  it("takes no intent of another run that was planned before the last migration ended, nor while one is open", async () => {
    const first = await leaseToken();
    const id = await begun(first);
    await releaseLease(control, first);
    const second = await leaseToken();
    expect(await planMigration(control, second, intent("b"), 1000)).toEqual({ kind: "stale" });
    await adoptMigration(control, second, id);
    await sql("UPDATE CollectionHead SET StartedId = 7");
    await closeMigration(control, second, id, { state: "succeeded", error: null, seconds: null });
    const later = (collectionId: number) =>
      planMigration(control, second, { ...intent("b"), collectionId }, 1000);
    expect(await later(7)).toEqual({ kind: "stale" });
    expect(await later(8)).toHaveProperty("id");
  });

  it("takes no more in an hour than is allowed; what was refused does not count", async () => {
    const owner = await leaseToken();
    for (const vm of ["a", "b"]) {
      const end = { state: "refused", error: "no", seconds: null } as const;
      await closeMigration(control, owner, await begun(owner, vm), end);
    }
    await closeMigration(control, owner, await begun(owner), { state: "succeeded", error: null, seconds: 1 });
    expect(await planMigration(control, owner, intent("b"), 1)).toEqual({ kind: "hour", count: 1 });
    await sql("UPDATE Migration SET PlannedAt = UTC_TIMESTAMP(6) - INTERVAL 61 MINUTE");
    expect(await planMigration(control, owner, intent("b"), 1)).toHaveProperty("id");
  });

  it("says how fast memory is copied between two hosts", async () => {
    const owner = await leaseToken();
    for (const seconds of [10, 12, 11]) {
      await closeMigration(control, owner, await begun(owner), { state: "succeeded", error: null, seconds });
    }
    const costs = await bandwidthOf(manager);
    const cost = costs.of(uuid("source"), uuid("destination"));
    expect(cost).toMatchObject({ samples: 3, bytesPerSecond: 2 ** 30 / 11 });
    expect(cost.dirtyFactor).toBeGreaterThan(1);
    expect(costs.of(uuid("destination"), uuid("source")).samples).toBe(3);
  });
});

describe("the breaker", () => {
  const end = async (owner: LeaseToken, state: "succeeded" | "failed") =>
    closeMigration(control, owner, await begun(owner), { state, error: state, seconds: null });

  it("opens for half an hour after two failures in a row, the second time until somebody acknowledges", async () => {
    const owner = await leaseToken();
    expect(await end(owner, "failed")).toBe("closed");
    expect(await end(owner, "failed")).toBe("breaker opened");
    const open = await breakerStatus(manager);
    expect(open).toMatchObject({ open: true, trips: 1 });
    expect(open.closesInSeconds).toBeGreaterThan(1790);
    expect(await planMigration(control, owner, intent(), 1000)).toMatchObject({ kind: "breaker" });
    await sql("UPDATE Breaker SET OpenUntil = UTC_TIMESTAMP(6)");
    expect(await end(owner, "failed")).toBe("closed");
    expect(await end(owner, "failed")).toBe("breaker opened");
    expect((await breakerStatus(manager)).closesInSeconds).toBeGreaterThan(86_000);
    expect(await acknowledgeBreaker(control, "me")).toBe(true);
    expect(await breakerStatus(manager)).toMatchObject({ open: false, trips: 0 });
    expect(await acknowledgeBreaker(control, "me")).toBe(false);
  });

  it("opens after three failures of ten, and not after two that are apart", async () => {
    const owner = await leaseToken();
    const seen: string[] = [];
    for (const state of ["failed", "succeeded", "failed", "succeeded", "succeeded", "failed"] as const)
      seen.push(await end(owner, state));
    expect(seen).toEqual([...Array(5).fill("closed"), "breaker opened"]);
    expect((await breakerStatus(manager)).reason).toBe(
      "3 of the last 6 migrations failed, the last one: failed",
    );
  });
});

describe("the administrator's word", () => {
  it("pauses and resumes; a pause with an end is over by itself; an intent is not taken meanwhile", async () => {
    expect(await pauseStatus(control)).toBeNull();
    await pauseControl(manager, { by: "ann", reason: "backup", seconds: null });
    expect(await pauseStatus(control)).toMatchObject({ by: "ann", reason: "backup", until: null });
    const owner = await leaseToken();
    expect(await planMigration(control, owner, intent(), 1000)).toMatchObject({ kind: "paused", by: "ann" });
    expect(await resumeControl(manager)).toBe(true);
    expect(await resumeControl(manager)).toBe(false);
    await pauseControl(manager, { by: "ann", reason: "", seconds: 600 });
    expect((await pauseStatus(control))?.until).toBeInstanceOf(Date);
    await sql("UPDATE Pause SET PausedUntil = UTC_TIMESTAMP(6)");
    expect(await pauseStatus(control)).toBeNull();
  });

  it("excludes and includes; the newest reason stays", async () => {
    for (const reason of ["old", "new"])
      await exclude(manager, { kind: "VM", uuid: uuid("a"), by: "ann", reason });
    await exclude(manager, { kind: "HOST", uuid: uuid("h"), by: "bob", reason: "" });
    expect(await listExclusions(control)).toMatchObject([
      { kind: "VM", uuid: uuid("a"), by: "ann", reason: "new" },
      { kind: "HOST", uuid: uuid("h"), by: "bob" },
    ]);
    expect([await include(manager, uuid("a")), await include(manager, uuid("a"))]).toEqual([true, false]);
    await include(manager, uuid("h"));
  });
});

describe("runs", () => {
  it("are remembered with their ends; the last success is the last that did its work", async () => {
    const who = { program: "xcp-control", host: "here", pid: 7 } as const;
    const done = await startRun(control, who);
    await finishRun(control, done, { outcome: "done", exitCode: 0, detail: "1 VM moved" });
    const refused = await startRun(control, who);
    await finishRun(control, refused, { outcome: "refused", exitCode: 4, detail: "paused" });
    const killed = await startRun(control, who);
    expect((await listRuns(manager, "xcp-control")).map(({ id, exitCode }) => [id, exitCode])).toEqual([
      [killed, null],
      [refused, 4],
      [done, 0],
    ]);
    expect(await lastSuccess(manager, "xcp-control")).toMatchObject({ id: done, detail: "1 VM moved" });
    await sql("UPDATE ProgramRun SET StartedAt = StartedAt - INTERVAL 40 DAY");
    await startRun(control, who);
    expect(await listRuns(manager, "xcp-control")).toHaveLength(1);
  });
});
