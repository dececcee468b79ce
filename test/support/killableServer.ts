/** A private database server of one test file that may be killed and started again on the data it left. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type PrivateServer, removeServerFolder } from "../../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { asRoot, type DatabaseServer } from "./database.ts";
import { startTcpProxy } from "./tcpProxy.ts";

export interface KillableServer {
  /** The same through all its lives, with an account that has all rights. */
  readonly address: DatabaseServer;
  /** kill -9, and nothing else. */
  kill(): void;
  /** Starts it again where it left off. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startKillableServer(): Promise<KillableServer> {
  const name = `test-${process.pid}-killable`;
  const start = (): Promise<PrivateServer> => startProjectServer({ name, say: () => {} });
  const pidOf = async (): Promise<number> =>
    Number(await readFile(join(workFolder, name, "server.pid"), "utf8"));
  let server = await start();
  let pid = await pidOf();
  // A restart changes the port and root's password.
  const relay = await startTcpProxy(server);
  const address = {
    host: relay.host,
    port: relay.port,
    user: "keeper",
    password: randomBytes(12).toString("base64url"),
  };
  const account = `'${address.user}'@'127.0.0.1'`;
  await asRoot(
    [
      `CREATE USER ${account} IDENTIFIED BY '${address.password}'`,
      `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION`,
    ],
    undefined,
    { host: server.host, port: server.port, user: server.rootUser, password: server.rootPassword },
  );
  return {
    address,
    kill: () => void process.kill(pid, "SIGKILL"),
    restart: async () => {
      // Notices that the old process is gone, and gives the folder up.
      await server.stop();
      server = await start();
      pid = await pidOf();
      relay.target = server;
    },
    stop: async () => {
      await relay.close();
      await server.stop();
      await removeServerFolder(join(workFolder, name));
    },
  };
}
