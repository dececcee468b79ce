/** What rules allowed above the mean at any time, from the rules as they are and the changes of them. Pure. */
import { isSingle, type Rule, type Subject, subjectFacts, type Term, termsOf } from "../domain/rule.ts";
import { isThesisSubject } from "../domain/subject.ts";
import { parseRule } from "../rules/parse.ts";
import type { RuleChangeFact } from "./facts.ts";

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
 * The lowest threshold of an enabled rule for `subject` at each of `times` (seconds since 1970), null where there was no
 * rule. `changes` are the newest first, and reach back to the earliest of `times`.
 */
export function thresholdsAt(
  subject: Subject,
  times: readonly number[],
  rules: readonly Rule[],
  changes: readonly RuleChangeFact[],
): readonly (number | null)[] {
  return times.map((time) => {
    // Backwards from now: what a change made is taken away, what it took away is there again.
    let present: readonly number[] = limitsOf(subject, rules);
    for (const { at, before, after } of changes) {
      if (at <= time) break;
      present = [...without(present, limitsIn(subject, after)), ...limitsIn(subject, before)];
    }
    return present.length === 0 ? null : Math.min(...present);
  });
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

/** Whether one of them compares hosts with the mean of a measure that is kept. */
export function compareWithMean(rules: readonly Rule[]): boolean {
  return rules.some((rule) => comparedTerms(rule).length > 0);
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
