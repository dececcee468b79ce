/** What a command of the manager is: one record, from its words to its JSON. Everything else loops over the list. */

import type { DoctorReport } from "../doctor/report.ts";
import type { ListedPool } from "../domain/poolOverview.ts";
import type { ReportFacts } from "../report/facts.ts";
import { isProblem, type TextProblem } from "../rules/problem.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import type { TerminalView } from "../text/screen.ts";
import type { OutputFormat } from "./format.ts";
import type { ArgumentCompletion } from "./offer.ts";
import type { ShownTable } from "./table.ts";
import type { Talk } from "./talk.ts";

/** What commands work with: the database, and the people or script that they talk to. */
export interface ManagerContext {
  readonly db: Database;
  readonly talk: Talk;
  /** How results are printed. */
  readonly format: OutputFormat;
  /** The terminal that results are laid out for where no format was asked for; null or absent: the thesis' lines. */
  readonly screen?: () => TerminalView | null;
  /** Whether lists are printed as records, a column a line; see \x. */
  readonly expanded?: boolean;
  /** Who sits here, "anna@desk7": it is written down with what is paused and excluded. */
  readonly operator: string;
  /** What plans are made by, as far as this program's own settings say. */
  readonly control: ControlSettings;
  /** All commands, for those that speak of others. */
  readonly commands: readonly ListedCommand[];
  readonly tools: ManagerTools;
}

/** A report in its file, and what it was drawn from. */
export interface DrawnReport {
  readonly file: string;
  readonly facts: ReportFacts;
}

/** What commands ask of beyond their own database. */
export interface ManagerTools {
  /** What is wrong with the set-up of this pool. */
  readonly diagnose: () => Promise<DoctorReport>;
  /** The pools of this machine. Throws AppError "file" where their folder cannot be read. */
  readonly pools: () => Promise<readonly ListedPool[]>;
  /** Hears of a report that was drawn. */
  readonly drawn?: (report: DrawnReport) => void;
  /** The lines of a result as they are printed; where several pools are asked they say whose it is. */
  readonly marked?: (lines: readonly string[]) => readonly string[];
}

/** An example as it is typed, or how the command is written and what that does: further texts are further lines. */
export type HelpEntry = string | readonly [written: string, ...meaning: string[]];

/** A command. What `read` makes of the text behind the words is what `run` takes; what that finds, `text` and `json`. */
export interface CommandRecord<Arguments, Result> {
  /** The fixed words that it begins with, in capitals. */
  readonly words: string;
  /** How it is written, in messages. */
  readonly usage: string;
  /** Other texts that mean it and nothing more, such as `?`. */
  readonly aliases?: readonly string[];
  /** What HELP says. Commands of one family share it; it is printed where the first of them stands. */
  readonly help: readonly HelpEntry[];
  /** What Tab offers behind the words; without it, nothing. */
  readonly complete?: ArgumentCompletion;
  /** Whether the conversation ends with it. */
  readonly leaves?: true;
  /** Reads what follows the words, without blanks around it. Never throws. */
  readonly read: (rest: string) => Arguments | TextProblem;
  /** Null where everything has been printed already. Throws AppError with a sentence for the operator. */
  readonly run: (context: ManagerContext, asked: Arguments) => Promise<NoInfer<Result> | null>;
  /** The lines for a terminal, names in them escaped, without line ends. */
  readonly text: (result: Result) => readonly string[];
  /** The lines for a terminal where it shows more than `text`, escaped; without it, `text`. */
  readonly screen?: (result: Result, screen: TerminalView) => readonly string[];
  /** The same for scripts: real values, names as they are. */
  readonly json: (result: Result) => unknown;
  /** Of a command that lists something: the list as a table, for people and spreadsheets. */
  readonly table?: (result: Result) => ShownTable;
  /** What a person may wonder about. It goes to standard error: scripts see an empty list. */
  readonly hints?: (result: Result) => readonly string[];
}

/** A command of the list, of whatever types. */
export interface ListedCommand
  extends Omit<CommandRecord<never, never>, "read" | "run" | "text" | "screen" | "json" | "table" | "hints"> {
  /** Whether it lists something, so that it can be printed as a table. */
  readonly lists: boolean;
  /** The command with what was asked for behind its words. */
  readonly call: (rest: string) => Call | TextProblem;
}

/** A command that was read from a line, ready to run. */
export interface Call {
  readonly kind: "call";
  readonly command: ListedCommand;
  readonly arguments: unknown;
  /** Null where everything has been printed already. */
  readonly run: (context: ManagerContext) => Promise<CommandOutcome | null>;
}

/** What a command found or did, on its way to the operator. */
export interface CommandOutcome {
  readonly text: () => readonly string[];
  /** Null where a terminal shows what `text` says. */
  readonly screen?: (screen: TerminalView) => readonly string[] | null;
  readonly json: () => unknown;
  /** Null where nothing is listed. */
  readonly table: () => ShownTable | null;
  readonly hints: () => readonly string[];
}

export interface Command<Arguments, Result> extends CommandRecord<Arguments, Result>, ListedCommand {
  /** What `call` asks for; null where it calls another command. */
  readonly argumentsIn: (call: Call) => Arguments | null;
}

/** Makes a command of its record. */
export function command<Arguments, Result>(
  record: CommandRecord<Arguments, Result>,
): Command<Arguments, Result> {
  const calls = new WeakMap<Call, Arguments>();
  const made: Command<Arguments, Result> = {
    ...record,
    lists: record.table !== undefined,
    call: (rest) => {
      const asked = record.read(rest);
      if (isProblem(asked)) return asked;
      const call: Call = {
        kind: "call",
        command: made,
        arguments: asked,
        run: async (context) => {
          const result = await record.run(context, asked);
          return result === null ? null : outcomeOf(record, result);
        },
      };
      calls.set(call, asked);
      return call;
    },
    argumentsIn: (call) => calls.get(call) ?? null,
  };
  return made;
}

function outcomeOf<Arguments, Result>(
  { text, screen, json, table, hints }: CommandRecord<Arguments, Result>,
  result: Result,
): CommandOutcome {
  return {
    text: () => text(result),
    screen: (of) => screen?.(result, of) ?? null,
    json: () => json(result),
    table: () => table?.(result) ?? null,
    hints: () => hints?.(result) ?? [],
  };
}
