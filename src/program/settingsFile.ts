/** Finds the settings: the file, systemd's credentials and the environment. The parsing is src/settings' business. */

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { parse as parseDotenv } from "dotenv";
import { AppError } from "../domain/errors.ts";
import { environmentName, type SettingGroup, settingKeys } from "../settings/keys.ts";
import { parseSettings } from "../settings/settings.ts";
import type { Settings } from "../settings/types.ts";
import { plural } from "../text/format.ts";
import { credentialsFolder, type FileGuard, passwordFile, readGuarded, trustFile } from "./privateFile.ts";

/** How settings are looked for. */
export interface SettingsSearch {
  /** The working folder; that of this process where left out. */
  readonly folder?: string;
  /** Files that say whom to trust need not be there yet. */
  readonly filesToCome?: boolean;
}

/**
 * Reads the settings of `groups` from `settingsPath`; or from the file `settings` in the working folder, or among
 * systemd's credentials. Without that file the environment may give everything (containers).
 * @throws AppError "settings" with every problem, each on its own line.
 */
export function loadSettings<G extends SettingGroup>(
  groups: readonly G[],
  settingsPath: string | undefined,
  { folder = process.cwd(), filesToCome = false }: SettingsSearch = {},
): Pick<Settings, G> {
  const { file, text } = readSettingsFile(groups, settingsPath, folder);
  const result = parseSettings(
    {
      fileName: file === null ? null : (settingsPath ?? shownName(file)),
      text,
      values: parseDotenv(text),
      environment: process.env,
      readFile: (named, isSecret) =>
        filesToCome && !isSecret && !fs.existsSync(named)
          ? ""
          : readGuarded(named, isSecret ? passwordFile : trustFile),
      readCredential,
    },
    groups,
  );
  if ("settings" in result) return result.settings;
  const count = result.problems.length;
  throw new AppError(
    "settings",
    [`${plural(count, "problem")} in the settings`, ...result.problems].join("\n"),
  );
}

/** A file of settings as it stands; `file` is null where there is none and the environment gives everything. */
export interface SettingsFile {
  /** Its whole path. */
  readonly file: string | null;
  readonly text: string;
}

/**
 * The file that `loadSettings` would read.
 * @throws AppError "settings" where it is not there, or others can change it, or read its passwords.
 */
export function readSettingsFile(
  groups: readonly SettingGroup[],
  settingsPath: string | undefined,
  folder: string = process.cwd(),
): SettingsFile {
  const file = locate(settingsPath, groups, folder);
  return { file, text: file === null ? "" : readGuarded(file, settingsGuard) };
}

/** Whether the environment or `file` gives `key`; a file that cannot be read gives nothing. */
export function givesKey(key: string, file: string): boolean {
  if (process.env[environmentName(key)] !== undefined) return true;
  try {
    return Object.hasOwn(parseDotenv(fs.readFileSync(file, "utf8")), key);
  } catch {
    return false;
  }
}

/** A file of settings without a password may be read by everybody. A key that is misspelt may hold one too. */
const settingsGuard: FileGuard = {
  what: "settings file",
  isSecret: (text) =>
    Object.entries(parseDotenv(text)).some(([key, value]) => value !== "" && isPasswordKey(key)) ||
    /^\s*(?:export\s+)?(?:Xen|Mysql)Pas\w*\s+[^=\s]/im.test(text),
};

function isPasswordKey(key: string): boolean {
  return /pas/i.test(key) && !key.endsWith("File");
}

function shownName(file: string): string {
  return path.basename(file);
}

function locate(
  settingsPath: string | undefined,
  groups: readonly SettingGroup[],
  workingFolder: string,
): string | null {
  const tried = (settingsPath === undefined ? usualPlaces() : [settingsPath]).map((each) =>
    path.resolve(workingFolder, each),
  );
  const found = tried.find(isThere);
  if (found !== undefined) return found;
  if (settingsPath === undefined && environmentGivesAll(groups)) return null;
  throw new NoSettingsFile(
    "find",
    `Unable to locate settings file: tried ${tried.join(", ")}`,
    "copy settings.example there, or name another with --settings",
  );
}

/** There is no settings file, or this user may not look whether there is one: who tells how to mend it tells them apart. */
export class NoSettingsFile extends AppError {
  readonly cannot: "find" | "look";

  constructor(cannot: NoSettingsFile["cannot"], summary: string, next: string) {
    super("settings", summary, { next });
    this.cannot = cannot;
  }
}

/**
 * Whether there is such a file.
 * @throws NoSettingsFile where this user may not look: a file that is there is not to be made anew.
 */
function isThere(file: string): boolean {
  try {
    fs.statSync(file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES") return false;
    throw new NoSettingsFile(
      "look",
      `Unable to look for settings file ${file}: permission denied (EACCES)`,
      "run it as a user who may read that folder: the programs' account, or a member of its group",
    );
  }
}

function usualPlaces(): string[] {
  const folder = credentialsFolder();
  return ["settings", ...(folder === null ? [] : [path.join(folder, "settings")])];
}

/** Whether someone configured the program by XCP_ variables alone: then their gaps are worth naming. */
function environmentGivesAll(groups: readonly SettingGroup[]): boolean {
  const hosts = { xen: "XCP_XEN_HOST", mysql: "XCP_MYSQL_HOST" };
  const asked = (["xen", "mysql"] as const).filter((group) => groups.includes(group));
  // Of other groups alone the environment may hold nothing: they have defaults.
  const among = asked.length > 0 ? asked : (["xen", "mysql"] as const);
  return among.some((group) => process.env[hosts[group]] !== undefined);
}

/** A systemd credential (LoadCredential=XenPass:...), or null. */
function readCredential(name: string): string | null {
  const folder = credentialsFolder();
  if (folder === null || !Object.hasOwn(settingKeys, name)) return null;
  const file = path.join(folder, name);
  return fs.existsSync(file) ? readGuarded(file, { what: "the credential", isSecret: () => true }) : null;
}
