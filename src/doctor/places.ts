/** Where the settings of each program are: one file for all, or one each, side by side. */
import fs from "node:fs";
import path from "node:path";
import { givesKey } from "../program/settingsFile.ts";

export const programs = ["collect", "manager", "control", "wlb"] as const;
export type CheckedProgram = (typeof programs)[number];

/** A path, or undefined for the usual place; a program that has no entry is not looked at. */
export type SettingsPlaces = Readonly<{ [P in CheckedProgram]?: string | undefined }>;

/** The programs that are looked at. */
export function lookedAt(places: SettingsPlaces): readonly CheckedProgram[] {
  return programs.filter((program) => Object.hasOwn(places, program));
}

/** What was said of them on the command line. */
export interface NamedPlaces {
  readonly settings?: string | undefined;
  readonly collect?: string | undefined;
  readonly control?: string | undefined;
  readonly wlb?: string | undefined;
}

/**
 * `settings` is the file of all programs, unless it is called as the file of one: then those of the others are
 * collect.settings, manager.settings, control.settings and wlb.settings beside it. Where nothing is named and there is no
 * file `settings` in `folder`, but a manager.settings, it is that one. xcp-wlb need not be set up: it is looked at where
 * its file, or the common one, says how pools log in to it.
 */
export function settingsPlaces(named: NamedPlaces, folder = "."): SettingsPlaces {
  const own = path.join(folder, "manager.settings");
  const usual = !fs.existsSync(path.join(folder, "settings")) && fs.existsSync(own) ? own : undefined;
  const settings = named.settings ?? usual;
  const isOfOne =
    settings !== undefined && /^(?:collect|manager|control|wlb)\.settings$/.test(path.basename(settings));
  const beside = (program: CheckedProgram) =>
    isOfOne ? path.join(path.dirname(settings), `${program}.settings`) : settings;
  const wlb = named.wlb ?? beside("wlb");
  // The package lays a template of its settings beside the others, whether or not anybody wants it.
  const hasWlb = named.wlb !== undefined || givesKey("WlbUsr", wlb ?? path.join(folder, "settings"));
  return {
    collect: named.collect ?? beside("collect"),
    manager: beside("manager"),
    control: named.control ?? beside("control"),
    ...(hasWlb ? { wlb } : {}),
  };
}
