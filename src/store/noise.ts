/** How much the hosts' values change from one collection to the next, by the samples that are kept. Read only. */
import { type AnySubject, isSource, subjectFacts } from "../domain/rule.ts";
import type { Database } from "./connection.ts";

export interface Noise {
  /** The standard deviation of a host's own value within the last hour, mean over the hosts. */
  readonly deviation: number;
  /** Samples of all hosts that it was computed of. */
  readonly samples: number;
}

/** Samples of one host without which nothing is said. */
const fewest = 10;

/** The noise of the sum of `subjects`; null where too little of it was sampled. */
export async function noiseOf(db: Database, subjects: readonly AnySubject[]): Promise<Noise | null> {
  const columns = subjects.map((subject) => (isSource(subject) ? null : subjectFacts[subject].sampled));
  if (columns.length === 0 || columns.includes(null)) return null;
  const sum = columns.join(" + ");
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT STDDEV_SAMP(${sum}) AS deviation, COUNT(${sum}) AS samples FROM HostSample
        WHERE CollectedAt > TIMESTAMPADD(HOUR, -1, UTC_TIMESTAMP(6))
        GROUP BY HostUuid HAVING COUNT(${sum}) >= ${fewest}`,
    ),
  );
  if (rows.length === 0) return null;
  const total = rows.reduce((all, row) => all + Number(row["deviation"]), 0);
  return {
    deviation: total / rows.length,
    samples: rows.reduce((all, row) => all + Number(row["samples"]), 0),
  };
}
