/** Reads what a report of a pool is drawn from. Read only; the history is added up by the server. */
import { AppError } from "../../domain/errors.ts";
import { gateNameOf } from "../../domain/gate.ts";
import { placedGuests, type StoredSnapshot } from "../../domain/pool.ts";
import type { ReportFacts, RuleChangeFact, RunGroup } from "../../report/facts.ts";
import { drawnSubjects, limitSteps } from "../../report/thresholds.ts";
import type { ControlSettings } from "../../settings/types.ts";
import { Names } from "../../text/names.ts";
import { addedRulesIn } from "../addedRules.ts";
import { sinceEpoch } from "../columnTypes.ts";
import type { Database, Reader } from "../connection.ts";
import { eventsIn, hostPowerOf } from "../hostPower.ts";
import { observedSince } from "../observed.ts";
import { readRules } from "../rules.ts";
import { loadSnapshot } from "../snapshot.ts";
import { ruleHistoryTable } from "../tables/RuleHistory.ts";
import { number } from "../values.ts";
import { loadAssessment } from "./decisionInput.ts";
import { loadsIn, slicesIn, sqlSeconds } from "./reportLoads.ts";
import { migrationsBetween, shiftsBetween } from "./reportMigrations.ts";
import { vmsBetween } from "./reportVms.ts";

const day = 86_400;

/** A host may have slept for long: its shutdown lies before the span. */
const sleepLookback = 400 * day;

/** Changes that a page lists at most. */
const mostChanges = 500;

/** Groups of runs that are read at most. */
const mostRunGroups = 200;

/**
 * The facts of the last `seconds` of the pool that was collected last.
 * @throws AppError "not-found" before the first collection.
 */
export async function loadReportFacts(
  db: Database,
  control: ControlSettings,
  seconds: number,
): Promise<ReportFacts> {
  const assessment = await loadAssessment(db, control, null);
  const { stored } = assessment;
  if (stored === null) {
    throw new AppError("not-found", "Nothing has been collected yet. Run xcp-collect first.");
  }
  const { rules } = await readRules(db);
  const to = await db.read(now);
  const { snapshot } = stored;
  const askedFrom = to - seconds;
  const from = await db.read((reader) => beginOf(reader, snapshot.pool.uuid, askedFrom, to));
  const newest = (await loadSnapshot(db))?.snapshot ?? snapshot;
  const read = await db.read(async (reader) => {
    const changes = await changesSince(reader, askedFrom);
    const slices = await slicesIn(reader, snapshot.pool.uuid, from, to);
    const limits = new Map(
      drawnSubjects(rules, changes).map((subject) => [
        subject,
        limitSteps(subject, { from, to }, rules, changes),
      ]),
    );
    const added = await addedRulesIn(reader);
    const { migrations, counts } = await migrationsBetween(reader, from, to);
    const events = await eventsIn(reader, sleepLookback);
    return {
      slices: slices.map(({ ids: _, ...slice }) => slice),
      loads: await loadsIn(reader, slices, limits),
      rules,
      greenRules: added.green.map(({ rule }) => rule),
      serveRules: added.serving.map(({ rule }) => rule),
      ruleChanges: changes,
      migrations,
      migrationCounts: counts,
      shifts: await shiftsBetween(reader, from, to),
      asleep: hostPowerOf(events),
      powerTroubles: events.filter(({ at, kind }) => at >= from && (kind === "failed" || kind === "refused")),
      greenBytes: await greenBytesBetween(reader, from, to),
      runs: await runsBetween(reader, askedFrom, to),
    };
  });
  return {
    ...counts(stored),
    ...read,
    from,
    to,
    askedFrom,
    names: new Names(snapshot),
    watts: control.green,
    observed: await observedSince(db, new Date(from * 1000)),
    ...(await vmsBetween(db, newest, from, to)),
    closed: assessment.blocked ?? assessment.gate,
  };
}

function counts({ snapshot }: StoredSnapshot): Pick<ReportFacts, "pool" | "hostCount" | "runningVms"> {
  return {
    pool: { uuid: snapshot.pool.uuid, name: snapshot.pool.name },
    hostCount: snapshot.hosts.length,
    runningVms: placedGuests(snapshot),
  };
}

/** The shortest time that pictures are drawn of. */
const shortest = 600;

/** The time that was asked for, or the first collection where the history begins later: before it there is nothing to draw. */
async function beginOf(reader: Reader, poolUuid: string, askedFrom: number, to: number): Promise<number> {
  const [row = []] = await reader.tuples(
    `SELECT ${sinceEpoch("MIN(StartedAt)")} FROM Collection WHERE StartedAt >= ? AND PoolUuid = ?`,
    [sqlSeconds(askedFrom), poolUuid],
  );
  const [older] = await reader.tuples(
    "SELECT Id FROM Collection WHERE StartedAt < ? AND PoolUuid = ? LIMIT 1",
    [sqlSeconds(askedFrom), poolUuid],
  );
  const first = number(row[0]);
  if (older !== undefined || first === null) return askedFrom;
  return Math.max(askedFrom, Math.min(Math.floor(first), to - shortest));
}

async function now(reader: Reader): Promise<number> {
  const [row = []] = await reader.tuples(`SELECT ${sinceEpoch("UTC_TIMESTAMP(6)")}`);
  return Math.ceil(number(row[0]) ?? 0);
}

/** Newest first. */
async function changesSince(reader: Reader, from: number): Promise<readonly RuleChangeFact[]> {
  const rows = await reader.rows(
    `SELECT ${ruleHistoryTable.selected} FROM RuleHistory WHERE ChangedAt >= ? ORDER BY Id DESC LIMIT ${mostChanges}`,
    [sqlSeconds(from)],
  );
  return rows.map((row) => {
    const { at, by, action, kind, before, after } = ruleHistoryTable.read(row);
    return { at: at.getTime() / 1000, by, action, kind, before, after };
  });
}

async function greenBytesBetween(reader: Reader, from: number, to: number): Promise<number> {
  const [row = []] = await reader.tuples(
    `SELECT COALESCE(SUM(MemoryBytes), 0) FROM Migration
      WHERE Cause = 'green' AND State = 'succeeded' AND FinishedAt >= ? AND FinishedAt < ?`,
    [sqlSeconds(from), sqlSeconds(to)],
  );
  return number(row[0]) ?? 0;
}

/**
 * The runs of control by how they ended: refused ones by the gate, which stands first in what they said, others by what
 * they said; what went well is one group each.
 */
async function runsBetween(reader: Reader, from: number, to: number): Promise<readonly RunGroup[]> {
  const rows = await reader.rows(
    `SELECT outcome, what, COUNT(*) AS count_, ${sinceEpoch("MIN(StartedAt)")} AS first_, ${sinceEpoch("MAX(StartedAt)")} AS last_,
            SUBSTRING(MAX(CONCAT(StartedAt, Detail)), 27, 600) AS example
       FROM (
         SELECT COALESCE(Outcome, 'killed, or not ended yet') AS outcome, StartedAt, COALESCE(Detail, '') AS Detail,
                CASE WHEN Outcome IN ('done', 'nothing', 'passed') THEN ''
                     WHEN Gate IS NOT NULL THEN CONCAT('gate ', Gate)
                     WHEN Outcome = 'refused' AND Detail LIKE 'refused: %: %'
                     THEN SUBSTRING_INDEX(SUBSTRING_INDEX(Detail, ': ', 2), ': ', -1)
                     ELSE LEFT(COALESCE(Detail, ''), 80) END AS what
           FROM ProgramRun WHERE Program = 'xcp-control' AND StartedAt >= ? AND StartedAt < ?
       ) AS each_
      GROUP BY outcome, what ORDER BY count_ DESC LIMIT ${mostRunGroups}`,
    [sqlSeconds(from), sqlSeconds(to)],
  );
  return rows.map((row) => ({
    outcome: String(row["outcome"]),
    what: whatOf(String(row["what"])),
    example: String(row["example"] ?? ""),
    count: Number(row["count_"]),
    first: Number(row["first_"]),
    last: Number(row["last_"]),
  }));
}

/** A gate by its name; runs of earlier versions have no code. */
function whatOf(what: string): string {
  const code = /^gate (\w+)$/.exec(what)?.[1];
  return code === undefined ? what : (gateNameOf(code) ?? code);
}
