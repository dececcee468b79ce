/** Where rules stand: rows of HostRule and of the added tables, found, written and removed inside a transaction. */

import { AppError } from "../domain/errors.ts";
import { overlap } from "../domain/hours.ts";
import type { UnknownRule } from "../domain/rule.ts";
import {
  type AnyRule,
  asSingle,
  type ChainRule,
  chainOf,
  type GreenRule,
  isGreen,
  isServe,
  isSingle,
  parseSubject,
  type Rule,
  type ServeRule,
  type SingleRule,
  type Subject,
  subjects,
} from "../domain/rule.ts";
import { describeRule, ruleWords } from "../rules/print.ts";
import { quote } from "../text/quote.ts";
import { addedRulesIn, deleteAdded, insertAdded, replaceAdded } from "./addedRules.ts";
import type { Reader, Writer } from "./connection.ts";
import { rowMissing } from "./singleRows.ts";
import { insertRow } from "./statements.ts";
import { hostRuleTable } from "./tables/HostRule.ts";

export type RuleKind = "HOST" | "GREEN" | "SERVE";

/** Which rule is meant: one of HostRule by its subject, any other by number or name. */
export type WantedRule =
  | { readonly by: "subject"; readonly subject: Subject }
  | { readonly by: "number"; readonly id: number }
  | { readonly by: "name"; readonly name: string };

/** A rule and where it stands; `id` is null in HostRule. */
export interface StoredRule<R> {
  readonly id: number | null;
  readonly rule: R;
}

/** Every row of HostRule: rules in the order of `subjects`, and the rows that are none. */
export async function singlesIn(
  reader: Reader,
): Promise<{ readonly rules: readonly SingleRule[]; readonly unknown: readonly UnknownRule[] }> {
  const rows = await reader.rows(`SELECT ${hostRuleTable.selected} FROM HostRule ORDER BY Subject`);
  const rules: SingleRule[] = [];
  const unknown: UnknownRule[] = [];
  for (const row of rows) {
    const { subject: written, threshold } = hostRuleTable.read(row);
    const subject = parseSubject(written);
    if (subject === null) {
      const reason = `${written} is not one of ${subjects.join(", ")}`;
      unknown.push({ subject: written, threshold, reason });
    } else if (!(threshold >= 0)) {
      unknown.push({ subject: written, threshold, reason: `threshold ${threshold} is below 0` });
    } else {
      rules.push({ subject, threshold });
    }
  }
  rules.sort((a, b) => subjects.indexOf(a.subject) - subjects.indexOf(b.subject));
  return { rules, unknown };
}

/** All rules: those of HostRule by subject, then chains, green ones and those that serve VMs by number. */
export async function allRules(reader: Reader): Promise<readonly StoredRule<AnyRule>[]> {
  const added = await addedRulesIn(reader);
  const { rules } = await singlesIn(reader);
  return [...rules.map((rule) => ({ id: null, rule })), ...added.chains, ...added.green, ...added.serving];
}

/** The rule that is meant, of that kind where one is given. @throws AppError "not-found". */
export async function findRule(
  reader: Reader,
  wanted: WantedRule,
  kind: RuleKind | null,
): Promise<StoredRule<AnyRule>> {
  const rules = (await allRules(reader)).filter(({ rule }) => kind === null || kindOf(rule) === kind);
  const found = rules.find((each) => isMeant(each, wanted));
  if (found !== undefined) return found;
  const resting = wanted.by === "subject" ? rules.filter(({ rule }) => restsFor(rule, wanted.subject)) : [];
  if (resting.length === 1 && resting[0] !== undefined) return resting[0];
  if (resting.length > 1) {
    const numbers = resting.map(({ id }) => id).join(", ");
    throw new AppError("ambiguous", `Several disabled rules are of this subject`, {
      next: `name one by its number: ${numbers}`,
    });
  }
  const list = `SHOW RULES ${kind ?? "HOST"} lists the rules.`;
  if (wanted.by === "subject")
    throw new AppError("not-found", `There is no rule for ${wanted.subject}. ${list}`);
  const what = wanted.by === "number" ? `the number ${wanted.id}` : `the name ${quote(wanted.name)}`;
  throw new AppError("not-found", `No rule has ${what}. ${list}`);
}

/** Whether HostRule would hold it if it were not disabled: it is still the rule of its subject. */
function restsFor(rule: AnyRule, subject: Subject): boolean {
  if (isApart(rule) || isSingle(rule) || rule.enabled) return false;
  return asSingle({ ...rule, enabled: true })?.subject === subject;
}

function isMeant({ id, rule }: StoredRule<AnyRule>, wanted: WantedRule): boolean {
  switch (wanted.by) {
    case "subject":
      return id === null && "subject" in rule && rule.subject === wanted.subject;
    case "number":
      return id === wanted.id;
    case "name":
      return nameOf(rule)?.toLowerCase() === wanted.name.toLowerCase();
    default:
      return wanted satisfies never;
  }
}

/** Writes a new rule where it belongs. @throws AppError "conflict". */
export async function put(writer: Writer, rule: Rule): Promise<StoredRule<Rule>> {
  const single = asSingle(rule);
  if (single === null) {
    await refuseTaken(writer, rule, null);
    const id = await drawNumber(writer, "LastRule");
    await insertAdded(writer, id, asChain(rule));
    return { id, rule: asChain(rule) };
  }
  const present = await thresholdOf(writer, single.subject);
  if (present !== null) throw conflictOf(single.subject, present);
  await insertRow(writer, hostRuleTable, single);
  return { id: null, rule: single };
}

/** Puts `rule` in the place of `before`, in the table where it belongs now. @throws AppError "conflict". */
export async function exchange(
  writer: Writer,
  before: StoredRule<AnyRule>,
  rule: AnyRule,
): Promise<StoredRule<AnyRule>> {
  if (before.id !== null && (isApart(rule) || asSingle(rule) === null)) {
    const added = isApart(rule) ? rule : asChain(rule);
    await refuseTaken(writer, added, before.id);
    await replaceAdded(writer, before.id, added);
    return { id: before.id, rule: added };
  }
  await remove(writer, before);
  if (isApart(rule)) throw new Error("a rule of HostRule balances hosts");
  return put(writer, rule);
}

/** Deletes the rule's rows. */
export async function remove(writer: Writer, { id, rule }: StoredRule<AnyRule>): Promise<void> {
  if (id !== null) await deleteAdded(writer, id);
  else if ("subject" in rule) {
    await writer.run("DELETE FROM HostRule WHERE Subject = ?", [rule.subject]);
  }
}

/** The number of the newest row of the history of rules; 0 before the first. */
export async function lastChange(reader: Reader): Promise<number> {
  const [row] = await reader.rows("SELECT LastChange FROM RuleHead WHERE Name = 'rules'");
  if (row === undefined) throw rowMissing("RuleHead");
  return Number(row["LastChange"]);
}

/** The next number of that kind. The caller holds the row already. */
export async function drawNumber(writer: Writer, column: "LastRule" | "LastChange"): Promise<number> {
  const drawn = await writer.run(`UPDATE RuleHead SET ${column} = ${column} + 1 WHERE Name = 'rules'`);
  if (drawn !== 1) throw rowMissing("RuleHead");
  const [row] = await writer.rows(`SELECT ${column} AS number FROM RuleHead WHERE Name = 'rules'`);
  return Number(row?.["number"]);
}

/** Refuses what another rule says already, a name that it has, and a second rule that gathers or serves VMs at the same time. */
export async function refuseTaken(reader: Reader, rule: AnyRule, id: number | null): Promise<void> {
  const others = (await allRules(reader)).filter((each) => each.id !== id || id === null);
  const name = nameOf(rule)?.toLowerCase();
  const same = others.find((each) => name !== undefined && nameOf(each.rule)?.toLowerCase() === name);
  if (same !== undefined) {
    throw new AppError(
      "conflict",
      `There is a rule of that name already: ${ruleWords(same.rule)}. Delete it first, or write another name.`,
    );
  }
  const twin = others.find((each) => each.id !== null && sayings(each.rule) === sayings(rule));
  if (twin !== undefined) {
    throw new AppError("conflict", `There is such a rule already, rule ${twin.id}: ${ruleWords(twin.rule)}.`);
  }
  if (!isApart(rule) || !rule.enabled) return;
  const rival = others.find(
    (each) =>
      isApart(each.rule) &&
      kindOf(each.rule) === kindOf(rule) &&
      each.rule.enabled &&
      overlap(each.rule.between, rule.between),
  );
  if (rival === undefined) return;
  const does = isServe(rule) ? "serves VMs" : "gathers VMs";
  throw new AppError(
    "conflict",
    `There is a rule that ${does} at the same time already, rule ${rival.id}: ${ruleWords(rival.rule)}. Alter, disable or delete it first.`,
  );
}

/** What a rule says, whatever it is called and whether it is enabled. */
function sayings(rule: AnyRule): string {
  if (!("enabled" in rule)) return ruleWords(rule);
  return ruleWords({ ...rule, name: null, comment: null, enabled: true });
}

async function thresholdOf(reader: Reader, subject: Subject): Promise<number | null> {
  const [row] = await reader.rows("SELECT Threshold FROM HostRule WHERE Subject = ?", [subject]);
  return row === undefined ? null : Number(row["Threshold"]);
}

function conflictOf(subject: Subject, threshold: number): AppError {
  const present = describeRule({ subject, threshold });
  return new AppError("conflict", `There is a rule already: ${present}. Delete it first.`);
}

/** The new rule with the name and comment of the old one where it has none, disabled if that is. */
export function inherit(before: AnyRule, to: AnyRule): AnyRule {
  if (!("enabled" in before)) return to;
  const kept = { name: before.name, comment: before.comment };
  const added = isApart(to) ? to : asChain(to);
  return {
    ...added,
    name: added.name ?? kept.name,
    comment: added.comment ?? kept.comment,
    enabled: added.enabled && before.enabled,
  };
}

/** The rule enabled or disabled; null where it is so already. */
export function withEnabled(rule: AnyRule, enabled: boolean): AnyRule | null {
  if (!isApart(rule)) return asChain(rule).enabled === enabled ? null : { ...asChain(rule), enabled };
  return rule.enabled === enabled ? null : { ...rule, enabled };
}

export function kindOf(rule: AnyRule): RuleKind {
  if (isServe(rule)) return "SERVE";
  return isGreen(rule) ? "GREEN" : "HOST";
}

/** Whether it is no rule about hosts that balance. */
function isApart(rule: AnyRule): rule is GreenRule | ServeRule {
  return isGreen(rule) || isServe(rule);
}

function nameOf(rule: AnyRule): string | null {
  return "name" in rule ? rule.name : null;
}

function asChain(rule: Rule): ChainRule {
  if (!isSingle(rule)) return rule;
  return chainOf([{ subjects: [rule.subject], condition: "more than mean", amount: rule.threshold }]);
}
