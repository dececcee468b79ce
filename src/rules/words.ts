/** Rules and hosts' values in the words of reports: a thesis' rule by its subject alone, a chain by all its terms. Pure. */
import type { Evaluation, Verdict } from "../domain/deviation.ts";
import { termLimit } from "../domain/deviation.ts";
import {
  amountText,
  isServe,
  isSingle,
  type Rule,
  type ServeRule,
  sumText,
  type Term,
  termsOf,
  termUnit,
} from "../domain/rule.ts";
import { figure } from "../text/format.ts";
import { describeOptions, ruleTitle, withUnit } from "./print.ts";

/** The term that figures of a rule are of. */
export function termOf(rule: Rule, index = 0): Term {
  const term = termsOf(rule)[index];
  if (term === undefined) throw new Error(`a rule without term ${index}`);
  return term;
}

/** "25 %" of a value in the term's unit. */
export function inUnit(value: number, term: Term): string {
  return withUnit(figure(value), term);
}

/** "Rule CpuAverage more than 25 % above the mean"; of a chain "Rule night: CpuAverage more than ... and ..." */
export function ruleHead(rule: Rule | ServeRule): string {
  if (isServe(rule)) {
    const options = describeOptions({ ...rule, enabled: true });
    return `Rule ${ruleTitle(rule)}${options === "" ? "" : ` (${options})`}`;
  }
  const conditions = termsOf(rule).map(conditionWords).join(" and ");
  if (isSingle(rule)) return `Rule ${conditions}`;
  const options = describeOptions({ ...rule, enabled: true });
  const name = rule.name === null ? "" : `${rule.name}: `;
  return `Rule ${name}${conditions}${options === "" ? "" : ` (${options})`}`;
}

function conditionWords(term: Term): string {
  const amount = withUnit(amountText(term.amount), term);
  if (term.condition === "more than mean") return `${sumText(term)} more than ${amount} above the mean`;
  return `${sumText(term)} ${term.condition} ${amount}`;
}

/** "mean 50 %, limit 75"; of a chain each term that is compared with a mean, with its subjects. */
export function limitsText({ rule, means }: Evaluation): string {
  const each = termsOf(rule).flatMap((term, index) => {
    const poolMean = means[index] ?? null;
    if (poolMean === null) return [];
    const subject = isSingle(rule) ? "" : `${sumText(term)} `;
    return [`${subject}mean ${inUnit(poolMean, term)}, limit ${figure(termLimit(term, poolMean))}`];
  });
  return each.length === 0 ? "no mean decides" : each.join("; ");
}

/** "90 (+40)"; of a chain "CpuAverage 90 (+40), MemoryFreeMb 300". */
export function valuesText({ rule, means }: Evaluation, { values }: Pick<Verdict, "values">): string {
  return termsOf(rule)
    .map((term, index) => {
      const [value, poolMean] = [values[index] ?? 0, means[index] ?? null];
      const subject = isSingle(rule) ? "" : `${sumText(term)} `;
      return `${subject}${figure(value)}${poolMean === null ? "" : ` (${signed(value - poolMean)})`}`;
    })
    .join(", ");
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${figure(value)}`;
}

/** "mean 50 %, allowed 25 above it"; of an absolute condition "allowed up to 60 %". */
export function allowedText(term: Term, poolMean: number): string {
  const amount = amountText(term.amount);
  switch (term.condition) {
    case "more than mean":
      return `mean ${inUnit(poolMean, term)}, allowed ${amount} above it`;
    case "above":
      return `allowed up to ${withUnit(amount, term)}`;
    case "below":
      return `allowed from ${withUnit(amount, term)} on`;
    default:
      return term.condition satisfies never;
  }
}

/** "40 % above the mean of CpuAverage (allowed 25)"; of an absolute condition "at 70 % of CpuAverage (allowed up to 60)". */
export function overText(term: Term, value: number, poolMean: number): string {
  const amount = amountText(term.amount);
  if (term.condition === "more than mean") {
    return `${inUnit(value - poolMean, term)} above the mean of ${sumText(term)} (allowed ${amount})`;
  }
  const allowed = term.condition === "above" ? `up to ${amount}` : `from ${amount} on`;
  return `at ${inUnit(value, term)} of ${sumText(term)} (allowed ${allowed})`;
}

/** What a chain adds where one of its terms is told: that it is past the others too. "" of a rule of one term. */
export function othersText(rule: Rule): string {
  return termsOf(rule).length > 1 ? ` and past every other term of ${ruleTitle(rule)}` : "";
}

/** "CpuAverage", "the rule night": what a sentence calls a rule. */
export function calledRule(rule: Rule): string {
  return !isSingle(rule) && rule.name !== null ? `the rule ${rule.name}` : ruleTitle(rule);
}

/** The unit that the figures of a move are in. */
export function unitOfTerm(rule: Rule, index = 0): string {
  return termUnit(termOf(rule, index));
}
