/** Whether the programs run, often enough, and what holds control back: by what they wrote into the database. */

import { statfs } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../../domain/errors.ts";
import { isSingle } from "../../domain/rule.ts";
import { unmeasuredLines } from "../../domain/unmeasured.ts";
import type { ControlSettings } from "../../settings/types.ts";
import { breakerStatus } from "../../store/breaker.ts";
import { collectionTimes, historyAge, usualInterval } from "../../store/cadence.ts";
import type { Database } from "../../store/connection.ts";
import { leaseStatus } from "../../store/lease.ts";
import { forgetRuleStatement, freeLeaseStatement } from "../../store/mending.ts";
import { pauseStatus } from "../../store/pause.ts";
import { listAddedRules, readRules, subjectsComparedByRules, subjectsOfHostRule } from "../../store/rules.ts";
import { lastSuccess, listRuns } from "../../store/runs.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { loadTableFacts } from "../../store/tableFacts.ts";
import type { ProgramRun } from "../../store/tables/ProgramRun.ts";
import { bytes, figure, plural, span } from "../../text/format.ts";
import { shorten } from "../../text/text.ts";
import { type Check, databaseOf, fileOf, type Opened, openDatabases, wholeSchema } from "../check.ts";
import { type Finding, failure, ok, warning } from "../report.ts";
import * as shell from "../shell.ts";

const needs = [openDatabases, wholeSchema];

/** The limits that control judges data by, as its own settings say; else the manager's, which should be equal. */
function limitsOf({ settings }: Opened): ControlSettings | null {
  const read = settings.get("control") ?? settings.get("manager") ?? settings.get("wlb");
  return read?.settings.control ?? null;
}

/** What has a program run again and again: its timer where there is one, a line of cron elsewhere. */
function schedule(found: Opened, program: "collect" | "control", every: string): string {
  const file = fileOf(found, program);
  const pool = /^\/etc\/xcp-balance\/([^/]+)\//.exec(path.resolve(file))?.[1];
  if (pool !== undefined) return `systemctl enable --now ${shell.word(`xcp-${program}@${pool}.timer`)}`;
  const line = `${every} ${shell.program(`xcp-${program}`, path.resolve(file), "-q")}`;
  return `(crontab -l; echo ${shell.word(line)}) | crontab -`;
}

const runsLooked = 20;

const collectSuccess: Check = {
  name: "collect-success",
  area: "schedule",
  asks: "xcp-collect has worked lately",
  needs,
  run: async (_, found) => {
    const db = databaseOf(found);
    const again = shell.program("xcp-collect", fileOf(found, "collect"));
    const [newest] = await collectionTimes(db, 1);
    const [last] = await listRuns(db, "xcp-collect", 1);
    const most = limitsOf(found)?.snapshotMaxAgeSeconds ?? 300;
    if (last?.outcome === "failed")
      return [
        failure(`its last run, ${ago(last.startedSecondsAgo)}, failed: ${detailOf(last.detail)}`, again),
      ];
    if (newest === undefined)
      return [warning("nothing was collected yet", again, schedule(found, "collect", "* * * * *"))];
    const age = newest.startedSecondsAgo;
    if (age > most)
      return [
        failure(
          `the newest collection is of ${ago(age)}; xcp-control acts on none that is older than ${most} s (ControlSnapshotMaxAgeSeconds)`,
          again,
          schedule(found, "collect", "* * * * *"),
        ),
      ];
    if (age < -1)
      return [
        warning(
          `the newest collection is of a time to come (${span(-age)}): the database's clock was set back`,
          `timedatectl set-ntp true   # on the machine of the MySQL server`,
        ),
      ];
    if (!newest.complete)
      return [
        failure(
          `the newest collection, of ${ago(age)}, is incomplete (${plural(newest.hostsUnread, "host")} unread): xcp-control does nothing`,
          `${again}   # it names what it cannot read`,
        ),
      ];
    return [ok(`the newest collection is of ${ago(age)}`)];
  },
};

function ago(seconds: number): string {
  return `${span(Math.max(0, seconds), "rough")} ago`;
}

function detailOf(detail: string | null): string {
  return shorten((detail ?? "it did not say why").replaceAll("\n", " "), 300);
}

const collectCadence: Check = {
  name: "collect-cadence",
  area: "schedule",
  asks: "xcp-collect runs often enough for xcp-control",
  needs,
  run: async (_, found) => {
    const times = await collectionTimes(databaseOf(found), runsLooked);
    const interval = usualInterval(times.map(({ startedSecondsAgo }) => startedSecondsAgo));
    if (interval === null) return [ok("too few collections yet to tell")];
    const limits = limitsOf(found);
    const most = limits?.snapshotMaxAgeSeconds ?? 300;
    const every = `every ${span(interval)}`;
    if (interval > most)
      return [
        failure(
          `${every}: no two collections are near enough to be averaged (ControlSnapshotMaxAgeSeconds is ${most}), and xcp-control finds the data too old most of the time`,
          schedule(found, "collect", "* * * * *"),
        ),
      ];
    if (interval > most / 2)
      return [
        warning(
          `${every}, and data of more than ${most} s is not acted on: one run that fails keeps xcp-control from work`,
          schedule(found, "collect", "* * * * *"),
        ),
      ];
    return [ok(`${every}; the limit is ${most} s`)];
  },
};

const controlSuccess: Check = {
  name: "control-success",
  area: "schedule",
  asks: "xcp-control has worked lately",
  needs,
  run: async (_, found) => {
    const db = databaseOf(found);
    const file = fileOf(found, "control");
    const dry = shell.program("xcp-control", file, "--dry-run");
    const [last] = await listRuns(db, "xcp-control", 1);
    if (last === undefined)
      return [warning("it has not run yet", dry, schedule(found, "control", "*/5 * * * *"))];
    const when = ago(last.startedSecondsAgo);
    if (last.outcome === "failed")
      return [failure(`its last run, ${when}, failed: ${detailOf(last.detail)}`, dry)];
    if (last.outcome === "refused" && isPassing(last)) return [ok(`${passingSaid}, ${when}`)];
    if (last.outcome === "refused")
      return [warning(`its last run, ${when}, was refused: ${detailOf(last.detail)}`, dry)];
    if (last.outcome === "partly")
      return [
        warning(
          `its last run, ${when}, was done in part: ${detailOf(last.detail)}`,
          shell.program("xcp-manager", fileOf(found, "manager"), '-e "SHOW MIGRATIONS"'),
        ),
      ];
    const worked = await lastSuccess(db, "xcp-control");
    return [
      ok(worked === null ? `its last run was ${when}` : `it did its work ${ago(worked.startedSecondsAgo)}`),
    ];
  },
};

const passingSaid = "its last run waited for the collection after a migration";

/** Refused by what control had just done itself; where that lasts the collections are too old, which has a check of its own. */
function isPassing({ gate }: Pick<ProgramRun, "gate">): boolean {
  return gate === "freshness" || gate === "settled";
}

/** Seconds without a run after which a balancer is as good as none. */
const seldomSeconds = 1800;

const controlCadence: Check = {
  name: "control-cadence",
  area: "schedule",
  asks: "xcp-control runs often enough for the rules",
  needs,
  run: async (_, found) => {
    const db = databaseOf(found);
    const runs = await listRuns(db, "xcp-control", runsLooked);
    const interval = usualInterval(runs.map(({ startedSecondsAgo }) => startedSecondsAgo));
    if (interval === null) return [ok("too few runs yet to tell")];
    const every = `every ${span(interval)}`;
    const often = schedule(found, "control", "*/5 * * * *");
    const { green } = await listAddedRules(db);
    const up = (limitsOf(found)?.green.upMinutes ?? 5) * 60;
    if (green.some(({ rule }) => rule.enabled) && interval > up)
      return [
        failure(
          `${every}: a host that is asleep is to be woken after ${up / 60} min of load (GreenUpMinutes)`,
          often,
        ),
      ];
    const [newest] = runs;
    if (
      newest !== undefined &&
      newest.startedSecondsAgo > 3 * interval &&
      newest.startedSecondsAgo > seldomSeconds
    )
      return [warning(`${every} until ${ago(newest.startedSecondsAgo)}, and not since`, often)];
    if (interval > seldomSeconds) return [warning(`${every}: hosts stay overloaded for as long`, often)];
    return [ok(every)];
  },
};

const lease: Check = {
  name: "lease",
  area: "schedule",
  asks: "no run holds the lease that is not at work any more",
  needs,
  run: async (_, found) => {
    const db = databaseOf(found);
    try {
      const { holder, takenSecondsAgo, expiresInSeconds } = await leaseStatus(db);
      const left = expiresInSeconds ?? 0;
      if (holder === null) return [ok("free")];
      if (left <= 0) return [ok(`${holder} did not give it back; the next run takes it`)];
      if (left > 3600)
        return [
          warning(
            `${holder} holds it for another ${span(left)}: the database's clock was set back`,
            shell.asAdministrator(db.name, freeLeaseStatement),
          ),
        ];
      return [ok(`held by ${holder} since ${span(takenSecondsAgo ?? 0)}`)];
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "schema") throw error;
      const [says = ""] = error.summary.split(": once no xcp-control");
      return [failure(says, shell.asAdministrator(db.name, freeLeaseStatement))];
    }
  },
};

const longPauseSeconds = 86_400;

const heldBack: Check = {
  name: "held-back",
  area: "schedule",
  asks: "neither a pause nor the breaker keeps xcp-control from work",
  needs,
  run: async (_, found) => {
    const db = databaseOf(found);
    const findings: Finding[] = [];
    const pause = await pauseStatus(db);
    if (pause !== null) {
      const end =
        pause.until === null ? "without an end" : `until ${pause.until.toISOString().slice(0, 16)} UTC`;
      const who = pause.by === "" ? "" : ` by ${pause.by}`;
      const why = pause.reason === "" ? "" : `: ${pause.reason}`;
      const says = `paused ${ago(pause.sinceSecondsAgo)}${who}, ${end}${why}`;
      const resume = shell.program("xcp-manager", fileOf(found, "manager"), '-e "RESUME CONTROL"');
      const forgotten = pause.until === null && pause.sinceSecondsAgo > longPauseSeconds;
      findings.push((forgotten ? failure : warning)(forgotten ? `${says}; forgotten?` : says, resume));
    }
    const breaker = await breakerStatus(db);
    if (breaker.open)
      findings.push(
        failure(
          `the breaker is open for another ${span(breaker.closesInSeconds ?? 0)}: ${detailOf(breaker.reason)}`,
          shell.program("xcp-manager", fileOf(found, "manager"), '-e "SHOW MIGRATIONS"'),
          `${shell.program("xcp-control", fileOf(found, "control"), "--ack")}   # when its cause is mended`,
        ),
      );
    return findings.length > 0 ? findings : [ok("no pause, and the breaker is closed")];
  },
};

const rules: Check = {
  name: "rules",
  area: "schedule",
  asks: "there are rules, and the pool tells what they compare",
  needs,
  run: async (_, found) => {
    const db = databaseOf(found);
    const manager = (command: string) =>
      shell.program("xcp-manager", fileOf(found, "manager"), `-e ${shell.word(command)}`);
    const { rules: balancing, serving, unknown } = await readRules(db);
    const { green } = await listAddedRules(db);
    const enabled =
      balancing.filter((rule) => isSingle(rule) || rule.enabled).length +
      serving.filter((rule) => rule.enabled).length +
      green.filter(({ rule }) => rule.enabled).length;
    const findings: Finding[] = unknown.map((row) =>
      failure(
        `a row of the rules is none (${row.subject}: ${row.reason}): it does nothing`,
        shell.asAdministrator(db.name, forgetRuleStatement(row.subject)),
      ),
    );
    if (enabled === 0)
      findings.push(
        warning("there is no rule: nothing will ever be moved", manager("CREATE RULE SERVE CPU")),
      );
    findings.push(...(await unmeasured(db, manager)));
    return findings.length > 0 ? findings : [ok(plural(enabled, "rule"))];
  },
};

async function unmeasured(db: Database, manager: (command: string) => string): Promise<Finding[]> {
  const snapshot = (await loadSnapshot(db))?.snapshot;
  if (snapshot === undefined) return [];
  const subjects = [...(await subjectsOfHostRule(db)), ...(await subjectsComparedByRules(db))];
  return unmeasuredLines(snapshot, subjects).map((line) =>
    warning(line.replace(/\.$/, ""), manager("SHOW SUBJECTS"), manager("SHOW RULES HOST")),
  );
}

const freeLeast = 1024 ** 3;

const history: Check = {
  name: "history",
  area: "schedule",
  asks: "the history is as old as it should be, and has room to grow",
  needs,
  run: async (_, found) => {
    const db = databaseOf(found);
    const age = await historyAge(db);
    const tables = (await loadTableFacts(db)).filter(({ name }) => historyTables.has(name));
    const size = tables.reduce((sum, table) => sum + table.bytes, 0);
    const keep = found.settings.get("collect")?.settings.collect ?? null;
    const findings: Finding[] = [];
    for (const [key, days, limit] of [
      ["HistoryHostSampleDays", age.hostSampleDays, keep?.hostSampleDays ?? null],
      ["HistorySnapshotDays", age.snapshotDays, keep?.snapshotDays ?? null],
    ] as const) {
      if (days === null || limit === null || days <= limit + 2) continue;
      findings.push(
        warning(
          `it goes back ${figure(days, 0)} days, and ${key} is ${limit}: old rows are not deleted, by clocks that differ or for want of runs`,
          shell.program("xcp-collect", fileOf(found, "collect")),
        ),
      );
    }
    const days = Math.max(age.hostSampleDays ?? 0, age.snapshotDays ?? 0);
    const free = await freeOf(found);
    const wanted = keep === null || days < 1 ? size : (size / days) * Math.max(keep.hostSampleDays, days);
    if (free !== null && (free < freeLeast || free < wanted - size))
      findings.push(
        warning(
          `the disk of MySQL has ${bytes(free)} left; the history takes ${bytes(size)} now, and about ${bytes(wanted)} when it is as old as it is kept`,
          `df -h ${shell.word(found.server?.dataFolder ?? "/var/lib/mysql")}`,
          shell.setKey(
            fileOf(found, "collect"),
            "HistorySnapshotDays",
            String(Math.max(1, Math.floor((keep?.snapshotDays ?? 7) / 2))),
          ),
        ),
      );
    if (findings.length > 0) return findings;
    const room = free === null ? "" : `; ${bytes(free)} left on the disk`;
    return [ok(`${bytes(size)} of ${figure(days, 1)} days${room}`)];
  },
};

const historyTables: ReadonlySet<string> = new Set([
  "HostSample",
  "CollectionPicture",
  "Collection",
  "ProgramRun",
  "Migration",
]);

/** Bytes that are left where the server keeps its data; null where that is another machine, or not to be seen. */
async function freeOf({ server, databases }: Opened): Promise<number | null> {
  const isHere = [...databases.values()].some((db) => /^(?:\/|127\.|localhost|\[::1\])/.test(db.server));
  if (!isHere || server === null || server.dataFolder === "") return null;
  try {
    const { bavail, bsize } = await statfs(server.dataFolder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

export const scheduleChecks: readonly Check[] = [
  collectSuccess,
  collectCadence,
  controlSuccess,
  controlCadence,
  lease,
  heldBack,
  rules,
  history,
];
