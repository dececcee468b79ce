/** All that decides whether control may act and what it leaves alone, read in one instant. */
import type { Migration } from "../../domain/migration.ts";
import type { CostBook } from "../../domain/migrationCost.ts";
import type { Uuid } from "../../domain/pool.ts";
import { bandwidthIn } from "../bandwidth.ts";
import { type BreakerStatus, breakerIn } from "../breaker.ts";
import type { Database } from "../connection.ts";
import { type Exclusion, exclusionsIn } from "../exclusions.ts";
import { handledIn } from "../hostPower.ts";
import {
  type LastEnd,
  lastEndIn,
  openMigrationsIn,
  recentMigrationsIn,
  startedLastHour,
  unsettledIn,
} from "../migrations.ts";
import { type HostObservation, observationsIn } from "../observations.ts";
import { type Pause, pauseIn } from "../pause.ts";

export interface ControlState {
  readonly pause: Pause | null;
  readonly breaker: BreakerStatus;
  readonly startedLastHour: number;
  readonly exclusions: readonly Exclusion[];
  readonly open: readonly Migration[];
  /** Migrations of the last day, oldest first. */
  readonly recent: readonly Migration[];
  readonly lastEnd: LastEnd | null;
  /** VMs whose move the stored collection does not show in its measures yet. */
  readonly unsettled: readonly Uuid[];
  readonly observations: readonly HostObservation[];
  /** Hosts that control itself takes out of service and brings back, with the seconds since the last time (0: still). */
  readonly handled: ReadonlyMap<Uuid, number>;
  readonly costs: CostBook;
}

/** Reads it all. */
export async function loadControlState(db: Database): Promise<ControlState> {
  return db.read(async (reader) => ({
    pause: await pauseIn(reader),
    breaker: await breakerIn(reader),
    startedLastHour: await startedLastHour(reader),
    exclusions: await exclusionsIn(reader),
    open: await openMigrationsIn(reader),
    recent: await recentMigrationsIn(reader, 86_400),
    lastEnd: await lastEndIn(reader),
    unsettled: await unsettledIn(reader),
    observations: await observationsIn(reader),
    handled: await handledIn(reader),
    costs: await bandwidthIn(reader),
  }));
}
