/**
 * The snapshot of the pool in MySQL: stored in one transaction, read in one, so that nobody ever sees a mixture of two
 * moments. Collections are ordered by numbers that the database hands out when they start.
 */
import type { SettlingVm } from "../decide/settling.ts";
import { type Collection, type Snapshot, type StoredSnapshot, unknownPool } from "../domain/pool.ts";
import type { Database, Reader, Row, Writer } from "./connection.ts";
import { storeSamples, storeWholeSnapshot } from "./history.ts";
import { rowMissing } from "./singleRows.ts";
import { snapshotFrom, snapshotRows, snapshotTables, type TableRows, tableRows } from "./snapshotRows.ts";
import { expression, insertRow, now } from "./statements.ts";
import { compareTable, deleteGone, type TableDifference, writeFresh } from "./tableDifference.ts";
import { collectionFrom, collectionTable } from "./tables/Collection.ts";
import { vmArrivalTable } from "./tables/VmArrival.ts";

/** A collection that has begun: its number, and when by the database's clock. */
export interface CollectionStart {
  readonly id: number;
  readonly startedAt: Date;
  /** The same to the microsecond, in UTC, as the database writes it. */
  readonly startedAtText: string;
  /** Tells this collection from any other, whatever its number. */
  readonly token: string;
}

/** Draws the number of a collection. Call it before the first question to the pool: it stands for that moment. */
export async function beginCollection(db: Database): Promise<CollectionStart> {
  // A number whose commit went unanswered is simply not used.
  return db.write(drawNumber, { verify: async () => null });
}

async function drawNumber(writer: Writer): Promise<CollectionStart> {
  const drawn = await writer.run("UPDATE CollectionHead SET StartedId = StartedId + 1 WHERE Id = 1");
  if (drawn !== 1) throw rowMissing("CollectionHead");
  const [row] = await writer.rows(
    `SELECT StartedId AS id, DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%d %H:%i:%s.%f') AS startedAt, UUID() AS token
       FROM CollectionHead WHERE Id = 1`,
  );
  const startedAtText = String(row?.["startedAt"]);
  return {
    id: Number(row?.["id"]),
    startedAt: new Date(`${startedAtText.slice(0, 23).replace(" ", "T")}Z`),
    startedAtText,
    token: String(row?.["token"]),
  };
}

/** What is stored with a snapshot. */
export interface SaveOptions {
  /** False when more hosts were unread than the settings allow. */
  readonly complete: boolean;
  /** VMs whose measures were left out of the snapshot because they had just arrived on their host. */
  readonly settling?: readonly SettlingVm[];
  /** Seconds that the pool's clock was ahead of the database's. */
  readonly clockSkewSeconds?: number | null;
  /** True when the snapshot came from a file. */
  readonly imported?: boolean;
}

/**
 * Makes the tables equal to `snapshot`, all at once or not at all, and records the collection and its history.
 * @returns "superseded", with the tables untouched, when a collection that started later is stored already.
 * @throws AppError "mysql" when the server refuses or stays away; the tables are as they were.
 */
export async function saveSnapshot(
  db: Database,
  start: CollectionStart,
  snapshot: Snapshot,
  options: SaveOptions,
): Promise<Collection | "superseded"> {
  return db.write((writer) => storeSnapshot(writer, start, snapshot, options), {
    verify: (reader) => ownCollection(reader, start),
  });
}

async function storeSnapshot(
  writer: Writer,
  start: CollectionStart,
  snapshot: Snapshot,
  options: SaveOptions,
): Promise<Collection | "superseded"> {
  // First of all, for this row is what writers queue at: whoever has it is alone until its commit.
  const won = await writer.run("UPDATE CollectionHead SET StoredId = ? WHERE Id = 1 AND StoredId < ?", [
    start.id,
    start.id,
  ]);
  if (won !== 1) {
    const head = await writer.rows("SELECT Id FROM CollectionHead WHERE Id = 1");
    if (head.length === 0) throw rowMissing("CollectionHead");
    // Our own commit may have come through after its connection was given up for lost.
    return (await ownCollection(writer, start)) ?? "superseded";
  }
  const tables = snapshotRows(snapshot);
  await writeTables(writer, [...tables, tableRows(vmArrivalTable, options.settling ?? [])]);
  await recordCollection(writer, start, snapshot, options);
  await storeSamples(writer, start, snapshot);
  await storeWholeSnapshot(writer, start, tables);
  const stored = await ownCollection(writer, start);
  if (stored === null) throw new Error(`collection ${start.id} is not there after it was written`);
  return stored;
}

async function writeTables(writer: Writer, tables: readonly TableRows[]): Promise<void> {
  // Parents before children; rows are deleted the other way round, and before anything is written, so that a VM
  // that moved leaves its old host first.
  const differences: TableDifference[] = [];
  for (const { table, rows } of tables) differences.push(await compareTable(writer, table, rows));
  for (const difference of differences.toReversed()) await deleteGone(writer, difference);
  for (const difference of differences) await writeFresh(writer, difference);
}

async function recordCollection(
  writer: Writer,
  start: CollectionStart,
  { pool, hosts, vms }: Snapshot,
  { complete, clockSkewSeconds = null, imported = false }: SaveOptions,
): Promise<void> {
  const hostsRead = hosts.filter((host) => host.read).length;
  const { startedAtText } = start;
  await insertRow(writer, collectionTable, {
    id: start.id,
    token: start.token,
    startedAt: expression("?", startedAtText),
    finishedAt: now,
    poolUuid: pool.uuid,
    hostsRead,
    hostsUnread: hosts.length - hostsRead,
    vms: vms.length,
    complete,
    imported,
    clockSkewSeconds,
    durationMs: expression(
      "GREATEST(0, TIMESTAMPDIFF(MICROSECOND, ?, UTC_TIMESTAMP(6)) DIV 1000)",
      startedAtText,
    ),
  });
}

async function ownCollection(reader: Reader, start: CollectionStart): Promise<Collection | null> {
  const sql = `SELECT ${collectionTable.selected} FROM Collection WHERE Id = ? AND Token = ?`;
  const [row] = await reader.rows(sql, [start.id, start.token]);
  return row === undefined ? null : collectionFrom(row);
}

/**
 * The stored snapshot, all of one moment; null when there is none.
 *
 * `ageSeconds` counts from the start of the collection, as that is how old its oldest fact may be; it is negative
 * after the database's clock was set back. Rows that were put there by a thesis' program, and never by xcp-collect,
 * come with a collection of number 0 that is not complete and infinitely old, hosts that are not enabled and VMs that
 * cannot move: good for showing, never for acting.
 */
export async function loadSnapshot(db: Database): Promise<StoredSnapshot | null> {
  return db.read(async (reader) => {
    const snapshot = await readTables(reader);
    const [row] = await reader.rows(
      `SELECT ${collectionTable.selected}, TIMESTAMPDIFF(MICROSECOND, StartedAt, UTC_TIMESTAMP(6)) AS ageMicroseconds
         FROM Collection WHERE Id = (SELECT StoredId FROM CollectionHead WHERE Id = 1)`,
    );
    if (row !== undefined) {
      const ageSeconds = Number(row["ageMicroseconds"]) / 1e6;
      return { snapshot, collection: collectionFrom(row), ageSeconds };
    }
    if (snapshot.hosts.length === 0 && snapshot.vms.length === 0) return null;
    return { snapshot, collection: neverCollected(snapshot), ageSeconds: Number.POSITIVE_INFINITY };
  });
}

/** The number of the stored collection; 0 before the first. */
export async function storedCollectionId(db: Database): Promise<number> {
  const [row] = await db.read((reader) => reader.rows("SELECT StoredId FROM CollectionHead WHERE Id = 1"));
  return Number(row?.["StoredId"] ?? 0);
}

async function readTables(reader: Reader): Promise<Snapshot> {
  const tables = new Map<string, readonly Row[]>();
  for (const { name, columns } of snapshotTables) {
    tables.set(name, await reader.rows(`SELECT ${columns.join(", ")} FROM ${name}`));
  }
  return snapshotFrom(tables);
}

function neverCollected({ hosts, vms }: Snapshot): Collection {
  const epoch = new Date(0);
  return {
    id: 0,
    startedAt: epoch,
    finishedAt: epoch,
    poolUuid: unknownPool.uuid,
    hostsRead: 0,
    hostsUnread: hosts.length,
    vms: vms.length,
    complete: false,
    durationMs: 0,
    clockSkewSeconds: null,
  };
}

/**
 * The pool of the newest collection that an import for `poolUuid` would take the place of: one that was read from a
 * pool, or that was imported for another. Null where there is none.
 */
export async function lastForeignPool(db: Database, poolUuid: string): Promise<string | null> {
  const [found] = await db.read((reader) =>
    reader.rows(
      "SELECT PoolUuid FROM Collection WHERE PoolUuid <> ? OR NOT Imported ORDER BY Id DESC LIMIT 1",
      [poolUuid],
    ),
  );
  return found === undefined ? null : String(found["PoolUuid"]);
}
