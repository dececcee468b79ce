/** A whole world for a test: a simulated pool over real HTTP, a database with its accounts, and the real programs. */
import { readFileSync } from "node:fs";
import { collect } from "../../src/collect/collect.ts";
import { parseRule } from "../../src/rules/parse.ts";
import { isProblem } from "../../src/rules/problem.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import {
  type RunningSimulator,
  type ServerOptions,
  startSimulator,
} from "../../src/simulator/server/server.ts";
import { type Database, openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { createHostRule } from "../../src/store/ruleChanges.ts";
import { createTestDatabase, type DatabaseServer, type TestDatabase } from "./database.ts";
import { type ProgramName, type ProgramOptions, type ProgramResult, runProgram } from "./programs.ts";

export const poolPassword = "pool-p4ssword#";

export interface WorldOptions {
  /** A built-in scenario's name, a scenario's text, or the file of a pool's database dump. */
  readonly pool: { readonly builtin: string } | { readonly scenario: string } | { readonly dump: URL };
  /** Virtual seconds per real second; 1 when absent. */
  readonly speed?: number;
  /** Time stands still until the test moves it, so that the pool's own numbers can be asked for again. */
  readonly manualClock?: boolean;
  readonly seed?: number;
  /** Where the pool's time starts, in milliseconds since 1970. */
  readonly startMs?: number;
  readonly server?: Partial<ServerOptions>;
  /** The server to make the world's database on; that of the test run by default. */
  readonly databaseServer?: DatabaseServer;
}

export interface World {
  readonly pool: SimulatedPool;
  readonly simulator: RunningSimulator;
  readonly database: TestDatabase;
  /** Settings lines of one program, to be changed by a test before `writeSettings`. */
  readonly settings: (program: "collect" | "manager" | "control" | "wlb") => Record<string, string>;
  /** Runs a program with its own account and the given changes to its settings. */
  readonly run: (
    program: Exclude<ProgramName, "xcp-sim">,
    args?: readonly string[],
    options?: Omit<ProgramOptions, "settings"> & { readonly change?: Readonly<Record<string, string>> },
  ) => Promise<ProgramResult>;
  /** Creates balance rules ("CpuAverage > 25") by the manager's own functions in this process. */
  readonly rules: (...texts: readonly string[]) => Promise<void>;
  /**
   * `rules`, and then collects once, by the programs' own functions in this process: what a test begins from. A run in a process
   * of its own takes several times the CPU.
   */
  readonly begin: (...rules: readonly string[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const database = await createTestDatabase(options.databaseServer);
  const pool = makePool(options);
  const simulator = await startSimulator(pool, {
    http: true,
    https: false,
    addressing: "addresses",
    ...options.server,
  });
  const settings: World["settings"] = (program) => {
    const account = database[program];
    const mysql = {
      MysqlHost: account.servers.map(({ host, port }) => `${host}:${port}`).join(","),
      MysqlUsr: account.user,
      MysqlPass: account.password,
      MysqlDatabase: account.database,
    };
    if (program === "manager" || program === "wlb") return mysql;
    return { XenHost: simulator.masterUrl, XenUsr: "root", XenPass: poolPassword, ...mysql };
  };
  return {
    pool,
    simulator,
    database,
    settings,
    run: async (program, args = [], { change = {}, ...rest } = {}) => {
      const own = settings(program.slice("xcp-".length) as "collect" | "manager" | "control" | "wlb");
      return runProgram(program, args, { settings: { ...own, ...change }, ...rest });
    },
    rules: (...texts) => createRules(database, texts),
    begin: async (...rules) => {
      await createRules(database, rules);
      await collectOnce(database, settings("collect"));
    },
    stop: async () => {
      await simulator.stop();
      await database.drop();
    },
  };
}

function makePool({ pool, speed = 1, manualClock = false, seed = 1, startMs }: WorldOptions): SimulatedPool {
  const start = startMs === undefined ? {} : { startMs };
  const common = { speed, manualClock, seed, user: "root", password: poolPassword, ...start };
  if ("builtin" in pool) return SimulatedPool.fromBuiltin(pool.builtin, common);
  if ("scenario" in pool) return SimulatedPool.fromScenario(pool.scenario, common);
  return SimulatedPool.fromDump(readFileSync(pool.dump, "utf8"), common);
}

async function createRules(database: TestDatabase, texts: readonly string[]): Promise<void> {
  if (texts.length === 0) return;
  await using db = await opened(database.manager);
  for (const text of texts) {
    const rule = parseRule(text);
    if (isProblem(rule)) throw new Error(`${text}: ${rule.message}`);
    await createHostRule(db.database, rule, "");
  }
}

/** @throws Error where anything was left out: a test begins from a whole pool. */
async function collectOnce(database: TestDatabase, values: Readonly<Record<string, string>>): Promise<void> {
  const sources = { fileName: null, text: "", values, environment: {}, readFile: () => "" };
  const read = parseSettings({ ...sources, readCredential: () => null }, ["xen", "collect"]);
  if ("problems" in read) throw new Error(read.problems.join("; "));
  const { xen, collect: how } = read.settings;
  if (xen === undefined || how === undefined) throw new Error("settings of xcp-collect were asked for");
  await using db = await opened(database.collect);
  const signal = new AbortController().signal;
  const { complete, unread, skipped } = await collect(db.database, { xen, collect: how, signal });
  if (!complete || unread.length + skipped.length > 0) throw new Error("the pool was not read whole");
}

async function opened(account: StoreOptions): Promise<AsyncDisposable & { readonly database: Database }> {
  const database = await openDatabase(account);
  return { database, [Symbol.asyncDispose]: () => database.close() };
}
