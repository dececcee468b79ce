/** A day of recorded loads in virtual time, and what no consolidation of it undercuts. */

import type { GreenGoal } from "../../../src/power/rule.ts";
import type { TracedDay } from "../loop/traces.ts";
import { type Design, World } from "./world.ts";

const dom0Mb = 2048;
/** Percent of one CPU that a host needs for itself. */
const ownPercent = 50;

export interface RecordedDesign {
  readonly hosts: number;
  /** Percent of the pool's memory that VMs have. */
  readonly memoryPercent: number;
}

/** The pool of the day: hosts with the day's CPUs, and with as much memory as is said. */
export function recordedDesign(day: TracedDay, { hosts, memoryPercent }: RecordedDesign): Design {
  const { guests, cpus } = day;
  const used = new Array<number>(hosts).fill(0);
  for (const { home, memoryMb } of guests) used[home] = (used[home] ?? 0) + memoryMb + 40;
  const mean = used.reduce((sum, each) => sum + each, 0) / hosts;
  const memoryMb = Math.ceil(Math.max((100 * mean) / memoryPercent, 1.15 * Math.max(...used)));
  return { hosts, cpus, memoryMb: memoryMb + dom0Mb, dom0Mb, guests };
}

export function recordedWorld(day: TracedDay, design: Design): World {
  return new World(design, (seconds) => {
    const slot = day.slotOf(seconds / 60);
    return design.guests.map(({ vcpus }, v) => (100 * day.demand(v, slot)) / vcpus);
  });
}

/** Host-hours that can be slept at most by sums alone: each minute by itself, as if VMs moved at once and fitted anyhow. */
export function boundHours(day: TracedDay, design: Design, rule: GreenGoal, minutes: number): number {
  const { hosts, cpus, memoryMb, guests } = design;
  const percent = rule.limits.find((limit) => limit.kind === "below")?.value ?? 100;
  const free = rule.limits.find((limit) => limit.kind === "memory free")?.percent ?? 0;
  const usedMb = guests.reduce((sum, guest) => sum + guest.memoryMb + 40, 0);
  let asleep = 0;
  for (let minute = 0; minute < minutes; minute++) {
    const slot = day.slotOf(minute);
    const wanted = guests.reduce((sum, _, v) => sum + day.demand(v, slot), 0);
    const byCpu = Math.ceil(wanted / ((cpus * percent) / 100 - ownPercent / 100));
    const byMemory = Math.ceil(usedMb / (memoryMb * (1 - free / 100) - dom0Mb));
    asleep += Math.max(0, hosts - Math.max(byCpu, byMemory) - rule.spareHosts);
  }
  return asleep / 60;
}
