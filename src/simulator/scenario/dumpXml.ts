/** Reads xapi's own database file: tables of rows whose attributes hold text and S-expressions. Pure. */
import { AppError } from "../../domain/errors.ts";

/** A row: its fields as text, escapes resolved, and those that could not be read with what is wrong with them. */
export interface DumpRow {
  readonly fields: ReadonlyMap<string, string>;
  readonly damaged: ReadonlyMap<string, string>;
}

/** Rows by table. */
export type DumpTables = ReadonlyMap<string, readonly DumpRow[]>;

/** Splits the file into tables. Throws AppError where it is no such file, or ends early. */
export function readDumpTables(xml: string): DumpTables {
  const tables = new Map<string, DumpRow[]>();
  let rows: DumpRow[] | null = null;
  let closed = false;
  // Within quotes `<` is always escaped, `>` need not be: a tag reaches to the last `>` before the next `<`.
  for (const match of xml.matchAll(/<(\/?)([a-zA-Z_]+)([^<]*)/g)) {
    const [, end, name, rest = ""] = match;
    if (name === "database" && end === "/") closed = true;
    if (end === "/") continue;
    if (name === "table") {
      rows = [];
      tables.set(readRow(rest).fields.get("name") ?? "", rows);
    } else if (name === "row") rows?.push(readRow(rest));
  }
  if (tables.size === 0) throw new AppError("usage", "this is no pool database: it has no tables");
  if (!closed) throw new AppError("usage", "this pool database is cut off: its end is missing");
  return tables;
}

function readRow(tag: string): DumpRow {
  const fields = new Map<string, string>();
  const damaged = new Map<string, string>();
  const text = tag.replace(/\/?>\s*$/, "");
  const attribute = /\s*([\w.:-]+)="([^"]*)"(?=\s|$)/y;
  let last = "";
  for (let at = 0; text.slice(at).trim() !== ""; ) {
    attribute.lastIndex = at;
    const match = attribute.exec(text);
    if (match === null) {
      const next = nextAttribute(text, at);
      const name = /^\s*([\w.:-]+)\s*=/.exec(text.slice(at, next))?.[1];
      const field = name === undefined ? last : fieldName(name);
      fields.delete(field);
      damaged.set(field, `cannot be read near ${JSON.stringify(text.slice(at, next).trim().slice(0, 40))}`);
      at = next;
      continue;
    }
    last = fieldName(match[1] ?? "");
    fields.set(last, unprotect(unescapeXml(match[2] ?? "")));
    at = attribute.lastIndex;
  }
  return { fields, damaged };
}

/** Where reading may go on behind something unreadable: at the next blank that an attribute follows. */
function nextAttribute(text: string, at: number): number {
  const attribute = /\s[\w.:-]+="/g;
  attribute.lastIndex = at + 1;
  return attribute.exec(text)?.index ?? text.length;
}

/** Fields of a namespace are written with two underscores: name__label is name_label. */
function fieldName(attribute: string): string {
  return attribute.replace(/(?<=[a-zA-Z0-9])__/g, "_");
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const protectedCharacters: Readonly<Record<string, string>> = {
  "%": "%",
  ".": " ",
  _: "  ",
  t: "\t",
  n: "\n",
  r: "\r",
};

/**
 * xapi keeps white space from XML parsers: a space is `%.` (since October 2017; before that only two of them were
 * written otherwise, as `%_`), a tab `%t`, line ends `%n` and `%r`. Anything else behind a `%` stays as it is.
 */
function unprotect(text: string): string {
  return text.replace(/%([%._tnr])/g, (_, letter) => protectedCharacters[letter] ?? "");
}

/** An S-expression: a text, or a list of them. */
export type Sexpr = string | readonly Sexpr[];

/** Lists within lists; xapi's own fields never need more than a few. */
const deepest = 16;

/** Reads `('a' ('b' 'c'))`; throws Error where brackets or quotes do not match. */
export function readSexpr(text: string): Sexpr {
  const tokens = tokensOf(text);
  let at = 0;
  const take = (depth: number): Sexpr => {
    const token = tokens[at++];
    if (token === undefined || token === ")" || depth > deepest) throw unreadable(text);
    if (token !== "(") return unquoteAtom(token);
    const items: Sexpr[] = [];
    while (tokens[at] !== ")") items.push(take(depth + 1));
    at += 1;
    return items;
  };
  const value = take(0);
  if (at !== tokens.length) throw unreadable(text);
  return value;
}

function tokensOf(text: string): string[] {
  const token = /\s*(\(|\)|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()'"]+)/gsy;
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; at = token.lastIndex) {
    const match = token.exec(text);
    if (match?.[1] === undefined) throw unreadable(text);
    tokens.push(match[1]);
  }
  return tokens;
}

function unreadable(text: string): Error {
  return new Error(`unreadable S-expression ${JSON.stringify(text.slice(0, 60))}`);
}

function unquoteAtom(token: string): string {
  return /^['"]/.test(token) ? token.slice(1, -1).replace(/\\(.)/gs, "$1") : token;
}
