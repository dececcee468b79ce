/** What one VM weighs on a host by each subject, and what a change of weights makes of a host. Pure. */
import type { Host, Vm } from "./pool.ts";
import {
  type AnySubject,
  isSource,
  type NamedSubject,
  namedSubjects,
  subjectFacts,
  type Term,
} from "./rule.ts";

/**
 * What `vm` adds to the subject in absolute units (CPU: percent of one CPU); null where a measure is unusable. Nothing
 * is known of what it adds to a data source; of free memory it takes.
 */
export function rawWeight(vm: Vm, subject: AnySubject): number | null {
  return isSource(subject) ? 0 : subjectFacts[subject].weight(vm);
}

/** What it adds to a host that it comes to: never less than where it is, and of the CPU all that it wants. */
export function arrivingWeight(vm: Vm, subject: AnySubject): number | null {
  const weight = rawWeight(vm, subject);
  const wanted = weight === null || isSource(subject) ? null : (subjectFacts[subject].arrives?.(vm) ?? null);
  return wanted === null ? weight : Math.max(weight ?? 0, wanted);
}

/** `rawWeight` of a term's sum. */
export function termWeight(vm: Vm, term: Term): number | null {
  return sumOf(vm, term, rawWeight);
}

/** `arrivingWeight` of a term's sum. */
export function arrivingTermWeight(vm: Vm, term: Term): number | null {
  return sumOf(vm, term, arrivingWeight);
}

function sumOf(vm: Vm, { subjects }: Term, weightOf: typeof rawWeight): number | null {
  let sum = 0;
  for (const subject of subjects) {
    const weight = weightOf(vm, subject);
    if (weight === null) return null;
    sum += weight;
  }
  return sum;
}

/** Absolute units that make one unit of the subject's value on `host`; null where unknown. */
export function capacity(host: Host, subject: AnySubject): number | null {
  return isSource(subject) ? 1 : subjectFacts[subject].capacity(host);
}

/** The same of a term, all of whose subjects have one unit. */
export function termCapacity(host: Host, { subjects }: Term): number | null {
  let size: number | null = 1;
  for (const subject of subjects) {
    const own = capacity(host, subject);
    if (own === null) return null;
    if (own !== 1) size = own;
  }
  return size;
}

/** The subjects whose values are measures of hosts that stand for themselves. */
export const writtenSubjects: readonly NamedSubject[] = namedSubjects.filter((subject) => {
  const { value } = subjectFacts[subject];
  return value.from === "measures" && value.write !== null;
});

/** `host` with other values of `written` subjects; null is unknown, and what is undefined stays as it is. */
export function withValues(
  host: Host,
  written: readonly NamedSubject[],
  newValue: (subject: NamedSubject) => number | null | undefined,
): Host {
  const changed = { ...host };
  for (const subject of written) {
    const { value } = subjectFacts[subject];
    const to = newValue(subject);
    if (to !== undefined && value.from === "measures") Object.assign(changed, value.write?.(host, to));
  }
  return changed;
}
