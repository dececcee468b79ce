/** Rules as objects for JSON, and back. Pure. */
import { timeText } from "../domain/hours.ts";
import {
  type AnyRule,
  type GreenRule,
  isGreen,
  isServe,
  isSingle,
  parseSubject,
  type Rule,
  type RuleOptions,
  type ServeRule,
  termUnit,
  unitOf,
} from "../domain/rule.ts";
import { parseRule } from "./parse.ts";
import { printGreenRule, printRule, printServeRule } from "./print.ts";

/** The thesis' rule with its unit; of any other `text` is what CREATE RULE HOST reads. */
export function ruleObject(rule: Rule): Readonly<Record<string, unknown>> {
  if (isSingle(rule)) {
    return { subject: rule.subject, threshold: rule.threshold, unit: unitOf(rule.subject) };
  }
  return {
    text: printRule(rule),
    terms: rule.terms.map((term) => ({ ...term, unit: termUnit(term) })),
    repeat: rule.repeat,
    ...optionsObject(rule),
  };
}

/** A rule that gathers VMs; `text` is what CREATE RULE GREEN reads. */
export function greenRuleObject(rule: GreenRule): Readonly<Record<string, unknown>> {
  const { limits, spareHosts } = rule;
  return { text: printGreenRule(rule), limits, spareHosts, ...optionsObject(rule) };
}

/** A rule that serves VMs; `text` is what CREATE RULE SERVE reads. */
export function serveRuleObject(rule: ServeRule): Readonly<Record<string, unknown>> {
  const { serve, worth, overMinutes } = rule;
  return { text: printServeRule(rule), serve, worth, overMinutes, ...optionsObject(rule) };
}

/** A rule of any kind. */
export function anyRuleObject(rule: AnyRule): Readonly<Record<string, unknown>> {
  if (isServe(rule)) return serveRuleObject(rule);
  return isGreen(rule) ? greenRuleObject(rule) : ruleObject(rule);
}

function optionsObject({ between, name, comment, enabled }: RuleOptions) {
  const hours = between === null ? null : { from: timeText(between.from), to: timeText(between.to) };
  return { between: hours, name, comment, enabled };
}

/** The rule that `ruleObject` made, or null. */
export function ruleFromObject(value: Readonly<Record<string, unknown>>): Rule | null {
  const { subject: written, threshold, text } = value;
  if (typeof text === "string") {
    const rule = parseRule(text);
    return "kind" in rule ? null : rule;
  }
  const subject = typeof written === "string" ? parseSubject(written) : null;
  return subject === null || typeof threshold !== "number" ? null : { subject, threshold };
}
