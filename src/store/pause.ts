/** The pause: an administrator's word that xcp-control shall start nothing. */
import type { Pause } from "../domain/controlState.ts";
import type { Database, Reader } from "./connection.ts";
import { rowMissing } from "./singleRows.ts";
import { ageSeconds, dateOrNull, flag, number, textOrNull } from "./values.ts";

/** Who pauses, why, and for how many seconds (null: until somebody resumes). */
export interface PauseOrder {
  readonly by: string;
  readonly reason: string;
  readonly seconds: number | null;
}

/** Pauses control from now on; a pause that is in force is replaced. */
export async function pauseControl(db: Database, { by, reason, seconds }: PauseOrder): Promise<void> {
  await db.write<void>(
    async (writer) => {
      const changed = await writer.run(
        `UPDATE Pause SET Paused = TRUE, PausedBy = ?, PausedAt = UTC_TIMESTAMP(6), Reason = ?,
                PausedUntil = TIMESTAMPADD(SECOND, ?, UTC_TIMESTAMP(6)) WHERE Name = 'control'`,
        [by, reason, seconds === null ? null : Math.ceil(seconds)],
      );
      if (changed !== 1) throw rowMissing("Pause");
    },
    { verify: async (reader) => ((await pauseIn(reader)) === null ? null : undefined) },
  );
}

/** Ends the pause; false when none was in force. */
export async function resumeControl(db: Database): Promise<boolean> {
  return db.write(
    async (writer) => {
      const inForce = (await pauseIn(writer)) !== null;
      const changed = await writer.run("UPDATE Pause SET Paused = FALSE WHERE Name = 'control'");
      if (changed !== 1) throw rowMissing("Pause");
      return inForce;
    },
    { verify: async (reader) => ((await pauseIn(reader)) === null ? true : null) },
  );
}

/** The pause in force, or null. */
export async function pauseStatus(db: Database): Promise<Pause | null> {
  return db.read(pauseIn);
}

/** The same inside a transaction. */
export async function pauseIn(reader: Reader): Promise<Pause | null> {
  const [row] = await reader.rows(
    `SELECT Paused, PausedBy, PausedAt, PausedUntil, Reason, ${ageSeconds("PausedAt")} AS age,
            PausedUntil IS NOT NULL AND PausedUntil <= UTC_TIMESTAMP(6) AS ended FROM Pause WHERE Name = 'control'`,
  );
  // Without its row nobody could stop control.
  if (row === undefined) throw rowMissing("Pause");
  if (!flag(row["Paused"]) || flag(row["ended"])) return null;
  return {
    by: textOrNull(row["PausedBy"]) ?? "",
    since: dateOrNull(row["PausedAt"]) ?? new Date(Number.NaN),
    sinceSecondsAgo: number(row["age"]) ?? 0,
    until: dateOrNull(row["PausedUntil"]),
    reason: textOrNull(row["Reason"]) ?? "",
  };
}
