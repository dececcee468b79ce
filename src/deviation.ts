/**
 * Deviation from the pool's mean: the arithmetic of every balance rule, in named steps. Pure.
 * A host takes part when it is enabled, alive and read: any other would pull the mean with a value nobody should
 * chase.
 */
import type { Host, Uuid } from "./pool.ts";
import type { Rule, Subject } from "./rule.ts";

/** Whether the host counts in the mean and may receive VMs. */
export function takesPart(host: Host): boolean {
  return host.enabled && host.live && host.read;
}

/** Why the host does not take part, or null when it does. */
export function absence(host: Host): string | null {
  if (!host.live) return "the pool says it is not alive";
  if (!host.read) return "its measures could not be read";
  if (!host.enabled) return "it is disabled (maintenance)";
  return null;
}

/** The host's value of `subject` in the subject's unit, or null where a measure is missing. */
export function subjectValue(host: Host, subject: Subject): number | null {
  switch (subject) {
    case "CpuAverage":
      return host.cpuAverage;
    case "OccupiedMemoryMb":
      if (host.memoryTotalMb === null || host.memoryFreeMb === null) return null;
      return host.memoryTotalMb - host.memoryFreeMb;
    case "PifEth0RxKb":
      return host.pifEth0RxKb;
    case "PifEth0TxKb":
      return host.pifEth0TxKb;
    default:
      return subject satisfies never;
  }
}

/** The arithmetic mean; null of nothing. */
export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One host against one rule. */
export interface Verdict {
  readonly hostUuid: Uuid;
  readonly value: number;
  /** Value minus pool mean, signed, in the subject's unit. */
  readonly deviation: number;
  /** "A host breaks a rule when its value is more than Threshold above the mean": equal does not break it. */
  readonly broken: boolean;
}

/** One rule against the pool: hosts from the most to the least loaded. */
export interface Evaluation {
  readonly rule: Rule;
  /** Null when no host takes part with a value. */
  readonly mean: number | null;
  readonly verdicts: readonly Verdict[];
  /** Hosts that take part but have no value of the subject: not in the mean, and judged by nobody. */
  readonly missing: readonly Uuid[];
}

/** Compares every participating host that has a value of the rule's subject with their mean. */
export function evaluate(hosts: readonly Host[], rule: Rule): Evaluation {
  const measured: { hostUuid: Uuid; value: number }[] = [];
  const missing: Uuid[] = [];
  for (const host of hosts.filter(takesPart)) {
    const value = subjectValue(host, rule.subject);
    if (value === null) missing.push(host.uuid);
    else measured.push({ hostUuid: host.uuid, value });
  }
  const poolMean = mean(measured.map(({ value }) => value));
  if (poolMean === null) return { rule, mean: null, verdicts: [], missing };
  const verdicts = measured
    .map(({ hostUuid, value }) => judge(hostUuid, value, poolMean, rule.threshold))
    .sort((a, b) => b.deviation - a.deviation || (a.hostUuid < b.hostUuid ? -1 : 1));
  return { rule, mean: poolMean, verdicts, missing };
}

/**
 * Rounding must not break a rule that is met exactly: XAPI measures in 32-bit floats (7 digits), so one part in a
 * million of a value is no load.
 */
export function rounding(value: number): number {
  return 1e-6 * Math.max(1, Math.abs(value));
}

/** How far `value` is above what the rule allows; 0 or less keeps it. */
export function excess(value: number, poolMean: number, threshold: number): number {
  const over = value - poolMean - threshold;
  return Math.abs(over) <= rounding(value) ? 0 : over;
}

function judge(hostUuid: Uuid, value: number, poolMean: number, threshold: number): Verdict {
  return {
    hostUuid,
    value,
    deviation: value - poolMean,
    broken: excess(value, poolMean, threshold) > 0,
  };
}
