/** Reads the texts that XML-RPC puts between tags: numbers and dates in every dialect of xapi. */

/** A number, or the text itself where it is none or too large to be exact. */
export function readInteger(text: string): number | string {
  const trimmed = text.trim();
  if (!/^[+-]?\d{1,19}$/.test(trimmed)) return text;
  const value = Number(trimmed);
  return Number.isSafeInteger(value) ? value : trimmed;
}

export function readBoolean(text: string): boolean | string {
  const trimmed = text.trim();
  if (trimmed === "1" || trimmed === "true") return true;
  return trimmed === "0" || trimmed === "false" ? false : text;
}

/** A number, NaN and the infinities included, or the text itself where it is none. */
export function readDouble(text: string): number | string {
  const word = text.trim().toLowerCase();
  if (/^[+-]?nan$/.test(word)) return Number.NaN;
  const infinite = /^([+-]?)inf(?:inity)?$/.exec(word);
  if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(word) ? Number(word) : text;
}

const iso8601 =
  /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d):?(\d\d)(?:[.,](\d+))?\s*(?:Z|z|([+-])(\d\d):?(\d\d))?$/;

/** The instant, or the text itself where it is none. A date without a zone is UTC: xapi leaves it out at times. */
export function readDate(text: string): Date | string {
  const parts = iso8601.exec(text.trim());
  if (parts === null) return text;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as Six;
  if (month < 1 || month > 12 || hour > 24 || minute > 59 || second > 60) return text;
  if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return text;
  const milliseconds = Math.floor(Number(`0.${parts[7] ?? "0"}`) * 1000);
  const offset =
    (Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0)) * (parts[8] === "-" ? -60_000 : 60_000);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offset);
}

type Six = [number, number, number, number, number, number];
