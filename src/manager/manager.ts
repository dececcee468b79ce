/** Chooses how the manager talks: a script from -e, -f or a pipe, or a person on a terminal. */

import fs from "node:fs";
import type { Readable, Writable } from "node:stream";
import { AppError, exitCode } from "../domain/errors.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { listAddedRules } from "../store/rules.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { loadStanding } from "../store/standing.ts";
import type { TerminalView } from "../text/screen.ts";
import type { ManagerTools } from "./command.ts";
import { commandList } from "./commands/index.ts";
import type { OutputFormat } from "./format.ts";
import { historyPath, openHistory } from "./history.ts";
import { type LineSource, linesOf, linesOfTexts } from "./lines.ts";
import type { KnownNames } from "./offer.ts";
import { runRepl } from "./repl.ts";
import { prompt, runScript } from "./script.ts";
import { promptOf } from "./standing.ts";

export interface ManagerOptions {
  readonly db: Database;
  /** Commands of -e, then files of -f ("-" is standard input); without either, `input` is read. */
  readonly commands: readonly string[];
  /** Where they come from, for messages; -e where it is left out, and empty where a word of the command line wrote them. */
  readonly commandsFrom?: string;
  readonly files: readonly string[];
  readonly format: OutputFormat;
  /** The terminal that results are laid out for; null where the format was asked for, or there is none. */
  readonly screen: () => TerminalView | null;
  /** Shows lines that are more than fit; null where none is to do so. */
  readonly pager: ((lines: readonly string[]) => Promise<boolean>) | null;
  /** Who sits here, "anna@desk7". */
  readonly operator: string;
  /** What plans are made by. */
  readonly control: ControlSettings;
  readonly echo: boolean;
  readonly input: Readable;
  readonly output: Writable;
  /** Whether a person sits at both `input` and `output`. */
  readonly terminal: boolean;
  /** Writes one line for the operator on standard error. */
  readonly note: (line: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Writes text as it is on `output`. Throws AppError "file" where it cannot be written. */
  readonly write: (text: string) => void;
  /** Aborted when nobody reads `output` any more. */
  readonly outputClosed: AbortSignal;
  readonly tools: ManagerTools;
}

/** Runs the manager to its end and returns the exit code. Throws the failure that ends a script. */
export async function runManager(options: ManagerOptions): Promise<number> {
  const scripted = options.commands.length + options.files.length > 0;
  return options.terminal && !scripted ? runInteractive(options) : runScripts(options);
}

async function runInteractive(options: ManagerOptions): Promise<number> {
  const { db, format, operator, control, input, output, screen, pager, tools } = options;
  const history = openHistory(historyPath(options.environment));
  const signal = AbortSignal.any([options.signal, options.outputClosed]);
  await runRepl({
    db,
    format,
    operator,
    control,
    tools,
    commands: commandList,
    input,
    output,
    signal,
    history,
    loadNames: () => loadNames(db),
    screen,
    loadPrompt: () => loadPrompt(options),
    ...(pager === null ? {} : { pager }),
  });
  return exitCode.done;
}

async function runScripts(options: ManagerOptions): Promise<number> {
  const { input, signal, outputClosed } = options;
  // A script that waits for its next line hears of neither; taking the input away ends the wait.
  const letGo = () => input.destroy();
  const ended = AbortSignal.any([signal, outputClosed]);
  ended.addEventListener("abort", letGo, { once: true });
  try {
    return await runSources(options);
  } catch (error) {
    // Whoever stopped reading the output wants no complaint about it either.
    if (outputClosed.aborted && !(error instanceof AppError)) return exitCode.couldNotRun;
    throw error;
  } finally {
    ended.removeEventListener("abort", letGo);
  }
}

async function runSources(options: ManagerOptions): Promise<number> {
  const { db, format, operator, control, echo, note, write, screen, tools } = options;
  const { outputClosed: closed } = options;
  const output = { write, note, closed };
  for (const open of sources(options)) {
    const { source, moreAnswers } = open();
    try {
      const context = { db, format, operator, control, screen, tools, commands: commandList };
      const end = await runScript({ ...context, echo, source, moreAnswers, output });
      if (end === "exit") return exitCode.done;
      if (end === "cut") return exitCode.couldNotRun;
    } finally {
      await moreAnswers?.close();
    }
  }
  return exitCode.done;
}

interface OpenSource {
  readonly source: LineSource;
  readonly moreAnswers: LineSource | null;
}

/** The scripts in their order, opened one after the other. */
function sources(options: ManagerOptions): (() => OpenSource)[] {
  const { commands, files, input } = options;
  const fromInput = () => linesOf("stdin", input);
  if (commands.length + files.length === 0) return [() => ({ source: fromInput(), moreAnswers: null })];
  const fromFiles = files.map((file) => () => ({
    source: file === "-" ? fromInput() : openFile(file),
    moreAnswers: null,
  }));
  if (commands.length === 0) return fromFiles;
  // `echo Y | xcp-manager -e "DELETE RULE HOST"`: who pipes answers beside -e means them for its questions.
  const moreAnswers = files.includes("-") ? null : fromInput();
  return [
    () => ({ source: linesOfTexts(options.commandsFrom ?? "-e", commands), moreAnswers }),
    ...fromFiles,
  ];
}

function openFile(file: string): LineSource {
  try {
    const descriptor = fs.openSync(file, "r");
    return linesOf(file, fs.createReadStream("", { fd: descriptor }));
  } catch (error) {
    throw new AppError("file", `Unable to read ${file}`, { cause: error });
  }
}

/** How long the prompt waits for what it says of the data. */
const promptPatienceMs = 500;

async function loadPrompt({ db, control, screen }: ManagerOptions): Promise<string> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, promptPatienceMs, null).unref());
  const standing = await Promise.race([loadStanding(db), late]);
  return promptOf(standing, control.snapshotMaxAgeSeconds, prompt, screen());
}

async function loadNames(db: Database): Promise<KnownNames> {
  const snapshot = (await loadSnapshot(db))?.snapshot;
  const { chains, green } = await listAddedRules(db);
  const rules = [...chains, ...green].flatMap(({ rule }) => rule.name ?? []);
  return { vms: snapshot?.vms ?? [], hosts: snapshot?.hosts ?? [], rules };
}
