/** Which pool the database holds and how old its last collection is: in one small question. Read only. */

import type { Database } from "./connection.ts";
import { ageSeconds } from "./values.ts";

/** Null before the first collection. */
export async function loadStanding(
  db: Database,
): Promise<{ readonly pool: string; readonly ageSeconds: number } | null> {
  return db.read(async (reader) => {
    const [row] = await reader.rows(
      `SELECT Pool.Name AS pool, Pool.PoolUuid AS uuid,
              (SELECT ${ageSeconds("StartedAt")} FROM Collection WHERE Id = CollectionHead.StoredId) AS ago
         FROM CollectionHead JOIN Pool ON Pool.Id = 1 WHERE CollectionHead.Id = 1`,
    );
    if (row === undefined || row["ago"] === null) return null;
    const [name, uuid] = [String(row["pool"] ?? ""), String(row["uuid"] ?? "")];
    return { pool: name === "" ? uuid : name, ageSeconds: Number(row["ago"]) };
  });
}
