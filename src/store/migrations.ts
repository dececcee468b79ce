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
  parseFailureClass,
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
import { ageSeconds, dateOrNull, number, textOrNull } from "./values.ts";

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

/** Ends after which older pictures of the pool are not to be trusted. */
const movedSomething = "State IN ('succeeded', 'failed', 'cancelled', 'lost', 'overtaken')";

async function insertIntent(
  writer: Writer,
  id: string,
  leaseToken: LeaseToken,
  intent: Intent,
): Promise<void> {
  const single = intent.rule === null ? null : asSingle(intent.rule);
  await writer.run(
    `INSERT INTO Migration (Id, RunId, Token, VmUuid, OpenVm, SourceUuid, DestinationUuid, Subject, Threshold, Rule,
                            Reason, Figures, CollectionId, State, PlannedAt, MemoryBytes, Cause)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', UTC_TIMESTAMP(6), ?, ?)`,
    [
      id,
      leaseToken.runId,
      leaseToken.token,
      intent.vm,
      intent.vm,
      intent.source,
      intent.destination,
      single?.subject ?? null,
      single?.threshold ?? null,
      intent.rule === null || single !== null ? null : printRule(intent.rule),
      intent.reason,
      JSON.stringify(intent.figures),
      intent.collectionId,
      intent.memoryBytes,
      intent.cause,
    ],
  );
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
      const changed = await writer.run(
        `UPDATE Migration SET State = ?, SubmittedAt = UTC_TIMESTAMP(6), TaskRef = ?
          WHERE Id = ? AND Token = ? AND State = 'planned'`,
        [running, taskRef.slice(0, 255), id, leaseToken.token],
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
      const sql = "UPDATE Migration SET Token = ? WHERE Id = ? AND OpenVm IS NOT NULL";
      return (await writer.run(sql, [leaseToken.token, id])) === 1;
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
      const closed = await writer.run(
        `UPDATE Migration SET State = ?, OpenVm = NULL, FinishedAt = UTC_TIMESTAMP(6), Error = ?, Seconds = ?, FailureClass = ?,
                CollectionsAtEnd = (SELECT StartedId FROM CollectionHead WHERE Id = 1)
          WHERE Id = ? AND Token = ? AND State IN (${statesBefore(end.state)
            .map((state) => `'${state}'`)
            .join(", ")})`,
        [end.state, end.error, end.seconds, end.failure ?? null, id, leaseToken.token],
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
export const migrationColumns: string = `Id, RunId, VmUuid, SourceUuid, DestinationUuid, Subject, Threshold, Rule, Reason,
  CollectionId, State, PlannedAt, SubmittedAt, FinishedAt, TaskRef, MemoryBytes, Cause, Seconds, Error, FailureClass,
  CollectionsAtEnd,
  ${ageSeconds("PlannedAt")} AS plannedAge,
  ${ageSeconds("FinishedAt")} AS finishedAge`;

async function migrationOf(reader: Reader, id: string): Promise<Migration | null> {
  const [row] = await reader.rows(`SELECT ${migrationColumns} FROM Migration WHERE Id = ?`, [id]);
  return row === undefined ? null : migrationFrom(row);
}

function causeFrom(value: unknown): MigrationCause {
  return value === "evacuation" || value === "green" ? value : "rules";
}

/** A row of the log of migrations as the domain knows it. */
export function migrationFrom(row: Row): Migration {
  return {
    id: String(row["Id"]),
    runId: String(row["RunId"]),
    vm: asUuid(String(row["VmUuid"])),
    source: asUuid(String(row["SourceUuid"])),
    destination: asUuid(String(row["DestinationUuid"])),
    rule: ruleFrom(row),
    cause: causeFrom(row["Cause"]),
    reason: textOrNull(row["Reason"]) ?? "",
    collectionId: Number(row["CollectionId"]),
    state: row["State"] as Migration["state"],
    plannedAt: dateOrNull(row["PlannedAt"]) ?? new Date(Number.NaN),
    submittedAt: dateOrNull(row["SubmittedAt"]),
    finishedAt: dateOrNull(row["FinishedAt"]),
    taskRef: textOrNull(row["TaskRef"]),
    memoryBytes: number(row["MemoryBytes"]),
    seconds: number(row["Seconds"]),
    error: textOrNull(row["Error"]),
    failure: parseFailureClass(textOrNull(row["FailureClass"])),
    collectionsAtEnd: number(row["CollectionsAtEnd"]),
    plannedSecondsAgo: number(row["plannedAge"]) ?? 0,
    finishedSecondsAgo: number(row["finishedAge"]),
  };
}

function ruleFrom(row: Row): Rule | null {
  const written = textOrNull(row["Rule"]);
  if (written !== null) {
    const rule = parseRule(written);
    return "kind" in rule ? null : rule;
  }
  const subject = parseSubject(textOrNull(row["Subject"]) ?? "");
  const threshold = number(row["Threshold"]);
  return subject === null || threshold === null ? null : { subject, threshold };
}
