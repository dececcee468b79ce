/**
 * One source for help, man page and completion: the options that the programs themselves read. And what a stranger has written,
 * or somebody typed, is never run by a shell that completes.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type CommandTree,
  type OptionForm,
  projectFolder,
  readCommandTrees,
} from "../../packaging/commandTree.ts";
import { bashCompletion } from "../../packaging/completion/bash.ts";
import { fishCompletion } from "../../packaging/completion/fish.ts";
import { commandPaths, safe, spellings } from "../../packaging/completion/words.ts";
import { zshCompletion } from "../../packaging/completion/zsh.ts";
import { examplesOf, exitCodesOf } from "../../packaging/helpText.ts";
import { manMarkdown, manPage } from "../../packaging/manPage.ts";
import { commandList } from "../../src/manager/commands/index.ts";
import { helpLines } from "../../src/manager/help.ts";
import { runProgram, temporaryFolder } from "../support/programs.ts";

let trees: readonly CommandTree[];

beforeAll(async () => {
  trees = await readCommandTrees();
});

const tree = (name: string): CommandTree => {
  const found = trees.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no program ${name}`);
  return found;
};

describe("the command tree", () => {
  it("is what --help prints: every program, option and command", async () => {
    expect(trees.length).toBeGreaterThanOrEqual(4);
    const printedBy = await Promise.all(trees.map(({ name }) => runProgram(name as "xcp-sim", ["--help"])));
    for (const [index, { options, commands }] of trees.entries()) {
      const stdout = printedBy[index]?.stdout ?? "";
      const printed = [...stdout.matchAll(/^ {2}(?:(-\w), )?(--[a-z-]+)/gm)].map(([, short, long]) => [
        short ?? null,
        long,
      ]);
      expect(options.map(({ short, long }) => [short, long])).toEqual(printed);
      for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command.name}\\b`, "m"));
    }
  });

  it("has examples and exit codes, which the man pages take from there", () => {
    for (const each of trees) expect(examplesOf(each).length, each.name).toBeGreaterThan(2);
    const codes = exitCodesOf(tree("xcp-collect")).map(([code]) => code);
    expect(codes).toEqual(["0", "1", "2", "3", "4", "130/143"]);
    expect(exitCodesOf(tree("xcp-control")).map(([code]) => code)).toContain("10");
  });
});

describe("docs/commands.md", () => {
  it("has every option that a program reads, and every command that it is called with", () => {
    const chapters = readFileSync(join(projectFolder, "docs", "commands.md"), "utf8").split(/^## /m);
    for (const each of trees) {
      const chapter = chapters.find((text) => text.startsWith(`${each.name}\n`)) ?? "";
      for (const { command, words } of commandPaths(each)) {
        if (words.length > 0) expect(chapter).toContain([each.name, ...words].join(" "));
        for (const { long } of command.options.filter((option) => !isEverywhere(option))) {
          expect(chapter, each.name).toMatch(new RegExp(`\`[^\`]*${long}\\b`));
        }
      }
    }
  });
});

/** --help and --version, which the page names once for all. */
function isEverywhere({ long }: OptionForm): boolean {
  return long === "--help" || long === "--version";
}

const sections = [
  ..."NAME,SYNOPSIS,DESCRIPTION,OPTIONS,EXIT STATUS,FILES,ENVIRONMENT,EXAMPLES,SEE ALSO".split(","),
];

describe("the man page", () => {
  it("of each program has its sections, every option, command, example and exit code", () => {
    for (const each of trees) {
      const roff = manPage(each, "1.2.3", new Date(0));
      const found = [...roff.matchAll(/^\.SH "?([A-Z ]+)"?$/gm)].map(([, heading]) => heading);
      for (const section of sections) expect(found, each.name).toContain(section);
      const text = roff.replaceAll("\\", "").replaceAll(/f[BIRP]/g, "");
      for (const { command } of commandPaths(each)) {
        for (const option of command.options) expect(text, each.name).toContain(`\n${term(option)}`);
      }
      for (const [code] of exitCodesOf(each)) expect(text).toContain(`\n.TP\n${code}\n`);
    }
    const manager = manMarkdown(tree("xcp-manager"));
    for (const line of helpLines(commandList)) expect(manager).toContain(`    ${line}\n`);
    for (const example of examplesOf(tree("xcp-manager"))) expect(manager).toContain(`    ${example}`);
  });

  it.skipIf(!has("mandoc"))("is roff that mandoc has nothing to say against but long lines", async () => {
    const folder = await temporaryFolder();
    for (const each of trees) {
      const file = join(folder, `${each.name}.1`);
      writeFileSync(file, manPage(each, "1.2.3", new Date(0)));
      const { stdout } = spawnSync("mandoc", ["-Tlint", "-Wwarning", file], { encoding: "utf8" });
      expect(stdout).toBe("");
    }
  });
});

/** The head of an option's paragraph, roff's marks taken out. */
function term({ short, long, value }: OptionForm): string {
  return [short, long].filter((name) => name !== null).join(", ") + (value === null ? "" : ` ${value}`);
}

describe("completion", () => {
  it("has every option, command and choice, in each shell", () => {
    for (const each of trees) {
      const scripts = [bashCompletion(each), zshCompletion(each), fishCompletion(each)];
      for (const { command, words } of commandPaths(each)) {
        for (const script of scripts) for (const word of words) expect(script).toContain(word);
        for (const option of command.options) {
          for (const name of spellings(option)) expect(scripts[1]).toContain(name);
          if (option.long === null) continue;
          expect(scripts[0]).toContain(option.long);
          expect(scripts[2]).toContain(`-l ${option.long.slice(2)} `);
          for (const script of scripts) expect(script).toContain(option.choices.join(" "));
        }
      }
    }
  });

  it("is never made of a word that a shell could read otherwise", () => {
    for (const word of ["$(id)", "a b", "`id`", "a;b", "--x=$y", "", "a'b", "*", "~"]) {
      expect(() => safe(word)).toThrow();
    }
  });

  it("offers in bash what fits there: options, commands in commands, values, files by readline", async () => {
    const complete = await bash();
    expect(complete(["xcp-control", "--dr"])).toEqual(["--dry-run"]);
    expect(complete(["xcp-manager", "--format", "js"])).toEqual(["json", "jsonl"]);
    expect(complete(["xcp-manager", "--format", "=", "cs"])).toEqual(["csv"]);
    expect(complete(["xcp-manager", "schema", "in"])).toEqual(["install"]);
    expect(complete(["xcp-manager", "-s", "schema", "schema", "install", "--admin-u"])).toEqual([
      "--admin-user",
    ]);
    expect(complete(["xcp-control", "--evacuate", ""])).toEqual([]);
  });
});

/** What an unlucky administrator has typed, or a file or VM is called. Run, each makes a file. */
const hostile = "$(touch ran-one)`touch ran-two`";

describe.skipIf(!has("python3"))("a shell that completes runs nothing", () => {
  const typed = `'${hostile}'`;
  const conversation = (setUp: string): readonly Step[] => [
    ["ready> ", `${setUp}; xcp-control() { printf 'got<%s>' "$@"; echo; }\n`],
    ["ready> ", `xcp-control plan ${typed} \t\t`],
    ["ran-two", "\u0015xcp-control --settings a\t"],
    [".settings", "\n"],
    ["got", "xcp-control --dry\t"],
    ["--dry-run", "\u0015exit\n"],
  ];

  it.skipIf(!has("bash"))("bash: neither what was typed nor the name of a file", async () => {
    const { folder, script } = await place("bash", bashCompletion);
    const command = [which("bash"), "--noprofile", "--norc", "-i"];
    const output = await play(folder, command, conversation(`source '${script}'`));
    expect(output).toContain(`got<--settings>got<a${hostile}.settings>`);
    expect(output).toContain("xcp-control --dry-run");
    expect(readdirSync(folder).filter((name) => name.startsWith("ran-"))).toEqual([]);
  });

  it.skipIf(!has("zsh"))("zsh: the same", async () => {
    const { folder, script } = await place("zsh", zshCompletion);
    const setUp = `PS1='ready> '; fpath=('${join(script, "..")}' $fpath); autoload -U compinit; compinit -u -D`;
    const output = await play(folder, [which("zsh"), "-f", "-i"], conversation(setUp));
    expect(output).toContain(`got<--settings>got<a${hostile}.settings>`);
    expect(output).toContain("xcp-control --dry-run");
    expect(readdirSync(folder).filter((name) => name.startsWith("ran-"))).toEqual([]);
  });
});

it.skipIf(!has("fish"))("fish offers options, commands and values, and runs nothing", async () => {
  const { folder, script } = await place("fish", fishCompletion);
  const complete = (line: string) =>
    execFileSync("fish", ["--no-config", "-c", `source '${script}'; complete -C "$argv[1]"`, line], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, HOME: folder },
    })
      .split("\n")
      .map((offered) => offered.split("\t")[0]);
  expect(complete("xcp-control --dry")).toContain("--dry-run");
  complete(`xcp-control ${hostile} --dry`);
  expect(complete("xcp-control --settings a").join()).toContain(".settings");
  expect(readdirSync(folder).filter((name) => name.startsWith("ran-"))).toEqual([]);
});

/** A folder with a file of a hostile name, and the completion of xcp-control as its shell finds it. */
async function place(
  shell: string,
  make: (tree: CommandTree) => string,
): Promise<{ readonly folder: string; readonly script: string }> {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, `a${hostile}.settings`), "");
  const script = join(await temporaryFolder(), shell, "_xcp-control");
  mkdirSync(join(script, ".."));
  writeFileSync(script, make(tree("xcp-control")));
  return { folder, script };
}

/** Calls the function of a program as bash does at Tab. */
async function bash(): Promise<(words: readonly string[]) => readonly string[]> {
  const folder = await temporaryFolder();
  for (const each of trees) writeFileSync(join(folder, each.name), bashCompletion(each));
  const call = `source "$0/$1"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_\${1//-/_}"; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (words) =>
    execFileSync("bash", ["--norc", "-c", call, folder, ...words], { encoding: "utf8" })
      .split("\n")
      .filter((word) => word !== "");
}

/** What to wait for, and what to type then. */
type Step = readonly [string, string];

async function play(cwd: string, command: readonly string[], steps: readonly Step[]): Promise<string> {
  const player = fileURLToPath(new URL("../programs/terminal.py", import.meta.url));
  const env = { PATH: process.env["PATH"] ?? "", HOME: cwd, TERM: "dumb", PS1: "ready> ", COLUMNS: "500" };
  const child = spawn("python3", [player], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify({ cwd, command, env, steps, deadlineSeconds: 40 }));
  let text = "";
  for await (const part of child.stdout.setEncoding("utf8")) text += part;
  return (JSON.parse(text) as { output: string }).output;
}

function has(program: string): boolean {
  const found = which(program) !== "";
  if (!found) console.warn(`no ${program} here: its tests are skipped`);
  return found;
}

function which(program: string): string {
  return spawnSync("sh", ["-c", 'command -v "$0"', program], { encoding: "utf8" }).stdout.trim();
}
