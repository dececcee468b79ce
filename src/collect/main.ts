#!/usr/bin/env node
/** xcp-collect: polls the pool and stores Host, Vm and Map rows. Parses, wires, runs; decides nothing. */
import process from "node:process";
import { Command } from "commander";
import { exitCode } from "../errors.ts";
import {
  loadSettings,
  packageVersion,
  parseInterval,
  runProgram,
  runRepeatedly,
  withDatabase,
} from "../program.ts";
import { printable, printableJson } from "../text.ts";
import { collect } from "./collect.ts";
import { problemLines, summaryJson, summaryLine } from "./report.ts";

interface Options {
  readonly settings?: string;
  readonly interval?: number;
  readonly json?: true;
  readonly quiet?: true;
}

const help = `
Examples:
  xcp-collect                  collect once, with the file settings in this directory
  xcp-collect --interval 60    collect every 60 seconds until stopped
  xcp-collect --json           print the summary as one JSON object
  xcp-collect -q               print nothing but failures (for cron)

Exit codes: 0 done; 1 could not run (the message says why); 2 wrong usage; 3 done, but some hosts or objects
could not be read (each is named); 130/143 ended by a signal.`;

await runProgram("xcp-collect", async (context) => {
  const options = new Command("xcp-collect")
    .description("Reads the pool over XAPI and stores its hosts, VMs and placements in MySQL.")
    .option("-s, --settings <path>", "settings file (default: settings in this directory)")
    .option("-i, --interval <seconds>", "collect again and again, this many seconds apart", parseInterval)
    .option("--json", "print the summary as JSON")
    .option("-q, --quiet", "print no summary")
    .version(packageVersion())
    .addHelpText("after", help)
    .exitOverride()
    .parse(process.argv)
    .opts<Options>();
  return runRepeatedly(context, options.interval, async () => {
    const {
      xen,
      mysql,
      collect: collectSettings,
    } = loadSettings(["xen", "mysql", "collect"], options.settings);
    const startedMs = context.monotonicMs();
    const result = await withDatabase(mysql, (db) =>
      collect(db, { xen, collect: collectSettings, signal: context.signal }),
    );
    const durationMs = context.monotonicMs() - startedMs;
    for (const line of problemLines(result)) context.warn(line);
    if (options.json) context.print(printableJson(summaryJson(result, durationMs)));
    else if (!options.quiet) context.print(printable(summaryLine(result, durationMs)));
    return result.unread.length + result.skipped.length > 0 ? exitCode.partly : exitCode.done;
  });
});
