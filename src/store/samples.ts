/** The snapshots before the newest one that are averaged with it, read from the history. Read only. */

import type { Sample } from "../decide/sampling.ts";
import { chooseSamples, type SampleWish } from "../decide/sampling.ts";
import type { Collection } from "../domain/pool.ts";
import type { Database, Reader } from "./connection.ts";
import { readSnapshots } from "./history.ts";

/**
 * The samples before `newest`, newest first; fewer than wished where there are no more. Snapshots of another pool, and
 * those of a format that this program does not know, end the series.
 */
export async function loadSamples(
  db: Database,
  newest: Collection,
  wish: SampleWish,
): Promise<readonly Sample[]> {
  if ((wish.count <= 1 && wish.further === undefined) || newest.id === 0) return [];
  return db.read(async (reader) => {
    const chosen = chooseSamples(await candidates(reader, newest, wish), wish);
    const snapshots = await readSnapshots(
      reader,
      chosen.map(({ id }) => id),
    );
    const samples: Sample[] = [];
    for (const { id, secondsBefore } of chosen) {
      const snapshot = snapshots.get(id);
      if (snapshot === undefined) break;
      samples.push({ snapshot, collectionId: id, secondsBefore });
    }
    return samples;
  });
}

interface Candidate {
  readonly id: number;
  readonly secondsBefore: number;
}

/** Rows that are looked at: a window of an hour at one collection a second. */
const mostCandidates = 3600;

/** Seconds before the newest beyond which no sample is wished for. */
function longestOf({ count, maxGapSeconds, further }: SampleWish): number {
  return Math.max(count * maxGapSeconds, further === undefined ? 0 : further.until + further.seconds);
}

async function candidates(reader: Reader, newest: Collection, wish: SampleWish): Promise<Candidate[]> {
  const rows = await reader.rows(
    `SELECT Collection.Id AS id, TIMESTAMPDIFF(MICROSECOND, StartedAt, (SELECT StartedAt FROM Collection WHERE Id = ?)) AS before_
       FROM CollectionPicture JOIN Collection ON Collection.Id = CollectionPicture.CollectionId
      WHERE CollectionId < ? AND PoolUuid = ? AND Imported = FALSE
        AND StartedAt > TIMESTAMPADD(SECOND, ?, (SELECT StartedAt FROM Collection WHERE Id = ?))
      ORDER BY CollectionId DESC LIMIT ${mostCandidates}`,
    [newest.id, newest.id, newest.poolUuid, -Math.ceil(longestOf(wish)), newest.id],
  );
  return rows.map((row) => ({ id: Number(row["id"]), secondsBefore: Number(row["before_"]) / 1e6 }));
}
