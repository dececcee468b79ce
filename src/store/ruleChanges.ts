/**
 * Changes of rules: each in one transaction with what it leaves in the history. A rule that HostRule can hold stands
 * there; every other in the added tables, under a number of its own. Only the manager changes rules.
 */
import type { AnyRule, GreenRule, Rule, ServeRule } from "../domain/rule.ts";
import { ruleWords } from "../rules/print.ts";
import { insertAdded } from "./addedRules.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import {
  allRules,
  drawNumber,
  exchange,
  findRule,
  inherit,
  kindOf,
  put,
  type RuleKind,
  refuseTaken,
  remove,
  type StoredRule,
  type WantedRule,
  withEnabled,
} from "./ruleRows.ts";
import { insertRow, now } from "./statements.ts";
import { type RuleAction, type RuleHistoryRow, ruleHistoryTable } from "./tables/RuleHistory.ts";
import { textOrNull } from "./values.ts";

export type { RuleKind, StoredRule, WantedRule } from "./ruleRows.ts";

export type { RuleAction } from "./tables/RuleHistory.ts";

/** A change of a rule that was made; `id` is the rule's, null of a rule of HostRule. */
export interface RuleChange extends Omit<RuleHistoryRow, "id" | "ruleId"> {
  /** Its own number: plans name the newest that they have seen. */
  readonly change: number;
  readonly id: number | null;
}

/** Adds a rule. @throws AppError "conflict" where its subject, its name or its hours are taken by another. */
export async function createHostRule(db: Database, rule: Rule, by: string): Promise<StoredRule<Rule>> {
  return change(db, by, async (writer) => {
    const after = await put(writer, rule);
    return { result: after, log: [entry("create", "HOST", null, after)] };
  });
}

/** Adds a rule that gathers VMs. @throws AppError "conflict" as above. */
export async function createGreenRule(
  db: Database,
  rule: GreenRule,
  by: string,
): Promise<StoredRule<GreenRule>> {
  return createApart(db, rule, by);
}

/** Adds a rule that serves VMs. @throws AppError "conflict" as above. */
export async function createServeRule(
  db: Database,
  rule: ServeRule,
  by: string,
): Promise<StoredRule<ServeRule>> {
  return createApart(db, rule, by);
}

function createApart<R extends GreenRule | ServeRule>(
  db: Database,
  rule: R,
  by: string,
): Promise<StoredRule<R>> {
  return change<StoredRule<R>>(db, by, async (writer) => {
    await refuseTaken(writer, rule, null);
    const id = await drawNumber(writer, "LastRule");
    await insertAdded(writer, id, rule);
    return { result: { id, rule }, log: [entry("create", kindOf(rule), null, { id, rule })] };
  });
}

/** Deletes a rule and returns it. @throws AppError "not-found" where there is none of that kind. */
export async function deleteRuleOfKind(
  db: Database,
  kind: RuleKind,
  wanted: WantedRule,
  by: string,
): Promise<StoredRule<AnyRule>> {
  return change(db, by, async (writer) => {
    const before = await findRule(writer, wanted, kind);
    await remove(writer, before);
    return { result: before, log: [entry("delete", kindOf(before.rule), before, null)] };
  });
}

/** Deletes those of `rules` that are still as they are here; returns them. */
export async function deleteRules(
  db: Database,
  rules: readonly StoredRule<AnyRule>[],
  by: string,
): Promise<readonly StoredRule<AnyRule>[]> {
  return change(db, by, async (writer) => {
    const present = (await allRules(writer)).map((each) => JSON.stringify(each));
    const gone = rules.filter((each) => present.includes(JSON.stringify(each)));
    for (const each of gone) await remove(writer, each);
    return { result: gone, log: gone.map((each) => entry("delete", kindOf(each.rule), each, null)) };
  });
}

/**
 * Puts `to` in the place of a rule; name and comment stay where `to` has none, and it stays disabled if it is.
 * @throws AppError "not-found", "conflict".
 */
export async function alterRule(
  db: Database,
  wanted: WantedRule,
  to: AnyRule,
  by: string,
): Promise<{ readonly before: StoredRule<AnyRule>; readonly after: StoredRule<AnyRule> }> {
  return change(db, by, async (writer) => {
    const before = await findRule(writer, wanted, kindOf(to));
    const rule = inherit(before.rule, to);
    const after = await exchange(writer, before, rule);
    return { result: { before, after }, log: [entry("alter", kindOf(rule), before, after)] };
  });
}

/** A rule after it was to be enabled or disabled; `changed` is false where it was so already. */
export interface Switched {
  readonly after: StoredRule<AnyRule>;
  readonly changed: boolean;
}

/** Enables or disables a rule. @throws AppError "not-found", "conflict". */
export async function switchRule(
  db: Database,
  wanted: WantedRule,
  enabled: boolean,
  by: string,
): Promise<Switched> {
  return change<Switched>(db, by, async (writer) => {
    const before = await findRule(writer, wanted, null);
    const rule = withEnabled(before.rule, enabled);
    if (rule === null) return { result: { after: before, changed: false }, log: [] };
    const after = await exchange(writer, before, rule);
    const log = [entry(enabled ? "enable" : "disable", kindOf(rule), before, after)];
    return { result: { after, changed: true }, log };
  });
}

/** The newest changes, newest first. */
export async function listRuleChanges(db: Database, limit: number): Promise<readonly RuleChange[]> {
  const rows = await db.read((reader) =>
    reader.rows(
      `SELECT ${ruleHistoryTable.selected} FROM RuleHistory ORDER BY Id DESC LIMIT ${Math.trunc(limit)}`,
    ),
  );
  return rows.map((row) => {
    const { id, ruleId, ...rest } = ruleHistoryTable.read(row);
    return { change: id, ...rest, id: ruleId };
  });
}

interface ChangeEntry {
  readonly action: RuleAction;
  readonly kind: RuleKind;
  readonly id: number | null;
  readonly before: string | null;
  readonly after: string | null;
}

function entry(
  action: RuleAction,
  kind: RuleKind,
  before: StoredRule<AnyRule> | null,
  after: StoredRule<AnyRule> | null,
): ChangeEntry {
  const text = (stored: typeof before) => (stored === null ? null : ruleWords(stored.rule));
  return { action, kind, id: after?.id ?? before?.id ?? null, before: text(before), after: text(after) };
}

interface Changed<T> {
  readonly result: T;
  readonly log: readonly ChangeEntry[];
}

/** Makes a change with its rows of the history; after a lost answer the history tells whether it was made. */
async function change<T>(
  db: Database,
  by: string,
  work: (writer: Writer) => Promise<Changed<T>>,
): Promise<T> {
  const tries: { readonly result: T; readonly log: readonly ChangeEntry[]; readonly last: number }[] = [];
  const whole = async (writer: Writer): Promise<T> => {
    // First of all, for this row is what changes queue at.
    await writer.run("UPDATE RuleHead SET LastRule = LastRule WHERE Name = 'rules'");
    const { result, log } = await work(writer);
    let last = 0;
    for (const each of log) last = await record(writer, by, each);
    tries.push({ result, log, last });
    return result;
  };
  const verify = async (reader: Reader): Promise<T | null> => {
    const newest = tries.at(-1);
    return newest !== undefined && (await isRecorded(reader, by, newest)) ? newest.result : null;
  };
  return db.write(whole, { verify });
}

async function record(writer: Writer, by: string, log: ChangeEntry): Promise<number> {
  const number = await drawNumber(writer, "LastChange");
  await insertRow(writer, ruleHistoryTable, { ...log, id: number, ruleId: log.id, at: now, by });
  return number;
}

/** Whether the change is in the history; one without a row there changed nothing. */
async function isRecorded(
  reader: Reader,
  by: string,
  { log, last }: { readonly log: readonly ChangeEntry[]; readonly last: number },
): Promise<boolean> {
  const own = log.at(-1);
  if (own === undefined) return true;
  const [row] = await reader.rows(
    "SELECT ChangedBy, Action, RuleBefore, RuleAfter FROM RuleHistory WHERE Id = ?",
    [last],
  );
  return (
    row !== undefined &&
    row["ChangedBy"] === by &&
    row["Action"] === own.action &&
    textOrNull(row["RuleBefore"]) === own.before &&
    textOrNull(row["RuleAfter"]) === own.after
  );
}
