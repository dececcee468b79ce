/**
 * The database server of a test run: a private one, started here and ended with the run, or the one that
 * XCP_TEST_MYSQL_URL names (a root URL such as mysql://root@127.0.0.1:3307), which is left as it was found. The URL of
 * a cluster names its nodes by commas: mysql://root@127.0.0.1:3307,127.0.0.1:3308,127.0.0.1:3309.
 */
import mysql from "mysql2/promise";
import type { TestProject } from "vitest/node";
import { removeServerFolder, sweepServerFolders } from "../../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { ensureBuilt } from "./build.ts";

export interface TestServer {
  readonly host: string;
  readonly port: number;
  /** The nodes of a cluster, this one first; one server otherwise. */
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly password: string;
  readonly flavour: "MariaDB" | "MySQL";
  readonly version: string;
}

declare module "vitest" {
  interface ProvidedContext {
    databaseServer: TestServer;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  await ensureBuilt();
  const url = process.env["XCP_TEST_MYSQL_URL"] ?? "";
  if (url !== "") {
    const outside = await outsideServer(url);
    say(`tests run on the ${outside.flavour} ${outside.version} of XCP_TEST_MYSQL_URL`);
    project.provide("databaseServer", outside);
    return;
  }
  await sweepServerFolders(workFolder, "test-");
  const name = `test-${process.pid}`;
  const server = await startProjectServer({ name, say });
  const { host, port, rootUser: user, rootPassword: password, flavour, version } = server;
  const servers = [{ host, port }];
  project.provide("databaseServer", { host, port, servers, user, password, flavour, version });
  return async () => {
    await server.stop();
    await removeServerFolder(`${workFolder}/${name}`);
  };
}

async function outsideServer(text: string): Promise<TestServer> {
  const parts = /^mysql:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?]+)\/?$/.exec(text);
  if (parts === null)
    throw new Error(
      "XCP_TEST_MYSQL_URL must be like mysql://root:password@host:port, or with more hosts by commas",
    );
  const servers = (parts[3] ?? "").split(",").map((place) => {
    const { hostname, port } = new URL(`mysql://${place}`);
    return { host: hostname, port: port === "" ? 3306 : Number(port) };
  });
  const [first] = servers;
  if (first === undefined) throw new Error("XCP_TEST_MYSQL_URL names no server");
  const address = {
    ...first,
    user: decodeURIComponent(parts[1] ?? ""),
    password: decodeURIComponent(parts[2] ?? ""),
  };
  const connection = await mysql.createConnection({ ...address, connectTimeout: 10_000 });
  try {
    const [rows] = await connection.query<mysql.RowDataPacket[]>("SELECT VERSION() AS version");
    const version = String(rows[0]?.["version"]);
    return { ...address, servers, flavour: /mariadb/i.test(version) ? "MariaDB" : "MySQL", version };
  } finally {
    await connection.end();
  }
}

function say(line: string): void {
  process.stderr.write(`xcp-balance: ${line}\n`);
}
