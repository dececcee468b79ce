/** Keeps secrets out of a bug report: passwords wherever they stand, sessions, and credentials in addresses. Pure. */

/** What stands in the place of a secret. */
export const leftOut = "[left out]";

/** A shorter one would make riddles of every text, and is no secret. */
const shortest = 4;

const patterns: readonly (readonly [RegExp, string])[] = [
  // Session and object handles of XAPI.
  [/OpaqueRef:[\w-]+/g, `OpaqueRef:${leftOut}`],
  [/\b(session_id|sessionid|token)=[^\s;&"']+/gi, `$1=${leftOut}`],
  // User and password before the host of an address; a password may hold an @ itself.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/"']*@/gi, `$1${leftOut}@`],
  [/\b(IDENTIFIED BY(?: PASSWORD)?\s*)'(?:[^']|'')*'/gi, `$1'${leftOut}'`],
  [/\b(\w*pass(?:word|wd)?\w*\s*[=:]\s*)(?!\[left out\])[^\s,;]+/gi, `$1${leftOut}`],
];

/** `value` with every text in it redacted, keys of objects too; what is no text stays as it is. */
export function redacted(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") return redactedText(value, secrets);
  if (value instanceof Date || value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((each) => redacted(each, secrets));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [redactedText(key, secrets), redacted(each, secrets)]),
  );
}

/** The longest secrets first: one may be the beginning of another. */
export function redactedText(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length >= shortest).sort((a, b) => b.length - a.length);
  const without = known.reduce((left, secret) => left.replaceAll(secret, leftOut), text);
  return patterns.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), without);
}
