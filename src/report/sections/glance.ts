/** The figures that a reader with one minute takes along. Pure. */
import { savingsOf } from "../../power/savings.ts";
import { figure, grouped, plural } from "../../text/format.ts";
import type { ReportFacts } from "../facts.ts";
import { type Content, html, type Markup } from "../html.ts";
import { isRuled, sharePercent } from "./deviation.ts";
import { meanOf } from "./load.ts";

interface Tile {
  readonly name: string;
  readonly value: Content;
  readonly beside: string;
}

export function glance(facts: ReportFacts): Markup {
  const tiles = [
    poolTile(facts),
    cpuTile(facts),
    pastTile(facts),
    moveTile(facts),
    runTile(facts),
    sleepTile(facts),
  ];
  return html`<div class="tiles">${tiles.map((tile) =>
    tile === null
      ? null
      : html`<div class="tile"><span class="name">${tile.name}</span><b>${tile.value}</b><span>${tile.beside}</span></div>`,
  )}</div>`;
}

/** What of that stands in a line on the pool, among others. */
export function inBrief(facts: ReportFacts): Readonly<Record<"cpu" | "past" | "migrations", Content>> {
  const { value, beside } = moveTile(facts);
  return {
    cpu: cpuTile(facts)?.value ?? null,
    past: pastTile(facts)?.value ?? null,
    migrations: html`${value} ${beside}`,
  };
}

function poolTile({ hostCount, runningVms, slices }: ReportFacts): Tile {
  const collections = slices.reduce((sum, slice) => sum + slice.collections, 0);
  return {
    name: "Pool",
    value: plural(hostCount, "host"),
    beside: `${plural(runningVms, "running VM", "running VMs", grouped(runningVms))}; ${plural(collections, "collection", "collections", grouped(collections))}`,
  };
}

function cpuTile({ loads }: ReportFacts): Tile | null {
  const load = loads.find(({ subject }) => subject === "CpuAverage");
  const mean = load === undefined ? null : meanOf(load.mean);
  const above = load === undefined ? null : meanOf(load.above);
  if (mean === null) return null;
  return {
    name: "CPU",
    value: `${figure(mean, 0)} %`,
    beside: `mean of all hosts; the highest ${figure(above ?? 0, 0)} % above it`,
  };
}

function pastTile({ loads }: ReportFacts): Tile | null {
  const compared = loads.filter(isRuled);
  if (compared.length === 0)
    return { name: "Past a limit", value: "-", beside: "no rule compares hosts with the mean" };
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  if (compared.every(({ ruled }) => sum(ruled) === 0))
    return { name: "Past a limit", value: "-", beside: "nothing was collected while there was a rule" };
  const worst = Math.max(
    ...compared.map(({ past, ruled }) => (sum(ruled) === 0 ? 0 : sum(past) / sum(ruled))),
  );
  return {
    name: "Past a limit",
    value: worst === 0 ? "never" : sharePercent(worst),
    beside:
      worst === 0
        ? "no host broke a rule of the time in any collection"
        : "of the collections had a host beyond what the rule of their time allowed",
  };
}

function moveTile({ migrationCounts }: ReportFacts): Tile {
  const all = Object.values(migrationCounts).reduce((sum, count) => sum + count, 0);
  const succeeded = migrationCounts["succeeded"] ?? 0;
  const rest = all - succeeded;
  return {
    name: "Migrations",
    value: grouped(succeeded),
    beside: rest === 0 ? "succeeded, and none did not" : `succeeded; ${grouped(rest)} did not`,
  };
}

function runTile({ runs }: ReportFacts): Tile {
  const all = runs.reduce((sum, { count }) => sum + count, 0);
  const refused = runs.reduce((sum, { outcome, count }) => sum + (outcome === "refused" ? count : 0), 0);
  return {
    name: "Runs",
    value: grouped(all),
    beside: all === 0 ? "xcp-control has not run" : `of xcp-control; ${grouped(refused)} refused for safety`,
  };
}

function sleepTile({ asleep, greenBytes, watts, from, to }: ReportFacts): Tile | null {
  const saved = savingsOf(asleep, greenBytes, watts, from, to);
  if (saved.hoursAsleep <= 0) return null;
  return {
    name: "Energy",
    value: `${figure(saved.kWh, 1)} kWh`,
    beside: `saved in ${figure(saved.hoursAsleep, 0)} hours of hosts asleep`,
  };
}
