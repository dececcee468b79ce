/** Where the settings of each program are: one file for all, or one each, side by side. */
import fs from "node:fs";
import path from "node:path";

export const programs = ["collect", "manager", "control"] as const;
export type CheckedProgram = (typeof programs)[number];

/** A path, or undefined for the usual place. */
export type SettingsPlaces = Readonly<Record<CheckedProgram, string | undefined>>;

/** What was said of them on the command line. */
export interface NamedPlaces {
  readonly settings?: string | undefined;
  readonly collect?: string | undefined;
  readonly control?: string | undefined;
}

/**
 * `settings` is the file of all three programs, unless it is called as the file of one: then those of the others are
 * collect.settings, manager.settings and control.settings beside it. Where nothing is named and there is no file
 * `settings` in `folder`, but a manager.settings, it is that one.
 */
export function settingsPlaces(named: NamedPlaces, folder = "."): SettingsPlaces {
  const own = path.join(folder, "manager.settings");
  const usual = !fs.existsSync(path.join(folder, "settings")) && fs.existsSync(own) ? own : undefined;
  const settings = named.settings ?? usual;
  const beside = (program: CheckedProgram) =>
    settings !== undefined && /^(?:collect|manager|control)\.settings$/.test(path.basename(settings))
      ? path.join(path.dirname(settings), `${program}.settings`)
      : settings;
  return {
    collect: named.collect ?? beside("collect"),
    manager: beside("manager"),
    control: named.control ?? beside("control"),
  };
}
