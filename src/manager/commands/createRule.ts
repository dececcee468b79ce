/** CREATE RULE HOST: in one line, or by the thesis' dialogue. */

import { AppError } from "../../errors.ts";
import { describeRule, type Rule, type Subject, subjects, subjectUnit } from "../../rule.ts";
import type { Database } from "../../store/connection.ts";
import { createRule, listRules } from "../../store/rules.ts";
import type { ManagerContext, Talk } from "../context.ts";
import { askUntil, askYesNo } from "../dialogue.ts";
import { readSubject, readThreshold } from "../parse.ts";
import { ruleSentence } from "../render.ts";
import type { Result } from "../result.ts";

/** Creates `rule`. Throws AppError conflict, naming the threshold in force, where the subject has a rule already. */
export async function createRuleAtOnce(db: Database, rule: Rule): Promise<Result> {
  await refuseExisting(db, rule.subject);
  await createRule(db, rule);
  return { kind: "created", rule };
}

/** Asks for a rule and creates it once it is confirmed. Prints what the thesis prints, and nothing after a Y. */
export async function createRuleByDialogue({ db, talk }: ManagerContext): Promise<void> {
  talk.print("Add a new Host Rule (Pool wide):");
  talk.print("");
  const subject = await askSubject(talk);
  await refuseExisting(db, subject);
  const threshold = await askThreshold(talk, subject);
  const rule: Rule = { subject, threshold };
  talk.print("above the medium migrate vms to the less loaded host");
  talk.print("");
  talk.print(ruleSentence(rule));
  if (await askYesNo(talk, "Confirm ?")) await createRule(db, rule);
  else talk.print("No rule created");
}

function askSubject(talk: Talk): Promise<Subject> {
  const question = { text: `When [${subjects.join("/")}]:\n`, suggestions: subjects };
  return askUntil(talk, question, readSubject);
}

function askThreshold(talk: Talk, subject: Subject): Promise<number> {
  const question = { text: `Is more than [${subjectUnit[subject]}]:\n`, suggestions: [] };
  return askUntil(talk, question, (answer) => readThreshold(subject, answer));
}

async function refuseExisting(db: Database, subject: Subject): Promise<void> {
  const existing = (await listRules(db)).find((rule) => rule.subject === subject);
  if (existing === undefined) return;
  throw new AppError(
    "conflict",
    `There is a rule already: ${describeRule(existing)}. To change it, DELETE RULE HOST ${subject} first.`,
  );
}
