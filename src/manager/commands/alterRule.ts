/** ALTER RULE HOST, ALTER RULE GREEN and ALTER RULE SERVE: another condition in the place of a rule of the same kind. */

import { type AnyRule, isGreen, isServe, isSingle } from "../../domain/rule.ts";
import { parseGreenRule, parseRule, parseServeRule } from "../../rules/parse.ts";
import { isProblem } from "../../rules/problem.ts";
import type { Database } from "../../store/connection.ts";
import { alterRule, type RuleKind, type StoredRule, type WantedRule } from "../../store/ruleChanges.ts";
import { type Command, command, type HelpEntry } from "../command.ts";
import { notesOn } from "../ruleNotes.ts";
import { completeReference, completeRule, readReference } from "../ruleReference.ts";
import { storedRuleObject } from "../ruleText.ts";
import { problem, quote, readQuoted, type TextProblem } from "../words.ts";

export interface WantedChange {
  readonly rule: WantedRule;
  readonly to: AnyRule;
}

/** `notes` are what an administrator may not have meant. */
export interface Altered {
  readonly before: StoredRule<AnyRule>;
  readonly after: StoredRule<AnyRule>;
  readonly notes: readonly string[];
}

const help: readonly HelpEntry[] = [
  [
    "ALTER RULE HOST|GREEN|SERVE rule TO ...",
    "puts another condition in its place; a rule is named by its subject, its number",
    "or its name",
  ],
  "ALTER RULE HOST CpuAverage > 30",
  "ALTER RULE HOST night TO CpuAverage > 30 BETWEEN 20:00 AND 06:00",
];

export const alterHostRule: Command<WantedChange, Altered> = alter("HOST", "rule TO Subject > N");
export const alterGreenRule: Command<WantedChange, Altered> = alter("GREEN", "rule TO KEEP ...");
export const alterServeRule: Command<WantedChange, Altered> = alter("SERVE", "rule TO CPU ...");

const parsers = { HOST: parseRule, GREEN: parseGreenRule, SERVE: parseServeRule };

function alter(kind: RuleKind, form: string): Command<WantedChange, Altered> {
  const words = `ALTER RULE ${kind}`;
  return command({
    words,
    usage: `${words} ${form}`,
    help,
    complete: {
      names: true,
      offer: (typed, names) => {
        const written = /\sTO\s+(.*)$/is.exec(typed)?.[1];
        if (written === undefined) return completeReference().offer(typed, names);
        return completeRule(kind).offer(written, names);
      },
    },
    read: (rest) => readChange(kind, rest),
    run: async ({ db, operator }, { rule, to }) => {
      const { before, after } = await alterRule(db, rule, to, operator);
      return { before, after, notes: await notesOf(db, after.rule) };
    },
    text: () => ["Rule altered"],
    json: ({ before, after }) => ({ altered: storedRuleObject(after), before: storedRuleObject(before) }),
    hints: ({ notes }) => notes,
  });
}

async function notesOf(db: Database, rule: AnyRule): Promise<readonly string[]> {
  return isGreen(rule) || isServe(rule) ? [] : notesOn(db, rule);
}

function readChange(kind: RuleKind, rest: string): WantedChange | TextProblem {
  const parts = splitAtTo(rest);
  if (parts === null) return kind === "HOST" ? readThreshold(rest) : wrongForm(kind, rest);
  const rule = readReference(parts.head);
  if (isProblem(rule)) return rule;
  const to = parsers[kind](parts.behind);
  return isProblem(to) ? to : { rule, to };
}

/** `ALTER RULE HOST CpuAverage > 30`: the rule of that subject gets that threshold. */
function readThreshold(rest: string): WantedChange | TextProblem {
  const to = rest === "" ? wrongForm("HOST", rest) : parseRule(rest);
  if (isProblem(to)) return to;
  if (!isSingle(to)) return wrongForm("HOST", rest);
  return { rule: { by: "subject", subject: to.subject }, to };
}

function wrongForm(kind: RuleKind, rest: string): TextProblem {
  return problem(
    `Write ALTER RULE ${kind} rule TO and the whole rule as it shall be, not ${quote(rest)}. The rule is named by its subject, its number or its name.`,
  );
}

/** The text before and behind the first TO that stands outside of quotes. */
function splitAtTo(rest: string): { readonly head: string; readonly behind: string } | null {
  const quoted = readQuoted(rest);
  const from = quoted === null ? 0 : rest.length - quoted.behind.length;
  const found = /(?:^|\s)TO(?=\s|$)/i.exec(rest.slice(from));
  if (found === null) return null;
  const at = from + found.index;
  return { head: rest.slice(0, at).trim(), behind: rest.slice(at + found[0].length).trim() };
}
