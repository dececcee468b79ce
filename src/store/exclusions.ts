/** The table Exclusion: VMs that control never moves, hosts that it takes nothing from and puts nothing on. */
import type { Exclusion } from "../domain/controlState.ts";
import type { Uuid } from "../domain/pool.ts";
import type { Database, Reader } from "./connection.ts";
import { now, putRow } from "./statements.ts";
import { exclusionTable } from "./tables/Exclusion.ts";

/** Excludes a VM or host; one that is excluded already gets the new reason. */
export async function exclude(
  db: Database,
  { kind, uuid, by, reason }: Omit<Exclusion, "at">,
): Promise<void> {
  await db.write<void>(
    async (writer) => {
      await putRow(writer, exclusionTable, { uuid, kind, by, at: now, reason });
    },
    { verify: async (reader) => ((await isExcluded(reader, uuid)) ? undefined : null) },
  );
}

/** Takes the exclusion back; false when there was none. */
export async function include(db: Database, uuid: Uuid): Promise<boolean> {
  return db.write(
    async (writer) => (await writer.run("DELETE FROM Exclusion WHERE ObjectUuid = ?", [uuid])) > 0,
    { verify: async (reader) => ((await isExcluded(reader, uuid)) ? null : true) },
  );
}

/** Everything that is excluded, sorted by uuid. */
export async function listExclusions(db: Database): Promise<readonly Exclusion[]> {
  return db.read(exclusionsIn);
}

/** The same inside a transaction. */
export async function exclusionsIn(reader: Reader): Promise<readonly Exclusion[]> {
  const rows = await reader.rows(`SELECT ${exclusionTable.selected} FROM Exclusion ORDER BY ObjectUuid`);
  return rows.map(exclusionTable.read);
}

async function isExcluded(reader: Reader, uuid: Uuid): Promise<boolean> {
  const rows = await reader.rows("SELECT Kind FROM Exclusion WHERE ObjectUuid = ?", [uuid]);
  return rows.length > 0;
}
