/** ENABLE RULE and DISABLE RULE: a rule of any kind. */

import type { AnyRule } from "../../domain/rule.ts";
import { type StoredRule, switchRule, type WantedRule } from "../../store/ruleChanges.ts";
import { type Command, command, type HelpEntry } from "../command.ts";
import { completeReference, readReference } from "../ruleReference.ts";
import { storedRuleObject } from "../ruleText.ts";
import { problem } from "../words.ts";

export interface SwitchedRule {
  readonly rule: StoredRule<AnyRule>;
  readonly changed: boolean;
}

const help: readonly HelpEntry[] = [
  ["DISABLE RULE rule, ENABLE RULE rule", "it does nothing until it is enabled again"],
];

export const enableRule: Command<WantedRule, SwitchedRule> = switchTo(true);
export const disableRule: Command<WantedRule, SwitchedRule> = switchTo(false);

function switchTo(enabled: boolean): Command<WantedRule, SwitchedRule> {
  const words = enabled ? "ENABLE RULE" : "DISABLE RULE";
  return command({
    words,
    usage: `${words} rule`,
    help,
    complete: completeReference(),
    read: (rest) =>
      rest === ""
        ? problem(`${words} which? Write its subject, its number or its name.`)
        : readReference(rest),
    run: async ({ db, operator }, wanted) => {
      const { after, changed } = await switchRule(db, wanted, enabled, operator);
      return { rule: after, changed };
    },
    text: ({ rule }) => [isEnabled(rule.rule) ? "Rule enabled" : "Rule disabled"],
    json: ({ rule, changed }) => ({ switched: storedRuleObject(rule), changed }),
    hints: ({ changed }) => (changed ? [] : ["It was so already."]),
  });
}

function isEnabled(rule: AnyRule): boolean {
  return "enabled" in rule ? rule.enabled : true;
}
