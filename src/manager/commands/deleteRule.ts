/** DELETE RULE HOST: in one line, or rule by rule with the thesis' question. */

import { AppError } from "../../errors.ts";
import type { Rule, Subject } from "../../rule.ts";
import type { Database } from "../../store/connection.ts";
import { deleteRule, listRules } from "../../store/rules.ts";
import type { ManagerContext } from "../context.ts";
import { askYesNo } from "../dialogue.ts";
import { ruleItem, rulesHeading } from "../render.ts";
import type { Result } from "../result.ts";

/** Deletes the rule of `subject`, or all rules. Throws AppError not-found where `subject` has none. */
export async function deleteRuleAtOnce(db: Database, subject: Subject | "all"): Promise<Result> {
  const rules = (await listRules(db)).filter((rule) => subject === "all" || rule.subject === subject);
  if (subject !== "all" && rules.length === 0) {
    throw new AppError("not-found", `There is no rule for ${subject}. SHOW RULES HOST lists the rules.`);
  }
  return { kind: "deleted", rules: await deleteAll(db, rules) };
}

/**
 * Asks for each rule and deletes the chosen ones after the last answer: a dialogue that breaks off changes nothing.
 */
export async function deleteRuleByDialogue({ db, talk }: ManagerContext): Promise<Result> {
  const chosen: Rule[] = [];
  for (const line of rulesHeading) talk.print(line);
  const rules = await listRules(db);
  for (const rule of rules) {
    talk.print(ruleItem(rule));
    if (await askYesNo(talk, "Do you want to delete this rule?")) chosen.push(rule);
  }
  return { kind: "deleted", rules: await deleteAll(db, chosen) };
}

/** The rules of `rules` that were still there. */
async function deleteAll(db: Database, rules: readonly Rule[]): Promise<Rule[]> {
  const deleted: Rule[] = [];
  for (const rule of rules) {
    if (await deleteRule(db, rule.subject)) deleted.push(rule);
  }
  return deleted;
}
