/** Case own-key: no server, and nobody who poses as one, is told the MySQL password. */
import net from "node:net";
import { networkInterfaces, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { removeServerFolder } from "../../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { openDatabase } from "../../src/store/connection.ts";
import { asRoot } from "../support/database.ts";
import { type AskedPlugin, startOwnKeyServer } from "../support/ownKeyServer.ts";
import { type ProgramName, runProgram } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

const canary = "canary-mysql-p4ss";
/** An address of this machine that is not loopback: to the programs a server somewhere. */
const elsewhere = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
}, 120_000);

afterAll(() => world?.stop());

const programs = [
  ["xcp-collect", ["-q"]],
  ["xcp-manager", ["-e", "SHOW VMS"]],
  ["xcp-manager", ["schema", "install"]],
  ["xcp-control", ["--dry-run"]],
] as const;

describe("case own-key", () => {
  describe.skipIf(elsewhere === undefined)("over a network (skipped where there is none)", () => {
    it.each(programs)("%s %j does not tell the password, and names MysqlCaFile", async (program, args) => {
      await using server = await startOwnKeyServer(elsewhere ?? "", "caching_sha2_password");
      const change = { MysqlHost: `${elsewhere}:${server.port}`, MysqlPass: canary };
      const result = await world.run(program, args, { change });
      expect(server.asked).toBe(1);
      expect(server.told).toEqual([]);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toContain("it asks for the password itself (caching_sha2_password");
      expect(result.stderr).toContain("set MysqlCaFile");
      expect(result.stderr).not.toContain(canary);
    });

    it.each<AskedPlugin>(["sha256_password", "mysql_clear_password"])("nor by %s", async (plugin) => {
      await using server = await startOwnKeyServer(elsewhere ?? "", plugin);
      const change = { MysqlHost: `${elsewhere}:${server.port}`, MysqlPass: canary };
      const result = await world.run("xcp-collect", ["-q"], { change });
      expect(server.asked).toBe(1);
      expect(server.told).toEqual([]);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).not.toContain(canary);
      expect(result.stderr).not.toContain("internal error");
    });
  });

  it("on this machine full authentication goes on (and the server of this test is after the password indeed)", async () => {
    await using server = await startOwnKeyServer("127.0.0.1", "caching_sha2_password");
    const change = { MysqlHost: `127.0.0.1:${server.port}`, MysqlPass: canary };
    const result = await world.run("xcp-collect", ["-q"], { change });
    expect(server.told).toEqual([canary]);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining("access denied") });
  });

  it("MysqlHost takes the path of a socket, in all programs", async () => {
    const MysqlHost = await socketPath();
    for (const [program, args] of programs.filter(([, [first]]) => first !== "schema")) {
      const result = await world.run(program, args, { change: { MysqlHost } });
      // Nothing was collected before the first, and there is no rule for the last.
      expect(result.stderr).not.toMatch(/Mysql|settings/);
    }
    const gone = await world.run("xcp-collect", [], { change: { MysqlHost: "/nowhere/mysql.sock" } });
    expect(gone).toMatchObject({ code: 1, stdout: "" });
    expect(gone.stderr).toContain(
      "/nowhere/mysql.sock: there is no such socket: start MySQL, or correct the path",
    );
  });

  it("a server that knows its callers by the socket needs no password, also for schema install", async () => {
    const name = `test-${process.pid}-own-key`;
    const server = await startProjectServer({ name, say: () => {} });
    try {
      const user = userInfo().username;
      const account = `'${user}'@'localhost'`;
      await asRoot(
        [
          `CREATE USER IF NOT EXISTS ${account} IDENTIFIED VIA unix_socket`,
          `ALTER USER ${account} IDENTIFIED VIA unix_socket`,
          `GRANT ALL PRIVILEGES ON *.* TO ${account}`,
        ],
        undefined,
        { host: server.host, port: server.port, user: server.rootUser, password: server.rootPassword },
      );
      const { MysqlPass: _, ...rest } = world.settings("collect");
      const settings = { ...rest, MysqlHost: server.socketPath, MysqlUsr: user };
      const run = (program: ProgramName, args: readonly string[]) => runProgram(program, args, { settings });
      expect(await run("xcp-manager", ["schema", "install"])).toMatchObject({ code: 0, stderr: "" });
      expect(await run("xcp-collect", ["-q"])).toMatchObject({ code: 0, stderr: "" });
      expect((await run("xcp-manager", ["-e", "SHOW VMS"])).stdout).toContain("-");
    } finally {
      await server.stop();
      await removeServerFolder(join(workFolder, name));
    }
  });

  it("a connection that others can read is told, once, unless the program is to be quiet", async () => {
    if (elsewhere === undefined) return;
    // The test's server listens on loopback: a relay makes it look far away.
    const { host, port } = inject("databaseServer");
    const relay = net.createServer((socket) => {
      const onward = net.connect({ host, port });
      socket.on("error", () => onward.destroy()).pipe(onward);
      onward.on("error", () => socket.destroy()).pipe(socket);
    });
    await new Promise<void>((resolve) => relay.listen(0, elsewhere, resolve));
    try {
      const { port: relayed } = relay.address() as net.AddressInfo;
      const change = { MysqlHost: `${elsewhere}:${relayed}` };
      const said = `the connection to MySQL at ${elsewhere}:${relayed} is not encrypted`;
      const loud = await world.run("xcp-collect", [], { change });
      expect(loud).toMatchObject({ code: 0, stderr: expect.stringContaining(said) });
      expect(loud.stderr).toContain("set MysqlCaFile");
      expect(await world.run("xcp-collect", ["-q"], { change })).toMatchObject({ code: 0, stderr: "" });
    } finally {
      relay.close();
    }
  });
});

async function socketPath(): Promise<string> {
  const db = await openDatabase(world.database.admin);
  try {
    const [row] = await db.read((reader) => reader.rows("SELECT @@socket AS path"));
    return String(row?.["path"]);
  } finally {
    await db.close();
  }
}
