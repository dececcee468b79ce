/**
 * A table as one list: for each field of a type how it stands in its column. The compiler asks for every field, and
 * refuses a column of another type, or one that belongs to another field. Pure.
 *
 * A column is called as its field, with a capital letter, or by the name that `named` gives it.
 */
import { AppError } from "../domain/errors.ts";
import type { Row, SqlValue } from "./session.ts";

/** How values of a type stand in a column. What is no such value is read as unknown, or throws `UnreadableValue`. */
export interface ColumnType<V> {
  readonly write: (value: V) => SqlValue;
  /** `undefined` stands for a column, or a row, that is not there. */
  readonly read: (value: unknown) => V;
  /** What is selected in the column's place, under its name. */
  readonly select?: (column: string) => string;
  /** A number, or null, that is the same in the row and in the object. */
  readonly number?: true;
  /** `undefined` is read where the object shall not have the field. */
  readonly absent?: true;
}

/** A column that is not called as its field. */
export interface NamedColumn<N extends string, V> extends ColumnType<V> {
  readonly column: N;
}

export function named<const N extends string, V>(column: N, type: ColumnType<V>): NamedColumn<N, V> {
  return { ...type, column };
}

/** What is read by an expression of SQL and stands in no column. */
export interface Computed<V> {
  readonly expression: string;
  readonly read: (value: unknown) => V;
}

export function computed<V>(expression: string, type: ColumnType<V>): Computed<V> {
  return { expression, read: type.read };
}

type ColumnList<T> = { readonly [F in keyof T]-?: ColumnType<T[F]> | Computed<T[F]> };

/** Refuses fields that there are none of, and a column's name that is another field's: two cannot change places. */
type OwnColumns<T, L> = {
  readonly [F in keyof L]: F extends keyof T
    ? L[F] extends { readonly column: infer N extends string }
      ? Lowercase<N> extends Lowercase<Exclude<keyof T & string, F>>
        ? never
        : L[F]
      : L[F]
    : never;
};

/** A table's columns, the first `keys` of which are the primary key. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
  readonly keys: number;
}

export interface Table<T> extends TableShape {
  /** What follows SELECT for `read`. */
  readonly selected: string;
  /** The values in the order of `columns`. */
  readonly row: (object: T) => SqlValue[];
  /** Reads a row by its columns' names. @throws AppError "schema" that names row and column of what makes no sense. */
  readonly read: (row: Row) => T;
  /** The fields that every object has. */
  readonly present: readonly (keyof T & string)[];
  /** Reads a row into an object that has these fields already. */
  readonly fill: <O extends T>(object: O, row: Row) => O;
  readonly columnOf: (field: keyof T) => string;
  /** The value as it stands in the field's column. */
  readonly written: <F extends keyof T>(field: F, value: T[F]) => SqlValue;
  /** By column: the fields that hold the same number as the row. */
  readonly numbers: ReadonlyMap<string, keyof T>;
}

/** A value that makes no sense in its column; the message says what it should be. */
export class UnreadableValue extends Error {}

/**
 * The table `name`.
 * @param key the fields of the primary key; they stand first in `list`, in this order.
 */
export function table<T extends object, const L extends ColumnList<T> = ColumnList<T>>(
  name: string,
  key: readonly (keyof T & string)[],
  list: L & OwnColumns<T, L>,
): Table<T> {
  const fields = Object.keys(list) as (keyof T & string)[];
  if (key.some((field, at) => fields[at] !== field)) throw new Error(`${name}: its key does not stand first`);
  const stored: StoredColumn<T>[] = [];
  const read: ReadColumn<T>[] = [];
  for (const field of fields) {
    const type = (list as ColumnList<T>)[field] as ColumnType<T[keyof T]> | Computed<T[keyof T]>;
    if ("expression" in type) {
      read.push({ field, column: field, read: type.read, selected: `${type.expression} AS ${field}` });
    } else {
      const column = columnName(field, type);
      stored.push({ field, column, type });
      const selected = type.select === undefined ? column : `${type.select(column)} AS ${column}`;
      read.push({ field, column, read: type.read, selected });
    }
  }
  const storedOf = (field: keyof T): StoredColumn<T> => {
    const found = stored.find((each) => each.field === field);
    if (found === undefined) throw new Error(`${name} has no column for ${String(field)}`);
    return found;
  };
  const fill = <O extends T>(object: O, row: Row): O => {
    let at = 0;
    try {
      for (; at < read.length; at++) {
        const each = read[at] as ReadColumn<T>;
        const value = each.read(row[each.column]);
        if (value !== undefined) (object as T)[each.field] = value;
      }
    } catch (error) {
      if (!(error instanceof UnreadableValue)) throw error;
      const [column = "", key = ""] = [read[at]?.column, stored[0]?.column];
      throw unreadable(name, key, row, { column, reason: error.message });
    }
    return object;
  };
  const present = fields.filter((field) => !("absent" in (list as ColumnList<T>)[field]));
  const blank = blankOf<T>(present);
  return {
    name,
    columns: stored.map(({ column }) => column),
    keys: key.length,
    selected: read.map(({ selected }) => selected).join(", "),
    row: (object) => stored.map(({ field, type }) => type.write(object[field])),
    read: (row) => fill({ ...blank }, row),
    present,
    fill,
    columnOf: (field) => storedOf(field).column,
    written: (field, value) => storedOf(field).type.write(value),
    numbers: new Map(stored.filter(({ type }) => type.number).map(({ field, column }) => [column, field])),
  };
}

/**
 * Reads objects whose fields stand in two tables; what both hold is taken from `first`.
 * @returns a function of the two rows.
 */
export function joined<A extends object, B extends object>(
  first: Table<A>,
  second: Table<B>,
): (row: Row, other: Row) => A & B {
  const blank = blankOf<A & B>([...new Set<keyof (A & B) & string>([...first.present, ...second.present])]);
  return (row, other) => first.fill(second.fill({ ...blank }, other), row);
}

/**
 * An object with the fields, to be copied: objects that are built field by field would each have a layout of their
 * own, and whatever walks through thousands of them would be slow.
 */
function blankOf<T>(fields: readonly (keyof T & string)[]): T {
  return JSON.parse(JSON.stringify(Object.fromEntries(fields.map((field) => [field, null]))));
}

function unreadable(
  table: string,
  key: string,
  row: Row,
  { column, reason }: { readonly column: string; readonly reason: string },
): AppError {
  return new AppError(
    "data",
    `table ${table}, the row with ${key} ${String(row[key])}: its ${column} is ${reason}; correct it, or delete the row and run xcp-collect`,
  );
}

interface StoredColumn<T> {
  readonly field: keyof T;
  readonly column: string;
  readonly type: ColumnType<T[keyof T]>;
}

interface ReadColumn<T> {
  readonly field: keyof T;
  readonly column: string;
  readonly read: (value: unknown) => T[keyof T];
  readonly selected: string;
}

function columnName(field: string, type: object): string {
  if ("column" in type && typeof type.column === "string") return type.column;
  return field.charAt(0).toUpperCase() + field.slice(1);
}
