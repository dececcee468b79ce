/** Commands of the manager, called in this process as the prompt calls them. */

import type { CommandOutcome } from "../../src/manager/command.ts";
import { commandList } from "../../src/manager/commands/index.ts";
import { parseCommand } from "../../src/manager/parse.ts";
import type { Talk } from "../../src/manager/talk.ts";
import { isProblem } from "../../src/rules/problem.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import type { ControlSettings } from "../../src/settings/types.ts";
import type { Database } from "../../src/store/connection.ts";
import { noTools } from "./noTools.ts";

/** Control's settings where nobody set any, but for `change`. */
export function controlDefaults(change: Partial<ControlSettings> = {}): ControlSettings {
  const nothing = { fileName: null, text: "", values: {}, environment: {} };
  const result = parseSettings({ ...nothing, readFile: () => "", readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return { ...result.settings.control, ...change };
}

async function outcomeOf(
  db: Database,
  line: string,
  change: Partial<ControlSettings>,
): Promise<CommandOutcome> {
  const call = parseCommand(commandList, line);
  if (isProblem(call) || call.kind !== "call")
    throw new Error(isProblem(call) ? call.message : `no command: ${line}`);
  const talk: Talk = {
    interactive: false,
    print: () => {},
    note: () => {},
    ask: () => Promise.reject(new Error("a question was asked")),
  };
  const outcome = await call.run({
    db,
    talk,
    format: "text",
    operator: "ann@desk7",
    control: controlDefaults(change),
    commands: commandList,
    tools: noTools,
  });
  if (outcome === null) throw new Error(`${line} printed by itself`);
  return outcome;
}

/** The lines that the command prints. */
export async function ask(
  db: Database,
  line: string,
  change: Partial<ControlSettings> = {},
): Promise<readonly string[]> {
  return (await outcomeOf(db, line, change)).text();
}

/** What it says as JSON. */
export async function askFor(
  db: Database,
  line: string,
  change: Partial<ControlSettings> = {},
): Promise<unknown> {
  return JSON.parse(JSON.stringify((await outcomeOf(db, line, change)).json()));
}
