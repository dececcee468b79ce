/** ALTER RULE, ENABLE RULE and DISABLE RULE. */

import { type AnyRule, isGreen } from "../../domain/rule.ts";
import { alterRule, switchRule, type WantedRule } from "../../store/ruleChanges.ts";
import type { ManagerContext } from "../context.ts";
import type { Result } from "../result.ts";
import { notesOn } from "./ruleNotes.ts";

/** Puts `to` in the place of a rule of the same kind. Throws AppError not-found and conflict. */
export async function alterRuleTo(
  { db, operator }: ManagerContext,
  wanted: WantedRule,
  to: AnyRule,
): Promise<Result> {
  const { before, after } = await alterRule(db, wanted, to, operator);
  const notes = isGreen(after.rule) ? [] : await notesOn(db, after.rule);
  return { kind: "altered", before, after, notes };
}

/** Enables or disables a rule of any kind. Throws AppError not-found and conflict. */
export async function switchRuleTo(
  { db, operator }: ManagerContext,
  wanted: WantedRule,
  enabled: boolean,
): Promise<Result> {
  const { after, changed } = await switchRule(db, wanted, enabled, operator);
  return { kind: "switched", rule: after, changed };
}
