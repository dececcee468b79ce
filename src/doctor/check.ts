/** What a check is: one record. Doctor loops over the list of them; what one finds, later ones may need. */

import type { Settings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import type { ServerFacts } from "../store/serverFacts.ts";
import type { Inventory } from "../xapi/inventory.ts";
import type { Measures } from "../xapi/measures.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import type { CheckedProgram, SettingsPlaces } from "./places.ts";
import type { Area, Finding } from "./report.ts";

/** Those that talk to the pool. */
export type PoolProgram = Exclude<CheckedProgram, "manager" | "wlb">;

export interface DoctorOptions {
  /** Where the settings of each program are. */
  readonly places: SettingsPlaces;
  /** "v20.19.2". */
  readonly nodeVersion: string;
  readonly signal: AbortSignal;
  /** The areas to look at; all of them when left out. What the others provide is then not there. */
  readonly areas?: readonly Area[];
}

/** A file of settings, read and understood. */
export interface ReadSettings {
  /** As fixes name it. */
  readonly file: string;
  readonly settings: Pick<Settings, "mysql"> & Partial<Settings>;
}

/** What the checks so far have opened and read. */
export interface Opened {
  /** The programs whose settings file may be read. */
  readonly readable: Set<CheckedProgram>;
  /** Problems of settings files that were told already: one file may be that of all programs. */
  readonly toldProblems: Set<string>;
  readonly settings: Map<CheckedProgram, ReadSettings>;
  readonly databases: Map<CheckedProgram, Database>;
  readonly sessions: Map<PoolProgram, XapiClient>;
  /** Programs whose database has the schema of this version. */
  schemaIsWell: boolean;
  server: ServerFacts | null;
  inventory: Inventory | null;
  measures: Measures | null;
  /** Undoes what was opened; run at the end, last first. */
  readonly closing: (() => Promise<void>)[];
}

/** Something that a check cannot do without. */
export interface Need {
  /** The check that provides it. */
  readonly from: string;
  readonly isThere: (found: Opened) => boolean;
}

export interface Check {
  /** As JSON and "not checked: needs ..." name it. */
  readonly name: string;
  readonly area: Area;
  /** What it asks, in a few words: "each member's certificate is trusted". */
  readonly asks: string;
  readonly needs?: readonly Need[];
  /** The program that it is about, where it is about one: it is made only where that one is looked at. */
  readonly of?: CheckedProgram;
  /** A failure that it throws is a failed check; so is an AppError that says what helps. */
  readonly run: (options: DoctorOptions, found: Opened) => Promise<readonly Finding[]>;
}

/** The settings of one program at least that talks to the pool. */
export const poolSettings: Need = {
  from: "settings-collect",
  isThere: ({ settings }) => settings.has("collect") || settings.has("control"),
};

/** Settings of xcp-wlb that make sense. */
export const wlbSettings: Need = { from: "settings-wlb", isThere: ({ settings }) => settings.has("wlb") };

export const anySettings: Need = { from: "settings-manager", isThere: ({ settings }) => settings.size > 0 };

/** A database that is not read through the account of collect alone, which sees few tables. */
export const openDatabases: Need = {
  from: "mysql-login",
  isThere: (found) => readingDatabase(found) !== null,
};

export const wholeSchema: Need = { from: "schema", isThere: (found) => found.schemaIsWell };

export const poolSession: Need = { from: "login", isThere: ({ sessions }) => sessions.size > 0 };

export const poolInventory: Need = { from: "inventory", isThere: ({ inventory }) => inventory !== null };

/** The database by the account that may read most of it. */
export function readingDatabase(found: Opened): Database | null {
  const program = readingProgram(found);
  return program === null ? null : (found.databases.get(program) ?? null);
}

/** The program whose account that is. */
export function readingProgram({ databases }: Opened): Exclude<CheckedProgram, "collect"> | null {
  return (["manager", "control", "wlb"] as const).find((program) => databases.has(program)) ?? null;
}

/** As above, where a need has made sure that there is one. */
export function databaseOf(found: Opened): Database {
  const db = readingDatabase(found);
  if (db === null) throw new Error("the check does not name openDatabases among its needs");
  return db;
}

/** The session by which the pool is looked at. */
export function sessionOf({ sessions }: Opened): XapiClient {
  const client = sessions.get("collect") ?? sessions.get("control");
  if (client === undefined) throw new Error("the check does not name poolSession among its needs");
  return client;
}

/** The settings file that fixes name for `program`, or for the first program that has one. */
export function fileOf({ settings }: Opened, program: CheckedProgram): string {
  return (settings.get(program) ?? [...settings.values()][0])?.file ?? "settings";
}
