/** The breaker that opens after failures: one row. */
import { computed, type Table, table } from "../columns.ts";
import { constant, count, flag, optionalDate, optionalNumber, optionalText } from "../columnTypes.ts";
import { ageSeconds } from "../values.ts";

export interface BreakerRow {
  readonly name: "control";
  readonly trips: number;
  readonly openedAt: Date | null;
  /** Null while it is closed. */
  readonly openUntil: Date | null;
  readonly reason: string | null;
  /** Migrations that ended before this count no more. */
  readonly countFrom: Date | null;
  readonly acknowledgedBy: string | null;
  /** Below 0 while it is open. */
  readonly overdueSeconds: number | null;
  readonly isOpen: boolean;
}

export const breakerTable: Table<BreakerRow> = table("Breaker", ["name"], {
  name: constant("control"),
  trips: count,
  openedAt: optionalDate,
  openUntil: optionalDate,
  reason: optionalText,
  countFrom: optionalDate,
  acknowledgedBy: optionalText,
  overdueSeconds: computed(ageSeconds("OpenUntil"), optionalNumber),
  isOpen: computed("OpenUntil IS NOT NULL AND OpenUntil > UTC_TIMESTAMP(6)", flag),
});
