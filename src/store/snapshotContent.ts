/**
 * The rows of a snapshot in few bytes: whole, or as what differs from another one. Pure but for the compression.
 *
 * Values stand column by column, for neighbours in a column are alike. Nearly all measures differ between two moments
 * and nearly nothing else does, so a difference is in essence the columns of measures. Texts name their columns: a
 * column that a later program adds is missing in an older snapshot, not misread.
 */

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { AppError } from "../domain/errors.ts";
import type { Row, SqlValue } from "./session.ts";
import type { TableRows } from "./snapshotRows.ts";

/** JSON, deflated. */
export const snapshotFormat = 1;

/** A table as a snapshot has it. */
export interface TableContent {
  readonly name: string;
  readonly columns: readonly string[];
  /** How many columns from the first on are the key. */
  readonly keys: number;
  /** Sorted by key. */
  readonly rows: readonly (readonly Value[])[];
}

export type SnapshotContent = readonly TableContent[];

type Value = string | number | null;

interface WholeTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly keys: number;
  readonly count: number;
  readonly values: readonly (readonly Value[])[];
}

/** What became of a table of the base, in the base's order. */
export interface TableChange {
  /** Indices of the base's rows that are gone. */
  readonly gone: readonly number[];
  readonly fresh: readonly (readonly Value[])[];
  /** By column: all values of the rows that stayed, or some by their index among those. */
  readonly changed: readonly (readonly [
    column: number,
    at: readonly number[] | null,
    values: readonly Value[],
  ])[];
}

export function contentOf(tables: readonly TableRows[]): SnapshotContent {
  return tables.map(({ table, rows }) => ({
    name: table.name,
    columns: table.columns,
    keys: table.keys,
    rows: sortedByKey(table.keys, rows.map(withoutBytes)),
  }));
}

/** The rows of each table by column name. */
export function contentRows(content: SnapshotContent): ReadonlyMap<string, readonly Row[]> {
  return new Map(
    content.map(({ name, columns, rows }) => [
      name,
      rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at] ?? null]))),
    ]),
  );
}

export function encodeWhole(content: SnapshotContent): Uint8Array {
  const tables = content.map(
    ({ name, columns, keys, rows }): WholeTable => ({
      name,
      columns,
      keys,
      count: rows.length,
      values: columns.map((_, at) => rows.map((row) => row[at] ?? null)),
    }),
  );
  return compress(tables);
}

export function decodeWhole(bytes: Uint8Array): SnapshotContent {
  return (expand(bytes) as WholeTable[]).map(({ name, columns, keys, count, values }) => ({
    name,
    columns,
    keys,
    rows: Array.from({ length: count }, (_, row) => columns.map((_, at) => values[at]?.[row] ?? null)),
  }));
}

/** What turns `base` into `content`; null where their tables or columns are not the same. */
export function encodeDifference(base: SnapshotContent, content: SnapshotContent): Uint8Array | null {
  const shape = (one: SnapshotContent) =>
    JSON.stringify(one.map(({ name, columns, keys }) => [name, columns, keys]));
  if (shape(base) !== shape(content)) return null;
  return compress(content.map((table, index) => difference(base[index] as TableContent, table)));
}

export function decodeDifference(base: SnapshotContent, bytes: Uint8Array): SnapshotContent {
  const changes = readChanges(bytes);
  return base.map((table, index) => {
    const change = changes[index];
    return change === undefined ? table : { ...table, rows: applyChange(table, change) };
  });
}

/** The changes that `encodeDifference` wrote, in the order of the base's tables. */
export function readChanges(bytes: Uint8Array): readonly TableChange[] {
  return expand(bytes) as TableChange[];
}

/** Both are sorted by key. Of a base that is not, rows would be gone and come anew, which is the same content. */
function difference(base: TableContent, table: TableContent): TableChange {
  const gone: number[] = [];
  const fresh: (readonly Value[])[] = [];
  const before: (readonly Value[])[] = [];
  const after: (readonly Value[])[] = [];
  const keys = table.rows.map((row) => keyOf(table.keys, row));
  let next = 0;
  const freshUntil = (isReached: (key: string) => boolean): void => {
    for (; next < keys.length && !isReached(keys[next] ?? ""); next++) fresh.push(table.rows[next] ?? []);
  };
  for (const [index, row] of base.rows.entries()) {
    const key = keyOf(table.keys, row);
    freshUntil((own) => own >= key);
    const same = keys[next] === key ? table.rows[next] : undefined;
    if (same === undefined) gone.push(index);
    else {
      before.push(row);
      after.push(same);
      next++;
    }
  }
  freshUntil(() => false);
  const changed: TableChange["changed"][number][] = [];
  for (let column = table.keys; column < table.columns.length; column++) {
    const at: number[] = [];
    for (let row = 0; row < before.length; row++)
      if (before[row]?.[column] !== after[row]?.[column]) at.push(row);
    const valueAt = (row: number) => after[row]?.[column] ?? null;
    if (at.length * 2 > before.length) changed.push([column, null, after.map((row) => row[column] ?? null)]);
    else if (at.length > 0) changed.push([column, at, at.map(valueAt)]);
  }
  return { gone, fresh, changed };
}

/** The rows of a table of the base after its change. */
export function applyChange(
  table: TableContent,
  { gone, fresh, changed }: TableChange,
): readonly (readonly Value[])[] {
  const missing = new Set(gone);
  const rows = table.rows.filter((_, index) => !missing.has(index)).map((row) => [...row]);
  for (const [column, at, values] of changed) {
    for (const [index, value] of values.entries()) {
      const row = rows[at === null ? index : (at[index] ?? -1)];
      if (row !== undefined) row[column] = value;
    }
  }
  return sortedByKey(table.keys, [...rows, ...fresh]);
}

/** The same rows where they are in order already, as those that were read of tables by key mostly are. */
function sortedByKey(keys: number, rows: readonly (readonly Value[])[]): readonly (readonly Value[])[] {
  const keyed = rows.map((row) => ({ key: keyOf(keys, row), row }));
  if (keyed.every(({ key }, at) => at === 0 || (keyed[at - 1]?.key ?? "") <= key)) return rows;
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row);
}

function keyOf(keys: number, row: readonly Value[]): string {
  if (keys === 1 && row[0] !== null) return String(row[0]);
  return row.slice(0, keys).join("\0");
}

function withoutBytes(row: readonly SqlValue[]): readonly Value[] {
  if (!row.every(isPlain)) throw new Error("a snapshot's rows hold no bytes");
  return row as readonly Value[];
}

function isPlain(value: SqlValue): value is Value {
  return typeof value !== "object" || value === null;
}

function compress(value: unknown): Uint8Array {
  return deflateRawSync(JSON.stringify(value), { level: constants.Z_DEFAULT_LEVEL });
}

function expand(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(inflateRawSync(bytes).toString("utf8"));
  } catch (cause) {
    throw new AppError("data", "a row of CollectionPicture is damaged", {
      cause,
      next: "delete the rows of that table that are older than the last collection",
    });
  }
}
