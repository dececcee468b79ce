/** A value as a bar of one line, with marks where something is compared with it. Pure. */

/** Columns of a bar, without its brackets. */
export const barColumns = 30;
/** And where a terminal is too narrow for that. */
export const narrowBarColumns = 14;

export interface Bar {
  readonly value: number | null;
  /** What a full bar means. */
  readonly full: number;
  /** The mean, drawn as `|`; null for none. */
  readonly mean: number | null;
  /** Limits, drawn as `!`. */
  readonly limits: readonly number[];
  /** Columns without the brackets, 30 where left out. */
  readonly columns?: number;
}

/** "[######|##...!....]"; what is beyond a full bar is drawn at its end. */
export function barText({ value, full, mean, limits, columns = barColumns }: Bar): string {
  const at = (part: number) =>
    full <= 0 ? 0 : Math.min(columns, Math.max(0, Math.round((part / full) * columns)));
  const filled = value === null ? 0 : at(value);
  const cells = [..."#".repeat(filled), ..."·".repeat(columns - filled)];
  const mark = (part: number, sign: string) => {
    cells[Math.min(columns - 1, at(part))] = sign;
  };
  if (mean !== null) mark(mean, "|");
  for (const limit of limits) mark(limit, "!");
  return `[${cells.join("")}]`;
}
