/** Equality of values, by content. */

import type { SimValue } from "./datamodel.ts";

/** Whether two values would read the same on the wire; NaN equals NaN. */
export function sameValue(a: SimValue, b: SimValue): boolean {
  if (Object.is(a, b)) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && sameItems(a, b);
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  const left = a as Readonly<Record<string, SimValue>>;
  const right = b as Readonly<Record<string, SimValue>>;
  return keys.every((key) => key in right && sameValue(left[key] ?? null, right[key] ?? null));
}

function sameItems(a: readonly SimValue[], b: readonly SimValue[]): boolean {
  return a.length === b.length && a.every((item, index) => sameValue(item, b[index] ?? null));
}
