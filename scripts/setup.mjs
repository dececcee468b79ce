// Installs the npm packages and builds, where that is needed. Uses nothing but Node itself.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";

export const projectFolder = fileURLToPath(new URL("..", import.meta.url));
const at = (...parts) => join(projectFolder, ...parts);
const stamp = at("dist", ".built");

/** A failure that the person at the terminal can act on; shown without a stack. */
export class SetupProblem extends Error {}

function say(line) {
  process.stderr.write(`xcp-balance: ${line}\n`);
}

function requireNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= 20) return;
  throw new SetupProblem(
    `this is Node ${process.versions.node}; Node 20 or newer is needed (https://nodejs.org)`,
  );
}

/** True when node_modules holds exactly what package-lock.json asks for; npm writes its record last. */
function packagesMatch() {
  const record = at("node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  try {
    const wanted = JSON.parse(readFileSync(at("package-lock.json"), "utf8")).packages;
    const present = JSON.parse(readFileSync(record, "utf8")).packages;
    const same = (path) =>
      present[path] === undefined
        ? wanted[path].optional === true
        : present[path].version === wanted[path].version;
    return (
      Object.keys(wanted).every((path) => path === "" || same(path)) &&
      Object.keys(present).every((path) => path in wanted)
    );
  } catch {
    return false;
  }
}

/** Runs a program to its end with its output on our terminal; signals for us are passed on. Returns its exit code. */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", cwd: projectFolder, ...options });
    // On a terminal Ctrl-C reaches the child by itself, and a second one would mean "at once".
    const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
    const passOn = (signal) => {
      if (signal !== "SIGINT" || !onTerminal) child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, passOn);
    const ended = () => {
      for (const signal of signals) process.removeListener(signal, passOn);
    };
    child.once("error", (error) => {
      ended();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      ended();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

async function installPackages() {
  say(
    existsSync(at("node_modules"))
      ? "updating the npm packages (npm ci)"
      : "installing the npm packages (npm ci)",
  );
  const npm = process.env["npm_execpath"]?.endsWith(".js")
    ? [process.execPath, process.env["npm_execpath"]]
    : ["npm"];
  const args = [...npm.slice(1), "ci", "--include=dev", "--no-progress", "--loglevel=error"];
  // What npm says about numbers of packages belongs to us, not to the caller's standard output.
  const code = await run(npm[0], args, { stdio: ["ignore", 2, 2] }).catch((error) => {
    throw new SetupProblem(`npm could not be started (${error.message}); it comes with Node`);
  });
  if (code >= 128) throw new SetupProblem("installing the npm packages was interrupted");
  if (code !== 0) {
    throw new SetupProblem(
      `npm ci ended with code ${code}; its reason stands above. Without a network the packages cannot be fetched: connect, or copy node_modules from a machine of the same kind, then try again`,
    );
  }
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** One text that changes when anything changes that the build depends on. */
function sourcesDigest() {
  const hash = createHash("sha256");
  for (const file of [
    at("tsconfig.json"),
    at("package-lock.json"),
    at("scripts", "bundle.mjs"),
    ...filesUnder(at("src")).sort(),
  ]) {
    hash.update(file.slice(projectFolder.length)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.digest("hex");
}

/** True when build and dist were made from src as it is now. */
export function isBuilt() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === sourcesDigest();
}

function makeExecutable() {
  const { bin } = JSON.parse(readFileSync(at("package.json"), "utf8"));
  for (const file of Object.values(bin)) if (existsSync(at(file))) chmodSync(at(file), 0o755);
}

async function build() {
  say("building (tsc, rolldown)");
  const digest = sourcesDigest();
  rmSync(stamp, { force: true });
  // Nothing may run whose source is gone.
  rmSync(at("build"), { recursive: true, force: true });
  const code = await run(at("node_modules", ".bin", "tsc"), ["-p", "."], { stdio: ["ignore", 2, 2] });
  const { bundle } = await import("./bundle.mjs");
  const made = new Set(await bundle(projectFolder));
  for (const file of filesUnder(at("dist"))) if (!made.has(file)) rmSync(file);
  makeExecutable();
  if (code !== 0) throw new SetupProblem("the sources do not compile; the compiler's reasons stand above");
  writeFileSync(stamp, digest);
}

/**
 * Makes the programs runnable: packages as in package-lock.json (unless `buildOnly`), build and dist as in src.
 * Safe when two do it at once.
 */
export async function setUp({ buildOnly = false } = {}) {
  requireNode();
  const installed = () => buildOnly || packagesMatch();
  if (installed() && isBuilt()) return;
  const waiting = (pid) => say(`waiting for the set-up that process ${pid} is doing`);
  await withLock(
    at(".xcp-balance", "setup.lock"),
    async () => {
      if (!installed()) await installPackages();
      if (!isBuilt()) await build();
    },
    waiting,
  );
}

/** Runs `work` as the whole of a script: its result is the exit code, a SetupProblem is one line. */
export async function script(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (!(error instanceof SetupProblem)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await script(async () => {
    await setUp({ buildOnly: process.argv.includes("--build-only") });
    return 0;
  });
}
