/** Rules and their changes as lines, in the thesis' voice. Pure; names and comments come out escaped. */

import { type AnyRule, isGreen, isSingle, type Rule } from "../domain/rule.ts";
import { describeGreenRule, describeOptions, describeRule } from "../rules/print.ts";
import type { RuleChange, StoredRule } from "../store/ruleChanges.ts";
import { figure, plural } from "../text/format.ts";
import { printable } from "../text/text.ts";
import { timestamp } from "./layout.ts";
import type { Result, SubjectFigures } from "./result.ts";

/** The blank line is the program's, not the paper's. */
export const rulesHeading: readonly string[] = ["Rules - Balance host when:", ""];

/** SHOW RULES HOST. */
export function rulesLines({ rules, chains }: Extract<Result, { kind: "rules" }>): string[] {
  const singles = rules.map((rule) => ({ id: null, rule }));
  return [...rulesHeading, ...[...singles, ...chains].flatMap(ruleItem)];
}

/** SHOW RULES GREEN. */
export function greenRulesLines({ rules }: Extract<Result, { kind: "green-rules" }>): string[] {
  return ["Rules - Gather vms on few hosts while:", "", ...rules.flatMap(ruleItem)];
}

/** One rule in a list of rules; a comment stands on a line of its own. */
export function ruleItem({ id, rule }: StoredRule<AnyRule>): string[] {
  const condition = isGreen(rule) ? describeGreenRule(rule) : describeRule(rule);
  if (!("enabled" in rule)) return [`- ${condition}`];
  const options = describeOptions(rule);
  const name = rule.name === null ? "" : ` ${printable(rule.name)}`;
  const comment = rule.comment === null ? [] : [`  ${printable(rule.comment)}`];
  return [`- ${condition} (rule ${id}${name}${options === "" ? "" : `, ${options}`})`, ...comment];
}

/** The rule as CREATE RULE HOST reads it back before it asks for the confirmation. */
export function ruleSentence(rule: Rule): string {
  return `When ${describeRule(rule)} migrate to the less loaded host`;
}

/** SHOW RULE HISTORY: when, who, what, and the rule before and after. */
export function historyLines({ changes }: Extract<Result, { kind: "rule-history" }>): string[] {
  return changes.map((change) => printable(historyLine(change)));
}

const verbs: Readonly<Record<RuleChange["action"], string>> = {
  create: "created",
  alter: "altered",
  enable: "enabled",
  disable: "disabled",
  delete: "deleted",
};

function historyLine({ at, by, action, kind, id, before, after }: RuleChange): string {
  const which = id === null ? "a rule" : `rule ${id}`;
  const what = [before, after].filter((text) => text !== null).join(" -> ");
  return `- ${timestamp(at)} - ${by === "" ? "-" : by} - ${verbs[action]} ${which} ${kind}: ${what}`;
}

/** SHOW SUBJECTS: unit, and the pool's mean by the last collection. */
export function subjectLines({ subjects }: Extract<Result, { kind: "subjects" }>): string[] {
  return subjects.map((each) => printable(subjectLine(each)));
}

function subjectLine({ subject, unit, mean, hosts, of }: SubjectFigures): string {
  const inUnit = unit === "" ? "" : ` ${unit}`;
  const head = `- ${subject} - ${unit === "" ? "-" : unit}`;
  if (mean === null) return `${head} - no host has a value`;
  const some = hosts === of ? plural(of, "host") : `${hosts} of ${plural(of, "host")}`;
  return `${head} - mean ${figure(mean)}${inUnit} of ${some}`;
}

/** What a rule is called after it was enabled or disabled. */
export function switchedWord({ rule }: StoredRule<AnyRule>): string {
  const enabled = isGreen(rule) || !isSingle(rule) ? rule.enabled : true;
  return enabled ? "Rule enabled" : "Rule disabled";
}
