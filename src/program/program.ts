/**
 * The shell around each program: settings file, signals, output, exit code. The only file of the three programs that
 * touches `process`. Never knows what a program does.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { parse as parseDotenv } from "dotenv";
import { AppError, type AppErrorCode, describeError, exitCode } from "../domain/errors.ts";
import type { SettingGroup } from "../settings/keys.ts";
import { settingKeys } from "../settings/keys.ts";
import { type MysqlSettings, parseSettings, type Settings } from "../settings/settings.ts";
import { type Database, openDatabase, type StoreOptions } from "../store/connection.ts";
import { requireSchema } from "../store/schema/schema.ts";
import { printable } from "../text/text.ts";
import { LiveLines } from "./liveLines.ts";

/** What a program's body gets from its surroundings. */
export interface ProgramContext {
  readonly name: string;
  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Aborted when nobody reads standard output any more (EPIPE). */
  readonly outputClosed: AbortSignal;
  /** Writes one line of data on standard output, as it is: the caller has escaped names. */
  readonly print: (line: string) => void;
  /** Writes one line for the operator on standard error, escaped. */
  readonly warn: (line: string) => void;
  /** Draws lines again and again below what is printed; null where standard output is no terminal. */
  readonly show: ((lines: readonly string[]) => void) | null;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicMs: () => number;
}

/**
 * Runs `body` and ends the process: with its exit code, with that of the AppError it throws, or with 130/143 after a
 * signal. Errors of the command line parser (commander, with exitOverride) end with 2, or 0 after --help.
 */
export async function runProgram(
  name: string,
  body: (context: ProgramContext) => Promise<number>,
): Promise<void> {
  const stop = new AbortController();
  let signalCode: number | null = null;
  const onSignal = (received: NodeJS.Signals) => {
    const code = received === "SIGINT" ? 130 : 143;
    if (signalCode !== null) process.exit(code);
    signalCode = code;
    stop.abort(new AppError("deadline", `ended by ${received}`));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const outputClosed = watchOutput();
  const { stdout } = process;
  const live = new LiveLines({
    write: (text) => void (outputClosed.aborted || stdout.write(text)),
    columns: () => stdout.columns ?? 80,
    rows: () => stdout.rows ?? 24,
  });
  const context: ProgramContext = {
    name,
    signal: stop.signal,
    outputClosed,
    print: (line) => live.above(() => void (outputClosed.aborted || stdout.write(`${line}\n`))),
    warn: (line) => live.above(() => void process.stderr.write(`${name}: ${printable(line)}\n`)),
    show: stdout.isTTY === true ? (lines) => live.show(lines) : null,
    monotonicMs: () => performance.now(),
  };
  let code: number;
  try {
    code = await body(context);
  } catch (error) {
    code = reportFailure(context, error, signalCode);
  }
  process.exitCode = signalCode ?? code;
  // A forgotten socket must not keep a cron job alive; output to pipes is flushed by then.
  setTimeout(() => process.exit(), 2_000).unref();
}

/** The version in package.json, for --version. */
export function packageVersion(): string {
  const text = fs.readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Who runs this, as others should know them: "ann@desk7". */
export function operatorName(): string {
  return `${userName()}@${os.hostname()}`;
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    // Containers run users that no file lists.
    return `uid ${process.getuid?.() ?? "?"}`;
  }
}

/** Whether both ends are a terminal, so that questions and progress lines make sense. */
export function isTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/**
 * Reads the settings of `groups` from `settingsPath`, or from the file `settings` in the working directory.
 * Without that file the environment may give everything (containers).
 * @throws AppError "settings" with every problem, each on its own line.
 */
export function loadSettings<G extends SettingGroup>(
  groups: readonly G[],
  settingsPath: string | undefined,
): Pick<Settings, G> {
  const file = locate(settingsPath, groups);
  const text = file === null ? "" : readPrivate(file);
  const result = parseSettings(
    {
      fileName: file === null ? null : (settingsPath ?? "settings"),
      text,
      values: parseDotenv(text),
      environment: process.env,
      readFile: (named) => fs.readFileSync(named, "utf8"),
      readCredential,
    },
    groups,
  );
  if ("settings" in result) return result.settings;
  const count = result.problems.length;
  throw new AppError(
    "settings",
    [`${count} ${count === 1 ? "problem" : "problems"} in the settings`, ...result.problems].join("\n"),
  );
}

/** The store's options from the settings. */
export function storeOptions(mysql: MysqlSettings): StoreOptions {
  return {
    servers: mysql.servers,
    user: mysql.user,
    password: mysql.password.reveal(),
    database: mysql.database,
    ...(mysql.caPem === null ? {} : { caPem: mysql.caPem }),
    connectTimeoutMs: mysql.connectTimeoutMs,
    statementTimeoutMs: mysql.statementTimeoutMs,
  };
}

/** Connects to MySQL and checks the schema, runs `work`, and closes the connection in every outcome. */
export async function withDatabase<T>(mysql: MysqlSettings, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(storeOptions(mysql));
  try {
    await requireSchema(db);
    return await work(db);
  } finally {
    await db.close();
  }
}

/**
 * Runs `once`, or with an interval again and again until the signal: each run starts `intervalSeconds` after the
 * start of the one before, or at once when that took longer. A run that fails is reported and the next one is tried,
 * unless a person must mend something first.
 * Once nobody reads standard output any more the run in progress is the last one, and the code is a failure: the
 * reader of a pipe wanted no more, and a supervisor starts the program again with an output that works.
 */
export async function runRepeatedly(
  context: ProgramContext,
  intervalSeconds: number | undefined,
  once: () => Promise<number>,
): Promise<number> {
  if (intervalSeconds === undefined) return once();
  let code: number = exitCode.done;
  const ended = AbortSignal.any([context.signal, context.outputClosed]);
  while (!ended.aborted) {
    const startedMs = context.monotonicMs();
    try {
      code = await once();
    } catch (error) {
      if (context.signal.aborted) break;
      if (error instanceof AppError && hopeless.includes(error.code)) throw error;
      code = reportFailure(context, error, null);
    }
    const waitMs = startedMs + intervalSeconds * 1000 - context.monotonicMs();
    await sleep(Math.max(0, waitMs), ended);
  }
  return context.outputClosed.aborted ? exitCode.couldNotRun : code;
}

/** Failures that trying again does not mend, and may worsen: a directory locks an account after wrong passwords. */
const hopeless: readonly AppErrorCode[] = ["settings", "login", "certificate", "usage", "schema"];

/** Parses the argument of --interval: whole or broken seconds, from 0.1 to a day. */
export function parseInterval(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new AppError("usage", `--interval ${text}: must be a number of seconds from 0.1 to 86400`);
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** Resolves after `ms`, signal or not: for waits that must not turn into a busy loop after a signal. */
export function sleepUnaborted(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

function watchOutput(): AbortSignal {
  const closed = new AbortController();
  process.stdout.on("error", () => closed.abort());
  process.stderr.on("error", () => {});
  return closed.signal;
}

function reportFailure(context: ProgramContext, error: unknown, signalCode: number | null): number {
  if (isCommandLineError(error)) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
  // After a signal the interrupted call's own failure is no news.
  if (signalCode !== null) return signalCode;
  if (error instanceof AppError) {
    for (const line of describeError(error).split("\n")) context.warn(line);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  context.warn(`internal error, please report it: ${describeError(error)}`);
  for (const line of stack.split("\n").slice(1)) context.warn(line);
  return exitCode.couldNotRun;
}

function isCommandLineError(error: unknown): error is { code: string; exitCode: number } {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}

function locate(settingsPath: string | undefined, groups: readonly SettingGroup[]): string | null {
  const file = path.resolve(settingsPath ?? "settings");
  if (fs.existsSync(file)) return file;
  if (settingsPath === undefined && environmentGivesAll(groups)) return null;
  throw new AppError(
    "settings",
    `Unable to locate settings file: tried ${file}; copy settings.example there, or name another with --settings`,
  );
}

/** Whether someone configured the program by XCP_ variables alone: then their gaps are worth naming. */
function environmentGivesAll(groups: readonly SettingGroup[]): boolean {
  const hosts = { xen: "XCP_XEN_HOST", mysql: "XCP_MYSQL_HOST" };
  return groups.some(
    (group) => (group === "xen" || group === "mysql") && process.env[hosts[group]] !== undefined,
  );
}

/** Reads a file that only its owner may read, and whose owner is this user or root. */
function readPrivate(file: string): string {
  const descriptor = openSettings(file);
  try {
    const status = fs.fstatSync(descriptor);
    if (!status.isFile()) throw new AppError("settings", `${file} is no file`);
    checkOwner(file, status);
    return fs.readFileSync(descriptor, "utf8");
  } finally {
    fs.closeSync(descriptor);
  }
}

function openSettings(file: string): number {
  try {
    return fs.openSync(file, "r");
  } catch (error) {
    throw new AppError("settings", `Unable to read settings file ${file}`, { cause: error });
  }
}

function checkOwner(file: string, status: fs.Stats): void {
  const user = process.geteuid?.();
  if (user === undefined) return;
  const mode = status.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new AppError(
      "settings",
      `${file} holds passwords and others can read it (mode ${mode.toString(8).padStart(4, "0")}); run: chmod 600 ${file}`,
    );
  }
  if (status.uid !== user && status.uid !== 0) {
    throw new AppError(
      "settings",
      `${file} belongs to another user (uid ${status.uid}); run: chown ${user} ${file}`,
    );
  }
}

/** A systemd credential (LoadCredential=XenPass:...), or null. */
function readCredential(name: string): string | null {
  const directory = process.env["CREDENTIALS_DIRECTORY"];
  if (directory === undefined || !Object.hasOwn(settingKeys, name)) return null;
  const file = path.join(directory, name);
  if (!fs.existsSync(file)) return null;
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new AppError("settings", `cannot read the credential ${file}`, { cause: error });
  }
}
