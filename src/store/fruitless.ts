/** The table FruitlessSearch: the last search of control that found no move for what stays broken. */
import type { FruitlessSearch, Searched } from "../domain/controlState.ts";
import type { Database, Reader } from "./connection.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { now, putRow } from "./statements.ts";
import { fruitlessSearchTable } from "./tables/FruitlessSearch.ts";

/** It, inside a transaction; null where none is remembered, or what is cannot be read. */
export async function fruitlessIn(reader: Reader): Promise<FruitlessSearch | null> {
  const [row] = await reader.rows(
    `SELECT ${fruitlessSearchTable.selected} FROM FruitlessSearch WHERE Name = 'control'`,
  );
  if (row === undefined) return null;
  const { digest, loads, secondsAgo } = fruitlessSearchTable.read(row);
  // What lies in the future by the database's clock was written by another clock.
  return loads === null || secondsAgo < 0 ? null : { digest, loads, secondsAgo };
}

/** Remembers that the search was in vain, or with null that the last one was not; nothing without the lease. */
export async function rememberFruitless(
  db: Database,
  leaseToken: LeaseToken,
  searched: Searched | null,
): Promise<void> {
  await db.write<void>(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return;
      if (searched === null) await writer.run("DELETE FROM FruitlessSearch WHERE Name = 'control'");
      else
        await putRow(writer, fruitlessSearchTable, {
          name: "control",
          digest: searched.digest,
          loads: searched.loads,
          searchedAt: now,
        });
    },
    { verify: async () => undefined },
  );
}
