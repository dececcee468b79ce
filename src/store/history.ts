/**
 * What earlier collections saw: samples of the hosts' measures and whole snapshots. Written in the snapshot's own
 * transaction, read one after the other, deleted by age in small steps.
 */
import type { Collection, Snapshot } from "../domain/pool.ts";
import type { Database, Reader, Row, Writer } from "./connection.ts";
import {
  contentOf,
  contentRows,
  decodeDifference,
  decodeWhole,
  encodeDifference,
  encodeWhole,
  type SnapshotContent,
  snapshotFormat,
} from "./snapshotContent.ts";
import { snapshotFrom, type TableRows } from "./snapshotRows.ts";
import { SnapshotSeries } from "./snapshotSeries.ts";
import { insertRow, insertRows } from "./statements.ts";
import { collectionFrom, collectionTable } from "./tables/Collection.ts";
import { collectionPictureTable } from "./tables/CollectionPicture.ts";
import { hostSampleTable } from "./tables/HostSample.ts";

/** A snapshot of an earlier moment. */
export interface PastSnapshot {
  readonly snapshot: Snapshot;
  readonly collection: Collection;
}

/** Which collection is being stored. */
export interface HistoryMoment {
  readonly id: number;
  readonly startedAtText: string;
}

/** Differences that follow a whole snapshot: at one collection every 10 s a whole one an hour. */
const differencesPerWhole = 360;

/** Keeps the hosts' measures of this collection. */
export async function storeSamples(
  writer: Writer,
  { id, startedAtText }: HistoryMoment,
  { hosts }: Snapshot,
): Promise<void> {
  await insertRows(
    writer,
    hostSampleTable,
    hosts.map((host) => ({
      ...host,
      collectionId: id,
      hostUuid: host.uuid,
      collectedAt: startedAtText,
    })),
  );
}

/** Keeps the whole snapshot of this collection, as the difference from an earlier one where there is one of use. */
export async function storeWholeSnapshot(
  writer: Writer,
  { id, startedAtText }: HistoryMoment,
  tables: readonly TableRows[],
): Promise<void> {
  const content = contentOf(tables);
  const base = await latestBase(writer, id);
  const difference = base === null ? null : encodeDifference(base.content, content);
  // A difference that is not much smaller says that the pool has changed: it makes a poor base from here on.
  const useful = base !== null && difference !== null && difference.length * 2 < base.bytes;
  await insertRow(writer, collectionPictureTable, {
    collectionId: id,
    baseId: useful ? base.id : null,
    collectedAt: startedAtText,
    format: snapshotFormat,
    picture: useful ? difference : encodeWhole(content),
  });
}

interface LatestBase {
  readonly id: number;
  readonly content: SnapshotContent;
  readonly bytes: number;
}

async function latestBase(writer: Writer, id: number): Promise<LatestBase | null> {
  const [latest] = await writer.rows(
    "SELECT COALESCE(BaseId, CollectionId) AS base FROM CollectionPicture ORDER BY CollectionId DESC LIMIT 1",
  );
  const baseId = Number(latest?.["base"]);
  if (latest === undefined || id - baseId > differencesPerWhole) return null;
  const [row] = await writer.rows("SELECT Format, Picture FROM CollectionPicture WHERE CollectionId = ?", [
    baseId,
  ]);
  const content = row === undefined ? null : wholeFrom(row);
  return content === null ? null : { id: baseId, content, bytes: bytesOf(row).length };
}

/** The whole snapshot of a row; null where it is of a format that is not known, or damaged. */
function wholeFrom(row: Row): SnapshotContent | null {
  if (Number(row["Format"]) !== snapshotFormat) return null;
  try {
    return decodeWhole(bytesOf(row));
  } catch {
    return null;
  }
}

function bytesOf(row: Row | undefined): Uint8Array {
  const bytes = row?.["Picture"];
  return bytes instanceof Uint8Array ? bytes : new Uint8Array();
}

/** Snapshots read at once. */
const pageRows = 50;

/**
 * The snapshots of the collections that started from `since` on and before `until` (the database's clock), oldest first.
 * Snapshots of a format that this program does not know are passed over.
 */
export async function* loadHistory(
  db: Database,
  { since, until }: { readonly since: Date; readonly until: Date },
): AsyncGenerator<PastSnapshot> {
  const bases = new Bases();
  let last = 0;
  for (;;) {
    const page = await db.read(async (reader) => {
      const rows = await readPage(reader, last, since, until);
      await bases.load(reader, rows);
      return rows;
    });
    for (const row of page) {
      last = Number(row["Id"]);
      const snapshot = bases.snapshotOf(row);
      if (snapshot === null) continue;
      yield { snapshot, collection: collectionFrom(row) };
    }
    if (page.length < pageRows) return;
  }
}

/**
 * The snapshots of pool `poolUuid` from the newest backwards, those of `most` collections at the most; what is imported, and
 * what is of a format that this program does not know, is passed over.
 */
export async function* loadHistoryBackwards(
  db: Database,
  poolUuid: string,
  most: number,
): AsyncGenerator<PastSnapshot> {
  const bases = new Bases();
  let last = Number.MAX_SAFE_INTEGER;
  for (let left = most; left > 0; ) {
    const page = await db.read(async (reader) => {
      const rows = await reader.rows(
        `SELECT ${collectionTable.selected}, BaseId, Format, Picture
           FROM CollectionPicture JOIN Collection ON Collection.Id = CollectionPicture.CollectionId
          WHERE CollectionId < ? AND PoolUuid = ? AND Imported = FALSE
          ORDER BY CollectionId DESC LIMIT ${Math.min(pageRows, left)}`,
        [last, poolUuid],
      );
      await bases.load(reader, rows);
      return rows;
    });
    for (const row of page) {
      last = Number(row["Id"]);
      const snapshot = bases.snapshotOf(row);
      if (snapshot !== null) yield { snapshot, collection: collectionFrom(row) };
    }
    if (page.length < pageRows) return;
    left -= page.length;
  }
}

async function readPage(reader: Reader, last: number, since: Date, until: Date): Promise<Row[]> {
  return reader.rows(
    `SELECT ${collectionTable.selected}, BaseId, Format, Picture
       FROM CollectionPicture JOIN Collection ON Collection.Id = CollectionPicture.CollectionId
      WHERE CollectionId > ? AND StartedAt >= ? AND StartedAt < ? ORDER BY CollectionId LIMIT ${pageRows}`,
    [last, sqlTime(since), sqlTime(until)],
  );
}

/** The snapshots of these collections, by number; those that are gone, or of an unknown format, are not among them. */
export async function readSnapshots(
  reader: Reader,
  ids: readonly number[],
): Promise<ReadonlyMap<number, Snapshot>> {
  const found = new Map<number, Snapshot>();
  if (ids.length === 0) return found;
  const rows = await reader.rows(
    `SELECT CollectionId AS Id, BaseId, Format, Picture FROM CollectionPicture
      WHERE CollectionId IN (${ids.map(() => "?").join(", ")})`,
    ids,
  );
  const bases = new Bases();
  await bases.load(reader, rows);
  for (const row of rows) {
    const snapshot = bases.snapshotOf(row);
    if (snapshot !== null) found.set(Number(row["Id"]), snapshot);
  }
  return found;
}

interface Base {
  readonly content: SnapshotContent;
  readonly series: SnapshotSeries;
}

/** The whole snapshots that the rows at hand need, each read and decoded once. */
class Bases {
  #known = new Map<number, Base | null>();

  /** Makes ready for `rows`; forgets what they do not need. */
  async load(reader: Reader, rows: readonly Row[]): Promise<void> {
    const wanted = new Map<number, Base | null>();
    for (const row of rows) {
      if (row["BaseId"] === null) continue;
      const id = Number(row["BaseId"]);
      if (!wanted.has(id)) wanted.set(id, this.#known.get(id) ?? (await this.#read(reader, id)));
    }
    this.#known = wanted;
  }

  async #read(reader: Reader, id: number): Promise<Base | null> {
    const sql = "SELECT Format, Picture FROM CollectionPicture WHERE CollectionId = ?";
    const [row] = await reader.rows(sql, [id]);
    const content = row === undefined ? null : wholeFrom(row);
    return content === null ? null : { content, series: new SnapshotSeries(content) };
  }

  /** Null where the format is not known, or the snapshot is damaged. */
  snapshotOf(row: Row): Snapshot | null {
    if (row["BaseId"] === null) {
      const whole = wholeFrom(row);
      return whole === null ? null : snapshotFrom(contentRows(whole));
    }
    const base = this.#known.get(Number(row["BaseId"])) ?? null;
    if (base === null || Number(row["Format"]) !== snapshotFormat) return null;
    const bytes = bytesOf(row);
    return base.series.snapshotOf(bytes) ?? snapshotFrom(contentRows(decodeDifference(base.content, bytes)));
  }
}

function sqlTime(time: Date): string {
  return time.toISOString().replace("T", " ").replace("Z", "");
}
