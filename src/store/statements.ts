/** Statements that write rows by the fields of a table's list. */
import type { Table } from "./columns.ts";
import type { SqlValue, Writer } from "./connection.ts";
import { chunked } from "./tableDifference.ts";

/** What the database works out itself, such as its own clock. */
export interface Expression {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export function expression(sql: string, ...values: SqlValue[]): Expression {
  return { sql, values };
}

/** The database's clock. */
export const now: Expression = expression("UTC_TIMESTAMP(6)");

/** Values of some of a table's fields. */
export type Assigned<T> = { readonly [F in keyof T]?: T[F] | Expression };

/** Adds one row; a field that is not there gets its column's default. The number of rows added. */
export function insertRow<T>(writer: Writer, table: Table<T>, row: Assigned<T>): Promise<number> {
  const set = assigned(table, row);
  return writer.run(
    `INSERT INTO ${table.name} (${set.map(({ column }) => column).join(", ")})
     VALUES (${set.map(({ value }) => value.sql).join(", ")})`,
    set.flatMap(({ value }) => value.values),
  );
}

/** Adds whole rows, some hundred to a statement. */
export async function insertRows<T>(writer: Writer, table: Table<T>, objects: readonly T[]): Promise<void> {
  const places = `(${table.columns.map(() => "?").join(", ")})`;
  for (const chunk of chunked(objects.map(table.row))) {
    await writer.run(
      `INSERT INTO ${table.name} (${table.columns.join(", ")}) VALUES ${chunk.map(() => places).join(", ")}`,
      chunk.flat(),
    );
  }
}

/** Adds one row, or puts it in the place of the one with its key. */
export async function putRow<T>(writer: Writer, table: Table<T>, row: Assigned<T>): Promise<void> {
  const set = assigned(table, row);
  const columns = set.map(({ column }) => column);
  const keys = table.columns.slice(0, table.keys);
  const fresh = (column: string) => (writer.rowAlias ? `fresh.${column}` : `VALUES(${column})`);
  const change = columns.filter((column) => !keys.includes(column));
  await writer.run(
    `INSERT INTO ${table.name} (${columns.join(", ")})
     VALUES (${set.map(({ value }) => value.sql).join(", ")})${writer.rowAlias ? " AS fresh" : ""}
     ON DUPLICATE KEY UPDATE ${change.map((column) => `${column} = ${fresh(column)}`).join(", ")}`,
    set.flatMap(({ value }) => value.values),
  );
}

/**
 * Sets fields of the rows for which `where` holds.
 * @returns the number of rows found, changed or not.
 */
export function updateRows<T>(
  writer: Writer,
  table: Table<T>,
  row: Assigned<T>,
  where: Expression,
): Promise<number> {
  const set = assigned(table, row);
  return writer.run(
    `UPDATE ${table.name} SET ${set.map(({ column, value }) => `${column} = ${value.sql}`).join(", ")}
      WHERE ${where.sql}`,
    [...set.flatMap(({ value }) => value.values), ...where.values],
  );
}

function assigned<T>(table: Table<T>, row: Assigned<T>): { column: string; value: Expression }[] {
  return (Object.keys(row) as (keyof T)[]).map((field) => {
    const value = row[field] as T[keyof T] | Expression;
    return {
      column: table.columnOf(field),
      value: isExpression(value) ? value : expression("?", table.written(field, value)),
    };
  });
}

function isExpression(value: unknown): value is Expression {
  return typeof value === "object" && value !== null && "sql" in value;
}
