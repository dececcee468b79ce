/** What control's metrics are made of, as far as the database knows it. */
import { flapsOf, flapWindowSeconds } from "../../decide/flaps.ts";
import type { BreakerStatus } from "../../domain/controlState.ts";
import { breakerIn } from "../breaker.ts";
import type { Database } from "../connection.ts";
import { type LeaseStatus, leaseStatus } from "../lease.ts";
import { openMigrationsIn, recentMigrationsIn } from "../migrations.ts";
import { type MigrationTotals, migrationTotalsIn } from "../migrationTotals.ts";
import { pauseIn } from "../pause.ts";
import { type RunStatistics, runStatisticsIn } from "../runStatistics.ts";

export interface ControlStatistics {
  /** Null before the first collection. */
  readonly poolUuid: string | null;
  readonly runs: RunStatistics;
  readonly migrations: MigrationTotals;
  readonly openMigrations: number;
  /** VMs that came back within a day to a host that control had moved them from. */
  readonly contendedVms: number;
  readonly breaker: BreakerStatus;
  readonly paused: boolean;
  readonly lease: LeaseStatus;
}

export async function loadControlStatistics(db: Database): Promise<ControlStatistics> {
  const lease = await leaseStatus(db);
  return db.read(async (reader) => {
    const [pool] = await reader.rows("SELECT PoolUuid FROM Pool");
    // The migration that took a VM away may be as much older as a flap lasts, and took a while itself.
    const recent = await recentMigrationsIn(reader, 3 * flapWindowSeconds);
    const flaps = flapsOf(recent).filter(({ backSecondsAgo }) => backSecondsAgo <= flapWindowSeconds);
    return {
      poolUuid: pool === undefined ? null : String(pool["PoolUuid"]),
      runs: await runStatisticsIn(reader, "xcp-control"),
      migrations: await migrationTotalsIn(reader),
      openMigrations: (await openMigrationsIn(reader)).length,
      contendedVms: new Set(flaps.map(({ vm }) => vm)).size,
      breaker: await breakerIn(reader),
      paused: (await pauseIn(reader)) !== null,
      lease,
    };
  });
}
