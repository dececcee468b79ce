/** The table Exclusion: VMs that control never moves, hosts that it takes nothing from and puts nothing on. */
import type { Exclusion } from "../domain/controlState.ts";
import { asUuid, type Uuid } from "../domain/pool.ts";
import type { Database, Reader } from "./connection.ts";
import { dateOrNull, textOrNull } from "./values.ts";

/** Excludes a VM or host; one that is excluded already gets the new reason. */
export async function exclude(
  db: Database,
  { kind, uuid, by, reason }: Omit<Exclusion, "at">,
): Promise<void> {
  await db.write<void>(
    async (writer) => {
      const alias = writer.rowAlias ? " AS fresh" : "";
      const fresh = (column: string) => (writer.rowAlias ? `fresh.${column}` : `VALUES(${column})`);
      const columns = ["Kind", "ExcludedBy", "ExcludedAt", "Reason"];
      await writer.run(
        `INSERT INTO Exclusion (ObjectUuid, Kind, ExcludedBy, ExcludedAt, Reason)
         VALUES (?, ?, ?, UTC_TIMESTAMP(6), ?)${alias}
         ON DUPLICATE KEY UPDATE ${columns.map((column) => `${column} = ${fresh(column)}`).join(", ")}`,
        [uuid, kind, by, reason],
      );
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
  const rows = await reader.rows(
    "SELECT ObjectUuid, Kind, ExcludedBy, ExcludedAt, Reason FROM Exclusion ORDER BY ObjectUuid",
  );
  return rows.map((row) => ({
    kind: row["Kind"] === "HOST" ? "HOST" : "VM",
    uuid: asUuid(String(row["ObjectUuid"])),
    by: textOrNull(row["ExcludedBy"]) ?? "",
    at: dateOrNull(row["ExcludedAt"]) ?? new Date(Number.NaN),
    reason: textOrNull(row["Reason"]) ?? "",
  }));
}

async function isExcluded(reader: Reader, uuid: Uuid): Promise<boolean> {
  const rows = await reader.rows("SELECT Kind FROM Exclusion WHERE ObjectUuid = ?", [uuid]);
  return rows.length > 0;
}
