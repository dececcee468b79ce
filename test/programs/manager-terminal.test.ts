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

const prompt = "XCP_Manager> ";
const [ctrlC, ctrlD, up, tab] = ["\u0003", "\u0004", "\u001b[A", "\t"];

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
  ): Promise<{ code: number; output: string }> {
    const own = { PATH: process.env["PATH"], HOME: folder, LANG: "C.UTF-8", TERM: "xterm" };
    const env = { ...own, ...coverageEnvironment() };
    const command = [process.execPath, program, ...args];
    const child = spawn(python ?? "", [player], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(JSON.stringify({ command, cwd: folder, env, steps, deadlineSeconds: 20 }));
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk);
    const played = JSON.parse(Buffer.concat(chunks).toString()) as { code: number; output: string };
    return { code: played.code, output: stripVTControlCharacters(played.output).replaceAll("\r", "") };
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
      ["- Host1", ""],
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
      ["- Host1", ""],
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
      ["- Host1", ""],
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
