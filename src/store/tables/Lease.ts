/** The one xcp-control that may act: one row. */
import { computed, type Table, table } from "../columns.ts";
import { bigInt, constant, count, optionalDate, optionalNumber, optionalText } from "../columnTypes.ts";
import { ageSeconds } from "../values.ts";

export interface LeaseRow {
  readonly name: "control";
  /** Null while nobody holds it. */
  readonly runId: string | null;
  readonly holder: string | null;
  readonly token: number;
  readonly takenAt: Date | null;
  readonly renewedAt: Date | null;
  readonly expiresAt: Date | null;
  /** How long a taking or renewal lasts by the holder's settings; null of a taking by a program of before. */
  readonly lengthMs: number | null;
  readonly takenSecondsAgo: number | null;
  readonly renewedSecondsAgo: number | null;
  /** Below 0 while it holds. */
  readonly expiredSecondsAgo: number | null;
}

export const leaseTable: Table<LeaseRow> = table("Lease", ["name"], {
  name: constant("control"),
  runId: optionalText,
  holder: optionalText,
  token: count,
  takenAt: optionalDate,
  renewedAt: optionalDate,
  expiresAt: optionalDate,
  lengthMs: bigInt,
  takenSecondsAgo: computed(ageSeconds("TakenAt"), optionalNumber),
  renewedSecondsAgo: computed(ageSeconds("RenewedAt"), optionalNumber),
  expiredSecondsAgo: computed(ageSeconds("ExpiresAt"), optionalNumber),
});
