/** The messages that every class has: records, lists, getters and setters, all from the datamodel. */

import { parseWhere } from "../behaviour/where.ts";
import type { MessageCall, MessageDefinition } from "../objects/contract.ts";
import type { ObjectDatabase } from "../objects/database.ts";
import {
  type ClassSpec,
  classes,
  emptyMap,
  type FieldSpec,
  type SimMap,
  type SimValue,
  simMap,
} from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";

type Messages = Map<string, MessageDefinition>;
type GenericHandle = MessageDefinition["handle"];

/** xapi's classes that once were: every message of theirs answers MESSAGE_REMOVED, yet they are listed. */
const removedClasses = ["VMPP", "VIF_metrics", "VBD_metrics"];
const removedNames =
  "get_record get_by_uuid get_uuid get_all get_all_where get_all_records_where get_all_records";
/** Classes that have neither getters of their fields nor get_all_where. */
const recordsOnly = new Set(["message"]);
/** Maps that are written as a whole only. */
const wholeMaps = new Set([
  "host.license_params",
  "Observer.attributes",
  "PBD.device_config",
  "VM.bios_strings",
]);
/** XAPI finds a pool by its uuid only. */
const namedButNotSought = new Set(["pool"]);

/** All generic messages over `db`, by their full names. */
export function genericMessages(db: ObjectDatabase): ReadonlyMap<string, MessageDefinition> {
  const messages: Messages = new Map();
  for (const spec of classes.values()) {
    if (!spec.stored || !db.visible.hasClass(spec.name)) continue;
    addLookups(messages, db, spec);
    if (spec.enumerable) addLists(messages, db, spec);
    if (recordsOnly.has(spec.name)) continue;
    for (const field of spec.fields.values())
      if (db.visible.hasField(field)) addField(messages, db, spec.name, field);
  }
  addRemoved(messages, db);
  return messages;
}

/** Classes of the past: refused today, empty while they were there. */
function addRemoved(messages: Messages, db: ObjectDatabase): void {
  for (const cls of removedClasses) {
    for (const name of removedNames.split(" ")) {
      messages.set(
        `${cls}.${name}`,
        db.visible.keepsRemoved ? emptyOf(name) : message([], "void", () => refuseRemoved()),
      );
    }
  }
}

function emptyOf(name: string): MessageDefinition {
  if (name.startsWith("get_all_records")) return message([], "map:string:string", () => emptyMap);
  if (name.startsWith("get_all")) return message([], "set:string", () => []);
  return message([], "void", () => {
    throw new SimFailure("HANDLE_INVALID");
  });
}

function message(
  params: readonly string[],
  result: string,
  handle: GenericHandle,
  async = false,
): MessageDefinition {
  return { params, minArgs: params.length, async, result, handle };
}

function refuseRemoved(): never {
  throw new SimFailure("MESSAGE_REMOVED");
}

function addLookups(messages: Messages, db: ObjectDatabase, { name, fields }: ClassSpec): void {
  const self = `ref:${name}`;
  messages.set(
    `${name}.get_record`,
    message([self], `record:${name}`, ({ args }) => db.record(name, textAt(args, 0))),
  );
  messages.set(
    `${name}.get_by_uuid`,
    message(["string"], self, ({ args }) => db.byUuid(name, textAt(args, 0))),
  );
  if (!fields.has("name_label") || namedButNotSought.has(name)) return;
  const byName: GenericHandle = ({ args }) =>
    db.all(name).filter((ref) => db.get(name, ref, "name_label") === args[0]);
  messages.set(`${name}.get_by_name_label`, message(["string"], `set:${self}`, byName));
}

function addLists(messages: Messages, db: ObjectDatabase, { name }: ClassSpec): void {
  const refs = `set:ref:${name}`;
  const records = `map:ref:${name}:record:${name}`;
  const matching = ({ args }: MessageCall): (readonly [string, SimMap])[] => {
    const fits = parseWhere(name, textAt(args, 0));
    return allRecords(db, name).filter(([, record]) => fits(record));
  };
  messages.set(
    `${name}.get_all`,
    message([], refs, () => db.all(name)),
  );
  messages.set(
    `${name}.get_all_records`,
    message([], records, () => simMap(allRecords(db, name))),
  );
  messages.set(
    `${name}.get_all_records_where`,
    message(["string"], records, (call) => simMap(matching(call))),
  );
  if (recordsOnly.has(name)) return;
  messages.set(
    `${name}.get_all_where`,
    message(["string"], refs, (call) => matching(call).map(([ref]) => ref)),
  );
}

function allRecords(db: ObjectDatabase, cls: string): (readonly [string, SimMap])[] {
  return db.all(cls).map((ref) => [ref, db.record(cls, ref)] as const);
}

function addField(messages: Messages, db: ObjectDatabase, cls: string, field: FieldSpec): void {
  const self = `ref:${cls}`;
  const getter: GenericHandle = ({ args }) =>
    field.removed && !db.visible.keepsRemoved ? refuseRemoved() : db.get(cls, textAt(args, 0), field.name);
  messages.set(`${cls}.get_${field.name}`, message([self], field.wire, getter));
  if (field.access === "RO") return;
  const async = field.access === "RA";
  const add = (name: string, params: string[], handle: GenericHandle) =>
    messages.set(`${cls}.${name}`, message([self, ...params], "void", handle, async));
  const write = (ref: string, value: SimValue): SimValue => {
    db.set(cls, ref, field.name, value);
    return "";
  };
  add(`set_${field.name}`, [field.wire], ({ args }) => write(textAt(args, 0), args[1] ?? ""));
  if (field.type.kind === "map" && !wholeMaps.has(`${cls}.${field.name}`))
    addMapFields(add, db, cls, field, write);
  if (field.type.kind === "set" && field.access === "RW") addSetFields(add, db, cls, field, write);
}

type Add = (name: string, params: string[], handle: GenericHandle) => void;
type Write = (ref: string, value: SimValue) => SimValue;

function addMapFields(add: Add, db: ObjectDatabase, cls: string, field: FieldSpec, write: Write): void {
  const [, key = "string", ...value] = field.wire.split(":");
  const simpleKey = key === "enum" ? `enum:${value.shift()}` : key;
  add(`add_to_${field.name}`, [simpleKey, value.join(":")], ({ args }) => {
    const ref = textAt(args, 0);
    const name = String(args[1]);
    const map = db.map(cls, ref, field.name);
    if (Object.hasOwn(map, name)) throw new SimFailure("MAP_DUPLICATE_KEY", [cls, field.name, ref, name]);
    return write(ref, simMap([...Object.entries(map), [name, args[2] ?? ""]]));
  });
  add(`remove_from_${field.name}`, [simpleKey], ({ args }) => {
    const ref = textAt(args, 0);
    const kept = Object.entries(db.map(cls, ref, field.name)).filter(([name]) => name !== String(args[1]));
    return write(ref, simMap(kept));
  });
}

function addSetFields(add: Add, db: ObjectDatabase, cls: string, field: FieldSpec, write: Write): void {
  const member = field.wire.slice("set:".length);
  add(`add_${field.name}`, [member], ({ args }) => {
    const ref = textAt(args, 0);
    const held = db.get(cls, ref, field.name) as readonly SimValue[];
    return write(ref, held.includes(args[1] ?? "") ? held : [...held, args[1] ?? ""]);
  });
  add(`remove_${field.name}`, [member], ({ args }) => {
    const ref = textAt(args, 0);
    const held = db.get(cls, ref, field.name) as readonly SimValue[];
    return write(
      ref,
      held.filter((item) => item !== args[1]),
    );
  });
}

/** The text argument at `index`. */
export function textAt(args: readonly SimValue[], index: number): string {
  return String(args[index] ?? "");
}
