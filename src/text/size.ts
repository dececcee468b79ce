/** Sizes of memory as people write them: `64 GB`, `512MB`. Pure. */

const units: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Larger than any host. */
const largest = 1024 ** 5;

/** Where a size is at the begin of a text: it, and what stands behind. */
const begin = /^(\d+(?:\.\d+)?)\s*([kmgt])(?:i?b)?(?![a-z0-9.])\s*/i;

/**
 * Bytes that `text` begins with, and the rest: "64 GB FOR VM x". Units are binary, as XAPI's memory is, however they are
 * written (GB, GiB, G); a number without one is none. Null where it does not begin so, or with nothing or more than a PB.
 */
export function readSize(text: string): { readonly bytes: number; readonly rest: string } | null {
  const found = begin.exec(text);
  if (found === null) return null;
  const [whole, number = "", unit = ""] = found;
  const bytes = Math.round(Number(number) * (units[unit.toLowerCase()] ?? Number.NaN));
  return bytes > 0 && bytes <= largest ? { bytes, rest: text.slice(whole.length) } : null;
}
