/**
 * The tables and columns that the files of sql/ make, read off their statements: what a database of a version should
 * hold, and how to make one of its tables again. Pure.
 */
import type { SchemaFile } from "./files.ts";

export interface ExpectedColumn {
  readonly name: string;
  /** What follows the name in CREATE TABLE or ADD COLUMN. */
  readonly definition: string;
  /** Whether it is part of a key: such a column cannot be added again alone. */
  readonly key: boolean;
}

export interface ExpectedTable {
  readonly name: string;
  readonly columns: readonly ExpectedColumn[];
  /** The statements that make it, with the rows that it begins with; to be run without checks of foreign keys. */
  readonly statements: readonly string[];
  /** The file that its first column came with, and by column the file of each. */
  readonly version: number;
  readonly versions: ReadonlyMap<string, number>;
}

/** A view, with the statement that makes it, or makes it again. */
export interface ExpectedView {
  readonly name: string;
  readonly statement: string;
}

/** The views after `files`, each as the last file has it that makes it. */
export function expectedViews(files: readonly SchemaFile[]): readonly ExpectedView[] {
  const views = new Map<string, ExpectedView>();
  for (const statement of files.flatMap(({ statements }) => statements)) {
    const [, name = ""] = /^CREATE OR REPLACE SQL SECURITY DEFINER VIEW (\w+) AS\b/.exec(statement) ?? [];
    if (name !== "") views.set(name, { name, statement });
    const [, dropped = ""] = /^DROP VIEW(?: IF EXISTS)? (\w+)$/.exec(statement) ?? [];
    views.delete(dropped);
  }
  return [...views.values()];
}

interface TableDraft {
  name: string;
  readonly columns: Map<string, string>;
  readonly keys: Set<string>;
  readonly statements: string[];
  readonly versions: Map<string, number>;
}

/** The tables after `files`, which begin with the first one; SchemaVersion, the ledger, is not among them. */
export function expectedTables(files: readonly SchemaFile[]): readonly ExpectedTable[] {
  const drafts = new Map<string, TableDraft>();
  for (const { version, statements } of files) for (const each of statements) take(drafts, each, version);
  return [...drafts.values()].map(({ name, columns, keys, statements, versions }) => ({
    name,
    columns: [...columns].map(([column, definition]) => ({
      name: column,
      definition,
      key: keys.has(column) || /\bPRIMARY KEY\b|\bUNIQUE\b/i.test(definition),
    })),
    statements,
    version: Math.min(...versions.values()),
    versions,
  }));
}

function take(drafts: Map<string, TableDraft>, statement: string, version: number): void {
  const [, created = "", body = ""] =
    /^CREATE TABLE(?: IF NOT EXISTS)? (\w+) \(([\s\S]*)\)[^()]*$/.exec(statement) ?? [];
  if (created !== "") {
    if (!drafts.has(created)) drafts.set(created, create(created, statement, body, version));
    return;
  }
  const [, renames] = /^RENAME TABLE ([\s\S]*)$/.exec(statement) ?? [];
  for (const [, from = "", to = ""] of (renames ?? "").matchAll(/(\w+) TO (\w+)/g)) rename(drafts, from, to);
  const [, dropped = ""] = /^DROP TABLE(?: IF EXISTS)? (\w+)$/.exec(statement) ?? [];
  drafts.delete(dropped);
  const [, seeded = ""] = /^INSERT IGNORE INTO (\w+) \([^)]*\) VALUES/.exec(statement) ?? [];
  drafts.get(seeded)?.statements.push(statement);
  const [, altered = "", changes = ""] = /^ALTER TABLE (\w+)\s+([\s\S]*)$/.exec(statement) ?? [];
  const draft = drafts.get(altered);
  if (draft === undefined) return;
  draft.statements.push(statement);
  for (const change of topLevel(changes)) alter(draft, change, version);
}

/** A table that was made where the default was another character set must fit the keys that point to it. */
const characters = " DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci";

function create(name: string, statement: string, body: string, version: number): TableDraft {
  const whole = /CHARACTER SET [^)]*$/.test(statement) ? statement : statement + characters;
  const draft: TableDraft = {
    name,
    columns: new Map(),
    keys: new Set(),
    statements: [whole],
    versions: new Map(),
  };
  for (const item of topLevel(body)) {
    const key = /^(?:PRIMARY KEY|UNIQUE KEY \w+|KEY \w+|FOREIGN KEY) ?\(([^)]*)\)/.exec(item);
    if (key === null) alter(draft, `ADD COLUMN ${item}`, version);
    else for (const column of (key[1] ?? "").split(",")) draft.keys.add(column.trim());
  }
  return draft;
}

function rename(drafts: Map<string, TableDraft>, from: string, to: string): void {
  const draft = drafts.get(from);
  if (draft === undefined) return;
  drafts.delete(from);
  draft.name = to;
  draft.statements.splice(
    0,
    draft.statements.length,
    ...draft.statements.map((each) => each.replace(new RegExp(`\\b${from}\\b`), to)),
  );
  drafts.set(to, draft);
}

function alter(draft: TableDraft, change: string, version: number): void {
  const [, kind = "", column = "", definition = ""] =
    /^(ADD COLUMN|MODIFY|DROP COLUMN) (\w+)\s*([\s\S]*)$/.exec(change) ?? [];
  if (kind === "") return;
  if (kind === "DROP COLUMN") {
    draft.columns.delete(column);
    draft.versions.delete(column);
    return;
  }
  const before = draft.columns.get(column) ?? "";
  if (/\bPRIMARY KEY\b/i.test(before)) draft.keys.add(column);
  draft.columns.set(column, definition.trim());
  if (kind === "ADD COLUMN") draft.versions.set(column, version);
}

/** The parts between commas that stand in no parentheses. */
function topLevel(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const character of list) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += character;
  }
  return [...parts, part.trim()].filter((each) => each !== "");
}
