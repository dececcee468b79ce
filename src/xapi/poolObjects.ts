/** The pool's objects by class, as they were read whole and have changed since. Pure: events in, records out. */

import type { EventBatch, PoolEvent } from "./events.ts";
import type { PoolClass, PoolRecords } from "./inventory.ts";
import { type RecordOf, readRecordAmong } from "./recordCodec.ts";
import type { Records, Ref, SkippedRecord } from "./records.ts";
import type { XapiStruct, XapiValue } from "./xml.ts";

/** The classes of which not every object is read whole, and what says of a record that it is left out. */
const leftOutBy: { readonly [C in PoolClass]?: (struct: XapiStruct) => boolean } = {
  VM: (struct) => isTrue(struct, "is_a_template") || isTrue(struct, "is_a_snapshot"),
  VBD: (struct) => isTrue(struct, "empty"),
  VDI: (struct) => isTrue(struct, "is_a_snapshot"),
};

/** Of these all refs must be known beside the records, or the pool's counts cannot be compared. */
export const filteredClasses = Object.keys(leftOutBy) as readonly PoolClass[];

export class PoolObjects {
  readonly #classes: ReadonlyMap<PoolClass, ClassObjects<PoolClass>>;

  /** `refs`: of all objects of the filtered classes, whether or not they are among `records`. */
  constructor(records: PoolRecords, refs: ReadonlyMap<PoolClass, readonly string[]>) {
    this.#classes = new Map(
      Object.entries(records).map(([key, found]) => {
        const name = key as PoolClass;
        return [
          name,
          new ClassObjects(name, found as Records<Ref<PoolClass>, RecordOf<PoolClass>>, refs.get(name) ?? []),
        ];
      }),
    );
  }

  /** The classes of which events are to be applied. */
  get classes(): readonly PoolClass[] {
    return [...this.#classes.keys()];
  }

  /** Applies what has changed. Returns why that cannot be done, so that all must be read again; null where it was. */
  apply(events: readonly PoolEvent[]): string | null {
    for (const { class: name, ref, record } of events) {
      const objects = this.#classes.get(name as PoolClass);
      if (record === null) objects?.remove(ref);
      else if (objects?.put(ref, record) === false)
        return `${name} records have fields now that they did not have before`;
    }
    return null;
  }

  /** Where the pool counts other numbers of objects than are known; null where they agree. */
  disagreement({ counts }: Pick<EventBatch, "counts">): string | null {
    if (counts === null) return "the pool does not count its objects";
    for (const [name, objects] of this.#classes) {
      const count = counts.get(name) ?? 0;
      if (count !== objects.count)
        return `the pool counts ${count} objects of ${name}, and ${objects.count} are known`;
    }
    return null;
  }

  /** The records now. They are not copied: what is applied later changes them. */
  records(): PoolRecords {
    const records = [...this.#classes].map(([name, objects]) => [name, objects.records()]);
    return Object.fromEntries(records) as unknown as PoolRecords;
  }
}

class ClassObjects<C extends PoolClass> {
  readonly #name: C;
  readonly #records: Map<Ref<C>, RecordOf<C>>;
  readonly #skipped: Map<string, SkippedRecord<RecordOf<C>>>;
  /** Refs of objects that are not read: templates, snapshots, empty drives. */
  readonly #others: Set<string>;
  #fields: ReadonlySet<string>;

  constructor(name: C, records: Records<Ref<C>, RecordOf<C>>, refs: readonly string[]) {
    this.#name = name;
    this.#records = new Map(records);
    this.#skipped = new Map(records.skipped.map((record) => [record.ref, record]));
    this.#others = new Set(refs.filter((ref) => !records.has(ref as Ref<C>) && !this.#skipped.has(ref)));
    this.#fields = records.fields;
  }

  get count(): number {
    return this.#records.size + this.#skipped.size + this.#others.size;
  }

  remove(ref: string): void {
    this.#records.delete(ref as Ref<C>);
    this.#skipped.delete(ref);
    this.#others.delete(ref);
  }

  /** False where the record has a field that none before it had. */
  put(ref: string, value: XapiValue): boolean {
    if (value instanceof Map && leftOutBy[this.#name]?.(value) === true) {
      this.remove(ref);
      this.#others.add(ref);
      return true;
    }
    // The first of a class says what the pool knows.
    if (this.#fields.size === 0 && value instanceof Map) this.#fields = new Set(value.keys());
    const read = readRecordAmong(this.#name, ref, value, this.#fields);
    if (read === null) return false;
    if ("record" in read) {
      this.#skipped.delete(ref);
      this.#others.delete(ref);
      this.#records.set(ref as Ref<C>, read.record);
    } else {
      this.remove(ref);
      this.#skipped.set(ref, read.skipped);
    }
    return true;
  }

  records(): Records<Ref<C>, RecordOf<C>> {
    return Object.assign(this.#records, { skipped: [...this.#skipped.values()], fields: this.#fields });
  }
}

function isTrue(struct: XapiStruct, field: string): boolean {
  const value = struct.get(field);
  return value === true || value === "1" || value === "true";
}
