/** DELETE RULE HOST, DELETE RULE GREEN and DELETE RULE SERVE: in one line, or rule by rule with the thesis' question. */

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
import {
  type Command,
  type CommandRecord,
  command,
  type HelpEntry,
  type ManagerContext,
} from "../command.ts";
import { askYesNo, refuseDialogue } from "../dialogue.ts";
import { completeReference, readReference } from "../ruleReference.ts";
import { ruleItem, rulesHeading } from "../ruleText.ts";
import { problem, type TextProblem } from "../words.ts";
import { bySubject } from "./rules.ts";

type Deleted = readonly StoredRule<AnyRule>[];
type Wanted = WantedRule | "all";

const help: readonly HelpEntry[] = [
  ["DELETE RULE HOST", "asks for each rule whether to delete it"],
  ["DELETE RULE HOST|GREEN|SERVE rule|ALL", "the same without questions"],
  "DELETE RULE HOST CpuAverage",
];

const shown: Pick<CommandRecord<unknown, Deleted>, "help" | "complete" | "text" | "json" | "hints"> = {
  help,
  complete: completeReference("ALL"),
  text: (rules) => rules.map(() => "Rule deleted"),
  /** A rule of HostRule goes by its subject, any other by its number. */
  json: (rules) => ({ deleted: rules.map(({ id, rule }) => ("subject" in rule ? rule.subject : id)) }),
  hints: (rules) => (rules.length === 0 ? ["No rule was deleted."] : []),
};

/** Without a rule the dialogue asks for each. */
export const deleteHostRule: Command<Wanted | null, Deleted> = command({
  ...shown,
  words: "DELETE RULE HOST",
  usage: "DELETE RULE HOST [Subject | rule | ALL]",
  read: (rest) => (rest === "" ? null : readWanted(rest)),
  run: (context, wanted) => {
    if (wanted !== null) return deleteOf(context, "HOST", wanted);
    refuseDialogue(context, "DELETE RULE HOST Subject|ALL");
    return deleteByDialogue(context);
  },
});

export const deleteGreenRule: Command<Wanted, Deleted> = deleteNamed("GREEN");
export const deleteServeRule: Command<Wanted, Deleted> = deleteNamed("SERVE");

function deleteNamed(kind: "GREEN" | "SERVE"): Command<Wanted, Deleted> {
  const words = `DELETE RULE ${kind}`;
  return command({
    ...shown,
    words,
    usage: `${words} rule | ALL`,
    read: (rest) =>
      rest === "" ? problem(`${words} which? Write its number, its name, or ALL.`) : readWanted(rest),
    run: (context, wanted) => deleteOf(context, kind, wanted),
  });
}

function readWanted(rest: string): Wanted | TextProblem {
  return rest.toUpperCase() === "ALL" ? "all" : readReference(rest);
}

/** Deletes one rule of the kind, or all. Throws AppError not-found where the one is not there. */
async function deleteOf({ db, operator }: ManagerContext, kind: RuleKind, wanted: Wanted): Promise<Deleted> {
  if (wanted === "all") return deleteRules(db, await rulesOf(db, kind), operator);
  return [await deleteRuleOfKind(db, kind, wanted, operator)];
}

/**
 * Asks for each rule and deletes the chosen ones after the last answer: a dialogue that breaks off changes nothing.
 */
async function deleteByDialogue({ db, talk, operator }: ManagerContext): Promise<Deleted> {
  const chosen: StoredRule<AnyRule>[] = [];
  for (const line of rulesHeading) talk.print(line);
  for (const stored of await rulesOf(db, "HOST")) {
    for (const line of ruleItem(stored)) talk.print(line);
    if (await askYesNo(talk, "Do you want to delete this rule?")) chosen.push(stored);
  }
  return deleteRules(db, chosen, operator);
}

/** As they are listed. */
async function rulesOf(db: Database, kind: RuleKind): Promise<readonly StoredRule<AnyRule>[]> {
  const added = await listAddedRules(db);
  if (kind === "GREEN") return added.green;
  if (kind === "SERVE") return added.serving;
  const singles = bySubject(await listRules(db)).map((rule) => ({ id: null, rule }));
  return [...singles, ...added.chains];
}
