/** How often the programs run, how old the history is, and what it takes. Read only. */
import type { Database } from "./connection.ts";
import { ageSeconds } from "./values.ts";

/** A collection that was read from the pool. */
export interface CollectionTime {
  readonly id: number;
  readonly startedSecondsAgo: number;
  readonly complete: boolean;
  readonly hostsUnread: number;
  readonly poolUuid: string;
}

/** The newest collections that were read from a pool, newest first. Throws AppError "mysql". */
export async function collectionTimes(db: Database, most: number): Promise<readonly CollectionTime[]> {
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT Id, ${ageSeconds("StartedAt")} AS ago, Complete, HostsUnread, PoolUuid FROM Collection
        WHERE NOT Imported ORDER BY Id DESC LIMIT ${Math.trunc(most)}`,
    ),
  );
  return rows.map((row) => ({
    id: Number(row["Id"]),
    startedSecondsAgo: Number(row["ago"]),
    complete: Number(row["Complete"]) === 1,
    hostsUnread: Number(row["HostsUnread"]),
    poolUuid: String(row["PoolUuid"]),
  }));
}

/** The middle one of the spans between neighbours of `secondsAgo`, newest first; null of fewer than three moments. */
export function usualInterval(secondsAgo: readonly number[]): number | null {
  const spans = secondsAgo.slice(1).map((ago, index) => ago - (secondsAgo[index] ?? ago));
  const sorted = spans.filter((each) => each >= 0).sort((a, b) => a - b);
  return sorted.length < 2 ? null : (sorted[Math.floor(sorted.length / 2)] ?? null);
}

/** How old the oldest row of the history is; null where there is none. */
export interface HistoryAge {
  readonly hostSampleDays: number | null;
  readonly snapshotDays: number | null;
}

/** Throws AppError "mysql". */
export async function historyAge(db: Database): Promise<HistoryAge> {
  const oldest = (table: "HostSample" | "CollectionPicture") =>
    `(SELECT ${ageSeconds("MIN(CollectedAt)")} / 86400 FROM ${table}) AS ${table}`;
  const [row] = await db.read((reader) =>
    reader.rows(`SELECT ${oldest("HostSample")}, ${oldest("CollectionPicture")}`),
  );
  const days = (value: unknown) => (value === null || value === undefined ? null : Number(value));
  return { hostSampleDays: days(row?.["HostSample"]), snapshotDays: days(row?.["CollectionPicture"]) };
}
