/** Single rows of the log of migrations, with the figures that they were decided by. Read only. */
import type { Migration } from "../migration.ts";
import { asUuid } from "../pool.ts";
import { parseSubject } from "../rule.ts";
import type { Database, Row } from "./connection.ts";
import { ageSeconds, dateOrNull, number, textOrNull } from "./values.ts";

/** A row with all that was written down. */
export interface MigrationRecord extends Migration {
  /** As it was stored; null where that is no JSON. */
  readonly figures: unknown;
  /** The lease that answers for the row. */
  readonly token: number;
}

/** The migrations whose id begins with `start` (lower case), newest first, `limit` of them at most. */
export async function findMigrations(
  db: Database,
  start: string,
  limit = 10,
): Promise<readonly MigrationRecord[]> {
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT Id, RunId, Token, VmUuid, SourceUuid, DestinationUuid, Subject, Threshold, Reason, Figures, CollectionId,
              State, PlannedAt, SubmittedAt, FinishedAt, TaskRef, MemoryBytes, Seconds, Error, CollectionsAtEnd,
              ${ageSeconds("PlannedAt")} AS plannedAge, ${ageSeconds("FinishedAt")} AS finishedAge
         FROM Migration WHERE Id LIKE ? ORDER BY PlannedAt DESC, Id LIMIT ${Math.trunc(limit)}`,
      [`${start.replace(/[\\%_]/g, "")}%`],
    ),
  );
  return rows.map(recordFrom);
}

function recordFrom(row: Row): MigrationRecord {
  const subject = parseSubject(textOrNull(row["Subject"]) ?? "");
  const threshold = number(row["Threshold"]);
  return {
    id: String(row["Id"]),
    runId: String(row["RunId"]),
    token: Number(row["Token"]),
    vm: asUuid(String(row["VmUuid"])),
    source: asUuid(String(row["SourceUuid"])),
    destination: asUuid(String(row["DestinationUuid"])),
    rule: subject === null || threshold === null ? null : { subject, threshold },
    reason: textOrNull(row["Reason"]) ?? "",
    figures: parsed(textOrNull(row["Figures"]) ?? ""),
    collectionId: Number(row["CollectionId"]),
    state: row["State"] as Migration["state"],
    plannedAt: dateOrNull(row["PlannedAt"]) ?? new Date(Number.NaN),
    submittedAt: dateOrNull(row["SubmittedAt"]),
    finishedAt: dateOrNull(row["FinishedAt"]),
    taskRef: textOrNull(row["TaskRef"]),
    memoryBytes: number(row["MemoryBytes"]),
    seconds: number(row["Seconds"]),
    error: textOrNull(row["Error"]),
    collectionsAtEnd: number(row["CollectionsAtEnd"]),
    plannedSecondsAgo: number(row["plannedAge"]) ?? 0,
    finishedSecondsAgo: number(row["finishedAge"]),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
