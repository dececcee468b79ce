/** What one line says of a pool: how much there is in it, how old the data is, what control did last. Read only. */
import type { ObservedState, PoolOverview } from "../domain/poolOverview.ts";
import { breakerStatus } from "./breaker.ts";
import type { Database } from "./connection.ts";
import { pauseStatus } from "./pause.ts";
import { listRuns } from "./runs.ts";
import { ageSeconds } from "./values.ts";

/**
 * The overview of the pool that the database holds.
 * @param maxAgeSeconds older data is not acted upon.
 * @throws AppError "mysql".
 */
export async function loadPoolOverview(db: Database, maxAgeSeconds: number): Promise<PoolOverview> {
  const [row] = await db.read((reader) =>
    reader.rows(
      `SELECT (SELECT PoolUuid FROM Pool LIMIT 1) AS uuid, (SELECT Name FROM Pool LIMIT 1) AS name,
              (SELECT COUNT(*) FROM Host) AS hosts, (SELECT COUNT(*) FROM Vm WHERE NOT IsControlDomain) AS vms,
              (SELECT ${ageSeconds("StartedAt")} FROM Collection
                WHERE Id = (SELECT StoredId FROM CollectionHead WHERE Id = 1)) AS ago`,
    ),
  );
  const [run] = await listRuns(db, "xcp-control", 1);
  const ago = row?.["ago"];
  const age = ago === null || ago === undefined ? null : Number(ago);
  const pause = await pauseStatus(db);
  const breaker = await breakerStatus(db);
  const state: ObservedState = breaker.open
    ? "breaker open"
    : pause !== null
      ? "paused"
      : age === null
        ? "nothing collected"
        : Math.abs(age) > maxAgeSeconds
          ? "data too old"
          : "ok";
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    uuid: text(row?.["uuid"]),
    name: text(row?.["name"]),
    hosts: Number(row?.["hosts"] ?? 0),
    vms: Number(row?.["vms"] ?? 0),
    ageSeconds: age,
    lastControl:
      run === undefined
        ? null
        : { secondsAgo: run.startedSecondsAgo, outcome: run.finishedAt === null ? null : run.outcome },
    state,
  };
}
