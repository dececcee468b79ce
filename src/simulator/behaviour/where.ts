/** The small language of get_all_records_where: `field "power_state" = "Running" and not (...)`. */

import { fieldSpec, type SimMap, type SimValue } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";
import { formatDate, formatFloat } from "../server/wireText.ts";

/** Whether a record of the class fits. */
export type Condition = (record: SimMap) => boolean;

type Term = (record: SimMap) => string;

/** Reads an expression over the fields of `cls`; INVALID_VALUE [expression, reason] when it is none. */
export function parseWhere(cls: string, expression: string): Condition {
  const words = split(expression);
  const parser = new WhereParser(cls, expression, words);
  return parser.whole();
}

const word = /\s+|(field|true|false|and|or|not)(?![\w])|([=()])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/y;

interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

function split(expression: string): Word[] {
  const words: Word[] = [];
  word.lastIndex = 0;
  while (word.lastIndex < expression.length) {
    const found = word.exec(expression);
    if (found === null) throw invalid(expression, 'Failure("lexing: empty token")');
    const plain = found[1] ?? found[2];
    const quoted = found[3] ?? found[4];
    if (plain !== undefined) words.push({ text: plain, quoted: false });
    else if (quoted !== undefined) words.push({ text: quoted.replace(/\\(.)/g, "$1"), quoted: true });
  }
  return words;
}

function invalid(expression: string, reason: string): SimFailure {
  return new SimFailure("INVALID_VALUE", [expression, reason]);
}

class WhereParser {
  readonly #cls: string;
  readonly #expression: string;
  readonly #words: Word[];

  constructor(cls: string, expression: string, words: Word[]) {
    this.#cls = cls;
    this.#expression = expression;
    this.#words = words;
  }

  whole(): Condition {
    const condition = this.#either();
    if (this.#words.length > 0) throw this.#mistake();
    return condition;
  }

  #either(): Condition {
    let left = this.#both();
    while (this.#take("or")) {
      const [before, after] = [left, this.#both()];
      left = (record) => before(record) || after(record);
    }
    return left;
  }

  #both(): Condition {
    let left = this.#single();
    while (this.#take("and")) {
      const [before, after] = [left, this.#single()];
      left = (record) => before(record) && after(record);
    }
    return left;
  }

  #single(): Condition {
    if (this.#take("true")) return () => true;
    if (this.#take("false")) return () => false;
    if (this.#take("not")) {
      const inner = this.#single();
      return (record) => !inner(record);
    }
    if (this.#take("(")) {
      const inner = this.#either();
      if (!this.#take(")")) throw this.#mistake();
      return inner;
    }
    const left = this.#term();
    if (!this.#take("=")) throw this.#mistake();
    const right = this.#term();
    return (record) => left(record) === right(record);
  }

  #term(): Term {
    const isField = this.#take("field");
    const name = this.#words.shift();
    if (name?.quoted !== true) throw this.#mistake();
    if (!isField) return () => name.text;
    return this.#field(name.text);
  }

  /** The database joins namespaces by two underscores (name__label), the API by one: both are known. */
  #field(name: string): Term {
    const field = name.replaceAll("__", "_");
    try {
      fieldSpec(this.#cls, field);
    } catch {
      throw new SimFailure("INTERNAL_ERROR", [
        `Db_exn.DBCache_NotFound("missing column", "${this.#cls}", "${name}")`,
      ]);
    }
    const isFloat = fieldSpec(this.#cls, field).type.kind === "float";
    return (record) => databaseText(record[field] ?? "", isFloat);
  }

  #take(text: string): boolean {
    const next = this.#words[0];
    if (next === undefined || next.quoted || next.text !== text) return false;
    this.#words.shift();
    return true;
  }

  #mistake(): SimFailure {
    return invalid(this.#expression, "Stdlib.Parsing.Parse_error");
  }
}

/** A value as xapi's database writes it, which is what expressions compare. */
function databaseText(value: SimValue, isFloat: boolean): string {
  if (value instanceof Date) return formatDate(value);
  if (typeof value === "number" && isFloat) return formatFloat(value);
  if (Array.isArray(value)) return `(${value.map((item) => `'${databaseText(item, false)}'`).join(" ")})`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).map(([key, item]) => `('${key}' '${databaseText(item, false)}')`);
    return `(${entries.join(" ")})`;
  }
  return String(value);
}
