/** xcp-manager: shows the pool and edits the rules. Parses, wires, runs; decides nothing. */

import { basename } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import type { DoctorOptions } from "../doctor/check.ts";
import { type NamedPlaces, settingsPlaces } from "../doctor/places.ts";
import { isWell } from "../doctor/report.ts";
import { reportLines } from "../doctor/text.ts";
import { AppError, exitCode } from "../domain/errors.ts";
import type { ProgramContext } from "../program/context.ts";
import { listPools, type PoolFolder, poolsFolder, requirePools } from "../program/pools.ts";
import {
  append,
  commandLineOutput,
  isTerminal,
  loadSettings,
  operatorName,
  packageVersion,
  refuseWords,
  storeOptions,
  versionLine,
  whileInterruptsAreIgnored,
  withDatabase,
} from "../program/program.ts";
import { currentScreen, isDumb } from "../program/screen.ts";
import { askPassword, readPasswordFile } from "../program/secretInput.ts";
import type { StoreOptions } from "../store/connection.ts";
import { shellWord } from "../text/quote.ts";
import { printable, printableJson } from "../text/text.ts";
import type { DrawnReport } from "./command.ts";
import { isJson, type OutputFormat, outputFormats } from "./format.ts";
import { type ManagerOptions, runManager } from "./manager.ts";
import { pagerCommand, throughPager } from "./pager.ts";
import { linesOfPools, onEveryPool, overviewsOf, type PoolMark, poolMark } from "./pools.ts";
import { writePoolsPage } from "./reportFile.ts";
import { runSchemaInstall, runSchemaStatus, type SchemaReport } from "./schema.ts";

interface ManagerFlags {
  readonly settings?: string;
  readonly execute?: readonly string[];
  readonly file?: readonly string[];
  /** No option: where the commands come from, for messages. */
  readonly commandsFrom?: string;
  readonly format?: OutputFormat | "thesis";
  readonly verbose?: true;
  readonly json?: true;
  readonly echo?: true;
  readonly all?: true;
  readonly pools: string;
}

interface SchemaInstallOptions {
  readonly adminUser?: string;
  readonly adminPasswordFile?: string;
}

interface DoctorFlags {
  readonly collectSettings?: string;
  readonly controlSettings?: string;
  readonly wlbSettings?: string;
  readonly bundle?: string;
}

interface RehearseOptions {
  readonly since: string;
  readonly every?: string;
  readonly rules?: readonly string[];
}

interface ReportOptions {
  readonly since: string;
  readonly output?: string;
}

const examples = `Examples:
  xcp-manager                                  talk on the terminal; HELP lists the commands
  xcp-manager -e "SHOW VMS"                    one command
  xcp-manager -e "CREATE RULE HOST CpuAverage > 25" -e "SHOW RULES HOST"
  xcp-manager -f rules.xcp                     a script, up to its first error; also xcp-manager < rules.xcp
  xcp-manager --json -e "SHOW HOSTS"           one line of JSON for each command
  xcp-manager --format csv -e "SHOW LOAD"      lists also as table, csv, tsv or a line of JSON each (jsonl)
  xcp-manager rehearse --rules new.xcp         what these rules would have done last week, beside the present ones
  xcp-manager report --since 30d -o month.html a page with pictures: load, migrations, what was refused and why
  xcp-manager doctor                           what is wrong with the set-up, and how to mend it
  xcp-manager --all -e "SHOW STATUS"           a command on every pool of this machine; pools lists them
  xcp-manager schema install                   create or upgrade the tables
  xcp-manager schema install --admin-user root the same with another account, which may create tables
`;

const exitCodes = `
Exit codes: 0 done; 1 could not run (the message says why); 2 wrong command, or no such VM, host or rule;
3 schema status found something to install, doctor that something does not work, or a pool could not be asked; 130/143 ended by a signal.`;

/** xcp-manager from its command line to its exit code. */
export async function managerProgram(context: ProgramContext): Promise<number> {
  let code = 0;
  const program = new Command("xcp-manager")
    .description(
      "Shows what xcp-collect found and xcp-control did, and edits the rules that xcp-control follows.",
    )
    .exitOverride()
    .configureOutput(commandLineOutput(context))
    .version(versionLine("xcp-manager"))
    // Commands take no words either, and say which one is too many.
    .allowExcessArguments()
    .hook("preAction", (_, action) => {
      if (action !== program) refuseWords(`xcp-manager ${action.name()}`, action.args);
    })
    .addHelpText("before", examples)
    .addHelpText("after", exitCodes)
    .option("-s, --settings <path>", "settings file (default: settings in this directory)")
    .option("-e, --execute <command>", "run a command; may be given again", append)
    .option(
      "-f, --file <path>",
      "run the commands in a file, - is standard input; may be given again",
      append,
    )
    .addOption(
      new Option(
        "--format <format>",
        "how to print results; thesis: its lines on a terminal too; lists also as a table, csv or tsv",
      ).choices(["thesis", ...outputFormats]),
    )
    .option("-v, --verbose", "on a terminal too, plans in sentences and lists as elsewhere (--format text)")
    .option("--json", "the same as --format json")
    .option("--echo", "print each command of a script behind the prompt")
    .option("--all", "run the commands on every pool whose settings lie in the folder of --pools")
    .option("--pools <folder>", "where the pools of this machine have a folder each", poolsFolder)
    .argument("[words...]")
    .usage(
      "[options]\n       xcp-manager rehearse [options]\n       xcp-manager report [options]\n       xcp-manager doctor [options]\n       xcp-manager pools [options]\n       xcp-manager schema install|status [options]",
    )
    .action(async (words: readonly string[], options: ManagerFlags) => {
      if (words.length > 0) throw new AppError("usage", `to run a command write -e "${words.join(" ")}"`);
      code = await manage(context, options);
    });
  program
    .command("pools")
    .description(
      "a line on each pool of this machine: SHOW POOLS, where no pool has settings in this directory",
    )
    .action(async () => {
      const options = program.opts<ManagerFlags>();
      const listed = await overviewsOf(listPools(options.pools));
      for (const line of linesOfPools(listed, formatOf(options))) context.print(line);
      code = listed.some(({ problem }) => problem !== null) ? exitCode.partly : exitCode.done;
    });
  program
    .command("rehearse")
    .description("play the recorded days through what xcp-control decides by; the pool is not contacted")
    .option("--since <time>", "how far back, as in 7d or 12h", "7d")
    .option("--every <time>", "from one run of xcp-control to the next (default: as it ran lately)")
    .option("--rules <file>", "lines of CREATE RULE, beside the present rules; twice: two files", append)
    .action(async (options: RehearseOptions) => {
      code = await manage(context, {
        ...program.opts<ManagerFlags>(),
        file: [],
        commandsFrom: "",
        execute: [rehearseLine(options)],
      });
    });
  program
    .command("report")
    .description("write one HTML file with pictures of the last days; it needs no network and runs no script")
    .option("--since <time>", "how far back, as in 30d or 12h", "7d")
    .option("-o, --output <file>", "the file (default: report-YEAR-MONTH-DAY.html in this directory)")
    .action(async (options: ReportOptions) => {
      const common = { ...program.opts<ManagerFlags>(), file: [], commandsFrom: "" };
      code =
        common.all === true
          ? await reportAll(context, common, options)
          : await manage(context, { ...common, execute: [reportLine(options, null)] });
    });
  program
    .command("doctor")
    .description("says what is wrong with the set-up of all programs, and how to mend each thing")
    .option("--collect-settings <path>", "settings of xcp-collect, where they are another file")
    .option("--control-settings <path>", "settings of xcp-control, where they are another file")
    .option("--wlb-settings <path>", "settings of xcp-wlb, where they are another file")
    .option("--bundle <file>", "also write all that a bug report needs into this file, without passwords")
    .action(async (flags: DoctorFlags) => {
      code = await doctor(context, program.opts<ManagerFlags>(), flags);
    });
  const schema = program
    .command("schema")
    .description("the tables: install creates or upgrades them, status tells");
  schema
    .command("install")
    .description("create the database if it is missing, and apply what is missing of sql/")
    .option("--admin-user <name>", "log in to Mysql as this user, with a password asked on the terminal")
    .option("--admin-password-file <path>", "read that password from a file that only you can read")
    .action(async (options: SchemaInstallOptions) => {
      const account = await installAccount(mysqlOf(context, program.opts<ManagerFlags>()), options);
      code = report(context, program.opts<ManagerFlags>(), await runSchemaInstall(account));
    });
  schema
    .command("status")
    .description("print the version found, the version wanted and what is pending")
    .action(async () => {
      const options = program.opts<ManagerFlags>();
      code = report(
        context,
        options,
        await runSchemaStatus(mysqlOf(context, options), installerOf(options.settings)),
      );
    });
  await program.parseAsync(context.args, { from: "user" });
  return code;
}

/** What is done on each of several pools, where it hangs on the pool's name. */
interface OnEach {
  readonly execute: (pool: string) => readonly string[];
  /** Hears of each report that was drawn. */
  readonly drawn?: (pool: string, report: DrawnReport) => void;
}

async function manage(
  context: ProgramContext,
  options: ManagerFlags,
  { execute: executeOn, drawn }: OnEach = { execute: () => options.execute ?? [] },
): Promise<number> {
  if (options.all !== true) return manageOne(context, options, null);
  const { execute = [], file = [], settings } = options;
  if (settings !== undefined)
    throw new AppError("usage", "--all takes the settings of each pool: leave --settings out");
  if (execute.length + file.length === 0 || file.includes("-"))
    throw new AppError("usage", "--all needs commands that can be run again: give -e, or -f with a file");
  const mark = poolMark(formatOf(options));
  return onEveryPool(requirePools(options.pools), context, (pool) => {
    const heading = mark.heading(pool.name);
    if (heading !== null) context.print(heading);
    const one = { pool, mark, drawn: (report: DrawnReport) => drawn?.(pool.name, report) };
    return manageOne(context, { ...options, execute: executeOn(pool.name) }, one);
  });
}

/** A report of each pool in a file of its own, and at the name that was asked for the page that leads to them. */
async function reportAll(
  context: ProgramContext,
  common: ManagerFlags,
  options: ReportOptions,
): Promise<number> {
  const reports = new Map<string, DrawnReport>();
  const lineOn = (pool: string) => [reportLine(options, pool)];
  const code = await manage(
    context,
    // Something to run: what it is, each pool says.
    { ...common, execute: lineOn("") },
    { execute: lineOn, drawn: (pool, report) => void reports.set(pool, report) },
  );
  const pools = (await overviewsOf(requirePools(common.pools))).map((listed) => {
    const report = reports.get(listed.pool);
    return {
      listed,
      report: report === undefined ? null : { file: basename(report.file), facts: report.facts },
    };
  });
  const file = reportFile(options);
  const bytes = await writePoolsPage(file, pools, operatorName(), new Date());
  if (isJson(formatOf(common))) context.print(printableJson({ file, bytes, pools: [...reports.keys()] }));
  else context.print(printable(`All of them: ${file}, ${Math.ceil(bytes / 1000)} kB`));
  return code;
}

/** Talks about one pool: that of the settings, or `one` of several. */
function manageOne(
  context: ProgramContext,
  options: ManagerFlags,
  one: {
    readonly pool: PoolFolder;
    readonly mark: PoolMark;
    readonly drawn: (report: DrawnReport) => void;
  } | null,
): Promise<number> {
  const file = one === null ? options.settings : (one.pool.settings.manager ?? undefined);
  const { mysql, control } = loadSettings(["mysql", "control"], file, context);
  const tools = {
    // Loaded where somebody asks for it: no other command waits for a client of the pool.
    diagnose: async () =>
      (await import("../doctor/diagnose.ts")).diagnose(doctorOptions(context, { settings: file })),
    pools: async () => overviewsOf(one === null ? listPools(options.pools) : [one.pool]),
    ...(one === null
      ? {}
      : {
          drawn: one.drawn,
          marked: (lines: readonly string[]) => one.mark.lines(one.pool.name, lines),
        }),
  };
  return withDatabase({ ...context, installer: installerOf(file) }, mysql, (db) =>
    runManager({
      db,
      commands: options.execute ?? [],
      ...(options.commandsFrom === undefined ? {} : { commandsFrom: options.commandsFrom }),
      files: options.file ?? [],
      format: formatOf(options),
      // Whoever asks for a format gets it on a terminal too.
      screen: options.format === undefined && options.verbose !== true ? currentScreen : () => null,
      pager: isDumb(process.env) ? null : pagerOf(process.env),
      operator: operatorName(),
      control,
      echo: options.echo === true,
      input: context.input(),
      output: process.stdout,
      write: (text) => {
        void context.write(text);
        context.checkOutput();
      },
      terminal: isTerminal(),
      note: context.warn,
      environment: process.env,
      signal: context.signal,
      outputClosed: context.outputClosed,
      tools,
    }),
  );
}

/** The operator's pager; while it runs, Ctrl-C is its own. */
function pagerOf(environment: typeof process.env): ManagerOptions["pager"] {
  const words = pagerCommand(environment);
  if (words === null) return null;
  return (lines) => whileInterruptsAreIgnored(() => throughPager(words, lines, environment));
}

function doctorOptions({ signal }: ProgramContext, named: NamedPlaces): DoctorOptions {
  return { places: settingsPlaces(named), nodeVersion: process.version, signal };
}

async function doctor(context: ProgramContext, options: ManagerFlags, flags: DoctorFlags): Promise<number> {
  const { settings, all, pools } = options;
  const named = {
    settings,
    collect: flags.collectSettings,
    control: flags.controlSettings,
    wlb: flags.wlbSettings,
  };
  if (all !== true) return doctorOne(context, options, flags, named, null);
  if (Object.values(named).some((file) => file !== undefined) || flags.bundle !== undefined)
    throw new AppError("usage", "doctor --all takes the settings of each pool: leave the other options out");
  return onEveryPool(requirePools(pools), context, (pool) =>
    doctorOne(context, options, flags, { settings: pool.settings.manager ?? undefined }, pool.name),
  );
}

/** The report on one pool, named where there are several. */
async function doctorOne(
  context: ProgramContext,
  options: ManagerFlags,
  flags: DoctorFlags,
  named: NamedPlaces,
  pool: string | null,
): Promise<number> {
  const asked = doctorOptions(context, named);
  const { withBundle } = await import("../doctor/bundle.ts");
  const { report, held } = await withBundle(asked, flags.bundle, packageVersion());
  const json = isJson(formatOf(options));
  if (json) context.print(printableJson(pool === null ? report : { pool, ...report }));
  else
    for (const line of [...(pool === null ? [] : [`== ${printable(pool)} ==`]), ...reportLines(report)])
      context.print(line);
  if (!json) for (const line of held) context.print(printable(line));
  return isWell(report) ? exitCode.done : exitCode.partly;
}

function reportFile({ output }: ReportOptions): string {
  return output ?? `report-${new Date().toISOString().slice(0, 10)}.html`;
}

/** The options as the command of the prompt. Of several pools each has a file of its own, with its name in the file's. */
function reportLine(options: ReportOptions, pool: string | null): string {
  const { since } = options;
  const file = reportFile(options);
  const own = pool === null ? file : file.replace(/(\.\w+)?$/, `-${pool}$1`);
  return `REPORT TO ${inQuotes(own)} SINCE ${since}`;
}

function inQuotes(file: string): string {
  return `"${file.replaceAll('"', '""')}"`;
}

/** The options as the command of the prompt. */
function rehearseLine({ since, every, rules = [] }: RehearseOptions): string {
  const quoted = rules.map(inQuotes);
  const parts = [`SINCE ${since}`];
  if (every !== undefined) parts.push(`EVERY ${every}`);
  if (quoted.length > 0) parts.push(`RULES ${quoted.join(" AND ")}`);
  return `REHEARSE ${parts.join(" ")}`;
}

function mysqlOf(context: ProgramContext, options: ManagerFlags): StoreOptions {
  return storeOptions(loadSettings(["mysql"], options.settings, context).mysql, "xcp-manager");
}

/** The command that makes the tables, with the settings file as it was given. */
function installerOf(settings: string | undefined): string {
  return settings === undefined
    ? "xcp-manager schema install"
    : `xcp-manager --settings ${shellWord(settings)} schema install`;
}

/** The settings' own account, or the administrator's: the programs' accounts need no right to create tables. */
async function installAccount(own: StoreOptions, options: SchemaInstallOptions): Promise<StoreOptions> {
  const { adminUser: user, adminPasswordFile: file } = options;
  if (user === undefined && file === undefined) return own;
  if (user === undefined) throw new AppError("usage", "--admin-password-file needs --admin-user too");
  if (file !== undefined) return { ...own, user, password: readPasswordFile(file).reveal() };
  if (!process.stdin.isTTY) {
    throw new AppError("usage", "no terminal to ask for the password on: give --admin-password-file");
  }
  const password = await askPassword(process.stdin, process.stderr, `Mysql password of ${printable(user)}: `);
  return { ...own, user, password: password.reveal() };
}

function report(
  context: ProgramContext,
  options: ManagerFlags,
  { lines, json, exitCode }: SchemaReport,
): number {
  const shown = isJson(formatOf(options)) ? [printableJson(json)] : lines.map(printable);
  for (const line of shown) context.print(line);
  return exitCode;
}

function formatOf(options: ManagerFlags): OutputFormat {
  if (options.json === true) return "json";
  return options.format === undefined || options.format === "thesis" ? "text" : options.format;
}
