/** How many guests each host had, and whether it served, in the last two collections that control looked at. */
import type { HostObservation } from "../../domain/controlState.ts";
import { computed, named, type Table, table } from "../columns.ts";
import { count, flag, optionalDate, optionalNumber, uuid } from "../columnTypes.ts";
import { ageSeconds } from "../values.ts";

export interface HostSight extends Omit<HostObservation, "before"> {
  readonly beforeCollectionId: number | null;
  readonly beforeGuests: number | null;
  /** When `enabled` or `live` was last seen to change. */
  readonly changedAt: Date | null;
}

export const hostSightTable: Table<HostSight> = table("HostSight", ["host"], {
  host: named("HostUuid", uuid),
  poolUuid: uuid,
  collectionId: count,
  guests: count,
  beforeCollectionId: optionalNumber,
  beforeGuests: optionalNumber,
  enabled: flag,
  live: flag,
  changedAt: optionalDate,
  changedSecondsAgo: computed(ageSeconds("ChangedAt"), optionalNumber),
});
