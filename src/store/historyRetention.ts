/** Deletes history by age, a little at a time: each step is a short transaction of its own. */
import type { Database, Reader, Writer } from "./connection.ts";
import { textOrNull } from "./values.ts";

/** How many days of each are kept. */
export interface HistoryRetention {
  /** What control would have done while it observed is kept as long. */
  readonly hostSampleDays: number;
  readonly snapshotDays: number;
}

/** Rows that one step deletes at most; a run adds at most a few hundred samples and one snapshot. */
const samplesPerStep = 5_000;
const snapshotsPerStep = 100;
const observedPerStep = 1_000;
/** Steps of a run: enough to catch up after the retention was lowered, over some runs. */
const stepsPerRun = 5;

/**
 * Deletes what is older than `retention`, as far as a few steps lead, and no more than a day of it: what a clock that
 * jumped ahead makes look old is still there when somebody has set it right. The rest is left to the next runs.
 * @returns the number of rows deleted.
 * @throws AppError "mysql"; what was deleted before stays deleted.
 */
export async function pruneHistory(
  db: Database,
  retention: HistoryRetention,
  signal: AbortSignal,
): Promise<number> {
  const oldest = await db.read(async (reader) => ({
    sample: await oldestIn(reader, "HostSample"),
    snapshot: await oldestIn(reader, "CollectionPicture"),
  }));
  const samples = (writer: Writer) => pruneSamples(writer, retention.hostSampleDays, oldest.sample);
  const snapshots = (writer: Writer) => pruneSnapshots(writer, retention.snapshotDays, oldest.snapshot);
  const observed = (writer: Writer) => pruneObserved(writer, retention.hostSampleDays);
  return (
    (await inSteps(db, samples, samplesPerStep, signal)) +
    (await inSteps(db, snapshots, snapshotsPerStep, signal)) +
    (await inSteps(db, observed, observedPerStep, signal))
  );
}

async function inSteps(
  db: Database,
  step: (writer: Writer) => Promise<number>,
  rowsPerStep: number,
  signal: AbortSignal,
): Promise<number> {
  let all = 0;
  for (let count = 0; count < stepsPerRun && !signal.aborted; count++) {
    const deleted = await db.write(step, { verify: async () => 0 });
    all += deleted;
    // The last row of a step may be a base that has to stay.
    if (deleted < rowsPerStep - 2) break;
  }
  return all;
}

async function pruneSamples(writer: Writer, days: number, oldest: string | null): Promise<number> {
  const last = await lastExpired(writer, "HostSample", { days, oldest, count: samplesPerStep });
  if (last === null) return 0;
  return writer.run(
    `DELETE FROM HostSample WHERE CollectionId <= ? ORDER BY CollectionId, HostUuid LIMIT ${samplesPerStep}`,
    [last],
  );
}

async function pruneSnapshots(writer: Writer, days: number, oldest: string | null): Promise<number> {
  const last = await lastExpired(writer, "CollectionPicture", { days, oldest, count: snapshotsPerStep });
  if (last === null) return 0;
  const differences = await writer.run(
    `DELETE FROM CollectionPicture WHERE CollectionId <= ? AND BaseId IS NOT NULL
      ORDER BY CollectionId LIMIT ${snapshotsPerStep}`,
    [last],
  );
  const wholes = await writer.rows(
    `SELECT CollectionId FROM CollectionPicture WHERE CollectionId <= ? ORDER BY CollectionId LIMIT ${snapshotsPerStep}`,
    [last],
  );
  let deleted = differences;
  for (const row of wholes) deleted += await deleteUnused(writer, Number(row["CollectionId"]));
  return deleted;
}

/** Deletes a whole snapshot once nothing needs it: the differences from it follow it, up to the next whole one. */
async function deleteUnused(writer: Writer, id: number): Promise<number> {
  const [next] = await writer.rows(
    "SELECT BaseId FROM CollectionPicture WHERE CollectionId > ? ORDER BY CollectionId LIMIT 1",
    [id],
  );
  // The newest one is what the next collection's difference is taken from.
  if (next === undefined || Number(next["BaseId"]) === id) return 0;
  return writer.run("DELETE FROM CollectionPicture WHERE CollectionId = ?", [id]);
}

/** What was observed last goes last: an old row that still goes on stays. */
async function pruneObserved(writer: Writer, days: number): Promise<number> {
  const [first] = await writer.rows(
    "SELECT DATE_FORMAT(MIN(LastAt), '%Y-%m-%d %H:%i:%s.%f') AS oldest FROM ObservedAction",
  );
  const oldest = textOrNull(first?.["oldest"]);
  if (oldest === null) return 0;
  return writer.run(
    `DELETE FROM ObservedAction WHERE LastAt < TIMESTAMPADD(DAY, -${Math.trunc(days)}, UTC_TIMESTAMP(6))
        AND LastAt < TIMESTAMPADD(DAY, 1, CAST(? AS DATETIME(6)))
      ORDER BY LastAt LIMIT ${observedPerStep}`,
    [oldest],
  );
}

type HistoryTable = "HostSample" | "CollectionPicture";

/** When the oldest collection was whose rows may go, as the database writes it; null where there is none. */
async function oldestIn(reader: Reader, table: HistoryTable): Promise<string | null> {
  const base = table === "CollectionPicture" ? ", CollectionId, BaseId" : "";
  const [first, second] = await reader.rows(
    `SELECT DATE_FORMAT(CollectedAt, '%Y-%m-%d %H:%i:%s.%f') AS oldest${base} FROM ${table} ORDER BY CollectionId LIMIT 2`,
  );
  if (first === undefined) return null;
  // A whole snapshot stays for as long as differences from it do: the first of these is the oldest that may go.
  const stays =
    second !== undefined && base !== "" && Number(second["BaseId"]) === Number(first["CollectionId"]);
  return String((stays ? second : first)["oldest"]);
}

/** The newest collection among the `count` oldest rows that is too old, and of the first day; null where none is. */
async function lastExpired(
  writer: Writer,
  table: HistoryTable,
  { days, oldest, count }: { readonly days: number; readonly oldest: string | null; readonly count: number },
): Promise<number | null> {
  if (oldest === null) return null;
  // Only the oldest rows are looked at: there is no index by time, and none is needed.
  const [row] = await writer.rows(
    `SELECT MAX(CollectionId) AS last
       FROM (SELECT CollectionId, CollectedAt FROM ${table} ORDER BY CollectionId LIMIT ${count}) AS oldest
      WHERE CollectedAt < TIMESTAMPADD(DAY, -${Math.trunc(days)}, UTC_TIMESTAMP(6))
        AND CollectedAt < TIMESTAMPADD(DAY, 1, CAST(? AS DATETIME(6)))`,
    [oldest],
  );
  return row === undefined || row["last"] === null ? null : Number(row["last"]);
}
