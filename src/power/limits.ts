/** Which hosts pass a limit, with the figures, and how figures are written. Pure. */

import { rounding, subjectValue, takesPart } from "../domain/deviation.ts";
import type { Host, Snapshot } from "../domain/pool.ts";
import { type GreenLimit, unitOf } from "../domain/rule.ts";
import { figure } from "../text/format.ts";
import { nameOf } from "./packing.ts";
import { describeLimit, type GreenGoal, memoryFreePercent } from "./rule.ts";

export interface Passed {
  readonly host: Host;
  readonly limit: GreenLimit;
  readonly value: number;
}

/** Hosts that take part and pass a limit, or the part `fraction` of one that fluctuates; worst first. */
export function passedLimits(
  { hosts }: Snapshot,
  { limits }: GreenGoal,
  fraction: number,
): readonly Passed[] {
  return hosts
    .filter(takesPart)
    .flatMap((host) =>
      limits.flatMap((limit): (Passed & { readonly over: number })[] => {
        const value = limitValue(host, limit);
        const over = value === null ? 0 : overBy(value, limit, fraction);
        return value !== null && over > 0 ? [{ host, limit, value, over }] : [];
      }),
    )
    .sort((a, b) => b.over - a.over || (a.host.uuid < b.host.uuid ? -1 : 1))
    .map(({ host, limit, value }) => ({ host, limit, value }));
}

function limitValue(host: Host, limit: GreenLimit): number | null {
  return limit.kind === "below" ? subjectValue(host, limit.subject) : memoryFreePercent(host);
}

/** As a part of what may be used; 0 or less within the limit. */
function overBy(value: number, limit: GreenLimit, fraction: number): number {
  const over = limit.kind === "below" ? value - limit.value * fraction : limit.percent - value;
  const most = limit.kind === "below" ? limit.value * fraction : 100 - limit.percent;
  return over <= rounding(value) ? 0 : over / Math.max(1e-9, most);
}

/** "host xen3 at 72.4 % of CpuAverage BELOW 70" */
export function describePassed({ host, limit, value }: Passed): string {
  const unit = limit.kind === "below" ? unitOf(limit.subject) : "%";
  return `host ${nameOf(host)} at ${figure(value, 1)} ${unit} (${describeLimit(limit)})`;
}
