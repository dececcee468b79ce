/** CREATE RULE HOST and CREATE RULE GREEN: in one line, or by the thesis' dialogue. */

import { AppError } from "../../domain/errors.ts";
import {
  type AnySubject,
  asSingle,
  chainOf,
  type GreenRule,
  namedSubjects,
  parseAnySubject,
  type Rule,
  subjects,
  type Term,
  unitOf,
} from "../../domain/rule.ts";
import { nonsenseOf } from "../../rules/lint.ts";
import { readAmount, readSubjects } from "../../rules/parse.ts";
import { describeRule } from "../../rules/print.ts";
import type { Database } from "../../store/connection.ts";
import { createGreenRule, createHostRule } from "../../store/ruleChanges.ts";
import { listRules } from "../../store/rules.ts";
import type { ManagerContext, Talk } from "../context.ts";
import { askUntil, askYesNo, readYesNo } from "../dialogue.ts";
import { ruleSentence } from "../renderRules.ts";
import type { Result } from "../result.ts";
import { type Problem, problem } from "../words.ts";
import { notesOn } from "./ruleNotes.ts";

/** Creates `rule`. Throws AppError conflict, naming the threshold in force, where the subject has a rule already. */
export async function createRuleAtOnce({ db, operator }: ManagerContext, rule: Rule): Promise<Result> {
  await refuseExisting(db, rule);
  const stored = await createHostRule(db, rule, operator);
  return { kind: "created", rule: stored, notes: await notesOn(db, rule) };
}

/** Creates a rule that consolidates VMs. Throws AppError conflict where another acts at the same time. */
export async function createGreenRuleAtOnce(
  { db, operator }: ManagerContext,
  rule: GreenRule,
): Promise<Result> {
  return { kind: "created", rule: await createGreenRule(db, rule, operator), notes: [] };
}

/** Asks for a rule and creates it once it is confirmed. Prints what the thesis prints, and nothing after a Y. */
export async function createRuleByDialogue({ db, talk, operator }: ManagerContext): Promise<void> {
  talk.print("Add a new Host Rule (Pool wide):");
  talk.print("");
  const first = await askSum(talk);
  await refuseExisting(db, chainOf([{ subjects: first, condition: "more than mean", amount: 0 }]));
  const terms = [await askTerm(talk, first)];
  for (;;) {
    const next = await askNextSum(talk);
    if (next.length === 0) break;
    terms.push(await askTerm(talk, next));
  }
  const rule = ruleOf(terms);
  talk.print("above the medium migrate vms to the less loaded host");
  talk.print("");
  talk.print(ruleSentence(rule));
  if (!(await askYesNo(talk, "Confirm ?"))) {
    talk.print("No rule created");
    return;
  }
  await createHostRule(db, rule, operator);
  for (const note of await notesOn(db, rule)) talk.note(note);
}

/** @throws AppError "usage" for terms that make no rule together. */
function ruleOf(terms: readonly Term[]): Rule {
  const chain = chainOf(terms);
  const single = asSingle(chain);
  const nonsense = single === null ? nonsenseOf(chain) : null;
  if (nonsense !== null) throw new AppError("usage", `${nonsense} Nothing was changed.`);
  return single ?? chain;
}

function askSum(talk: Talk): Promise<readonly AnySubject[]> {
  const question = { text: `When [${subjects.join("/")}]:\n`, suggestions: namedSubjects };
  return askUntil(talk, question, readSubjects);
}

/** The next term's subjects; none for an end. A script of old answers this question's confirmation at once. */
function askNextSum(talk: Talk): Promise<readonly AnySubject[]> {
  const question = {
    text: "And when [subjects, or nothing]:\n",
    suggestions: namedSubjects,
    isForTheNext: (answer: string) => answer.trim() !== "" && !beginsWithSubject(answer),
  };
  return askUntil(talk, question, readNextSum);
}

function readNextSum(answer: string): readonly AnySubject[] | Problem {
  if (answer.trim() === "") return [];
  // Who confirms at once wants no further term.
  return typeof readYesNo(answer) === "boolean"
    ? problem("Write a subject, or press Enter alone: the question whether to confirm follows.")
    : readSubjects(answer);
}

function beginsWithSubject(answer: string): boolean {
  const [first = ""] = answer.trim().split(/[\s+]/, 1);
  return parseAnySubject(first) !== null;
}

async function askTerm(talk: Talk, sum: readonly AnySubject[]): Promise<Term> {
  const [first] = sum;
  const unit = first === undefined ? "" : unitOf(first);
  const question = { text: `Is more than [${unit}]:\n`, suggestions: [] };
  const amount = await askUntil(talk, question, (answer) => readAmount(sum, answer));
  return { subjects: sum, condition: "more than mean", amount };
}

async function refuseExisting(db: Database, rule: Rule): Promise<void> {
  const single = asSingle(rule);
  const existing = (await listRules(db)).find((each) => each.subject === single?.subject);
  if (existing === undefined) return;
  throw new AppError(
    "conflict",
    `There is a rule already: ${describeRule(existing)}. To change it, ALTER RULE HOST ${existing.subject} > N, or DELETE RULE HOST ${existing.subject} first.`,
  );
}
