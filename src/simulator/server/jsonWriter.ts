/** Writes answers as xapi's JSON, which is not always JSON: NaN and Infinity stand bare. */

import { Damaged } from "../objects/damaged.ts";
import { classSpec, type SimMap, type SimValue, type WireType, wireType } from "../objects/datamodel.ts";
import { formatDate, formatFloat } from "./wireText.ts";

/** A value in the form that `type` travels in. */
export function valueJson(value: SimValue, type: WireType): string {
  if (value instanceof Damaged)
    return JSON.stringify(value.kind === "text" ? value.text : { value: value.text });
  switch (type.kind) {
    case "void":
      return '""';
    case "string":
    case "enum":
    case "ref":
      return JSON.stringify(String(value));
    case "int":
    case "int32":
      return String(Math.trunc(Number(value)));
    case "float":
      return floatJson(Number(value));
    case "bool":
      return value === true ? "true" : "false";
    case "datetime":
      return `"${formatDate(value as Date)}"`;
    case "set":
      return `[${(value as readonly SimValue[]).map((item) => valueJson(item, type.of)).join(",")}]`;
    case "map":
      return mapJson(value as SimMap, () => type.value);
    case "typed": {
      const typed = value as SimMap;
      return valueJson(typed["value"] ?? "", wireType(String(typed["type"])));
    }
    case "record":
      return recordJson(value as SimMap, type.cls);
  }
}

/** Texts of records that have not changed since: the same map is the same text. */
const written = new WeakMap<SimMap, string>();

function recordJson(record: SimMap, cls: string): string {
  const known = written.get(record);
  if (known !== undefined) return known;
  const { fields } = classSpec(cls);
  const text = mapJson(record, (name) => fields.get(name)?.type ?? { kind: "string" });
  written.set(record, text);
  return text;
}

function floatJson(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  const text = formatFloat(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function mapJson(map: SimMap, typeOf: (name: string) => WireType): string {
  const members = Object.keys(map).map(
    (name) => `${JSON.stringify(name)}:${valueJson(map[name] ?? "", typeOf(name))}`,
  );
  return `{${members.join(",")}}`;
}
