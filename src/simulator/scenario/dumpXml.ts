/** Reads xapi's own database file: tables of rows whose attributes hold text and S-expressions. Pure. */
import { AppError } from "../../domain/errors.ts";

/** Rows by table; a row is its attributes as text, escapes resolved. */
export type DumpTables = ReadonlyMap<string, readonly ReadonlyMap<string, string>[]>;

/** Splits the file into tables. Throws AppError where it is no such file, or ends early. */
export function readDumpTables(xml: string): DumpTables {
  const tables = new Map<string, Map<string, string>[]>();
  let rows: Map<string, string>[] | null = null;
  let closed = false;
  // `>` cannot end a tag inside quotes, hence the explicit attribute pattern.
  for (const match of xml.matchAll(/<(\/?)([a-zA-Z_]+)((?:\s+[\w.:-]+="[^"]*")*)\s*(\/?)>/g)) {
    const [, end, name, attributes = ""] = match;
    if (name === "database" && end === "/") closed = true;
    if (end === "/") continue;
    if (name === "table") {
      rows = [];
      tables.set(readAttributes(attributes).get("name") ?? "", rows);
    } else if (name === "row") rows?.push(readAttributes(attributes));
  }
  if (tables.size === 0) throw new AppError("usage", "this is no pool database: it has no tables");
  if (!closed) throw new AppError("usage", "this pool database is cut off: its end is missing");
  return tables;
}

function readAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const match of text.matchAll(/([\w.:-]+)="([^"]*)"/g)) {
    // Fields of a namespace are written with two underscores: name__label is name_label.
    attributes.set(
      (match[1] ?? "").replace(/(?<=[a-zA-Z0-9])__/g, "_"),
      unprotect(unescapeXml(match[2] ?? "")),
    );
  }
  return attributes;
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return entities[name] ?? whole;
  });
}

const protectedCharacters: Readonly<Record<string, string>> = {
  "%": "%",
  _: "  ",
  t: "\t",
  n: "\n",
  r: "\r",
};

/** xapi keeps white space from XML parsers: two spaces are %_, a tab %t, line ends %n and %r. */
function unprotect(text: string): string {
  return text.replace(/%([%_tnr])/g, (_, letter) => protectedCharacters[letter] ?? "");
}

/** An S-expression: a text, or a list of them. */
export type Sexpr = string | readonly Sexpr[];

/** Reads `('a' ('b' 'c'))`; throws AppError where brackets or quotes do not match. */
export function readSexpr(text: string): Sexpr {
  const tokens = text.match(/\(|\)|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()'"]+/gs) ?? [];
  let at = 0;
  const take = (): Sexpr => {
    const token = tokens[at++];
    if (token === undefined || token === ")")
      throw new AppError("usage", `unreadable S-expression ${text.slice(0, 60)}`);
    if (token !== "(") return unquoteAtom(token);
    const items: Sexpr[] = [];
    while (tokens[at] !== ")") items.push(take());
    at += 1;
    return items;
  };
  const value = take();
  if (at !== tokens.length) throw new AppError("usage", `unreadable S-expression ${text.slice(0, 60)}`);
  return value;
}

function unquoteAtom(token: string): string {
  return /^['"]/.test(token) ? token.slice(1, -1).replace(/\\(.)/gs, "$1") : token;
}
