/** Reads what green rules are assessed by: the rules, what is remembered of hosts, and the snapshots of the windows. */

import type { Assessment } from "../../decide/assess.ts";
import { type GreenForecast, greenForecast, greenWish, isIdle, type PowerInput } from "../../decide/power.ts";
import { configuredGreenRule, connectedWlb } from "../../decide/workloadBalancing.ts";
import { minuteOfDay } from "../../domain/hours.ts";
import type { StoredSnapshot } from "../../domain/pool.ts";
import type { ControlSettings } from "../../settings/types.ts";
import type { Database } from "../connection.ts";
import { loadHostPower } from "../hostPower.ts";
import { listAddedRules } from "../rules.ts";
import { loadSamples } from "../samples.ts";
import { wlbBindingIn } from "../wlb.ts";

/** What green rules are about to do by the stored collection; null where there is nothing to decide. */
export async function loadGreenForecast(
  db: Database,
  settings: ControlSettings,
  assessment: Assessment,
): Promise<GreenForecast | null> {
  const { stored } = assessment;
  if (stored === null) return null;
  return greenForecast(assessment, settings, await loadPowerInput(db, settings, stored));
}

/** Snapshots are read only where there is something to decide. */
export async function loadPowerInput(
  db: Database,
  settings: ControlSettings,
  { collection, snapshot }: StoredSnapshot,
): Promise<PowerInput> {
  const written = (await listAddedRules(db)).green.map(({ rule }) => rule).filter(({ enabled }) => enabled);
  const wlb = connectedWlb(snapshot.pool, { wlb: await db.read(wlbBindingIn) });
  const configured = configuredGreenRule(wlb);
  // What was written at the prompt says more than XenCenter can.
  const rules = written.length > 0 || configured === null ? written : [configured];
  const hostPower = await loadHostPower(db);
  const snapshots = isIdle({ rules, hostPower })
    ? []
    : await loadSamples(db, collection, greenWish(settings));
  const minute = minuteOfDay(new Date(hostPower.now * 1000), settings.timeZone);
  return { rules, hostPower, snapshots, minuteOfDay: minute };
}
