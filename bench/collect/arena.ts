/** Where collect is measured: a simulated pool in a process of its own, a private database server, a settings file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import mysql from "mysql2/promise";
import type { PrivateServer } from "../../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { installSchema } from "../../src/store/schema/schema.ts";

export interface Size {
  readonly hosts: number;
  readonly vms: number;
}

export interface RunningPool {
  /** Lines for a settings file. */
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

const seed = 7;
const simulator = fileURLToPath(new URL("../../dist/simulator/main.js", import.meta.url));
const folder = join(workFolder, `bench-collect-${process.pid}`);

/** A pool of `size` with full-size records, each of whose answers and connections comes `latencyMs` later. */
export async function startPool({ hosts, vms }: Size, latencyMs: number): Promise<RunningPool> {
  const scenario = join(folder, "bench.pool");
  await mkdir(folder, { recursive: true });
  await writeFile(
    scenario,
    `pool Bench product=XCP-ng version=8.3\ngenerate hosts=${hosts} vms=${vms} seed=${seed} full-size\n`,
  );
  const child = spawn(process.execPath, [simulator, "--scenario", scenario, "--latency", String(latencyMs)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = await settingsLines(child);
  return { lines, stop: () => end(child) };
}

/** The settings lines that the simulator prints when it is up. */
async function settingsLines(child: ChildProcess): Promise<string[]> {
  if (child.stdout === null) throw new Error("the simulator has no output");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (/^Xen\w+=/.test(line)) lines.push(line);
    if (line.startsWith("Commands are read")) return lines;
  }
  throw new Error("the simulator ended before it served");
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "close");
}

export interface BenchDatabase {
  readonly version: string;
  readonly lines: readonly string[];
  /** Empties it: a new database with today's schema. */
  renew(): Promise<void>;
  stop(): Promise<void>;
}

/** A private server that writes its log to the disk at every commit, as servers that matter do. */
export async function startDatabase(): Promise<BenchDatabase> {
  const name = `bench-collect-${process.pid}/server`;
  const server = await startProjectServer({ name, say: (line) => void process.stderr.write(`${line}\n`) });
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const { host, port, rootUser, rootPassword } = server;
  const lines = [`MysqlHost=${host}:${port}`, `MysqlUsr=${rootUser}`, `MysqlPass=${rootPassword}`];
  return { version: `${server.flavour} ${server.version}`, lines, renew: () => renew(server), stop };
}

async function renew(server: PrivateServer): Promise<void> {
  const { host, port, rootUser: user, rootPassword: password } = server;
  const root = await mysql.createConnection({ host, port, user, password });
  try {
    await root.query("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    await root.query("DROP DATABASE IF EXISTS Xen");
  } finally {
    await root.end();
  }
  await installSchema({
    servers: [{ host, port }],
    user,
    password,
    database: "Xen",
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 60_000,
  });
}

/** Writes the settings of a run; returns the file. */
export async function writeSettings(pool: RunningPool, database: BenchDatabase): Promise<string> {
  const file = join(folder, "settings");
  const more = [
    "XenCallSeconds=300",
    "XenAnswerMaxMb=2048",
    "CollectDeadlineSeconds=600",
    "MysqlStatementSeconds=60",
  ];
  await writeFile(file, `${[...pool.lines, ...database.lines, ...more].join("\n")}\n`, { mode: 0o600 });
  return file;
}
