/** The tables of what green rules did with each host, and of what the last collections said of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HostPowerChange } from "../../src/domain/hostPower.ts";
import type { Snapshot } from "../../src/domain/pool.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { fruitlessIn, rememberFruitless } from "../../src/store/fruitless.ts";
import {
  eventsIn,
  greenBytesIn,
  handledIn,
  hostPowerOf,
  loadHostPower,
  writeHostPower,
} from "../../src/store/hostPower.ts";
import { isLeaseToken, type LeaseToken, takeLease } from "../../src/store/lease.ts";
import { observationsIn, rememberObservations } from "../../src/store/observations.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { later } from "../support/laterDatabase.ts";

let test: TestDatabase;
let db: Database;
let owner: LeaseToken;
beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase(test.control);
});
afterAll(async () => {
  await db?.close();
  await test?.drop();
});

const sql = (...statements: string[]) => asRoot(statements, test.admin.database);
beforeEach(async () => {
  await sql("DELETE FROM HostRest", "DELETE FROM HostRestEvent", "DELETE FROM HostSight");
  await sql("UPDATE Lease SET RunId = NULL");
  const taken = await takeLease(db, crypto.randomUUID(), "test", 60_000);
  if (!isLeaseToken(taken)) throw new Error(`held by ${taken.holder}`);
  owner = taken;
});

const [a, b, pool] = [uuid(1), uuid(2), uuid(9)];
const empty = aHost({ uuid: a, name: "a host; DROP TABLE HostRest" });

async function write(...changes: readonly (Partial<HostPowerChange> & Pick<HostPowerChange, "state">)[]) {
  const whole = changes.map((change) => ({ host: a, reason: "", event: null, ...change }));
  return writeHostPower(db, owner, pool, whole);
}

describe("what green rules did with hosts", () => {
  it.each<HostPowerChange["state"]>([
    { kind: "on", since: 1_700_000_000.25 },
    { kind: "draining", since: 1_700_000_000, left: 3, progressAt: 1_700_000_060.5 },
    { kind: "asleep", since: 1_700_000_000, empty },
    { kind: "waking", since: 1_700_000_000, empty },
    { kind: "failed", since: 1_700_000_000, empty },
  ])("a host that is $kind is read as it was written, with its reason and its task", async (state) => {
    expect(await write({ state, reason: "its load is low", task: "OpaqueRef:1" })).toBe(true);
    const { states, reasons, tasks, touched } = await loadHostPower(db);
    expect(states).toEqual(new Map([[a, state]]));
    expect(reasons).toEqual(new Map([[a, "its load is low"]]));
    expect(tasks).toEqual(new Map([[a, "OpaqueRef:1"]]));
    expect(touched).toEqual(new Map());
  });

  it("the last word counts, and what is written twice is there once", async () => {
    const asleep = { kind: "asleep", since: 1_700_000_000, empty } as const;
    await write({ state: { kind: "draining", since: 1, left: 1, progressAt: 2 }, event: "drain" });
    await write({ state: asleep, event: "shut down", task: null });
    await write({ state: asleep });
    const { states, tasks, now, touched } = await loadHostPower(db);
    expect(states).toEqual(new Map([[a, asleep]]));
    expect(tasks.size).toBe(0);
    expect(now - (touched.get(a) ?? 0)).toBeLessThan(60);
    const events = await db.read((reader) => eventsIn(reader, 3_600));
    expect(events.map(({ host, kind }) => [host, kind])).toEqual([
      [a, "drain"],
      [a, "shut down"],
    ]);
  });

  it("nothing is written once the lease is another's, not even part of it", async () => {
    await sql("UPDATE Lease SET RunId = NULL");
    await takeLease(db, crypto.randomUUID(), "another", 60_000);
    const on = { kind: "on", since: 1 } as const;
    expect(await write({ state: on, event: "on" }, { host: b, state: on, event: "on" })).toBe(false);
    expect((await loadHostPower(db)).states.size).toBe(0);
    expect(await db.read((reader) => eventsIn(reader, 3_600))).toEqual([]);
    expect(await write()).toBe(true);
  });

  it("a state that a later version wrote, or a host that slept and is not described, is not read as another one", async () => {
    await write({ state: { kind: "asleep", since: 1, empty } }, { host: b, state: { kind: "on", since: 1 } });
    await sql(
      "UPDATE HostRest SET EmptyHost = NULL WHERE State = 'asleep'",
      "UPDATE HostRest SET State = 'hovering' WHERE State = 'on'",
    );
    expect((await loadHostPower(db)).states).toEqual(new Map());
  });

  it("a host whose power failed stays unreliable until we have woken it, and for a week at most", async () => {
    const failed = { kind: "failed", since: 1, empty } as const;
    const on = { kind: "on", since: 2 } as const;
    await write({ state: failed, event: "failed" });
    expect([...(await loadHostPower(db)).unreliable.keys()]).toEqual([a]);
    // Somebody else switched it on: that says nothing of our way.
    await write({ state: on, event: "on" });
    expect([...(await loadHostPower(db)).unreliable.keys()]).toEqual([a]);
    await write({ state: { kind: "waking", since: 3, empty }, event: "wake" }, { state: on, event: "on" });
    expect((await loadHostPower(db)).unreliable.size).toBe(0);
    await write({ state: failed, event: "failed" });
    await later(test.admin.database, 8 * 86_400);
    expect((await loadHostPower(db)).unreliable.size).toBe(0);
  });

  it("what control handles: a host under way now, one that it touched with the seconds since, no other", async () => {
    await write({ state: { kind: "on", since: 1 }, event: "on" });
    await later(test.admin.database, 120);
    await write({ host: b, state: { kind: "waking", since: 2, empty }, event: "refused" });
    const handled = await db.read(handledIn);
    expect([...handled.keys()].sort()).toEqual([a, b]);
    expect(handled.get(b)).toBe(0);
    expect(handled.get(a)).toBeGreaterThanOrEqual(120);
    expect(handled.get(a)).toBeLessThan(180);
  });

  it("times asleep end where the host is woken, taken back or on by itself; the last one may go on", () => {
    const event = (host: typeof a, kind: NonNullable<HostPowerChange["event"]>, at: number) =>
      ({ host, kind, at, reason: "" }) as const;
    expect(
      hostPowerOf([
        event(a, "wake", 5),
        event(a, "shut down", 10),
        event(b, "shut down", 20),
        event(a, "refused", 25),
        event(a, "wake", 30),
        event(a, "on", 40),
        event(a, "shut down", 50),
        event(b, "on", 60),
      ]),
    ).toEqual([
      { host: a, from: 10, to: 30 },
      { host: b, from: 20, to: 60 },
      { host: a, from: 50, to: null },
    ]);
  });

  it("no migration for green rules is no byte", async () => {
    expect(await db.read((reader) => greenBytesIn(reader, 3_600))).toBe(0);
  });
});

describe("what collections said of hosts", () => {
  const seen = (guests: number, fields: Partial<Parameters<typeof aHost>[0]> = {}): Snapshot => {
    const vms = Array.from({ length: guests }, (_, n) => aVm({ uuid: uuid(100 + n) }));
    return aSnapshot([[aHost({ uuid: a, ...fields }), vms]]);
  };
  const remember = (collection: number, snapshot: Snapshot) =>
    rememberObservations(db, owner, collection, snapshot);
  const observed = async () => (await db.read(observationsIn))[0];

  it("the last two are kept, with the guests of each; a second look at one changes nothing", async () => {
    await remember(7, seen(2));
    expect(await observed()).toMatchObject({ host: a, collectionId: 7, guests: 2, before: null });
    await remember(8, seen(3));
    await remember(8, seen(1));
    await remember(8, seen(1));
    const last = { collectionId: 8, guests: 3, before: { collectionId: 7, guests: 2 } };
    expect(await observed()).toMatchObject(last);
    await remember(9, seen(0));
    expect(await observed()).toMatchObject({ guests: 0, before: { collectionId: 8, guests: 3 } });
  });

  it("when a host began or ceased to serve is kept, and how long ago", async () => {
    await remember(1, seen(0));
    expect(await observed()).toMatchObject({ enabled: true, live: true, changedSecondsAgo: null });
    await remember(2, seen(0, { enabled: false }));
    await later(test.admin.database, 90);
    await remember(3, seen(0, { enabled: false }));
    const { enabled, changedSecondsAgo } = (await observed()) ?? {};
    expect(enabled).toBe(false);
    expect(changedSecondsAgo).toBeGreaterThanOrEqual(90);
    expect(changedSecondsAgo).toBeLessThan(150);
    await remember(4, seen(0, { enabled: false, live: false }));
    expect((await observed())?.changedSecondsAgo).toBeLessThan(60);
  });

  it("nothing is remembered by who has lost the lease", async () => {
    await sql("UPDATE Lease SET RunId = NULL");
    await remember(1, seen(1));
    expect(await observed()).toBeUndefined();
  });
});

describe("the search that was in vain", () => {
  it("is remembered by the holder of the lease alone, replaced by a later one, and forgotten", async () => {
    const known = () => db.read(fruitlessIn);
    expect(await known()).toBeNull();
    const searched = { digest: "0123456789abcdef0123456789abcdef", loads: [[1.5, null, 0.25], []] };
    await rememberFruitless(db, owner, searched);
    expect(await known()).toMatchObject({ ...searched, secondsAgo: expect.any(Number) });
    await sql("UPDATE FruitlessSearch SET SearchedAt = SearchedAt - INTERVAL 10 MINUTE");
    expect((await known())?.secondsAgo).toBeGreaterThan(599);
    await rememberFruitless(db, owner, { ...searched, loads: [[2]] });
    expect(await known()).toMatchObject({ loads: [[2]] });
    expect((await known())?.secondsAgo).toBeLessThan(599);
    await sql("UPDATE Lease SET RunId = NULL");
    await rememberFruitless(db, owner, null);
    expect(await known()).not.toBeNull();
    const taken = await takeLease(db, crypto.randomUUID(), "test", 60_000);
    if (!isLeaseToken(taken)) throw new Error(`held by ${taken.holder}`);
    await rememberFruitless(db, taken, null);
    expect(await known()).toBeNull();
  });
});
