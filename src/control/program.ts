/** xcp-control: keeps the rules by live migration. Parses, wires, runs; decides nothing. */
import os from "node:os";
import { Command, Option } from "commander";
import type { RoomRequest } from "../decide/room.ts";
import { AppError, exitCode, exitCodeOf } from "../domain/errors.ts";
import { asTable } from "../explain/planTable.ts";
import { inProse, type PlanTold } from "../explain/report.ts";
import type { ProgramContext } from "../program/context.ts";
import {
  append,
  commandLineOutput,
  loadSettings,
  operatorName,
  parseInterval,
  refuseWords,
  runRepeatedly,
  sleepUnaborted,
  versionLine,
  withDatabase,
} from "../program/program.ts";
import { currentScreen } from "../program/screen.ts";
import { acknowledgeBreaker } from "../store/breaker.ts";
import { loadHostAddresses } from "../store/places.ts";
import { shellWord } from "../text/quote.ts";
import { readSize } from "../text/size.ts";
import { printable, printableJson } from "../text/text.ts";
import { keptBack, type RunOutput } from "./keptBack.ts";
import { readPlanFile, writePlanFile } from "./planFile.ts";
import type { PageOptions } from "./planPageFile.ts";
import type { Save, Task } from "./run.ts";
import { stampedEvent, stampedLine } from "./timestamps.ts";
import { contradiction } from "./usage.ts";
import { WatchedRun } from "./watching.ts";

interface ControlFlags {
  readonly settings?: string;
  readonly interval?: number;
  readonly dryRun?: true;
  readonly json?: true;
  readonly format?: "text" | "table";
  readonly verbose?: true;
  readonly exitCode?: true;
  readonly instant?: true;
  readonly ack?: true;
  readonly quiet?: true;
  readonly allowRedirect?: readonly string[];
  readonly evacuate?: string;
  readonly squeeze?: true;
  readonly makeRoom?: string | true;
  readonly for?: string;
  readonly save?: string;
  readonly apply?: string;
  readonly html?: string;
  readonly timestamps?: true;
}

const help = `
Examples:
  xcp-control --dry-run        print what would be migrated and why; touches nothing
  xcp-control                  plan once and migrate
  xcp-control --interval 60    plan and migrate every 60 seconds until stopped
  xcp-control --evacuate xen3  empty a host, whatever the rules say; with --dry-run only print how
  xcp-control --make-room 64GB  let a VM of 64 GB start somewhere; with --dry-run only print how
  xcp-control --dry-run --save plan.json    keep the plan in a file, for review
  xcp-control --dry-run --save plan.json --html plan.html   and as a page, for whoever approves it
  xcp-control --apply plan.json             carry out exactly that plan, if the pool is still as it was
  xcp-control --ack            after failed migrations: the cause is mended, go on

Exit codes: 0 done, or nothing to do; 1 could not run; 2 wrong usage; 3 done in part (some migrations failed, or VMs
stay on the host that was to be emptied, or no room was made);
4 refused for safety (the gate is named with the measured value and the limit); 10 --dry-run --exit-code with a
plan that is not empty; 130/143 ended by a signal.`;

/** xcp-control from its command line to its exit code. */
export async function controlProgram(context: ProgramContext): Promise<number> {
  const command = new Command("xcp-control")
    .description(
      "Compares each host with the pool's mean by the rules in MySQL, and migrates VMs until they hold.",
    )
    .option("-s, --settings <path>", "settings file (default: settings in this directory)")
    .option("-i, --interval <seconds>", "run again and again, this many seconds apart", parseInterval)
    .option("-n, --dry-run", "print the plan and touch nothing; the pool is not contacted")
    .option("--json", "print JSON: the plan as one object with --dry-run, else one event a line")
    .addOption(
      new Option(
        "--format <format>",
        "with --dry-run: moves as a table (as on a terminal), or as text, in sentences (as elsewhere)",
      ).choices(["table", "text"]),
    )
    .option("-v, --verbose", "with --dry-run: rules and moves in sentences on a terminal too (--format text)")
    .option("--exit-code", "with --dry-run: end with 10 when the plan is not empty")
    .option("--instant", "act on the newest collection alone, without averages and repeated breaches")
    .option(
      "--evacuate <host>",
      "empty this host (uuid, the start of one, or name); it is not disabled by that",
    )
    .option(
      "--make-room [size]",
      "move as little as lets a VM of this size (64GB) start, and say where; with --for, room for that VM",
    )
    .option("--for <vm>", "with --make-room: the VM (uuid, the start of one, or name) that is to start")
    .option(
      "--squeeze",
      "with --evacuate and --make-room: also move VMs that the migration shrinks below what they use",
    )
    .option(
      "--save <file>",
      "with --dry-run: also keep the plan as JSON, to review it and to --apply it later",
    )
    .option(
      "--apply <file>",
      "carry out a saved plan, exactly or not at all; with --dry-run print what that would do",
    )
    .option("--html <file>", "with --dry-run: also write the plan as a page, for whoever approves changes")
    .option("--timestamps", "begin each line with the time (UTC); of events, as `at`")
    .option("--ack", "close the breaker that failed migrations have opened, and do nothing else")
    .option(
      "--allow-redirect <host>",
      "let the password follow a slave to this address, which neither settings nor collection know",
      append,
    )
    .option(
      "-q, --quiet",
      "print nothing unless something failed or was refused; then everything, on standard error",
    )
    .version(versionLine("xcp-control"))
    .addHelpText("after", help)
    .exitOverride()
    .configureOutput(commandLineOutput(context))
    .allowExcessArguments()
    .parse(context.args, { from: "user" });
  refuseWords("xcp-control", command.args);
  const options = command.opts<ControlFlags>();
  const wrong = contradiction(options);
  if (wrong !== null) throw new AppError("usage", wrong);
  const who = { host: os.hostname(), pid: context.pid };
  if (options.ack) {
    const { mysql } = loadSettings(["mysql"], options.settings, context);
    const by = `xcp-control --ack on ${who.host}`;
    const wasOpen = await withDatabase(context, mysql, (db) => acknowledgeBreaker(db, by));
    if (!options.quiet) context.print(wasOpen ? "the breaker is closed" : "the breaker was closed already");
    return exitCode.done;
  }
  const task = await taskOf(options);
  const line = (text: string) => (options.timestamps ? stampedLine(text, new Date()) : text);
  const event = (value: unknown) => (options.timestamps ? stampedEvent(value, new Date()) : value);
  return runRepeatedly(context, options.interval, async () => {
    const { mysql, control } = loadSettings(["mysql", "control"], options.settings, context);
    const xen = options.dryRun ? null : loadSettings(["xen"], options.settings, context).xen;
    const output = outputOf(context, options);
    const hooks = options.dryRun ? null : loadSettings(["hooks"], options.settings, context).hooks;
    const watch = new WatchedRun(context, options.dryRun === true ? null : control, hooks);
    const code = await withDatabase({ ...context, quiet: options.quiet === true }, mysql, async (db) =>
      watch.during(db, {
        xen,
        known: { collected: await loadHostAddresses(db), allowed: options.allowRedirect ?? [] },
        control: {
          ...control,
          ...(options.instant ? { sampleCount: 1, breaches: 1 } : {}),
          ...(options.squeeze ? { squeeze: "allow" } : {}),
        },
        dryRun: options.dryRun === true,
        json: options.json === true,
        exitCode: options.exitCode === true,
        who,
        ...task,
        ...saveOf(options),
        told: toldBy(options),
        ...pageOf(options),
        signal: context.signal,
        graceMs: 30_000,
        sleep: sleepUnaborted,
        monotonicMs: context.monotonicMs,
        print: (text) => output.print(printable(line(text))),
        printJson: (value) => output.print(printableJson(event(value))),
        program: calledAs(options),
        onPassing: output.passing,
        ...(context.show === null || options.quiet ? {} : { show: context.show }),
      }),
    ).catch(async (error: unknown) => {
      output.tell();
      await watch.end(exitCodeOf(error), error);
      throw error;
    });
    await watch.end(code);
    if (code !== exitCode.done && code !== exitCode.planNotEmpty) output.tell();
    return code;
  });
}

/** Tables on a terminal, sentences elsewhere: scripts read those. */
function toldBy({ format, verbose }: ControlFlags): PlanTold {
  const screen = currentScreen();
  if (verbose === true || format === "text" || (format === undefined && screen === null)) return inProse;
  return asTable(screen ?? { columns: Number.POSITIVE_INFINITY, rows: 0, color: false, unicode: true });
}

/** Standard output, or nothing but what a quiet run has to say. */
function outputOf(context: ProgramContext, { quiet }: ControlFlags): RunOutput {
  if (quiet) return keptBack(context.warn);
  return { print: context.print, passing: () => {}, tell: () => {} };
}

/** What the options ask for beside keeping the rules. */
async function taskOf({
  evacuate: host,
  apply: file,
  makeRoom: size,
  for: vm,
}: ControlFlags): Promise<{ readonly task?: Task }> {
  const by = operatorName();
  if (host !== undefined) return { task: { kind: "evacuate", host, by } };
  if (size !== undefined) return { task: { kind: "room", request: roomRequest(size, vm), by } };
  if (file !== undefined) return { task: { kind: "apply", content: await readPlanFile(file), by } };
  return {};
}

/** The program with its settings file, as it is typed again. */
function calledAs({ settings }: ControlFlags): string {
  return settings === undefined ? "xcp-control" : `xcp-control --settings ${shellWord(settings)}`;
}

function pageOf({ html: file, save }: ControlFlags): { readonly page?: PageOptions } {
  if (file === undefined) return {};
  return { page: { file, by: operatorName(), at: () => new Date(), saved: save ?? null } };
}

/** Throws AppError usage where there is no size, or what is none. */
function roomRequest(size: string | true, vm: string | undefined): RoomRequest {
  if (size === true) {
    if (vm === undefined)
      throw new AppError("usage", "--make-room needs a size, as in 64GB, or --for and a VM");
    return { memoryBytes: null, vm };
  }
  const read = readSize(size.trim());
  if (read === null || read.rest !== "") {
    throw new AppError("usage", `--make-room ${size}: write a size with its unit, as in 64GB or 512MB`);
  }
  return { memoryBytes: read.bytes, vm: vm ?? null };
}

function saveOf({ save: file }: ControlFlags): { readonly save?: Save } {
  if (file === undefined) return {};
  return { save: { file, by: operatorName(), at: () => new Date(), write: writePlanFile } };
}
