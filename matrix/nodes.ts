/** Node in other versions than the machine's, from npm's packages that hold its program. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { arch, platform } from "node:os";
import path from "node:path";
import process from "node:process";
import { outputOf } from "./tool.ts";

export interface NodeProgram {
  /** "22.23.5". */
  readonly version: string;
  /** Folder that holds `node`, for the front of PATH. */
  readonly folder: string;
}

/** The newest Node of a major version that npm has, kept in `parent`; the machine's own where that is of the version. */
export async function nodeOf(major: number, parent: string): Promise<NodeProgram> {
  const own = process.versions.node;
  if (Number(own.split(".")[0]) === major) return { version: own, folder: path.dirname(process.execPath) };
  const home = path.join(parent, `node${major}`);
  const name = `node-${platform()}-${arch()}`;
  const folder = path.join(home, "node_modules", name, "bin");
  if (!existsSync(path.join(folder, "node"))) {
    await mkdir(home, { recursive: true });
    await outputOf("npm", ["install", "--prefix", home, "--no-save", `${name}@${major}`]);
  }
  const version = (await outputOf(path.join(folder, "node"), ["--version"])).trim().replace(/^v/, "");
  return { version, folder };
}
