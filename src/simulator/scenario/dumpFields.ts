/** Fields of a pool database as values: what is damaged is left out where the pool can do without it. Pure. */
import { AppError } from "../../domain/errors.ts";
import { fieldSpec, type SimValue, simMap, valuesOfEnum, type WireType } from "../objects/datamodel.ts";
import { type DumpRow, type DumpTables, readSexpr, type Sexpr } from "./dumpXml.ts";

/** One sentence for whoever started the simulator. */
export type Notify = (notice: string) => void;

/** Scalars without which a VM or a host would be another one; every uuid and every ref is needed beside them. */
const needed = new Set(
  [
    "VM.power_state VM.is_a_template VM.is_a_snapshot VM.is_control_domain",
    "VM.memory_static_max VM.memory_dynamic_max VM.memory_dynamic_min VM.VCPUs_max",
    "host.enabled PBD.currently_attached SR.shared",
  ]
    .join(" ")
    .split(" "),
);

/** Reads fields, and remembers what could not be read until all has been. */
export class FieldReader {
  readonly #leftOut: string[] = [];
  readonly #missing: string[] = [];

  /** The value of a field; null where the row has none, or none that could be read. */
  read(cls: string, row: DumpRow, name: string): SimValue {
    const { type } = fieldSpec(cls, name);
    const text = row.fields.get(name);
    const damage = row.damaged.get(name);
    if (text === undefined && damage === undefined) return null;
    try {
      if (text === undefined) throw new Error(damage);
      return readValue(type, text);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const isNeeded = name === "uuid" || type.kind === "ref" || needed.has(`${cls}.${name}`);
      const list = isNeeded ? this.#missing : this.#leftOut;
      list.push(`table ${cls}, row ${nameOfRow(row)}: field ${name}: ${words}`);
      return null;
    }
  }

  /** Tells of what was left out; throws AppError where something was that no pool can do without. */
  finish(notify: Notify): void {
    for (const line of atMost(this.#leftOut, 20)) notify(`${line}; left out`);
    if (this.#missing.length === 0) return;
    const lines = atMost(this.#missing, 20).join("\n");
    throw new AppError(
      "usage",
      `${lines}\na pool cannot do without these: mend them in the file, or dump the pool again`,
    );
  }
}

function atMost(lines: readonly string[], most: number): string[] {
  const rest = lines.length - most;
  return rest > 0 ? [...lines.slice(0, most), `and ${rest} more fields`] : [...lines];
}

/** Its ref, and its name where it has one. */
export function nameOfRow(row: DumpRow): string {
  const ref = row.fields.get("_ref") ?? row.fields.get("ref") ?? "without a ref";
  const name = row.fields.get("name_label") ?? "";
  return name === "" ? ref : `${ref} (${name.slice(0, 60)})`;
}

/** Throws AppError where two rows of a table have one ref or one uuid, naming both. */
export function refuseDoubles(tables: DumpTables): void {
  const problems: string[] = [];
  for (const [table, rows] of tables) {
    for (const field of ["ref", "uuid"]) {
      const seen = new Map<string, DumpRow>();
      for (const row of rows) {
        const value = row.fields.get(field) ?? "";
        const other = seen.get(value);
        if (value !== "" && other !== undefined)
          problems.push(
            `table ${table}: ${nameOfRow(other)} and ${nameOfRow(row)} have one ${field}, ${value}`,
          );
        seen.set(value, row);
      }
    }
  }
  if (problems.length === 0) return;
  const lines = atMost(problems, 20).join("\n");
  throw new AppError("usage", `${lines}\nno pool is like that: mend the file, or dump the pool again`);
}

function readValue(type: WireType, text: string): SimValue {
  switch (type.kind) {
    case "int":
    case "int32":
      return readMatching(/^-?\d+$/, text, "a whole number", Number);
    case "float":
      return readMatching(/^-?(\d|\.\d|nan|inf)/i, text, "a number", readFloat);
    case "bool":
      return readMatching(/^(true|false)$/, text, "true or false", (word) => word === "true");
    case "datetime":
      return readDate(text);
    case "enum":
      return readEnum(type.name, text);
    case "set": {
      const items = readSexpr(text);
      if (typeof items === "string") throw new Error(`is no list: ${quoted(text)}`);
      return items.map((item) => (typeof item === "string" ? readItem(type.of, item) : JSON.stringify(item)));
    }
    case "map":
      return simMap(
        pairsOf(readSexpr(text)).map(([key, value]) => [key, readItem(type.value, value)] as const),
      );
    default:
      return text;
  }
}

/** Members may have values that a later xapi invented. */
function readItem(type: WireType, text: string): SimValue {
  return type.kind === "enum" ? text : readValue(type, text);
}

function readMatching<T>(pattern: RegExp, text: string, what: string, convert: (text: string) => T): T {
  if (!pattern.test(text)) throw new Error(`is not ${what}: ${quoted(text)}`);
  return convert(text);
}

function readFloat(text: string): number {
  const word = text.toLowerCase();
  if (word.endsWith("inf")) return word.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

/** An unknown value is damage only where the simulator acts on it: a later xapi has more of most. */
function readEnum(name: string, text: string): SimValue {
  if (name !== "vm_power_state" || valuesOfEnum(name).includes(text)) return text;
  throw new Error(`is none of ${valuesOfEnum(name).join(", ")}: ${quoted(text)}`);
}

function readDate(text: string): Date {
  if (text === "") return new Date(0);
  const match = /^(\d{4})-?(\d{2})-?(\d{2})T(\d{2}):?(\d{2}):?(\d{2})(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (match === null) throw new Error(`is no date: ${quoted(text)}`);
  const [year = 0, month = 1, ...rest] = match.slice(1, 7).map(Number);
  return new Date(Date.UTC(year, month - 1, ...(rest as [number, number, number, number])));
}

/** The pairs of `(('k' 'v') ...)`; throws where it is something else. */
export function pairsOf(value: Sexpr): [string, string][] {
  if (typeof value === "string") throw new Error(`is no map: ${quoted(value)}`);
  return value.map((item): [string, string] => {
    if (typeof item === "string" || item.length !== 2)
      throw new Error(`has no pair of key and value in ${quoted(JSON.stringify(item))}`);
    return [String(item[0]), String(item[1])];
  });
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
