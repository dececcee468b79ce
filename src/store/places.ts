/** Where the last stored collection saw the VMs, and which of them had just arrived. */
import type { LastPlaces } from "../decide/settling.ts";
import { asUuid } from "../domain/pool.ts";
import type { Database } from "./connection.ts";
import { mapTable } from "./tables/Map.ts";
import { vmArrivalTable } from "./tables/VmArrival.ts";

/** The addresses that the hosts of the last stored collection have by their pool; null when there is none. */
export async function loadHostAddresses(db: Database): Promise<readonly string[] | null> {
  return db.read(async (reader) => {
    const [head] = await reader.rows("SELECT StoredId FROM CollectionHead WHERE Id = 1");
    // 0 until something is stored.
    if (Number(head?.["StoredId"] ?? 0) === 0) return null;
    const hosts = await reader.rows("SELECT Ip FROM Host WHERE Ip IS NOT NULL");
    return hosts.map((row) => String(row["Ip"]));
  });
}

/** The number of the last stored collection; 0 when there is none. */
export async function newestStored(db: Database): Promise<number> {
  return db.read(async (reader) => {
    const [head] = await reader.rows("SELECT StoredId FROM CollectionHead WHERE Id = 1");
    return Number(head?.["StoredId"] ?? 0);
  });
}

/** The places of the last stored collection; null when there is none. */
export async function loadLastPlaces(db: Database): Promise<LastPlaces | null> {
  return db.read(async (reader) => {
    const [stored] = await reader.rows(
      "SELECT PoolUuid FROM Collection WHERE Id = (SELECT StoredId FROM CollectionHead WHERE Id = 1)",
    );
    if (stored === undefined) return null;
    const map = await reader.tuples(`SELECT ${mapTable.columns.join(", ")} FROM ${mapTable.name}`);
    const settling = await reader.rows(`SELECT ${vmArrivalTable.selected} FROM ${vmArrivalTable.name}`);
    return {
      poolUuid: asUuid(String(stored["PoolUuid"])),
      hostOf: new Map(map.map(([host, vm]) => [asUuid(String(vm)), asUuid(String(host))])),
      settling: new Map(
        settling.map((row) => {
          const settlingVm = vmArrivalTable.read(row);
          return [settlingVm.vmUuid, { ...settlingVm, isNew: false }];
        }),
      ),
    };
  });
}
