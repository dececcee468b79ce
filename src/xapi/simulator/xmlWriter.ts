/** Writes answers as XML-RPC, byte for byte in xapi's way: bare strings, ints as text, one line. */

import { classSpec, type SimMap, type SimValue, type WireType, wireType } from "./datamodel.ts";
import type { SimFailure } from "./failure.ts";
import { formatDate, formatFloat } from "./wireText.ts";

const head = '<?xml version="1.0"?><methodResponse><params><param>';
const tail = "</param></params></methodResponse>";

/** The answer to a call that went well. */
export function successXml(value: SimValue, type: WireType): string {
  return `${head}${envelope("Success", "Value", valueXml(value, type))}${tail}`;
}

/** The answer to a call that failed. */
export function failureXml(failure: SimFailure): string {
  const description = setXml([failure.code, ...failure.params], { kind: "string" });
  return `${head}${envelope("Failure", "ErrorDescription", description)}${tail}`;
}

/** The one answer without Status and Value: system.listMethods. */
export function bareXml(value: SimValue, type: WireType): string {
  return `${head}${valueXml(value, type)}${tail}`;
}

function envelope(status: string, name: string, value: string): string {
  return `<value><struct><member><name>Status</name><value>${status}</value></member>${member(name, value)}</struct></value>`;
}

function member(name: string, value: string): string {
  return `<member><name>${name}</name>${value}</member>`;
}

/** One `<value>` in the form that `type` travels in. */
export function valueXml(value: SimValue, type: WireType): string {
  switch (type.kind) {
    case "void":
      return "<value></value>";
    case "string":
    case "enum":
    case "ref":
      return `<value>${escapeXml(String(value))}</value>`;
    case "int":
      return `<value>${Math.trunc(Number(value))}</value>`;
    case "int32":
      return `<value><i4>${Math.trunc(Number(value))}</i4></value>`;
    case "float":
      return `<value><double>${formatFloat(Number(value))}</double></value>`;
    case "bool":
      return `<value><boolean>${value === true ? 1 : 0}</boolean></value>`;
    case "datetime":
      return `<value><dateTime.iso8601>${formatDate(value as Date)}</dateTime.iso8601></value>`;
    case "set":
      return setXml(value as readonly SimValue[], type.of);
    case "map":
      return mapXml(value as SimMap, () => type.value);
    case "typed": {
      const typed = value as SimMap;
      return valueXml(typed["value"] ?? "", wireType(String(typed["type"])));
    }
    case "record": {
      const { fields } = classSpec(type.cls);
      return mapXml(value as SimMap, (name) => fields.get(name)?.type ?? { kind: "string" });
    }
  }
}

function setXml(values: readonly SimValue[], of: WireType): string {
  let items = "";
  for (const value of values) items += valueXml(value, of);
  return `<value><array><data>${items}</data></array></value>`;
}

function mapXml(map: SimMap, typeOf: (name: string) => WireType): string {
  let members = "";
  for (const name of Object.keys(map)) {
    members += member(escapeXml(name), valueXml(map[name] ?? "", typeOf(name)));
  }
  return `<value><struct>${members}</struct></value>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: xapi drops them, so must we
const special = /[&<>"\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/** Escapes the four characters xapi escapes and drops the control characters it drops. */
export function escapeXml(text: string): string {
  return text.replace(special, (found) => entities[found] ?? "");
}
