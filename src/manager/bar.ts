/** A value as a bar of one line, with marks where something is compared with it. Pure. */

/** Columns of a bar, without its brackets. */
const barColumns = 30;

export interface Bar {
  readonly value: number | null;
  /** What a full bar means. */
  readonly full: number;
  /** The mean, drawn as `|`; null for none. */
  readonly mean: number | null;
  /** Limits, drawn as `!`. */
  readonly limits: readonly number[];
}

/** "[######|##...!....]"; what is beyond a full bar is drawn at its end. */
export function barText({ value, full, mean, limits }: Bar): string {
  const at = (part: number) =>
    full <= 0 ? 0 : Math.min(barColumns, Math.max(0, Math.round((part / full) * barColumns)));
  const filled = value === null ? 0 : at(value);
  const cells = [..."#".repeat(filled), ..."·".repeat(barColumns - filled)];
  const mark = (part: number, sign: string) => {
    cells[Math.min(barColumns - 1, at(part))] = sign;
  };
  if (mean !== null) mark(mean, "|");
  for (const limit of limits) mark(limit, "!");
  return `[${cells.join("")}]`;
}
