/** Every migration that control meant to make; written before the pool is asked, and never deleted by the programs. */
import {
  type FailureClass,
  type Migration,
  type MigrationCause,
  parseFailureClass,
} from "../../domain/migration.ts";
import type { Uuid } from "../../domain/pool.ts";
import { type ColumnType, computed, named, type Table, table } from "../columns.ts";
import {
  count,
  date,
  openWord,
  optionalDate,
  optionalNumber,
  optionalText,
  optionalUuid,
  text,
  uuid,
  word,
} from "../columnTypes.ts";
import { ageSeconds, textOrNull } from "../values.ts";

/** The row, whose rule stands in `rule` or in `subject` and `threshold`. */
export interface MigrationRow extends Omit<Migration, "rule"> {
  /** The lease that answers for the row. */
  readonly token: number;
  /** The VM while the row is open, null once it is closed: a VM has one open row at most. */
  readonly openVm: Uuid | null;
  readonly subject: string | null;
  readonly threshold: number | null;
  readonly rule: string | null;
  /** The figures it was decided by, as JSON. */
  readonly figures: string;
}

/** Rows of before green rules have none. */
const cause: ColumnType<MigrationCause> = word(
  ["rules", "serve", "evacuation", "green", "room", "applied"],
  "rules",
);

const failure: ColumnType<FailureClass | null> = {
  write: (value) => value,
  read: (value) => parseFailureClass(textOrNull(value)),
};

export const migrationTable: Table<MigrationRow> = table("Migration", ["id"], {
  id: text,
  runId: text,
  token: count,
  vm: named("VmUuid", uuid),
  openVm: optionalUuid,
  source: named("SourceUuid", uuid),
  destination: named("DestinationUuid", uuid),
  subject: optionalText,
  threshold: optionalNumber,
  rule: optionalText,
  reason: text,
  figures: text,
  collectionId: count,
  state: openWord<Migration["state"]>(),
  plannedAt: date,
  submittedAt: optionalDate,
  finishedAt: optionalDate,
  taskRef: optionalText,
  memoryBytes: optionalNumber,
  cause,
  seconds: optionalNumber,
  error: optionalText,
  failure: named("FailureClass", failure),
  collectionsAtEnd: optionalNumber,
  plannedSecondsAgo: computed(ageSeconds("PlannedAt"), count),
  finishedSecondsAgo: computed(ageSeconds("FinishedAt"), optionalNumber),
});
