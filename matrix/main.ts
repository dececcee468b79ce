/**
 * The suite on other versions of Node and of the database's server: npm run matrix [-- --only CELL,...] [TEST ...]
 * Prints a table; exit code 1 where a test fails or a version cannot be had.
 */
import { readFileSync, realpathSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { describeError } from "../src/domain/errors.ts";
import {
  type PrivateServer,
  removeServerFolder,
  startPrivateServer,
} from "../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../src/privateServer/projectServer.ts";
import { type NodeProgram, nodeOf } from "./nodes.ts";
import { type Packages, unpackedServer } from "./servers.ts";
import { runSuite, type SuiteEnd } from "./suite.ts";

interface Cell {
  readonly name: string;
  /** Major version of Node. */
  readonly node: number;
  /** Null for the server that the suite takes by itself. */
  readonly server: Packages | null;
}

const mariaDb = (release: string): Packages => ({
  release,
  names: ["mariadb-server-core", "mariadb-client-core"],
  flavour: "MariaDB",
});

/** MySQL 8.4 is in no release of Debian: XCP_SERVER_PROGRAM=/path/to/mysqld npm run matrix -- --only node22. */
const cells: readonly Cell[] = [
  { name: "node20", node: 20, server: null },
  { name: "node22", node: 22, server: null },
  { name: "node24", node: 24, server: null },
  { name: "mariadb10", node: 22, server: mariaDb("bookworm") },
  { name: "mariadb11", node: 22, server: mariaDb("trixie") },
  { name: "mysql9", node: 24, server: { release: "sid", names: ["mysql-server-core"], flavour: "MySQL" } },
];

const say = (line: string) => process.stderr.write(`xcp-balance: ${line}\n`);

interface Row extends SuiteEnd {
  readonly cell: string;
  readonly node: string;
  readonly server: string;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string" } },
    allowPositionals: true,
  });
  const names = values.only?.split(",") ?? cells.map(({ name }) => name);
  const strange = names.find((name) => !cells.some((cell) => cell.name === name));
  if (strange !== undefined) {
    say(`there is no cell ${strange}; there are ${cells.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  let worst = 0;
  process.stdout.write(`${line("cell", "Node", "server", "passed", "failed", "skipped", "seconds")}\n`);
  for (const cell of cells.filter(({ name }) => names.includes(name))) {
    try {
      const row = await play(cell, positionals);
      const { passed, failed, skipped, seconds } = row;
      process.stdout.write(
        `${line(row.cell, row.node, row.server, `${passed}`, `${failed}`, `${skipped}`, seconds.toFixed(0))}\n`,
      );
      if (row.code !== 0) worst = 1;
      for (const test of row.failures) say(`${cell.name}: ${test}`);
    } catch (error) {
      say(`${cell.name}: ${describeError(error)}`);
      worst = 1;
    }
  }
  return worst;
}

function line(...texts: readonly string[]): string {
  const widths = [10, 9, 16, 7, 7, 8, 8];
  return texts
    .map((text, n) => text.padEnd(widths[n] ?? 0))
    .join(" ")
    .trimEnd();
}

async function play(cell: Cell, tests: readonly string[]): Promise<Row> {
  const home = path.join(realpathSync(workFolder), "matrix");
  const project = path.dirname(realpathSync(workFolder));
  const node: NodeProgram = await nodeOf(cell.node, home);
  const name = `test-matrix-${process.pid}`;
  const server = await startServer(cell, home, name);
  say(`${cell.name}: Node ${node.version} with ${server.flavour} ${server.version}`);
  const report = path.join(home, `${cell.name}.json`);
  rmSync(report, { force: true });
  try {
    const { rootUser, rootPassword, host, port } = server;
    const end = await runSuite({
      project,
      node: node.folder,
      url: `mysql://${rootUser}:${encodeURIComponent(rootPassword)}@${host}:${port}`,
      tests,
      report,
      read: () => readFileSync(report, "utf8"),
    });
    return { ...end, cell: cell.name, node: node.version, server: `${server.flavour} ${server.version}` };
  } finally {
    await server.stop();
    await removeServerFolder(path.join(workFolder, name));
  }
}

async function startServer(cell: Cell, home: string, name: string): Promise<PrivateServer> {
  if (cell.server === null) return startProjectServer({ name, say });
  const server = await unpackedServer(cell.server, path.join(home, cell.name));
  return startPrivateServer({ directory: path.join(workFolder, name), server });
}
