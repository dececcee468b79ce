import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ServerProgram } from "../../src/privateServer/findServer.ts";
import {
  type PrivateServer,
  removeServerFolder,
  startPrivateServer,
  sweepServerFolders,
} from "../../src/privateServer/privateServer.ts";
import { commandLineOf, endProcess, pause, startOf } from "../../src/privateServer/processes.ts";
import { temporaryFolder } from "../support/programs.ts";
import { someVariants } from "../support/runs.ts";
import { serverOfThisMachine } from "./places.ts";

const found = await serverOfThisMachine();

describe.skipIf(found === null)("a private server (skipped where no server program is installed)", () => {
  const server = found as ServerProgram;

  async function start(directory: string): Promise<PrivateServer> {
    const started = await startPrivateServer({ directory, server });
    onTestFinished(() => started.stop());
    return started;
  }

  async function pidOf(directory: string): Promise<number> {
    return Number(await readFile(join(directory, "server.pid"), "utf8"));
  }

  /** A dead run's owner mark, with everything else as it was left. */
  async function orphan(directory: string): Promise<void> {
    await writeFile(join(directory, "xcp-balance.claim", "owner"), "999999999\n1");
  }

  test("answers root with its password and nobody without it, and stops leaving no process", async () => {
    const directory = join(await temporaryFolder(), "server");
    const started = await start(directory);
    const { host, port, rootUser: user, rootPassword: password } = started;

    const connection = await mysql.createConnection({ host, port, user, password });
    const [rows] = await connection.query<mysql.RowDataPacket[]>(
      "SELECT VERSION() AS version, @@character_set_server AS charset, @@bind_address AS address",
    );
    await connection.end();
    expect(rows[0]?.["version"]).toContain(started.version);
    expect(rows[0]).toMatchObject({ charset: "utf8mb4", address: "127.0.0.1" });

    const strangers = [
      { user: "root", password: "wrong" },
      { user: "root", password: "" },
      { user: "", password: "" },
    ];
    for (const stranger of strangers) {
      const overTcp = mysql.createConnection({ host, port, ...stranger });
      await expect(overTcp, JSON.stringify(stranger)).rejects.toMatchObject({ errno: 1045 });
      const overSocket = mysql.createConnection({ socketPath: started.socketPath, ...stranger });
      await expect(overSocket, JSON.stringify(stranger)).rejects.toMatchObject({ errno: 1045 });
    }

    const pid = await pidOf(directory);
    expect(commandLineOf(pid)).toContain(directory);
    await started.stop();
    expect(startOf(pid)).toBeNull();
    await expect(reach(host, port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("keeps its folder and its password to its user", async () => {
    const directory = join(await temporaryFolder(), "server");
    const started = await start(directory);
    expect((await stat(directory)).mode & 0o077).toBe(0);
    const openFiles: string[] = [];
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      const info = await stat(path);
      if (!info.isFile() || !(await readFile(path, "utf8")).includes(started.rootPassword)) continue;
      if ((info.mode & 0o077) !== 0) openFiles.push(name);
    }
    expect(openFiles).toEqual([]);
    expect(commandLineOf(await pidOf(directory))).not.toContain(started.rootPassword);
  });

  test("shares no folder for temporary files with another server, which would remove them", async () => {
    const directory = await temporaryFolder();
    const rows = await query(await start(directory), "SELECT @@tmpdir AS folder");
    expect(rows).toEqual([{ folder: join(directory, "tmp") }]);
  });

  test("keeps its data over a stop and a start", async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    await query(first, "CREATE DATABASE Kept");
    await first.stop();
    const second = await start(directory);
    expect(await query(second, "SHOW DATABASES LIKE 'Kept'")).toHaveLength(1);
  });

  test("lives with a folder whose path is too long for a socket", async () => {
    const directory = join(await temporaryFolder(), "long".repeat(30), "server");
    const started = await start(directory);
    expect(Buffer.byteLength(started.socketPath)).toBeLessThanOrEqual(103);
    expect(await query(started, "SELECT 1")).toHaveLength(1);
    await started.stop();
    await expect(stat(join(started.socketPath, ".."))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("is not started twice in one folder", async () => {
    const directory = await temporaryFolder();
    await start(directory);
    await expect(startPrivateServer({ directory, server })).rejects.toThrow(
      `process ${process.pid} is using`,
    );
  });

  test("leaves a folder alone that it did not make", async () => {
    const directory = await temporaryFolder();
    await writeFile(join(directory, "letter.txt"), "dear");
    await expect(startPrivateServer({ directory, server })).rejects.toThrow("it is left alone");
    expect(await removeServerFolder(directory)).toBe(false);
    expect(await readdir(directory)).toEqual(["letter.txt"]);
  });

  test("takes over the folder of a killed run and ends the server that runs there", async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    const pid = await pidOf(directory);
    await orphan(directory);
    const second = await start(directory);
    expect(startOf(pid)).toBeNull();
    expect(second.rootPassword).not.toBe(first.rootPassword);
    expect(await query(second, "SELECT 1")).toHaveLength(1);
  });

  test("never ends a process that only has the number of its old server", async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    await first.stop();
    await orphan(directory);
    const bystander = spawn("sleep", ["60"]);
    onTestFinished(() => void bystander.kill());
    await writeFile(join(directory, "server.pid"), String(bystander.pid));
    await start(directory);
    expect(startOf(bystander.pid ?? 0)).not.toBeNull();
  });

  test("makes a data folder anew that a crash left half-made", async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    await first.stop();
    await orphan(directory);
    // As if killed while it was being made, under both names that it has on its way.
    await mkdir(join(directory, "data.new-999999999"));
    await writeFile(join(directory, "data.new-999999999", "ibdata1"), "half");
    await writeFile(join(directory, "data", "ibdata1"), "half");
    await writeFile(join(directory, "made-by"), "");
    const second = await start(directory);
    expect(await query(second, "SELECT 1")).toHaveLength(1);
    expect((await readdir(directory)).filter((name) => name.startsWith("data"))).toEqual(["data"]);
  });

  test("says the server's own reason when it does not start", async () => {
    const directory = await temporaryFolder();
    const first = await start(directory);
    await first.stop();
    await writeFile(join(directory, "data", "ibdata1"), "not a tablespace");
    await expect(startPrivateServer({ directory, server })).rejects.toThrow(
      /did not start[\s\S]*\[ERROR\].*InnoDB/i,
    );
    expect(await removeServerFolder(directory)).toBe(true);
  });

  test("the folders of dead runs are swept with their servers, those of living ones stay", async () => {
    const parent = await temporaryFolder();
    const dead = join(parent, "test-1");
    const living = join(parent, "test-2");
    await start(dead);
    const pid = await pidOf(dead);
    await orphan(dead);
    await start(living);
    expect(await sweepServerFolders(parent, "test-")).toEqual(["test-1"]);
    expect(startOf(pid)).toBeNull();
    expect(await readdir(parent)).toEqual(["test-2"]);
  });

  for (const signal of someVariants(["SIGINT", "SIGTERM", "SIGKILL", "SIGHUP"] as const, 2)) {
    test(`does not outlive a run that ${signal} ends`, async () => {
      const directory = await temporaryFolder();
      const { owner, pid } = await startElsewhere(directory, server);
      owner.kill(signal);
      await gone(pid);
      expect(startOf(owner.pid ?? 0)).toBeNull();
    });
  }
});

async function query(server: PrivateServer, sql: string): Promise<unknown[]> {
  const { host, port, rootUser: user, rootPassword: password } = server;
  const connection = await mysql.createConnection({ host, port, user, password });
  try {
    const [rows] = await connection.query<mysql.RowDataPacket[]>(sql);
    return Array.isArray(rows) ? rows : [];
  } finally {
    await connection.end();
  }
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}

/** Starts the server of `directory` from another process, which then waits for ever. */
async function startElsewhere(
  directory: string,
  server: ServerProgram,
): Promise<{ owner: ChildProcess; pid: number }> {
  const module = new URL("../../build/privateServer/privateServer.js", import.meta.url).href;
  const code = `
    const { startPrivateServer } = await import(${JSON.stringify(module)});
    await startPrivateServer(${JSON.stringify({ directory, server })});
    console.log("started");
    setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void owner.kill("SIGKILL"));
  await new Promise<void>((resolve, reject) => {
    owner.stdout?.once("data", () => resolve());
    owner.once("exit", (status) => reject(new Error(`it ended with ${status} before the server answered`)));
  });
  const pid = Number(await readFile(join(directory, "server.pid"), "utf8"));
  onTestFinished(() => endProcess(pid, 10_000));
  expect(startOf(pid)).not.toBeNull();
  return { owner, pid };
}

/** Waits until the process has ended; the test's own limit says when that is too long. */
async function gone(pid: number): Promise<void> {
  while (startOf(pid) !== null) await pause(20);
}
