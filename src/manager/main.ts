#!/usr/bin/env node
/** xcp-manager: shows the pool and edits the rules. */

import process from "node:process";
import { Command, Option } from "commander";
import {
  isTerminal,
  loadSettings,
  type ProgramContext,
  packageVersion,
  runProgram,
  withDatabase,
} from "../program.ts";
import { runManager } from "./manager.ts";
import { addSchemaCommand } from "./schemaCommand.ts";

interface CommandLine {
  readonly settings?: string;
  readonly execute: readonly string[];
  readonly file: readonly string[];
  readonly json?: boolean;
  readonly format: string;
  readonly echo?: boolean;
}

const examples = `Examples:
  xcp-manager                                  talk on the terminal; HELP lists the commands
  xcp-manager -e "SHOW VMS"                    one command
  xcp-manager -e "CREATE RULE HOST CpuAverage > 25" -e "SHOW RULES HOST"
  xcp-manager -f rules.xcp                     a script, up to its first error
  xcp-manager --json -e "SHOW HOSTS" | jq .    one line of JSON for each command
  xcp-manager schema install                   create or upgrade the tables
`;

const exitCodes = `
Exit codes: 0 done; 1 could not run (settings, Mysql); 2 wrong command, or no such VM, host or rule;
3 schema status with something left to install; 130, 143 ended by a signal.`;

await runProgram("xcp-manager", async (context) => {
  let code = 0;
  const program = new Command("xcp-manager")
    .exitOverride()
    .description(
      "Shows the VMs and hosts that xcp-collect found, and edits the rules that xcp-control follows.",
    )
    .version(packageVersion())
    .addHelpText("before", examples)
    .addHelpText("after", exitCodes)
    .option("-s, --settings <path>", "settings file (default: settings in the working directory)")
    .option("-e, --execute <command>", "run this command; may be given again", append, [])
    .option(
      "-f, --file <path>",
      "run the commands in this file, - is standard input; may be given again",
      append,
      [],
    )
    .option("--json", "the same as --format json")
    .addOption(
      new Option("--format <format>", "how to print results").choices(["text", "json"]).default("text"),
    )
    .option("--echo", "print each command of a script behind the prompt")
    .allowExcessArguments(true)
    .action(async (options: CommandLine, command: Command) => {
      if (command.args.length > 0) command.error(`write -e "${command.args.join(" ")}" to run a command`);
      code = await manage(context, options);
    });
  addSchemaCommand(program, context, (done) => {
    code = done;
  });
  await program.parseAsync(process.argv);
  return code;
});

function manage(context: ProgramContext, options: CommandLine): Promise<number> {
  const { mysql } = loadSettings(["mysql"], options.settings);
  return withDatabase(mysql, (db) =>
    runManager({
      db,
      commands: options.execute,
      files: options.file,
      json: options.json === true || options.format === "json",
      echo: options.echo === true,
      input: process.stdin,
      output: process.stdout,
      terminal: isTerminal(),
      note: context.warn,
      environment: process.env,
      signal: context.signal,
      outputClosed: context.outputClosed,
    }),
  );
}

function append(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
