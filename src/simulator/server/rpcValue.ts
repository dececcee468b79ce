/** What a request carries, with the tag it was written with, and its conversion to what a message wants. */

import { type SimValue, simMap, valuesOfEnum, type WireType } from "../objects/datamodel.ts";
import { SimFailure } from "./failure.ts";
import { parseDate } from "./wireText.ts";

/** A value of a request. Text without a tag is a string, as xapi takes it. */
export type RpcValue =
  | { readonly kind: "string" | "datetime"; readonly text: string }
  | { readonly kind: "int"; readonly text: string }
  | { readonly kind: "float"; readonly number: number }
  | { readonly kind: "bool"; readonly bool: boolean }
  | { readonly kind: "array"; readonly items: readonly RpcValue[] }
  | { readonly kind: "struct"; readonly members: ReadonlyMap<string, RpcValue> }
  | { readonly kind: "nil" };

/** A call as it came in. */
export interface RpcCall {
  readonly method: string;
  readonly params: readonly RpcValue[];
}

/**
 * The value as a message's parameter type. Strings of digits pass as ints and ints as floats, as xapi lets
 * them; anything else of the wrong type is INTERNAL_ERROR with xapi's words.
 */
export function convert(value: RpcValue, type: WireType): SimValue {
  switch (type.kind) {
    case "string":
    case "ref":
      return value.kind === "string" ? value.text : refuse("string", value);
    case "enum":
      return convertEnum(value, type.name);
    case "int":
    case "int32":
      return convertInt(value);
    case "float":
      return convertFloat(value);
    case "bool":
      return value.kind === "bool" ? value.bool : refuse("bool", value);
    case "datetime":
      return convertDate(value);
    case "set":
      return value.kind === "array"
        ? value.items.map((item) => convert(item, type.of))
        : refuse("list", value);
    case "map":
      if (value.kind !== "struct") return refuse("dictionary", value);
      return simMap([...value.members].map(([key, item]) => [key, convert(item, type.value)]));
    case "record":
    case "void":
    case "typed":
      return refuse("a plain value", value);
  }
}

function convertEnum(value: RpcValue, name: string): SimValue {
  if (value.kind !== "string") return refuse("string", value);
  const allowed = valuesOfEnum(name);
  if (allowed.length > 0 && !allowed.includes(value.text))
    throw new SimFailure("INVALID_VALUE", [name, value.text]);
  return value.text;
}

function convertInt(value: RpcValue): SimValue {
  if (value.kind !== "int" && value.kind !== "string") return refuse("int64", value);
  if (!/^[+-]?\d+$/.test(value.text)) throw internal("Int64.of_string");
  return Number(value.text);
}

const floatText = /^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|nan|inf|infinity)$/i;

function convertFloat(value: RpcValue): SimValue {
  if (value.kind === "float") return value.number;
  if (value.kind !== "int" && value.kind !== "string") return refuse("float", value);
  if (!floatText.test(value.text)) throw internal("float_of_string");
  return parseFloatText(value.text);
}

/** The number that a `<double>` holds; NaN for what is none. */
export function parseFloatText(text: string): number {
  const trimmed = text.trim().toLowerCase();
  if (/^\+?inf(inity)?$/.test(trimmed)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/.test(trimmed)) return Number.NEGATIVE_INFINITY;
  return trimmed === "" ? Number.NaN : Number(trimmed);
}

function convertDate(value: RpcValue): SimValue {
  if (value.kind !== "datetime" && value.kind !== "string") return refuse("DateTime", value);
  const date = parseDate(value.text);
  if (date === null) throw new SimFailure("INVALID_VALUE", ["date", value.text]);
  return date;
}

function refuse(expected: string, value: RpcValue): never {
  throw internal(`Expected ${expected}, got '${describe(value)}'`);
}

function internal(text: string): SimFailure {
  return new SimFailure("INTERNAL_ERROR", [`Failure(${JSON.stringify(text)})`]);
}

/** The spelling of a value in xapi's complaints: I(3), S(x), B(true) ... */
function describe(value: RpcValue): string {
  switch (value.kind) {
    case "string":
      return `S(${value.text})`;
    case "datetime":
      return `D(${value.text})`;
    case "int":
      return `I(${value.text})`;
    case "float":
      return `F(${value.number})`;
    case "bool":
      return `B(${value.bool})`;
    case "array":
      return `[${value.items.map(describe).join(";")}]`;
    case "struct":
      return `{${[...value.members].map(([name, item]) => `${name}:${describe(item)}`).join(";")}}`;
    case "nil":
      return "N";
  }
}
