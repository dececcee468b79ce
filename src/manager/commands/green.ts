/** SHOW GREEN: hosts that green rules put to sleep, what that was worth, and what comes next. Read only. */

import { gateLine } from "../../explain/report.ts";
import { savingsOf } from "../../power/savings.ts";
import { eventsIn, greenBytesIn, hostPowerOf, loadHostPower } from "../../store/hostPower.ts";
import { loadAssessment } from "../../store/load/decisionInput.ts";
import { loadGreenForecast } from "../../store/load/powerInput.ts";
import { listAddedRules } from "../../store/rules.ts";
import { Names } from "../../text/names.ts";
import type { ManagerContext } from "../context.ts";
import type { GreenResult } from "../result.ts";

const day = 86_400;
const shownEvents = 10;

/** Everything at once. It needs neither a rule nor a collection. */
export async function showGreen({
  db,
  control,
}: Pick<ManagerContext, "db" | "control">): Promise<GreenResult> {
  const hostPower = await loadHostPower(db);
  // A host may have slept for long: its shutdown lies before the days that are counted.
  const events = await db.read((reader) => eventsIn(reader, 400 * day));
  const asleep = hostPowerOf(events);
  const bytes = await db.read(async (reader) => [
    await greenBytesIn(reader, day),
    await greenBytesIn(reader, 30 * day),
  ]);
  const savings = [1, 30].map((days, i) => ({
    days,
    saved: savingsOf(asleep, bytes[i] ?? 0, control.green, hostPower.now - days * day, hostPower.now),
  }));
  const assessment = await loadAssessment(db, control, null);
  const forecast = await loadGreenForecast(db, control, assessment);
  const gate = assessment.blocked ?? assessment.gate;
  return {
    kind: "green",
    rules: (await listAddedRules(db)).green.map(({ rule }) => rule),
    hosts: [...hostPower.states].map(([host, { kind, since }]) => ({
      host,
      state: kind,
      seconds: hostPower.now - since,
      reason: hostPower.reasons.get(host) ?? "",
    })),
    savings,
    events: events
      .slice(-shownEvents)
      .reverse()
      .map((event) => ({ ...event, secondsAgo: hostPower.now - event.at })),
    forecast,
    closed: gate === null ? null : gateLine(gate),
    names: new Names(assessment.stored?.snapshot ?? null),
  };
}
