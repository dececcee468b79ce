/** `xcp-collect --import`: stores a snapshot's text as a collection, in a database of its own. */
import { AppError } from "../domain/errors.ts";
import type { Collection } from "../domain/pool.ts";
import type { SnapshotDocument } from "../snapshot/text.ts";
import type { Database } from "../store/connection.ts";
import { beginCollection, lastForeignPool, saveSnapshot } from "../store/snapshot.ts";

/**
 * Stores the snapshot as if it had been collected now, marked as imported.
 * @param force stores it over collections that were read from a pool.
 * @throws AppError "refused" when the database holds such collections, or any of another pool: with the imported
 * snapshot in their place xcp-control would act on a pool that is not so.
 */
export async function importSnapshot(
  db: Database,
  { snapshot, complete }: SnapshotDocument,
  force: boolean,
): Promise<Collection | "superseded"> {
  if (!force) await refuseLiveDatabase(db, snapshot.pool.uuid);
  return saveSnapshot(db, await beginCollection(db), snapshot, { complete, imported: true });
}

async function refuseLiveDatabase(db: Database, poolUuid: string): Promise<void> {
  const found = await lastForeignPool(db, poolUuid);
  if (found === null) return;
  const holds =
    found === poolUuid
      ? "collections that were read from this pool itself"
      : `collections of another pool (${found})`;
  throw new AppError(
    "refused",
    `database ${db.name} holds ${holds}, and the imported snapshot would take their place: import into a database of its own (MysqlDatabase, \`xcp-manager schema install\`), or say --force`,
  );
}
