/** What consolidation wants of a green rule: its limits, its spare hosts and its hours. Pure. */
import { isWithin } from "../domain/hours.ts";
import type { Host } from "../domain/pool.ts";
import type { GreenLimit, GreenRule } from "../domain/rule.ts";

/** "Keep running VMs on the fewest hosts such that every host stays within the limits, with so many to spare." */
export type GreenGoal = Pick<GreenRule, "limits" | "spareHosts" | "between">;

/** "CpuAverage BELOW 70" */
export function describeLimit(limit: GreenLimit): string {
  return limit.kind === "below"
    ? `${limit.subject} BELOW ${limit.value}`
    : `MemoryFree ABOVE ${limit.percent} %`;
}

/** Whether hosts may sleep at this minute of the day; where a rule names no hours, always. */
export function maySleep({ between }: GreenGoal, minuteOfDay: number): boolean {
  return between === null || isWithin(between, minuteOfDay);
}

/** Percent of the host's memory that is free, or null where unknown. */
export function memoryFreePercent({ memoryFreeMb, memoryTotalMb }: Host): number | null {
  if (memoryFreeMb === null || memoryTotalMb === null || memoryTotalMb <= 0) return null;
  return (memoryFreeMb / memoryTotalMb) * 100;
}
