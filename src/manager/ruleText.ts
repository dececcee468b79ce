/** Rules as lines, in the thesis' voice, and as JSON. Pure; names and comments come out escaped. */

import type { AnyRule, Rule } from "../domain/rule.ts";
import { anyRuleObject } from "../rules/json.ts";
import { describeAny, describeOptions, describeRule } from "../rules/print.ts";
import type { StoredRule } from "../store/ruleChanges.ts";
import { printable } from "../text/text.ts";
import { type ShownTable, tableOf } from "./table.ts";

/** The blank line is the program's, not the paper's. */
export const rulesHeading: readonly string[] = ["Rules - Balance host when:", ""];

/** One rule in a list of rules; a comment stands on a line of its own. */
export function ruleItem({ id, rule }: StoredRule<AnyRule>): string[] {
  const condition = describeAny(rule);
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

/** A rule with its number, where it has one. */
export function storedRuleObject({ id, rule }: StoredRule<AnyRule>): object {
  const object = anyRuleObject(rule);
  return id === null ? object : { id, ...object };
}

/** The rules as a table; a rule of HostRule has neither number nor options. */
export function ruleTable(rules: readonly StoredRule<AnyRule>[]): ShownTable {
  const optionsOf = (rule: AnyRule) => ("enabled" in rule ? rule : null);
  return tableOf(
    {
      Number: ({ id }) => id,
      Name: ({ rule }) => optionsOf(rule)?.name ?? null,
      Rule: ({ rule }) => describeAny(rule),
      Options: ({ rule }) => ("enabled" in rule ? describeOptions(rule) : ""),
      Enabled: ({ rule }) => optionsOf(rule)?.enabled ?? true,
      Comment: ({ rule }) => optionsOf(rule)?.comment ?? null,
    },
    rules,
  );
}
