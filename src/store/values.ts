/** Values of columns as the control tables read and write them. Pure. */

/** SQL for the seconds since `column`, to a microsecond; NULL where it is. */
export function ageSeconds(column: string): string {
  return `TIMESTAMPDIFF(MICROSECOND, ${column}, UTC_TIMESTAMP(6)) / 1000000`;
}

export function number(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  const result = Number(value);
  return Number.isFinite(result) ? result : null;
}

export function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

export function dateOrNull(value: unknown): Date | null {
  return value instanceof Date ? value : null;
}

export function flag(value: unknown): boolean {
  return Number(value) === 1;
}
