/**
 * Runs the programs as a user does, with a settings file: compiled and as processes, watched to their end; or, where nothing but what
 * is told and stored is looked at, their bodies in this process.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, onTestFinished } from "vitest";
import { bodies, runBody } from "./inProcess.ts";
import { isWhole } from "./runs.ts";

const projectFolder = fileURLToPath(new URL("../..", import.meta.url));

export type ProgramName = "xcp-collect" | "xcp-manager" | "xcp-control" | "xcp-wlb" | "xcp-sim";

export interface ProgramOptions {
  /** Written to a settings file (mode 0600) in a folder of its own, which becomes the working folder. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Added to a small environment (PATH, HOME, LANG, TZ); undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** All of standard input; without it standard input is empty. */
  readonly stdin?: string;
  /** Working folder; by default the settings' folder, or an empty one. */
  readonly cwd?: string;
  /** A line for sh that runs "$@", the program, in its own way: `exec "$@" >/dev/full`. */
  readonly through?: string;
  /** A process of its own, though nothing else asks for it. */
  readonly asProcess?: boolean;
  /** Longest run before the program is killed and the call rejects; 50 s by default. */
  readonly deadlineMs?: number;
}

export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has written so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Resolves with the first match of `pattern` in standard output; rejects when the program ends without it. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<ProgramResult>;
}

/**
 * Runs a program to its end: as a process where the test gives it what only a process has, or it reads or writes files; else its body
 * in this process. With XCP_TEST_RUNS=1 (`npm run soak -- whole`) always as a process. A non-zero exit code is a result, not
 * an error.
 */
export async function runProgram(
  name: ProgramName,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  if (isPlain(name, args, options)) {
    const folder = await temporaryFolder();
    if (options.settings !== undefined) await writeSettings(folder, options.settings);
    return { ...(await runBody(name, args, folder)), signal: null };
  }
  const running = await startProgram(name, args, options);
  running.child.stdin.end(options.stdin ?? "");
  return running.ended;
}

/** Whether a run needs nothing that only a process has. */
function isPlain(name: ProgramName, args: readonly string[], options: ProgramOptions): boolean {
  if (isWhole || !bodies.has(name) || Object.keys(options).some((option) => option !== "settings"))
    return false;
  // Without arguments the manager reads standard input.
  if (name === "xcp-manager" && args.length === 0) return false;
  return !args.some((arg) => ofProcesses.test(arg));
}

/** Arguments that name files, or ask for what goes on, or for what looks at the process. */
const ofProcesses =
  /^(?:-[fiso]|--(?:export|import|file|html|save|apply|bundle|pools|all|interval|settings|output|trust|.*-settings|.*-file)(?:=.*)?|doctor|report|rehearse|pools)$/;

/** Starts a program and leaves its standard input open. It is killed at the end of the test that started it. */
export async function startProgram(
  name: ProgramName,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<RunningProgram> {
  const folder = await temporaryFolder();
  if (options.settings !== undefined) await writeSettings(folder, options.settings);
  const command = [process.execPath, await programFile(name), ...args];
  const [file = "", ...rest] =
    options.through === undefined ? command : ["/bin/sh", "-c", options.through, "sh", ...command];
  const child = spawn(file, rest, {
    cwd: options.cwd ?? folder,
    env: { ...smallEnvironment(folder), ...options.env },
    stdio: "pipe",
  });
  child.stdin.on("error", () => undefined);
  const watched = watch(name, child, options.deadlineMs ?? 50_000);
  cleanUp(async () => {
    child.kill("SIGKILL");
    await watched.ended.catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  });
  return watched;
}

function watch(name: string, child: ChildProcessWithoutNullStreams, deadlineMs: number): RunningProgram {
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  const written = (): string => `standard output:\n${output.stdout}\nstandard error:\n${output.stderr}`;
  const ended = new Promise<ProgramResult>((resolve, reject) => {
    const tooLate = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${name} did not end within ${deadlineMs} ms; ${written()}`));
    }, deadlineMs);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(tooLate);
      resolve({ code, signal, ...output });
    });
  });
  // Whoever waits for it sees the rejection; one that is only killed at the end must not be called unhandled.
  ended.catch(() => undefined);
  const waitFor = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(output.stdout);
        if (match === null) return;
        child.stdout.removeListener("data", look);
        resolve(match);
      };
      child.stdout.on("data", look);
      look();
      ended.then(() => reject(new Error(`${name} ended without ${pattern}; ${written()}`)), reject);
    });
  return { child, output, waitFor, ended };
}

/** A settings file as a careful operator has it: mode 0600, values quoted where dotenv needs it. Returns its path. */
export async function writeSettings(
  folder: string,
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const lines = Object.entries(values).map(([key, value]) => `${key}=${quoted(value)}\n`);
  const file = join(folder, "settings");
  await rm(file, { force: true });
  await writeFile(file, lines.join(""), { mode: 0o600 });
  return file;
}

function quoted(value: string): string {
  if (/^[\w./:,+@%-]*$/.test(value)) return value;
  const quote = ["'", "`", '"'].find((candidate) => !value.includes(candidate));
  if (quote === undefined)
    throw new Error("a value with all three kinds of quote cannot stand in a settings file");
  // Between double quotes dotenv turns \n and \r into line ends.
  if (quote === '"' && /\\[nr]/.test(value)) throw new Error("this value cannot stand in a settings file");
  return `${quote}${value}${quote}`;
}

/** A new folder (mode 700) that is removed at the end of the test, or of the file when made outside a test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "xcp-test-"));
  cleanUp(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const leftForLater: (() => Promise<void>)[] = [];

/** What was made outside a test, in beforeAll or by the file itself, goes at the end of the file. */
afterAll(async () => {
  for (const work of leftForLater.splice(0).reverse()) await work();
});

function cleanUp(work: () => Promise<void>): void {
  try {
    onTestFinished(work);
  } catch {
    leftForLater.push(work);
  }
}

function smallEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    LANG: "C.UTF-8",
    TZ: "UTC",
    ...coverageEnvironment(),
  };
}

/** What a program is started with so that `npm run coverage` counts what it reaches; nothing otherwise. */
export function coverageEnvironment(): Record<string, string> {
  const folder = process.env["XCP_TEST_COVERAGE"] ?? "";
  return folder === "" ? {} : { NODE_V8_COVERAGE: folder };
}

async function programFile(name: ProgramName): Promise<string> {
  const { bin } = JSON.parse(await readFile(join(projectFolder, "package.json"), "utf8")) as {
    bin: Record<string, string>;
  };
  const file = bin[name];
  if (file === undefined) throw new Error(`package.json names no program ${name}`);
  return join(projectFolder, file);
}
