/** The tables AddedRule and RuleTerm: rules that say more than a row of HostRule can. Pure but for the reading. */
import type {
  ChainRule,
  GreenLimit,
  GreenRule,
  Hours,
  RuleOptions,
  ServeRule,
  Term,
  UnknownRule,
} from "../domain/rule.ts";
import { isServe, parseSubject, subjectsOf } from "../domain/rule.ts";
import { nonsenseOf } from "../rules/lint.ts";
import { readSubjects } from "../rules/parse.ts";
import type { Reader, Writer } from "./connection.ts";
import { expression, insertRow, insertRows, updateRows } from "./statements.ts";
import { type AddedRuleRow, addedRuleTable } from "./tables/AddedRule.ts";
import { type RuleTermRow, ruleTermTable } from "./tables/RuleTerm.ts";

/** A rule of the added tables with its number. */
export interface Numbered<R> {
  readonly id: number;
  readonly rule: R;
}

export interface AddedRules {
  /** By their numbers. */
  readonly chains: readonly Numbered<ChainRule>[];
  readonly green: readonly Numbered<GreenRule>[];
  readonly serving: readonly Numbered<ServeRule>[];
  readonly unknown: readonly UnknownRule[];
}

/** All rules of the added tables. */
export async function addedRulesIn(reader: Reader): Promise<AddedRules> {
  const rows = await reader.rows(`SELECT ${addedRuleTable.selected} FROM AddedRule ORDER BY Id`);
  const terms = (
    await reader.rows(`SELECT ${ruleTermTable.selected} FROM RuleTerm ORDER BY RuleId, Position`)
  ).map(ruleTermTable.read);
  const chains: Numbered<ChainRule>[] = [];
  const green: Numbered<GreenRule>[] = [];
  const serving: Numbered<ServeRule>[] = [];
  const unknown: UnknownRule[] = [];
  for (const row of rows.map(addedRuleTable.read)) {
    const { id, kind } = row;
    const own = terms.filter((term) => term.ruleId === id);
    if (kind === "HOST") {
      const rule = chainFrom(row, own);
      if (typeof rule === "string") unknown.push(unknownRule(id, own, rule));
      else chains.push({ id, rule });
    } else if (kind === "GREEN") {
      const rule = greenFrom(row, own);
      if (typeof rule === "string") unknown.push(unknownRule(id, own, rule));
      else green.push({ id, rule });
    } else if (kind === "SERVE") {
      const rule = serveFrom(row, own);
      if (typeof rule === "string") unknown.push(unknownRule(id, own, rule));
      else serving.push({ id, rule });
    } else {
      unknown.push(unknownRule(id, own, `${kind} is no kind of rule`));
    }
  }
  return { chains, green, serving, unknown };
}

function unknownRule(id: number, terms: readonly RuleTermRow[], reason: string): UnknownRule {
  const [first] = terms;
  return { subject: first?.subjects ?? "", threshold: first?.amount ?? 0, reason: `rule ${id}: ${reason}` };
}

function optionsFrom({ fromMinute: from, toMinute: to, name, remark, enabled }: AddedRuleRow): RuleOptions {
  const between: Hours | null = from === null || to === null ? null : { from, to };
  return { between, name, comment: remark, enabled };
}

/** The chain of a row, or why it is none. */
function chainFrom(row: AddedRuleRow, rows: readonly RuleTermRow[]): ChainRule | string {
  const terms: Term[] = [];
  for (const each of rows) {
    const term = termFrom(each);
    if (typeof term === "string") return term;
    terms.push(term);
  }
  const { brokenSamples: broken, ofSamples: of } = row;
  const repeat = broken === null || of === null ? null : { broken, of };
  const rule = { terms, repeat, ...optionsFrom(row) };
  return terms.length === 0 ? "it has no term" : (nonsenseOf(rule) ?? rule);
}

const conditions: readonly Term["condition"][] = ["more than mean", "above", "below"];

function termFrom({ subjects: written, relation, amount }: RuleTermRow): Term | string {
  const subjects = readSubjects(written);
  if ("kind" in subjects) return subjects.message;
  const condition = conditions.find((each) => each === relation);
  return condition === undefined ? `${relation} is no condition` : { subjects, condition, amount };
}

/** The rule of a row that gathers VMs, or why it is none. */
function greenFrom(row: AddedRuleRow, rows: readonly RuleTermRow[]): GreenRule | string {
  const limits: GreenLimit[] = [];
  for (const { subjects: written, amount } of rows) {
    const subject = parseSubject(written);
    if (written === memoryFree) limits.push({ kind: "memory free", percent: amount });
    else if (subject !== null) limits.push({ kind: "below", subject, value: amount });
    else return `${written} is nothing that hosts are kept by`;
  }
  const { spareHosts } = row;
  if (limits.length === 0 || spareHosts === null) return "it has no limit, or no number of spare hosts";
  return { limits, spareHosts, ...optionsFrom(row) };
}

const memoryFree = "MemoryFree";

/** The rule of a row that serves VMs, or why it is none. */
function serveFrom(row: AddedRuleRow, rows: readonly RuleTermRow[]): ServeRule | string {
  const amountOf = (wanted: string) => rows.find(({ relation }) => relation === wanted)?.amount ?? null;
  const [worth, overMinutes] = [amountOf(worthOf), amountOf(aheadOf)];
  if (rows.some(({ subjects: written }) => written !== served)) return `only ${served} can be served`;
  if (worth === null || !(worth >= 0)) return "it does not say what a gigabyte must be worth";
  if (overMinutes === null || !(overMinutes > 0)) return "it does not say how far ahead it looks";
  return { serve: served, worth, overMinutes, ...optionsFrom(row) };
}

/** What is served, and the relations of its two amounts. */
const served = "CPU";
const worthOf = "worth";
const aheadOf = "over";

/** A rule of the added tables. */
export type AddedRule = ChainRule | GreenRule | ServeRule;

/** Writes a new rule under the number. */
export async function insertAdded(writer: Writer, id: number, rule: AddedRule): Promise<void> {
  await insertRow(writer, addedRuleTable, { id, ...rowOf(rule) });
  await insertTerms(writer, id, rule);
}

/** Puts `rule` in the place of that of the number. */
export async function replaceAdded(writer: Writer, id: number, rule: AddedRule): Promise<void> {
  await updateRows(writer, addedRuleTable, rowOf(rule), expression("Id = ?", id));
  await writer.run("DELETE FROM RuleTerm WHERE RuleId = ?", [id]);
  await insertTerms(writer, id, rule);
}

/** Deletes the rule of the number. */
export async function deleteAdded(writer: Writer, id: number): Promise<void> {
  await writer.run("DELETE FROM RuleTerm WHERE RuleId = ?", [id]);
  await writer.run("DELETE FROM AddedRule WHERE Id = ?", [id]);
}

function rowOf(rule: AddedRule): Omit<AddedRuleRow, "id"> {
  const repeat = "terms" in rule ? rule.repeat : null;
  return {
    kind: isServe(rule) ? "SERVE" : "terms" in rule ? "HOST" : "GREEN",
    name: rule.name,
    remark: rule.comment,
    enabled: rule.enabled,
    brokenSamples: repeat?.broken ?? null,
    ofSamples: repeat?.of ?? null,
    fromMinute: rule.between?.from ?? null,
    toMinute: rule.between?.to ?? null,
    spareHosts: "spareHosts" in rule ? rule.spareHosts : null,
  };
}

async function insertTerms(writer: Writer, id: number, rule: AddedRule): Promise<void> {
  const rows = saidBy(rule);
  await insertRows(
    writer,
    ruleTermTable,
    rows.map((row, position) => ({ ruleId: id, position, ...row })),
  );
}

function saidBy(rule: AddedRule): readonly Said[] {
  if (!isServe(rule)) return "terms" in rule ? rule.terms.map(termRow) : rule.limits.map(limitRow);
  return [
    { subjects: served, relation: worthOf, amount: rule.worth },
    { subjects: served, relation: aheadOf, amount: rule.overMinutes },
  ];
}

type Said = Omit<RuleTermRow, "ruleId" | "position">;

function termRow({ subjects, condition, amount }: Term): Said {
  return { subjects: subjects.join(" + "), relation: condition, amount };
}

function limitRow(limit: GreenLimit): Said {
  return limit.kind === "below"
    ? { subjects: limit.subject, relation: "below", amount: limit.value }
    : { subjects: memoryFree, relation: "above", amount: limit.percent };
}

/** What enabled chains compare hosts by, each once. */
export async function comparedByRules(reader: Reader): Promise<readonly string[]> {
  return comparedBy(await addedRulesIn(reader));
}

/** What enabled rules need, each once: what xcp-collect measures beside the thesis' columns is among it. */
export async function namedByRules(reader: Reader): Promise<readonly string[]> {
  const added = await addedRulesIn(reader);
  const compared = comparedBy(added);
  // What VMs wait for is what a rule that serves goes by, where a pool records it: it compares no host by it.
  return added.serving.some(({ rule }) => rule.enabled)
    ? [...new Set<string>([...compared, "CpuWait"])]
    : compared;
}

function comparedBy({ chains }: AddedRules): readonly string[] {
  return subjectsOf(chains.map(({ rule }) => rule).filter(({ enabled }) => enabled));
}
