/** SHOW GREEN: hosts that green rules put to sleep, what that was worth, and what comes next. Read only. */

import type { GreenForecast } from "../../decide/power.ts";
import type { HostPowerEvent, HostState } from "../../domain/hostPower.ts";
import type { Uuid } from "../../domain/pool.ts";
import type { GreenRule } from "../../domain/rule.ts";
import { greenLines, greenObject } from "../../explain/power.ts";
import { gateLine } from "../../explain/report.ts";
import { type Savings, savingsOf } from "../../power/savings.ts";
import { greenRuleObject } from "../../rules/json.ts";
import { describeGreenRule, describeOptions } from "../../rules/print.ts";
import { eventsIn, greenBytesIn, hostPowerOf, loadHostPower } from "../../store/hostPower.ts";
import { loadAssessment } from "../../store/load/decisionInput.ts";
import { loadGreenForecast } from "../../store/load/powerInput.ts";
import { listAddedRules } from "../../store/rules.ts";
import { figure, gigabytes, plural, span } from "../../text/format.ts";
import { Names } from "../../text/names.ts";
import { printable } from "../../text/text.ts";
import { type Command, command, type ManagerContext } from "../command.ts";
import { bare } from "../forms.ts";
import { line, listEntry } from "../layout.ts";

/** What green rules did, were worth, and are about to do. */
export interface GreenState {
  readonly rules: readonly GreenRule[];
  /** Hosts that are not simply on, or are on since a while that is remembered. */
  readonly hosts: readonly {
    readonly host: Uuid;
    readonly state: HostState["kind"];
    readonly seconds: number;
    readonly reason: string;
  }[];
  /** Of the last day and of the last 30 days. */
  readonly savings: readonly { readonly days: number; readonly saved: Savings }[];
  /** Newest first. */
  readonly events: readonly (HostPowerEvent & { readonly secondsAgo: number })[];
  readonly forecast: GreenForecast | null;
  /** Why nothing can be said of what comes next; null where something can. */
  readonly closed: string | null;
  readonly names: Names;
}

export const showGreen: Command<null, GreenState> = command({
  ...bare("SHOW GREEN"),
  help: [["SHOW GREEN", "hosts that green rules put to sleep, what that saved, and what comes next"]],
  run: greenState,
  text: greenText,
  json: greenJson,
});

const day = 86_400;
const shownEvents = 10;

/** Everything at once. It needs neither a rule nor a collection. */
export async function greenState({
  db,
  control,
}: Pick<ManagerContext, "db" | "control">): Promise<GreenState> {
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

/** Rules, hosts, what it was worth, what happened last, and what comes next. */
function greenText(result: GreenState): string[] {
  const { rules, hosts, savings, events, names } = result;
  return [
    line("Green rules", rules.length),
    ...rules.map((rule) =>
      listEntry([describeGreenRule(rule), describeOptions(rule)].filter((part) => part !== "").join(", ")),
    ),
    line("Hosts that were touched", hosts.length),
    ...hosts.map(({ host, state, seconds, reason }) =>
      listEntry(names.of(host), `${state.toUpperCase()} for ${span(seconds, "rough")}`, reason),
    ),
    ...savings.map(({ days, saved }) =>
      line(
        days === 1 ? "The last day" : `The last ${plural(days, "day")}`,
        `${figure(saved.hoursAsleep)} hours asleep, ${figure(saved.kWh)} kWh saved, ${figure(gigabytes(saved.migratedBytes))} GiB migrated for it`,
      ),
    ),
    line("Last steps", events.length),
    ...events.map(({ host, kind, reason, secondsAgo }) =>
      listEntry(names.of(host), `${kind} ${span(secondsAgo, "rough")} ago`, reason),
    ),
    ...nextLines(result).map(printable),
  ];
}

function nextLines({ forecast, closed, rules, names }: GreenState): string[] {
  if (forecast !== null) return greenLines(forecast, names);
  if (closed !== null) return [`Next: nothing, ${closed}`];
  return [
    rules.length === 0 ? "Next: nothing, there is no green rule" : "Next: measures are not believed yet",
  ];
}

function greenJson(state: GreenState): object {
  const { rules, hosts, savings, events, forecast, closed, names } = state;
  return {
    rules: rules.map(greenRuleObject),
    hosts: hosts.map((each) => ({ ...each, hostName: names.exact(each.host) })),
    savings: savings.map(({ days, saved }) => ({ days, ...saved })),
    events: events.map((event) => ({ ...event, hostName: names.exact(event.host) })),
    next: greenObject(forecast, names),
    closed,
  };
}
