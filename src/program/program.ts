/**
 * The shell around each program: arguments, signals, output, exit code; what its body needs of its process, it gets from here as a
 * context. Never knows what a program does.
 */

import os from "node:os";
import process from "node:process";
import { AppError, describeError, errorObject, exitCode } from "../domain/errors.ts";
import type { MysqlSettings } from "../settings/types.ts";
import { type Database, openDatabase, type StoreOptions } from "../store/connection.ts";
import { requireSchema } from "../store/schema/schema.ts";
import { printable, printableJson } from "../text/text.ts";
import type { ProgramContext } from "./context.ts";
import { LiveLines } from "./liveLines.ts";
import { Output } from "./output.ts";

export { parseInterval, runRepeatedly, sleep, sleepUnaborted } from "./repeat.ts";
export { loadSettings } from "./settingsFile.ts";
export { packageVersion, versionLine } from "./version.ts";
export { refuseWords } from "./words.ts";

/**
 * Runs `body` and ends the process: with its exit code, with that of the AppError it throws, or with 130/143 after a
 * signal. Errors of the command line parser (commander, with exitOverride) end with 2, or 0 after --help. Where
 * something of the output was lost, the code is 1 whatever else came of it. Where JSON was asked for, the failure that
 * ends the program is one line of it on standard error (ErrorObject).
 */
export async function runProgram(
  name: string,
  body: (context: ProgramContext) => Promise<number>,
): Promise<void> {
  const stop = new AbortController();
  let signalCode: number | null = null;
  const onSignal = (received: NodeJS.Signals) => {
    if (received === "SIGINT" && interruptsIgnored) return;
    const code = received === "SIGINT" ? 130 : 143;
    if (signalCode !== null) process.exit(code);
    signalCode = code;
    stop.abort(new AppError("deadline", `ended by ${received}`));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const { stdout } = process;
  const output = new Output("standard output", 1, stdout);
  const errors = new Output("standard error", 2, process.stderr);
  const write = (text: string) => output.write(text);
  const live = new LiveLines({
    write,
    columns: () => stdout.columns ?? 80,
    rows: () => stdout.rows ?? 24,
  });
  const args = process.argv.slice(2);
  const context: ProgramContext = {
    name,
    args,
    folder: process.cwd(),
    input: () => process.stdin,
    signal: stop.signal,
    outputClosed: output.closed,
    print: (line) => live.above(() => write(`${line}\n`)),
    write,
    checkOutput: () => {
      const failure = output.takeFailure();
      if (failure !== null) throw failure;
    },
    warn: (line) => live.above(() => errors.write(`${name}: ${printable(line)}\n`)),
    writeError: (text) => live.above(() => errors.write(text)),
    report: (error) => reportFailure(context, error, signalCode),
    show: stdout.isTTY === true ? (lines) => live.show(lines) : null,
    told: new Set(),
    pid: process.pid,
    monotonicMs: () => performance.now(),
  };
  let code = await body(context).catch((error: unknown) => context.report(error));
  // What a stream could not write, it tells a turn later.
  await new Promise((resolve) => setImmediate(resolve));
  const lost = output.takeFailure();
  if (lost !== null) code = context.report(lost);
  else if (errors.takeFailure() !== null && code === exitCode.done) code = exitCode.couldNotRun;
  process.exitCode = signalCode ?? code;
  // A forgotten socket must not keep a cron job alive; output to pipes is flushed by then.
  setTimeout(() => process.exit(), 2_000).unref();
}

let interruptsIgnored = false;

/** Runs `work`, meanwhile Ctrl-C is that of another program on the same terminal. */
export async function whileInterruptsAreIgnored<T>(work: () => Promise<T>): Promise<T> {
  interruptsIgnored = true;
  try {
    return await work();
  } finally {
    interruptsIgnored = false;
  }
}

/** Gathers the arguments of an option that may be given again. */
export function append(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Whether the arguments ask for JSON; asked before they are parsed, since parsing may fail. */
function asksForJson(argv: readonly string[]): boolean {
  const words = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  return words.some(
    (word, index) =>
      word === "--json" ||
      /^--format=jsonl?$/.test(word) ||
      (/^jsonl?$/.test(word) && words[index - 1] === "--format"),
  );
}

/** What commander writes by itself goes out as the rest does; nothing in the place of a failure that is to be JSON. */
export function commandLineOutput({ args, write, writeError }: ProgramContext): OutputConfiguration {
  return {
    writeOut: (text) => void write(text),
    writeErr: writeError,
    outputError: (text, tell) => {
      if (!asksForJson(args)) tell(text);
    },
  };
}

/** What commander lets be configured of its output. */
interface OutputConfiguration {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  readonly outputError: (text: string, write: (text: string) => void) => void;
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

/** The store's options from the settings of the program `name`. */
export function storeOptions(mysql: MysqlSettings, name?: string): StoreOptions {
  return {
    servers: mysql.servers,
    ...(isStoreProgram(name) ? { program: name } : {}),
    user: mysql.user,
    password: mysql.password.reveal(),
    database: mysql.database,
    ...(mysql.caPem === null ? {} : { caPem: mysql.caPem }),
    connectTimeoutMs: mysql.connectTimeoutMs,
    statementTimeoutMs: mysql.statementTimeoutMs,
  };
}

function isStoreProgram(name: string | undefined): name is NonNullable<StoreOptions["program"]> {
  return ["xcp-collect", "xcp-manager", "xcp-control", "xcp-wlb"].some((each) => each === name);
}

interface DatabaseUser extends Pick<ProgramContext, "name" | "warn" | "told"> {
  readonly quiet?: boolean;
  /** The command that makes the tables, with its settings file where that is known. */
  readonly installer?: string;
}

/**
 * Connects to MySQL and checks the schema, runs `work`, and closes the connection in every outcome. Warns once in a
 * program's life of a connection that others can read, unless it is to be quiet.
 */
export async function withDatabase<T>(
  { name, warn, told, quiet = false, installer }: DatabaseUser,
  mysql: MysqlSettings,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openDatabase(storeOptions(mysql, name));
  if (db.exposed && !quiet && !told.has(db.server)) {
    told.add(db.server);
    warn(
      `the connection to MySQL at ${db.server} is not encrypted: others can read and change it; set MysqlCaFile`,
    );
  }
  try {
    await requireSchema(db, installer);
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Tells the failure `error`; returns its exit code, or `signalCode`, that of the signal that came, where one came. */
export function reportFailure(
  context: Pick<ProgramContext, "args" | "warn" | "writeError">,
  error: unknown,
  signalCode: number | null,
): number {
  const json = asksForJson(context.args)
    ? (failure: unknown) => context.writeError(`${printableJson(errorObject(failure))}\n`)
    : null;
  if (isCommandLineError(error)) {
    if (error.exitCode === 0) return exitCode.done;
    const said = new AppError("usage", error.message.replace(/^error: /, ""));
    json?.(said);
    return exitCode.usage;
  }
  // After a signal the interrupted call's own failure is no news.
  if (signalCode !== null) return signalCode;
  const code = error instanceof AppError ? error.exitCode : exitCode.couldNotRun;
  if (json !== null) json(error);
  else if (error instanceof AppError) for (const line of describeError(error).split("\n")) context.warn(line);
  else {
    context.warn(`internal error, please report it: ${describeError(error)}`);
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of stack.split("\n").slice(1)) context.warn(line);
  }
  return code;
}

function isCommandLineError(error: unknown): error is Error & { code: string; exitCode: number } {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}
