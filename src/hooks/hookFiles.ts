/** The hooks in a folder: which are there for an event, and which must not be run. */
import fs from "node:fs";
import path from "node:path";
import { AppError, describeError } from "../domain/errors.ts";
import { changeableByOthers } from "../program/privateFile.ts";
import { eventOf, type HookEvent, isLeftover } from "./events.ts";

/** A file that is run on an event. */
export interface HookFile {
  readonly name: string;
  readonly path: string;
  readonly event: HookEvent;
  /** Why it is not run; null where it may be. */
  readonly refusal: string | null;
}

export interface HookFolder {
  /** By name, as they are run. */
  readonly hooks: readonly HookFile[];
  /** Executable files whose names begin with no event. */
  readonly strangers: readonly string[];
}

/**
 * Looks through `folder`. A file that is not executable is switched off and left out; one that others could change is
 * there with its refusal.
 * @throws AppError "settings" where the folder cannot be read, or others can change it: no file of it can be trusted.
 */
export function readHookFolder(folder: string): HookFolder {
  let names: string[];
  try {
    const changed = changeableByOthers(folder, fs.statSync(folder));
    if (changed !== null)
      throw new AppError("settings", `HooksFolder: ${changed.message}`, { next: changed.next });
    names = fs.readdirSync(folder).sort();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("settings", `HooksFolder: cannot read ${folder}`, {
      cause: error,
      next: "make the folder, or take HooksFolder out of the settings",
    });
  }
  const hooks: HookFile[] = [];
  const strangers: string[] = [];
  for (const name of names.filter((each) => !isLeftover(each))) {
    const file = path.join(folder, name);
    const event = eventOf(name);
    const look = lookAt(file);
    if (look === "off") continue;
    if (event === null) strangers.push(name);
    else hooks.push({ name, path: file, event, refusal: look });
  }
  return { hooks, strangers };
}

/** Why the file is not run; "off" where it is no executable file; null where it may be run. */
function lookAt(file: string): string | null | "off" {
  try {
    const target = fs.realpathSync(file);
    const status = fs.statSync(target);
    if (!status.isFile() || (status.mode & 0o111) === 0) return "off";
    fs.accessSync(target, fs.constants.X_OK);
    const changed = changeableByOthers(target, status);
    return changed === null ? null : `${changed.message}; ${changed.next}`;
  } catch (error) {
    return describeError(error);
  }
}
