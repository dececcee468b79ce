/** Writes answers as XML-RPC, byte for byte in xapi's way: bare strings, ints as text, one line. */

import { Damaged } from "../objects/damaged.ts";
import { classSpec, type SimMap, type SimValue, type WireType, wireType } from "../objects/datamodel.ts";
import type { SimFailure } from "./failure.ts";
import { formatDate, formatFloat } from "./wireText.ts";

/**
 * "new": since XenServer 6.2. "old": before; no XML declaration, empty elements written short, NaN for every
 * number that is none, and faults.
 */
export type XmlDialect = "old" | "new";

const declaration = '<?xml version="1.0"?>';
const params = "<methodResponse><params><param>";
const heads: Readonly<Record<XmlDialect, string>> = { new: `${declaration}${params}`, old: params };
const tail = "</param></params></methodResponse>";

/** The answer to a call that went well. */
export function successXml(value: SimValue, type: WireType, dialect: XmlDialect = "new"): string {
  return `${heads[dialect]}${envelope("Success", "Value", valueXml(value, type, dialect))}${tail}`;
}

/** The answer to a call that failed. */
export function failureXml(failure: SimFailure, dialect: XmlDialect = "new"): string {
  const description = setXml([failure.code, ...failure.params], { kind: "string" }, dialect);
  return `${heads[dialect]}${envelope("Failure", "ErrorDescription", description)}${tail}`;
}

/** The one answer without Status and Value: system.listMethods. */
export function bareXml(value: SimValue, type: WireType, dialect: XmlDialect = "new"): string {
  return `${heads[dialect]}${valueXml(value, type, dialect)}${tail}`;
}

/** A fault, as only the old dialect has them: 0 for what has no Async form, 1 for what is no XML. */
export function faultXml(code: 0 | 1, text: string): string {
  const members = `${member("faultCode", `<value><i4>${code}</i4></value>`)}${member("faultString", textXml(text, "old"))}`;
  return `<methodResponse><fault><value><struct>${members}</struct></value></fault></methodResponse>`;
}

function envelope(status: string, name: string, value: string): string {
  return `<value><struct><member><name>Status</name><value>${status}</value></member>${member(name, value)}</struct></value>`;
}

function member(name: string, value: string): string {
  return `<member><name>${name}</name>${value}</member>`;
}

/** Texts of records that have not changed since: the same map is the same text. */
const written: Readonly<Record<XmlDialect, WeakMap<SimMap, string>>> = {
  old: new WeakMap(),
  new: new WeakMap(),
};

/** One `<value>` in the form that `type` travels in. */
export function valueXml(value: SimValue, type: WireType, dialect: XmlDialect = "new"): string {
  if (value instanceof Damaged)
    return value.kind === "text"
      ? textXml(value.text, dialect)
      : `<value>${element("struct", member("value", textXml(value.text, dialect)), dialect)}</value>`;
  switch (type.kind) {
    case "void":
      return textXml("", dialect);
    case "string":
    case "enum":
    case "ref":
      return textXml(String(value), dialect);
    case "int":
      return `<value>${Math.trunc(Number(value))}</value>`;
    case "int32":
      return `<value><i4>${Math.trunc(Number(value))}</i4></value>`;
    case "float":
      return `<value><double>${floatText(Number(value), dialect)}</double></value>`;
    case "bool":
      return `<value><boolean>${value === true ? 1 : 0}</boolean></value>`;
    case "datetime":
      return `<value><dateTime.iso8601>${formatDate(value as Date)}</dateTime.iso8601></value>`;
    case "set":
      return setXml(value as readonly SimValue[], type.of, dialect);
    case "map":
      return mapXml(value as SimMap, () => type.value, dialect);
    case "typed": {
      const typed = value as SimMap;
      return valueXml(typed["value"] ?? "", wireType(String(typed["type"])), dialect);
    }
    case "record":
      return recordXml(value as SimMap, type.cls, dialect);
  }
}

function textXml(text: string, dialect: XmlDialect): string {
  return text === "" && dialect === "old" ? "<value/>" : `<value>${escapeXml(text)}</value>`;
}

function floatText(value: number, dialect: XmlDialect): string {
  return dialect === "old" && !Number.isFinite(value) ? "NaN" : formatFloat(value);
}

function recordXml(record: SimMap, cls: string, dialect: XmlDialect): string {
  const known = written[dialect].get(record);
  if (known !== undefined) return known;
  const { fields } = classSpec(cls);
  const text = flat(mapXml(record, (name) => fields.get(name)?.type ?? { kind: "string" }, dialect));
  written[dialect].set(record, text);
  return text;
}

/** The same text in one piece: the engine keeps what was put together as a tree of thousands of parts. */
function flat(text: string): string {
  Number(text);
  return text;
}

function setXml(values: readonly SimValue[], of: WireType, dialect: XmlDialect): string {
  let items = "";
  for (const value of values) items += valueXml(value, of, dialect);
  return `<value><array>${element("data", items, dialect)}</array></value>`;
}

function mapXml(map: SimMap, typeOf: (name: string) => WireType, dialect: XmlDialect): string {
  let members = "";
  for (const name of Object.keys(map)) {
    members += member(escapeXml(name), valueXml(map[name] ?? "", typeOf(name), dialect));
  }
  return `<value>${element("struct", members, dialect)}</value>`;
}

function element(name: string, content: string, dialect: XmlDialect): string {
  return content === "" && dialect === "old" ? `<${name}/>` : `<${name}>${content}</${name}>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: xapi drops them, so must we
const special = /[&<>"\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/** Escapes the four characters xapi escapes and drops the control characters it drops. */
export function escapeXml(text: string): string {
  return text.replace(special, (found) => entities[found] ?? "");
}
