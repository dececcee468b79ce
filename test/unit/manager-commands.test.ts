/** Every command of the list says all that is said of a command, and everything that loops over the list knows it. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { ListedCommand } from "../../src/manager/command.ts";
import { commandList } from "../../src/manager/commands/index.ts";
import { completeCommand, needsNames } from "../../src/manager/completion.ts";
import { helpLines } from "../../src/manager/help.ts";
import { parseCommand } from "../../src/manager/parse.ts";
import { isProblem } from "../../src/rules/problem.ts";
import { asked, messageFor } from "../support/asked.ts";

const folder = fileURLToPath(new URL("../../src/manager/commands/", import.meta.url));
const isCommand = (value: unknown) => typeof value === "object" && value !== null && "call" in value;
const each = commandList.map((command) => [command.words, command] as const);
const lines = helpLines(commandList);

/** The words as HELP may write them: `EXPLAIN VM|HOST` has both. */
function written(words: string): RegExp {
  const parts = words.split(" ").map((word) => `(?:[A-Z]+\\|)*${word}(?:\\|[A-Z]+)*`);
  return new RegExp(`\\b${parts.join(" ")}\\b`);
}

describe("the list of commands", () => {
  test("has every command that a file makes, and no words twice", async () => {
    const files = readdirSync(folder).filter((file) => file !== "index.ts");
    const modules = await Promise.all(files.map((file) => import(`${folder}${file}`)));
    const made = modules.flatMap((module) => Object.values<object>(module)).filter(isCommand);
    expect(new Set(commandList)).toEqual(new Set(made));
    const texts = commandList.flatMap(({ words, aliases = [] }) => [words, ...aliases]);
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("has files that each make one, or some that belong together", async () => {
    for (const file of readdirSync(folder).filter((name) => name !== "index.ts")) {
      const values = Object.values<object>(await import(`${folder}${file}`));
      expect(values.filter(isCommand).length, file).toBeGreaterThan(0);
    }
  });
});

describe.each(each)("%s", (words, command) => {
  test("has usage, help, text and JSON", () => {
    expect(command.usage.startsWith(words)).toBe(true);
    const entries = command.help.filter((entry) => typeof entry !== "string");
    expect(entries.length).toBeGreaterThan(0);
    for (const [, ...meaning] of entries) expect(meaning.join(" ")).toMatch(/\w+ \w+/);
    expect(command).toMatchObject({ text: expect.any(Function), json: expect.any(Function) });
  });

  test("stands in HELP", () => {
    expect(lines.filter((line) => written(words).test(line))).not.toEqual([]);
  });

  test("is read from its words in any case, or says what is missing", () => {
    const call = parseCommand(commandList, `  ${words.toLowerCase().replaceAll(" ", "  ")} ;`);
    if (isProblem(call)) expect(call.message).toMatch(/^[A-Z].*\./);
    else expect(call).toMatchObject({ kind: "call", command });
    for (const alias of command.aliases ?? []) expect(asked(alias)).toEqual([words, null]);
  });

  test("is offered by Tab, and what it offers behind its words asks for names only where it says so", () => {
    const none = { vms: [], hosts: [] };
    const begin = beginOf(command);
    const wanted = begin === null ? words : words.slice(begin.length + 1);
    expect(completeCommand(commandList, words.slice(0, -1).toLowerCase(), none)[0]).toContain(wanted);
    expect(needsNames(commandList, `${words} `)).toBe(command.complete?.names ?? false);
    const names = { vms: [{ uuid: "v", name: "vm1" }], hosts: [{ uuid: "h", name: "h1" }], rules: ["r1"] };
    const differs = offered(command, none).join() !== offered(command, names).join();
    expect(differs).toBe(command.complete?.names ?? false);
  });

  test("is what is meant where its words are mistyped or cut off", () => {
    if (beginOf(command) !== null) return;
    const swapped = words.slice(0, -2) + words.slice(-1) + words.slice(-2, -1);
    if (swapped !== words) expect(messageFor(swapped)).toContain("Did you mean");
    const last = words.lastIndexOf(" ");
    if (last > 0) expect(messageFor(words.slice(0, last))).toContain(command.usage);
  });

  test("has examples that are commands of its family", () => {
    for (const example of command.help.filter((entry) => typeof entry === "string")) {
      const call = parseCommand(commandList, example);
      expect(call, example).toMatchObject({ kind: "call", command: { help: command.help } });
    }
  });
});

function offered(command: ListedCommand, names: Parameters<typeof completeCommand>[2]): readonly string[] {
  return completeCommand(commandList, `${command.words} `, names)[0];
}

/** The words of a shorter command that this one's begin with: SHOW LOAD of SHOW LOAD HOST. */
function beginOf({ words }: ListedCommand): string | null {
  return commandList.find((other) => words.startsWith(`${other.words} `))?.words ?? null;
}
