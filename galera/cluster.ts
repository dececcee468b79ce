/** The nodes that main.ts started, to be killed, cut off and started again by a test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import mysql from "mysql2/promise";
import type { DatabaseServer } from "../test/support/database.ts";
import { type GaleraNode, type GaleraState, readState, writeState } from "./state.ts";

const stateFile = process.env["XCP_TEST_GALERA"] ?? "";

/** Numbers nodes from 1, as they are called. */
export class Cluster {
  readonly #state: GaleraState;

  constructor() {
    const state = stateFile === "" ? null : readState(stateFile);
    if (state === null) throw new Error("these tests need a cluster: npm run galera -- test");
    this.#state = state;
  }

  /** All nodes for the programs, in the order of `numbers`; root looks at `from`. */
  server(from: number, numbers: readonly number[] = [1, 2, 3]): DatabaseServer {
    const { user, password } = this.#state;
    const place = (number: number) => ({ host: "127.0.0.1", port: this.#node(number).port });
    return { ...place(from), servers: numbers.map(place), user, password };
  }

  /** kill -9, and nothing else. */
  kill(number: number): void {
    process.kill(this.#node(number).pid, "SIGKILL");
  }

  /** Starts a node again on what it has, and waits until it has caught up. */
  async restart(number: number): Promise<void> {
    const node = this.#node(number);
    // After kill -9 only InnoDB knows how far the node was; without that word it would ask for all data anew.
    const position = await this.#recoveredPosition(node);
    const child = this.#spawn(node, [`--wsrep-start-position=${position}`]);
    child.unref();
    node.pid = child.pid ?? 0;
    // For `npm run galera -- stop`.
    writeState(this.#state, stateFile);
    await this.until(number, "wsrep_local_state_comment", "Synced");
  }

  async #recoveredPosition(node: GaleraNode): Promise<string> {
    const log = join(node.folder, "recovery.log");
    rmSync(log, { force: true });
    await once(this.#spawn(node, ["--wsrep-recover", `--log-error=${log}`]), "exit");
    const text = readFileSync(log, "utf8");
    const position = /WSREP: Recovered position: ([\w-]+:-?\d+)/.exec(text)?.[1];
    if (position === undefined) throw new Error(`${node.name} knows no position:\n${text.slice(-2000)}`);
    return position;
  }

  #spawn(node: GaleraNode, more: readonly string[]): ChildProcess {
    const [program = "", ...args] = node.command;
    const env = this.#state.environment;
    return spawn(program, [...args, ...more], { cwd: node.folder, env, detached: true, stdio: "ignore" });
  }

  /** Cuts the node off from the others, or joins it again. */
  async isolate(number: number, isolated: boolean): Promise<void> {
    await this.query(number, `SET GLOBAL wsrep_provider_options = 'gmcast.isolate=${isolated ? 1 : 0}'`);
    await this.until(number, "wsrep_ready", isolated ? "OFF" : "ON");
    if (!isolated) await this.until(number, "wsrep_local_state_comment", "Synced");
  }

  /** Waits until the node says so of itself. */
  async until(number: number, status: string, wanted: string): Promise<void> {
    for (let look = 0; look < 600; look++) {
      const rows = await this.query(number, `SHOW GLOBAL STATUS LIKE '${status}'`).catch(() => []);
      if (rows[0]?.["Value"] === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${this.#node(number).name} does not come to ${status} = ${wanted}`);
  }

  async query(number: number, sql: string, database?: string): Promise<Readonly<Record<string, unknown>>[]> {
    const { folder } = this.#node(number);
    const { user, password } = this.#state;
    const place = { socketPath: join(folder, "s.sock"), user, password, connectTimeout: 5_000 };
    const connection = await mysql.createConnection({ ...place, ...(database ? { database } : {}) });
    try {
      const [rows] = await connection.query<mysql.RowDataPacket[]>(sql);
      return rows;
    } finally {
      connection.destroy();
    }
  }

  #node(number: number): GaleraNode {
    const node = this.#state.nodes[number - 1];
    if (node === undefined) throw new Error(`there is no node ${number}`);
    return node;
  }
}
