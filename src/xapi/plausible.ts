/** Which measured values are believed. Pure. */

/** `value` when it is a finite number from 0 to `max`; else null: unknown, never 0. */
export function plausible(value: number | undefined, max: number): number | null {
  return value !== undefined && Number.isFinite(value) && value >= 0 && value <= max ? value : null;
}

/** What every pool's /rrd_updates tells at least, so that both ways of reading give the same. */
export function toFourDecimals(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(4));
}

/**
 * A CPU's share of busy time to four decimals, null where unknown. Xen's accounting may show a little more than a whole
 * CPU; much more is no measure.
 */
export function cpuShare(value: number | undefined): number | null {
  return toFourDecimals(plausible(value, 1.05));
}
