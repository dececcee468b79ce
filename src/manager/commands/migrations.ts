/** SHOW MIGRATIONS and SHOW MIGRATION: what xcp-control did. Read only. */

import { AppError } from "../../domain/errors.ts";
import type { Migration } from "../../domain/migration.ts";
import { conditionText } from "../../rules/print.ts";
import type { Database } from "../../store/connection.ts";
import { findMigrations, type MigrationRecord } from "../../store/migrationRecord.ts";
import { listMigrations } from "../../store/migrations.ts";
import { figure } from "../../text/format.ts";
import type { Names } from "../../text/names.ts";
import { namesIn } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { readCount } from "../forms.ts";
import { inMegabytes, line, listEntry, timestamp } from "../layout.ts";
import { migrationObject, rateOf, wayOf } from "../migrationText.ts";
import { type ShownTable, tableOf } from "../table.ts";
import { problem, quote, type TextProblem } from "../words.ts";

/** Newest first. */
export interface Migrations {
  readonly migrations: readonly Migration[];
  readonly names: Names;
}

export interface MigrationFound {
  readonly found: MigrationRecord;
  readonly names: Names;
}

export const showMigrations: Command<number, Migrations> = command({
  words: "SHOW MIGRATIONS",
  usage: "SHOW MIGRATIONS [N]",
  help: [["SHOW MIGRATIONS [N]", "the newest migrations of xcp-control (20, or N)"], "SHOW MIGRATIONS 100"],
  read: (rest) => readCount(rest, "migrations"),
  run: async ({ db }, count) => ({
    migrations: await listMigrations(db, count),
    names: await namesIn(db),
  }),
  text: ({ migrations, names }) => migrations.map((each) => migrationItem(each, names)),
  json: ({ migrations, names }) => migrations.map((each) => migrationObject(each, names)),
  table: migrationTable,
  hints: ({ migrations }) => (migrations.length === 0 ? ["xcp-control has migrated nothing yet."] : []),
});

/** What is asked for is the beginning of an id, in lower case. */
export const showMigration: Command<string, MigrationFound> = command({
  words: "SHOW MIGRATION",
  usage: "SHOW MIGRATION id",
  help: [
    ["SHOW MIGRATION id", "one of them, with the figures it was decided by; the id may be shortened"],
    "SHOW MIGRATION 5f2c81ab",
  ],
  read: readId,
  run: async ({ db }, start) => ({ found: await findOne(db, start), names: await namesIn(db) }),
  text: migrationLines,
  json: ({ found, names }) => migrationObject(found, names),
});

function migrationTable({ migrations, names }: Migrations): ShownTable {
  return tableOf(
    {
      Id: ({ id }) => id,
      Planned: ({ plannedAt }) => plannedAt,
      VM: ({ vm }) => names.of(vm),
      From: ({ source }) => names.of(source),
      To: ({ destination }) => names.of(destination),
      State: ({ state }) => state,
      Seconds: ({ seconds }) => seconds,
      "Memory MB": ({ memoryBytes }) => inMegabytes(memoryBytes),
      "MB/s": rateOf,
      Reason: ({ rule, reason }) => (rule === null ? reason : conditionText(rule)),
      Error: ({ error }) => error,
    },
    migrations,
  );
}

function readId(rest: string): string | TextProblem {
  if (rest === "") {
    return problem("SHOW MIGRATION which? Write SHOW MIGRATION id; SHOW MIGRATIONS lists them.");
  }
  if (/^[0-9a-f-]{1,36}$/i.test(rest)) return rest.toLowerCase();
  return problem(`${quote(rest)} is no id of a migration, nor the beginning of one.`);
}

/** The migration whose id begins with `start`. Throws AppError not-found or ambiguous. */
async function findOne(db: Database, start: string): Promise<MigrationRecord> {
  const found = await findMigrations(db, start);
  const [only, another] = found;
  if (only === undefined) {
    throw new AppError("not-found", `There is no migration ${quote(start)}. SHOW MIGRATIONS lists them.`);
  }
  if (another !== undefined) {
    const ids = found.map(({ id }) => id).join(", ");
    throw new AppError("ambiguous", `${quote(start)} begins several ids: ${ids}. Write more of it.`);
  }
  return only;
}

/** Id, time, VM, from -> to, state, what is known of its cost, why, and its error. */
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
    wayOf(migration, names),
    state,
    ...(cost === "" ? [] : [cost]),
    rule === null ? reason : conditionText(rule),
    ...(error === null ? [] : [error]),
  ];
  return listEntry(...parts);
}

function unit(value: string | number | null, name: string): string | null {
  return value === null ? null : `${value} ${name}`;
}

/** Everything that is known of it. */
function migrationLines({ found, names }: MigrationFound): string[] {
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
