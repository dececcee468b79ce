/** Single rows of the log of migrations, with the figures that they were decided by. Read only. */
import type { Migration } from "../domain/migration.ts";
import type { Database, Row } from "./connection.ts";
import { migrationColumns, migrationFrom } from "./migrations.ts";
import { migrationTable } from "./tables/Migration.ts";

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
      `SELECT ${migrationColumns}
         FROM Migration WHERE Id LIKE ? ORDER BY PlannedAt DESC, Id LIMIT ${Math.trunc(limit)}`,
      [`${start.replace(/[\\%_]/g, "")}%`],
    ),
  );
  return rows.map(recordFrom);
}

function recordFrom(row: Row): MigrationRecord {
  const { figures, token } = migrationTable.read(row);
  return { ...migrationFrom(row), figures: parsed(figures), token };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
