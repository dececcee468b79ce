/** xcp-manager on a terminal, played by python3's pty. Skipped where there is no python3. */

import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { createHostRule, deleteRuleOfKind } from "../../src/store/ruleChanges.ts";
import { listRules } from "../../src/store/rules.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { coverageEnvironment, runProgram, temporaryFolder, writeSettings } from "../support/programs.ts";
import { thesisPool } from "./managerPool.ts";

const python = findPython();
const player = fileURLToPath(new URL("terminal.py", import.meta.url));
const program = fileURLToPath(new URL("../../dist/manager/main.js", import.meta.url));
const control = fileURLToPath(new URL("../../dist/control/main.js", import.meta.url));

function findPython(): string | null {
  try {
    return execFileSync("python3", ["-c", "import pty, sys; print(sys.executable)"], {
      encoding: "utf8",
    }).trim();
  } catch {
    console.warn("no python3 with pty: the manager's terminal tests are skipped");
    return null;
  }
}

/** The pool and the age of its data stand before it. */
const prompt = "]> ";
const [ctrlC, ctrlD, up, tab] = ["\u0003", "\u0004", "\u001b[A", "\t"];

interface Stage {
  readonly environment?: Readonly<Record<string, string>>;
  /** Rows and columns. */
  readonly size?: readonly [number, number];
  /** The program's main; the manager's where it is left out. */
  readonly command?: string;
}

/** What to wait for, and what to type then. */
type Step = readonly [string, string];

describe.skipIf(python === null)("on a terminal", () => {
  let database: TestDatabase;
  let admin: Database;
  let folder: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    admin = await openDatabase(database.admin);
    const collector = await openDatabase(database.collect);
    await saveSnapshot(collector, await beginCollection(collector), thesisPool, { complete: true });
    await collector.close();
    // Compiles the program where it is older than its source.
    await runProgram("xcp-manager", ["--version"]);
  });

  afterAll(async () => {
    await admin?.close();
    await database?.drop();
  });

  beforeEach(async () => {
    for (const rule of await listRules(admin))
      await deleteRuleOfKind(admin, "HOST", { by: "subject", subject: rule.subject }, "");
    folder = await temporaryFolder();
    const [server] = database.manager.servers;
    await writeSettings(folder, {
      MysqlHost: `${server?.host}:${server?.port}`,
      MysqlUsr: database.manager.user,
      MysqlPass: database.manager.password,
      MysqlDatabase: database.manager.database,
    });
  });

  async function play(
    steps: readonly Step[],
    args: readonly string[] = [],
    { environment = {}, size, command: main = program }: Stage = {},
  ): Promise<{ code: number; output: string; raw: string }> {
    const own = { PATH: process.env["PATH"], HOME: folder, LANG: "C.UTF-8", TERM: "xterm", ...environment };
    const env = { ...own, ...coverageEnvironment() };
    const command = [process.execPath, main, ...args];
    const child = spawn(python ?? "", [player], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(JSON.stringify({ command, cwd: folder, env, steps, size, deadlineSeconds: 20 }));
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk);
    const played = JSON.parse(Buffer.concat(chunks).toString()) as { code: number; output: string };
    const output = stripVTControlCharacters(played.output).replaceAll("\r", "");
    return { code: played.code, output, raw: played.output };
  }

  test("a rule is made by the thesis' dialogue, and Ctrl-D leaves", async () => {
    const { code, output } = await play([
      [prompt, "CREATE RULE HOST\r"],
      ["CpuAverage]:", "CpuAverage\r"],
      ["Is more than [%]:", "25\r"],
      ["And when [subjects, or nothing]:", "\r"],
      ["Confirm ? [Y/N] ", "Y\r"],
      [prompt, "SHOW RULES HOST\r"],
      ["above the medium", ""],
      [prompt, ctrlD],
    ]);
    expect(code).toBe(0);
    expect(output).toContain("Add a new Host Rule (Pool wide):\n\nWhen [");
    expect(output).toContain(
      "When CpuAverage is more than 25 % above the medium migrate to the less loaded host",
    );
    expect(await listRules(admin)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
  });

  test("xcp-wlb asks twice for the password whose hash it prints, and shows it not", async () => {
    await runProgram("xcp-wlb", ["--version"]);
    const main = fileURLToPath(new URL("../../dist/wlb/main.js", import.meta.url));
    const asked = (again: string) =>
      play(
        [
          ["log in with: ", "hidden1\r"],
          ["again: ", `${again}\r`],
        ],
        ["--hash-password"],
        { command: main },
      );
    const { code, output } = await asked("hidden1");
    expect([code, output]).toEqual([0, expect.stringMatching(/^WlbPassHash=scrypt:/m)]);
    const differing = await asked("hidden2");
    expect([differing.code, differing.output]).toEqual([2, expect.stringContaining("the two differ")]);
    expect(output + differing.output).not.toContain("hidden");
  });

  test("a wrong answer is asked again with the reason", async () => {
    const { output } = await play([
      [prompt, "CREATE RULE HOST\r"],
      ["CpuAverage]:", "CpuAvrage\r"],
      ["Did you mean CpuAverage?", ""],
      ["CpuAverage]:", "CpuAverage\r"],
      ["Is more than [%]:", "lots\r"],
      ["is no threshold", ""],
      ["Is more than [%]:", "25\r"],
      ["And when [subjects, or nothing]:", "Y\r"],
      ["press Enter alone", ""],
      ["And when [subjects, or nothing]:", "\r"],
      ["Confirm ? [Y/N] ", "maybe\r"],
      ["neither Y nor N", ""],
      ["Confirm ? [Y/N] ", "N\r"],
      ["No rule created", ""],
      [prompt, "EXIT\r"],
    ]);
    expect(output).not.toContain("too slow");
    expect(await listRules(admin)).toEqual([]);
  });

  test("an error is printed and the next command runs", async () => {
    const { code, output } = await play([
      [prompt, "SHWO VMS\r"],
      ["Did you mean SHOW VMS?", ""],
      [prompt, "SHOW VM nobody\r"],
      ["There is no VM", ""],
      [prompt, "SHOW HOSTS\r"],
      ["Host1 ", ""],
      [prompt, "quit\r"],
    ]);
    expect(code).toBe(0);
    expect(output).not.toContain("too slow");
  });

  test("Ctrl-C clears the line, and gives a dialogue up without a change", async () => {
    await createHostRule(admin, { subject: "CpuAverage", threshold: 25 }, "");
    const { code, output } = await play([
      [prompt, `DELETE RULE HOST ALL${ctrlC}`],
      ["^C", ""],
      [prompt, "DELETE RULE HOST\r"],
      ["[Y/N] ", ctrlC],
      ["nothing was changed", ""],
      [prompt, "SHOW POOL\r"],
      ["VMs running - 3", ""],
      [prompt, ctrlD],
    ]);
    expect(code).toBe(0);
    expect(output).not.toContain("too slow");
    expect(await listRules(admin)).toHaveLength(1);
  });

  test("Ctrl-D in a dialogue leaves without a change", async () => {
    await createHostRule(admin, { subject: "CpuAverage", threshold: 25 }, "");
    const { code, output } = await play([
      [prompt, "DELETE RULE HOST\r"],
      ["[Y/N] ", ctrlD],
    ]);
    expect(code).toBe(0);
    expect(output).toContain("nothing was changed");
    expect(await listRules(admin)).toHaveLength(1);
  });

  test("Tab completes commands, names and subjects", async () => {
    const { output } = await play([
      [prompt, `SHOW HOST H${tab}`],
      ["SHOW HOST Host", `2\r`],
      ["Name - Host2", ""],
      [prompt, `create rule h${tab}`],
      ["CREATE RULE HOST", ` cpua${tab}`],
      ["CpuAverage", " > 25\r"],
      ["Rule created", ""],
      [prompt, ctrlD],
    ]);
    expect(output).not.toContain("too slow");
    expect(await listRules(admin)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
  });

  test("commands are remembered from one run to the next, answers are not", async () => {
    await play([
      [prompt, "SHOW HOSTS\r"],
      ["Host1 ", ""],
      [prompt, "CREATE RULE HOST\r"],
      ["CpuAverage]:", "CpuAverage\r"],
      ["Is more than [%]:", ctrlC],
      ["nothing was changed", ""],
      [prompt, ctrlD],
    ]);
    const file = path.join(folder, ".local/state/xcp-balance/manager_history");
    expect(fs.readFileSync(file, "utf8")).toBe("SHOW HOSTS\nCREATE RULE HOST\n");
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    const { output } = await play([
      [prompt, `${up}${up}\r`],
      ["Host1 ", ""],
      [prompt, ctrlD],
    ]);
    expect(output).not.toContain("too slow");
  });

  test("the administrator's password is asked without echo", async () => {
    const secret = database.admin.password === "" ? "" : database.admin.password;
    const { code, output } = await play(
      [["Mysql password of", `${secret}\r`]],
      ["schema", "install", "--admin-user", database.admin.user],
    );
    expect(output).toContain("is up to date");
    expect(code).toBe(0);
    if (secret !== "") expect(output).not.toContain(secret);
  });

  test("U9: lists are aligned by name, the thesis' lines come with --format thesis and -v, and where it is piped", async () => {
    const shown = await play([], ["-e", "SHOW HOSTS", "-e", "SHOW VMS"]);
    expect(shown.output).toMatch(/^Host +CPU % +Memory used +Received Kb\/s +Sent Kb\/s +VMs +State$/m);
    expect(shown.output).toMatch(/^Host1 +25 +2\.2 of 4 GB +14 +6 +1 +master$/m);
    expect(shown.output).toMatch(/^Host2 +100 +2\.5 of 4 GB +19 +15 +2 +in service$/m);
    expect(shown.output).toMatch(/^VM1 - Debian +Host1 +2 +50 +1024 +yes$/m);
    expect(shown.output).toMatch(/^2 control domains not shown/m);
    const thesis = /^- eb966de6-276a-0428-2ecb-d1b2a69eff57 - Host1$/m;
    expect((await play([], ["--format", "thesis", "-e", "SHOW HOSTS"])).output).toMatch(thesis);
    const piped = await runProgram("xcp-manager", ["-e", "SHOW HOSTS"], { cwd: folder });
    expect(piped.stdout).toMatch(thesis);
    expect(piped.stdout).not.toContain("\u001b");
  });

  test("U9: colours on a terminal, with NO_COLOR= too; none with NO_COLOR=1 or on a dumb one; ASCII where the locale is not UTF-8", async () => {
    const bold = "\u001b[1mHost";
    const of = async (environment: Readonly<Record<string, string>>) =>
      (await play([], ["-e", "SHOW HOSTS"], { environment })).raw;
    expect(await of({})).toContain(bold);
    expect(await of({ NO_COLOR: "" })).toContain(bold);
    expect(await of({ NO_COLOR: "1" })).not.toContain("\u001b");
    const ascii = await play([], ["-e", "SHOW LOAD"], { environment: { LANG: "C", TERM: "dumb" } });
    expect(ascii.output).toMatch(/\[[#.|]+\]/);
    expect(ascii.raw).toMatch(/^[\r\n -~]*$/);
  });

  test("the prompt names the pool and the age of its data, and says where it is stale", async () => {
    const { output } = await play([["pool [", "EXIT\r"]]);
    expect(output).toMatch(/^pool \[(?:\d+s|\d+ min(?:, stale)?)\]> /m);
    await asRoot(
      "UPDATE Collection SET StartedAt = TIMESTAMPADD(HOUR, -3, StartedAt)",
      database.admin.database,
    );
    const { output: stale, raw } = await play([["pool [", "EXIT\r"]]);
    await asRoot(
      "UPDATE Collection SET StartedAt = TIMESTAMPADD(HOUR, 3, StartedAt)",
      database.admin.database,
    );
    expect(stale).toMatch(/^pool \[3 h, stale\]> /m);
    expect(raw).toContain("\u001b[33mpool");
  });

  test("\\watch repeats what only looks until Ctrl-C, \\x shows records, \\? and wrong words say what there is", async () => {
    const { code, output } = await play(
      [
        [prompt, "\\watch\r"],
        ["nothing to watch", ""],
        [prompt, "SHOW POOL \\watch 1\r"],
        ["every 1 s", ""],
        ["VMs running - 3", ""],
        ["every 1 s", ""],
        ["VMs running - 3", ctrlC],
        [prompt, "\\watch 0\r"],
        ["from 1 to 86400", ""],
        [prompt, "CREATE RULE HOST CpuAverage > 1 \\watch 5\r"],
        ["only look", ""],
        [prompt, "\\x\r"],
        ["as records", ""],
        [prompt, "SHOW HOSTS\r"],
        ["-[ RECORD 1 ]", ""],
        ["Name          | Host2", ""],
        [prompt, "\\wat\r"],
        ["is not known", ""],
        [prompt, "\\?\r"],
        ["\\watch [N]", ""],
        [prompt, "\\q\r"],
      ],
      [],
      { size: [60, 100] },
    );
    expect(output).not.toContain("too slow");
    expect(code).toBe(0);
    expect(await listRules(admin)).toEqual([]);
  });

  test("U9: what is longer than the terminal goes through PAGER, unless the terminal is dumb, and never where it is piped", async () => {
    const environment = { PAGER: "sed s/^/paged:/" };
    const steps: readonly Step[] = [
      [prompt, "HELP\r"],
      ["Upper and lower case", ""],
      [prompt, "SHOW HOSTS\r"],
      ["Host1 ", ""],
      [prompt, ctrlD],
    ];
    const { output } = await play(steps, [], { environment, size: [24, 100] });
    expect(output).toContain("paged:");
    expect(output).not.toContain("paged:Host1");
    expect(output).not.toContain("too slow");
    const dumb = { ...environment, TERM: "dumb" };
    const { output: plain } = await play(steps, [], { environment: dumb, size: [24, 100] });
    expect(plain).not.toContain("paged:");
    expect(plain).toContain("Upper and lower case");
    const piped = await runProgram("xcp-manager", ["-e", "HELP"], { cwd: folder, env: environment });
    expect(piped.stdout).not.toContain("paged:");
  });

  test("a plan is a table of one line a move within the terminal's width, in SHOW PLAN and --dry-run; in sentences with -v", async () => {
    await createHostRule(admin, { subject: "CpuAverage", threshold: 25 }, "");
    await asRoot("UPDATE VmDetail SET Immovable = NULL", database.admin.database);
    const size = [40, 80] as const;
    for (const [main, args] of [
      [program, ["-e", "SHOW PLAN"]],
      [control, ["--dry-run"]],
    ] as const) {
      const { output } = await play([], args, { size, command: main });
      const lines = output.split("\n");
      const head = lines.findIndex((line) =>
        /^VM +From +To +Why +From's +To's +Size +Start +Takes$/.test(line),
      );
      expect(head, output).toBeGreaterThan(0);
      expect(lines[head + 1]).toMatch(/^VM2\S* ?.*Host2 +Host1 .*->.* +256 MB +0 s +\d+ s$/);
      for (const line of lines.slice(head, head + 2)) expect(line.length).toBeLessThanOrEqual(80);
      expect(output).not.toContain("Move 1:");
    }
    const prose = await play([], ["-v", "-e", "SHOW PLAN"], { size });
    expect(prose.output).toContain("Move 1: VM2 - Debian: Host2 -> Host1");
  });

  test("a VM's name cannot move the cursor", async () => {
    await asRoot(
      "UPDATE Vm SET Name = CONCAT(CHAR(27), '[2J', CHAR(194, 155), 'x') WHERE UUID LIKE '0a51%'",
      database.admin.database,
    );
    const { output } = await play([
      [prompt, "SHOW VMS\r"],
      ["Control domain on host: Host2", ""],
      [prompt, ctrlD],
    ]);
    expect(output).toContain("\\u{1b}[2J");
  });
});
