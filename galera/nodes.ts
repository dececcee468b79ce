/** Three Galera nodes on 127.0.0.1: how they are described, started, asked and ended. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { AppError } from "../src/domain/errors.ts";
import { ensureData } from "../src/privateServer/dataFolder.ts";
import type { ServerProgram } from "../src/privateServer/findServer.ts";
import { commandLineOf, endProcess, pause, startOf } from "../src/privateServer/processes.ts";
import { serverEnvironment } from "../src/privateServer/serverFlags.ts";
import { ensureMariaDb, ensureProvider } from "./provider.ts";
import {
  folder,
  type GaleraNode,
  type GaleraState,
  projectFolder,
  readState,
  say,
  stateFile,
  writeState,
} from "./state.ts";

const nodeCount = 3;
const startSeconds = 60;
const patienceMs = 30_000;

/** Starts the nodes anew, ends what an earlier start left, and returns when each has caught up with the others. */
export async function startNodes(): Promise<GaleraState> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const old = readState();
  if (old !== null && (await endNodes(old)) > 0) say("ended the nodes that an earlier start had left");
  const server = await ensureMariaDb();
  const state = await describeNodes(server, await ensureProvider());
  for (const node of state.nodes) {
    rmSync(node.folder, { recursive: true, force: true });
    mkdirSync(node.folder, { mode: 0o700 });
  }
  const [first, ...others] = state.nodes;
  if (first === undefined) throw new Error("a cluster has nodes");
  await seed(server, state, first);
  for (const node of others) {
    cpSync(join(first.folder, "data"), join(node.folder, "data"), { recursive: true });
    rmSync(join(node.folder, "data", "galera.cache"), { force: true });
  }
  launch(state, first, ["--wsrep-new-cluster"]);
  await waitUntilSynced(state, first);
  for (const node of others) launch(state, node);
  for (const node of others) await waitUntilSynced(state, node);
  say(`${nodeCount} Galera nodes serve; stop them with: npm run galera -- stop`);
  return state;
}

/** Ends the nodes, where there are any, and removes what they wrote. */
export async function stopNodes(): Promise<void> {
  const state = readState();
  if (state === null) return;
  await endNodes(state);
  for (const node of state.nodes) rmSync(node.folder, { recursive: true, force: true });
  rmSync(stateFile, { force: true });
}

/** "Synced" when the node serves; anything else is what it says of itself, or why it cannot be asked. */
export async function stateOf({ user, password }: GaleraState, node: GaleraNode): Promise<string> {
  const socketPath = join(node.folder, "s.sock");
  try {
    const connection = await mysql.createConnection({ socketPath, user, password, connectTimeout: 5_000 });
    try {
      const question = "SHOW GLOBAL STATUS LIKE 'wsrep_local_state_comment'";
      const [rows] = await connection.query<mysql.RowDataPacket[]>(question);
      return String(rows[0]?.["Value"] ?? "no Galera node");
    } finally {
      connection.destroy();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code ?? message;
  }
}

async function describeNodes(server: ServerProgram, provider: string): Promise<GaleraState> {
  const ports = await freePorts(nodeCount * 3);
  const groupPorts = ports.slice(0, nodeCount);
  const members = groupPorts.map((port) => `127.0.0.1:${port}`).join(",");
  const nodes = groupPorts.map((groupPort, n) => {
    const place = {
      name: `node${n + 1}`,
      folder: join(folder, `node${n + 1}`),
      port: ports[nodeCount + n] ?? 0,
      groupPort,
      transferPort: ports[2 * nodeCount + n] ?? 0,
    };
    return { ...place, command: [server.program, ...flags(server, provider, place, members)], pid: 0 };
  });
  // The server runs wsrep_sst_neighbour, which stands beside this file.
  const PATH = `${join(projectFolder, "galera")}:${process.env["PATH"] ?? ""}`;
  const password = randomBytes(12).toString("base64url");
  return { nodes, user: "root", password, environment: serverEnvironment(server, { PATH }) };
}

async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(probes.map((probe) => once(probe, "listening")));
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  for (const probe of probes) probe.close();
  await Promise.all(probes.map((probe) => once(probe, "close")));
  return ports;
}

function flags(
  server: ServerProgram,
  provider: string,
  node: Omit<GaleraNode, "command" | "pid">,
  members: string,
): string[] {
  return [
    "--no-defaults",
    `--datadir=${join(node.folder, "data")}`,
    ...(server.unpacked === null ? [] : [`--basedir=${server.unpacked.baseDirectory}`]),
    ...(process.getuid?.() === 0 ? ["--user=root"] : []),
    `--socket=${join(node.folder, "s.sock")}`,
    `--log-error=${join(node.folder, "server.log")}`,
    `--pid-file=${join(node.folder, "mysqld.pid")}`,
    "--bind-address=127.0.0.1",
    `--port=${node.port}`,
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--local-infile=0",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-size=32M",
    "--binlog-format=ROW",
    "--innodb-autoinc-lock-mode=2",
    "--default-storage-engine=InnoDB",
    "--wsrep-on=ON",
    `--wsrep-provider=${provider}`,
    "--wsrep-cluster-name=xcp-balance",
    `--wsrep-cluster-address=gcomm://${members}`,
    `--wsrep-node-name=${node.name}`,
    `--wsrep-node-address=127.0.0.1:${node.groupPort}`,
    // Nodes begin with one data folder and catch up by write sets: wsrep_sst_neighbour.
    "--wsrep-sst-method=neighbour",
    `--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:${node.groupPort};ist.recv_addr=127.0.0.1:${node.transferPort};gcache.size=64M`,
  ];
}

function launch(state: GaleraState, node: GaleraNode, more: readonly string[] = []): void {
  const log = openSync(join(node.folder, "output.log"), "a");
  const [program = "", ...args] = node.command;
  const child = spawn(program, [...args, ...more], {
    cwd: node.folder,
    env: state.environment,
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.unref();
  node.pid = child.pid ?? 0;
  writeState(state);
}

async function waitUntilSynced(state: GaleraState, node: GaleraNode): Promise<void> {
  for (let waited = 0; waited < startSeconds * 10; waited++) {
    if ((await stateOf(state, node)) === "Synced") return;
    if (startOf(node.pid) === null) break;
    await pause(100);
  }
  const log = readFileSync(join(node.folder, "server.log"), "utf8").trim().split("\n");
  throw new AppError("mysql", `${node.name} did not start:\n${log.slice(-12).join("\n")}`);
}

/** Ends the nodes that a state names, where the process with that number still is the server of that folder. */
async function endNodes(state: GaleraState): Promise<number> {
  const isOurs = ({ pid, folder: own }: GaleraNode): boolean =>
    pid > 0 && commandLineOf(pid).includes(`--datadir=${join(own, "data")} `);
  const running = state.nodes.filter(isOurs).reverse();
  for (const node of running) await endProcess(node.pid, patienceMs);
  return running.length;
}

/** The data that all nodes begin with: a cluster of one node, with root's password, that was stopped cleanly. */
async function seed(server: ServerProgram, state: GaleraState, node: GaleraNode): Promise<void> {
  await ensureData(node.folder, server);
  const file = join(node.folder, "root.sql");
  const sql = [
    "SET wsrep_on = OFF;",
    "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host NOT IN ('localhost', '127.0.0.1'));",
    "FLUSH PRIVILEGES;",
    `CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '${state.password}';`,
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;",
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${state.password}';`,
    "",
  ];
  writeFileSync(file, sql.join("\n"), { mode: 0o600 });
  launch(state, node, ["--wsrep-new-cluster", `--init-file=${file}`]);
  await waitUntilSynced(state, node);
  await endProcess(node.pid, patienceMs);
}
