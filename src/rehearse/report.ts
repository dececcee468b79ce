/** A rehearsal in words, for a person, and as one object, for scripts. Pure; not escaped. */

import { describeRule } from "../rules/print.ts";
import { bytes, gigabytes, grouped, plural } from "../text/format.ts";
import type { RehearsalResult, SetResult } from "./rehearsal.ts";
import type { ReplayedRule, ReplayFigures } from "./replay.ts";
import type { Hour, Violations } from "./tally.ts";

/** The rehearsal as a table with a column for each rule set, and its rules below. */
export function rehearsalLines(result: RehearsalResult): string[] {
  return [...headLines(result), "", ...tableLines(result.sets), ...result.sets.flatMap(ruleLines)];
}

function headLines({
  from,
  to,
  hours,
  collections,
  everySeconds,
  bytesPerSecond,
  measuredMigrations,
}: RehearsalResult): string[] {
  const known =
    measuredMigrations === 0 ? "as is assumed of 1 Gbit/s" : `as ${measuredMigrations} have shown`;
  return [
    `Rehearsal of ${utc(from)} to ${utc(to)}: ${plural(collections, "collection", "collections", grouped(collections))}, ${plural(hours, "hour", "hours", grouped(hours, 1))}`,
    `Control runs every ${grouped(everySeconds / 60, 1)} min; migrations at ${bytes(bytesPerSecond, "MB")}/s, ${known}. The pool is not contacted.`,
  ];
}

function tableLines(sets: readonly SetResult[]): string[] {
  const rows: readonly (readonly [string, (set: SetResult) => string])[] = [
    ["", ({ name }) => name],
    ["Migrations", ({ moved }) => grouped(moved.migrations)],
    ["GiB copied", ({ moved }) => grouped(gigabytes(moved.bytes), 1)],
    ["Hours of migrating", ({ moved }) => grouped(moved.migrationHours, 1)],
    ["VMs back within a day", ({ moved }) => grouped(moved.flaps)],
    ["  within an hour", ({ moved }) => grouped(moved.flapsInHour)],
    ["Minutes of hosts above a threshold", ({ moved }) => minutes(moved.rules)],
    ["  without migrations", ({ untouched }) => minutes(untouched.violations)],
    ["In stretches of 5 min and more", ({ moved }) => sustained(moved.rules)],
    ["  without migrations", ({ untouched }) => sustained(untouched.violations)],
    ["Worst hour", ({ moved }) => hourText(moved.worstHour)],
    ["  without migrations", ({ untouched }) => hourText(untouched.worstHour)],
    ...(sets.some(({ serving }) => serving.length > 0) ? waitRows : []),
    ["Runs held back", ({ moved }) => gateText(moved)],
  ];
  const label = Math.max(...rows.map(([text]) => text.length));
  const widths = sets.map((set) => Math.max(...rows.map(([, read]) => read(set).length)));
  return rows.map(([text, read]) =>
    [text.padEnd(label), ...sets.map((set, index) => read(set).padStart(widths[index] ?? 0))]
      .join("  ")
      .trimEnd(),
  );
}

const waitRows: readonly (readonly [string, (set: SetResult) => string])[] = [
  ["CPU-minutes that VMs waited", ({ moved }) => grouped(moved.shortMinutes)],
  ["  without migrations", ({ untouched }) => grouped(untouched.shortMinutes)],
];

function ruleLines({ name, serving, moved, untouched }: SetResult): string[] {
  return [
    "",
    `${name}:`,
    ...serving.map((rule) => `- SERVE ${rule.serve}: ${serveText(moved, untouched.shortMinutes)}`),
    ...moved.rules.map((rule, index) => ruleLine(rule, untouched.violations[index], moved)),
  ];
}

function serveText({ migrations, rules, shortMinutes }: ReplayFigures, before: number): string {
  const own = migrations - rules.reduce((sum, rule) => sum + rule.migrations, 0);
  return `${plural(own, "migration", "migrations", grouped(own))}; ${grouped(before)} CPU-minutes of waiting become ${grouped(shortMinutes)}`;
}

function ruleLine(figures: ReplayedRule, without: Violations | undefined, { runs }: ReplayFigures): string {
  const { rule, firedRuns, migrations, minutes: above } = figures;
  const acts = `acts in ${grouped(firedRuns)} of ${plural(runs, "run", "runs", grouped(runs))}, ${plural(migrations, "migration", "migrations", grouped(migrations))}`;
  const broken = `${grouped(without?.minutes ?? 0, 1)} min above the threshold become ${grouped(above, 1)}`;
  return `- ${describeRule(rule)}: ${acts}; ${broken}`;
}

function minutes(rules: readonly Violations[]): string {
  return grouped(
    rules.reduce((sum, rule) => sum + rule.minutes, 0),
    1,
  );
}

function sustained(rules: readonly Violations[]): string {
  return grouped(
    rules.reduce((sum, rule) => sum + rule.sustainedMinutes, 0),
    1,
  );
}

function hourText(hour: Hour | null): string {
  return hour === null ? "-" : `${utc(hour.seconds)}: ${grouped(hour.minutes, 1)} min`;
}

function gateText({ gates }: ReplayFigures): string {
  return gates.size === 0 ? "0" : [...gates].map(([name, runs]) => `${grouped(runs)} ${name}`).join(", ");
}

/** "2026-11-25 14:00 UTC" */
function utc(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The same as one object. */
export function rehearsalJson(result: RehearsalResult): Readonly<Record<string, unknown>> {
  const { from, to, sets, ...head } = result;
  return { ...head, from: iso(from), to: iso(to), sets: sets.map(setJson) };
}

function setJson({ name, moved, untouched }: SetResult): object {
  const { log: _, gates, rules, worstHour, hours: __, collections: ___, ...figures } = moved;
  return {
    name,
    ...figures,
    worstHour: hourJson(worstHour),
    worstHourWithout: hourJson(untouched.worstHour),
    shortMinutesWithout: untouched.shortMinutes,
    heldRuns: Object.fromEntries(gates),
    rules: rules.map(({ meanMinutes: ____, ...rule }, index) => {
      const without = untouched.violations[index];
      return {
        ...rule,
        minutesWithout: without?.minutes ?? 0,
        sustainedMinutesWithout: without?.sustainedMinutes ?? 0,
      };
    }),
  };
}

function hourJson(hour: Hour | null): object | null {
  return hour === null ? null : { from: iso(hour.seconds), minutes: hour.minutes };
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
