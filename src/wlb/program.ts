/** xcp-wlb: the pools' own Workload Balancing server. Parses, wires, serves until a signal; reads MySQL only. */
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { Command } from "commander";
import { redactedText } from "../doctor/redact.ts";
import { AppError, describeError, exitCode } from "../domain/errors.ts";
import { writeSamples } from "../metrics/run.ts";
import type { ProgramContext } from "../program/context.ts";
import {
  append,
  commandLineOutput,
  loadSettings,
  packageVersion,
  refuseWords,
  sleep,
  storeOptions,
  versionLine,
} from "../program/program.ts";
import { askPassword } from "../program/secretInput.ts";
import type { Settings } from "../settings/types.ts";
import { openDatabase } from "../store/connection.ts";
import { requireSchema } from "../store/schema/schema.ts";
import { printable } from "../text/text.ts";
import { faultAnswer } from "../wlbProtocol/answer.ts";
import { AccountKey } from "./accountKey.ts";
import { serverCertificate } from "./certificate.ts";
import { diagnosticsText, RecentLines } from "./diagnostics.ts";
import { Doctor } from "./doctor.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { Meters } from "./meters.ts";
import { type MetricsInput, metricsEveryMs, wlbSamples } from "./metrics.ts";
import { hashPassword } from "./password.ts";
import { WlbService } from "./service.ts";
import { ThreadPlanner } from "./threadPlanner.ts";
import { startTlsServer } from "./tlsServer.ts";
import { PoolView } from "./view.ts";
import { certificateWarnings, welcomeLines } from "./welcome.ts";

interface WlbFlags {
  readonly settings?: readonly string[];
  readonly hashPassword?: true;
  readonly quiet?: true;
}

const help = `
Examples:
  xcp-wlb --hash-password          ask for a password and print the line for the settings
  xcp-wlb                          serve the pool of the file settings in this directory
  xcp-wlb -s a/settings -s b/settings   serve two pools; the first file says where to listen

Exit codes: 0 done; 1 could not run (the message says why); 2 wrong usage; 130/143 ended by a signal.`;

function readOptions(context: ProgramContext): WlbFlags {
  const command = new Command("xcp-wlb")
    .description("The Workload Balancing server of pools: answers what xapi, xe and XenCenter ask of one.")
    .option(
      "-s, --settings <path>",
      "settings file (default: settings in this directory); once for each pool",
      append,
    )
    .option(
      "--hash-password",
      "ask for a password, or read it from standard input; print its hash for WlbPassHash, and end",
    )
    .option("-q, --quiet", "print nothing but failures")
    .version(versionLine("xcp-wlb"))
    .addHelpText("after", help)
    .exitOverride()
    .configureOutput(commandLineOutput(context))
    .allowExcessArguments()
    .parse(context.args, { from: "user" });
  refuseWords("xcp-wlb", command.args);
  return command.opts<WlbFlags>();
}

/** xcp-wlb from its command line to its exit code. */
export async function wlbProgram(context: ProgramContext): Promise<number> {
  const options = readOptions(context);
  return options.hashPassword ? printHash(context) : serve(context, options);
}

async function printHash(context: ProgramContext): Promise<number> {
  const password = await givenPassword(context);
  if (password === "" || /[\r\n]/.test(password)) {
    throw new AppError("usage", "--hash-password wants one line on standard input: the password", {
      next: "type it where it is asked for, or: xcp-wlb --hash-password <FILE",
    });
  }
  context.print(`WlbPassHash=${await hashPassword(password)}`);
  return exitCode.done;
}

/** Asked for on a terminal, where it is not shown. */
async function givenPassword(context: ProgramContext): Promise<string> {
  const input = context.input();
  if (input.isTTY === true && process.stdin.isTTY) {
    const ask = async (question: string) =>
      (await askPassword(process.stdin, process.stderr, question)).reveal();
    const password = await ask("Password that pools log in with: ");
    if (password === "" || (await ask("The same again: ")) === password) return password;
    throw new AppError("usage", "the two differ; no hash was made", { next: "type them again" });
  }
  let text = "";
  for await (const chunk of input.setEncoding("utf8")) text += chunk;
  return text.replace(/\r?\n$/, "");
}

async function serve(context: ProgramContext, options: WlbFlags): Promise<number> {
  const files: readonly (string | undefined)[] = options.settings ?? [undefined];
  const { wlb } = loadSettings(["wlb"], files[0], context);
  const recent = new RecentLines();
  const say = (line: string) => {
    const stamped = `${new Date().toISOString().slice(0, 19)}Z ${printable(line)}`;
    recent.add(stamped);
    if (!options.quiet) context.print(stamped);
  };
  await fs.mkdir(wlb.folder, { recursive: true, mode: 0o700 });
  const unique = String(context.pid);
  const certificate = await serverCertificate(wlb.folder, certificateNames(wlb.names), {
    now: new Date(),
    unique,
  });
  for (const line of certificateWarnings(certificate, wlb, new Date())) context.warn(line);
  const accountKey = await AccountKey.open(wlb.folder, unique);
  const views: PoolView[] = [];
  const secrets = [wlb.passwordHash.reveal()];
  for (const file of files) {
    const { mysql, control } = loadSettings(["mysql", "control"], file, context);
    secrets.push(mysql.password.reveal());
    views.push(await viewOf({ file, mysql, control }, context, say));
  }
  refuseTwice(views, files);
  const gatekeeper = new Gatekeeper(wlb, context.monotonicMs);
  const meters = new Meters(context.monotonicMs);
  const doctor = new Doctor(
    {
      files: files.map((file) => file ?? null),
      nodeVersion: process.version,
      secrets,
    },
    context.monotonicMs,
  );
  const service = new WlbService({
    views,
    gatekeeper,
    accountKey,
    settings: wlb,
    meters,
    say,
    diagnostics: async () => {
      const told = { views, recent, certificate, version: packageVersion(), meters };
      return redactedText(diagnosticsText({ ...told, doctor: await doctor.report() }), secrets);
    },
  });
  for (const view of views) await view.refresh();
  const server = await startTlsServer({
    listen: wlb.listen,
    key: certificate.key,
    cert: certificate.cert,
    answer: (request) => service.answer(request),
    excuse: (why) => ({ status: 200, body: faultAnswer(why) }),
    failed: (error) => void context.report(error),
  });
  if (!options.quiet)
    for (const line of welcomeLines(server, certificate, wlb)) context.print(printable(line));
  for (const view of views) void keepFresh(view, wlb.refreshMs, context.signal);
  const { metricsFile } = wlb;
  if (metricsFile !== null) {
    const told = {
      listen: `${server.address.includes(":") ? `[${server.address}]` : server.address}:${server.port}`,
      version: packageVersion(),
      startedAt: new Date(),
      certificateEnd: certificate.validTo,
      meters,
      gatekeeper,
      views,
    };
    void keepTold(metricsFile, told, context, say);
  }
  await untilAborted(context.signal);
  await server.stop();
  // A refresh that waits for a database that is away is not waited for.
  await Promise.all(views.map((view) => view.close()));
  return exitCode.done;
}

/** Of two views of one database each would number its advice by itself. */
function refuseTwice(views: readonly PoolView[], files: readonly (string | undefined)[]): void {
  const seen = new Map<string, number>();
  views.forEach(({ db }, index) => {
    const name = `${db.name} at ${db.server}`;
    const first = seen.get(name);
    if (first !== undefined) {
      throw new AppError("settings", `${files[first]} and ${files[index]} name one database, ${name}`, {
        next: "name each pool once, each with a database of its own",
      });
    }
    seen.set(name, index);
  });
}

/** The machine's own names, where the settings give none. */
function certificateNames(given: readonly string[]): readonly string[] {
  if (given.length > 0) return given;
  const name = os.hostname().toLowerCase();
  const known = /^[a-z0-9.-]{1,253}$/.test(name) ? [name] : [];
  return [...new Set([...known, "localhost"])];
}

async function viewOf(
  { file, mysql, control }: Pick<Settings, "mysql" | "control"> & { readonly file: string | undefined },
  context: ProgramContext,
  say: (line: string) => void,
): Promise<PoolView> {
  const store = storeOptions(mysql, "xcp-wlb");
  const db = await openDatabase(store);
  if (db.exposed) {
    context.warn(
      `the connection to MySQL at ${db.server} is not encrypted: others can read and change it; set MysqlCaFile`,
    );
  }
  await requireSchema(db);
  const name = file === undefined ? "" : `${path.basename(path.dirname(path.resolve(file)))}: `;
  return new PoolView({
    db,
    planner: new ThreadPlanner({ store, control }),
    control,
    monotonicMs: context.monotonicMs,
    say: (line) => say(`${name}${line}`),
  });
}

/** Writes the metrics until the end; where they cannot be written it says so once, and answers pools as before. */
async function keepTold(
  file: string,
  {
    gatekeeper,
    ...told
  }: Omit<MetricsInput, "now" | "logins"> & { readonly gatekeeper: Pick<Gatekeeper, "counts" | "lockedOut"> },
  { signal, pid }: ProgramContext,
  say: (line: string) => void,
): Promise<void> {
  let trouble = "";
  while (!signal.aborted) {
    const logins = { ...gatekeeper.counts, lockedOut: gatekeeper.lockedOut };
    const before = trouble;
    trouble = await writeSamples(file, wlbSamples({ ...told, logins, now: new Date() }), String(pid)).then(
      () => "",
      (error: unknown) => `WlbMetricsFile: ${describeError(error)}`,
    );
    if (trouble !== "" && trouble !== before) say(trouble);
    await sleep(metricsEveryMs, signal);
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function keepFresh(view: PoolView, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, signal);
    if (!signal.aborted) await view.refresh();
  }
}
