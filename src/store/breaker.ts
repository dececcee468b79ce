/**
 * The breaker: after failed migrations nothing more is started for a while, and after a second time until somebody
 * has looked. Its row is written in the transaction that closes the migration.
 */

import type { BreakerStatus } from "../domain/controlState.ts";
import { isFailure, type MigrationState, parseState } from "../domain/migration.ts";
import { plural } from "../text/format.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { rowMissing } from "./singleRows.ts";
import { expression, now, updateRows } from "./statements.ts";
import { breakerTable } from "./tables/Breaker.ts";
import { number, textOrNull } from "./values.ts";

const ofControl = expression("Name = 'control'");

const failuresInARow = 2;
const failuresOfLast = { failures: 3, migrations: 10 };
const firstMinutes = 30;
const laterMinutes = 24 * 60;

/** The breaker as it stands. */
export async function breakerStatus(db: Database): Promise<BreakerStatus> {
  return db.read(breakerIn);
}

/** The same inside a transaction. */
export async function breakerIn(reader: Reader): Promise<BreakerStatus> {
  const [row] = await reader.rows(`SELECT ${breakerTable.selected} FROM Breaker WHERE Name = 'control'`);
  if (row === undefined) throw rowMissing("Breaker");
  const { isOpen: open, trips, openedAt, openUntil, overdueSeconds, reason } = breakerTable.read(row);
  return {
    open,
    trips,
    openedAt,
    openUntil: open ? openUntil : null,
    closesInSeconds: open ? -(overdueSeconds ?? 0) : null,
    reason,
  };
}

/** Closes the breaker by an administrator's word; false when it was closed and had counted nothing. */
export async function acknowledgeBreaker(db: Database, by: string): Promise<boolean> {
  return db.write(
    async (writer) => {
      const { open, trips } = await breakerIn(writer);
      await updateRows(
        writer,
        breakerTable,
        { trips: 0, openUntil: null, countFrom: now, acknowledgedBy: by },
        ofControl,
      );
      return open || trips > 0;
    },
    { verify: async (reader) => ((await breakerIn(reader)).open ? null : true) },
  );
}

/** Counts a migration that was just closed in `writer`'s transaction; true when that opens the breaker. */
export async function countEnd(writer: Writer, state: MigrationState): Promise<boolean> {
  if (!isFailure(state)) return false;
  const reason = assess(await lastEnds(writer));
  if (reason === null) return false;
  const trips = await recentTrips(writer);
  const minutes = trips === 0 ? firstMinutes : laterMinutes;
  await updateRows(
    writer,
    breakerTable,
    {
      trips: trips + 1,
      openedAt: now,
      countFrom: now,
      reason,
      openUntil: expression(`TIMESTAMPADD(MINUTE, ${minutes}, UTC_TIMESTAMP(6))`),
    },
    ofControl,
  );
  return true;
}

/** Trips that are not forgotten yet. */
async function recentTrips(reader: Reader): Promise<number> {
  const [row] = await reader.rows(
    `SELECT Trips FROM Breaker
      WHERE Name = 'control' AND OpenedAt > TIMESTAMPADD(MINUTE, -${laterMinutes}, UTC_TIMESTAMP(6))`,
  );
  return number(row?.["Trips"]) ?? 0;
}

interface CountedEnd {
  readonly state: MigrationState | null;
  readonly vm: string;
  readonly destination: string;
  /** Something broke on the way: the destination may be what is wrong. */
  readonly onPath: boolean;
  readonly error: string;
}

/** The ends that count, newest first: neither a pool's own checks that refuse a pair, nor what an administrator had cancelled. */
async function lastEnds(reader: Reader): Promise<readonly CountedEnd[]> {
  const rows = await reader.rows(
    `SELECT State, VmUuid, DestinationUuid, FailureClass, Error FROM Migration
      WHERE State IN ('succeeded', 'failed', 'cancelled', 'lost') AND COALESCE(FailureClass, '') NOT IN ('pair', 'stopped')
        AND FinishedAt > COALESCE((SELECT CountFrom FROM Breaker WHERE Name = 'control'), '1000-01-01')
      ORDER BY FinishedAt DESC, PlannedAt DESC LIMIT ${failuresOfLast.migrations}`,
  );
  return rows.map((row) => ({
    state: parseState(String(row["State"])),
    vm: String(row["VmUuid"]),
    destination: String(row["DestinationUuid"]),
    onPath: row["FailureClass"] === "path",
    error: textOrNull(row["Error"]) ?? "",
  }));
}

/** Why the ends open the breaker, or null. */
function assess(ends: readonly CountedEnd[]): string | null {
  const failed = ends.filter(({ state }) => state !== null && isFailure(state));
  const last = failed[0]?.error ?? "";
  const row = ends.findIndex(({ state }) => state === null || !isFailure(state));
  const inARow = row === -1 ? ends : ends.slice(0, row);
  if (suspectsOf(inARow) >= failuresInARow)
    return `${plural(inARow.length, "migration")} in a row failed, the last one: ${last}`;
  if (suspectsOf(failed) < failuresOfLast.failures) return null;
  return `${failed.length} of the last ${plural(ends.length, "migration")} failed, the last one: ${last}`;
}

/**
 * How many failures these count as. What breaks on the way of several VMs to one host counts once, for it is the host
 * that is the suspect, and so does what breaks for one VM to several hosts; the same pair counts each time.
 */
function suspectsOf(failed: readonly CountedEnd[]): number {
  const pairs = new Map<string, CountedEnd>();
  let others = 0;
  for (const end of failed) {
    const pair = `${end.vm} ${end.destination}`;
    if (!end.onPath || pairs.has(pair)) others++;
    else pairs.set(pair, end);
  }
  return others + fewestSuspects([...pairs.values()]);
}

/** The fewest VMs and hosts that explain all these failures. There are ten at most. */
function fewestSuspects(failed: readonly CountedEnd[]): number {
  const [first] = failed;
  if (first === undefined) return 0;
  const withoutVm = failed.filter(({ vm }) => vm !== first.vm);
  const withoutHost = failed.filter(({ destination }) => destination !== first.destination);
  return 1 + Math.min(fewestSuspects(withoutVm), fewestSuspects(withoutHost));
}
