/**
 * Manual pages: packaging/man/NAME.md, in which options, commands, examples and exit codes are filled in from the program
 * itself, turned into roff by marked-man.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandList as promptCommands } from "../src/manager/commands/index.ts";
import { helpLines } from "../src/manager/help.ts";
import { commandList as poolCommands } from "../src/simulator/commands/commandList.ts";
import { type CommandTree, type OptionForm, projectFolder } from "./commandTree.ts";
import { examplesOf, exitCodesOf } from "./helpText.ts";

/** The page's Markdown. @throws Error where the page asks for something that does not exist. */
export function manMarkdown(tree: CommandTree): string {
  const template = readFileSync(join(projectFolder, "packaging", "man", `${tree.name}.md`), "utf8");
  // marked-man keeps the ends of lines: a paragraph is to be one line.
  const unwrapped = template.replaceAll(/(?<=\S)\n(?=[^\s*#{])/g, " ");
  return unwrapped.replaceAll(/^\{(.+)\}$/gm, (_, part: string) => {
    const fill = parts[part];
    if (fill === undefined) throw new Error(`packaging/man/${tree.name}.md asks for {${part}}`);
    return fill(tree);
  });
}

const parts: Readonly<Record<string, (tree: CommandTree) => string>> = {
  name: ({ name, description }) => `# ${name}(1) -- ${plain(lowerFirst(description))}`,
  synopsis: ({ name, usage }) =>
    usage.map((form) => `\`${form.startsWith(name) ? form : `${name} ${form}`}\``).join("\n\n"),
  options: ({ options }) => definitions(options.map(optionEntry)),
  commands: ({ name, commands }) =>
    withoutHelp(commands)
      .flatMap((command) => commandEntries(`${name} ${command.name}`, command))
      .join("\n\n"),
  "prompt commands": () => codeBlock(helpLines(promptCommands)),
  "pool commands": () =>
    definitions(Object.values(poolCommands).map(({ usage, help }) => [`\`${usage}\``, plain(help)] as const)),
  examples: (tree) => codeBlock(examplesOf(tree)),
  "exit codes": (tree) =>
    definitions(exitCodesOf(tree).map(([code, meaning]) => [`\`${code}\``, plain(meaning)])),
};

type Entry = readonly [term: string, meaning: string];

function optionEntry({ short, long, value, description }: OptionForm): Entry {
  const names = [short, long].filter((name) => name !== null).map((name) => `\`${name}\``);
  return [names.join(", ") + (value === null ? "" : ` *${plain(value)}*`), plain(description)];
}

/** A command with its options; of a family such as `schema` those in it. */
function commandEntries(name: string, { commands, description, options }: CommandTree): string[] {
  if (commands.length > 0) {
    return [
      `### ${name}`,
      plain(description),
      ...withoutHelp(commands).flatMap((command) => commandEntries(`${name} ${command.name}`, command)),
    ];
  }
  return [`### ${name}`, plain(description), definitions(options.map(optionEntry))];
}

/** Each has its --help; the command of that name says the same. */
function withoutHelp(commands: readonly CommandTree[]): readonly CommandTree[] {
  return commands.filter(({ name }) => name !== "help");
}

/** The list that `tidied` makes indented paragraphs of. */
function definitions(entries: readonly Entry[]): string {
  return entries.map(([term, meaning]) => `* ${term}:\n  ${meaning}`).join("\n");
}

function codeBlock(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}`).join("\n");
}

/** Text that Markdown is to leave alone. */
function plain(text: string): string {
  return text.replaceAll(/[\\`*_<>[\]|&]/g, "\\$&");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

/** A page of section 1 in roff. `date` is that of the commit, so that the same sources make the same page. */
export function manPage(tree: CommandTree, version: string, date: Date): string {
  const markedMan = join(projectFolder, "node_modules", "marked-man", "bin", "marked-man.js");
  const args = [
    markedMan,
    "--man-version",
    `xcp-balance ${version}`,
    "--manual",
    "xcp-balance",
    "--section",
    "1",
  ];
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)) };
  const made = spawnSync(process.execPath, args, { input: manMarkdown(tree), env, encoding: "utf8" });
  if (made.status !== 0) throw new Error(`marked-man could not make ${tree.name}(1): ${made.stderr}`);
  return tidied(made.stdout, date);
}

/** Terms and their meanings as man knows them, where marked-man makes a list with bullets; the date as mandoc likes it. */
function tidied(roff: string, date: Date): string {
  return roff
    .replaceAll(/^\.IP \\\(bu 2\n(.*):\n\.br\n/gm, ".TP\n$1\n")
    .replaceAll(/^\n?\.RS 1\n(?=\.TP)([\s\S]*?)\n?^\.RE\n/gm, "$1")
    .replaceAll(/^(\.S[HS] .*)\n+\.P\n/gm, "$1\n")
    .replace(/^(\.TH (?:"[^"]*" ){2})"[^"]*"/, `$1"${date.toISOString().slice(0, 10)}"`);
}
