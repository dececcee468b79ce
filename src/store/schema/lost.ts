/** Tables and columns that a database of a version should have and has not: finding them, and making them again. */
import { AppError } from "../../domain/errors.ts";
import type { Session } from "../session.ts";
import { rowAgain, type SingleRowTable } from "../singleRows.ts";
import { snapshotTables } from "../snapshotRows.ts";
import {
  type ExpectedColumn,
  type ExpectedTable,
  type ExpectedView,
  expectedTables,
  expectedViews,
} from "./expected.ts";
import type { SchemaFile } from "./files.ts";

export const ledger = "SchemaVersion";

/** A table that is gone, or columns of one that is there. */
export interface Lost {
  readonly table: ExpectedTable;
  /** Null where the whole table is gone. */
  readonly columns: readonly ExpectedColumn[] | null;
}

/** The names: "Exclusion", or "Host.Ip" for a column. */
export function namesOf(lost: readonly Lost[]): readonly string[] {
  return lost.flatMap(({ table, columns }) =>
    columns === null ? [table.name] : columns.map(({ name }) => `${table.name}.${name}`),
  );
}

export type RowReader = Pick<Session, "rows">;

/** What there is, in small letters: the columns of each table that the account may see. */
export async function presentColumns(
  reader: RowReader,
  database: string,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  const rows = await reader.rows(
    `SELECT LOWER(TABLE_NAME) AS tableName, LOWER(COLUMN_NAME) AS columnName FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ?`,
    [database],
  );
  for (const row of rows) {
    const table = String(row["tableName"]);
    const columns = found.get(table) ?? new Set();
    found.set(table, columns.add(String(row["columnName"])));
  }
  return found;
}

/** What of the tables of `files` is not there. What the account may not see is not called lost. */
export async function lostOf(
  reader: RowReader,
  present: ReadonlyMap<string, ReadonlySet<string>>,
  files: readonly SchemaFile[],
): Promise<readonly Lost[]> {
  const lost: Lost[] = [];
  for (const table of expectedTables(files)) {
    const columns = present.get(table.name.toLowerCase());
    if (columns === undefined) {
      if (await isMissing(reader, `SELECT 1 FROM ${table.name} LIMIT 0`)) lost.push({ table, columns: null });
      continue;
    }
    const missing: ExpectedColumn[] = [];
    for (const column of table.columns) {
      if (columns.has(column.name.toLowerCase())) continue;
      const probe = `SELECT ${column.name} FROM ${table.name} LIMIT 0`;
      if (await isMissing(reader, probe)) missing.push(column);
    }
    if (missing.length > 0) lost.push({ table, columns: missing });
  }
  return lost;
}

/**
 * Views of `files` that are gone, or that work no more: a view needs the account that made it, which may be gone. Those that
 * only miss what `tables` names as lost work again with it.
 */
export async function lostViews(
  reader: RowReader,
  files: readonly SchemaFile[],
  tables: readonly Lost[],
): Promise<readonly ExpectedView[]> {
  const lost: ExpectedView[] = [];
  for (const view of expectedViews(files)) {
    if (await isLost(reader, view, tables.length > 0)) lost.push(view);
  }
  return lost;
}

async function isLost(reader: RowReader, { name }: ExpectedView, tablesAreLost: boolean): Promise<boolean> {
  try {
    return await isMissing(reader, `SELECT 1 FROM ${name} LIMIT 0`);
  } catch (error) {
    const number = error instanceof Error && "errno" in error ? error.errno : undefined;
    if (number === makerGone) return true;
    if (number === refersToNothing) return !tablesAreLost;
    throw error;
  }
}

/** The account that made it is gone; what it refers to is gone, or not that account's to read any more. */
const makerGone = 1449;
const refersToNothing = 1356;

/** No such table, no such column. */
const missingNumbers: ReadonlySet<unknown> = new Set([1146, 1054]);

async function isMissing(reader: RowReader, probe: string): Promise<boolean> {
  try {
    await reader.rows(probe);
    return false;
  } catch (error) {
    const number = error instanceof Error && "errno" in error ? error.errno : undefined;
    if (missingNumbers.has(number)) return true;
    // Not visible, and not to be read either.
    if (number === 1142 || number === 1143) return false;
    throw error;
  }
}

/**
 * The version of a database whose ledger is gone: that of the newest file of which something is there; 0 where that is
 * no more than the thesis' statements make.
 */
export function versionByTables(
  present: ReadonlyMap<string, ReadonlySet<string>>,
  files: readonly SchemaFile[],
): number {
  const found = expectedTables(files).flatMap(({ name, versions }) => {
    const columns = present.get(name.toLowerCase());
    return [...versions].flatMap(([column, version]) =>
      columns?.has(column.toLowerCase()) ? [version] : [],
    );
  });
  const newest = Math.max(0, ...found);
  // The second file widens columns of the first, and makes none.
  return newest <= 2 ? 0 : newest;
}

/**
 * Makes what is lost again, empty. A snapshot that is no longer whole is not acted upon until the next collection.
 * @throws AppError "schema" where a column was part of a key: the key is gone with it, and is made with the table only.
 */
export async function makeAgain(session: Session, lost: readonly Lost[]): Promise<void> {
  for (const { table, columns } of lost) {
    const key = columns?.find((column) => column.key);
    if (key !== undefined) throw keyLost(table.name, key.name);
  }
  await session.command("SET SESSION foreign_key_checks = 0");
  try {
    for (const { table, columns } of lost) {
      if (columns === null) await again(session, table.statements);
      else for (const column of columns) await again(session, addColumn(table, column));
    }
  } finally {
    await session.command("SET SESSION foreign_key_checks = 1");
  }
  for (const { table, columns } of lost) if (columns === null) await goOnFrom(session, table.name);
  const snapshot = new Set(snapshotTables.map(({ name }) => name));
  if (lost.some(({ table }) => snapshot.has(table.name))) {
    await session.run("UPDATE CollectionHead SET StoredId = 0 WHERE Id = 1");
  }
}

function keyLost(table: string, column: string): AppError {
  return new AppError(
    "schema",
    `column ${column} of table ${table} is gone, and a key with it: put the table back from a backup, or let it be made again without its rows: DROP TABLE ${table}, then \`xcp-manager schema install\``,
  );
}

/** Makes views again, in the right of whoever runs this. */
export async function makeViewsAgain(session: Session, views: readonly ExpectedView[]): Promise<void> {
  for (const { statement } of views) await session.command(statement);
}

/** Another installer may be at the same work. */
const doneNumbers: ReadonlySet<unknown> = new Set([1005, 1022, 1050, 1060, 1061, 1826]);

async function again(session: Session, statements: readonly string[]): Promise<void> {
  for (const statement of statements) {
    try {
      await session.command(statement);
    } catch (error) {
      if (!(error instanceof Error && "errno" in error && doneNumbers.has(error.errno))) throw error;
    }
  }
}

/** The column in its place; rows that are there get a value that stands for nothing. */
function addColumn(table: ExpectedTable, { name, definition }: ExpectedColumn): readonly string[] {
  const before = table.columns[table.columns.findIndex((column) => column.name === name) - 1];
  const place = before === undefined ? "FIRST" : `AFTER ${before.name}`;
  const add = (how: string) => `ALTER TABLE ${table.name} ADD COLUMN ${name} ${how} ${place}`;
  // A time that is not NULL has no such value of its own.
  if (!/^DATETIME.*NOT NULL/i.test(definition)) return [add(definition)];
  return [
    add(`${definition} DEFAULT '1970-01-01 00:00:00'`),
    `ALTER TABLE ${table.name} ALTER COLUMN ${name} DROP DEFAULT`,
  ];
}

/** Numbers that were given must not be given again. */
async function goOnFrom(session: Session, table: string): Promise<void> {
  if (!Object.hasOwn(rowAgain, table)) return;
  await session.run(`DELETE FROM ${table}`);
  await session.run(rowAgain[table as SingleRowTable]);
}
