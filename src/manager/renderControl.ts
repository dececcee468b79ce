/** What xcp-control did and what holds it back, as lines. Pure; names and reasons come out escaped. */

import { type Flap, flapCause } from "../decide/flaps.ts";
import type { Exclusion, Pause } from "../domain/controlState.ts";
import type { Migration } from "../domain/migration.ts";
import type { Cost } from "../domain/migrationCost.ts";
import type { Explanation } from "../explain/explain.ts";
import { conditionText } from "../rules/print.ts";
import type { LeaseStatus } from "../store/lease.ts";
import { figure, megabytes, plural, span } from "../text/format.ts";
import type { Names } from "../text/names.ts";
import { printable } from "../text/text.ts";
import { inMegabytes, line, listEntry, rate, timestamp } from "./layout.ts";
import type { ProgramStatus, Result, StatusResult } from "./result.ts";

/** A line a migration: id, time, VM, from -> to, state, what is known of its cost, why, and its error. */
export function migrationList({ migrations, names }: Extract<Result, { kind: "migrations" }>): string[] {
  return migrations.map((each) => migrationItem(each, names));
}

function migrationItem(migration: Migration, names: Names): string {
  const { id, plannedAt, state, seconds, memoryBytes, rule, reason, error } = migration;
  const cost = [
    unit(seconds === null ? null : figure(seconds), "s"),
    unit(inMegabytes(memoryBytes), "MB"),
    unit(rateOf(migration), "MB/s"),
  ]
    .filter((figure) => figure !== null)
    .join(", ");
  const parts = [
    id.slice(0, 8),
    timestamp(plannedAt),
    way(migration, names),
    state,
    ...(cost === "" ? [] : [cost]),
    rule === null ? reason : conditionText(rule),
    ...(error === null ? [] : [error]),
  ];
  return listEntry(...parts);
}

function way({ vm, source, destination }: Migration, names: Names): string {
  return `${names.of(vm)}: ${names.of(source)} -> ${names.of(destination)}`;
}

/** MB/s of a migration that came to its end. */
export function rateOf({ state, memoryBytes, seconds }: Migration): number | null {
  return state === "succeeded" ? rate(memoryBytes, seconds) : null;
}

function unit(value: string | number | null, name: string): string | null {
  return value === null ? null : `${value} ${name}`;
}

/** One migration with everything that is known of it. */
export function migrationLines({ found, names }: Extract<Result, { kind: "migration" }>): string[] {
  const { plannedAt, submittedAt, finishedAt, seconds } = found;
  const figures = figuresOf(found.figures);
  return [
    line("Migration", found.id),
    line("VM", `${found.vm} - ${names.exact(found.vm) ?? "-"}`),
    line("From", `${found.source} - ${names.exact(found.source) ?? "-"}`),
    line("To", `${found.destination} - ${names.exact(found.destination) ?? "-"}`),
    line("State", found.state),
    line("Planned", timestamp(plannedAt)),
    line("Submitted", submittedAt === null ? null : timestamp(submittedAt)),
    line("Finished", finishedAt === null ? null : timestamp(finishedAt)),
    line("Seconds", seconds === null ? null : figure(seconds)),
    line("Memory to copy (MB)", inMegabytes(found.memoryBytes)),
    line("Rate (MB/s)", rateOf(found)),
    line("Rule", found.rule === null ? null : conditionText(found.rule)),
    line("Reason", found.reason),
    line("Collection", found.collectionId),
    line("Run", found.runId),
    line("Task", found.taskRef),
    line("Error", found.error),
    `Figures at decision: ${figures.length}`,
    ...figures.map(([name, value]) => listEntry(name, value)),
  ];
}

/** The members of what was stored, with their names as words: "sourceBefore" is "Source before". */
function figuresOf(figures: unknown): [string, string][] {
  if (typeof figures !== "object" || figures === null) return [];
  return Object.entries(figures).map(([key, value]) => [
    sentence(key),
    typeof value === "number" ? figure(value) : typeof value === "string" ? value : JSON.stringify(value),
  ]);
}

function sentence(key: string): string {
  const words = key.replace(/(?<=[a-z0-9])(?=[A-Z])/g, " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What migrations cost: of the whole pool, and of each pair of hosts with figures of its own. */
export function costLines({ costs, names }: Extract<Result, { kind: "costs" }>): string[] {
  const pairs = costs.measuredPairs();
  return [
    line("Whole pool", costText(costs.pool)),
    line("Pairs of hosts with figures of their own", pairs.length),
    ...pairs.map(({ source, destination, cost }) =>
      listEntry(`${names.of(source)} -> ${names.of(destination)}`, costText(cost)),
    ),
  ];
}

function costText({ bytesPerSecond, dirtyFactor, samples }: Cost): string {
  const mb = megabytes(bytesPerSecond);
  if (samples === 0) return `${mb} MB/s, assumed: no migration was measured yet`;
  const from = plural(samples, "migration");
  return `${mb} MB/s, dirty factor ${figure(dirtyFactor)}, measured in ${from}`;
}

/** Each flap with its cause, and the reason of each of the two moves. */
export function flapLines({ flaps, days, names }: Extract<Result, { kind: "flaps" }>): string[] {
  return [`Flaps of the last ${days} d: ${flaps.length}`, ...flaps.flatMap((flap) => flapBlock(flap, names))];
}

function flapBlock(flap: Flap, names: Names): string[] {
  const { vm, host, away, back, backAt, awaySeconds, backSecondsAgo } = flap;
  const when = `${span(awaySeconds, "rough")} after it left, ${span(backSecondsAgo, "rough")} ago`;
  const left = away.finishedAt === null ? "-" : timestamp(away.finishedAt);
  return [
    listEntry(names.of(vm), `back on ${names.of(host)} ${when}`, flapCause(flap)),
    `  left ${left} (${away.id.slice(0, 8)}): ${printable(away.reason)}`,
    back === null
      ? `  found there again ${timestamp(backAt)}`
      : `  back ${timestamp(backAt)} (${back.id.slice(0, 8)}): ${printable(back.reason)}`,
  ];
}

/** What control leaves alone, a line each. */
export function exclusionLines({ exclusions, names }: Extract<Result, { kind: "exclusions" }>): string[] {
  return exclusions.map((each) => exclusionItem(each, names));
}

function exclusionItem({ kind, uuid, by, at, reason }: Exclusion, names: Names): string {
  return listEntry(
    kind === "VM" ? "VM" : "Host",
    uuid,
    names.exact(uuid) ?? "(not in the pool)",
    by === "" ? "" : `by ${by}`,
    timestamp(at),
    reason,
  );
}

/** The pause as PAUSE CONTROL confirms it. */
export function pausedLine({ until }: Pause): string {
  return until === null
    ? "Control is paused until RESUME CONTROL"
    : `Control is paused until ${timestamp(until)}`;
}

/** The answer, and below it the figures and reasons behind it. */
export function explanationLines({ answer, details }: Explanation): string[] {
  return [printable(answer), ...details.map((detail) => `- ${printable(detail)}`)];
}

/** SHOW STATUS: whether control works, and if not, why. */
export function statusLines(status: StatusResult): string[] {
  const { names, open, exclusions, flaps } = status;
  return [
    line("Schema", status.schemaVersion),
    ...collectionLines(status),
    ...status.programs.flatMap((program) => programLines(program, status.lease)),
    line("Lease", leaseText(status.lease)),
    line("Pause", pauseText(status.pause)),
    line("Breaker", breakerText(status.breaker)),
    line("Migrations started within the last hour", status.startedLastHour),
    line("Flaps of the last day", flaps.length),
    ...flaps.map((flap) => listEntry(names.of(flap.vm), `back on ${names.of(flap.host)}`, flapCause(flap))),
    line("Open migrations", open.length),
    ...open.map((each) =>
      listEntry(
        each.id.slice(0, 8),
        way(each, names),
        each.state,
        `since ${span(each.plannedSecondsAgo, "rough")}`,
      ),
    ),
    line("Exclusions", exclusions.length),
    ...exclusions.map((each) => exclusionItem(each, names)),
  ];
}

function collectionLines({ collection: known }: StatusResult): string[] {
  if (known === null) return [line("Collection", "none yet; xcp-collect makes one")];
  const { collection, ageSeconds, pool } = known;
  const hosts = `${plural(collection.hostsRead, "host")} read, ${collection.hostsUnread} unread, ${plural(collection.vms, "VM")}`;
  const age = Number.isFinite(ageSeconds) ? `${span(ageSeconds, "rough")} old` : "of unknown age";
  return [
    line("Pool", `${pool.uuid} - ${pool.name === "" ? "-" : pool.name}`),
    line(
      "Collection",
      `${collection.id}, ${age}, ${collection.complete ? "complete" : "INCOMPLETE"}: ${hosts}`,
    ),
  ];
}

function programLines({ program, last, lastSuccess }: ProgramStatus, lease: LeaseStatus): string[] {
  if (last === null) return [line(program, "no run is remembered")];
  const where = `pid ${last.pid} on ${last.host}`;
  const started = `started ${span(last.startedSecondsAgo, "rough")} ago`;
  const detail = last.detail === null || last.detail === "" ? "" : `: ${last.detail}`;
  if (last.finishedAt === null) {
    const works = last.id === lease.runId && (lease.expiresInSeconds ?? 0) > 0;
    const state = works ? "at work" : "did not say how it ended: at work, or killed";
    return [line(program, `${state}, ${started}, ${where}${detail}`), ...workedLast(program, lastSuccess)];
  }
  const took = span((last.finishedAt.getTime() - last.startedAt.getTime()) / 1000, "rough");
  const code = last.exitCode === null ? "" : `, exit code ${last.exitCode}`;
  const ended = `${last.outcome ?? "ended"}${code}, ${started}, took ${took}, ${where}${detail}`;
  const worked = lastSuccess?.id === last.id ? [] : workedLast(program, lastSuccess);
  return [line(program, ended), ...worked];
}

function workedLast(program: string, run: ProgramStatus["lastSuccess"]): string[] {
  const label = `${program} did its work last`;
  return [
    line(
      label,
      run === null ? "never, as far as is remembered" : `${span(run.startedSecondsAgo, "rough")} ago`,
    ),
  ];
}

function leaseText({ holder, takenSecondsAgo, renewedSecondsAgo, expiresInSeconds }: LeaseStatus): string {
  if (holder === null) return "free";
  const taken = `taken ${span(takenSecondsAgo ?? 0, "rough")} ago, renewed ${span(renewedSecondsAgo ?? 0, "rough")} ago`;
  const left = expiresInSeconds ?? 0;
  if (left > 0) return `held by ${holder}, ${taken}, expires in ${span(left, "rough")}`;
  return `expired ${span(-left, "rough")} ago: ${holder} did not give it back (${taken}); the next run takes it`;
}

function pauseText(pause: Pause | null): string {
  if (pause === null) return "none";
  const { by, sinceSecondsAgo, until, reason } = pause;
  const end = until === null ? "until RESUME CONTROL" : `until ${timestamp(until)}`;
  const who = by === "" ? "" : ` by ${by}`;
  return `paused${who} ${span(sinceSecondsAgo, "rough")} ago, ${end}${reason === "" ? "" : `: ${reason}`}`;
}

function breakerText({ open, trips, closesInSeconds, reason }: StatusResult["breaker"]): string {
  const times = trips === 0 ? "" : `, opened ${plural(trips, "time")} since the last --ack`;
  if (!open) return `closed${times}`;
  return `OPEN for another ${span(closesInSeconds ?? 0, "rough")}${times}: ${reason ?? "-"}; xcp-control --ack closes it`;
}
