/** A private MariaDB of one test file that runs inside something: a small disk, or a clock that the test sets. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findServer } from "../../src/privateServer/findServer.ts";
import { removeServerFolder, startPrivateServer } from "../../src/privateServer/privateServer.ts";
import { workFolder } from "../../src/privateServer/projectServer.ts";
import type { DatabaseServer } from "./database.ts";

export interface WrappedServer {
  readonly address: DatabaseServer;
  /** Its data folder, as this process reaches what the server sees there. */
  readonly data: string;
  stop(): Promise<void>;
}

/**
 * Starts the server by a shell script: `wrapped` makes its text of the true program and of the folder that the test may
 * use; "$@" are the server's arguments. Null where the machine has no MariaDB whose data folder can be made beforehand.
 */
export async function startWrappedServer(
  name: string,
  wrapped: (program: string, folder: string) => string,
): Promise<WrappedServer | null> {
  const server = await findServer({
    path: process.env["PATH"] ?? "",
    chosen: process.env["XCP_SERVER_PROGRAM"] ?? "",
    unpackFolder: join(workFolder, "server"),
  });
  // What the script unpacks needs libraries of its own, which the wrapping would lose.
  if (server === null || server.installer === null || server.unpacked !== null) return null;
  const directory = join(workFolder, `test-${process.pid}-${name}`);
  const folder = `${directory}-wrapping`;
  await mkdir(folder, { recursive: true });
  const script = join(folder, "server");
  await writeFile(script, `#!/bin/sh\n${wrapped(server.program, folder)}\n`, { mode: 0o700 });
  const running = await startPrivateServer({ directory, server: { ...server, program: script } });
  const pid = Number(await readFile(join(directory, "server.pid"), "utf8"));
  return {
    address: {
      host: running.host,
      port: running.port,
      user: running.rootUser,
      password: running.rootPassword,
    },
    data: `/proc/${pid}/root${join(directory, "data")}`,
    stop: async () => {
      await running.stop();
      await removeServerFolder(directory);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether this user may have a file system of its own, as the first words of `unshare`; null where not. */
export function ownMounts(): string | null {
  const asRoot = process.getuid?.() === 0;
  const words = asRoot ? ["--mount"] : ["--mount", "--map-root-user"];
  const tried = spawnSync("unshare", [...words, "sh", "-c", "mount -t tmpfs none /tmp"], { stdio: "ignore" });
  return tried.status === 0 ? words.join(" ") : null;
}

/** The library that gives a program another clock: Debian's libfaketime, installed where that can be done; or null. */
export function clockLibrary(): string | null {
  const found = () =>
    ["x86_64-linux-gnu/", "aarch64-linux-gnu/", ""]
      .map((machine) => `/usr/lib/${machine}faketime/libfaketimeMT.so.1`)
      .find((path) => existsSync(path)) ?? null;
  const present = found();
  if (present !== null || process.getuid?.() !== 0) return present;
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "libfaketime"], { stdio: "ignore" });
  return found();
}
