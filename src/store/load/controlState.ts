/** All that decides whether control may act and what it leaves alone, read in one instant. */
import type { ControlState } from "../../domain/controlState.ts";
import { bandwidthIn } from "../bandwidth.ts";
import { breakerIn } from "../breaker.ts";
import type { Database } from "../connection.ts";
import { exclusionsIn } from "../exclusions.ts";
import { fruitlessIn } from "../fruitless.ts";
import { handledIn } from "../hostPower.ts";
import {
  lastEndIn,
  openMigrationsIn,
  recentMigrationsIn,
  startedLastHour,
  unsettledIn,
} from "../migrations.ts";
import { observationsIn } from "../observations.ts";
import { pauseIn } from "../pause.ts";
import { wlbBindingIn } from "../wlb.ts";

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
    wlb: await wlbBindingIn(reader),
    fruitless: await fruitlessIn(reader),
  }));
}
