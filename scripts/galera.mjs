// Three Galera nodes on this machine, for the tests of MySQL on a cluster: npm run galera -- start | stop | status | test
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { projectFolder, run, SetupProblem, script, setUp } from "./setup.mjs";

const folder = join(projectFolder, ".xcp-balance", "galera");
const stateFile = join(folder, "cluster.json");
const packagesFolder = join(folder, "packages");
const nodeCount = 3;
const startSeconds = 60;

const usage = `usage: npm run galera -- COMMAND
  start        starts three nodes on 127.0.0.1 and prints their URL for XCP_TEST_MYSQL_URL
  stop         stops them
  status       says what each of them is
  test [ARG]   starts them, runs the store's and the crash tests on them (ARG goes to vitest), stops them`;

function say(line) {
  process.stderr.write(`xcp-balance: ${line}\n`);
}

const fromDist = (name) => import(join(projectFolder, "dist", "demo", name));

/** Galera's library: the machine's, or the one unpacked from Debian's package into the project's folder. */
async function ensureProvider() {
  const names = [
    "usr/lib/galera/libgalera_smm.so",
    "usr/lib/libgalera_smm.so",
    "usr/lib64/galera-4/libgalera_smm.so",
  ];
  const find = (root) => names.map((name) => join(root, name)).find(existsSync);
  const present = find("/") ?? find(packagesFolder);
  if (present !== undefined) return present;
  say(`unpacking Debian's package galera-4 into ${packagesFolder} (nothing is installed)`);
  const debs = join(folder, "debs");
  rmSync(debs, { recursive: true, force: true });
  mkdirSync(debs, { recursive: true });
  const quiet = { cwd: debs, stdio: ["ignore", "ignore", "inherit"] };
  // As in any folder that belongs to root, apt's own user may not write here.
  const download = () => run("apt-get", ["-q", "-o", "APT::Sandbox::User=", "download", "galera-4"], quiet);
  let code = await download().catch(() => 127);
  if (code !== 0 && process.getuid?.() === 0) {
    await run("apt-get", ["-q", "update"], quiet).catch(() => 127);
    code = await download().catch(() => 127);
  }
  for (const deb of readdirSync(debs)) {
    await run("dpkg-deb", ["-x", join(debs, deb), packagesFolder], quiet);
  }
  rmSync(debs, { recursive: true, force: true });
  const unpacked = find(packagesFolder);
  if (unpacked === undefined)
    throw new SetupProblem(
      `no Galera library (apt-get download ended with ${code}): install the package galera-4`,
    );
  return unpacked;
}

async function ensureMariaDb() {
  const { ensureServer } = await fromDist("installServer.js");
  const server = await ensureServer({
    places: {
      path: process.env["PATH"] ?? "",
      chosen: process.env["XCP_SERVER_PROGRAM"] ?? "",
      unpackFolder: join(projectFolder, ".xcp-balance", "server"),
    },
    userId: process.getuid?.() ?? -1,
    say,
  });
  if (server.flavour !== "MariaDB")
    throw new SetupProblem(`Galera needs MariaDB; ${server.program} is MySQL`);
  return server;
}

async function freePorts(count) {
  const probes = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(probes.map((probe) => once(probe, "listening")));
  const ports = probes.map((probe) => probe.address().port);
  for (const probe of probes) probe.close();
  await Promise.all(probes.map((probe) => once(probe, "close")));
  return ports;
}

function readState() {
  try {
    return JSON.parse(readFileSync(stateFile, "utf8"));
  } catch {
    return null;
  }
}

function writeState(state) {
  writeFileSync(stateFile, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

async function describeNodes() {
  const server = await ensureMariaDb();
  const provider = await ensureProvider();
  const { serverEnvironment } = await fromDist("serverFlags.js");
  const ports = await freePorts(nodeCount * 3);
  const nodes = Array.from({ length: nodeCount }, (_, n) => {
    const [port, group, transfer] = ports.slice(n * 3, n * 3 + 3);
    return { name: `node${n + 1}`, folder: join(folder, `node${n + 1}`), port, group, transfer, pid: 0 };
  });
  const members = nodes.map(({ group }) => `127.0.0.1:${group}`).join(",");
  for (const node of nodes) node.command = [server.program, ...flags(server, provider, node, members)];
  const environment = serverEnvironment(server, {
    PATH: `${join(projectFolder, "scripts")}:${process.env["PATH"] ?? ""}`,
  });
  const password = randomBytes(12).toString("base64url");
  return { server, state: { nodes, user: "root", password, environment } };
}

function flags(server, provider, node, members) {
  const { port, group, transfer } = node;
  return [
    "--no-defaults",
    `--datadir=${join(node.folder, "data")}`,
    ...(server.unpacked === null ? [] : [`--basedir=${server.unpacked.baseDirectory}`]),
    ...(process.getuid?.() === 0 ? ["--user=root"] : []),
    `--socket=${join(node.folder, "s.sock")}`,
    `--log-error=${join(node.folder, "server.log")}`,
    `--pid-file=${join(node.folder, "mysqld.pid")}`,
    "--bind-address=127.0.0.1",
    `--port=${port}`,
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
    `--wsrep-node-address=127.0.0.1:${group}`,
    // Nodes begin with one data folder and catch up by write sets: scripts/wsrep_sst_neighbour.
    "--wsrep-sst-method=neighbour",
    `--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:${group};ist.recv_addr=127.0.0.1:${transfer};gcache.size=64M`,
  ];
}

function launch(state, node, more = []) {
  const log = openSync(join(node.folder, "output.log"), "a");
  const [program, ...args] = node.command;
  const options = { cwd: node.folder, env: state.environment, detached: true, stdio: ["ignore", log, log] };
  const child = spawn(program, [...args, ...more], options);
  child.unref();
  node.pid = child.pid ?? 0;
  writeState(state);
}

async function connect(state, node) {
  const { default: mysql } = await import("mysql2/promise");
  const { user, password } = state;
  const socketPath = join(node.folder, "s.sock");
  return mysql.createConnection({ socketPath, user, password, connectTimeout: 5000 });
}

/** "Synced" when the node serves; anything else is what it says of itself, or why it cannot be asked. */
async function stateOf(cluster, node) {
  let connection;
  try {
    connection = await connect(cluster, node);
    const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'wsrep_local_state_comment'");
    return rows[0]?.Value ?? "no Galera node";
  } catch (error) {
    return error.code ?? error.message;
  } finally {
    connection?.destroy();
  }
}

async function waitUntilSynced(state, node) {
  const { startOf } = await fromDist("processes.js");
  for (let waited = 0; waited < startSeconds * 10; waited++) {
    const now = await stateOf(state, node);
    if (now === "Synced") return;
    if (startOf(node.pid) === null) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  const log = readFileSync(join(node.folder, "server.log"), "utf8").trim().split("\n");
  throw new SetupProblem(`${node.name} did not start:\n${log.slice(-12).join("\n")}`);
}

/** Ends the nodes that a state names, where the process with that number still is the server of that folder. */
async function endNodes(state) {
  const { commandLineOf, endProcess } = await fromDist("processes.js");
  const isOurs = ({ pid, folder: own }) =>
    pid > 0 && commandLineOf(pid).includes(`--datadir=${join(own, "data")} `);
  let ended = 0;
  for (const node of state.nodes.filter(isOurs).reverse()) {
    await endProcess(node.pid, 30_000);
    ended += 1;
  }
  return ended;
}

async function start() {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const old = readState();
  if (old !== null && (await endNodes(old)) > 0) say("ended the nodes that an earlier start had left");
  const { server, state } = await describeNodes();
  for (const node of state.nodes) {
    rmSync(node.folder, { recursive: true, force: true });
    mkdirSync(node.folder, { mode: 0o700 });
  }
  const [first, ...others] = state.nodes;
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

/** The data that all nodes begin with: a cluster of one node, with root's password, that was stopped cleanly. */
async function seed(server, state, node) {
  const { ensureData } = await fromDist("dataFolder.js");
  const { endProcess } = await fromDist("processes.js");
  await ensureData(node.folder, server);
  const sql = join(node.folder, "root.sql");
  const account = `'root'@'127.0.0.1' IDENTIFIED BY '${state.password}'`;
  writeFileSync(
    sql,
    [
      "SET wsrep_on = OFF;",
      "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host NOT IN ('localhost', '127.0.0.1'));",
      "FLUSH PRIVILEGES;",
      `CREATE OR REPLACE USER ${account};`,
      "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;",
      `ALTER USER 'root'@'localhost' IDENTIFIED BY '${state.password}';`,
      "",
    ].join("\n"),
    { mode: 0o600 },
  );
  launch(state, node, ["--wsrep-new-cluster", `--init-file=${sql}`]);
  await waitUntilSynced(state, node);
  await endProcess(node.pid, 30_000);
}

function urlOf({ nodes, user, password }) {
  return `mysql://${user}:${password}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
}

async function stop() {
  const state = readState();
  if (state === null) return 0;
  await endNodes(state);
  for (const node of state.nodes) rmSync(node.folder, { recursive: true, force: true });
  rmSync(stateFile, { force: true });
  return 0;
}

async function test(args) {
  const state = await start();
  const env = { ...process.env, XCP_TEST_MYSQL_URL: urlOf(state), XCP_TEST_GALERA: stateFile };
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  try {
    return await run(process.execPath, [vitest, "run", "--config", "test/galera/vitest.config.ts", ...args], {
      env,
    });
  } finally {
    await stop();
  }
}

async function status() {
  const state = readState();
  if (state === null) say("no nodes");
  for (const node of state?.nodes ?? [])
    say(`${node.name} (127.0.0.1:${node.port}): ${await stateOf(state, node)}`);
  return 0;
}

await script(async () => {
  const [command, ...args] = process.argv.slice(2);
  const known = { start, stop, status, test };
  if (!Object.hasOwn(known, command ?? "")) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  await setUp();
  if (command !== "start") return known[command](args);
  process.stdout.write(`${urlOf(await start())}\n`);
  return 0;
});
