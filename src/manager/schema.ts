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
  lines.push(...result.applied.map((file) => `Applied ${file}`));
  lines.push(`The schema of ${database} is up to date: version ${result.version}`);
  return lines;
}

/** How far the database of `options` is: exit code 0 when nothing is missing, 3 when something is, 1 from the future. */
export async function runSchemaStatus(options: StoreOptions): Promise<SchemaReport> {
  const status = await schemaStatus(options);
  return { lines: statusLines(options.database, status), json: status, exitCode: statusCode(status) };
}

function statusLines(database: string, status: SchemaStatus): string[] {
  const lines = [
    `Database - ${database}`,
    `Found - ${foundWords[status.found]}`,
    `Version - ${status.version}`,
    `Wanted - ${status.wanted}`,
    `Pending - ${status.pending.length === 0 ? "-" : status.pending.join(", ")}`,
  ];
  if (status.pending.length > 0) lines.push("Run `xcp-manager schema install`");
  if (status.version > status.wanted)
    lines.push("A newer xcp-balance made this database: upgrade the program");
  return lines;
}

const foundWords: Readonly<Record<SchemaStatus["found"], string>> = {
  "no database": "no such database",
  empty: "a database without tables",
  thesis: "the thesis' tables",
  ours: "tables of xcp-balance",
};

function statusCode(status: SchemaStatus): number {
  if (status.version > status.wanted) return exitCode.couldNotRun;
  return status.pending.length > 0 ? exitCode.partly : exitCode.done;
}
