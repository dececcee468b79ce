/** Rules in words: as CREATE RULE reads them back, and in the thesis' voice. Pure. */

import { timeText } from "../domain/hours.ts";
import {
  type AnyRule,
  amountText,
  type ChainRule,
  type GreenLimit,
  type GreenRule,
  isGreen,
  isServe,
  isSingle,
  migrationGigabytes,
  type Rule,
  type RuleOptions,
  type ServeRule,
  sumText,
  type Term,
  termsOf,
  termUnit,
  unitOf,
} from "../domain/rule.ts";
import { plural } from "../text/format.ts";

/** The rule as `parseRule` reads it: "CpuAverage > 25 AND CpuAverage ABOVE 60 FOR 5 OF 6". */
export function printRule(rule: Rule): string {
  const terms = termsOf(rule).map(printTerm).join(" AND ");
  return isSingle(rule) ? terms : [terms, ...repeatWords(rule), ...optionWords(rule)].join(" ");
}

/** The rule as CREATE RULE HOST, CREATE RULE GREEN or CREATE RULE SERVE reads it. */
export function ruleWords(rule: AnyRule): string {
  if (isServe(rule)) return printServeRule(rule);
  return isGreen(rule) ? printGreenRule(rule) : printRule(rule);
}

/** The rule as `parseServeRule` reads it: "CPU WORTH 1 CPU-MINUTES PER GB OVER 60 MINUTES". */
export function printServeRule(rule: ServeRule): string {
  const { serve, worth, overMinutes } = rule;
  const words = `${serve} WORTH ${amountText(worth)} CPU-MINUTES PER GB OVER ${overMinutes} MINUTES`;
  return [words, ...optionWords(rule)].join(" ");
}

/** Any rule in words, without its options. */
export function describeAny(rule: AnyRule): string {
  if (isServe(rule)) return describeServeRule(rule);
  return isGreen(rule) ? describeGreenRule(rule) : describeRule(rule);
}

/** "a migration saves more than 1 CPU-minute of waiting in the next 60 minutes for each GB that it copies, and for 5 GB more" */
export function describeServeRule({ worth, overMinutes }: ServeRule): string {
  const minutes = `${amountText(worth)} ${worth === 1 ? "CPU-minute" : "CPU-minutes"}`;
  return `a migration saves more than ${minutes} of waiting in the next ${overMinutes} minutes for each GB that it copies, and for ${migrationGigabytes} GB more`;
}

/** The rule as `parseGreenRule` reads it: "KEEP CpuAverage BELOW 70 % WITH 1 SPARE HOST". */
export function printGreenRule(rule: GreenRule): string {
  const limits = rule.limits.map(printLimit);
  const spare = `WITH ${plural(rule.spareHosts, "SPARE HOST", "SPARE HOSTS")}`;
  return [`KEEP ${limits.join(" AND ")}`, spare, ...optionWords(rule)].join(" ");
}

/** "CpuAverage BELOW 70 %" */
function printLimit(limit: GreenLimit): string {
  return limit.kind === "below"
    ? `${limit.subject} BELOW ${amountText(limit.value)} ${unitOf(limit.subject)}`
    : `MemoryFree ABOVE ${amountText(limit.percent)} %`;
}

const operators: Readonly<Record<Term["condition"], string>> = {
  "more than mean": ">",
  above: "ABOVE",
  below: "BELOW",
};

/** "PifEth0RxKb + PifEth0TxKb > 500" */
export function printTerm(term: Term): string {
  return `${sumText(term)} ${operators[term.condition]} ${amountText(term.amount)}`;
}

function repeatWords({ repeat }: ChainRule): string[] {
  return repeat === null ? [] : [`FOR ${repeat.broken} OF ${repeat.of}`];
}

function optionWords({ between, name, comment, enabled }: RuleOptions): string[] {
  return [
    ...(between === null ? [] : [`BETWEEN ${timeText(between.from)} AND ${timeText(between.to)}`]),
    ...(name === null ? [] : [`NAME ${inQuotes(name)}`]),
    ...(comment === null ? [] : [`COMMENT ${inQuotes(comment)}`]),
    ...(enabled ? [] : ["DISABLED"]),
  ];
}

function inQuotes(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** "CpuAverage is more than 25 % above the medium", the thesis' wording; chains go on with "and". */
export function describeRule(rule: Rule): string {
  return termsOf(rule).map(describeTerm).join(" and ");
}

function describeTerm(term: Term): string {
  const amount = withUnit(term.amount, term);
  if (term.condition === "more than mean") return `${sumText(term)} is more than ${amount} above the medium`;
  return `${sumText(term)} is ${term.condition} ${amount}`;
}

/** "25 %" */
export function withUnit(value: number | string, term: Term): string {
  const unit = termUnit(term);
  const text = typeof value === "number" ? amountText(value) : value;
  return unit === "" ? text : `${text} ${unit}`;
}

/** "CpuAverage is below 70 % and MemoryFree is above 10 % with 1 spare host" */
export function describeGreenRule({ limits, spareHosts }: GreenRule): string {
  const words = limits.map((limit) =>
    limit.kind === "below"
      ? `${limit.subject} is below ${amountText(limit.value)} ${unitOf(limit.subject)}`
      : `MemoryFree is above ${amountText(limit.percent)} %`,
  );
  const spare = plural(spareHosts, "spare host");
  return `${words.join(" and ")} with ${spare}`;
}

/** What is said of a rule beside its condition: name, how often, hours, whether it is disabled; "" for nothing. */
export function describeOptions(rule: RuleOptions & Partial<Pick<ChainRule, "repeat">>): string {
  const { repeat = null, between } = rule;
  return [
    ...(repeat === null ? [] : [`in ${repeat.broken} of ${plural(repeat.of, "sample")}`]),
    ...(between === null ? [] : [`between ${timeText(between.from)} and ${timeText(between.to)}`]),
    ...(rule.enabled ? [] : ["disabled"]),
  ].join(", ");
}

/** "CpuAverage > 25 % and CpuAverage ABOVE 60 %": the condition in short, with its units. */
export function conditionText(rule: Rule): string {
  return termsOf(rule)
    .map((term) => `${sumText(term)} ${operators[term.condition]} ${withUnit(term.amount, term)}`)
    .join(" and ");
}

/** How reports call a rule: by its name, else by what it compares. */
export function ruleTitle(rule: Rule | ServeRule): string {
  if (isServe(rule)) return rule.name ?? `SERVE ${rule.serve}`;
  if (!isSingle(rule) && rule.name !== null) return rule.name;
  return termsOf(rule).map(sumText).join(" with ");
}
