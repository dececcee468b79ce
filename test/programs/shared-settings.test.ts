/** Settings as the three programs take and refuse them: one file or the environment, and never a word of a password. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramResult, runProgram, temporaryFolder, writeSettings } from "../support/programs.ts";
import { poolPassword, startWorld, type World } from "../support/world.ts";

type Program = "xcp-collect" | "xcp-manager" | "xcp-control";
const programs: readonly Program[] = ["xcp-collect", "xcp-manager", "xcp-control"];
const canary = "canary-7f3a";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
});
afterAll(() => world?.stop());

/** Runs all three at once in `cwd`. */
function runAll(cwd: string, env: Readonly<Record<string, string>> = {}): Promise<ProgramResult[]> {
  return Promise.all(programs.map((program) => runProgram(program, argsOf(program), { cwd, env })));
}

function argsOf(program: Program): readonly string[] {
  return program === "xcp-manager" ? ["-e", "SHOW VMS"] : program === "xcp-control" ? ["--dry-run"] : [];
}

async function folderWith(text: string, mode = 0o600): Promise<string> {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, "settings"), text);
  chmodSync(join(folder, "settings"), mode);
  return folder;
}

describe("without a settings file", () => {
  it("every program ends with 1, the thesis' sentence and the path that was tried", async () => {
    const folder = await temporaryFolder();
    for (const result of await runAll(folder)) {
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toContain(`Unable to locate settings file: tried ${folder}/settings;`);
    }
  });

  it("--settings names another one, and a path that is not there is named", async () => {
    const file = await writeSettings(await temporaryFolder(), world.settings("collect"));
    expect(await runProgram("xcp-collect", ["-q", "--settings", file])).toMatchObject({
      code: 0,
      stderr: "",
    });
    const missing = await runProgram("xcp-collect", ["--settings", `${file}.old`]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain(`Unable to locate settings file: tried ${file}.old`);
  });

  it("the environment may give everything, and its gaps are named", async () => {
    const cwd = await temporaryFolder();
    const env = environmentOf(world.settings("collect"));
    expect(await runProgram("xcp-collect", ["-q"], { cwd, env })).toMatchObject({ code: 0, stderr: "" });
    const { XCP_XEN_USR: _, ...gap } = env;
    const result = await runProgram("xcp-collect", [], { cwd, env: gap });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("XenUsr is missing; add a line XenUsr=... or set XCP_XEN_USR");
  });
});

function environmentOf(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `XCP_${key.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase()}`,
      value,
    ]),
  );
}

describe("a settings file", () => {
  it("that others can read is refused by every program, with the chmod that mends it", async () => {
    const folder = await folderWith(`XenPass=${canary}\n`, 0o644);
    for (const result of await runAll(folder)) {
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toContain("others can read it (mode 0644)");
      expect(result.stderr).toContain(`chmod 600 ${folder}/settings`);
      expect(result.stderr).not.toContain(canary);
    }
  });

  it("that is a folder is no file", async () => {
    const cwd = await temporaryFolder();
    mkdirSync(join(cwd, "settings"));
    const result = await runProgram("xcp-collect", [], { cwd });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(`${cwd}/settings is no file`);
  });

  it("has all its mistakes reported together, each with its line, and never a password", async () => {
    const lines = [
      "XenHost=,",
      "XenUsr=root",
      `XenPass=${canary}-1#x`,
      "MysqlHost=db:99999",
      "MysqlUsr=xcp",
      `MysqlPas='${canary}-2'`,
      `MysqlPass '${canary}-3'`,
      "CollectDeadlineSeconds=1",
      "XenCaFile=/nowhere/ca.pem",
      `XenUsr=${canary}-4`,
      "XenTlsMinVersion=SSLv3",
    ];
    const result = await runProgram("xcp-collect", [], { cwd: await folderWith(lines.join("\n")) });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    const said = result.stderr.trimEnd().split("\n");
    expect(said[0]).toBe("xcp-collect: 10 problems in the settings");
    expect(said).toHaveLength(11);
    for (const expected of [
      /settings: XenHost is missing/,
      /settings: line 3: XenPass holds an unquoted #/,
      /settings: line 4: MysqlHost: port 99999 is out of range/,
      /settings: line 6: unknown key MysqlPas; did you mean MysqlPass\?/,
      /settings: line 7: yields no key/,
      /settings: line 8: CollectDeadlineSeconds: must be a whole number from 5 to 3600, not "1"/,
      /settings: line 9: XenCaFile: cannot use the file it names/,
      /settings: line 10: XenUsr stands on line 2 already/,
      /settings: line 11: XenTlsMinVersion: must be one of/,
      /settings: MysqlPass is missing/,
    ]) {
      expect(said.filter((line) => expected.test(line))).toHaveLength(1);
    }
    expect(result.stderr).not.toContain(canary);
  });

  it("needs no pool for the manager, nor for control's dry run", async () => {
    const { XenHost: _, XenUsr: __, XenPass: ___, ...mysql } = world.settings("collect");
    const cwd = await temporaryFolder();
    await writeSettings(cwd, mysql);
    const [collect, manager, control] = await runAll(cwd);
    expect(collect?.code).toBe(1);
    expect(collect?.stderr.match(/is missing/g)).toHaveLength(3);
    // This account may not read rules and the like; what counts is that the settings were enough to get there.
    for (const result of [manager, control]) expect(result?.stderr).not.toMatch(/settings:|is missing/);
  });
});

describe("passwords from elsewhere", () => {
  it("the environment wins over the file", async () => {
    const change = { XenPass: `${canary}-wrong` };
    const right = await world.run("xcp-collect", ["-q"], { change, env: { XCP_XEN_PASS: poolPassword } });
    expect(right).toMatchObject({ code: 0, stderr: "" });
  });

  it("files named by the environment and by the settings are read without their line end", async () => {
    const folder = await temporaryFolder();
    const { XenPass: _, MysqlPass: __, ...rest } = world.settings("collect");
    writeFileSync(join(folder, "xen"), `${poolPassword}\n`, { mode: 0o600 });
    writeFileSync(join(folder, "mysql"), `${world.database.collect.password}\n`, { mode: 0o600 });
    await writeSettings(folder, { ...rest, MysqlPassFile: join(folder, "mysql") });
    const env = { XCP_XEN_PASS_FILE: join(folder, "xen") };
    expect(await runProgram("xcp-collect", ["-q"], { cwd: folder, env })).toMatchObject({
      code: 0,
      stderr: "",
    });
  });

  it("systemd credentials are read, and one that cannot be is named", async () => {
    const folder = await temporaryFolder();
    const { XenPass: _, MysqlPass: __, ...settings } = world.settings("collect");
    writeFileSync(join(folder, "XenPass"), poolPassword);
    writeFileSync(join(folder, "MysqlPass"), world.database.collect.password);
    const env = { CREDENTIALS_DIRECTORY: folder };
    expect(await runProgram("xcp-collect", ["-q"], { settings, env })).toMatchObject({ code: 0, stderr: "" });

    const broken = await temporaryFolder();
    mkdirSync(join(broken, "XenPass"));
    const result = await runProgram("xcp-collect", [], { settings, env: { CREDENTIALS_DIRECTORY: broken } });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(`${broken}/XenPass is no file`);
    expect(result.stderr).not.toContain("internal error");
  });

  it("given twice are refused, without a word of them", async () => {
    const env = { XCP_XEN_PASS: `${canary}-a`, XCP_XEN_PASS_FILE: "/nowhere" };
    const result = await world.run("xcp-collect", [], { env });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("XCP_XEN_PASS and XCP_XEN_PASS_FILE are both set; keep one");
    expect(result.stderr).not.toContain(canary);
  });
});

describe("a wrong command line", () => {
  it("ends every program with 2, before any settings are looked for", async () => {
    for (const program of programs) {
      const result = await runProgram(program, ["--nonsense"]);
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).toContain("--nonsense");
    }
  });

  it("and --help and --version end every program with 0", async () => {
    const asked = programs.flatMap((program) => [
      runProgram(program, ["--help"]),
      runProgram(program, ["--version"]),
    ]);
    for (const result of await Promise.all(asked)) expect(result).toMatchObject({ code: 0, stderr: "" });
  });
});
