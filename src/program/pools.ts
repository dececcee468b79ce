/** The pools of this machine: a folder each, with a settings file for each program. */

import fs from "node:fs";
import path from "node:path";
import { AppError } from "../domain/errors.ts";

/** Where packages keep them. */
export const poolsFolder = "/etc/xcp-balance";

/** A folder with the settings of one pool. */
export interface PoolFolder {
  /** The folder's name, as timers and --all name the pool. */
  readonly name: string;
  readonly folder: string;
  /** The settings file of each program; null where there is none. */
  readonly settings: {
    readonly collect: string | null;
    readonly manager: string | null;
    readonly control: string | null;
  };
}

/**
 * The folders of `folder` that hold a manager.settings, by name.
 * @throws AppError "file" where `folder` is not there or cannot be read.
 */
export function listPools(folder: string = poolsFolder): readonly PoolFolder[] {
  return entriesOf(folder)
    .filter((entry) => fs.existsSync(path.join(folder, entry, "manager.settings")))
    .sort()
    .map((name) => {
      const own = path.join(folder, name);
      const settings = (program: string) => {
        const file = path.join(own, `${program}.settings`);
        return fs.existsSync(file) ? file : null;
      };
      return {
        name,
        folder: own,
        settings: {
          collect: settings("collect"),
          manager: settings("manager"),
          control: settings("control"),
        },
      };
    });
}

/**
 * The same, where there must be one.
 * @throws AppError "file" where there is none.
 */
export function requirePools(folder: string): readonly PoolFolder[] {
  const pools = listPools(folder);
  if (pools.length > 0) return pools;
  throw new AppError("file", `no folder in ${folder} holds a manager.settings`, {
    next: `put the settings of a pool into ${path.join(folder, "POOL")}/manager.settings, or name another folder with --pools`,
  });
}

function entriesOf(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    throw new AppError("file", `Unable to read the folder of pools ${folder}`, {
      cause: error,
      next: "make it with a folder for each pool, or name another with --pools",
    });
  }
}
