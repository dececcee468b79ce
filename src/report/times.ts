/** Times as the report writes them: UTC, as the database's clock is. Seconds since 1970. Pure. */
import { plural } from "../text/format.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "29 Nov" */
export function dayText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ""}`;
}

/** "14:05" */
export function clockText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 16);
}

/** "29 Nov 14:05" */
export function momentText(seconds: number): string {
  return `${dayText(seconds)} ${clockText(seconds)}`;
}

/** "29 Nov 14:00 to 16:00"; with both days where they differ. */
export function periodText(from: number, to: number): string {
  const end = dayText(from) === dayText(to) ? clockText(to) : momentText(to);
  return `${momentText(from)} to ${end}`;
}

/** "2026-11-29 14:05 UTC" */
export function exactText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** "30 days", "36 hours", "45 minutes" */
export function lengthText(seconds: number): string {
  if (seconds < 2 * 3600) return plural(Math.round(seconds / 60), "minute");
  const [size, unit] = seconds >= 2 * 86_400 ? [86_400, "day"] : [3600, "hour"];
  const count = Math.round((seconds / size) * 10) / 10;
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
