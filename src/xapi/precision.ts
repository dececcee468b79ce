/**
 * Some pools tell five significant digits only in /rrd_updates (xapi of 2023-07 to 25.2, XCP-ng 8.3 at first release):
 * too few to round a large memory to the MB. This names the values that must be asked for once more. Pure.
 */
import type { RrdUpdates } from "./rrd.ts";

const digits = 5;

/** Whether the answer holds large numbers and none with more than five significant digits. */
export function isCoarse(updates: RrdUpdates): boolean {
  let large = false;
  for (const { values } of updates.rows) {
    for (const value of values) {
      if (!Number.isFinite(value) || value === 0) continue;
      if (Number(value.toPrecision(digits)) !== value) return false;
      if (Math.abs(value) >= 10 ** digits) large = true;
    }
  }
  return large;
}

/** Whether `value`, known to five digits, may be stored otherwise than the exact value would be. */
export function isDoubtful(source: string, value: number): boolean {
  const unit = storedUnit(source);
  if (unit === null || value === 0) return false;
  const half = 0.5 * 10 ** (Math.floor(Math.log10(Math.abs(value))) - digits + 1);
  return Math.round((value - half) / unit) !== Math.round((value + half) / unit);
}

/** The unit that a source's value is rounded to when it is stored; null for what is not stored. */
function storedUnit(source: string): number | null {
  if (/^cpu\d+$/.test(source) || source === "loadavg") return 1e-4;
  if (source === "memory") return 1024 * 1024;
  if (/^(memory_total_kib|memory_free_kib|memory_internal_free|xapi_\w+_kib)$/.test(source)) return 1024;
  return /^(pif|vif)_\w+_[rt]x$/.test(source) ? 1024 : null;
}
