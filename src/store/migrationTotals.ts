/** What the table Migration sums up to; its rows are never deleted, so these only grow. */
import type { EndState } from "../domain/migration.ts";
import type { Reader } from "./connection.ts";
import { number } from "./values.ts";

export interface MigrationTotals {
  /** Of every end, with 0 where none was. */
  readonly ended: ReadonlyMap<EndState, number>;
  /** Of those that succeeded. */
  readonly bytes: number;
  readonly seconds: number;
}

const ends: readonly EndState[] = ["succeeded", "failed", "cancelled", "lost", "overtaken", "refused"];

export async function migrationTotalsIn(reader: Reader): Promise<MigrationTotals> {
  const ended = new Map<EndState, number>(ends.map((state) => [state, 0]));
  const rows = await reader.rows("SELECT State, COUNT(*) AS ended FROM Migration GROUP BY State");
  for (const row of rows) {
    const state = ends.find((each) => each === row["State"]);
    if (state !== undefined) ended.set(state, number(row["ended"]) ?? 0);
  }
  const [sums] = await reader.rows(
    `SELECT COALESCE(SUM(MemoryBytes), 0) AS bytes, COALESCE(SUM(Seconds), 0) AS seconds
       FROM Migration WHERE State = 'succeeded'`,
  );
  return { ended, bytes: number(sums?.["bytes"]) ?? 0, seconds: number(sums?.["seconds"]) ?? 0 };
}
