/** SHOW STATUS: whether xcp-collect and xcp-control work, and what holds control back. Read only. */

import type { Database } from "../../store/connection.ts";
import { leaseStatus } from "../../store/lease.ts";
import { loadControlState } from "../../store/load/controlState.ts";
import { lastSuccess, listRuns, type ProgramName } from "../../store/runs.ts";
import { schemaVersion } from "../../store/schema/version.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { Names } from "../../text/names.ts";
import type { ProgramStatus, StatusResult } from "../result.ts";
import { flapsWithin } from "./migrations.ts";

/** Everything at once. It needs neither a collection nor a run. */
export async function showStatus(db: Database): Promise<StatusResult> {
  const stored = await loadSnapshot(db);
  const { pause, breaker, open, startedLastHour, exclusions } = await loadControlState(db);
  return {
    kind: "status",
    schemaVersion: await schemaVersion(db),
    collection:
      stored === null
        ? null
        : { collection: stored.collection, ageSeconds: stored.ageSeconds, pool: stored.snapshot.pool },
    programs: [await programStatus(db, "xcp-collect"), await programStatus(db, "xcp-control")],
    lease: await leaseStatus(db),
    pause,
    breaker,
    open,
    startedLastHour,
    exclusions,
    flaps: (await flapsWithin(db, 86_400)).toReversed(),
    names: new Names(stored?.snapshot ?? null),
  };
}

async function programStatus(db: Database, program: ProgramName): Promise<ProgramStatus> {
  const [last] = await listRuns(db, program, 1);
  return { program, last: last ?? null, lastSuccess: await lastSuccess(db, program) };
}
