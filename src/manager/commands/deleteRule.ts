/** DELETE RULE HOST: in one line, or rule by rule with the thesis' question. */

import { AppError } from "../../errors.ts";
import type { Rule, Subject } from "../../rule.ts";
import type { Database } from "../../store/connection.ts";
import { deleteRule, listRules } from "../../store/rules.ts";
import type { ManagerContext } from "../context.ts";
import { askYesNo } from "../dialogue.ts";
import { ruleItem, rulesHeading } from "../render.ts";
import type { Result } from "../result.ts";
import { bySubject } from "./show.ts";

/** Deletes the rule of `subject`. Throws AppError not-found where it has none. */
export async function deleteRuleOf(db: Database, subject: Subject): Promise<Result> {
  if (await deleteRule(db, subject)) return { kind: "deleted", subjects: [subject] };
  throw new AppError("not-found", `There is no rule for ${subject}. SHOW RULES HOST lists the rules.`);
}

/** Deletes all rules. */
export async function deleteAllRules(db: Database): Promise<Result> {
  return { kind: "deleted", subjects: await deleteAll(db, bySubject(await listRules(db))) };
}

/**
 * Asks for each rule and deletes the chosen ones after the last answer: a dialogue that breaks off changes nothing.
 */
export async function deleteRuleByDialogue({ db, talk }: ManagerContext): Promise<Result> {
  const chosen: Rule[] = [];
  for (const line of rulesHeading) talk.print(line);
  const rules = bySubject(await listRules(db));
  for (const rule of rules) {
    talk.print(ruleItem(rule));
    if (await askYesNo(talk, "Do you want to delete this rule?")) chosen.push(rule);
  }
  return { kind: "deleted", subjects: await deleteAll(db, chosen) };
}

/** The subjects of those of `rules` that were still there. */
async function deleteAll(db: Database, rules: readonly Rule[]): Promise<Subject[]> {
  const deleted: Subject[] = [];
  for (const { subject } of rules) {
    if (await deleteRule(db, subject)) deleted.push(subject);
  }
  return deleted;
}
