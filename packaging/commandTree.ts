/** The command lines of the programs as data, asked of the compiled programs themselves. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

export interface CommandTree {
  readonly name: string;
  readonly description: string;
  /** What follows the name in the line of usage; further forms as whole lines. */
  readonly usage: readonly string[];
  readonly options: readonly OptionForm[];
  readonly commands: readonly CommandTree[];
  /** What --help says before and behind the lists: examples, exit codes. */
  readonly before: string;
  readonly after: string;
}

export interface OptionForm {
  /** "-s" and "--settings"; null where it has none. */
  readonly short: string | null;
  readonly long: string | null;
  /** What its value is called, such as "path"; null where it takes none. */
  readonly value: string | null;
  /** The only values that it takes; empty where anything goes. */
  readonly choices: readonly string[];
  /** As --help has it, with choices and default. */
  readonly description: string;
}

/** Where `npm run package` and the tests run: the project's own folder. */
export const projectFolder: string = process.cwd();

/** What package.json says of the programs and the package. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly bin: Readonly<Record<string, string>>;
}

export function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8")) as Manifest;
}

/** The command lines of all programs that package.json names, in its order. They must be built. */
export async function readCommandTrees(): Promise<readonly CommandTree[]> {
  return Promise.all(
    Object.values(readManifest().bin).map((file) => readCommandTree(join(projectFolder, file))),
  );
}

async function readCommandTree(program: string): Promise<CommandTree> {
  const describer = pathToFileURL(join(projectFolder, "packaging", "describe.mjs")).href;
  // Help is wrapped to COLUMNS; lines are to come as they are.
  const env = { ...process.env, COLUMNS: "10000", NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", describer, program], { env });
  return JSON.parse(stdout) as CommandTree;
}
