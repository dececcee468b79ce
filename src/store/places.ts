/** Where the last stored collection saw the VMs, and which of them had just arrived. */
import type { LastPlaces, SettlingVm } from "../decide/settling.ts";
import { asUuid } from "../domain/pool.ts";
import type { Database } from "./connection.ts";
import type { SnapshotTable } from "./rows.ts";
import type { SqlValue } from "./session.ts";

export const settlingTable: SnapshotTable = {
  name: "VmArrival",
  columns: ["VmUuid", "HostUuid", "SeenAtSeconds"],
  keys: 1,
};

export function settlingRow({ vmUuid, hostUuid, seenAtSeconds }: SettlingVm): SqlValue[] {
  return [vmUuid, hostUuid, seenAtSeconds];
}

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

/** The places of the last stored collection; null when there is none. */
export async function loadLastPlaces(db: Database): Promise<LastPlaces | null> {
  return db.read(async (reader) => {
    const [stored] = await reader.rows(
      "SELECT PoolUuid FROM Collection WHERE Id = (SELECT StoredId FROM CollectionHead WHERE Id = 1)",
    );
    if (stored === undefined) return null;
    const map = await reader.tuples("SELECT VmUuid, HostUuid FROM Map");
    const settling = await reader.rows("SELECT VmUuid, HostUuid, SeenAtSeconds FROM VmArrival");
    return {
      poolUuid: asUuid(String(stored["PoolUuid"])),
      hostOf: new Map(map.map(([vm, host]) => [asUuid(String(vm)), asUuid(String(host))])),
      settling: new Map(
        settling.map((row) => {
          const vmUuid = asUuid(String(row["VmUuid"]));
          const seenAt = row["SeenAtSeconds"];
          return [
            vmUuid,
            {
              vmUuid,
              hostUuid: asUuid(String(row["HostUuid"])),
              seenAtSeconds: seenAt === null ? null : Number(seenAt),
              isNew: false,
            },
          ];
        }),
      ),
    };
  });
}
