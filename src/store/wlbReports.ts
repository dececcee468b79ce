/** What the reports of the Workload Balancing server are made of: means of the history by span of time. Read only. */
import type { Migration, MigrationCause } from "../domain/migration.ts";
import { asUuid, type Snapshot, type Uuid } from "../domain/pool.ts";
import type { Database, Reader } from "./connection.ts";
import { readSnapshots } from "./history.ts";
import { migrationColumns, migrationFrom } from "./migrations.ts";
import { number } from "./values.ts";

/** A span of time, in seconds since 1970; the second is not part of it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Means of one host's measures over one step of a span; null where nothing was measured. */
export interface HostMeans {
  readonly host: Uuid;
  /** When the step begins, in seconds since 1970. */
  readonly at: number;
  readonly cpuPercent: number | null;
  readonly freeMb: number | null;
  readonly receivedKb: number | null;
  readonly sentKb: number | null;
}

const at = (seconds: number) =>
  new Date(Math.round(seconds * 1000)).toISOString().slice(0, 23).replace("T", " ");

/** The hosts' means by steps of `stepSeconds`, oldest first; at most `limit` rows. */
export async function hostMeans(
  db: Database,
  span: Span,
  stepSeconds: number,
  limit: number,
): Promise<readonly HostMeans[]> {
  const rows = await db.read(async (reader) => {
    const range = await collectionsIn(reader, span);
    if (range === null) return [];
    const step = Math.max(60, Math.round(stepSeconds));
    return reader.rows(
      `SELECT HostUuid AS host, FLOOR((UNIX_SECONDS - ?) / ${step}) AS step_, AVG(CpuAverage) AS cpu,
              AVG(MemoryFreeMb) AS free_, AVG(PifEth0RxKb) AS rx, AVG(PifEth0TxKb) AS tx
         FROM (SELECT HostUuid, CpuAverage, MemoryFreeMb, PifEth0RxKb, PifEth0TxKb,
                      TIMESTAMPDIFF(SECOND, '1970-01-01', CollectedAt) AS UNIX_SECONDS
                 FROM HostSample WHERE CollectionId BETWEEN ? AND ? AND CollectedAt >= ? AND CollectedAt < ?) AS samples
        GROUP BY HostUuid, step_ ORDER BY step_, HostUuid LIMIT ${Math.trunc(limit)}`,
      [span.from, range.first, range.last, at(span.from), at(span.to)],
    );
  });
  const step = Math.max(60, Math.round(stepSeconds));
  return rows.map((row) => ({
    host: asUuid(String(row["host"])),
    at: span.from + Number(row["step_"]) * step,
    cpuPercent: number(row["cpu"]),
    freeMb: number(row["free_"]),
    receivedKb: number(row["rx"]),
    sentKb: number(row["tx"]),
  }));
}

async function collectionsIn(
  reader: Reader,
  { from, to }: Span,
): Promise<{ readonly first: number; readonly last: number } | null> {
  const [row] = await reader.rows(
    "SELECT MIN(Id) AS first_, MAX(Id) AS last_ FROM Collection WHERE StartedAt >= ? AND StartedAt < ?",
    [at(from), at(to)],
  );
  const [first, last] = [number(row?.["first_"]), number(row?.["last_"])];
  return first === null || last === null ? null : { first, last };
}

/** A whole snapshot of an earlier moment, in seconds since 1970. */
export interface MomentSnapshot {
  readonly at: number;
  readonly snapshot: Snapshot;
}

/** One snapshot of each step of the span, oldest first, `limit` of them at most. */
export async function snapshotsBySteps(
  db: Database,
  span: Span,
  stepSeconds: number,
  limit: number,
): Promise<readonly MomentSnapshot[]> {
  return db.read(async (reader) => {
    const step = Math.max(60, Math.round(stepSeconds));
    const rows = await reader.rows(
      `SELECT MIN(CollectionId) AS id, MIN(TIMESTAMPDIFF(SECOND, '1970-01-01', CollectedAt)) AS at_
         FROM CollectionPicture WHERE CollectedAt >= ? AND CollectedAt < ?
        GROUP BY FLOOR((TIMESTAMPDIFF(SECOND, '1970-01-01', CollectedAt) - ?) / ${step})
        ORDER BY id LIMIT ${Math.trunc(limit)}`,
      [at(span.from), at(span.to), span.from],
    );
    const snapshots = await readSnapshots(
      reader,
      rows.map((row) => Number(row["id"])),
    );
    return rows.flatMap((row) => {
      const snapshot = snapshots.get(Number(row["id"]));
      return snapshot === undefined ? [] : [{ at: Number(row["at_"]), snapshot }];
    });
  });
}

/** Migrations of the span that brought their VM to its destination, oldest first. */
export async function movesIn(
  db: Database,
  { from, to }: Span,
  limit: number,
): Promise<readonly Migration[]> {
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT ${migrationColumns} FROM Migration WHERE State = 'succeeded' AND FinishedAt >= ? AND FinishedAt < ?
        ORDER BY FinishedAt, Id LIMIT ${Math.trunc(limit)}`,
      [at(from), at(to)],
    ),
  );
  return rows.map(migrationFrom);
}

/** Whether a migration served the balance of the pool. */
export function isOptimisation(cause: MigrationCause): boolean {
  return cause !== "evacuation";
}

/** Now by the database's clock, in seconds since 1970. */
export async function databaseNow(db: Database): Promise<number> {
  const [row] = await db.read((reader) =>
    reader.rows("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6 AS now_"),
  );
  return number(row?.["now_"]) ?? 0;
}
