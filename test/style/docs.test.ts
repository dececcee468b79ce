/**
 * The pages say everything there is, and lead nowhere that is not: commands, options and settings stand in docs/, links and
 * their anchors, and the source files that pages name, exist.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { namedSubjects } from "../../src/domain/subject.ts";
import { commandList as managerCommands } from "../../src/manager/commands/index.ts";
import { helpLines } from "../../src/manager/help.ts";
import { type SettingKey, settingKeys } from "../../src/settings/keys.ts";
import { commandList } from "../../src/simulator/commands/commandList.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const filesBelow = (folder: string) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map(
    (file) => `${folder}/${file.replaceAll("\\", "/")}`,
  );

const docs = filesBelow("docs").filter((file) => file.endsWith(".md"));
const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md", ...docs];

const programs = [
  { name: "xcp-collect", folder: "collect" },
  { name: "xcp-manager", folder: "manager" },
  { name: "xcp-control", folder: "control" },
  { name: "xcp-wlb", folder: "wlb" },
  { name: "xcp-sim", folder: "simulator" },
] as const;

/** "-s, --settings <path>" and the others, as the sources write them. */
const optionsOf = (folder: string) =>
  filesBelow(`src/${folder}`)
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => [...read(file).matchAll(/\b(?:option|Option)\(\s*"(-[^"]+)"/g)])
    .map(([, option = ""]) => option);

/** The page without its blocks of code, in which nothing is a link or a heading. */
const prose = (page: string) =>
  read(page)
    .split("\n")
    .filter((line) => !/^ {4,}\S/.test(line) || /^ {4,}(?:[-*]|\d+\.) /.test(line))
    .join("\n");

describe("docs/ has every", () => {
  it("command of the manager, in docs/commands.md as HELP writes it", () => {
    const page = read("docs/commands.md");
    const usages = helpLines(managerCommands)
      .filter((line) => /^[A-Z]/.test(line) && !line.startsWith("Upper"))
      .map((line) => line.split(/ {2,}/)[0] ?? line);
    expect(usages.length).toBeGreaterThan(30);
    expect(usages.filter((usage) => !page.includes(`    ${usage}`))).toEqual([]);
  });

  it.each(programs)("option of $name, in docs/commands.md as --help writes it", ({ name, folder }) => {
    const page = read("docs/commands.md");
    const chapter = page.split(/^## /m).find((text) => text.startsWith(`${name}\n`)) ?? "";
    const options = optionsOf(folder);
    expect(options.length).toBeGreaterThan(2);
    expect(options.filter((option) => !chapter.includes(`| \`${option}\` |`))).toEqual([]);
  });

  it("setting, in docs/settings.md with its default and range", () => {
    const page = read("docs/settings.md");
    const missing = Object.entries(settingKeys)
      .map(([key, definition]) => `| \`${key}\` | ${defaultOf(definition)} | ${rangeOf(definition)} |`)
      .map((row) => row.replaceAll(/ +/g, " "))
      .filter((row) => !page.includes(row));
    expect(missing).toEqual([]);
  });

  it("command of xcp-sim, in docs/simulator.md", () => {
    const page = read("docs/simulator.md");
    const usages = Object.values(commandList).map(({ usage }) => `\`${usage.replaceAll("|", "\\|")}\``);
    expect(usages.length).toBeGreaterThan(20);
    expect(usages.filter((usage) => !page.includes(`| ${usage} |`))).toEqual([]);
  });

  it("subject of rules, in docs/rules.md", () => {
    const page = read("docs/rules.md");
    expect(namedSubjects.filter((subject) => !page.includes(`\`${subject}\``))).toEqual([]);
  });

  it("gate, in docs/operation.md by its name", () => {
    const page = read("docs/operation.md");
    const [, table = ""] = /const names = \{(.*?)\} as const;/s.exec(read("src/domain/gate.ts")) ?? [];
    const names = [...table.matchAll(/: "([^"]+)"/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !page.includes(`\n| ${name} | `))).toEqual([]);
  });

  it("code of a failure, in docs/operation.md", () => {
    const page = read("docs/operation.md");
    const [, union = ""] =
      /export type AppErrorCode =\n((?: {2}\| "[a-z-]+";?\n)+)/.exec(read("src/domain/errors.ts")) ?? [];
    const codes = [...union.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });

  it("number of a fault that tests carry, in docs/developing.md", () => {
    const page = read("docs/developing.md");
    const texts = ["test", "soak"].flatMap(filesBelow).filter((file) => file.endsWith(".test.ts"));
    const numbers = new Set(texts.flatMap((file) => read(file).match(/\bF\d{1,2}(?=:)/g) ?? []));
    expect(numbers.size).toBeGreaterThan(30);
    expect(
      [...numbers].filter((number) => !new RegExp(`^\\|.*\\b${number}\\b.*\\|`, "m").test(page)),
    ).toEqual([]);
  });

  it("page linked from README.md", () => {
    const linked = linksOf("README.md").map(({ file }) => file);
    expect(docs.filter((page) => !linked.includes(page))).toEqual([]);
  });
});

describe("what pages point to is there:", () => {
  it.each(pages)("the links of %s", (page) => {
    const wrong = linksOf(page)
      .filter(
        ({ file, anchor }) =>
          !existsSync(path.join(root, file)) || (anchor !== "" && !anchorsOf(file).has(anchor)),
      )
      .map(({ written }) => written);
    expect(wrong).toEqual([]);
  });

  it.each(["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/developing.md"])(
    "the source files that %s names",
    (page) => {
      const known = ["src", "test", "bench", "scripts", "soak", "packaging", "sql", "docs"].flatMap(
        filesBelow,
      );
      const names = [...read(page).matchAll(/`([\w./-]+\.(?:ts|mjs|sql))`/g)].map(([, name]) => name ?? "");
      const isThere = (name: string) =>
        known.some((file) => file === name || file === `src/${name}` || file.endsWith(`/${name}`));
      expect(names.filter((name) => !isThere(name))).toEqual([]);
    },
  );

  it.each(pages)("the options of commands that %s prints", (page) => {
    const wrong = [
      ...read(page).matchAll(/\b(xcp-(?:collect|manager|control|sim))((?: [^\n`#|>]*)?)/g),
    ].flatMap(([, name = "", rest = ""]) => {
      const program = programs.find((each) => each.name === name);
      const known = new Set(["--help", "--version"]);
      for (const option of optionsOf(program?.folder ?? "")) {
        for (const word of option.match(/--[a-z-]+/g) ?? []) known.add(word);
      }
      const [own = ""] = rest.split(/\bxcp-/);
      return (own.match(/(?<=\s)--[a-z][a-z-]*/g) ?? [])
        .filter((option) => !known.has(option))
        .map((option) => `${name} ${option}`);
    });
    expect(wrong).toEqual([]);
  });

  it.each(pages)("the settings that %s names", (page) => {
    const tables = new Set(
      filesBelow("sql").flatMap((file) =>
        [...read(file).matchAll(/\b(?:TABLE|ON `\{database\}`\.)\s*(\w+)/g)].map(([, name]) => name),
      ),
    );
    const named =
      read(page).match(/(?<=`)(?:Xen|Mysql|Collect|History|Control|Green)[A-Z]\w+(?=[`=])/g) ?? [];
    expect(named.filter((name) => !(name in settingKeys) && !tables.has(name))).toEqual([]);
  });

  it("every folder of src in ARCHITECTURE.md, and none that is not there", () => {
    const page = read("ARCHITECTURE.md");
    const folders = readdirSync(path.join(root, "src")).filter((name) =>
      statSync(path.join(root, "src", name)).isDirectory(),
    );
    const named = [...page.matchAll(/^\| `(\w+)\/` \|/gm)].map(([, name]) => name ?? "");
    expect([...named].sort()).toEqual([...folders].sort());
  });

  it("README.md is read in one sitting: 150 lines at most", () => {
    expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(150);
  });

  it("no comment or page points to a paper outside the repository", () => {
    const texts = ["src", "test", "bench", "soak", "scripts", "sql"]
      .flatMap(filesBelow)
      .filter((file) => /\.(ts|mjs|sql|md)$/.test(file) && file !== "test/style/docs.test.ts");
    const outside = /\b(?:system|facts|house|planner|operations|stack|ecosystem|real-server)\.md\b/;
    expect([...texts, ...pages, "settings.example"].filter((file) => outside.test(read(file)))).toEqual([]);
  });
});

function defaultOf(definition: SettingKey): string {
  if (definition.required) return "needed";
  return "fallback" in definition && definition.fallback !== undefined ? String(definition.fallback) : "";
}

function rangeOf(definition: SettingKey): string {
  if (definition.kind === "integer") return `${definition.min} to ${definition.max}`;
  return definition.kind === "choice" ? definition.choices.join(", ") : "";
}

interface Link {
  readonly written: string;
  /** From the project's root; the page itself where only an anchor is given. */
  readonly file: string;
  readonly anchor: string;
}

/** Links within the repository. */
function linksOf(page: string): Link[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, written]) => written ?? "")
    .filter((written) => !/^[a-z]+:/.test(written))
    .map((written) => {
      const [file = "", anchor = ""] = written.split("#");
      const target = file === "" ? page : path.posix.join(path.posix.dirname(page), file);
      return { written, file: target, anchor };
    });
}

/** The anchors that a page's headings have, as the web shows them: small letters, blanks as hyphens, no marks. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of prose(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let unique = anchor;
    for (let nth = 1; anchors.has(unique); nth++) unique = `${anchor}-${nth}`;
    anchors.add(unique);
  }
  return anchors;
}
