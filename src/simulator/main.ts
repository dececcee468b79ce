#!/usr/bin/env node
/** xcp-sim: a simulated pool to try rules on. Parses, wires, serves; what the pool does is simulatedPool's. */

import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { AppError, describeError, exitCode } from "../domain/errors.ts";
import { versionLine } from "../program/version.ts";
import { refuseWords } from "../program/words.ts";
import { printable } from "../text/text.ts";
import { banner } from "./banner.ts";
import { SimulatedPool, type SimulatedPoolOptions } from "./behaviour/simulatedPool.ts";
import { runCommand } from "./commands/commands.ts";
import { profiles } from "./objects/profile.ts";
import { type Role, roles } from "./objects/roles.ts";
import { builtinScenarios } from "./scenario/builtinScenarios.ts";
import { type Addressing, startSimulator } from "./server/server.ts";

interface Options {
  readonly scenario?: string;
  readonly dump?: string;
  readonly snapshot?: string;
  readonly https?: true;
  readonly http?: true;
  readonly port?: number;
  readonly addresses?: true;
  readonly ports?: true;
  readonly speed: number;
  readonly seed: number;
  readonly user: string;
  readonly password: string;
  readonly role?: Role;
  readonly profile?: string;
  readonly latency?: number;
}

const examples = `
Examples:
  xcp-sim                               the pool of the thesis' example, over https
  xcp-sim --scenario example --speed 10 a pool with every kind of obstacle, ten times as fast
  xcp-sim --scenario my.pool            a pool of your own (built in: ${Object.keys(builtinScenarios).join(", ")})
  xcp-sim --dump pool.xml               a real pool: xe pool-dump-database file-name=pool.xml
  xcp-sim --snapshot pool.txt           a pool as xcp-collect --export wrote it, with the loads it had
  xcp-sim --http --port 8080            plain HTTP on a port of your choice

It prints the settings lines to copy, then reads commands on standard input, one a line, that make hosts
crash, migrations fail, loads change: "help" lists them. It listens on this machine's loopback addresses
only. Ctrl-C (or SIGTERM) ends it. In the background it must not wait for a terminal: xcp-sim </dev/null &`;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    await serve(readOptions());
    return exitCode.done;
  } catch (error) {
    // commander has printed its own messages.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
    for (const line of describeError(error).split("\n")) warn(line);
    return error instanceof AppError ? error.exitCode : exitCode.couldNotRun;
  }
}

function readOptions(): Options {
  const addresses = new Option(
    "--addresses",
    "one address a host, 127.0.0.1, .2 ... (where the system has them)",
  );
  const ports = new Option("--ports", "one port a host, all on 127.0.0.1");
  const command = new Command("xcp-sim")
    .description("Runs a simulated pool that speaks XAPI like a real one, for trying rules safely.")
    .addOption(
      new Option("--scenario <file-or-name>", "the pool to simulate (default: thesis)").conflicts([
        "dump",
        "snapshot",
      ]),
    )
    .addOption(
      new Option(
        "--dump <file>",
        "the database of a real pool, as xe pool-dump-database writes it",
      ).conflicts("snapshot"),
    )
    .option("--snapshot <file>", "a snapshot's text, as xcp-collect --export writes it")
    .option("--https", "serve https (default)")
    .option("--http", "serve plain HTTP; with --https both, on two ports")
    .option("--port <number>", "first port to listen on (default: a free one)", wholeNumber(1, 65_535))
    .addOption(addresses.conflicts("ports"))
    .addOption(ports)
    .option("--speed <factor>", "simulated seconds in a real one, 0.01 to 1000", speedFactor, 1)
    .option("--seed <number>", "what everything random follows from", wholeNumber(0, 2 ** 31), 1)
    .option("--user <name>", "the user that may log in", "root")
    .option("--password <text>", "the user's password", "xenroot")
    .addOption(
      new Option("--role <role>", "the user's role in the pool (default: the local superuser)").choices(
        roles,
      ),
    )
    .addOption(
      new Option("--profile <release>", "play this release in every respect").choices([...profiles.keys()]),
    )
    .option(
      "--latency <ms>",
      "real milliseconds that every answer and connection takes",
      wholeNumber(0, 60_000),
    )
    .version(versionLine("xcp-sim"))
    .addHelpText("after", examples)
    .exitOverride()
    .allowExcessArguments()
    .parse(process.argv);
  refuseWords("xcp-sim", command.args);
  return command.opts<Options>();
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function speedFactor(text: string): number {
  const value = Number(text);
  if (value >= 0.01 && value <= 1000) return value;
  throw new InvalidArgumentError("It must be a number from 0.01 to 1000.");
}

/** Serves until a signal comes. */
async function serve(options: Options): Promise<void> {
  const pool = createPool(options);
  try {
    const addressing: Addressing | null = options.addresses ? "addresses" : options.ports ? "ports" : null;
    const running = await startSimulator(pool, {
      http: options.http === true,
      https: options.https === true || options.http !== true,
      ...(addressing === null ? {} : { addressing }),
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.latency === undefined ? {} : { latencyMs: options.latency }),
    });
    const ended = untilSignal();
    for (const line of banner(pool, running, options)) print(line);
    print('\nCommands are read from standard input; "help" lists them. Ctrl-C ends.');
    const input = obeyInput(pool);
    await ended;
    input();
    await running.stop();
  } finally {
    pool.close();
  }
}

function createPool(options: Options): SimulatedPool {
  const { scenario = "thesis", dump, snapshot, speed, seed, user, password, role } = options;
  const profile = profiles.get(options.profile ?? "");
  const common: SimulatedPoolOptions = {
    speed,
    seed,
    user,
    password,
    ...(role === undefined ? {} : { role }),
    ...(profile === undefined ? {} : { profile }),
  };
  if (dump !== undefined) {
    const notify = (notice: string): void => warn(`${dump}: ${notice}`);
    return SimulatedPool.fromDump(readText(dump), { ...common, source: dump, notify });
  }
  if (snapshot !== undefined)
    return SimulatedPool.fromSnapshot(readText(snapshot), { ...common, source: snapshot });
  if (Object.hasOwn(builtinScenarios, scenario)) return SimulatedPool.fromBuiltin(scenario, common);
  if (existsSync(scenario))
    return SimulatedPool.fromScenario(readText(scenario), { ...common, source: scenario });
  const known = Object.keys(builtinScenarios).join(", ");
  throw new AppError(
    "usage",
    `there is no file ${scenario}, nor a built-in scenario of that name (${known})`,
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AppError("file", `cannot read ${path}`, { cause });
  }
}

function warn(line: string): void {
  process.stderr.write(`xcp-sim: ${printable(line)}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Executes commands line by line; the end of the input ends nothing. Returns how to stop reading. */
function obeyInput(pool: SimulatedPool): () => void {
  // Who prints to a pipe that nobody reads any more still has a pool to serve.
  process.stdout.on("error", () => {});
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line.trim() === "") return;
    try {
      const answer = runCommand(pool, line);
      if (answer !== "") for (const text of answer.split("\n")) print(printable(text));
    } catch (error) {
      for (const text of describeError(error).split("\n")) print(printable(text));
    }
  });
  return () => {
    lines.close();
    process.stdin.destroy();
  };
}

function untilSignal(): Promise<void> {
  return new Promise((done) => {
    process.once("SIGINT", () => done());
    process.once("SIGTERM", () => done());
  });
}
