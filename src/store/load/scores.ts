/** What VMs wanted of the CPUs and got, over the last hour. Read only. */
import { servingBin } from "../../decide/sampling.ts";
import type { StoredSnapshot } from "../../domain/pool.ts";
import { type Scores, scoreSeconds, scoresOf } from "../../domain/score.ts";
import type { Database } from "../connection.ts";
import { loadSamples } from "../samples.ts";

/** The newest minutes closely, the others by five. */
const wish = {
  count: 1,
  everySeconds: 60,
  maxGapSeconds: 600,
  further: { seconds: servingBin.seconds, until: scoreSeconds },
};

/** The scores up to `newest`, by the collections of the hour before it. */
export async function loadScores(
  db: Database,
  newest: Pick<StoredSnapshot, "snapshot" | "collection">,
): Promise<Scores> {
  const earlier = await loadSamples(db, newest.collection, wish);
  return scoresOf([{ snapshot: newest.snapshot, secondsBefore: 0 }, ...earlier]);
}
