/** One row for each collection that was stored; times are the database's clock. */
import type { Collection } from "../../domain/pool.ts";
import { type Table, table } from "../columns.ts";
import { count, date, flag, int, text, uuid } from "../columnTypes.ts";
import type { Row } from "../session.ts";

export interface CollectionRow extends Collection {
  /** Tells the collection's own commit from another's with the same number. */
  readonly token: string;
  /** Whether it came from a file. */
  readonly imported: boolean;
}

export const collectionTable: Table<CollectionRow> = table("Collection", ["id"], {
  id: count,
  token: text,
  startedAt: date,
  finishedAt: date,
  poolUuid: uuid,
  hostsRead: count,
  hostsUnread: count,
  vms: count,
  complete: flag,
  durationMs: count,
  imported: flag,
  clockSkewSeconds: int,
});

export function collectionFrom(row: Row): Collection {
  const { token: _token, imported: _imported, ...collection } = collectionTable.read(row);
  return collection;
}
