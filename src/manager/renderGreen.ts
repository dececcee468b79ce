/** SHOW GREEN as text and as an object. Pure. */
import { greenLines, greenObject } from "../explain/power.ts";
import { greenRuleObject } from "../rules/json.ts";
import { describeGreenRule, describeOptions } from "../rules/print.ts";
import { figure, gigabytes, plural, span } from "../text/format.ts";
import { printable } from "../text/text.ts";
import { line, listEntry } from "./layout.ts";
import type { GreenResult } from "./result.ts";

/** Rules, hosts, what it was worth, what happened last, and what comes next. */
export function greenText(result: GreenResult): string[] {
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

function nextLines({ forecast, closed, rules, names }: GreenResult): string[] {
  if (forecast !== null) return greenLines(forecast, names);
  if (closed !== null) return [`Next: nothing, ${closed}`];
  return [
    rules.length === 0 ? "Next: nothing, there is no green rule" : "Next: measures are not believed yet",
  ];
}

export function greenResultObject({
  rules,
  hosts,
  savings,
  events,
  forecast,
  closed,
  names,
}: GreenResult): object {
  return {
    rules: rules.map(greenRuleObject),
    hosts: hosts.map((each) => ({ ...each, hostName: names.exact(each.host) })),
    savings: savings.map(({ days, saved }) => ({ days, ...saved })),
    events: events.map((event) => ({ ...event, hostName: names.exact(event.host) })),
    next: greenObject(forecast, names),
    closed,
  };
}
