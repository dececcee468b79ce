/**
 * A bug report in one file of JSON that people can read before they send it: doctor's report, the settings, and what the
 * programs wrote down of themselves. No password and no session is in it; names of hosts and VMs are.
 */

import { randomUUID } from "node:crypto";
import os from "node:os";
import { AppError, describeError } from "../domain/errors.ts";
import { readSettingsFile } from "../program/settingsFile.ts";
import { writeWhole } from "../program/wholeFile.ts";
import { settingKeys } from "../settings/keys.ts";
import type { Database } from "../store/connection.ts";
import { listMigrations } from "../store/migrations.ts";
import { readRules } from "../store/rules.ts";
import { listRuns } from "../store/runs.ts";
import { loadTableFacts } from "../store/tableFacts.ts";
import { printableJsonLines } from "../text/text.ts";
import { type DoctorOptions, type Opened, readingDatabase } from "./check.ts";
import { diagnose, examine } from "./diagnose.ts";
import { lookedAt } from "./places.ts";
import { leftOut, redacted } from "./redact.ts";
import type { DoctorReport } from "./report.ts";

const runsKept = 20;
const migrationsKept = 50;

/** The report, and what was written beside it, a line each; none where no file was asked for. */
export interface ReportWithBundle {
  readonly report: DoctorReport;
  readonly held: readonly string[];
}

/**
 * Diagnoses, and writes a bundle into `file` where one is named; `version` is this package's.
 * @throws AppError "file" when it cannot be written.
 */
export async function withBundle(
  options: DoctorOptions,
  file: string | undefined,
  version: string,
): Promise<ReportWithBundle> {
  if (file === undefined) return { report: await diagnose(options), held: [] };
  return examine(options, async (report, found) => {
    const settings = settingsTold(options);
    const db = readingDatabase(found);
    const content = {
      versions: {
        "xcp-balance": version,
        node: options.nodeVersion,
        system: `${os.type()} ${os.release()} ${os.arch()}`,
        mysql: found.server === null ? null : `${found.server.flavour} ${found.server.version}`,
        pool: poolVersions(found),
      },
      doctor: report,
      settings: settings.told,
      ...(db === null ? {} : await recordsIn(db)),
    };
    const held = heldIn(content);
    const whole = { holds: held, leftOut: "passwords, sessions, credentials in addresses", ...content };
    await writeWhole(
      file,
      `${printableJsonLines(redacted(whole, secretsOf(found, settings.secrets)))}\n`,
      randomUUID(),
    );
    return {
      report,
      held: [
        `Written: ${file}, to be read before it is sent. It holds`,
        ...held.map((each) => `  ${each}`),
        "and no passwords, sessions or credentials in addresses; names and addresses of hosts and VMs are in it.",
      ],
    };
  });
}

/** What is in the file, in words. */
function heldIn(content: Readonly<Record<string, unknown>>): string[] {
  const words: Readonly<Record<string, string>> = {
    versions: "versions: of xcp-balance, Node, the system, MySQL and the pool",
    doctor: "doctor: the report, every check with its findings",
    settings: "settings: the keys of each program's file, secret ones left out",
    runs: `runs: the newest ${runsKept} of each program`,
    migrations: `migrations: the newest ${migrationsKept}`,
    rules: "rules: those that xcp-control balances by",
    tables: "tables: engine and size of each",
    problem: "problem: why the database could not be read",
  };
  return Object.keys(content).map((key) => words[key] ?? key);
}

async function recordsIn(db: Database): Promise<Readonly<Record<string, unknown>>> {
  try {
    return {
      runs: [
        ...(await listRuns(db, "xcp-collect", runsKept)),
        ...(await listRuns(db, "xcp-control", runsKept)),
      ],
      migrations: await listMigrations(db, migrationsKept),
      rules: await readRules(db),
      tables: (await loadTableFacts(db)).map(({ name, engine, bytes }) => ({ name, engine, bytes })),
    };
  } catch (error) {
    if (error instanceof AppError) return { problem: describeError(error) };
    throw error;
  }
}

function poolVersions({ inventory }: Opened): readonly string[] {
  const versions = [...(inventory?.hosts.values() ?? [])].map(
    ({ software_version: version }) =>
      `${version.get("product_brand") ?? "?"} ${version.get("product_version") ?? "?"}`,
  );
  return [...new Set(versions)];
}

interface ToldSettings {
  readonly told: Readonly<Record<string, unknown>>;
  /** Values that stand in the files and belong to nobody else. */
  readonly secrets: readonly string[];
}

/** The files' keys and values: also of files that make no sense. Keys that are not known may be misspelt secrets. */
function settingsTold({ places }: DoctorOptions): ToldSettings {
  const secrets: string[] = [];
  const told: Record<string, unknown> = {};
  for (const program of lookedAt(places)) {
    try {
      const { file, text } = readSettingsFile([], places[program]);
      told[program] = { file: file ?? "the environment", keys: keysIn(text, secrets) };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      told[program] = { problem: describeError(error) };
    }
  }
  return { told, secrets };
}

function keysIn(text: string, secrets: string[]): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, key = "", written = ""] = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === "") continue;
    const value = /^(['"`])(.*)\1\s*(?:#.*)?$/.exec(written)?.[2] ?? written;
    const isPlain = Object.hasOwn(settingKeys, key) && settingKeys[key]?.kind !== "secret";
    if (!isPlain) secrets.push(value, written);
    keys[key] = isPlain ? value : leftOut;
  }
  return keys;
}

function secretsOf({ settings }: Opened, inFiles: readonly string[]): readonly string[] {
  const passwords = [...settings.values()].flatMap(({ settings: read }) => [
    read.mysql.password.reveal(),
    read.xen?.password.reveal() ?? "",
  ]);
  return [...new Set([...passwords, ...inFiles])];
}
