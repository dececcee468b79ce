/** Deletes history by age, a little at a time: each step is a short transaction of its own. */
import type { Database, Writer } from "./connection.ts";

/** How many days of each are kept. */
export interface HistoryRetention {
  readonly hostSampleDays: number;
  readonly snapshotDays: number;
}

/** Rows that one step deletes at most; a run adds at most a few hundred samples and one picture. */
const samplesPerStep = 5_000;
const picturesPerStep = 100;
/** Steps of a run: enough to catch up after the retention was lowered, over some runs. */
const stepsPerRun = 5;

/**
 * Deletes what is older than `retention`, as far as a few steps lead; the rest is left to the next runs.
 * @returns the number of rows deleted.
 * @throws AppError "mysql"; what was deleted before stays deleted.
 */
export async function pruneHistory(
  db: Database,
  retention: HistoryRetention,
  signal: AbortSignal,
): Promise<number> {
  const samples = (writer: Writer) => pruneSamples(writer, retention.hostSampleDays);
  const pictures = (writer: Writer) => prunePictures(writer, retention.snapshotDays);
  return (
    (await inSteps(db, samples, samplesPerStep, signal)) +
    (await inSteps(db, pictures, picturesPerStep, signal))
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

async function pruneSamples(writer: Writer, days: number): Promise<number> {
  const last = await lastExpired(writer, "HostSample", days, samplesPerStep);
  if (last === null) return 0;
  return writer.run(
    `DELETE FROM HostSample WHERE CollectionId <= ? ORDER BY CollectionId, HostUuid LIMIT ${samplesPerStep}`,
    [last],
  );
}

async function prunePictures(writer: Writer, days: number): Promise<number> {
  const last = await lastExpired(writer, "CollectionPicture", days, picturesPerStep);
  if (last === null) return 0;
  const differences = await writer.run(
    `DELETE FROM CollectionPicture WHERE CollectionId <= ? AND BaseId IS NOT NULL
      ORDER BY CollectionId LIMIT ${picturesPerStep}`,
    [last],
  );
  const wholes = await writer.rows(
    `SELECT CollectionId FROM CollectionPicture WHERE CollectionId <= ? ORDER BY CollectionId LIMIT ${picturesPerStep}`,
    [last],
  );
  let deleted = differences;
  for (const row of wholes) deleted += await deleteUnused(writer, Number(row["CollectionId"]));
  return deleted;
}

/** Deletes a whole picture once nothing needs it: the differences from it follow it, up to the next whole one. */
async function deleteUnused(writer: Writer, id: number): Promise<number> {
  const [next] = await writer.rows(
    "SELECT BaseId FROM CollectionPicture WHERE CollectionId > ? ORDER BY CollectionId LIMIT 1",
    [id],
  );
  // The newest one is what the next collection's difference is taken from.
  if (next === undefined || Number(next["BaseId"]) === id) return 0;
  return writer.run("DELETE FROM CollectionPicture WHERE CollectionId = ?", [id]);
}

/** The newest collection among the `count` oldest rows that is too old; null where none is. */
async function lastExpired(
  writer: Writer,
  table: "HostSample" | "CollectionPicture",
  days: number,
  count: number,
): Promise<number | null> {
  // Only the oldest rows are looked at: there is no index by time, and none is needed.
  const [row] = await writer.rows(
    `SELECT MAX(CollectionId) AS last
       FROM (SELECT CollectionId, CollectedAt FROM ${table} ORDER BY CollectionId LIMIT ${count}) AS oldest
      WHERE CollectedAt < TIMESTAMPADD(DAY, -${Math.trunc(days)}, UTC_TIMESTAMP(6))`,
  );
  return row === undefined || row["last"] === null ? null : Number(row["last"]);
}
