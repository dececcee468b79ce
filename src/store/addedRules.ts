/** The tables AddedRule and RuleTerm: rules that say more than a row of HostRule can. Pure but for the reading. */
import type {
  ChainRule,
  GreenLimit,
  GreenRule,
  Hours,
  RuleOptions,
  Term,
  UnknownRule,
} from "../domain/rule.ts";
import { parseSubject, subjectsOf } from "../domain/rule.ts";
import { nonsenseOf } from "../rules/lint.ts";
import { readSubjects } from "../rules/parse.ts";
import type { Reader, Row, SqlValue, Writer } from "./connection.ts";
import { textOrNull } from "./values.ts";

/** A rule of the added tables with its number. */
export interface Numbered<R> {
  readonly id: number;
  readonly rule: R;
}

export interface AddedRules {
  /** By their numbers. */
  readonly chains: readonly Numbered<ChainRule>[];
  readonly green: readonly Numbered<GreenRule>[];
  readonly unknown: readonly UnknownRule[];
}

/** All rules of the added tables. */
export async function addedRulesIn(reader: Reader): Promise<AddedRules> {
  const rows = await reader.rows(
    `SELECT Id, Kind, Name, Remark, Enabled, BrokenSamples, OfSamples, FromMinute, ToMinute, SpareHosts
       FROM AddedRule ORDER BY Id`,
  );
  const terms = await reader.rows(
    "SELECT RuleId, Subjects, Relation, Amount FROM RuleTerm ORDER BY RuleId, Position",
  );
  const chains: Numbered<ChainRule>[] = [];
  const green: Numbered<GreenRule>[] = [];
  const unknown: UnknownRule[] = [];
  for (const row of rows) {
    const id = Number(row["Id"]);
    const own = terms.filter((term) => Number(term["RuleId"]) === id);
    if (row["Kind"] === "HOST") {
      const rule = chainFrom(row, own);
      if (typeof rule === "string") unknown.push(unknownRule(id, own, rule));
      else chains.push({ id, rule });
    } else if (row["Kind"] === "GREEN") {
      const rule = greenFrom(row, own);
      if (typeof rule === "string") unknown.push(unknownRule(id, own, rule));
      else green.push({ id, rule });
    } else {
      unknown.push(unknownRule(id, own, `${String(row["Kind"])} is no kind of rule`));
    }
  }
  return { chains, green, unknown };
}

function unknownRule(id: number, terms: readonly Row[], reason: string): UnknownRule {
  const [first] = terms;
  const subject = textOrNull(first?.["Subjects"]) ?? "";
  return { subject, threshold: Number(first?.["Amount"] ?? 0), reason: `rule ${id}: ${reason}` };
}

function optionsFrom(row: Row): RuleOptions {
  const [from, to] = [number(row["FromMinute"]), number(row["ToMinute"])];
  const between: Hours | null = from === null || to === null ? null : { from, to };
  return {
    between,
    name: textOrNull(row["Name"]),
    comment: textOrNull(row["Remark"]),
    enabled: Number(row["Enabled"]) === 1,
  };
}

/** The chain of a row, or why it is none. */
function chainFrom(row: Row, rows: readonly Row[]): ChainRule | string {
  const terms: Term[] = [];
  for (const each of rows) {
    const term = termFrom(each);
    if (typeof term === "string") return term;
    terms.push(term);
  }
  const [broken, of] = [number(row["BrokenSamples"]), number(row["OfSamples"])];
  const repeat = broken === null || of === null ? null : { broken, of };
  const rule = { terms, repeat, ...optionsFrom(row) };
  return terms.length === 0 ? "it has no term" : (nonsenseOf(rule) ?? rule);
}

const conditions: readonly Term["condition"][] = ["more than mean", "above", "below"];

function termFrom(row: Row): Term | string {
  const written = textOrNull(row["Subjects"]) ?? "";
  const subjects = readSubjects(written);
  if ("kind" in subjects) return subjects.message;
  const condition = conditions.find((each) => each === row["Relation"]);
  if (condition === undefined) return `${String(row["Relation"])} is no condition`;
  return { subjects, condition, amount: Number(row["Amount"]) };
}

/** The rule of a row that gathers VMs, or why it is none. */
function greenFrom(row: Row, rows: readonly Row[]): GreenRule | string {
  const limits: GreenLimit[] = [];
  for (const each of rows) {
    const [written, amount] = [textOrNull(each["Subjects"]) ?? "", Number(each["Amount"])];
    const subject = parseSubject(written);
    if (written === memoryFree) limits.push({ kind: "memory free", percent: amount });
    else if (subject !== null) limits.push({ kind: "below", subject, value: amount });
    else return `${written} is nothing that hosts are kept by`;
  }
  const spareHosts = number(row["SpareHosts"]);
  if (limits.length === 0 || spareHosts === null) return "it has no limit, or no number of spare hosts";
  return { limits, spareHosts, ...optionsFrom(row) };
}

const memoryFree = "MemoryFree";

/** Writes a new rule under the number. */
export async function insertAdded(writer: Writer, id: number, rule: ChainRule | GreenRule): Promise<void> {
  const values: Record<string, SqlValue> = { Id: id, ...columnsOf(rule) };
  const columns = Object.keys(values);
  await writer.run(
    `INSERT INTO AddedRule (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    Object.values(values),
  );
  await insertTerms(writer, id, rule);
}

/** Puts `rule` in the place of that of the number. */
export async function replaceAdded(writer: Writer, id: number, rule: ChainRule | GreenRule): Promise<void> {
  const values: Record<string, SqlValue> = columnsOf(rule);
  const columns = Object.keys(values);
  await writer.run(
    `UPDATE AddedRule SET ${columns.map((column) => `${column} = ?`).join(", ")} WHERE Id = ?`,
    [...Object.values(values), id],
  );
  await writer.run("DELETE FROM RuleTerm WHERE RuleId = ?", [id]);
  await insertTerms(writer, id, rule);
}

/** Deletes the rule of the number. */
export async function deleteAdded(writer: Writer, id: number): Promise<void> {
  await writer.run("DELETE FROM RuleTerm WHERE RuleId = ?", [id]);
  await writer.run("DELETE FROM AddedRule WHERE Id = ?", [id]);
}

function columnsOf(rule: ChainRule | GreenRule): Record<string, SqlValue> {
  const repeat = "terms" in rule ? rule.repeat : null;
  return {
    Kind: "terms" in rule ? "HOST" : "GREEN",
    Name: rule.name,
    Remark: rule.comment,
    Enabled: rule.enabled ? 1 : 0,
    BrokenSamples: repeat?.broken ?? null,
    OfSamples: repeat?.of ?? null,
    FromMinute: rule.between?.from ?? null,
    ToMinute: rule.between?.to ?? null,
    SpareHosts: "terms" in rule ? null : rule.spareHosts,
  };
}

async function insertTerms(writer: Writer, id: number, rule: ChainRule | GreenRule): Promise<void> {
  const rows = "terms" in rule ? rule.terms.map(termRow) : rule.limits.map(limitRow);
  await writer.run(
    `INSERT INTO RuleTerm (RuleId, Position, Subjects, Relation, Amount)
     VALUES ${rows.map(() => "(?, ?, ?, ?, ?)").join(", ")}`,
    rows.flatMap((row, position) => [id, position, ...row]),
  );
}

function termRow({ subjects, condition, amount }: Term): [string, string, number] {
  return [subjects.join(" + "), condition, amount];
}

function limitRow(limit: GreenLimit): [string, string, number] {
  return limit.kind === "below"
    ? [limit.subject, "below", limit.value]
    : [memoryFree, "above", limit.percent];
}

/** What enabled rules name, each once: what xcp-collect measures beside the thesis' columns is among it. */
export async function namedByRules(reader: Reader): Promise<readonly string[]> {
  const { chains } = await addedRulesIn(reader);
  return subjectsOf(chains.map(({ rule }) => rule).filter(({ enabled }) => enabled));
}

function number(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  const result = Number(value);
  return Number.isFinite(result) ? result : null;
}
