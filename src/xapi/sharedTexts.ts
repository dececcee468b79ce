/**
 * Texts, lists and maps of records, kept in memory once however often a pool sends them: most of what a pool's records
 * hold is the same in thousands of them, and every ref stands at least twice.
 */
import type { StringMap } from "./records.ts";

/** The engine copies shorter pieces anyhow. */
const shortest = 13;

/** Of a field's lists or maps so many different ones are compared with; the rest of them are each kept by itself. */
const mostAlike = 8;

/** `text` in memory of its own: a piece of an answer keeps all of it alive. */
export function ownText(text: string): string {
  if (text.length < shortest) return text;
  const copy = Buffer.from(text, "utf8").toString("utf8");
  return copy === text ? copy : text;
}

const noTexts: readonly string[] = [];
const noMap: StringMap = new Map();

/** What records that are read together share. It grows with the pool, so it is dropped when all of them are read. */
export class SharedTexts {
  readonly #texts = new Map<string, string>();
  readonly #lists = new Map<string, (readonly string[])[]>();
  readonly #maps = new Map<string, StringMap[]>();

  /** The same text, in memory of its own. */
  text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const own = ownText(text);
    this.#texts.set(own, own);
    return own;
  }

  /** The same texts as in `list`, which are those of `field` in one record. */
  list(field: string, list: readonly string[]): readonly string[] {
    if (list.length === 0) return noTexts;
    return alike(this.#lists, field, list, isSameList);
  }

  /** The same entries as in `map`, which are those of `field` in one record. */
  map(field: string, map: StringMap): StringMap {
    if (map.size === 0) return noMap;
    return alike(this.#maps, field, map, isSameMap);
  }
}

function alike<T>(known: Map<string, T[]>, field: string, one: T, isSame: (a: T, b: T) => boolean): T {
  const others = known.get(field) ?? [];
  for (const other of others) if (isSame(other, one)) return other;
  if (others.length < mostAlike) known.set(field, [...others, one]);
  return one;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

/** The order counts: nobody may see another than the pool sent. */
function isSameMap(a: StringMap, b: StringMap): boolean {
  if (a.size !== b.size) return false;
  const entries = b.entries();
  for (const [key, value] of a) {
    const other = entries.next().value;
    if (other?.[0] !== key || other[1] !== value) return false;
  }
  return true;
}
