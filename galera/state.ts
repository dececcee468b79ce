/** What is known of the nodes between two commands, and to the tests that kill them. */
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { workFolder } from "../src/privateServer/projectServer.ts";

export interface GaleraNode {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  /** For what the nodes tell each other. */
  readonly groupPort: number;
  /** For the write sets that a node missed. */
  readonly transferPort: number;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** 0 before the first start. */
  pid: number;
}

export interface GaleraState {
  readonly nodes: readonly GaleraNode[];
  readonly user: string;
  readonly password: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** The project's .xcp-balance: a compiled program sees it by a link. */
const realWorkFolder = realpathSync(workFolder);
export const projectFolder = dirname(realWorkFolder);
export const folder = join(realWorkFolder, "galera");
export const stateFile = join(folder, "cluster.json");

/** null where no nodes were started, or nobody can say which. */
export function readState(file: string = stateFile): GaleraState | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as GaleraState;
  } catch {
    return null;
  }
}

/** Readable by its owner only: root's password stands in it. */
export function writeState(state: GaleraState, file: string = stateFile): void {
  writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

/** For XCP_TEST_MYSQL_URL. */
export function urlOf({ nodes, user, password }: GaleraState): string {
  return `mysql://${user}:${password}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
}

export function say(line: string): void {
  process.stderr.write(`xcp-balance: ${line}\n`);
}
