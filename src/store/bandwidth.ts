/** What the log of migrations says about their cost. */
import { CostBook } from "../domain/migrationCost.ts";
import { asUuid } from "../domain/pool.ts";
import type { Database, Reader } from "./connection.ts";

/** Migrations that are looked at: the newest ones, for networks and guests change. */
const newest = 500;

/** The costs learnt from the pool's own migrations. */
export async function bandwidthOf(db: Database): Promise<CostBook> {
  return db.read(bandwidthIn);
}

/** The same inside a transaction. */
export async function bandwidthIn(reader: Reader): Promise<CostBook> {
  const rows = await reader.rows(
    `SELECT SourceUuid, DestinationUuid, MemoryBytes, Seconds FROM Migration
      WHERE State = 'succeeded' AND Seconds > 0 AND MemoryBytes IS NOT NULL
      ORDER BY FinishedAt DESC LIMIT ${newest}`,
  );
  return new CostBook(
    rows.map((row) => ({
      source: asUuid(String(row["SourceUuid"])),
      destination: asUuid(String(row["DestinationUuid"])),
      memoryBytes: Number(row["MemoryBytes"]),
      seconds: Number(row["Seconds"]),
    })),
  );
}
