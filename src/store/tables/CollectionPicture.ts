/** The whole snapshot of every collection, compressed: all of it, or what differs from that of the collection `baseId`. */
import { type Table, table } from "../columns.ts";
import { bytes, count, optionalNumber, text } from "../columnTypes.ts";

export interface StoredSnapshotBytes {
  readonly collectionId: number;
  /** Null of a whole one. */
  readonly baseId: number | null;
  /** When the collection began, as the database wrote it. */
  readonly collectedAt: string;
  /** How `picture` is written; formats that are not known are passed over. */
  readonly format: number;
  readonly picture: Uint8Array;
}

export const collectionPictureTable: Table<StoredSnapshotBytes> = table(
  "CollectionPicture",
  ["collectionId"],
  {
    collectionId: count,
    baseId: optionalNumber,
    collectedAt: text,
    format: count,
    picture: bytes,
  },
);
