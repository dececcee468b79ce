/** The programs of a cluster: MariaDB, and Galera's library. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../src/domain/errors.ts";
import type { ServerProgram } from "../src/privateServer/findServer.ts";
import { ensureServer } from "../src/privateServer/installServer.ts";
import { workFolder } from "../src/privateServer/projectServer.ts";
import { runToItsEnd } from "./run.ts";
import { folder, say } from "./state.ts";

const libraries = [
  "usr/lib/galera/libgalera_smm.so",
  "usr/lib/libgalera_smm.so",
  "usr/lib64/galera-4/libgalera_smm.so",
];

/** The machine's MariaDB, installed where there is none. */
export async function ensureMariaDb(): Promise<ServerProgram> {
  const server = await ensureServer({
    places: {
      path: process.env["PATH"] ?? "",
      chosen: process.env["XCP_SERVER_PROGRAM"] ?? "",
      unpackFolder: join(workFolder, "server"),
    },
    userId: process.getuid?.() ?? -1,
    say,
  });
  if (server.flavour !== "MariaDB")
    throw new AppError("mysql", `Galera needs MariaDB; ${server.program} is MySQL`);
  return server;
}

/** Galera's library: the machine's, or the one unpacked from Debian's package into the project's folder. */
export async function ensureProvider(): Promise<string> {
  const packagesFolder = join(folder, "packages");
  const find = (root: string): string | undefined =>
    libraries.map((name) => join(root, name)).find((file) => existsSync(file));
  const present = find("/") ?? find(packagesFolder);
  if (present !== undefined) return present;
  say(`unpacking Debian's package galera-4 into ${packagesFolder} (nothing is installed)`);
  const code = await unpackPackage(packagesFolder);
  const unpacked = find(packagesFolder);
  if (unpacked === undefined)
    throw new AppError(
      "mysql",
      `no Galera library (apt-get download ended with ${code}): install the package galera-4`,
    );
  return unpacked;
}

/** Returns the exit code of the download. */
async function unpackPackage(target: string): Promise<number> {
  const debs = join(folder, "debs");
  rmSync(debs, { recursive: true, force: true });
  mkdirSync(debs, { recursive: true });
  const quiet = { cwd: debs, silent: true };
  // As in any folder that belongs to root, apt's own user may not write here.
  const download = (): Promise<number> =>
    runToItsEnd("apt-get", ["-q", "-o", "APT::Sandbox::User=", "download", "galera-4"], quiet);
  let code = await download();
  if (code !== 0 && process.getuid?.() === 0) {
    await runToItsEnd("apt-get", ["-q", "update"], quiet);
    code = await download();
  }
  for (const deb of readdirSync(debs)) await runToItsEnd("dpkg-deb", ["-x", join(debs, deb), target], quiet);
  rmSync(debs, { recursive: true, force: true });
  return code;
}
