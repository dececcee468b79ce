/** `xcp-manager schema install | status`: brings the tables to this program's version, and tells how far they are. */

import { exitCode } from "../domain/errors.ts";
import type { StoreOptions } from "../store/connection.ts";
import {
  type InstallResult,
  installSchema,
  type SchemaStatus,
  schemaStatus,
} from "../store/schema/schema.ts";

/** What to print and how to end. */
export interface SchemaReport {
  readonly lines: readonly string[];
  /** The same for scripts. */
  readonly json: unknown;
  readonly exitCode: number;
}

/** Creates or upgrades the database of `options`. Throws AppError mysql or schema when that is refused. */
export async function runSchemaInstall(options: StoreOptions): Promise<SchemaReport> {
  const result = await installSchema(options);
  return { lines: installLines(options.database, result), json: result, exitCode: exitCode.done };
}

function installLines(database: string, result: InstallResult): string[] {
  const lines: string[] = [];
  if (result.createdDatabase) lines.push(`Created the database ${database}`);
  if (result.adoptedThesis) lines.push("Found the thesis' tables: they keep their rows");
  lines.push(...result.madeAgain.map(againLine));
  lines.push(...result.applied.map((file) => `Applied ${file}`));
  lines.push(`The schema of ${database} is up to date: version ${result.version}`);
  return lines;
}

/** How far the database of `options` is: exit code 0 when nothing is missing, 3 when something is, 1 from the future; `installer`: the command that makes it whole. */
export async function runSchemaStatus(options: StoreOptions, installer: string): Promise<SchemaReport> {
  const status = await schemaStatus(options);
  return {
    lines: statusLines(options.database, status, installer),
    json: status,
    exitCode: statusCode(status),
  };
}

function statusLines(database: string, status: SchemaStatus, installer: string): string[] {
  const lines = [
    `Database - ${database}`,
    `Found - ${foundWords[status.found]}`,
    `Version - ${status.version}`,
    `Wanted - ${status.wanted}`,
    `Pending - ${status.pending.length === 0 ? "-" : status.pending.join(", ")}`,
  ];
  lines.push(...status.lost.map((name) => `Lost - ${wordsOf(name)}`));
  if (status.lost.length > 0)
    lines.push(`Put back what is lost from a backup, or have it made again, empty: run \`${installer}\``);
  else if (status.pending.length > 0) lines.push(`Run \`${installer}\``);
  if (status.version > status.wanted)
    lines.push("A newer xcp-balance made this database: upgrade the program");
  return lines;
}

/** "table Exclusion", "column Ip of table Host". */
function wordsOf(lost: string): string {
  const [table, column] = lost.split(".");
  return column === undefined ? `table ${table}` : `column ${column} of table ${table}`;
}

function againLine(name: string): string {
  const content =
    name === "SchemaVersion" ? "as the other tables tell its content" : "empty; what it held is lost";
  return `Made ${wordsOf(name)} again, ${content}`;
}

const foundWords: Readonly<Record<SchemaStatus["found"], string>> = {
  "no database": "no such database",
  empty: "a database without tables",
  thesis: "the thesis' tables",
  ours: "tables of xcp-balance",
};

function statusCode(status: SchemaStatus): number {
  if (status.version > status.wanted) return exitCode.couldNotRun;
  return status.pending.length + status.lost.length > 0 ? exitCode.partly : exitCode.done;
}
