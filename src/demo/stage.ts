/** What the demo plays on: a private MySQL server, a database with its three accounts, a simulated pool, settings. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import mysql from "mysql2/promise";
import type { PrivateServer } from "../privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../privateServer/projectServer.ts";
import { SimulatedPool } from "../simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../simulator/commands/commands.ts";
import { type RunningSimulator, startSimulator } from "../simulator/server/server.ts";
import { renderAccounts } from "../store/accounts.ts";
import { type Database, openDatabase, type StoreOptions } from "../store/connection.ts";
import { installSchema } from "../store/schema/schema.ts";
import { laterStatements } from "./fastMotion.ts";

/** What is played. */
export interface Play {
  /** The pool, as xcp-sim reads it. */
  readonly scenario: { readonly builtin: string } | { readonly text: string };
  /** Simulated seconds per real second. */
  readonly speed: number;
  /** Settings of control beside those that the stage makes. */
  readonly control: readonly string[];
}

const poolUser = "root";

export interface Stage {
  /** A settings file for each program, readable by this user alone. */
  readonly settings: Readonly<Record<"collect" | "manager" | "control", string>>;
  /** The lines for MySQL in the settings of xcp-wlb. */
  readonly wlbLines: readonly string[];
  readonly masterUrl: string;
  /** What `xe` on the master itself talks to, without TLS, and as whom. */
  readonly console: { readonly url: string; readonly user: string; readonly password: string };
  readonly speed: number;
  /** A command of the simulated pool. */
  readonly command: (line: string) => void;
  /** Lets so many seconds pass in the database. */
  readonly later: (seconds: number) => Promise<void>;
  /** Reads as the manager's account does. */
  readonly db: Database;
  close(): Promise<void>;
}

/** Sets everything up, saying what is done; on failure nothing is left running. */
export async function buildStage(play: Play, say: (line: string) => void): Promise<Stage> {
  const { scenario, speed } = play;
  const server = await startProjectServer({ name: "demo", say });
  let simulator: RunningSimulator | null = null;
  let db: Database | null = null;
  const close = async () => {
    await db?.close();
    await simulator?.stop();
    await server.stop();
  };
  try {
    say(
      `a private ${server.flavour} ${server.version} runs on ${server.host}:${server.port}, for this demo only`,
    );
    const accounts = await prepareDatabase(server);
    const password = randomBytes(12).toString("hex");
    const options = { speed, user: poolUser, password };
    const pool =
      "builtin" in scenario
        ? SimulatedPool.fromBuiltin(scenario.builtin, options)
        : SimulatedPool.fromScenario(scenario.text, { ...options, seed: 1 });
    simulator = await startSimulator(pool, { http: true, https: true, addressing: "addresses" });
    const running = simulator;
    say(`a simulated pool of ${running.hosts.length} hosts answers at ${running.masterUrl}`);
    const xen = [
      `XenHost=${running.masterUrl}`,
      `XenUsr=${poolUser}`,
      `XenPass=${password}`,
      `XenFingerprint=${running.hosts.map(({ fingerprint256 }) => fingerprint256).join(",")}`,
    ];
    const settings = {
      collect: await writeSettings("collect", [...xen, ...mysqlLines(server, accounts.collect)]),
      manager: await writeSettings("manager", [...mysqlLines(server, accounts.manager), ...play.control]),
      control: await writeSettings("control", [
        ...xen,
        ...mysqlLines(server, accounts.control),
        "ControlPollSeconds=1",
        ...play.control,
      ]),
    };
    db = await openDatabase(storeOptions(server, accounts.manager.user, accounts.manager.password));
    return {
      settings,
      wlbLines: mysqlLines(server, accounts.wlb),
      masterUrl: running.masterUrl,
      console: { url: running.hosts[0]?.httpUrl ?? "", user: poolUser, password },
      speed,
      command: (line) => void runCommand(pool, line),
      later: (seconds) => asRoot(server, laterStatements(seconds)),
      db,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Account {
  readonly user: string;
  readonly password: string;
}

/** A database of its own with the schema, and the accounts of sql/accounts.sql. */
async function prepareDatabase(
  server: PrivateServer,
): Promise<Record<"collect" | "manager" | "control" | "wlb" | "reader", Account>> {
  const account = (name: string): Account => ({
    user: `xcp_${name}`,
    password: randomBytes(12).toString("hex"),
  });
  const accounts = {
    collect: account("collect"),
    manager: account("manager"),
    control: account("control"),
    reader: account("reader"),
    wlb: account("wlb"),
  };
  const root = await mysql.createConnection({
    host: server.host,
    port: server.port,
    user: server.rootUser,
    password: server.rootPassword,
  });
  try {
    await root.query("DROP DATABASE IF EXISTS Xen");
    await installSchema(storeOptions(server, server.rootUser, server.rootPassword));
    const template = await readFile(new URL("../../sql/accounts.sql", import.meta.url), "utf8");
    const statements = renderAccounts(template, {
      database: "Xen",
      accountHost: "%",
      collectUser: accounts.collect.user,
      collectPassword: accounts.collect.password,
      managerUser: accounts.manager.user,
      managerPassword: accounts.manager.password,
      controlUser: accounts.control.user,
      controlPassword: accounts.control.password,
      readerUser: accounts.reader.user,
      readerPassword: accounts.reader.password,
      wlbUser: accounts.wlb.user,
      wlbPassword: accounts.wlb.password,
    });
    const drops = Object.values(accounts).map(({ user }) => `DROP USER IF EXISTS '${user}'@'%'`);
    for (const statement of [...drops, ...statements]) await root.query(statement);
    return accounts;
  } finally {
    await root.end();
  }
}

async function asRoot(server: PrivateServer, statements: readonly string[]): Promise<void> {
  const root = await mysql.createConnection({
    host: server.host,
    port: server.port,
    user: server.rootUser,
    password: server.rootPassword,
    database: "Xen",
  });
  try {
    for (const statement of statements) await root.query(statement);
  } finally {
    await root.end();
  }
}

function storeOptions(server: PrivateServer, user: string, password: string): StoreOptions {
  return {
    servers: [{ host: server.host, port: server.port }],
    user,
    password,
    database: "Xen",
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 10_000,
  };
}

function mysqlLines(server: PrivateServer, { user, password }: Account): string[] {
  return [`MysqlHost=${server.host}:${server.port}`, `MysqlUsr=${user}`, `MysqlPass=${password}`];
}

/** Writes lines for a program into a file that only this user can read. */
export async function writeSettings(name: string, lines: readonly string[]): Promise<string> {
  const folder = join(workFolder, "demo-settings");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `settings.${name}`);
  await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  return file;
}
