/** Gets a database server where the machine has none: from Debian's packages, or by saying what to install. */
import { spawn } from "node:child_process";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../domain/errors.ts";
import { findServer, type SearchPlaces, type ServerProgram } from "./findServer.ts";
import { endWithUs, pause, startOf } from "./processes.ts";

/** The server, and what the script that makes its data folder needs. Neither starts a service. */
const packages = ["mariadb-server-core", "mariadb-client-core"] as const;

export interface InstallOptions {
  readonly places: SearchPlaces;
  /** 0 = root, who may install packages. */
  readonly userId: number;
  /** Tells the person at the terminal what is being done. */
  readonly say: (line: string) => void;
}

/**
 * The server to use, installed if there is none. As root Debian's packages are installed; an ordinary user gets
 * them unpacked into `places.unpackFolder`. Elsewhere, or when that fails, throws an AppError that names the command.
 */
export async function ensureServer(options: InstallOptions): Promise<ServerProgram> {
  const present = await findServer(options.places);
  if (present !== null) return present;
  const run = toolsOn(options.places.path);
  const reason = (await hasApt(run)) ? await install(options, run) : "neither mariadbd nor mysqld was found";
  const installed = reason === null ? await findServer(options.places) : null;
  if (installed !== null) return installed;
  throw new AppError(
    "mysql",
    `No database server: ${reason ?? "the installed packages hold none"}.\n${advice}`,
  );
}

const advice = `Install MariaDB 10.6 or newer (or MySQL 8.0 or newer) and try again:
  Debian, Ubuntu:  sudo apt-get install --no-install-recommends ${packages.join(" ")}
  Fedora, RHEL:    sudo dnf install mariadb-server
  macOS:           brew install mariadb
Or name a server program: XCP_SERVER_PROGRAM=/path/to/mariadbd
No service needs to run; a private server is started from a folder of the project.`;

async function hasApt(runTool: RunTool): Promise<boolean> {
  const apt = await runTool("apt-get", ["--version"]);
  const dpkg = await runTool("dpkg-deb", ["--version"]);
  return apt.code === 0 && dpkg.code === 0;
}

/** Returns null, or why it did not work. */
async function install(options: InstallOptions, runTool: RunTool): Promise<string | null> {
  return options.userId === 0 ? installAsRoot(options.say, runTool) : unpackAsUser(options, runTool);
}

async function installAsRoot(say: (line: string) => void, runTool: RunTool): Promise<string | null> {
  say(`installing Debian's packages ${packages.join(" and ")} (no service is started)`);
  const wanted = [
    "install",
    "--no-install-recommends",
    "-y",
    "-q",
    "-o",
    "DPkg::Lock::Timeout=120",
    ...packages,
  ];
  let last = await runTool("apt-get", wanted);
  // A fresh machine knows no package yet, an old one knows versions that are gone; another apt-get may hold a lock.
  for (let attempt = 0; last.code !== 0 && attempt < 5; attempt++) {
    if (attempt > 0) await pause(3000);
    const update = await runTool("apt-get", ["update", "-q"]);
    last = update.code === 0 || attempt > 0 ? await runTool("apt-get", wanted) : update;
    if (!/lock/i.test(last.output)) break;
  }
  return last.code === 0 ? null : `apt-get could not install it: ${lastLines(last.output)}`;
}

async function unpackAsUser(options: InstallOptions, runTool: RunTool): Promise<string | null> {
  const target = options.places.unpackFolder;
  options.say(`unpacking Debian's packages ${packages.join(" and ")} into ${target} (nothing is installed)`);
  await sweepPartial(target);
  const work = `${target}.partial-${process.pid}`;
  try {
    const reason = await downloadInto(work, runTool);
    if (reason !== null) return reason;
    // Whoever is first wins; the other one's folder is as good.
    await rename(join(work, "root"), target).catch(() => undefined);
    return null;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Fetches the packages and what they depend on with an apt that keeps all it knows in `work`, and unpacks them. */
async function downloadInto(work: string, runTool: RunTool): Promise<string | null> {
  const debs = join(work, "debs");
  for (const folder of ["lists/partial", "cache/archives/partial", "debs", "root"]) {
    await mkdir(join(work, folder), { recursive: true });
  }
  const own = [
    `Dir::State::Lists=${work}/lists`,
    `Dir::Cache=${work}/cache`,
    "Debug::NoLocking=1",
    "APT::Sandbox::User=",
  ];
  const apt = (...args: string[]): Promise<InstallOutcome> =>
    runTool("apt-get", [...own.flatMap((option) => ["-o", option]), "-q", ...args], debs);

  const update = await apt("update");
  if (update.code !== 0) return `apt-get update failed: ${lastLines(update.output)}`;
  const plan = await apt("install", "--simulate", "--no-install-recommends", ...packages);
  if (plan.code !== 0) return `apt-get does not offer it: ${lastLines(plan.output)}`;
  const missing = [...plan.output.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? "");
  // A package that is installed already is unpacked all the same: the script looks beside the server only.
  const download = await apt("download", ...new Set([...missing, ...packages]));
  if (download.code !== 0) return `apt-get download failed: ${lastLines(download.output)}`;
  for (const deb of await readdir(debs)) {
    const unpack = await runTool("dpkg-deb", ["-x", join(debs, deb), join(work, "root")]);
    if (unpack.code !== 0) return `${deb} could not be unpacked: ${lastLines(unpack.output)}`;
  }
  return null;
}

/** Removes what an interrupted unpacking left. */
async function sweepPartial(target: string): Promise<void> {
  const parent = join(target, "..");
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const pid = /\.partial-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && startOf(Number(pid)) === null)
      await rm(join(parent, name), { recursive: true, force: true });
  }
}

interface InstallOutcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end without a terminal; a program that is missing counts as failed. */
type RunTool = (program: string, args: readonly string[], folder?: string) => Promise<InstallOutcome>;

function toolsOn(path: string): RunTool {
  // dpkg wants the administrator's folders, which `su` without a dash leaves out.
  const PATH = `${path}:/usr/sbin:/sbin`;
  const env = { ...process.env, PATH, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  return (program, args, folder) =>
    new Promise((resolve) => {
      const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
      const child = spawn(program, args, { stdio, env, ...(folder === undefined ? {} : { cwd: folder }) });
      endWithUs(child);
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
      child.once("error", (error) => resolve({ code: 127, output: error.message }));
      child.once("close", (code) => resolve({ code: code ?? 1, output }));
    });
}

function lastLines(output: string): string {
  const lines = output.trim().split("\n");
  const errors = lines.filter((line) => line.startsWith("E:"));
  return (errors.length > 0 ? errors : lines).slice(-3).join(" ");
}
