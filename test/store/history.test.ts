/** History: samples and whole pictures of every collection, read back exactly, deleted by age. */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { loadHistory, type PastSnapshot } from "../../src/store/history.ts";
import { pruneHistory } from "../../src/store/historyRetention.ts";
import { beginCollection, loadSnapshot, saveSnapshot } from "../../src/store/snapshot.ts";
import {
  contentOf,
  contentRows,
  decodeDifference,
  decodeWhole,
  encodeDifference,
  encodeWhole,
} from "../../src/store/snapshotContent.ts";
import { snapshotFrom, snapshotRows } from "../../src/store/snapshotRows.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const always = { since: new Date(0), until: new Date("2200-01-01") };
const patient = new AbortController().signal;

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());
beforeEach(async () => {
  await asRoot(["DELETE FROM HostSample", "DELETE FROM CollectionPicture"], test.admin.database);
  db = await openDatabase(test.collect);
});
afterEach(() => db.close());

/** 3 hosts and 40 VMs, every measure of which depends on `turn`; VM 0 is on host `turn` modulo 3. */
function pool(turn: number, vmCount = 40): Snapshot {
  const hosts = [1, 2, 3].map((n) =>
    aHost({ uuid: uuid(n), cpuAverage: (turn * 7.3 + n) / 3, pifEth0RxKb: turn }),
  );
  const vms = Array.from({ length: vmCount }, (_, n) =>
    aVm({
      uuid: uuid(100 + n),
      vcpuAverage: (turn * 31 + n * 17) / 97,
      vif0TxKb: turn + n,
      tags: ["ключ", "\u0000"],
    }),
  );
  const snapshot = aSnapshot(
    hosts.map((host, at) => [host, vms.filter((_, n) => (n === 0 ? turn : n) % 3 === at)] as const),
    { infeasiblePairs: [{ vmUuid: uuid(101), hostUuid: uuid(1), reason: "VM_REQUIRES_SR" }] },
  );
  return { ...snapshot, vms };
}

async function save(snapshot: Snapshot): Promise<number> {
  const start = await beginCollection(db);
  await saveSnapshot(db, start, snapshot, { complete: true });
  return start.id;
}

async function history(range = always): Promise<PastSnapshot[]> {
  const all: PastSnapshot[] = [];
  for await (const each of loadHistory(db, range)) all.push(each);
  return all;
}

const rowsOf = (sql: string) => db.read((reader) => reader.rows(sql));

/** Makes everything of the given collections `days` older. */
async function age(days: number, where = "TRUE"): Promise<void> {
  const change = (table: string) =>
    `UPDATE ${table} SET CollectedAt = TIMESTAMPADD(MINUTE, -${Math.round(days * 1440)}, CollectedAt) WHERE ${where}`;
  await asRoot([change("HostSample"), change("CollectionPicture")], test.admin.database);
}

describe("the history of collections", () => {
  it("gives every stored snapshot back as the tables held it then, oldest first", async () => {
    const held: (Snapshot | undefined)[] = [];
    const ids: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      ids.push(await save(pool(turn, 40 - turn)));
      held.push((await loadSnapshot(db))?.snapshot);
    }
    const past = await history();
    expect(past.map(({ snapshot }) => snapshot)).toEqual(held);
    expect(past.map(({ collection }) => collection.id)).toEqual(ids);
    expect(past[0]?.collection).toMatchObject({
      hostsRead: 3,
      vms: 40,
      complete: true,
      poolUuid: uuid(9000),
    });
  });

  it("stores one picture whole and the next ones as what differs, in far fewer bytes", async () => {
    for (let turn = 0; turn < 4; turn++) await save(pool(turn));
    const rows = await rowsOf(
      "SELECT BaseId, LENGTH(Picture) AS bytes FROM CollectionPicture ORDER BY CollectionId",
    );
    const [whole, ...differences] = rows;
    expect(whole?.["BaseId"]).toBeNull();
    for (const { BaseId, bytes } of differences) {
      expect(BaseId).not.toBeNull();
      expect(Number(bytes)).toBeLessThan(Number(whole?.["bytes"]) / 2);
    }
  });

  it("begins with a whole picture again when most of the pool is another", async () => {
    await save(pool(1));
    const other = { ...pool(1), vms: [], placements: [], infeasiblePairs: [] };
    const fresh = Array.from({ length: 60 }, (_, n) => aVm({ uuid: uuid(900 + n), name: `other ${n ** 7}` }));
    await save({ ...other, vms: fresh });
    const rows = await rowsOf("SELECT BaseId FROM CollectionPicture ORDER BY CollectionId");
    expect(rows.map((row) => row["BaseId"])).toEqual([null, null]);
    expect((await history()).at(-1)?.snapshot.vms).toEqual(fresh);
  });

  it("reads a range by the database's clock: from the first on, before the second", async () => {
    for (let turn = 0; turn < 4; turn++) await save(pool(turn));
    const starts = (await history()).map(({ collection }) => collection.startedAt);
    const [, since = new Date(0), , until = new Date(0)] = starts;
    const found = await history({ since, until });
    expect(found.map(({ collection }) => collection.startedAt)).toEqual(starts.slice(1, 3));
  });

  it("reads more pictures than one page holds", async () => {
    for (let turn = 0; turn < 120; turn++) await save(pool(turn, 3));
    const past = await history();
    expect(past).toHaveLength(120);
    expect(past[117]?.snapshot).toEqual(pool(117, 3));
  });

  it("passes over pictures of a format from the future, and the next collection does not build on one", async () => {
    await save(pool(1));
    await asRoot("UPDATE CollectionPicture SET Format = 99", test.admin.database);
    await save(pool(2));
    expect((await history()).map(({ snapshot }) => snapshot)).toEqual([pool(2)]);
  });

  it("keeps the host measures that rules and reports use, and NULL for what is unknown", async () => {
    const hosts = [
      aHost({
        uuid: uuid(1),
        cpuAverage: 12.5,
        memoryTotalMb: 4096,
        memoryFreeMb: 100,
        pifEth0RxKb: 7,
        pifEth0TxKb: 8,
      }),
      aHost({
        uuid: uuid(2),
        cpuAverage: null,
        memoryTotalMb: null,
        memoryFreeMb: null,
        dom0LoadAvg: 0.25,
        read: false,
      }),
    ];
    const id = await save(aSnapshot(hosts.map((host) => [host, []])));
    const rows = await rowsOf("SELECT * FROM HostSample ORDER BY HostUuid");
    const [known, unknown] = rows;
    expect(known).toMatchObject({
      CollectionId: id,
      HostUuid: uuid(1),
      CpuAverage: 12.5,
      MemoryTotalMb: 4096,
    });
    expect(known).toMatchObject({ MemoryFreeMb: 100, PifEth0RxKb: 7, PifEth0TxKb: 8, Dom0LoadAvg: 0 });
    expect(unknown).toMatchObject({
      CpuAverage: null,
      MemoryTotalMb: null,
      MemoryFreeMb: null,
      Dom0LoadAvg: 0.25,
    });
    const [{ startedAt } = { startedAt: null }] = await rowsOf(
      "SELECT MAX(StartedAt) AS startedAt FROM Collection",
    );
    // Kept to the millisecond: MariaDB cuts the microseconds, MySQL rounds them.
    expect(Math.abs(Number(known?.["CollectedAt"]) - Number(startedAt))).toBeLessThanOrEqual(1);
  });

  it("is not written when the collection is superseded or cannot be stored", async () => {
    const early = await beginCollection(db);
    await save(pool(1));
    expect(await saveSnapshot(db, early, pool(2), { complete: true })).toBe("superseded");
    const nowhere = { ...pool(3), placements: [{ hostUuid: uuid(404), vmUuid: uuid(100) }] };
    await expect(save(nowhere)).rejects.toMatchObject({ code: "mysql" });
    expect(await history()).toHaveLength(1);
    expect(await rowsOf("SELECT DISTINCT CollectionId FROM HostSample")).toHaveLength(1);
  });
});

describe("pruning", () => {
  const retention = { hostSampleDays: 30, snapshotDays: 7 };

  it("deletes samples and pictures that are older than their days, and nothing else", async () => {
    const ids: number[] = [];
    for (let turn = 0; turn < 6; turn++) ids.push(await save(pool(turn)));
    await age(31, `CollectionId <= ${ids[1]}`);
    await age(8, `CollectionId > ${ids[1]} AND CollectionId <= ${ids[3]}`);
    // A day of them at a time: those of 31 days ago, then those of 8.
    await pruneHistory(db, retention, patient);
    await pruneHistory(db, retention, patient);
    const samples = await rowsOf("SELECT DISTINCT CollectionId FROM HostSample ORDER BY CollectionId");
    expect(samples.map((row) => row["CollectionId"])).toEqual(ids.slice(2));
    // The first picture is too old as well, but the younger ones are written as what differs from it.
    const pictures = await rowsOf("SELECT CollectionId FROM CollectionPicture ORDER BY CollectionId");
    expect(pictures.map((row) => row["CollectionId"])).toEqual([ids[0], ids[4], ids[5]]);
    expect((await history()).at(-1)?.snapshot).toEqual(pool(5));
  });

  it("deletes a whole picture when the last one that needs it is gone", async () => {
    await save(pool(1));
    await save(pool(2));
    await asRoot("UPDATE CollectionPicture SET Format = 99", test.admin.database);
    const last = await save(pool(3));
    await age(8, `CollectionId < ${last}`);
    await pruneHistory(db, retention, patient);
    const pictures = await rowsOf("SELECT CollectionId FROM CollectionPicture");
    expect(pictures.map((row) => row["CollectionId"])).toEqual([last]);
  });

  it("keeps the newest picture of all, from which the next collection goes on", async () => {
    await save(pool(1));
    await save(pool(2));
    await age(100);
    await pruneHistory(db, retention, patient);
    await save(pool(3));
    expect((await history()).at(-1)?.snapshot).toEqual(pool(3));
  });

  it("catches up in small steps, over several runs where there is much", async () => {
    const many = Array.from({ length: 12_000 }, (_, n) => `(${-n - 1}, '${uuid(n)}', '2020-01-01')`);
    const insert = (rows: string[]) =>
      `INSERT INTO HostSample (CollectionId, HostUuid, CollectedAt) VALUES ${rows.join(",")}`;
    await asRoot(insert(many), test.admin.database);
    await save(pool(1));
    expect(await pruneHistory(db, retention, patient)).toBe(12_000);
    expect(await rowsOf("SELECT 1 FROM HostSample")).toHaveLength(3);
    await asRoot(
      insert(Array.from({ length: 30_000 }, (_, n) => `(${-n - 1}, 'x', '2020-01-01')`)),
      test.admin.database,
    );
    expect(await pruneHistory(db, retention, patient)).toBe(25_000);
    expect(await pruneHistory(db, retention, patient)).toBe(5_000);
  });

  it("deletes no more than a day of them in a run, and comes to the end all the same", async () => {
    const ids: number[] = [];
    for (let turn = 0; turn < 6; turn++) ids.push(await save(pool(turn)));
    for (const [turn, id] of ids.entries()) await age(60 - 0.4 * turn, `CollectionId = ${id}`);
    const left = async () => (await rowsOf("SELECT DISTINCT CollectionId FROM HostSample")).length;
    const numbers: number[] = [];
    for (let run = 0; run < 4; run++) {
      await pruneHistory(db, retention, patient);
      numbers.push(await left());
    }
    expect(numbers).toEqual([3, 0, 0, 0]);
    expect(await rowsOf("SELECT CollectionId FROM CollectionPicture WHERE BaseId IS NOT NULL")).toEqual([]);
  });

  it("stops between two steps when it is told to", async () => {
    await save(pool(1));
    await age(100);
    expect(await pruneHistory(db, retention, AbortSignal.abort())).toBe(0);
  });
});

describe("a picture in bytes", () => {
  const names = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("\u0000", '"', "💥", "a\nb"));
  const anyPool = fc
    .array(
      fc.record({
        n: fc.integer({ min: 0, max: 30 }),
        name: names,
        load: fc.option(fc.double({ noNaN: true, min: 0, max: 100 })),
      }),
    )
    .map((list) => {
      const vms = [...new Map(list.map((vm) => [vm.n, vm])).values()].sort((a, b) => a.n - b.n);
      const built = vms.map(({ n, name, load }) => aVm({ uuid: uuid(n), name, vcpuAverage: load }));
      return aSnapshot([[aHost({ uuid: uuid(99) }), built]]);
    });
  const rowsBack = (picture: ReturnType<typeof contentOf>) => snapshotFrom(contentRows(picture));

  it("comes back exactly, whole and as the difference from any other", () => {
    fc.assert(
      fc.property(anyPool, anyPool, (before, after) => {
        const base = contentOf(snapshotRows(before));
        const picture = contentOf(snapshotRows(after));
        expect(rowsBack(decodeWhole(encodeWhole(picture)))).toEqual(after);
        const difference = encodeDifference(base, picture);
        expect(difference).not.toBeNull();
        expect(rowsBack(decodeDifference(base, difference ?? new Uint8Array()))).toEqual(after);
      }),
    );
  });

  it("is not written as a difference from one with other columns", () => {
    const picture = contentOf(snapshotRows(pool(1)));
    const older = picture.map((table) => ({ ...table, columns: table.columns.slice(0, -1) }));
    expect(encodeDifference(older, picture)).toBeNull();
  });

  it("of before the pool's tolerance was kept reads null there, and all else as it was", () => {
    const now = pool(1);
    const snapshot = { ...now, pool: { ...now.pool, haEnabled: true, haTolerance: 2, haPlannedFor: 1 } };
    const older = contentOf(snapshotRows(snapshot)).map((table) =>
      table.name === "Pool"
        ? { ...table, columns: table.columns.slice(0, -2), rows: table.rows.map((row) => row.slice(0, -2)) }
        : table,
    );
    expect(older.find(({ name }) => name === "Pool")?.columns.at(-1)).toBe("RollingUpgrade");
    const read = rowsBack(decodeWhole(encodeWhole(older)));
    expect(read).toEqual({ ...snapshot, pool: { ...snapshot.pool, haTolerance: null, haPlannedFor: null } });
  });
});
