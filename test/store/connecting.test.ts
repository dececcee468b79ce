import net from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const servers: net.Server[] = [];
const sockets: net.Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(onConnection: (socket: net.Socket) => void): Promise<{ host: string; port: number }> {
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return { host: "127.0.0.1", port: address.port };
}

async function failureOf(changes: Partial<StoreOptions>): Promise<string> {
  const secret = "hush-hush-7";
  const options = { ...test.collect, password: secret, ...changes };
  const error: unknown = await openDatabase(options).then(
    (db) => db.close(),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: "AppError", code: "mysql", exitCode: 1 });
  const message = error instanceof Error ? error.message : "";
  expect(message).toMatch(/^Unable to connect to Mysql: /);
  expect(message).not.toContain(secret);
  expect(JSON.stringify(error)).not.toContain(secret);
  return message;
}

describe("a connection that cannot be made says why and what to do:", () => {
  it("a wrong password", async () => {
    expect(await failureOf({})).toMatch(/access denied for .*-collect: check MysqlUsr and MysqlPass/);
  });

  it("a database that is not there", async () => {
    const { admin } = test;
    const changes = { user: admin.user, password: admin.password, database: "nowhere" };
    const error: unknown = await openDatabase({ ...admin, ...changes }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /there is no database nowhere: create it with `xcp-manager schema install`/,
      ),
    });
  });

  it("a database that the account has no rights on", async () => {
    const error: unknown = await openDatabase({ ...test.collect, database: "mysql" }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /has no rights on the database mysql: correct MysqlUsr or MysqlDatabase; .*accounts\.sql/,
      ),
    });
  });

  it("nobody listening", async () => {
    const { host, port } = await listen(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await failureOf({ servers: [{ host, port }] })).toMatch(
      new RegExp(`127.0.0.1:${port}: nothing listens there: start MySQL, or correct MysqlHost`),
    );
  });

  it("a host name that nobody knows", async () => {
    const servers = [{ host: "no-such-host.invalid", port: 3306 }];
    expect(await failureOf({ servers })).toMatch(/no-such-host\.invalid:3306: the host name is unknown/);
  });

  it("a server that accepts and says nothing", async () => {
    const server = await listen(() => {});
    const began = performance.now();
    expect(await failureOf({ servers: [server], connectTimeoutMs: 300 })).toMatch(/no answer in time/);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it("a server that hangs up", async () => {
    const server = await listen((socket) => socket.end());
    expect(await failureOf({ servers: [server] })).toMatch(/it closed the connection: is it a MySQL server/);
  });

  it("something that is no MySQL server", async () => {
    const server = await listen((socket) =>
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
    );
    await failureOf({ servers: [server] });
  });

  it("a socket that is not there", async () => {
    expect(await failureOf({ socketPath: "/nowhere/mysql.sock" })).toMatch(
      /\/nowhere\/mysql\.sock: there is no such socket/,
    );
  });

  it("a server without TLS, or with a certificate that nobody vouches for", async () => {
    // An authority that has signed nothing.
    const message = await failureOf({ caPem: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" });
    expect(message).toMatch(/MysqlCaFile/);
  });

  it("each of several servers with its own reason", async () => {
    const hangingUp = await listen((socket) => socket.end());
    const message = await failureOf({ servers: [hangingUp, { host: "no-such-host.invalid", port: 1 }] });
    expect(message).toMatch(
      /127\.0\.0\.1:\d+: it closed the connection.*; no-such-host\.invalid:1: the host name is unknown/,
    );
  });
});

describe("a connection", () => {
  it("gives files of this machine to no server, and takes one statement at a time", async () => {
    const db = await openDatabase(test.admin);
    const load = db.write((writer) =>
      writer.run("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE HostRule (Subject)"),
    );
    await expect(load).rejects.toMatchObject({ code: "mysql" });
    const two = db.read((reader) => reader.rows("SELECT 1 AS a; SELECT 2 AS b"));
    await expect(two).rejects.toMatchObject({ code: "mysql" });
    await db.close();
  });

  it("is strict, in UTC and waits five seconds for a lock, whatever the server's defaults", async () => {
    const db = await openDatabase(test.collect);
    const [row] = await db.read((reader) =>
      reader.rows("SELECT @@sql_mode AS mode, @@time_zone AS zone, @@innodb_lock_wait_timeout AS wait"),
    );
    expect(row?.["mode"]).toMatch(/STRICT_ALL_TABLES/);
    expect(row?.["mode"]).toMatch(/ONLY_FULL_GROUP_BY/);
    expect(row).toMatchObject({ zone: "+00:00", wait: 5 });
    await db.close();
  });

  it("runs transactions that are started together one after the other", async () => {
    const db = await openDatabase(test.collect);
    const order: string[] = [];
    const task = (name: string) =>
      db.read(async (reader) => {
        order.push(`${name} begins`);
        await reader.rows("SELECT 1 AS one");
        order.push(`${name} ends`);
      });
    await Promise.all([task("a"), task("b"), task("c")]);
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    await db.close();
  });

  it("lets no transaction that only reads write", async () => {
    const db = await openDatabase(test.admin, {
      random: () => 0,
      sleep: async () => {},
      monotonicMs: () => 0,
    });
    const sneaky = db.read((reader) => reader.rows("DELETE FROM HostRule"));
    await expect(sneaky).rejects.toMatchObject({ code: "mysql" });
    await db.close();
  });

  it("can be closed twice", async () => {
    const db = await openDatabase(test.collect);
    await db.close();
    await db.close();
  });
});
