/**
 * Deviation from the pool's mean: the arithmetic of every balance rule, in named steps. Pure.
 * A host takes part when it is enabled, alive and read: any other would pull the mean with a value nobody should
 * chase.
 */
import type { Host, Uuid } from "./pool.ts";
import { type AnySubject, isSource, type Rule, subjectFacts, type Term, termsOf } from "./rule.ts";

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
export function subjectValue(host: Host, subject: AnySubject): number | null {
  if (isSource(subject)) return host.sources?.[subject] ?? null;
  const { value } = subjectFacts[subject];
  return value.from === "measures" ? value.read(host) : (host.derived?.[subject] ?? null);
}

/** The host's sum of the term's subjects, or null where one of them is missing. */
export function termValue(host: Host, term: Term): number | null {
  let sum = 0;
  for (const subject of term.subjects) {
    const value = subjectValue(host, subject);
    if (value === null) return null;
    sum += value;
  }
  return sum;
}

/** The arithmetic mean; null of nothing. */
export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One host against one rule; the figures are those of the decisive term, which is the only one of a thesis' rule. */
export interface Verdict {
  readonly hostUuid: Uuid;
  readonly value: number;
  /** Value minus pool mean, signed, in the subject's unit; of an absolute condition value minus limit. */
  readonly deviation: number;
  /** "A host breaks a rule when its value is more than Threshold above the mean": equal does not break it. */
  readonly broken: boolean;
  /** The decisive term: the one that keeps the host from breaking the rule by most, or breaks it by least. */
  readonly term: number;
  /** The value of each term. */
  readonly values: readonly number[];
}

/** One rule against the pool: hosts from the most to the least loaded. */
export interface Evaluation {
  readonly rule: Rule;
  /** Of the first term that is compared with a mean; null when there is none, or no host takes part with a value. */
  readonly mean: number | null;
  /** Of each term; null of an absolute condition. */
  readonly means: readonly (number | null)[];
  readonly verdicts: readonly Verdict[];
  /** Hosts that take part but have no value of a subject: assessed by nobody, and in no mean of that. */
  readonly missing: readonly Uuid[];
}

/** Compares every participating host that has the values of the rule's terms with their means and limits. */
export function evaluate(hosts: readonly Host[], rule: Rule): Evaluation {
  const terms = termsOf(rule);
  const measured: { hostUuid: Uuid; values: number[] }[] = [];
  const missing: Uuid[] = [];
  const means = terms.map((term) => termMean(hosts, term));
  for (const host of hosts) {
    if (!takesPart(host)) continue;
    const values = terms.flatMap((term) => termValue(host, term) ?? []);
    if (values.length < terms.length) missing.push(host.uuid);
    else measured.push({ hostUuid: host.uuid, values });
  }
  const verdicts = measured
    .map(({ hostUuid, values }) => assess(hostUuid, values, terms, means))
    .sort(bySeverity)
    .map(({ severity: _, ...verdict }) => verdict);
  return { rule, mean: means.find((each) => each !== null) ?? null, means, verdicts, missing };
}

/** The mean that the term's limit stands above; null of an absolute condition, and where no host has a value. */
export function termMean(hosts: readonly Host[], term: Term): number | null {
  if (term.condition !== "more than mean") return null;
  return mean(hosts.filter(takesPart).flatMap((host) => termValue(host, term) ?? []));
}

/** What a value is compared with: the limit of the term where the mean is `poolMean`. */
export function termLimit({ condition, amount }: Term, poolMean: number | null): number {
  return condition === "more than mean" ? (poolMean ?? 0) + amount : amount;
}

/** How far `value` is past the term; 0 or less is not past it. */
export function termExcess(term: Term, value: number, poolMean: number | null): number {
  if (term.condition === "below") return excess(-value, 0, -term.amount);
  return excess(value, poolMean === null ? 0 : poolMean, term.amount);
}

/** What an excess is measured by where terms are compared: the threshold, or what stands for it. */
export function termScale({ condition, amount }: Term, poolMean: number | null): number {
  if (amount > 0) return amount;
  const size = condition === "more than mean" ? Math.abs(poolMean ?? 0) : 0;
  return size > 0 ? size : 1;
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

/** A verdict, and how far the host is past the decisive term in its scale: negative where it keeps it. */
export type WeighedVerdict = Verdict & { readonly severity: number };

/** From the most to the least loaded. */
export function bySeverity(a: WeighedVerdict, b: WeighedVerdict): number {
  return b.severity - a.severity || (a.hostUuid < b.hostUuid ? -1 : 1);
}

/** A host's `values` of `terms`, one each, against `means`, which are null of absolute conditions. */
export function assess(
  hostUuid: Uuid,
  values: readonly number[],
  terms: readonly Term[],
  means: readonly (number | null)[],
): WeighedVerdict {
  let [decisive, severity, broken] = [0, Number.POSITIVE_INFINITY, true];
  terms.forEach((term, index) => {
    const [value, poolMean] = [values[index] ?? 0, means[index] ?? null];
    if (termExcess(term, value, poolMean) <= 0) broken = false;
    const over = term.condition === "below" ? term.amount - value : value - termLimit(term, poolMean);
    const share = over / termScale(term, poolMean);
    if (share < severity) [decisive, severity] = [index, share];
  });
  const [value, term] = [values[decisive] ?? 0, terms[decisive]];
  const reference = term?.condition === "more than mean" ? (means[decisive] ?? 0) : (term?.amount ?? 0);
  return { hostUuid, value, deviation: value - reference, broken, term: decisive, values, severity };
}
