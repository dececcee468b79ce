/** The table HostSight: how many guests each host had, and whether it served, in the last two collections looked at. */

import { guestCounts } from "../decide/suspicion.ts";
import type { HostObservation } from "../domain/controlState.ts";
import type { Snapshot } from "../domain/pool.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { expression, insertRow, now, updateRows } from "./statements.ts";
import { hostSightTable } from "./tables/HostSight.ts";

/** Everything that is remembered, inside a transaction. */
export async function observationsIn(reader: Reader): Promise<readonly HostObservation[]> {
  const rows = await reader.rows(`SELECT ${hostSightTable.selected} FROM HostSight ORDER BY HostUuid`);
  return rows.map((row) => {
    const { beforeCollectionId, beforeGuests, changedAt: _, ...observation } = hostSightTable.read(row);
    const before =
      beforeCollectionId === null ? null : { collectionId: beforeCollectionId, guests: beforeGuests ?? 0 };
    return { ...observation, before };
  });
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
      await insertRow(writer, hostSightTable, {
        host: uuid,
        poolUuid: snapshot.pool.uuid,
        collectionId,
        guests,
        enabled,
        live,
      });
    } else if (observation.collectionId !== collectionId) {
      const changed = observation.enabled !== enabled || observation.live !== live;
      await updateRows(
        writer,
        hostSightTable,
        {
          poolUuid: snapshot.pool.uuid,
          // Before CollectionId and Guests: each sees what those to the left of it have set.
          beforeCollectionId: expression("CollectionId"),
          beforeGuests: expression("Guests"),
          collectionId,
          guests,
          enabled,
          live,
          ...(changed ? { changedAt: now } : {}),
        },
        expression("HostUuid = ?", uuid),
      );
    }
  }
}
