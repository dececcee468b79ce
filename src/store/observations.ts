/** The table HostSight: how many guests each host had, and whether it served, in the last two collections looked at. */

import { guestCounts } from "../decide/suspicion.ts";
import type { HostObservation } from "../domain/controlState.ts";
import { asUuid, type Snapshot } from "../domain/pool.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { ageSeconds, flag, number } from "./values.ts";

/** Everything that is remembered, inside a transaction. */
export async function observationsIn(reader: Reader): Promise<readonly HostObservation[]> {
  const rows = await reader.rows(
    `SELECT HostUuid, PoolUuid, CollectionId, Guests, BeforeCollectionId, BeforeGuests, Enabled, Live,
            ${ageSeconds("ChangedAt")} AS changedAge FROM HostSight ORDER BY HostUuid`,
  );
  return rows.map((row) => ({
    host: asUuid(String(row["HostUuid"])),
    poolUuid: asUuid(String(row["PoolUuid"])),
    collectionId: Number(row["CollectionId"]),
    guests: Number(row["Guests"]),
    before:
      row["BeforeCollectionId"] === null
        ? null
        : { collectionId: Number(row["BeforeCollectionId"]), guests: Number(row["BeforeGuests"]) },
    enabled: flag(row["Enabled"]),
    live: flag(row["Live"]),
    changedSecondsAgo: number(row["changedAge"]),
  }));
}

/** Remembers what this collection says of each host; a second look at the same collection changes nothing. */
export async function rememberObservations(
  db: Database,
  leaseToken: LeaseToken,
  collectionId: number,
  snapshot: Snapshot,
): Promise<void> {
  await db.write<void>((writer) => writeObservations(writer, leaseToken, collectionId, snapshot), {
    verify: async () => undefined,
  });
}

async function writeObservations(
  writer: Writer,
  leaseToken: LeaseToken,
  collectionId: number,
  snapshot: Snapshot,
): Promise<void> {
  if (!(await holdsLease(writer, leaseToken))) return;
  const counts = guestCounts(snapshot);
  const known = new Map((await observationsIn(writer)).map((observation) => [observation.host, observation]));
  for (const { uuid, enabled, live } of snapshot.hosts) {
    const guests = counts.get(uuid) ?? 0;
    const observation = known.get(uuid);
    if (observation === undefined) {
      await writer.run(
        "INSERT INTO HostSight (HostUuid, PoolUuid, CollectionId, Guests, Enabled, Live) VALUES (?, ?, ?, ?, ?, ?)",
        [uuid, snapshot.pool.uuid, collectionId, guests, enabled ? 1 : 0, live ? 1 : 0],
      );
    } else if (observation.collectionId !== collectionId) {
      const changed = observation.enabled !== enabled || observation.live !== live;
      await writer.run(
        `UPDATE HostSight SET PoolUuid = ?, BeforeCollectionId = CollectionId, BeforeGuests = Guests,
                CollectionId = ?, Guests = ?, Enabled = ?, Live = ?${changed ? ", ChangedAt = UTC_TIMESTAMP(6)" : ""}
          WHERE HostUuid = ?`,
        [snapshot.pool.uuid, collectionId, guests, enabled ? 1 : 0, live ? 1 : 0, uuid],
      );
    }
  }
}
