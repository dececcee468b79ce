/** The pool's objects: typed fields, both ends of every relation, and a journal of what changed. */

import { Journal } from "../behaviour/journal.ts";
import { SimFailure } from "../server/failure.ts";
import {
  classSpec,
  type FieldSpec,
  fieldSpec,
  nullRef,
  type Relation,
  relations,
  type SimMap,
  type SimValue,
} from "./datamodel.ts";
import { sameValue } from "./sameValue.ts";

interface Row {
  readonly values: Map<string, SimValue>;
  /** What record() gave last, until a field changes. */
  record: SimMap | null;
}

/** Which part of the datamodel a release shows to its clients. */
export interface Visibility {
  hasClass(cls: string): boolean;
  hasField(field: FieldSpec): boolean;
  /** Whether getters that answer MESSAGE_REMOVED today still work. */
  readonly keepsRemoved: boolean;
}

const everything: Visibility = { hasClass: () => true, hasField: () => true, keepsRemoved: false };

/** Fields by name, as create takes them. */
export type Fields = Readonly<Record<string, SimValue>>;

const from = new Map<string, Relation[]>();
for (const relation of relations) from.set(relation.cls, [...(from.get(relation.cls) ?? []), relation]);

/**
 * Every object of the pool by class and ref. Reading or writing an object that is not there throws
 * HANDLE_INVALID [class, ref]; an unknown class or field is a mistake in the caller's code and throws Error.
 */
export class ObjectDatabase {
  readonly journal: Journal = new Journal();
  /** What clients see of it; the pool itself reads and writes every field. */
  readonly visible: Visibility;
  readonly #rows = new Map<string, Map<string, Row>>();
  readonly #refByUuid = new Map<string, Map<string, string>>();
  /** Who pointed at an object before it existed, by class/ref: a dump may name things in any order. */
  readonly #awaited = new Map<string, { relation: Relation; ref: string }[]>();
  readonly #newUuid: () => string;

  /** `newUuid` names what is created without a name: seeded, so that a run can be repeated. */
  constructor(newUuid: () => string, visible: Visibility = everything) {
    this.#newUuid = newUuid;
    this.visible = visible;
  }

  /** Adds an object; fields left out get the datamodel's defaults. Without `ref` and uuid it mints both. */
  create(cls: string, fields: Fields, ref?: string): string {
    const spec = classSpec(cls);
    for (const name of Object.keys(fields)) fieldSpec(cls, name);
    const own = ref ?? `OpaqueRef:${this.#newUuid()}`;
    if (this.has(cls, own)) throw new Error(`${cls} ${own} exists already`);
    const values = new Map([...spec.fields.values()].map((field) => [field.name, field.initial]));
    for (const [name, value] of Object.entries(fields)) values.set(name, value);
    if (values.get("uuid") === "") values.set("uuid", this.#newUuid());
    this.#table(cls).set(own, { values, record: null });
    this.#uuids(cls).set(String(values.get("uuid")), own);
    this.journal.begin();
    this.journal.created(cls, own);
    this.#adopt(cls, own, values);
    this.journal.end();
    return own;
  }

  /** Removes an object and its ref from the sets that listed it; its own lists' members keep pointing at it. */
  destroy(cls: string, ref: string): void {
    const row = this.#row(cls, ref);
    this.journal.begin();
    this.journal.deleted(cls, ref);
    for (const relation of from.get(cls) ?? []) {
      for (const target of refsIn(row.values.get(relation.field))) this.#unlist(relation, target, ref);
    }
    this.#table(cls).delete(ref);
    const uuid = String(row.values.get("uuid"));
    if (this.#uuids(cls).get(uuid) === ref) this.#uuids(cls).delete(uuid);
    this.journal.end();
  }

  /** One field of an object. */
  get(cls: string, ref: string, field: string): SimValue {
    fieldSpec(cls, field);
    return this.#row(cls, ref).values.get(field) ?? null;
  }

  /** A field that holds text, an enum or a ref. */
  text(cls: string, ref: string, field: string): string {
    return String(this.get(cls, ref, field));
  }

  /** A field that holds a number. */
  number(cls: string, ref: string, field: string): number {
    return Number(this.get(cls, ref, field));
  }

  /** A field that holds a set of texts or refs. */
  list(cls: string, ref: string, field: string): readonly string[] {
    const value = this.get(cls, ref, field);
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** A field that holds a map. */
  map(cls: string, ref: string, field: string): SimMap {
    return this.get(cls, ref, field) as SimMap;
  }

  /** Writes a field and the other end of its relation, as one change; writing what is there already is none. */
  set(cls: string, ref: string, field: string, value: SimValue): void {
    this.update(cls, ref, { [field]: value });
  }

  /** Writes several fields of one object as one change. */
  update(cls: string, ref: string, fields: Fields): void {
    const row = this.#row(cls, ref);
    this.journal.begin();
    for (const [field, value] of Object.entries(fields)) {
      fieldSpec(cls, field);
      const before = row.values.get(field) ?? null;
      if (sameValue(before, value)) continue;
      row.values.set(field, value);
      row.record = null;
      this.journal.modified(cls, ref);
      if (field === "uuid") this.#rename(cls, ref, String(before), String(value));
      this.#relink(cls, ref, field, before, value);
    }
    this.journal.end();
  }

  /**
   * Every visible field of an object, in the order of the datamodel. The same map until the object changes,
   * so that a writer may remember its text.
   */
  record(cls: string, ref: string): SimMap {
    const row = this.#row(cls, ref);
    if (row.record !== null) return row.record;
    const { fields } = classSpec(cls);
    const record: Record<string, SimValue> = Object.create(null);
    for (const [name, value] of row.values) {
      const field = fields.get(name);
      if (field !== undefined && this.visible.hasField(field)) record[name] = value;
    }
    row.record = record;
    return record;
  }

  /** The refs of a class, oldest first. */
  all(cls: string): readonly string[] {
    return [...this.#table(cls).keys()];
  }

  count(cls: string): number {
    return this.#table(cls).size;
  }

  has(cls: string, ref: string): boolean {
    return this.#table(cls).has(ref);
  }

  /** The object with this uuid; UUID_INVALID [class, uuid] when there is none. */
  byUuid(cls: string, uuid: string): string {
    const ref = this.#uuids(cls).get(uuid);
    if (ref === undefined) throw new SimFailure("UUID_INVALID", [cls, uuid]);
    return ref;
  }

  #table(cls: string): Map<string, Row> {
    return mapOf(this.#rows, classSpec(cls).name);
  }

  #uuids(cls: string): Map<string, string> {
    return mapOf(this.#refByUuid, cls);
  }

  #row(cls: string, ref: string): Row {
    const row = this.#table(cls).get(ref);
    if (row === undefined) throw new SimFailure("HANDLE_INVALID", [cls, ref]);
    return row;
  }

  #rename(cls: string, ref: string, before: string, after: string): void {
    this.#uuids(cls).delete(before);
    this.#uuids(cls).set(after, ref);
  }

  /** Lists a new object with those it points at, and lists in it those that pointed at it beforehand. */
  #adopt(cls: string, ref: string, values: ReadonlyMap<string, SimValue>): void {
    for (const relation of from.get(cls) ?? []) {
      for (const target of refsIn(values.get(relation.field))) this.#list(relation, target, ref);
    }
    const awaited = this.#awaited.get(`${cls}/${ref}`) ?? [];
    this.#awaited.delete(`${cls}/${ref}`);
    for (const { relation, ref: other } of awaited) {
      const row = this.#table(relation.cls).get(other);
      if (refsIn(row?.values.get(relation.field)).includes(ref)) this.#list(relation, ref, other);
    }
  }

  #relink(cls: string, ref: string, field: string, before: SimValue, after: SimValue): void {
    for (const relation of from.get(cls) ?? []) {
      if (relation.field !== field) continue;
      const kept = new Set(refsIn(after));
      const had = new Set(refsIn(before));
      for (const target of had) if (!kept.has(target)) this.#unlist(relation, target, ref);
      for (const target of kept) if (!had.has(target)) this.#list(relation, target, ref);
    }
  }

  #list(relation: Relation, target: string, ref: string): void {
    const row = this.#table(relation.target).get(target);
    if (row === undefined) {
      const key = `${relation.target}/${target}`;
      this.#awaited.set(key, [...(this.#awaited.get(key) ?? []), { relation, ref }]);
      return;
    }
    const members = refsIn(row.values.get(relation.inverse));
    if (members.includes(ref)) return;
    row.values.set(relation.inverse, [...members, ref]);
    row.record = null;
    this.journal.modified(relation.target, target);
  }

  #unlist(relation: Relation, target: string, ref: string): void {
    const row = this.#table(relation.target).get(target);
    if (row === undefined) return;
    const members = refsIn(row.values.get(relation.inverse));
    if (!members.includes(ref)) return;
    row.values.set(
      relation.inverse,
      members.filter((member) => member !== ref),
    );
    row.record = null;
    this.journal.modified(relation.target, target);
  }
}

function mapOf<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}

/** The refs that a relation's field holds: a set's members, or the one ref unless it is null. */
function refsIn(value: SimValue | undefined): string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === "string" && value !== "" && value !== nullRef ? [value] : [];
}
