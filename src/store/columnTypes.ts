/** The types of columns: how a domain value becomes one that SQL can hold, and back. Pure. */
import { asUuid, type Uuid } from "../domain/pool.ts";
import { type ColumnType, UnreadableValue } from "./columns.ts";
import { dateOrNull, flag as isSet, number, textOrNull } from "./values.ts";

export const flag: ColumnType<boolean> = { write: (value) => (value ? 1 : 0), read: isSet };

/** A whole number that an INT can hold; what it cannot hold is unknown, not cut. */
export const int: ColumnType<number | null> = {
  write: (value) => {
    if (value === null || !Number.isFinite(value)) return null;
    const rounded = Math.round(value);
    return rounded < -(2 ** 31) || rounded >= 2 ** 31 ? null : rounded + 0;
  },
  read: number,
  number: true,
};

/** A whole number of up to 2^53, such as bytes; what is beyond is unknown. */
export const bigInt: ColumnType<number | null> = {
  write: (value) => (value === null || !Number.isSafeInteger(value) ? null : value + 0),
  read: number,
  number: true,
};

export const double: ColumnType<number | null> = {
  write: (value) => (value === null || !Number.isFinite(value) ? null : value + 0),
  read: number,
  number: true,
};

/** A number of any column, as it is. */
export const optionalNumber: ColumnType<number | null> = { write: (value) => value, read: number };

/** A number of a column that is NOT NULL; 0 where the row was never written. */
export const count: ColumnType<number> = { write: (value) => value, read: (value) => number(value) ?? 0 };

export const text: ColumnType<string> = { write: (value) => value, read: (value) => textOrNull(value) ?? "" };

export const optionalText: ColumnType<string | null> = { write: (value) => value, read: textOrNull };

/** XAPI's short words have no limit of their own; the columns hold 255 characters. */
export const shortText: ColumnType<string> = {
  write: (value) => (value.length <= 255 ? value : [...value].slice(0, 255).join("")),
  read: text.read,
};

export const optionalShortText: ColumnType<string | null> = {
  write: (value) => (value === null ? null : shortText.write(value)),
  read: textOrNull,
};

export const uuid: ColumnType<Uuid> = { write: (value) => value, read: (value) => asUuid(text.read(value)) };

export const optionalUuid: ColumnType<Uuid | null> = {
  write: (value) => value,
  read: (value) => (typeof value === "string" ? asUuid(value) : null),
};

export const bytes: ColumnType<Uint8Array> = {
  write: (value) => value,
  read: (value) => (value instanceof Uint8Array ? value : new Uint8Array()),
};

/** A JSON list of texts. */
export const textList: ColumnType<readonly string[]> = {
  write: (value) => JSON.stringify(value),
  read: (value) => {
    // A column that was lost and made again holds "".
    if (typeof value !== "string" || value === "") return [];
    const list = parsed(value);
    if (!Array.isArray(list)) throw new UnreadableValue("no JSON list of texts");
    return list.filter((entry) => typeof entry === "string");
  },
};

export const optionalTextList: ColumnType<readonly string[] | null> = {
  write: (value) => (value === null ? null : textList.write(value)),
  read: (value) => (typeof value === "string" ? textList.read(value) : null),
};

/** A field that an object need not have: NULL where it has not. */
export function ifPresent<V>(type: ColumnType<V | null>): ColumnType<V | undefined> {
  return {
    write: (value) => type.write(value ?? null),
    read: (value) => type.read(value) ?? undefined,
    absent: true,
  };
}

/** A moment by the database's clock, which the database itself writes. */
export const date: ColumnType<Date> = {
  write: sqlTime,
  read: (value) => dateOrNull(value) ?? new Date(Number.NaN),
};

export const optionalDate: ColumnType<Date | null> = {
  write: (value) => (value === null ? null : sqlTime(value)),
  read: dateOrNull,
};

/** A moment as seconds since 1970; 0 where it is none. */
export const epoch: ColumnType<number> = {
  write: (seconds) => sqlTime(new Date(Math.round((Number.isFinite(seconds) ? seconds : 0) * 1000))),
  read: (value) => number(value) ?? 0,
  select: sinceEpoch,
};

export const optionalEpoch: ColumnType<number | null> = {
  write: (seconds) => (seconds === null ? null : epoch.write(seconds)),
  read: number,
  select: sinceEpoch,
};

/** SQL for the seconds since 1970 of a moment, to a microsecond. */
export function sinceEpoch(moment: string): string {
  return `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${moment}) / 1e6`;
}

/** A value of the domain that the programs themselves wrote, as JSON; null where none was. */
export function json<V extends object>(): ColumnType<V | null> {
  return {
    write: (value) => (value === null ? null : JSON.stringify(value)),
    read: (value) => {
      if (typeof value !== "string") return null;
      const found = parsed(value);
      if (typeof found !== "object" || found === null) throw new UnreadableValue("no JSON object");
      return found as V;
    },
  };
}

/** A word that a later version may know more of: it is kept as it came. */
export function openWord<W extends string>(): ColumnType<W> {
  return { write: (value) => value, read: (value) => String(value) as W };
}

/** A column that holds the same in every row. */
export function constant<const V extends string | number>(value: V): ColumnType<V> {
  return { write: () => value, read: () => value };
}

/** One of a few words; `otherwise` where something else stands there. */
export function word<const W extends string>(words: readonly W[], otherwise: NoInfer<W>): ColumnType<W> {
  return { write: (value) => value, read: (value) => words.find((each) => each === value) ?? otherwise };
}

/** The moment as SQL writes it, in UTC to the millisecond. */
export function sqlTime(time: Date): string {
  return time.toISOString().replace("T", " ").replace("Z", "");
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}
