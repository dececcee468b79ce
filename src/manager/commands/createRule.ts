/** CREATE RULE HOST and CREATE RULE GREEN: in one line, or by the thesis' dialogue. */

import { AppError } from "../../domain/errors.ts";
import {
  type AnyRule,
  type AnySubject,
  asSingle,
  chainOf,
  type GreenRule,
  namedSubjects,
  parseAnySubject,
  type Rule,
  type ServeRule,
  subjects,
  type Term,
  unitOf,
} from "../../domain/rule.ts";
import { nonsenseOf } from "../../rules/lint.ts";
import { parseGreenRule, parseRule, parseServeRule, readAmount, readSubjects } from "../../rules/parse.ts";
import { describeRule } from "../../rules/print.ts";
import type { Database } from "../../store/connection.ts";
import {
  type StoredRule,
  createGreenRule as storeGreenRule,
  createHostRule as storeHostRule,
  createServeRule as storeServeRule,
} from "../../store/ruleChanges.ts";
import { listRules } from "../../store/rules.ts";
import { type Command, type CommandRecord, command, type ManagerContext } from "../command.ts";
import { askUntil, askYesNo, readYesNo, refuseDialogue } from "../dialogue.ts";
import { notesOn, notesOnServing } from "../ruleNotes.ts";
import { completeRule } from "../ruleReference.ts";
import { ruleSentence, storedRuleObject } from "../ruleText.ts";
import type { Talk } from "../talk.ts";
import { problem, type TextProblem } from "../words.ts";

/** `notes` are what an administrator may not have meant. */
export interface Created {
  readonly rule: StoredRule<AnyRule>;
  readonly notes: readonly string[];
}

const shown: Pick<CommandRecord<unknown, Created>, "text" | "json" | "hints"> = {
  text: () => ["Rule created"],
  json: ({ rule }) => ({ created: storedRuleObject(rule) }),
  hints: ({ notes }) => notes,
};

/** Without a rule the dialogue asks for it. */
export const createHostRule: Command<Rule | null, Created> = command({
  ...shown,
  words: "CREATE RULE HOST",
  usage: "CREATE RULE HOST [Subject > N]",
  help: [
    ["CREATE RULE HOST", "asks for a new rule"],
    [
      "CREATE RULE HOST Subject > N",
      "the same without questions; Subject is PifEth0RxKb, PifEth0TxKb,",
      "OccupiedMemoryMb or CpuAverage: more than N above the pool's mean",
    ],
    "CREATE RULE HOST CpuAverage > 25",
    [
      "CREATE RULE HOST sum > N AND ...",
      "a chain: acts on hosts that are past all its terms; SHOW SUBJECTS lists what",
      "may be added up and compared; ABOVE N and BELOW N are of the host itself",
    ],
    "CREATE RULE HOST CpuAverage > 25 AND OccupiedMemoryMb > 200",
    "CREATE RULE HOST PifEth0RxKb + PifEth0TxKb > 500 AND CpuAverage ABOVE 60",
    ["  ... FOR 5 OF 6", "only where 5 of the last 6 samples say so"],
    ["  ... BETWEEN 22:00 AND 06:00", "only in these hours"],
    ['  ... NAME "x" COMMENT "y" DISABLED', "what it is called, why it is there, that it does nothing yet"],
  ],
  complete: completeRule("HOST"),
  read: (rest) => (rest === "" ? null : parseRule(rest)),
  run: (context, rule) => {
    if (rule !== null) return createAtOnce(context, rule);
    refuseDialogue(context, "CREATE RULE HOST Subject > N");
    return createByDialogue(context);
  },
});

/** A rule that consolidates VMs. */
export const createGreenRule: Command<GreenRule, Created> = command({
  ...shown,
  words: "CREATE RULE GREEN",
  usage: "CREATE RULE GREEN KEEP ...",
  help: [
    [
      "CREATE RULE GREEN KEEP limits [WITH N SPARE HOSTS] [BETWEEN ...]",
      "gathers VMs on few hosts such that each of them keeps the limits",
    ],
    "CREATE RULE GREEN KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 1 SPARE HOST",
  ],
  complete: completeRule("GREEN"),
  read: parseGreenRule,
  run: async ({ db, operator }, rule) => ({ rule: await storeGreenRule(db, rule, operator), notes: [] }),
});

/** A rule that serves VMs. */
export const createServeRule: Command<ServeRule, Created> = command({
  ...shown,
  words: "CREATE RULE SERVE",
  usage: "CREATE RULE SERVE CPU ...",
  help: [
    [
      "CREATE RULE SERVE CPU [WORTH N CPU-MINUTES PER GB] [OVER N MINUTES] [BETWEEN ...]",
      "moves VMs that wait for CPUs, or soon will, where they get them: each GB that is copied,",
      "and 5 more, must save more than N minutes of waiting (1) in the time ahead (60 minutes)",
    ],
    "CREATE RULE SERVE CPU",
  ],
  complete: completeRule("SERVE"),
  read: parseServeRule,
  run: async ({ db, operator }, rule) => ({
    rule: await storeServeRule(db, rule, operator),
    notes: await notesOnServing(db, rule),
  }),
});

/** Creates `rule`. Throws AppError conflict, naming the threshold in force, where the subject has a rule already. */
async function createAtOnce({ db, operator }: ManagerContext, rule: Rule): Promise<Created> {
  await refuseExisting(db, rule);
  const stored = await storeHostRule(db, rule, operator);
  return { rule: stored, notes: await notesOn(db, rule) };
}

/** Asks for a rule and creates it once it is confirmed. Prints what the thesis prints, and nothing after a Y. */
async function createByDialogue({ db, talk, operator }: ManagerContext): Promise<null> {
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
    return null;
  }
  await storeHostRule(db, rule, operator);
  for (const note of await notesOn(db, rule)) talk.note(note);
  return null;
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

function readNextSum(answer: string): readonly AnySubject[] | TextProblem {
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
