/** Every run of a program; a month of them is kept. */
import { computed, named, type Table, table } from "../columns.ts";
import { count, date, optionalDate, optionalNumber, optionalText, text } from "../columnTypes.ts";
import { ageSeconds } from "../values.ts";

export interface ProgramRun {
  readonly id: string;
  readonly program: string;
  readonly host: string;
  readonly pid: number;
  readonly startedAt: Date;
  readonly startedSecondsAgo: number;
  /** Null while it runs, or where it was killed. */
  readonly finishedAt: Date | null;
  readonly outcome: string | null;
  readonly exitCode: number | null;
  readonly detail: string | null;
  /** "observe" where the run could not act; null of a run that could. */
  readonly mode: string | null;
  /** The code of the gate that refused it; null where none did. */
  readonly gate: string | null;
}

export const programRunTable: Table<ProgramRun> = table("ProgramRun", ["id"], {
  id: text,
  program: text,
  host: named("HostName", text),
  pid: count,
  startedAt: date,
  startedSecondsAgo: computed(ageSeconds("StartedAt"), count),
  finishedAt: optionalDate,
  outcome: optionalText,
  exitCode: optionalNumber,
  detail: optionalText,
  mode: optionalText,
  gate: optionalText,
});
