/**
 * A private MariaDB or MySQL server: its files in one folder, 127.0.0.1 and its own socket only, no system service.
 * It never outlives the process that started it, and never touches a folder or a process that is not its own.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import mysql from "mysql2/promise";
import { AppError, describeError } from "../domain/errors.ts";
import { claim, claimState, unclaim } from "./claim.ts";
import { ensureData } from "./dataFolder.ts";
import type { ServerFlavour, ServerProgram } from "./findServer.ts";
import { startGuardian } from "./guardian.ts";
import { commandLineOf, endProcess, endWithUs, pause } from "./processes.ts";
import {
  rootAccountSql,
  type ServerFiles,
  serverEnvironment,
  serverFiles,
  startCommand,
} from "./serverFlags.ts";
import { makeSocketFolder, removeSocketFolder } from "./socketFolder.ts";

export interface PrivateServerOptions {
  /** Folder for everything the server writes; made with mode 700. What it holds can be lost at any start. */
  readonly directory: string;
  readonly server: ServerProgram;
}

export interface PrivateServer {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string;
  readonly rootUser: string;
  readonly rootPassword: string;
  readonly flavour: ServerFlavour;
  readonly version: string;
  /** Stops the server and returns when it has exited. The folder stays. May be called twice. */
  stop(): Promise<void>;
}

const startSeconds = 60;
const stopSeconds = 30;

/**
 * Starts the server of `options.directory` and returns when it answers. What a killed run left there - a running
 * server, a half-made data folder - is ended and redone. Throws an AppError when a living process uses the folder,
 * when the folder is somebody else's, or when the server does not start (with the end of its log).
 */
export async function startPrivateServer(options: PrivateServerOptions): Promise<PrivateServer> {
  const directory = resolve(options.directory);
  await takeFolder(directory);
  try {
    await endLeftOver(directory);
    await ensureData(directory, options.server);
    const files = serverFiles(directory, await makeSocketFolder(directory));
    return await startOnFreePort(directory, options.server, files);
  } catch (error) {
    await removeSocketFolder(directory);
    await unclaim(directory);
    throw error;
  }
}

/** Ends what a dead run left in `directory` and removes it. Leaves it alone (false) where a living process uses it. */
export async function removeServerFolder(directory: string): Promise<boolean> {
  const state = await claimState(directory);
  if (state.kind !== "dead" || (await claim(directory)) !== null) return false;
  await endLeftOver(directory);
  await rm(directory, { recursive: true, force: true });
  return true;
}

/** Removes the server folders in `parent` whose name begins with `prefix` and whose owner is dead; returns their names. */
export async function sweepServerFolders(parent: string, prefix: string): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  const removed: string[] = [];
  for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
    if (await removeServerFolder(join(parent, name))) removed.push(name);
  }
  return removed;
}

async function takeFolder(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const isEmpty = (await readdir(directory)).length === 0;
  if (!isEmpty && (await claimState(directory)).kind === "none") {
    throw new AppError(
      "mysql",
      `${directory} holds files that no private server of xcp-balance made; it is left alone`,
    );
  }
  await chmod(directory, 0o700);
  const holder = await claim(directory);
  if (holder === null) return;
  throw new AppError("mysql", `process ${holder} is using the private server in ${directory}; end it first`);
}

/** The server that a killed run left running: ended only when its arguments name our data folder. */
async function endLeftOver(directory: string): Promise<void> {
  const pid = Number(await readFile(pidPath(directory), "utf8").catch(() => "0"));
  const ours = `--datadir=${join(directory, "data")} `;
  if (pid > 0 && `${commandLineOf(pid)} `.includes(ours)) await endProcess(pid, stopSeconds * 1000);
  await rm(pidPath(directory), { force: true });
  await removeSocketFolder(directory);
}

function pidPath(directory: string): string {
  return join(directory, "server.pid");
}

/** Between finding a free port and the server's bind another program may take it: then the next one. */
async function startOnFreePort(
  directory: string,
  server: ServerProgram,
  files: ServerFiles,
): Promise<PrivateServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(await freePort(), directory, server, files);
    } catch (error) {
      const log = await readFile(files.log, "utf8").catch(() => "");
      if (attempt < 5 && /Bind on TCP\/IP port|Address already in use/i.test(log)) continue;
      const lines = log.trim().split("\n");
      const errors = lines.filter((line) => line.includes("[ERROR]"));
      const why = (errors.length > 0 ? errors : lines.slice(-6)).slice(0, 6).join("\n");
      const who = `${server.program} (${server.flavour} ${server.version})`;
      throw new AppError(
        "mysql",
        `The private server ${who} did not start: ${describeError(error)}\n${why}`,
        {
          cause: error,
        },
      );
    }
  }
}

async function startOn(
  port: number,
  directory: string,
  server: ServerProgram,
  files: ServerFiles,
): Promise<PrivateServer> {
  const rootPassword = randomBytes(24).toString("base64url");
  await rm(files.log, { force: true });
  await rm(files.initFile, { force: true });
  await writeFile(files.initFile, rootAccountSql(server, rootPassword), { mode: 0o600 });
  const [program, args] = startCommand(server, files, port, process.getuid?.() === 0);
  const child = spawn(program, args, {
    cwd: directory,
    env: serverEnvironment(server, process.env),
    stdio: "ignore",
    // Its own process group: Ctrl-C in the terminal is for us, and we stop the server cleanly.
    detached: true,
  });
  const exited = new Promise<string>((done) => {
    child.once("error", (error) => done(error.message));
    child.once("exit", (code, signal) => done(`it ended with ${signal ?? `code ${code}`}`));
  });
  endWithUs(child);
  const guardian = startGuardian(child, files.data);
  await writeFile(pidPath(directory), String(child.pid ?? 0));
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= stopServer(child, guardian, exited).then(async () => {
      await rm(pidPath(directory), { force: true });
    });
    return stopping;
  };
  try {
    await waitForAnswer(files.socket, rootPassword, exited);
  } catch (error) {
    await stop();
    throw error;
  }
  // An idle server must not keep the process alive that forgets to stop it; it ends with us.
  child.unref();
  const stopAll = async (): Promise<void> => {
    await stop();
    await removeSocketFolder(directory);
    await unclaim(directory);
  };
  return {
    host: "127.0.0.1",
    port,
    socketPath: files.socket,
    rootUser: "root",
    rootPassword,
    flavour: server.flavour,
    version: server.version,
    stop: stopAll,
  };
}

async function stopServer(
  child: ChildProcess,
  guardian: ChildProcess,
  exited: Promise<string>,
): Promise<void> {
  child.ref();
  child.kill("SIGTERM");
  const impatience = setTimeout(() => child.kill("SIGKILL"), stopSeconds * 1000);
  await exited;
  clearTimeout(impatience);
  guardian.stdin?.end("stopped\n");
}

/** Asks over the socket, which only our server can have: another program on the port never sees the password. */
async function waitForAnswer(socketPath: string, password: string, exited: Promise<string>): Promise<void> {
  let ended: string | undefined;
  void exited.then((how) => {
    ended = how;
  });
  let last: unknown = new Error("it does not answer");
  for (let waited = 0; waited < startSeconds * 1000; waited += 50) {
    await pause(50);
    if (ended !== undefined) throw new Error(ended);
    try {
      const connection = await mysql.createConnection({
        socketPath,
        user: "root",
        password,
        connectTimeout: 5000,
      });
      await connection.query("SELECT 1");
      await connection.end();
      return;
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
