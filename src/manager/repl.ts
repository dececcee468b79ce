/** The manager on a terminal: prompt, history, completion. The only file that knows node:readline. */

import readline from "node:readline";
import type { Readable, Writable } from "node:stream";
import { AppError, describeError } from "../domain/errors.ts";
import { printable } from "../text/text.ts";
import { type Backslash, backslashHelp, isWatchable, parseBackslash } from "./backslash.ts";
import type { ManagerContext } from "./command.ts";
import { completeAnswer, completeCommand, needsNames } from "./completion.ts";
import { type History, historySize } from "./history.ts";
import type { Completion, KnownNames } from "./offer.ts";
import { type Parsed, parseCommand } from "./parse.ts";
import { runCommand } from "./run.ts";
import { prompt } from "./script.ts";
import type { Question, Talk } from "./talk.ts";
import type { TextProblem } from "./words.ts";

export interface ReplOptions extends Omit<ManagerContext, "talk" | "expanded"> {
  readonly input: Readable;
  readonly output: Writable;
  readonly history: History;
  /** The names that completion offers; may fail, then it offers none. */
  readonly loadNames: () => Promise<KnownNames>;
  /** What the prompt is to say: asked before each command. Without it, or where it fails, the usual prompt. */
  readonly loadPrompt?: () => Promise<string>;
  /** Shows lines that are more than fit; false where it could not. Without it all is printed. */
  readonly pager?: (lines: readonly string[]) => Promise<boolean>;
  /** Ends the conversation. */
  readonly signal: AbortSignal;
}

/** Talks until EXIT, Ctrl-D or the signal. An error is printed, and the conversation goes on. */
export async function runRepl(options: ReplOptions): Promise<void> {
  const terminal = new Terminal(options);
  try {
    await new Conversation(options, terminal).run();
  } finally {
    terminal.close();
  }
}

/** Commands one after the other, and what is remembered between them. */
class Conversation {
  readonly #options: ReplOptions;
  readonly #terminal: Terminal;
  #lost = false;
  #expanded = false;
  /** The last command, for \watch. */
  #last: string | null = null;

  constructor(options: ReplOptions, terminal: Terminal) {
    this.#options = options;
    this.#terminal = terminal;
  }

  async run(): Promise<void> {
    const terminal = this.#terminal;
    for (let line = await terminal.readCommand(); line !== null; line = await terminal.readCommand()) {
      const asked = parseBackslash(line);
      if (asked === null ? await this.#command(line) : await this.#backslash(asked)) return;
    }
  }

  /** Whether the conversation ends. */
  async #command(line: string): Promise<boolean> {
    const parsed = parseCommand(this.#options.commands, line);
    if (parsed.kind === "call" && parsed.command.leaves) return true;
    if (parsed.kind === "call") this.#last = line;
    const context = { ...this.#options, talk: this.#terminal.talk, expanded: this.#expanded };
    this.#lost = await runTyped(context, parsed, this.#lost);
    return false;
  }

  async #backslash(asked: Backslash | TextProblem): Promise<boolean> {
    const { note, print } = this.#terminal.talk;
    switch (asked.kind) {
      case "quit":
        return true;
      case "help":
        for (const line of backslashHelp) print(line);
        return false;
      case "expanded":
        this.#expanded = asked.on ?? !this.#expanded;
        note(`Lists are shown as ${this.#expanded ? "records" : "tables"}.`);
        return false;
      case "watch":
        await this.#watch(asked.command ?? this.#last, asked.seconds);
        return false;
      case "problem":
        note(asked.message);
        return false;
      default:
        return asked satisfies never;
    }
  }

  /** Until a key ends it: Ctrl-C, Enter or Ctrl-D; or the signal. */
  async #watch(command: string | null, seconds: number): Promise<void> {
    const { note, print } = this.#terminal.talk;
    if (command === null || !isWatchable(command)) {
      note("There is nothing to watch: type a command that only looks first, such as SHOW LOAD.");
      return;
    }
    const parsed = parseCommand(this.#options.commands, command);
    const { page: _, ...talk } = this.#terminal.talk;
    for (;;) {
      print(
        `${new Date().toISOString().slice(0, 19).replace("T", " ")} UTC, every ${seconds} s; Ctrl-C ends it`,
      );
      print("");
      this.#lost = await runTyped({ ...this.#options, talk, expanded: this.#expanded }, parsed, this.#lost);
      print("");
      if (await this.#terminal.wait(seconds * 1000)) return;
    }
  }
}

/** Runs one command and prints its failure. Returns whether the connection to Mysql is lost now; `lost`: was before. */
async function runTyped(context: ManagerContext, parsed: Parsed, lost: boolean): Promise<boolean> {
  const { note } = context.talk;
  try {
    if (parsed.kind === "problem") throw new AppError("usage", parsed.message);
    if (parsed.kind === "nothing") return lost;
    await runCommand(context, parsed);
    if (lost) note("The connection to Mysql is back.");
    return false;
  } catch (error) {
    note(describeError(error));
    const lostNow = error instanceof AppError && error.code === "mysql";
    if (lostNow) note("The next command connects again.");
    return lostNow;
  }
}

/** How long Tab waits for names: readline takes no key meanwhile. */
const tabPatienceMs = 2_000;

/** What arrives from readline: a line, a Ctrl-C or the end. */
type Input = { readonly line: string } | "interrupt" | "end";

class Terminal {
  readonly talk: Talk;
  readonly #options: ReplOptions;
  readonly #readline: readline.Interface;
  readonly #arrived: Input[] = [];
  #wake: (() => void) | null = null;
  /** What Tab offers while a question waits; null at the prompt. */
  #suggestions: readonly string[] | null = null;

  constructor(options: ReplOptions) {
    this.#options = options;
    this.#readline = readline.createInterface({
      input: options.input,
      output: options.output,
      terminal: true,
      history: [...options.history.lines],
      historySize,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, found: Completion) => void) =>
        void this.#complete(line).then((found) => done(null, found)),
    });
    this.#listen();
    this.talk = {
      interactive: true,
      print: (line) => this.#write(`${line}\n`),
      // On a terminal both streams are the same screen; one stream keeps the order.
      note: (lines) => {
        for (const line of lines.split("\n")) this.#write(`${printable(line)}\n`);
      },
      ask: (question) => this.#ask(question),
      page: (lines) => this.#page(lines),
    };
  }

  /** The next command; null when the person leaves. Ctrl-C only clears the line. */
  async readCommand(): Promise<string | null> {
    for (;;) {
      const input = await this.#prompt((await this.#options.loadPrompt?.().catch(() => prompt)) ?? prompt);
      if (input === "end") this.#write("\n");
      if (input === "end") return null;
      if (input !== "interrupt") return input.line;
    }
  }

  /** Waits; true as soon as something is typed, or the person leaves. */
  async wait(ms: number): Promise<boolean> {
    // Ctrl-C draws the line anew: it is none of the prompt's.
    this.#readline.setPrompt("");
    if (this.#arrived.length === 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
    if (this.#arrived.length === 0) return false;
    if (this.#arrived[0] !== "end") this.#arrived.shift();
    return true;
  }

  /** Through the pager where the lines are more than the terminal has. */
  async #page(lines: readonly string[]): Promise<void> {
    const { pager, screen, input } = this.#options;
    const rows = screen?.()?.rows ?? Number.POSITIVE_INFINITY;
    if (pager !== undefined && lines.length >= rows) {
      const keyboard = input as Readable & { setRawMode?: (raw: boolean) => void };
      this.#readline.pause();
      keyboard.setRawMode?.(false);
      const shown = await pager(lines);
      keyboard.setRawMode?.(true);
      this.#readline.resume();
      if (shown) return;
    }
    for (const line of lines) this.#write(`${line}\n`);
  }

  close(): void {
    this.#readline.close();
  }

  /** The answer; null after Ctrl-C or Ctrl-D, which give the question up. */
  async #ask({ text, suggestions }: Question): Promise<string | null> {
    const lineEnd = text.lastIndexOf("\n") + 1;
    this.#write(text.slice(0, lineEnd));
    this.#suggestions = suggestions;
    try {
      const input = await this.#prompt(text.slice(lineEnd));
      return typeof input === "object" ? input.line : null;
    } finally {
      this.#suggestions = null;
    }
  }

  async #prompt(text: string): Promise<Input> {
    this.#readline.setPrompt(text);
    if (!this.#arrived.includes("end")) this.#readline.prompt();
    while (this.#arrived.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    // The end stays: whoever asks next must hear of it too.
    return this.#arrived[0] === "end" ? "end" : (this.#arrived.shift() ?? "end");
  }

  #listen(): void {
    const { signal, history } = this.#options;
    this.#readline.on("line", (line) => this.#arrive({ line }));
    this.#readline.on("close", () => this.#arrive("end"));
    this.#readline.on("SIGINT", () => this.#clearLine());
    this.#readline.on("history", (lines: string[]) => {
      // An answer to a question is no command to repeat.
      if (this.#suggestions !== null) lines.shift();
      else if (lines[0] !== undefined) history.add(lines[0]);
    });
    signal.addEventListener("abort", () => this.#readline.close(), { once: true });
  }

  #arrive(input: Input): void {
    this.#arrived.push(input);
    this.#wake?.();
  }

  #clearLine(): void {
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#write("^C\n");
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#arrive("interrupt");
  }

  async #complete(line: string): Promise<Completion> {
    if (this.#suggestions !== null) return completeAnswer(line, this.#suggestions);
    const none: KnownNames = { vms: [], hosts: [] };
    const { commands } = this.#options;
    if (!needsNames(commands, line)) return completeCommand(commands, line, none);
    const patience = new Promise<KnownNames>((resolve) => setTimeout(resolve, tabPatienceMs, none).unref());
    const names = await Promise.race([this.#options.loadNames().catch(() => none), patience]);
    return completeCommand(commands, line, names);
  }

  #write(text: string): void {
    this.#options.output.write(text);
  }
}
