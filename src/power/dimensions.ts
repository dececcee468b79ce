/**
 * What a host has room for, as sums: each limit is a capacity in absolute units that the VMs on the host share. Pure.
 *
 * A weight does not depend on the host (CPU: percent of one CPU), a capacity does. So "every host within its limits" is
 * a packing in as many dimensions as there are limits, and one for the memory that xapi gives to arrivals.
 */
import { subjectValue, termValue } from "../domain/deviation.ts";
import type { Host, Vm } from "../domain/pool.ts";
import { type GreenLimit, type Rule, sumText, termsOf } from "../domain/rule.ts";
import { capacity, rawWeight, termCapacity, termWeight } from "../domain/weight.ts";
import { describeLimit } from "./rule.ts";

export interface Dimension {
  /** "CpuAverage BELOW 70" */
  readonly name: string;
  /** A balance rule, and the place of its term, whose limit hangs on which hosts stay on; null for all others. */
  readonly balance: { readonly rule: Rule; readonly place: number } | null;
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
  limits: readonly GreenLimit[],
  balance: readonly Rule[],
  headroomBytes: number,
  fraction: number,
): readonly Dimension[] {
  return [
    ...limits.map((limit) => limitDimension(limit, fraction)),
    placementDimension(headroomBytes),
    ...balance.flatMap(balanceDimension),
  ];
}

function limitDimension(limit: GreenLimit, fraction: number): Dimension {
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

/** A host that keeps any one term keeps the rule: here the first one that more load breaks; none where less load does. */
function balanceDimension(rule: Rule): Dimension[] {
  const place = keptTerm(rule);
  const term = termsOf(rule)[place];
  if (term === undefined) return [];
  const dimension: Dimension = {
    name: `the balance of ${sumText(term)}`,
    balance: { rule, place },
    weight: (vm) => termWeight(vm, term),
    used: (host) => times(termValue(host, term), termCapacity(host, term)),
    allowed: () => Number.POSITIVE_INFINITY,
  };
  return [dimension];
}

function keptTerm(rule: Rule): number {
  const terms = termsOf(rule);
  const relative = terms.findIndex(({ condition }) => condition === "more than mean");
  return relative >= 0 ? relative : terms.findIndex(({ condition }) => condition === "above");
}

function times(value: number | null, factor: number | null): number | null {
  return value === null || factor === null ? null : value * factor;
}
