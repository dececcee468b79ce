/** SHOW STATUS: whether xcp-collect and xcp-control work, and what holds control back. Read only. */

import { type Flap, flapCause } from "../../decide/flaps.ts";
import type { BreakerStatus, Exclusion, Pause } from "../../domain/controlState.ts";
import type { Migration } from "../../domain/migration.ts";
import type { Collection, PoolFacts } from "../../domain/pool.ts";
import type { Database } from "../../store/connection.ts";
import { type LeaseStatus, leaseStatus } from "../../store/lease.ts";
import { loadControlState } from "../../store/load/controlState.ts";
import { lastSuccess, listRuns, type ProgramName, type ProgramRun } from "../../store/runs.ts";
import { schemaVersion } from "../../store/schema/version.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { plural, span } from "../../text/format.ts";
import { Names } from "../../text/names.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { line, listEntry, timestamp } from "../layout.ts";
import { migrationObject, wayOf } from "../migrationText.ts";
import { type ConfiguredPool, configuredLines, configuredPool } from "../xenCenter.ts";
import { exclusionItem, exclusionObject } from "./exclusions.ts";
import { flapObject, flapsWithin } from "./flaps.ts";

/** Whether xcp-control works, and if not, why. */
export interface Status {
  readonly schemaVersion: number;
  /** Null before the first collection. */
  readonly collection: {
    readonly collection: Collection;
    readonly ageSeconds: number;
    readonly pool: PoolFacts;
  } | null;
  readonly programs: readonly ProgramStatus[];
  readonly lease: LeaseStatus;
  readonly pause: Pause | null;
  readonly breaker: BreakerStatus;
  readonly open: readonly Migration[];
  readonly startedLastHour: number;
  readonly exclusions: readonly Exclusion[];
  /** Of the last day. */
  readonly flaps: readonly Flap[];
  readonly names: Names;
  /** Null where xcp-wlb is not the pool's server. */
  readonly workloadBalancing: ConfiguredPool | null;
}

/** The newest run of a program, and the newest that did its work; null where none is remembered. */
export interface ProgramStatus {
  readonly program: string;
  readonly last: ProgramRun | null;
  readonly lastSuccess: ProgramRun | null;
}

export const showStatus: Command<null, Status> = command({
  ...bare("SHOW STATUS"),
  help: [["SHOW STATUS", "last runs, lease, pause, breaker, open migrations, age of the data"]],
  run: ({ db }) => statusOf(db),
  text: statusLines,
  json: statusJson,
});

/** Everything at once. It needs neither a collection nor a run. */
async function statusOf(db: Database): Promise<Status> {
  const stored = await loadSnapshot(db);
  const { pause, breaker, open, startedLastHour, exclusions } = await loadControlState(db);
  return {
    schemaVersion: await schemaVersion(db),
    collection:
      stored === null
        ? null
        : { collection: stored.collection, ageSeconds: stored.ageSeconds, pool: stored.snapshot.pool },
    programs: [await programStatus(db, "xcp-collect"), await programStatus(db, "xcp-control")],
    lease: await leaseStatus(db),
    pause,
    breaker,
    open,
    startedLastHour,
    exclusions,
    flaps: (await flapsWithin(db, 86_400)).toReversed(),
    names: new Names(stored?.snapshot ?? null),
    workloadBalancing: await configuredPool(db),
  };
}

async function programStatus(db: Database, program: ProgramName): Promise<ProgramStatus> {
  const [last] = await listRuns(db, program, 1);
  return { program, last: last ?? null, lastSuccess: await lastSuccess(db, program) };
}

function statusLines(status: Status): string[] {
  const { names, open, exclusions, flaps } = status;
  return [
    line("Schema", status.schemaVersion),
    ...collectionLines(status),
    ...status.programs.flatMap((program) => programLines(program, status.lease)),
    line("Lease", leaseText(status.lease)),
    line("Pause", pauseText(status.pause)),
    line("Breaker", breakerText(status.breaker)),
    ...configuredLines(status.workloadBalancing),
    line("Migrations started within the last hour", status.startedLastHour),
    line("Flaps of the last day", flaps.length),
    ...flaps.map((flap) => listEntry(names.of(flap.vm), `back on ${names.of(flap.host)}`, flapCause(flap))),
    line("Open migrations", open.length),
    ...open.map((each) =>
      listEntry(
        each.id.slice(0, 8),
        wayOf(each, names),
        each.state,
        `since ${span(each.plannedSecondsAgo, "rough")}`,
      ),
    ),
    line("Exclusions", exclusions.length),
    ...exclusions.map((each) => exclusionItem(each, names)),
  ];
}

function collectionLines({ collection: known }: Status): string[] {
  if (known === null) return [line("Collection", "none yet; xcp-collect makes one")];
  const { collection, ageSeconds, pool } = known;
  const hosts = `${plural(collection.hostsRead, "host")} read, ${collection.hostsUnread} unread, ${plural(collection.vms, "VM")} with control domains`;
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
  // Of an error of several lines the first one says what it is; JSON has them all.
  const [firstLine = ""] = (last.detail ?? "").split("\n");
  const detail = firstLine === "" ? "" : `: ${firstLine}`;
  if (last.finishedAt === null) {
    const works = last.id === lease.runId && (lease.expiresInSeconds ?? 0) > 0;
    const state = works ? "at work" : "did not say how it ended: at work, or killed";
    return [line(program, `${state}, ${started}, ${where}${detail}`), ...workedLast(program, lastSuccess)];
  }
  const took = span((last.finishedAt.getTime() - last.startedAt.getTime()) / 1000, "rough");
  const code = last.exitCode === null ? "" : `, exit code ${last.exitCode}`;
  const observes = last.mode === "observe" ? " (observe mode: moves nothing)" : "";
  const ended = `${last.outcome ?? "ended"}${code}${observes}, ${started}, took ${took}, ${where}${detail}`;
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
  const { by, sinceSecondsAgo, until, reason, cancelRunning } = pause;
  const end = until === null ? "until RESUME CONTROL" : `until ${timestamp(until)}`;
  const who = by === "" ? "" : ` by ${by}`;
  const running = cancelRunning ? ", running migrations are cancelled" : "";
  return `paused${who} ${span(sinceSecondsAgo, "rough")} ago, ${end}${running}${reason === "" ? "" : `: ${reason}`}`;
}

function breakerText({ open, trips, closesInSeconds, reason }: Status["breaker"]): string {
  const times = trips === 0 ? "" : `, opened ${plural(trips, "time")} since the last --ack`;
  if (!open) return `closed${times}`;
  return `OPEN for another ${span(closesInSeconds ?? 0, "rough")}${times}: ${reason ?? "-"}; xcp-control --ack closes it`;
}

function statusJson(status: Status): object {
  const { names, collection, programs, open, exclusions, flaps } = status;
  return {
    schemaVersion: status.schemaVersion,
    pool: collection?.pool ?? null,
    collection: collection === null ? null : { ...collection.collection, ageSeconds: collection.ageSeconds },
    programs,
    lease: status.lease,
    pause: status.pause,
    breaker: status.breaker,
    startedLastHour: status.startedLastHour,
    openMigrations: open.map((each) => migrationObject(each, names)),
    exclusions: exclusions.map((each) => exclusionObject(each, names)),
    flaps: flaps.map((flap) => flapObject(flap, names)),
    workloadBalancing: status.workloadBalancing,
  };
}
