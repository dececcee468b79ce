/** Reads the answer of event.from: what has changed since a token. Pure. */

import type { XapiClass } from "./recordCodec.ts";
import { type XapiStruct, type XapiValue, XmlError } from "./xml.ts";

/** An object that came or changed, with its record as it is now; or that is gone. */
export interface PoolEvent {
  readonly class: XapiClass;
  readonly ref: string;
  /** Null where it is gone. */
  readonly record: XapiValue;
}

export interface EventBatch {
  readonly events: readonly PoolEvent[];
  /** From where the next batch goes on. */
  readonly token: string;
  /** How many objects of each class there are; null where the pool does not count, as old ones. */
  readonly counts: ReadonlyMap<XapiClass, number> | null;
  /** How many limits of callers the pool has (Rate_limit, xapi 26.17 and later). */
  readonly rateLimits: number;
}

/** @throws XmlError for what is no such answer. Events of other classes than `classes` are left out. */
export function readEventBatch(value: XapiValue, classes: readonly XapiClass[]): EventBatch {
  const batch = structOf(value, "the answer");
  const named = new Map(classes.map((name) => [name.toLowerCase(), name]));
  const events = batch.get("events");
  if (!Array.isArray(events)) throw new XmlError("the events are no list");
  const counts = batch.get("valid_ref_counts");
  return {
    events: events.flatMap((event) => readEvent(structOf(event, "an event"), named)),
    token: textOf(batch, "token"),
    counts: counts instanceof Map ? readCounts(counts, named) : null,
    rateLimits: counts instanceof Map ? Number(counts.get("rate_limit") ?? 0) || 0 : 0,
  };
}

function readEvent(event: XapiStruct, named: ReadonlyMap<string, XapiClass>): PoolEvent[] {
  const name = named.get(textOf(event, "class").toLowerCase());
  if (name === undefined) return [];
  const ref = textOf(event, "ref");
  const operation = textOf(event, "operation");
  if (operation === "del") return [{ class: name, ref, record: null }];
  if (operation !== "add" && operation !== "mod") throw new XmlError(`"${operation}" is no operation`);
  const record = event.get("snapshot");
  if (record === undefined) throw new XmlError(`the event of ${name} ${ref} has no snapshot`);
  // A snapshot that is nil is one that cannot be read, and no object that is gone.
  return [{ class: name, ref, record: record ?? "" }];
}

function readCounts(
  counts: XapiStruct,
  named: ReadonlyMap<string, XapiClass>,
): ReadonlyMap<XapiClass, number> {
  const found = new Map<XapiClass, number>();
  for (const [lower, name] of named) {
    const value = counts.get(lower);
    // A class that the pool does not know is not among them, and has no objects.
    const count = value === undefined ? 0 : Number(value);
    if (!Number.isSafeInteger(count) || count < 0) throw new XmlError(`the count of ${name} is no number`);
    found.set(name, count);
  }
  return found;
}

function structOf(value: XapiValue, what: string): XapiStruct {
  if (value instanceof Map) return value;
  throw new XmlError(`${what} is no struct`);
}

function textOf(struct: XapiStruct, name: string): string {
  const value = struct.get(name);
  if (typeof value === "string") return value;
  throw new XmlError(`its ${name} is no text`);
}
