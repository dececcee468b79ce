/** xcp-collect: polls the pool and stores Host, Vm and Map rows. Parses, wires, runs; decides nothing. */
import { readFileSync } from "node:fs";
import os from "node:os";
import readline from "node:readline";
import { Command, Option } from "commander";
import { AppError, describeError, exitCode, exitCodeOf } from "../domain/errors.ts";
import type { Scores } from "../domain/score.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { openHooks } from "../hooks/open.ts";
import { writeMetrics } from "../metrics/run.ts";
import type { ProgramContext } from "../program/context.ts";
import { keepHeapSmall } from "../program/memory.ts";
import {
  append,
  commandLineOutput,
  loadSettings,
  packageVersion,
  parseInterval,
  refuseWords,
  runRepeatedly,
  versionLine,
  withDatabase,
} from "../program/program.ts";
import { writeWhole } from "../program/wholeFile.ts";
import type { Settings } from "../settings/types.ts";
import { parseSnapshot, printSnapshot } from "../snapshot/text.ts";
import type { Database } from "../store/connection.ts";
import { loadScores } from "../store/load/scores.ts";
import { type RunStatistics, runStatistics } from "../store/runStatistics.ts";
import { type RunOutcome, recordRun } from "../store/runs.ts";
import { isNews, topicOf } from "../store/told.ts";
import { printable, printableJson } from "../text/text.ts";
import { type CollectOptions, type CollectResult, collect } from "./collect.ts";
import { importSnapshot } from "./import.ts";
import { collectSamples } from "./metrics.ts";
import { PoolFollower } from "./poolFollower.ts";
import {
  clockLines,
  doubtLines,
  importLine,
  problemLines,
  readingLines,
  recordingLines,
  settlingLines,
  slowLines,
  summaryJson,
  summaryLine,
  untrustedLines,
  untrustedSummary,
} from "./report.ts";
import { trustMembers } from "./trust.ts";

interface CollectFlags {
  readonly settings?: string;
  readonly interval?: number;
  readonly export?: string;
  readonly import?: string;
  readonly store: boolean;
  readonly force?: true;
  readonly replacePool?: true;
  readonly trust?: true;
  readonly allowRedirect?: readonly string[];
  readonly json?: true;
  readonly quiet?: true;
}

const help = `
Examples:
  xcp-collect                  collect once, with the file settings in this directory
  xcp-collect --interval 60    collect every 60 seconds until stopped
  xcp-collect --json           print the summary as one JSON object
  xcp-collect -q               print nothing but failures (for cron)
  xcp-collect --trust          show the certificates of all members, and trust them after a yes
  xcp-collect --export pool.txt              also write what was read as text, to read, compare and mail
  xcp-collect --export - --no-store >pool.txt   the same without MySQL
  xcp-collect --import pool.txt              store such a text in an empty database, to plan on it there

Exit codes: 0 done; 1 could not run (the message says why); 2 wrong usage; 3 done, but some hosts or objects
could not be read (each is named); 4 refused: the database holds another pool; 130/143 ended by a signal.`;

function readOptions(context: ProgramContext): CollectFlags {
  const command = new Command("xcp-collect")
    .description("Reads the pool over XAPI and stores its hosts, VMs and placements in MySQL.")
    .option("-s, --settings <path>", "settings file (default: settings in this directory)")
    .option("-i, --interval <seconds>", "collect again and again, this many seconds apart", parseInterval)
    .option("--export <file>", "also write the snapshot as text; - is standard output")
    .option("--no-store", "with --export: do not store anything, MySQL is not contacted")
    .addOption(
      new Option(
        "--import <file>",
        "store a snapshot's text as a collection; the pool is not contacted",
      ).conflicts(["export", "interval"]),
    )
    .option("--force", "with --import: even where collections of a pool are stored")
    .option("--replace-pool", "store this pool even where the database holds another one's collections")
    .option(
      "--allow-redirect <host>",
      "let the password follow a slave to this address, which neither settings nor collection know",
      append,
    )
    .addOption(
      new Option(
        "--trust",
        "show the certificates of all members, write them into XenFingerprintFile after a yes, and do nothing else",
      ).conflicts(["export", "import", "interval"]),
    )
    .option("--json", "print the summary as JSON")
    .option("-q, --quiet", "print no summary")
    .version(versionLine("xcp-collect"))
    .addHelpText("after", help)
    .exitOverride()
    .configureOutput(commandLineOutput(context))
    .allowExcessArguments()
    .parse(context.args, { from: "user" });
  refuseWords("xcp-collect", command.args);
  const options = command.opts<CollectFlags>();
  if (!options.store && options.export === undefined) {
    throw new AppError("usage", "--no-store goes with --export: without it nothing would come of the run");
  }
  if (options.force && options.import === undefined)
    throw new AppError("usage", "--force goes with --import");
  return options;
}

/** xcp-collect from its command line to its exit code. */
export async function collectProgram(context: ProgramContext): Promise<number> {
  const options = readOptions(context);
  if (options.import !== undefined) return importFile(context, options, options.import);
  if (options.trust) return trust(context, options);
  // A single run reads everything; of many the later ones read what has changed, beside what they keep.
  const follower = options.interval === undefined ? undefined : new PoolFollower();
  if (follower !== undefined) keepHeapSmall();
  try {
    return await runRepeatedly(context, options.interval, () => collectOnce(context, options, follower));
  } finally {
    await follower?.close();
  }
}

async function trust(context: ProgramContext, options: CollectFlags): Promise<number> {
  const { xen } = loadSettings(["xen"], options.settings, { folder: context.folder, filesToCome: true });
  const file = xen.fingerprintFile;
  if (file === null) {
    throw new AppError(
      "usage",
      "--trust writes to the file that XenFingerprintFile names, and the settings name none",
      {
        next: "add XenFingerprintFile=fingerprints to them; the file need not be there yet",
      },
    );
  }
  if (xen.caPem !== null)
    throw new AppError("usage", "XenCaFile says whom to trust already; take it out first");
  const input = context.input();
  const answers = readline.createInterface({ input })[Symbol.asyncIterator]();
  try {
    return await trustMembers({
      xen,
      known: { collected: null, allowed: options.allowRedirect ?? [] },
      signal: context.signal,
      tell: (line) => context.print(printable(line)),
      ask: async (question) => {
        await context.write(question);
        const { value } = (await answers.next()) as { value: string | undefined };
        if (!input.isTTY) context.print(printable(value ?? ""));
        return /^\s*y(es)?\s*$/i.test(value ?? "");
      },
      // No secret, and for the account that the units run as.
      write: (text) => writeWhole(file, text, String(context.pid), "", 0o644),
    });
  } finally {
    input.destroy();
  }
}

async function collectOnce(
  context: ProgramContext,
  options: CollectFlags,
  follower: PoolFollower | undefined,
): Promise<number> {
  const startedMs = context.monotonicMs();
  // Once: a password may come through a pipe.
  const loaded = settingsOf(options, context);
  const watch = watchOf(context, loaded);
  const tellMetrics = (code: number, result: CollectResult | null) =>
    writeRunMetrics(context, watch, { code, result, startedMs });
  const result = await read(context, { ...options, follower }, loaded, watch).catch(
    async (error: unknown) => {
      await watch.hooks?.finish(context.signal);
      await tellMetrics(exitCodeOf(error), null);
      throw error;
    },
  );
  await watch.hooks?.finish(context.signal);
  await tellMetrics(codeOf(result), result);
  if (options.export !== undefined) await exportTo(context, options.export, result);
  const durationMs = context.monotonicMs() - startedMs;
  const problems = [...problemLines(result), ...doubtLines(result), ...untrustedLines(result)];
  for (const line of [...problems, ...result.unmeasured]) context.warn(line);
  // With the snapshot on standard output there is no room for the summary.
  const tell = options.export === "-" ? context.warn : context.print;
  if (options.json) tell(printableJson(summaryJson(result, durationMs)));
  else if (!options.quiet)
    for (const line of [
      summaryLine(result, durationMs),
      ...slowLines(result),
      ...clockLines(result),
      ...readingLines(result),
      ...settlingLines(result),
      ...recordingLines(result),
    ])
      tell(printable(line));
  return codeOf(result);
}

/** Where a run's metrics go, and what the database sums up of all runs. */
interface MetricsTarget {
  readonly file: string | null;
  readonly hooks: Hooks | null;
  statistics: RunStatistics | null;
  /** What VMs wanted of the CPUs and got in the last hour. */
  scores: Scores | null;
}

/** What a run goes by; without `stored` where it stores nothing. */
interface LoadedSettings extends Pick<Settings, "xen" | "collect"> {
  readonly stored: Pick<Settings, "mysql" | "hooks"> | null;
}

function settingsOf(
  { store, settings }: CollectFlags,
  { folder }: Pick<ProgramContext, "folder">,
): LoadedSettings {
  if (!store) return { ...loadSettings(["xen", "collect"], settings, { folder }), stored: null };
  const {
    xen,
    mysql,
    collect: own,
    hooks,
  } = loadSettings(["xen", "mysql", "collect", "hooks"], settings, { folder });
  return { xen, collect: own, stored: { mysql, hooks } };
}

/** A run that stores nothing is nobody's business. */
function watchOf(context: ProgramContext, { collect: own, stored }: LoadedSettings): MetricsTarget {
  if (stored === null) return { file: null, hooks: null, statistics: null, scores: null };
  const { hooks } = stored;
  const opened = hooks.folder === null ? null : openHooks(context, hooks);
  return { file: own.metricsFile, hooks: opened, statistics: null, scores: null };
}

/** Tells hooks of troubles, each once; where the database cannot be asked, nobody remembers, and all are told. */
async function alarm(db: Database | null, hooks: Hooks | null, lines: readonly string[]): Promise<void> {
  if (hooks === null) return;
  for (const text of lines) {
    const topic = topicOf("warning", text);
    const news = db === null || (await isNews(db, "xcp-collect", topic).catch(() => true));
    if (news) hooks.tell("on-alarm", { text, facts: {}, detail: {} });
  }
}

/** Where they cannot be written, the run is as good: it is a warning. */
async function writeRunMetrics(
  context: ProgramContext,
  { file, statistics, scores }: MetricsTarget,
  ended: { readonly code: number; readonly result: CollectResult | null; readonly startedMs: number },
): Promise<void> {
  if (file === null) return;
  const { code, result, startedMs } = ended;
  const stored = result?.stored;
  const storedAt = stored && stored !== "superseded" ? stored.startedAt.getTime() / 1000 : null;
  const run = {
    program: "xcp-collect",
    version: packageVersion(),
    pool: result?.snapshot.pool.uuid ?? null,
    exitCode: code,
    seconds: (context.monotonicMs() - startedMs) / 1000,
    at: new Date(),
  };
  const more = result === null ? [] : collectSamples(result, storedAt, scores);
  await writeMetrics(file, { run, statistics, more }, String(context.pid)).catch((error: unknown) =>
    context.warn(`CollectMetricsFile: ${describeError(error)}`),
  );
}

function codeOf({ unread, skipped, recording }: CollectResult): number {
  const refused = recording !== null && recording.refused !== null;
  return unread.length + skipped.length > 0 || refused ? exitCode.partly : exitCode.done;
}

function read(
  context: ProgramContext,
  options: CollectFlags & Pick<CollectOptions, "follower">,
  { xen, collect: settings, stored }: LoadedSettings,
  watch: MetricsTarget,
): Promise<CollectResult> {
  const { signal } = context;
  const replacePool = options.replacePool === true;
  const allowedRedirects = options.allowRedirect ?? [];
  const { follower } = options;
  const how = { xen, collect: settings, replacePool, allowedRedirects, follower, signal };
  if (stored === null) return collect(null, how);
  let reached = false;
  return withDatabase({ ...context, quiet: options.quiet === true }, stored.mysql, (db) => {
    reached = true;
    return recorded(context, db, watch, () => collect(db, how));
  }).catch(async (error: unknown) => {
    if (!reached) await alarm(null, watch.hooks, [describeError(error)]);
    throw error;
  });
}

/** Has the run remembered. That serves watching only: where it cannot be done, the run is as good. */
async function recorded(
  context: ProgramContext,
  db: Database,
  watch: MetricsTarget,
  work: () => Promise<CollectResult>,
): Promise<CollectResult> {
  const startedMs = context.monotonicMs();
  const remember = async (outcome: RunOutcome, code: number, detail: string | null) => {
    const seconds = (context.monotonicMs() - startedMs) / 1000;
    const runner = { program: "xcp-collect", host: os.hostname(), pid: context.pid } as const;
    await recordRun(db, runner, { seconds, outcome, exitCode: code, detail }).catch(() => {});
    if (watch.file !== null) watch.statistics = await runStatistics(db, runner.program).catch(() => null);
  };
  try {
    const result = await work();
    const { untrusted, snapshot, stored: collection } = result;
    if (watch.file !== null && collection !== null && collection !== "superseded")
      watch.scores = await loadScores(db, { snapshot, collection }).catch(() => null);
    const slow = untrusted.hosts.length === 0 ? [] : [untrustedSummary(untrusted, snapshot)];
    const detail = [...problemLines(result), ...slow].join("; ") || null;
    if (result.stored === "superseded") await remember("passed", codeOf(result), detail);
    else await remember(codeOf(result) === exitCode.done ? "done" : "partly", codeOf(result), detail);
    watch.hooks?.knowPool(snapshot.pool);
    await alarm(db, watch.hooks, [
      ...problemLines(result),
      ...doubtLines(result),
      ...clockLines(result),
      ...result.unmeasured,
    ]);
    return result;
  } catch (error) {
    const code = error instanceof AppError ? error.exitCode : exitCode.couldNotRun;
    const isDatabase = error instanceof AppError && error.code === "mysql";
    if (!isDatabase) await remember("failed", code, describeError(error));
    await alarm(isDatabase ? null : db, watch.hooks, [describeError(error)]);
    throw error;
  }
}

async function exportTo(
  context: ProgramContext,
  file: string,
  { snapshot, poolTime, complete }: CollectResult,
): Promise<void> {
  const text = printSnapshot({ snapshot, takenAt: poolTime ?? new Date(), complete });
  if (file !== "-") {
    return writeWhole(file, text, String(context.pid), "; --export - writes to standard output");
  }
  // Waits until the reader has taken it all: the process must not end before.
  await context.write(text);
}

async function importFile(context: ProgramContext, options: CollectFlags, file: string): Promise<number> {
  const document = parseSnapshot(readText(file), file);
  const { mysql } = loadSettings(["mysql"], options.settings, context);
  const stored = await withDatabase(context, mysql, (db) =>
    importSnapshot(db, document, options.force === true),
  );
  if (options.json) {
    const { pool } = document.snapshot;
    const collection = stored === "superseded" ? null : stored.id;
    context.print(printableJson({ pool: { uuid: pool.uuid, name: pool.name }, collection, imported: file }));
  } else if (!options.quiet) context.print(printable(importLine(document, stored)));
  return exitCode.done;
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (cause) {
    throw new AppError("file", `cannot read ${file}`, { cause });
  }
}
