/**
 * The table Migration: what control means to do is committed here before the pool is asked, and closed when the end is
 * known. Every write is under the lease; whoever has lost it writes nothing more.
 */
import type { LastEnd } from "../domain/controlState.ts";
import {
  type EndState,
  type FailureClass,
  isOpen,
  type Migration,
  type MigrationCause,
  statesBefore,
  transition,
} from "../domain/migration.ts";
import { asUuid, type Uuid } from "../domain/pool.ts";
import { asSingle, parseSubject, type Rule } from "../domain/rule.ts";
import { parseRule } from "../rules/parse.ts";
import { printRule } from "../rules/print.ts";
import { breakerIn, countEnd } from "./breaker.ts";
import type { Database, Reader, Row, Writer } from "./connection.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { pauseIn } from "./pause.ts";
import { expression, insertRow, now, updateRows } from "./statements.ts";
import { migrationTable } from "./tables/Migration.ts";
import { ageSeconds, number } from "./values.ts";

/** What is to be moved, why, and the figures it was decided by. */
export interface Intent {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  readonly rule: Rule | null;
  readonly cause: MigrationCause;
  readonly reason: string;
  /** Kept as JSON. */
  readonly figures: object;
  readonly collectionId: number;
  readonly memoryBytes: number | null;
}

/** Why an intent was not taken, by the first of these that holds. */
export type Hindrance =
  | { readonly kind: "lease" }
  | { readonly kind: "paused"; readonly by: string; readonly reason: string }
  | { readonly kind: "breaker"; readonly reason: string; readonly closesInSeconds: number }
  | { readonly kind: "hour"; readonly count: number }
  /** A migration of the VM is open. */
  | { readonly kind: "open" }
  /** A migration of another run ended, or goes on, since the collection began. */
  | { readonly kind: "stale" };

/**
 * Commits the intent to move a VM: the only way to a call that moves it. All conditions are read in the transaction
 * that writes the row, with the lease's row locked.
 * @returns the row's id, or why there is none.
 */
export async function planMigration(
  db: Database,
  leaseToken: LeaseToken,
  intent: Intent,
  maxPerHour: number,
): Promise<{ readonly id: string } | Hindrance> {
  const id = crypto.randomUUID();
  return db.write<{ readonly id: string } | Hindrance>(
    async (writer) => {
      const hindrance = await hindranceOf(writer, leaseToken, intent, maxPerHour);
      if (hindrance !== null) return hindrance;
      await insertIntent(writer, id, leaseToken, intent);
      return { id };
    },
    { verify: async (reader) => ((await migrationOf(reader, id)) === null ? null : { id }) },
  );
}

async function hindranceOf(
  writer: Writer,
  leaseToken: LeaseToken,
  { vm, collectionId }: Intent,
  maxPerHour: number,
): Promise<Hindrance | null> {
  if (!(await holdsLease(writer, leaseToken))) return { kind: "lease" };
  const pause = await pauseIn(writer);
  if (pause !== null) return { kind: "paused", by: pause.by, reason: pause.reason };
  const breaker = await breakerIn(writer);
  if (breaker.open) {
    const { reason, closesInSeconds } = breaker;
    return { kind: "breaker", reason: reason ?? "", closesInSeconds: closesInSeconds ?? 0 };
  }
  const count = await startedLastHour(writer);
  if (count >= maxPerHour) return { kind: "hour", count };
  const [open] = await writer.rows("SELECT Id FROM Migration WHERE OpenVm = ?", [vm]);
  if (open !== undefined) return { kind: "open" };
  const [fresher] = await writer.rows(
    `SELECT Id FROM Migration WHERE RunId <> ? AND (OpenVm IS NOT NULL OR ${movedSomething} AND CollectionsAtEnd >= ?)
      LIMIT 1`,
    [leaseToken.runId, collectionId],
  );
  return fresher === undefined ? null : { kind: "stale" };
}

/** Ends after which older snapshots of the pool are not to be trusted. */
const movedSomething = "State IN ('succeeded', 'failed', 'cancelled', 'lost', 'overtaken')";

async function insertIntent(
  writer: Writer,
  id: string,
  leaseToken: LeaseToken,
  intent: Intent,
): Promise<void> {
  const single = intent.rule === null ? null : asSingle(intent.rule);
  await insertRow(writer, migrationTable, {
    id,
    runId: leaseToken.runId,
    token: leaseToken.token,
    vm: intent.vm,
    openVm: intent.vm,
    source: intent.source,
    destination: intent.destination,
    subject: single?.subject ?? null,
    threshold: single?.threshold ?? null,
    rule: intent.rule === null || single !== null ? null : printRule(intent.rule),
    reason: intent.reason,
    figures: JSON.stringify(intent.figures),
    collectionId: intent.collectionId,
    state: "planned",
    plannedAt: now,
    memoryBytes: intent.memoryBytes,
    cause: intent.cause,
  });
}

/** Records that the pool took the request, with its task; false when the lease or the row is not ours any more. */
export async function markSubmitted(
  db: Database,
  leaseToken: LeaseToken,
  id: string,
  taskRef: string,
): Promise<boolean> {
  const running = transition("planned", "running");
  return db.write(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return false;
      const changed = await updateRows(
        writer,
        migrationTable,
        { state: running, submittedAt: now, taskRef: taskRef.slice(0, 255) },
        expression("Id = ? AND Token = ? AND State = 'planned'", id, leaseToken.token),
      );
      return changed === 1;
    },
    { verify: async (reader) => (await migrationOf(reader, id))?.state === running },
  );
}

/** Makes an open row of an earlier run ours; false when the lease or the row is not there any more. */
export async function adoptMigration(db: Database, leaseToken: LeaseToken, id: string): Promise<boolean> {
  return db.write(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return false;
      const open = expression("Id = ? AND OpenVm IS NOT NULL", id);
      return (await updateRows(writer, migrationTable, { token: leaseToken.token }, open)) === 1;
    },
    { verify: async (reader) => (await migrationOf(reader, id)) !== null },
  );
}

export interface End {
  readonly state: EndState;
  /** Why, where it did not succeed; or what is not known about a success. */
  readonly error: string | null;
  /** Null where nobody saw it end. */
  readonly seconds: number | null;
  /** What its failure says of; left out where it did not fail, or nobody knows. */
  readonly failure?: FailureClass | null;
}

/** What closing came to: not ours any more, closed, or closed and so many failures that the breaker opened. */
export type Closing = "lease lost" | "closed" | "breaker opened";

/** Closes a row, and counts its end for the breaker. */
export async function closeMigration(
  db: Database,
  leaseToken: LeaseToken,
  id: string,
  end: End,
): Promise<Closing> {
  return db.write<Closing>(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return "lease lost";
      const before = statesBefore(end.state);
      const closed = await updateRows(
        writer,
        migrationTable,
        {
          state: end.state,
          openVm: null,
          finishedAt: now,
          error: end.error,
          seconds: end.seconds,
          failure: end.failure ?? null,
          collectionsAtEnd: expression("(SELECT StartedId FROM CollectionHead WHERE Id = 1)"),
        },
        expression(
          `Id = ? AND Token = ? AND State IN (${before.map(() => "?").join(", ")})`,
          id,
          leaseToken.token,
          ...before,
        ),
      );
      if (closed !== 1) return "lease lost";
      return (await countEnd(writer, end.state)) ? "breaker opened" : "closed";
    },
    {
      verify: async (reader) => {
        const found = await migrationOf(reader, id);
        if (found === null || isOpen(found.state)) return null;
        return (await breakerIn(reader)).open ? "breaker opened" : "closed";
      },
    },
  );
}

/** Migrations that no run has closed, oldest first. */
export async function openMigrations(db: Database): Promise<readonly Migration[]> {
  return db.read(openMigrationsIn);
}

/** The same inside a transaction. */
export async function openMigrationsIn(reader: Reader): Promise<readonly Migration[]> {
  const rows = await reader.rows(
    `SELECT ${migrationColumns} FROM Migration WHERE OpenVm IS NOT NULL ORDER BY PlannedAt, Id`,
  );
  return rows.map(migrationFrom);
}

/** The newest migrations, newest first. */
export async function listMigrations(db: Database, limit = 50): Promise<readonly Migration[]> {
  const sql = `SELECT ${migrationColumns} FROM Migration ORDER BY PlannedAt DESC, Id LIMIT ${Math.trunc(limit)}`;
  return (await db.read((reader) => reader.rows(sql))).map(migrationFrom);
}

/** Migrations that were planned within the last `seconds`, oldest first, inside a transaction. */
export async function recentMigrationsIn(reader: Reader, seconds: number): Promise<readonly Migration[]> {
  const rows = await reader.rows(
    `SELECT ${migrationColumns} FROM Migration
      WHERE PlannedAt > TIMESTAMPADD(SECOND, -${Math.ceil(seconds)}, UTC_TIMESTAMP(6)) ORDER BY PlannedAt, Id`,
  );
  return rows.map(migrationFrom);
}

/** When a migration that may have moved something ended last; null where none is known. */
export async function lastEndIn(reader: Reader): Promise<LastEnd | null> {
  const [row] = await reader.rows(
    `SELECT CollectionsAtEnd, ${ageSeconds("FinishedAt")} AS age FROM Migration
      WHERE ${movedSomething} AND CollectionsAtEnd IS NOT NULL ORDER BY CollectionsAtEnd DESC, FinishedAt DESC LIMIT 1`,
  );
  if (row === undefined) return null;
  return { collectionsAtEnd: Number(row["CollectionsAtEnd"]), secondsAgo: number(row["age"]) ?? 0 };
}

/**
 * VMs that control moved and that the stored collection saw on their new host for the first time: its measures, and
 * those of both hosts, still tell of the time before.
 */
export async function unsettledIn(reader: Reader): Promise<readonly Uuid[]> {
  const rows = await reader.rows(
    `SELECT DISTINCT VmArrival.VmUuid AS vm FROM VmArrival JOIN Migration
         ON Migration.VmUuid = VmArrival.VmUuid AND Migration.DestinationUuid = VmArrival.HostUuid
      WHERE State = 'succeeded' AND FinishedAt > TIMESTAMPADD(HOUR, -1, UTC_TIMESTAMP(6)) ORDER BY vm`,
  );
  return rows.map((row) => asUuid(String(row["vm"])));
}

/** Migrations that were started, or meant to be, within the last hour; those that empty hosts to sleep do not count. */
export async function startedLastHour(reader: Reader): Promise<number> {
  const [row] = await reader.rows(
    `SELECT COUNT(*) AS started FROM Migration
      WHERE State <> 'refused' AND COALESCE(Cause, 'rules') <> 'green'
        AND PlannedAt > TIMESTAMPADD(HOUR, -1, UTC_TIMESTAMP(6))`,
  );
  return Number(row?.["started"]);
}

/** The columns that `migrationFrom` wants. */
export const migrationColumns: string = migrationTable.selected;

async function migrationOf(reader: Reader, id: string): Promise<Migration | null> {
  const [row] = await reader.rows(`SELECT ${migrationColumns} FROM Migration WHERE Id = ?`, [id]);
  return row === undefined ? null : migrationFrom(row);
}

/** A row of the log of migrations as the domain knows it. */
export function migrationFrom(row: Row): Migration {
  const { token: _token, openVm: _open, subject, threshold, figures: _, ...read } = migrationTable.read(row);
  return { ...read, rule: ruleFrom(read.rule, subject, threshold) };
}

function ruleFrom(written: string | null, single: string | null, threshold: number | null): Rule | null {
  if (written !== null) {
    const rule = parseRule(written);
    return "kind" in rule ? null : rule;
  }
  const subject = parseSubject(single ?? "");
  return subject === null || threshold === null ? null : { subject, threshold };
}
