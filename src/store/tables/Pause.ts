/** Whether an administrator has stopped xcp-control for now: one row. */
import { computed, type Table, table } from "../columns.ts";
import { constant, flag, optionalDate, optionalNumber, optionalText } from "../columnTypes.ts";
import { ageSeconds } from "../values.ts";

export interface PauseRow {
  readonly name: "control";
  readonly paused: boolean;
  readonly pausedBy: string | null;
  readonly pausedAt: Date | null;
  /** Null: until somebody resumes. */
  readonly pausedUntil: Date | null;
  readonly reason: string | null;
  /** Running migrations are to be cancelled too. */
  readonly cancelRunning: boolean;
  readonly sinceSecondsAgo: number | null;
  readonly ended: boolean;
}

export const pauseTable: Table<PauseRow> = table("Pause", ["name"], {
  name: constant("control"),
  paused: flag,
  pausedBy: optionalText,
  pausedAt: optionalDate,
  pausedUntil: optionalDate,
  reason: optionalText,
  cancelRunning: flag,
  sinceSecondsAgo: computed(ageSeconds("PausedAt"), optionalNumber),
  ended: computed("PausedUntil IS NOT NULL AND PausedUntil <= UTC_TIMESTAMP(6)", flag),
});
