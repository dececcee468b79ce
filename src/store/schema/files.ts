/** The files of sql/: numbered, forward-only, each a list of statements. */
import fs from "node:fs";
import { sqlFolder } from "../sqlFolder.ts";

export interface SchemaFile {
  readonly version: number;
  readonly name: string;
  /** Older programs must not work on what this file makes. */
  readonly breaking: boolean;
  readonly statements: readonly string[];
}

export interface SchemaFiles {
  /** Creates the table SchemaVersion where it is missing. */
  readonly ledger: readonly string[];
  /** In the order of their versions: 1, 2, 3 ... */
  readonly files: readonly SchemaFile[];
}

/** Reads the numbered files of `folder`. @throws Error when a number is missing or stands twice. */
export function readSchemaFiles(folder: URL = sqlFolder): SchemaFiles {
  const names = fs.readdirSync(folder).filter((name) => /^\d{4}_.*\.sql$/.test(name));
  const all = names.sort().map((name) => parseFile(name, fs.readFileSync(new URL(name, folder), "utf8")));
  all.forEach((file, index) => {
    if (file.version !== index)
      throw new Error(`sql/${file.name} should be number ${index}: one is missing or double`);
  });
  const [ledger, ...files] = all;
  if (ledger === undefined) throw new Error(`there are no schema files in ${folder.pathname}`);
  return { ledger: ledger.statements, files };
}

/** Statements end with a semicolon at the end of a line; comments have lines of their own. */
function parseFile(name: string, text: string): SchemaFile {
  const statements = text
    .replace(/^\s*--.*$/gm, "")
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
  return { version: Number(name.slice(0, 4)), name, breaking: /^-- breaking\b/.test(text), statements };
}
