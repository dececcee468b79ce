/** Which pool the database holds. */
import type { Database } from "./connection.ts";

/** Null before the first collection. */
export async function loadPoolName(
  db: Database,
): Promise<{ readonly uuid: string; readonly name: string } | null> {
  const [row] = await db.read((reader) => reader.rows("SELECT PoolUuid, Name FROM Pool"));
  return row === undefined ? null : { uuid: String(row["PoolUuid"]), name: String(row["Name"]) };
}
