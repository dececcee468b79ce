/** Green rules: the limits within which running VMs are gathered on few hosts, and when. Pure. */
import type { Host } from "../pool.ts";
import { type Subject, subjectUnit } from "../rule.ts";

/** What every host that stays on keeps to. At the limit is within it. */
export type Limit =
  /** The host's `subject` is at most `value`, in the subject's unit. */
  | { readonly kind: "below"; readonly subject: Subject; readonly value: number }
  /** At least `percent` of the host's memory is free. */
  | { readonly kind: "memory free"; readonly percent: number };

/** Minutes of the day in the pool's time zone, 0 to 1439; the end is not in it. An end before the start is next day's. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

/** "Keep running VMs on the fewest hosts such that every host stays within the limits, with so many to spare." */
export interface GreenRule {
  readonly limits: readonly Limit[];
  /** Hosts whose failure the others absorb within the limits, whichever they are. */
  readonly spareHosts: number;
  /** When hosts may sleep; null: at all times. Outside all are woken, one after the other. */
  readonly between: Hours | null;
}

/** "KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 1 SPARE HOST BETWEEN 22:00 AND 06:00" */
export function describeGreenRule({ limits, spareHosts, between }: GreenRule): string {
  const spare = spareHosts === 0 ? "" : ` WITH ${spareHosts} SPARE ${spareHosts === 1 ? "HOST" : "HOSTS"}`;
  const hours = between === null ? "" : ` BETWEEN ${clock(between.from)} AND ${clock(between.to)}`;
  return `KEEP ${limits.map(describeLimit).join(" AND ")}${spare}${hours}`;
}

/** "CpuAverage BELOW 70" */
export function describeLimit(limit: Limit): string {
  return limit.kind === "below"
    ? `${limit.subject} BELOW ${limit.value}`
    : `MemoryFree ABOVE ${limit.percent} %`;
}

/** "70 %": the limit's figure with its unit. */
export function limitFigure(limit: Limit): string {
  return limit.kind === "below" ? `${limit.value} ${subjectUnit[limit.subject]}` : `${limit.percent} %`;
}

/** "22:00" */
export function clock(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The minutes of the day that "HH:MM" names, or null where it names none. */
export function parseClock(text: string): number | null {
  const [, hours, minutes] = /^\s*(\d{1,2}):(\d{2})\s*$/.exec(text) ?? [];
  const [h, m] = [Number(hours), Number(minutes)];
  return hours === undefined || h > 23 || m > 59 ? null : h * 60 + m;
}

/** Whether hosts may sleep at this minute of the day. Equal ends are the whole day. */
export function mayRest({ between }: GreenRule, minuteOfDay: number): boolean {
  if (between === null || between.from === between.to) return true;
  const { from, to } = between;
  return from < to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to;
}

/** Percent of the host's memory that is free, or null where unknown. */
export function memoryFreePercent({ memoryFreeMb, memoryTotalMb }: Host): number | null {
  if (memoryFreeMb === null || memoryTotalMb === null || memoryTotalMb <= 0) return null;
  return (memoryFreeMb / memoryTotalMb) * 100;
}
