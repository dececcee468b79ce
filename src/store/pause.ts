/** The pause: an administrator's word that xcp-control shall start nothing. */
import type { Pause } from "../domain/controlState.ts";
import type { Database, Reader } from "./connection.ts";
import { rowMissing } from "./singleRows.ts";
import { expression, now, updateRows } from "./statements.ts";
import { pauseTable } from "./tables/Pause.ts";

const ofControl = expression("Name = 'control'");

/** Who pauses, why, for how many seconds (null: until somebody resumes), and whether running migrations are cancelled. */
export interface PauseOrder {
  readonly by: string;
  readonly reason: string;
  readonly seconds: number | null;
  readonly now?: boolean;
}

/** Pauses control from now on; a pause that is in force is replaced. */
export async function pauseControl(
  db: Database,
  { by, reason, seconds, now: cancels = false }: PauseOrder,
): Promise<void> {
  await db.write<void>(
    async (writer) => {
      const changed = await updateRows(
        writer,
        pauseTable,
        {
          paused: true,
          pausedBy: by,
          pausedAt: now,
          reason,
          cancelRunning: cancels,
          pausedUntil: expression(
            "TIMESTAMPADD(SECOND, ?, UTC_TIMESTAMP(6))",
            seconds === null ? null : Math.ceil(seconds),
          ),
        },
        ofControl,
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
      const changed = await updateRows(writer, pauseTable, { paused: false }, ofControl);
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
  const [row] = await reader.rows(`SELECT ${pauseTable.selected} FROM Pause WHERE Name = 'control'`);
  // Without its row nobody could stop control.
  if (row === undefined) throw rowMissing("Pause");
  const { paused, ended, pausedBy, pausedAt, pausedUntil, sinceSecondsAgo, reason, cancelRunning } =
    pauseTable.read(row);
  if (!paused || ended) return null;
  return {
    by: pausedBy ?? "",
    since: pausedAt ?? new Date(Number.NaN),
    sinceSecondsAgo: sinceSecondsAgo ?? 0,
    until: pausedUntil,
    reason: reason ?? "",
    cancelRunning,
  };
}
