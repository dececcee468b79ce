/** Numbers as everything that is printed writes them: figures, bytes, spans of time and counted things. Pure. */

/** At most so many decimals, two by default, without trailing zeros. */
export function figure(value: number, decimals = 2): string {
  const unit = 10 ** decimals;
  return String(Math.round(value * unit) / unit + 0);
}

/** Whole megabytes, binary as XAPI's memory is. */
export function megabytes(count: number): number {
  return Math.round(count / 1024 / 1024);
}

/** Gigabytes, or gibibytes as they are called where they are not of memory. */
export function gigabytes(count: number): number {
  return count / 1024 ** 3;
}

/** "63.2 GB", below one gigabyte "256 MB"; in "MB" always where it is compared with or added to other bytes. */
export function bytes(count: number, unit: "fitting" | "MB" = "fitting"): string {
  return unit === "MB" || count < 1024 ** 3 ? `${megabytes(count)} MB` : `${figure(gigabytes(count), 1)} GB`;
}

const units = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

/**
 * "48 s", "3 min 20 s", "2 h 5 min", "4 d 3 h"; "rough", as ages are told, "3 min", "2 h", "4 d": whole ones of the largest
 * unit of which there are two at least. "long" is what has no end.
 */
export function span(seconds: number, how: "fine" | "rough" = "fine"): string {
  if (!Number.isFinite(seconds)) return "long";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (how === "rough") {
    const [size, name] = units.find(([each]) => whole >= 2 * each) ?? [1, "s"];
    return `${Math.round(whole / size)} ${name}`;
  }
  const large = units.findIndex(([each], index) => whole >= (index === 0 ? 2 * each : each));
  const [[size, name], [small, smallName]] = [units[large] ?? units[3], units[large + 1] ?? units[3]];
  const rest = Math.floor((whole % size) / small);
  return `${Math.floor(whole / size)} ${name}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}

/** "1,440": at most so many decimals, none by default, and thousands apart, for long numbers in tables. */
export function grouped(value: number, decimals = 0): string {
  return Number(figure(value, decimals)).toLocaleString("en");
}

/**
 * "1 host", "3 hosts". `many` where the plural is not with an s, and for whole phrases: "1 VM leaves", "2 VMs leave".
 * @param written the number where it is not written as it is
 */
export function plural(
  count: number,
  one: string,
  many: string = `${one}s`,
  written: string = String(count),
): string {
  return `${written} ${count === 1 ? one : many}`;
}
