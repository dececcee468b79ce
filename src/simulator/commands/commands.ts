/** Text commands that change the simulated pool while it runs: faults, power, loads. */
import { AppError } from "../../domain/errors.ts";
import type { SimulatedPool } from "../behaviour/simulatedPool.ts";
import { LineProblem, readStatementWords } from "../scenario/scenarioText.ts";
import { SimFailure } from "../server/failure.ts";
import { commandList } from "./commandList.ts";

/**
 * Runs one command and answers what it did, in words; "" for an empty line. Throws AppError (usage, or
 * not-found and ambiguous for names) where it cannot.
 */
export function runCommand(pool: SimulatedPool, line: string): string {
  try {
    const words = readStatementWords(line);
    const [name, ...rest] = words.words;
    if (name === undefined) return "";
    if (name === "help") return help(rest[0] ?? null);
    const command = commandList[name];
    if (command === undefined || !Object.hasOwn(commandList, name)) {
      throw new AppError("usage", `there is no command "${name}"; help lists them`);
    }
    if (rest.length < command.least || rest.length > command.most) {
      throw new AppError("usage", `usage: ${command.usage}`);
    }
    const unknown = [...words.settings.keys()].find((key) => !command.usage.includes(`[${key}=`));
    if (unknown !== undefined)
      throw new AppError("usage", `${name} has no ${unknown}=; usage: ${command.usage}`);
    return command.run(pool.model, rest, words.settings);
  } catch (error) {
    if (error instanceof LineProblem) throw new AppError("usage", error.message);
    if (error instanceof SimFailure) throw new AppError("refused", error.message);
    throw error;
  }
}

function help(name: string | null): string {
  const known = Object.entries(commandList).filter(([command]) => name === null || command === name);
  if (known.length === 0) throw new AppError("usage", `there is no command "${name}"; help lists them`);
  const lines = known.map(([, command]) => `${command.usage}\n    ${command.help}`);
  const names = "HOST and VM: a name, a uuid or the beginning of one. Times: 30s, 5m.";
  return name === null ? [...lines, names].join("\n") : lines.join("\n");
}
