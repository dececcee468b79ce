/** Reads the fields of one XAPI struct as the types they must have; whatever does not fit is an XmlError naming it. */

import type { StringMap } from "./records.ts";
import { readBoolean, readDate, readDouble, readInteger } from "./scalars.ts";
import { ownText, type SharedTexts } from "./sharedTexts.ts";
import { type XapiStruct, type XapiValue, XmlError } from "./xml.ts";

/** A ref as XAPI wrote it, or null for the null ref in any of its spellings; `own`: it in memory of its own. */
export function readRef<R extends string>(
  value: XapiValue,
  what: string,
  own: (text: string) => string = ownText,
): R | null {
  if (value === null || value === "" || value === "OpaqueRef:NULL" || value === "NULL") return null;
  if (typeof value !== "string") throw new XmlError(`${what} is no ref`);
  return own(value) as R;
}

/** The fields of one struct, each read as the type it must have. */
export class Fields {
  readonly #struct: XapiStruct;
  readonly #texts: SharedTexts;

  constructor(struct: XapiStruct, texts: SharedTexts) {
    this.#struct = struct;
    this.#texts = texts;
  }

  text(name: string, fallback?: string): string {
    const value = this.#struct.get(name) ?? fallback;
    if (typeof value === "string") return name === "uuid" ? ownText(value) : this.#texts.text(value);
    throw this.#problem(name, value, "text");
  }

  flag(name: string, fallback?: boolean): boolean {
    const value = this.#struct.get(name) ?? fallback;
    const flag = typeof value === "string" ? readBoolean(value) : value;
    if (typeof flag === "boolean") return flag;
    throw this.#problem(name, value, "true or false");
  }

  int(name: string, fallback?: number): number {
    const value = this.#struct.get(name) ?? fallback;
    if (value === undefined) throw this.#problem(name, value, "a whole number");
    return this.#whole(name, value);
  }

  /** A whole number from 0 to `most`, which is `wanted`: what is beyond is no such thing, though it is a number. */
  whole(name: string, { fallback, most, wanted }: Range): number {
    const number = this.int(name, fallback);
    if (number >= 0 && number <= most) return number;
    throw this.#problem(name, number, wanted);
  }

  /** The 36 characters by which the tables know an object. */
  uuid(name: string): string {
    const value = this.text(name);
    if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)) return value;
    throw this.#problem(name, value, "a uuid");
  }

  float(name: string, fallback?: number): number {
    const value = this.#struct.get(name) ?? fallback;
    const number = typeof value === "string" ? readDouble(value) : value;
    if (typeof number === "number") return number;
    throw this.#problem(name, value, "a number");
  }

  date(name: string): Date {
    const value = this.#struct.get(name);
    const date = typeof value === "string" ? readDate(value) : value;
    if (date instanceof Date) return date;
    throw this.#problem(name, value, "a date");
  }

  ref<R extends string>(name: string): R | null {
    return readRef(this.#struct.get(name) ?? null, name, this.#own);
  }

  /** Empty where the pool does not know the field; null refs among them are dropped. */
  refs<R extends string>(name: string): readonly R[] {
    const refs = this.#items(name)
      .map((item) => readRef<R>(item, name, this.#own))
      .filter((ref) => ref !== null);
    return this.#texts.list(name, refs) as readonly R[];
  }

  texts(name: string): readonly string[] {
    const texts = this.#items(name).map((item) => {
      if (typeof item === "string") return this.#own(item);
      throw this.#problem(name, item, "a list of texts");
    });
    return this.#texts.list(name, texts);
  }

  ints(name: string): readonly number[] {
    return this.#items(name).map((item) => this.#whole(name, item));
  }

  /** Empty where the pool does not know the field. */
  map(name: string): StringMap {
    const value = this.#struct.get(name);
    if (value === undefined) return this.#texts.map(name, new Map());
    if (!(value instanceof Map)) throw this.#problem(name, value, "a map");
    const struct: XapiStruct = value;
    const map = new Map<string, string>();
    for (const [key, item] of struct) {
      if (typeof item !== "string") throw this.#problem(name, item, "a map of texts");
      map.set(this.#own(key), this.#own(item));
    }
    return this.#texts.map(name, map);
  }

  readonly #own = (text: string): string => this.#texts.text(text);

  #items(name: string): readonly XapiValue[] {
    const value = this.#struct.get(name) ?? [];
    if (Array.isArray(value)) return value;
    throw this.#problem(name, value, "a list");
  }

  #whole(name: string, value: XapiValue): number {
    const number = typeof value === "string" ? readInteger(value) : value;
    if (typeof number === "number" && Number.isSafeInteger(number)) return number;
    throw this.#problem(name, value, "a whole number");
  }

  #problem(name: string, value: XapiValue | undefined, wanted: string): XmlError {
    return new XmlError(value === undefined ? `${name} is missing` : `${name} is not ${wanted}`);
  }
}

interface Range {
  readonly fallback: number | undefined;
  readonly most: number;
  readonly wanted: string;
}
