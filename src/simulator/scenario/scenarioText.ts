/** Words of a scenario file: lines into statements, values into numbers, lists and load profiles. */
import { constant, type Profile } from "../metrics/load.ts";

/** What is wrong with a line, in words. */
export class LineProblem extends Error {}

/** One line: a word, mostly a name, settings and flags. */
export interface Statement {
  readonly word: string;
  readonly name: string | null;
  readonly settings: ReadonlyMap<string, string>;
  readonly flags: ReadonlySet<string>;
}

const tokenPattern = /\s*(?:#.*$|((?:[^\s"=#]+=)?"(?:[^"\\]|\\.)*"|[^\s"#]\S*))/gy;

/** Splits a line; null for an empty one. `#` begins a comment, "..." keeps spaces and takes JSON's escapes. */
export function readStatement(line: string): Statement | null {
  const tokens = splitLine(line);
  const word = tokens.shift();
  if (word === undefined) return null;
  const settings = new Map<string, string>();
  const flags = new Set<string>();
  let name: string | null = null;
  for (const token of tokens) {
    const match = /^([a-z][a-z0-9-]*)=(.*)$/s.exec(token);
    if (match?.[1] !== undefined) {
      if (settings.has(match[1])) throw new LineProblem(`${match[1]} is given twice`);
      settings.set(match[1], unquote(match[2] ?? ""));
    } else if (name === null && settings.size === 0 && flags.size === 0 && word !== "generate") {
      name = unquote(token);
    } else flags.add(unquote(token));
  }
  return { word, name, settings, flags };
}

/** Words and settings of a command line, in order; quoting and comments as in a scenario. */
export function readStatementWords(line: string): { words: string[]; settings: Map<string, string> } {
  const settings = new Map<string, string>();
  const words: string[] = [];
  for (const token of splitLine(line)) {
    const match = /^([a-z][a-z0-9-]*)=(.*)$/s.exec(token);
    if (match?.[1] === undefined) words.push(unquote(token));
    else settings.set(match[1], unquote(match[2] ?? ""));
  }
  return { words, settings };
}

function splitLine(line: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  for (let end = 0; end < line.trimEnd().length; end = tokenPattern.lastIndex) {
    const match = tokenPattern.exec(line);
    if (match === null)
      throw new LineProblem(`cannot read ${line.slice(end).trim().slice(0, 40)} (an open quote?)`);
    if (match[1] !== undefined) tokens.push(match[1]);
  }
  return tokens;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    throw new LineProblem(`${text.slice(0, 40)} is not a quoted text`);
  }
}

/** Reads a statement's settings one by one; what nobody asked for is a problem at the end. */
export class SettingsReader {
  readonly #statement: Statement;
  readonly #asked = new Set<string>();

  constructor(statement: Statement) {
    this.#statement = statement;
  }

  /** The name; a problem where it is missing. */
  name(): string {
    if (this.#statement.name === null) throw new LineProblem(`${this.#statement.word} needs a name`);
    return this.#statement.name;
  }

  flag(name: string): boolean {
    this.#asked.add(name);
    return this.#statement.flags.has(name);
  }

  text(key: string): string | null {
    this.#asked.add(key);
    return this.#statement.settings.get(key) ?? null;
  }

  list(key: string): string[] {
    const text = this.text(key);
    return text === null ? [] : text.split(",").filter((item) => item !== "");
  }

  number(key: string, initial: number, range: { min: number; max: number; whole?: boolean }): number {
    const text = this.text(key);
    if (text === null) return initial;
    const value = Number(text);
    const whole = range.whole !== false;
    if (
      text.trim() !== "" &&
      value >= range.min &&
      value <= range.max &&
      (!whole || Number.isInteger(value))
    ) {
      return value;
    }
    throw new LineProblem(
      `${key}=${text}: must be a ${whole ? "whole " : ""}number from ${range.min} to ${range.max}`,
    );
  }

  uuid(key: string): string | null {
    const text = this.text(key);
    if (text === null || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
    throw new LineProblem(`${key}=${text}: must be a uuid of 36 lower-case characters`);
  }

  choice<T extends string>(key: string, choices: readonly T[], initial: T): T {
    const text = this.text(key);
    if (text === null) return initial;
    const choice = choices.find((one) => one === text);
    if (choice === undefined) throw new LineProblem(`${key}=${text}: must be one of ${choices.join(", ")}`);
    return choice;
  }

  /** A quantity over time; shares are written in percent. */
  profile(key: string, initial: number, unit: "share" | "amount"): Profile {
    const text = this.text(key);
    if (text === null) return constant(initial);
    try {
      return readProfile(text, unit);
    } catch (error) {
      if (error instanceof LineProblem) throw new LineProblem(`${key}=${text}: ${error.message}`);
      throw error;
    }
  }

  /** The same several times, with commas between; none where it is not given. */
  profiles(key: string, unit: "share" | "amount"): Profile[] {
    const text = this.text(key);
    // A comma within brackets belongs to one of them.
    const each = text === null ? [] : text.split(/,(?![^(]*\))/);
    try {
      return each.map((one) => readProfile(one, unit));
    } catch (error) {
      if (error instanceof LineProblem) throw new LineProblem(`${key}=${text}: ${error.message}`);
      throw error;
    }
  }

  /** Reports settings and flags that nobody asked for. */
  finish(): void {
    const given = [...this.#statement.settings.keys(), ...this.#statement.flags];
    const unknown = given.find((word) => !this.#asked.has(word));
    if (unknown === undefined) return;
    const known = [...this.#asked].sort().join(", ");
    throw new LineProblem(`${this.#statement.word} has no "${unknown}"; it knows ${known}`);
  }
}

/**
 * Reads `50%`, `ramp(10%,90%,over=10m,from=1m)`, `spike(20%,95%,for=30s,every=5m,from=1m)` or
 * `noise(50%,10%)`; amounts without the percent sign. Times count from `originMs` after the pool began.
 */
export function readProfile(text: string, unit: "share" | "amount", originMs = 0): Profile {
  const call = /^(ramp|spike|noise)\((.*)\)$/.exec(text);
  if (call === null) return constant(readQuantity(text, unit));
  const parts = (call[2] ?? "").split(",");
  const [first = "", second = ""] = parts.filter((part) => !part.includes("="));
  const times = new Map(
    parts.filter((part) => part.includes("=")).map((part) => part.split("=") as [string, string]),
  );
  const time = (key: string, initialMs: number | null): number | null => {
    const written = times.get(key);
    times.delete(key);
    return written === undefined ? initialMs : readDuration(written);
  };
  const a = readQuantity(first, unit);
  const b = readQuantity(second, unit);
  const startMs = originMs + (time("from", 0) ?? 0);
  const profile: Profile =
    call[1] === "noise"
      ? { kind: "noise", mean: a, amplitude: b }
      : call[1] === "ramp"
        ? { kind: "ramp", from: a, to: b, startMs, durationMs: time("over", 60_000) ?? 0 }
        : {
            kind: "spike",
            base: a,
            peak: b,
            startMs,
            durationMs: time("for", 30_000) ?? 0,
            everyMs: time("every", null),
          };
  const left = [...times.keys()][0];
  if (left !== undefined) throw new LineProblem(`${call[1]} has no "${left}"`);
  return profile;
}

function readQuantity(text: string, unit: "share" | "amount"): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  if (match === null || (unit === "amount" && match[2] === "%")) {
    throw new LineProblem(
      unit === "share" ? "must be a percentage such as 50%" : "must be a number such as 12.5",
    );
  }
  const value = Number(match[1]);
  return unit === "share" ? value / 100 : value;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "500ms", "30s", "5m", "2h" in milliseconds. */
export function readDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new LineProblem(`${text} is not a time such as 30s, 5m or 2h`);
  return Number(match[1]) * (unitMs[match[2] ?? ""] ?? 0);
}
