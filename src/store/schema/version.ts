/** The number of the schema that a database has. */
import type { Database } from "../connection.ts";

/** The highest version that is wholly applied; 0 where none is. */
export async function schemaVersion(db: Database): Promise<number> {
  const [row] = await db.read((reader) =>
    reader.rows("SELECT MAX(Version) AS version FROM SchemaVersion WHERE Finished"),
  );
  return Number(row?.["version"] ?? 0);
}
