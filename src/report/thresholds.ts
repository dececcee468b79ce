/** What rules allowed above the mean at any time, from the rules as they are and the changes of them. Pure. */
import { isSingle, type Rule, type Subject, subjectFacts, type Term, termsOf } from "../domain/rule.ts";
import { isThesisSubject } from "../domain/subject.ts";
import { parseRule } from "../rules/parse.ts";
import type { LimitStep, RuleChangeFact } from "./facts.ts";

/** The subjects that enabled rules compare with the mean and whose values are kept; CpuAverage first, whether or not. */
export function drawnSubjects(
  rules: readonly Rule[],
  changes: readonly RuleChangeFact[],
): readonly Subject[] {
  const past = changes
    .flatMap(({ before, after }) => [parsed(before), parsed(after)])
    .filter((rule) => rule !== null);
  const named = [...rules, ...past].flatMap(comparedTerms).map(({ subject }) => subject);
  return [...new Set<Subject>(["CpuAverage", ...named])];
}

/**
 * The lowest threshold of an enabled rule for `subject` (null: no rule) at `from` and from each change of it on, the oldest
 * first. `changes` are the newest first, and reach back to `from`; those after `to` are not told.
 */
export function limitSteps(
  subject: Subject,
  { from, to }: { readonly from: number; readonly to: number },
  rules: readonly Rule[],
  changes: readonly RuleChangeFact[],
): readonly LimitStep[] {
  const lowest = (limits: readonly number[]) => (limits.length === 0 ? null : Math.min(...limits));
  // Backwards from now: what a change made is taken away, what it took away is there again.
  let present: readonly number[] = limitsOf(subject, rules);
  const steps: LimitStep[] = [];
  for (const { at, before, after } of changes) {
    if (at <= from) break;
    if (at < to) steps.push({ at, limit: lowest(present) });
    present = [...without(present, limitsIn(subject, after)), ...limitsIn(subject, before)];
  }
  const all = [{ at: from, limit: lowest(present) }, ...steps.reverse()];
  // One that is deleted and made anew is changed.
  const oldestFirst = all.filter(({ at, limit }, index) => {
    const next = all[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    return index === 0 || limit !== null || next - at >= replacedSeconds;
  });
  return oldestFirst.filter(({ limit }, index) => index === 0 || limit !== oldestFirst[index - 1]?.limit);
}

/** A rule that is away for less than that was replaced. */
const replacedSeconds = 60;

/** The limit at `time`; of a time before the first step that of the first. */
export function limitAt(steps: readonly LimitStep[], time: number): number | null {
  return (steps.findLast(({ at }) => at <= time) ?? steps[0])?.limit ?? null;
}

function without(all: readonly number[], gone: readonly number[]): readonly number[] {
  const left = [...all];
  for (const each of gone) {
    const place = left.indexOf(each);
    if (place >= 0) left.splice(place, 1);
  }
  return left;
}

function limitsIn(subject: Subject, written: string | null): readonly number[] {
  const rule = parsed(written);
  return rule === null ? [] : limitsOf(subject, [rule]);
}

function limitsOf(subject: Subject, rules: readonly Rule[]): readonly number[] {
  return rules
    .flatMap(comparedTerms)
    .filter((each) => each.subject === subject)
    .map(({ amount }) => amount);
}

interface ComparedTerm {
  readonly subject: Subject;
  readonly amount: number;
}

/** The terms of an enabled rule that compare one kept subject with the mean. */
function comparedTerms(rule: Rule): readonly ComparedTerm[] {
  if (!isSingle(rule) && !rule.enabled) return [];
  return termsOf(rule).flatMap((term) => comparedTerm(term) ?? []);
}

function comparedTerm({ subjects, condition, amount }: Term): ComparedTerm | null {
  const [subject, second] = subjects;
  if (condition !== "more than mean" || subject === undefined || second !== undefined) return null;
  if (!isThesisSubject(subject) || subjectFacts[subject].sampled === null) return null;
  return { subject, amount };
}

function parsed(written: string | null): Rule | null {
  if (written === null) return null;
  // What is no rule about hosts that balance, such as a green one, compares nothing with the mean.
  const rule = parseRule(written);
  return "kind" in rule ? null : rule;
}
