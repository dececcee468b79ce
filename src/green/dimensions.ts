/**
 * What a host has room for, as sums: each limit is a capacity in absolute units that the VMs on the host share. Pure.
 *
 * A weight does not depend on the host (CPU: percent of one CPU), a capacity does. So "every host within its limits" is
 * a packing in as many dimensions as there are limits, and one for the memory that xapi gives to arrivals.
 */
import { subjectValue } from "../deviation.ts";
import { capacity, rawWeight } from "../planner/facts.ts";
import type { Host, Vm } from "../pool.ts";
import { isSingle, type Rule, type SingleRule } from "../rule.ts";
import { describeLimit, type Limit } from "./rule.ts";

export interface Dimension {
  /** "CpuAverage BELOW 70" */
  readonly name: string;
  /** A balance rule whose limit hangs on which hosts stay on; null for all others. */
  readonly balance: SingleRule | null;
  /** What the VM takes of it; null where unknown. */
  readonly weight: (vm: Vm) => number | null;
  /** What is in use on the host, control domains and all, in absolute units; null where unknown. */
  readonly used: (host: Host) => number | null;
  /** What may be in use; null where unknown. Of a balance rule infinite: see `Packing.roomsWithout`. */
  readonly allowed: (host: Host) => number | null;
}

/**
 * The dimensions of a rule, then the memory for placement, then the balance rules. A chain is no sum that must stay under
 * a limit: whether it is broken is asked of what comes out.
 */
export function dimensionsOf(
  limits: readonly Limit[],
  balance: readonly Rule[],
  headroomBytes: number,
  fraction: number,
): readonly Dimension[] {
  return [
    ...limits.map((limit) => limitDimension(limit, fraction)),
    placementDimension(headroomBytes),
    ...balance.filter(isSingle).map(balanceDimension),
  ];
}

function limitDimension(limit: Limit, fraction: number): Dimension {
  const name = describeLimit(limit);
  if (limit.kind === "memory free") {
    return {
      name,
      balance: null,
      weight: (vm) => rawWeight(vm, "OccupiedMemoryMb"),
      used: (host) => subjectValue(host, "OccupiedMemoryMb"),
      allowed: ({ memoryTotalMb }) =>
        memoryTotalMb === null ? null : memoryTotalMb * (1 - limit.percent / 100),
    };
  }
  const { subject, value } = limit;
  return {
    name,
    balance: null,
    weight: (vm) => rawWeight(vm, subject),
    used: (host) => times(subjectValue(host, subject), capacity(host, subject)),
    allowed: (host) => times(value * fraction, capacity(host, subject)),
  };
}

/** What xapi counts: promises, not use. Nothing is in use beside the VMs; the host says what is left. */
function placementDimension(headroomBytes: number): Dimension {
  return {
    name: "memory for arriving VMs",
    balance: null,
    weight: ({ placementBytes }) => placementBytes,
    used: ({ placementFreeBytes }) => times(placementFreeBytes, -1),
    allowed: () => -headroomBytes,
  };
}

function balanceDimension(rule: SingleRule): Dimension {
  return {
    name: `the balance of ${rule.subject}`,
    balance: rule,
    weight: (vm) => rawWeight(vm, rule.subject),
    used: (host) => times(subjectValue(host, rule.subject), capacity(host, rule.subject)),
    allowed: () => Number.POSITIVE_INFINITY,
  };
}

function times(value: number | null, factor: number | null): number | null {
  return value === null || factor === null ? null : value * factor;
}
