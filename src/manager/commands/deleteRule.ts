/** DELETE RULE HOST and DELETE RULE GREEN: in one line, or rule by rule with the thesis' question. */

import type { AnyRule } from "../../domain/rule.ts";
import type { Database } from "../../store/connection.ts";
import {
  deleteRuleOfKind,
  deleteRules,
  type RuleKind,
  type StoredRule,
  type WantedRule,
} from "../../store/ruleChanges.ts";
import { listAddedRules, listRules } from "../../store/rules.ts";
import type { ManagerContext } from "../context.ts";
import { askYesNo } from "../dialogue.ts";
import { ruleItem, rulesHeading } from "../renderRules.ts";
import type { Result } from "../result.ts";
import { bySubject } from "./showRules.ts";

/** Deletes one rule of the kind. Throws AppError not-found where there is none. */
export async function deleteRuleOf(
  { db, operator }: ManagerContext,
  kind: RuleKind,
  wanted: WantedRule,
): Promise<Result> {
  return { kind: "deleted", rules: [await deleteRuleOfKind(db, kind, wanted, operator)] };
}

/** Deletes all rules of the kind. */
export async function deleteAllRules({ db, operator }: ManagerContext, kind: RuleKind): Promise<Result> {
  return { kind: "deleted", rules: await deleteRules(db, await rulesOf(db, kind), operator) };
}

/**
 * Asks for each rule and deletes the chosen ones after the last answer: a dialogue that breaks off changes nothing.
 */
export async function deleteRuleByDialogue({ db, talk, operator }: ManagerContext): Promise<Result> {
  const chosen: StoredRule<AnyRule>[] = [];
  for (const line of rulesHeading) talk.print(line);
  for (const stored of await rulesOf(db, "HOST")) {
    for (const line of ruleItem(stored)) talk.print(line);
    if (await askYesNo(talk, "Do you want to delete this rule?")) chosen.push(stored);
  }
  return { kind: "deleted", rules: await deleteRules(db, chosen, operator) };
}

/** As they are listed. */
async function rulesOf(db: Database, kind: RuleKind): Promise<readonly StoredRule<AnyRule>[]> {
  const added = await listAddedRules(db);
  if (kind === "GREEN") return added.green;
  const singles = bySubject(await listRules(db)).map((rule) => ({ id: null, rule }));
  return [...singles, ...added.chains];
}
