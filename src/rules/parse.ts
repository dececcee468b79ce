/** Reads rules as an administrator writes them. Pure; never throws, and takes time in the length of the text only. */
import { parseTime } from "../domain/hours.ts";
import {
  type AnySubject,
  asSingle,
  type ChainRule,
  type GreenLimit,
  type GreenRule,
  type Hours,
  highestOf,
  isSource,
  namedSubjects,
  noOptions,
  parseAnySubject,
  parseSubject,
  parseThreshold,
  type Rule,
  type RuleOptions,
  type ServeRule,
  serveDefaults,
  serveMinutes,
  subjects,
  type Term,
  unitOf,
} from "../domain/rule.ts";
import { quote } from "../text/quote.ts";
import { closest, editDistance, printable } from "../text/text.ts";
import { nonsenseOf } from "./lint.ts";
import { problem, type TextProblem } from "./problem.ts";

/** No rule is longer. */
export const longestRule = 4000;

/** The rule that `text` writes, as the thesis' where it is one of those; or what is wrong with it. */
export function parseRule(text: string): Rule | TextProblem {
  const reader = readerOf(text);
  if (reader === null) return problem(`A rule is not longer than ${longestRule} characters.`);
  const terms = readTerms(reader);
  if ("kind" in terms) return terms;
  const options = readOptions(reader, true);
  if ("kind" in options) return options;
  const rule: ChainRule = { terms, ...options };
  const single = asSingle(rule);
  // The thesis' rules were never asked whether a host can reach them.
  if (single !== null) return single;
  const nonsense = nonsenseOf(rule);
  return nonsense === null ? rule : problem(nonsense);
}

/** The rule that `text`, behind CREATE RULE GREEN, writes; or what is wrong with it. */
export function parseGreenRule(text: string): GreenRule | TextProblem {
  const reader = readerOf(text);
  if (reader === null) return problem(`A rule is not longer than ${longestRule} characters.`);
  if (!reader.takes("KEEP")) return problem(`Write ${greenUsage}, not ${quote(text)}.`);
  const limits = readLimits(reader);
  if (isProblem(limits)) return limits;
  const spareHosts = readSpare(reader);
  if (typeof spareHosts !== "number") return spareHosts;
  const options = readOptions(reader, false);
  if ("kind" in options) return options;
  const { repeat: _, ...others } = options;
  return { limits, spareHosts, ...others };
}

/** The rule that `text`, behind CREATE RULE SERVE, writes; or what is wrong with it. */
export function parseServeRule(text: string): ServeRule | TextProblem {
  const reader = readerOf(text);
  if (reader === null) return problem(`A rule is not longer than ${longestRule} characters.`);
  if (!reader.takes("CPU")) return problem(`Write CREATE RULE SERVE ${serveUsage}, not ${quote(text)}.`);
  const worth = reader.takes("WORTH") ? readWorth(reader) : serveDefaults.worth;
  if (typeof worth !== "number") return worth;
  const overMinutes = reader.takes("OVER") ? readMinutes(reader) : serveDefaults.overMinutes;
  if (typeof overMinutes !== "number") return overMinutes;
  const options = readOptions(reader, false);
  if ("kind" in options) return options;
  const { repeat: _, ...others } = options;
  return { serve: "CPU", worth, overMinutes, ...others };
}

function readWorth(reader: TokenReader): number | TextProblem {
  const text = reader.next()?.text ?? "";
  const worth = parseThreshold(text);
  const unit = reader.takes("CPU-MINUTES PER GB") || reader.takes("CPU-MINUTE PER GB");
  return worth !== null && unit
    ? worth
    : problem(`WORTH says what a gigabyte that is copied must save: write ${serveUsage}.`);
}

function readMinutes(reader: TokenReader): number | TextProblem {
  const minutes = wholeNumber(reader.next());
  const unit = reader.takes("MINUTES") || reader.takes("MINUTE");
  const { least, most } = serveMinutes;
  if (minutes === null || !unit) return problem(`OVER says how far ahead is looked: write ${serveUsage}.`);
  return minutes >= least && minutes <= most
    ? minutes
    : problem(`OVER ${minutes} MINUTES: write ${least} to ${most}.`);
}

const serveUsage = "CPU WORTH 1 CPU-MINUTES PER GB OVER 60 MINUTES";
const hostUsage = "CREATE RULE HOST Subject > N";
const greenUsage = "KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 1 SPARE HOST";

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** What a text in quotes says; null of a word or sign. */
  readonly quoted: string | null;
}

function readerOf(text: string): TokenReader | null {
  return text.length > longestRule ? null : new TokenReader(text);
}

/** Words, signs and texts in quotes, one after another. */
class TokenReader {
  readonly text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.text = text;
    this.#tokens = tokensOf(text);
  }

  next(): Token | null {
    return this.#tokens[this.#at++] ?? null;
  }

  peek(): Token | null {
    return this.#tokens[this.#at] ?? null;
  }

  /** Whether `words` follow, in any case; then they are behind us. */
  takes(words: string): boolean {
    const wanted = words.split(" ");
    const found = wanted.every((word, i) => {
      const token = this.#tokens[this.#at + i];
      return token !== undefined && token.quoted === null && token.text.toUpperCase() === word;
    });
    if (found) this.#at += wanted.length;
    return found;
  }

  /** The text up to the next word that begins something else. */
  amount(): string {
    const first = this.peek();
    let last: Token | null = null;
    for (let token = this.peek(); token !== null && !isKeyword(token); token = this.peek()) {
      last = token;
      this.#at++;
    }
    return first === null || last === null ? "" : this.text.slice(first.start, last.end);
  }
}

function tokensOf(text: string): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'|[<>=+]|[^\s<>=+"']+|["']/g)) {
    const [written] = match;
    const mark = written.charAt(0);
    const isQuoted = written.length > 1 && (mark === '"' || mark === "'");
    const quoted = isQuoted ? written.slice(1, -1).replaceAll(mark + mark, mark) : null;
    found.push({ text: written, start: match.index, end: match.index + written.length, quoted });
  }
  return found;
}

const keywords: readonly string[] = ["AND", "FOR", "BETWEEN", "NAME", "COMMENT", "DISABLED", "WITH"];

function isKeyword({ text, quoted }: Token): boolean {
  return quoted === null && keywords.includes(text.toUpperCase());
}

function readTerms(reader: TokenReader): readonly Term[] | TextProblem {
  const terms: Term[] = [];
  do {
    const term = readTerm(reader);
    if ("kind" in term) return term;
    terms.push(term);
  } while (reader.takes("AND"));
  return terms;
}

function readTerm(reader: TokenReader): Term | TextProblem {
  const subjects = readSum(reader);
  if ("kind" in subjects) return subjects;
  const condition = readCondition(reader);
  if (typeof condition !== "string") return condition;
  const amount = readAmount(subjects, amountOf(reader, condition));
  return typeof amount === "number" ? { subjects, condition, amount } : amount;
}

function readSum(reader: TokenReader): readonly AnySubject[] | TextProblem {
  const sum: AnySubject[] = [];
  do {
    const token = reader.next();
    if (token === null || token.quoted !== null || isKeyword(token) || /^[<>=+]$/.test(token.text)) {
      return problem(`Write ${hostUsage}, not ${quote(reader.text)}.`);
    }
    const subject = readAnySubject(token.text);
    if (typeof subject !== "string") return subject;
    sum.push(subject);
  } while (reader.takes("+"));
  return sum;
}

/** The subject that `text` names, or what is wrong with it. */
export function readAnySubject(text: string): AnySubject | TextProblem {
  const subject = parseAnySubject(text);
  const meant = subject === null ? closest(text.trim(), namedSubjects) : misspelt(text.trim());
  if (subject !== null && (!isSource(subject) || meant === null)) return subject;
  const hint =
    meant === null
      ? `Subjects: ${namedSubjects.join(", ")}, and a host's data sources by their names in XAPI, as in loadavg.`
      : `Did you mean ${meant}?`;
  return problem(`${quote(text)} is no subject. ${hint}`);
}

/** The subject of ours that `text` means, though it could be a data source of XAPI: "Cpu_Average". */
function misspelt(text: string): string | null {
  const letters = (word: string) => word.replace(/[_-]/g, "").toLowerCase();
  return namedSubjects.find((subject) => editDistance(letters(text), letters(subject)) <= 1) ?? null;
}

/** Subjects with blanks or plus signs between them, as the dialogue takes them: "PifEth0RxKb + PifEth0TxKb". */
export function readSubjects(text: string): readonly AnySubject[] | TextProblem {
  const reader = readerOf(text);
  if (reader === null) return problem(`${quote(text)} is no subject.`);
  if (reader.peek() === null) return problem(`${quote(text)} is no subject.`);
  const sum = readSum(reader);
  if ("kind" in sum) return sum;
  const more = reader.next();
  return more === null ? sum : problem(`${quote(text)} is no sum of subjects: write Subject + Subject.`);
}

function readCondition(reader: TokenReader): Term["condition"] | TextProblem {
  const sign = reader.peek()?.text ?? "";
  if (sign === ">") {
    reader.next();
    return /^[<=>]$/.test(reader.peek()?.text ?? "") ? wrongSign(reader) : "more than mean";
  }
  if (sign === "<" || sign === "=") return wrongSign(reader);
  if (reader.takes("IS MORE THAN")) return "more than mean";
  reader.takes("IS");
  if (reader.takes("ABOVE")) return "above";
  return reader.takes("BELOW") ? "below" : "more than mean";
}

function wrongSign({ text }: TokenReader): TextProblem {
  return problem(`Write ${hostUsage}, not ${quote(text)}.`);
}

function amountOf(reader: TokenReader, condition: Term["condition"]): string {
  const text = reader.amount();
  return condition === "more than mean" ? text.replace(/\s*above\s+the\s+(?:medium|mean)$/i, "") : text;
}

/** The amount that `text` writes, with or without the subjects' unit behind it, or what is wrong with it. */
export function readAmount(subjects: readonly AnySubject[], text: string): number | TextProblem {
  const [first] = subjects;
  const unit = first === undefined ? "" : unitOf(first);
  const written = text.slice(0, 400).trim();
  const parts = /^(\+?[\d.]*)\s*(.*)$/s.exec(written);
  const [, number = "", behind = ""] = parts ?? [];
  const amount = parseThreshold(number);
  const isUnit = behind === "" || /^(?:[a-z]+(?:\/[a-z]+)?|%|of 1|1\/s)$/i.test(behind);
  if (amount === null || !isUnit) {
    const inUnit = unit === "" ? "" : `, in ${unit}`;
    return problem(`${quote(written)} is no threshold: write a number, 0 or more${inUnit}.`);
  }
  if (behind !== "" && behind.toLowerCase() !== unit.toLowerCase()) {
    const own = unit === "" ? "is a plain number" : `is measured in ${unit}`;
    return problem(`${subjects.join(" + ")} ${own}, not in ${quote(behind)}.`);
  }
  return amount;
}

type ChainOptions = RuleOptions & Pick<ChainRule, "repeat">;
type Written = { -readonly [K in keyof ChainOptions]?: ChainOptions[K] };

function readOptions(reader: TokenReader, repeats: boolean): ChainOptions | TextProblem {
  const written: Written = {};
  while (reader.peek() !== null) {
    const wrong = readOption(reader, written, repeats);
    if (wrong !== null) return wrong;
  }
  return { ...noOptions, repeat: null, ...written };
}

function readOption(reader: TokenReader, written: Written, repeats: boolean): TextProblem | null {
  const word = reader.next();
  const keyword = word === null || word.quoted !== null ? "" : word.text.toUpperCase();
  switch (keyword) {
    case "FOR":
      if (repeats) return once(written, "repeat", keyword, readRepeat(reader));
      return problem("Only a rule about hosts that balance has FOR: write it without.");
    case "BETWEEN":
      return once(written, "between", keyword, readHours(reader));
    case "NAME":
      return once(written, "name", keyword, readName(reader));
    case "COMMENT":
      return once(written, "comment", keyword, readComment(reader));
    case "DISABLED":
      return once(written, "enabled", keyword, false);
    default:
      return problem(`Nothing is known that begins with ${quote(word?.text ?? "")}: ${optionUsage}.`);
  }
}

const optionUsage =
  'write AND, FOR 5 OF 6, BETWEEN 22:00 AND 06:00, NAME "x", COMMENT "y" or DISABLED behind a term';

function once<K extends keyof ChainOptions>(
  written: Written,
  key: K,
  keyword: string,
  value: ChainOptions[K] | TextProblem,
): TextProblem | null {
  if (isProblem(value)) return value;
  if (written[key] !== undefined) return problem(`${keyword} is written twice.`);
  written[key] = value;
  return null;
}

function isProblem(value: unknown): value is TextProblem {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "problem";
}

function readRepeat(reader: TokenReader): NonNullable<ChainRule["repeat"]> | TextProblem {
  const broken = wholeNumber(reader.next());
  if (broken === null || !reader.takes("OF")) return problem("Write FOR 5 OF 6: samples of samples.");
  const of = wholeNumber(reader.next());
  if (of === null) return problem("Write FOR 5 OF 6: samples of samples.");
  reader.takes("SAMPLES");
  return { broken, of };
}

function wholeNumber(token: Token | null): number | null {
  return token !== null && /^\d{1,9}$/.test(token.text) ? Number(token.text) : null;
}

function readHours(reader: TokenReader): Hours | TextProblem {
  const from = reader.next()?.text ?? "";
  const isWhole = reader.takes("AND");
  const until = isWhole ? (reader.next()?.text ?? "") : "";
  const [first, last] = [parseTime(from), parseTime(until)];
  if (first === null || last === null) {
    const wrong = first === null ? from : until;
    return problem(`${quote(wrong)} is no time of day: write BETWEEN 22:00 AND 06:00, from 00:00 to 23:59.`);
  }
  if (first === last) {
    return problem(`BETWEEN ${from} AND ${until} is the whole day or no time at all: leave it out.`);
  }
  return { from: first, to: last };
}

const longestName = 100;
const longestComment = 1000;

/** A name is told from a subject and from a number, so that it names one rule. */
function readName(reader: TokenReader): string | TextProblem {
  const name = readText(reader, "NAME", longestName);
  if (typeof name !== "string") return name;
  if (/^\d+$/.test(name)) return problem(`The name ${quote(name)} is a number, as rules have anyway.`);
  if (name.toUpperCase() === "ALL") return problem(`The name ${quote(name)} stands for all rules.`);
  return parseAnySubject(name) === null
    ? name
    : problem(`The name ${quote(name)} is that of a subject: write another, as in NAME "night".`);
}

function readComment(reader: TokenReader): string | TextProblem {
  return readText(reader, "COMMENT", longestComment);
}

function readText(reader: TokenReader, keyword: string, longest: number): string | TextProblem {
  const token = reader.next();
  const text = token === null ? "" : (token.quoted ?? (isKeyword(token) ? "" : token.text));
  if (text.trim() === "") return problem(`${keyword} is given without a text: write ${keyword} "x".`);
  if (text.length > longest) return problem(`${keyword} is longer than ${longest} characters.`);
  return printable(text) === text && text.trim() === text
    ? text
    : problem(`${keyword} ${quote(text)} holds what cannot be printed, or blanks around it.`);
}

function readLimits(reader: TokenReader): readonly GreenLimit[] | TextProblem {
  const limits: GreenLimit[] = [];
  do {
    const limit = readLimit(reader);
    if (isProblem(limit)) return limit;
    if (limits.some((each) => limitName(each) === limitName(limit))) {
      return problem(`${limitName(limit)} is limited twice: write one limit of it.`);
    }
    limits.push(limit);
  } while (reader.takes("AND"));
  return limits;
}

function limitName(limit: GreenLimit): string {
  return limit.kind === "below" ? limit.subject : "MemoryFree";
}

function readLimit(reader: TokenReader): GreenLimit | TextProblem {
  const word = reader.next()?.text ?? "";
  if (word.toLowerCase() === "memoryfree") return readMemoryFree(reader);
  const subject = parseSubject(word);
  if (subject === null) {
    return problem(
      `${quote(word)} is nothing that hosts are kept by: write ${subjects.join(", ")} BELOW N, or MemoryFree ABOVE N.`,
    );
  }
  if (!reader.takes("BELOW")) return problem(`Hosts are kept with ${subject} BELOW N: write ${greenUsage}.`);
  const value = readAmount([subject], reader.amount());
  if (typeof value !== "number") return value;
  return value > 0 && value <= highestOf(subject)
    ? { kind: "below", subject, value }
    : problem(`${subject} BELOW ${value} leaves no room or all of it: write ${greenUsage}.`);
}

function readMemoryFree(reader: TokenReader): GreenLimit | TextProblem {
  if (!reader.takes("ABOVE"))
    return problem(`Hosts are kept with MemoryFree ABOVE N %: write ${greenUsage}.`);
  const text = reader.amount();
  const percent = parseThreshold(text.replace(/\s*%$/, ""));
  if (percent !== null && percent < 100) return { kind: "memory free", percent };
  return problem(
    `MemoryFree ABOVE ${quote(text)}: write a number of percent below 100, as in ${greenUsage}.`,
  );
}

/** One host in reserve where nothing is said. */
function readSpare(reader: TokenReader): number | TextProblem {
  if (!reader.takes("WITH")) return 1;
  const count = wholeNumber(reader.next());
  if (count === null || count > 1000 || !(reader.takes("SPARE HOST") || reader.takes("SPARE HOSTS"))) {
    return problem("Write WITH 1 SPARE HOST: how many hosts may fail at any moment.");
  }
  return count;
}
