/** The shapes that the manager's lines have, and how values are written in them. Pure; values come out escaped. */

import { megabytes } from "../text/format.ts";
import { printable } from "../text/text.ts";

const bytesPerMb = 1024 * 1024;

/** One property; null and "" print as `-`. */
export function line(label: string, value: string | number | boolean | null): string {
  return `${label} - ${value === null || value === "" ? "-" : printable(String(value))}`;
}

/** One object of a list. */
export function listItem(named: { readonly uuid: string; readonly name: string }): string {
  return `- ${printable(named.uuid)} - ${printable(named.name)}`;
}

/** One entry of a list, of parts; what is not known prints as `-`. */
export function listEntry(...parts: readonly (string | number | null)[]): string {
  return ["", ...parts]
    .map((part) => (part === null || part === "" ? "-" : printable(String(part))))
    .join(" - ")
    .slice(2);
}

/** By name, as people look things up; of one name by uuid. */
export function byName(
  a: { readonly uuid: string; readonly name: string },
  b: { readonly uuid: string; readonly name: string },
): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.uuid < b.uuid ? -1 : 1;
}

export function percent(value: number | null): string | null {
  return value === null ? null : `${Math.round(value)}%`;
}

export function inMegabytes(bytes: number | null): number | null {
  return bytes === null ? null : megabytes(bytes);
}

/** MB/s with one decimal; null where one of the two is not known. */
export function rate(bytes: number | null, seconds: number | null): number | null {
  if (bytes === null || seconds === null || seconds <= 0) return null;
  return Math.round((bytes / bytesPerMb / seconds) * 10) / 10;
}

/** The database's clock is UTC; a local time would need to say so on every line. */
export function timestamp(date: Date): string {
  return Number.isNaN(date.getTime()) ? "-" : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
