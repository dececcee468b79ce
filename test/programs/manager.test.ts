/** xcp-manager as a process on a real database: the thesis' transcripts, scripts, errors and exit codes. */

import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { commandList } from "../../src/manager/commands/index.ts";
import { helpLines } from "../../src/manager/help.ts";
import { type Database, openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { createHostRule, deleteRuleOfKind } from "../../src/store/ruleChanges.ts";
import { listRules } from "../../src/store/rules.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { asRoot, createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import {
  type ProgramOptions,
  type ProgramResult,
  runProgram,
  startProgram,
  temporaryFolder,
} from "../support/programs.ts";
import { someVariants } from "../support/runs.ts";
import { thesisInput, thesisPool, thesisTranscript } from "./managerPool.ts";

let database: TestDatabase;
let admin: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = await openDatabase(database.admin);
  const collector = await openDatabase(database.collect);
  await saveSnapshot(collector, await beginCollection(collector), thesisPool, { complete: true });
  await collector.close();
});

afterAll(async () => {
  await admin?.close();
  await database?.drop();
});

beforeEach(async () => {
  for (const rule of await listRules(admin))
    await deleteRuleOfKind(admin, "HOST", { by: "subject", subject: rule.subject }, "");
});

function settingsFor(options: StoreOptions): Record<string, string> {
  const [server] = options.servers;
  return {
    MysqlHost: `${server?.host}:${server?.port}`,
    MysqlUsr: options.user,
    MysqlPass: options.password,
    MysqlDatabase: options.database,
  };
}

function manager(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return runProgram("xcp-manager", args, { settings: settingsFor(database.manager), ...options });
}

async function scriptFile(text: string): Promise<string> {
  const file = path.join(await temporaryFolder(), "rules.xcp");
  fs.writeFileSync(file, text);
  return file;
}

describe("the thesis' transcripts", () => {
  test("come out line for line when they are piped in, dialogues included", async () => {
    const result = await manager(["--echo"], { stdin: thesisInput });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toBe(thesisTranscript);
    expect(await listRules(admin)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
  });

  test("come out the same from a file, and without prompts where nobody asked for them", async () => {
    const result = await manager(["-f", await scriptFile(thesisInput)]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toBe(thesisTranscript.replace(/^XCP_Manager> .*\n/gm, ""));
  });

  test("come out the same from lower case, with ; at the end of each command", async () => {
    const input = thesisInput.replace(/^(show|create|delete) .*$/gim, (line) => ` ${line.toLowerCase()} ;`);
    const result = await manager([], { stdin: input });
    expect(result.stdout).toBe(thesisTranscript.replace(/^XCP_Manager> .*\n/gm, ""));
  });
});

describe("-e", () => {
  test("runs commands in their order", async () => {
    const result = await manager(["-e", "create rule host CpuAverage > 12.5 %", "-e", "SHOW RULES HOST"]);
    expect(result).toMatchObject({
      code: 0,
      stdout:
        "Rule created\nRules - Balance host when:\n\n- CpuAverage is more than 12.5 % above the medium\n",
    });
  });

  test("finds VMs and hosts by name, by the start of a uuid, and after a quote", async () => {
    const byName = await manager(["-e", "SHOW VM VM1 - Debian"]);
    const byStart = await manager(["-e", "SHOW VM 0a51"]);
    const quoted = await manager(["-e", 'SHOW VM "VM1 - Debian";']);
    expect(byName.stdout).toContain("UUID - 0a511f3b-ca5f-2c5d-7751-55b6a138f86e\n");
    expect(byStart.stdout).toBe(byName.stdout);
    expect(quoted.stdout).toBe(byName.stdout);
    expect((await manager(["-e", "SHOW HOST Host2"])).stdout).toContain("UUID - 6874ed0e");
  });

  test("leaves a dialogue's questions to standard input", async () => {
    await createHostRule(admin, { subject: "CpuAverage", threshold: 25 }, "");
    const result = await manager(["-e", "DELETE RULE HOST"], { stdin: "y\n" });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toContain("Do you want to delete this rule? [Y/N] y\nRule deleted\n");
    expect(await listRules(admin)).toEqual([]);
  });

  test("stops at EXIT", async () => {
    const result = await manager(["-e", "EXIT", "-e", "SHOW NOTHING"]);
    expect(result).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  test("shows the details, the pool and the collection", async () => {
    const result = await manager([
      "-e",
      "SHOW VM VM2 - Debian DETAILS",
      "-e",
      "SHOW POOL",
      "-e",
      "SHOW COLLECTION",
    ]);
    expect(result.stdout).toContain("Resident on - 6874ed0e-e89f-3fb4-306c-0ae78732ed62 - Host2\n");
    expect(result.stdout).toContain("VMs running - 3\n");
    expect(result.stdout).toMatch(/^Finished - \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m);
    expect(result.stdout).toMatch(/^Age \(s\) - \d+$/m);
    expect(result.stdout).toContain(
      "Hosts read - 2\nHosts unread - 0\nVMs, with control domains - 5\nComplete - true\n",
    );
  });

  test("lists every command under HELP, and with --json as one line of JSON", async () => {
    const text = await manager(["-e", "HELP"]);
    expect(text.stdout).toBe(
      helpLines(commandList)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const { stdout } = await manager(["--json", "-e", "HELP", "-e", "EXIT"]);
    expect(stdout.match(/\n/g)).toHaveLength(1);
    const commands = JSON.parse(stdout) as { words: string; usage: string; help: string[] }[];
    expect(commands.map(({ words }) => words)).toEqual(commandList.map(({ words }) => words));
    expect(commands[0]?.help).toEqual([
      "SHOW VMS                             all VMs: uuid and name; on a terminal by name with host, CPU and memory",
    ]);
  });
});

describe("lists as tables", () => {
  test("SHOW LOAD has the most loaded host first, with its limits; TOP is the same", async () => {
    const result = await manager(["-e", "CREATE RULE HOST CpuAverage > 25", "-e", "SHOW LOAD"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const [, title, marks, , head, first, second] = result.stdout.split("\n");
    expect(title).toMatch(/^Hosts by CpuAverage, collection \d+, \d+ s old$/);
    expect(marks).toMatch(/^Mean \| [\d.]+ %, limits ! [\d.]+ %$/);
    expect(head).toMatch(/^Host {3}CpuAverage {2}From mean {2}Load/);
    expect(first).toMatch(/^Host2 +[\d.]+ % +\+[\d.]+ +\[#+.*breaks CpuAverage > 25 %$/);
    expect(second).toMatch(/^Host1 +[\d.]+ % +-[\d.]+ +\[#/);
    const [load, top] = await Promise.all(
      ["SHOW LOAD VmCount", "TOP VmCount"].map((line) => manager(["--format", "csv", "-e", line])),
    );
    expect(load?.stdout).toBe(top?.stdout);
    expect(load?.stdout.split("\n")[0]).toContain("Host,Uuid,VmCount VMs,From mean,");
    const vms = await manager(["--format", "table", "-e", "SHOW LOAD HOST Host1"]);
    expect(vms.stdout).toMatch(/^VM +Uuid +CPU % of host/);
  });

  test("SHOW VMS has titles and a line a VM, and what lists nothing refuses before it does anything", async () => {
    const table = await manager(["--format", "table", "-e", "SHOW VMS"]);
    expect(table.stdout.split("\n")[0]).toMatch(/^Uuid +Name +Power state +Host +vCPUs/);
    expect(table.stdout.trimEnd().split("\n")).toHaveLength(6);
    const refused = await manager(["--format", "csv", "-e", "CREATE RULE HOST CpuAverage > 25"]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("CREATE RULE HOST is no list, so --format csv does not fit");
    expect((await manager(["-e", "SHOW RULES HOST"])).stderr).toContain("There is no rule");
  });
});

describe("--json", () => {
  test("prints one line of JSON for each command", async () => {
    const result = await manager([
      "--json",
      "-e",
      "SHOW HOSTS",
      "-e",
      "CREATE RULE HOST CpuAverage > 25",
      "-e",
      "SHOW VM VM3 - Ubuntu",
    ]);
    const [hosts, created, vm] = result.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(hosts.map((host: { name: string }) => host.name)).toEqual(["Host2", "Host1"]);
    expect(created).toEqual({ created: { subject: "CpuAverage", threshold: 25, unit: "%" } });
    expect(vm).toMatchObject({ name: "VM3 - Ubuntu", vcpuAverage: 66.4, memoryMb: 1024 });
  });

  test("is one line for each of a list with --format jsonl", async () => {
    const { stdout } = await manager(["--format", "jsonl", "-e", "SHOW HOSTS", "-e", "SHOW POOL"]);
    const objects = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(objects).toMatchObject([{ name: "Host2" }, { name: "Host1" }, { hosts: 2 }]);
  });

  test("refuses a dialogue and names the form without questions", async () => {
    const result = await manager(["--format", "json", "-e", "DELETE RULE HOST"]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("DELETE RULE HOST Subject|ALL");
  });
});

describe("a script", () => {
  test("stops at its first error, named with file and line, with exit code 2", async () => {
    const file = await scriptFile(
      "# rules\n\nCREATE RULE HOST CpuAverage > 25\nSHWO VMS\nDELETE RULE HOST CpuAverage\n",
    );
    const result = await manager(["-f", file]);
    expect(result).toMatchObject({ code: 2, stdout: "Rule created\n" });
    expect(result.stderr).toContain(`${file}:4: "SHWO VMS" is no command. Did you mean SHOW VMS?`);
    expect(await listRules(admin)).toHaveLength(1);
  });

  test.each(
    someVariants(
      [
        ["SHOW VM nobody", 'stdin:1: There is no VM "nobody"'],
        ["SHOW HOST Host3", "Did you mean Host2?"],
        ["SHOW VM VM1 - Debain", "Did you mean VM1 - Debian?"],
        ["DELETE RULE HOST CpuAverage", "There is no rule for CpuAverage"],
        ["CREATE RULE HOST CpuAverage > 25 MB", "CpuAverage is measured in %"],
        ["SHOW\0VMS", "NUL"],
        [`SHOW VM ${"x".repeat(10_000_000)}`, "longer than"],
        ["SHOW VM \u001b]0;pwned\u0007", "\\u{1b}]0;pwned\\u{7}"],
      ] as const,
      4,
    ),
  )("ends with 2 and a hint after %.40s", async (line, message) => {
    const result = await manager([], { stdin: `${line}\nSHOW VMS\n` });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} \n]*$/u);
  });

  test("creates no rule twice: the second time names the threshold in force", async () => {
    const script = "CREATE RULE HOST CpuAverage > 25\n";
    expect((await manager([], { stdin: script })).code).toBe(0);
    const again = await manager([], { stdin: script.replace("25", "30") });
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("CpuAverage is more than 25 % above the medium");
    expect(await listRules(admin)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
  });

  test("whose dialogue breaks off changes nothing", async () => {
    const cut = await manager([], { stdin: "CREATE RULE HOST\nCpuAverage\n25\n" });
    expect(cut.code).toBe(2);
    expect(cut.stderr).toContain("nothing was changed");
    expect(await listRules(admin)).toEqual([]);

    await createHostRule(admin, { subject: "CpuAverage", threshold: 25 }, "");
    await createHostRule(admin, { subject: "PifEth0RxKb", threshold: 5 }, "");
    const cutDelete = await manager([], { stdin: "DELETE RULE HOST\nY\n" });
    expect(cutDelete.code).toBe(2);
    expect(await listRules(admin)).toHaveLength(2);
  });

  test.each([
    ["CREATE RULE HOST\nBananas\n", 'stdin:2: "Bananas" is no subject'],
    ["CREATE RULE HOST\nCpuAverage\nmany\n", 'stdin:3: "many" is no threshold'],
    ["CREATE RULE HOST\nCpuAverage\n25\nperhaps\n", 'stdin:4: "perhaps" is neither Y nor N'],
  ])("with a wrong answer fails there: %j", async (stdin, message) => {
    const result = await manager([], { stdin });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(message);
    expect(await listRules(admin)).toEqual([]);
  });

  test("that refuses the confirmation creates nothing and says so", async () => {
    const result = await manager([], { stdin: "CREATE RULE HOST\nCpuAverage\n25\nN\n" });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/Confirm \? \[Y\/N\] N\nNo rule created\n$/);
    expect(await listRules(admin)).toEqual([]);
  });

  test("deletes all rules with ALL, and says when there was none", async () => {
    await createHostRule(admin, { subject: "CpuAverage", threshold: 25 }, "");
    await createHostRule(admin, { subject: "PifEth0RxKb", threshold: 5 }, "");
    expect((await manager(["-e", "DELETE RULE HOST ALL"])).stdout).toBe("Rule deleted\nRule deleted\n");
    const none = await manager(["-e", "DELETE RULE HOST ALL"]);
    expect(none).toMatchObject({ code: 0, stdout: "" });
    expect(none.stderr).toContain("No rule was deleted");
  });

  test("that cannot be read is named", async () => {
    const result = await manager(["-f", "/nowhere/rules.xcp"]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("Unable to read /nowhere/rules.xcp");
  });

  test("that is empty does nothing", async () => {
    expect(await manager([], { stdin: "" })).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });
});

describe("the command line", () => {
  test("--help begins with examples, --version prints the package's", async () => {
    const help = await manager(["--help"]);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/^Examples:\n {2}xcp-manager/);
    expect((await manager(["--version"])).stdout).toMatch(
      /^xcp-manager \d+\.\d+\.\d+, schema \d+, commit (?:[0-9a-f]{7}|unknown), Node \d/,
    );
  });

  test.each([[["--nonsense"]], [["SHOW", "VMS"]], [["--format", "xml"]], [["schema", "instal"]]])(
    "%j ends with 2",
    async (args) => {
      const result = await manager(args);
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).not.toBe("");
    },
  );

  test("without a database ends with 1 and the thesis' sentence", async () => {
    const settings = { ...settingsFor(database.manager), MysqlHost: "127.0.0.1:1" };
    const result = await manager(["-e", "SHOW VMS"], { settings });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("Unable to connect to Mysql");
  });
});

describe("standard output", () => {
  test("that nobody reads ends the manager without a word", async () => {
    const running = await startProgram("xcp-manager", [], { settings: settingsFor(database.manager) });
    running.child.stdin.write("SHOW VMS\n");
    await running.waitFor(/VM1 - Debian/);
    running.child.stdout.destroy();
    // It notices at the first write that nobody takes; more lines than a pipe holds make sure of that.
    running.child.stdin.write("HELP\n".repeat(1000));
    const { code, stderr } = await running.ended;
    expect(stderr).toBe("");
    expect([0, 1]).toContain(code);
  });

  test("is followed at once by the end when SIGTERM comes", async () => {
    const running = await startProgram("xcp-manager", [], { settings: settingsFor(database.manager) });
    running.child.stdin.write("SHOW VMS\n");
    await running.waitFor(/VM1 - Debian/);
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 143, stderr: "" });
  });
});

describe("hostile names", () => {
  const names = [
    `quotes " ' \` ; -- # \\ $(id)`,
    "\u001b]0;title\u0007\u009b2J",
    "a\r\nxcp-manager: forged line",
    "\u202eevil\u2066\u200b",
    "🚀 日本 é",
    "SHOW HOSTS",
    "n".repeat(10_000),
  ];

  test("are one safe line each in text, the real names in JSON, and found as they are shown", async () => {
    const own = await createTestDatabase();
    try {
      const vms = names.map((name, index) => aVm({ uuid: uuid(index + 1), name }));
      const collector = await openDatabase(own.collect);
      const [host] = thesisPool.hosts;
      if (host === undefined) throw new Error("the thesis' pool has hosts");
      await saveSnapshot(collector, await beginCollection(collector), aSnapshot([[host, vms]]), {
        complete: true,
      });
      await collector.close();
      const settings = settingsFor(own.manager);

      const text = await runProgram("xcp-manager", ["-e", "SHOW VMS"], { settings });
      const shown = text.stdout.trimEnd().split("\n");
      expect(shown).toHaveLength(names.length);
      expect(text.stdout).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} \n]*$/u);

      const json = await runProgram("xcp-manager", ["--json", "-e", "SHOW VMS"], { settings });
      expect(json.stdout).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} \n]*$/u);
      expect(JSON.parse(json.stdout).map((vm: { name: string }) => vm.name)).toEqual(names);

      const copied = shown.map(
        (line) => `SHOW VM "${line.slice("- ".length + 36 + " - ".length).replaceAll('"', '""')}"\n`,
      );
      const found = await runProgram("xcp-manager", [], { settings, stdin: copied.join("") });
      expect(found).toMatchObject({ code: 0, stderr: "" });
      expect(found.stdout.match(/^UUID - .*$/gm)).toEqual(vms.map((vm) => `UUID - ${vm.uuid}`));
    } finally {
      await own.drop();
    }
  });
});

describe("an empty database", () => {
  test("has empty lists, and says on standard error who fills it", async () => {
    const own = await createTestDatabase();
    try {
      const settings = settingsFor(own.manager);
      const lists = await runProgram("xcp-manager", ["-e", "SHOW VMS", "-e", "SHOW HOSTS"], { settings });
      expect(lists).toMatchObject({ code: 0, stdout: "" });
      expect(lists.stderr).toContain("xcp-collect");
      const one = await runProgram("xcp-manager", ["-e", "SHOW COLLECTION"], { settings });
      expect(one.code).toBe(2);
      expect(one.stderr).toContain("Run xcp-collect first");
    } finally {
      await own.drop();
    }
  });
});

describe("a row of HostRule that is no rule", () => {
  test("is named on standard error and left out of the list", async () => {
    await asRoot("INSERT INTO HostRule (Subject, Threshold) VALUES ('Bananas', 3)", database.admin.database);
    try {
      const result = await manager(["-e", "SHOW RULES HOST"]);
      expect(result).toMatchObject({ code: 0, stdout: "Rules - Balance host when:\n\n" });
      expect(result.stderr).toContain("Bananas is not one of");
    } finally {
      await asRoot("DELETE FROM HostRule", database.admin.database);
    }
  });
});

describe("schema", () => {
  test("install adopts a database that the thesis' statements made, and the manager shows its rows", async () => {
    const own = await createEmptyDatabase();
    try {
      await asRoot(`CREATE DATABASE ${own.admin.database}`);
      const thesis = fs.readFileSync(new URL("../../sql/0001_thesis.sql", import.meta.url), "utf8");
      const statements = thesis
        .replace(/^--.*$/gm, "")
        .split(";")
        .filter((text) => text.trim() !== "");
      const [vm] = thesisPool.vms;
      await asRoot(
        [
          ...statements,
          `INSERT INTO Vm (UUID, Name) VALUES ('${vm?.uuid}', 'old one')`,
          "INSERT INTO HostRule VALUES ('CpuAverage', 25)",
        ],
        own.admin.database,
      );
      const settings = settingsFor(own.admin);
      const installed = await runProgram("xcp-manager", ["schema", "install"], { settings });
      expect(installed.stdout).toContain("Found the thesis' tables: they keep their rows\n");
      const shown = await runProgram("xcp-manager", ["-e", "SHOW VMS", "-e", "SHOW RULES HOST"], {
        settings,
      });
      expect(shown.stdout).toMatch(
        new RegExp(`^- ${vm?.uuid} - old one\nRules .*\n\n- CpuAverage is more than 25 % `),
      );
      const collection = await runProgram("xcp-manager", ["-e", "SHOW COLLECTION"], { settings });
      expect(collection.code).toBe(2);
    } finally {
      await own.drop();
    }
  });

  test("status tells what is pending, install applies it, and both agree after that", async () => {
    const own = await createEmptyDatabase();
    try {
      const settings = settingsFor(own.admin);
      const before = await runProgram("xcp-manager", ["schema", "status"], { settings });
      expect(before).toMatchObject({ code: 3 });
      expect(before.stdout).toContain("Found - no such database\nVersion - 0\n");

      const refused = await runProgram("xcp-manager", ["-e", "SHOW VMS"], { settings });
      expect(refused.code).toBe(1);

      const first = await runProgram("xcp-manager", ["schema", "install"], { settings });
      expect(first).toMatchObject({ code: 0, stderr: "" });
      expect(first.stdout).toContain(`Created the database ${own.admin.database}\nApplied 0001_thesis.sql\n`);
      const second = await runProgram("xcp-manager", ["schema", "install"], { settings });
      expect(second.stdout).toMatch(/^The schema of \w+ is up to date: version \d+\n$/);

      const after = await runProgram("xcp-manager", ["schema", "status", "--json"], { settings });
      expect(after).toMatchObject({ code: 0 });
      expect(JSON.parse(after.stdout)).toMatchObject({ found: "ours", pending: [] });
    } finally {
      await own.drop();
    }
  });

  test("install takes another account's password from a private file, and refuses one that others can read", async () => {
    const own = await createEmptyDatabase();
    try {
      const settings = { ...settingsFor(own.admin), MysqlUsr: "nobody", MysqlPass: "wrong" };
      const file = path.join(await temporaryFolder(), "password");
      fs.writeFileSync(file, `${own.admin.password}\n`, { mode: 0o600 });
      const args = ["schema", "install", "--admin-user", own.admin.user, "--admin-password-file", file];
      expect(await runProgram("xcp-manager", args, { settings })).toMatchObject({ code: 0, stderr: "" });

      fs.chmodSync(file, 0o644);
      const open = await runProgram("xcp-manager", args, { settings });
      expect(open.code).toBe(1);
      expect(open.stderr).toContain(`chmod 600 ${file}`);
    } finally {
      await own.drop();
    }
  });

  test("install without a terminal and without a file names the file's option", async () => {
    const result = await manager(["schema", "install", "--admin-user", "root"]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("--admin-password-file");
  });

  test("install with the manager's own account is refused: it may not create tables", async () => {
    const own = await createEmptyDatabase();
    const settings = { ...settingsFor(database.manager), MysqlDatabase: own.admin.database };
    const result = await runProgram("xcp-manager", ["schema", "install"], { settings });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("administrator");
  });
});

describe("SHOW RULES", () => {
  test("lists the rules of all kinds, and says how to begin where there is none", async () => {
    const none = await manager(["-e", "SHOW RULES"]);
    expect(none.stderr).toContain("There is no rule; CREATE RULE SERVE CPU makes one.");
    const green = "CREATE RULE GREEN KEEP CpuAverage BELOW 70";
    const create = ["CREATE RULE HOST CpuAverage > 25", "CREATE RULE SERVE CPU", green];
    const made = await manager(create.flatMap((line) => ["-e", line]));
    expect(made.code, made.stderr).toBe(0);
    const { stdout, code } = await manager(["-e", "SHOW RULES"]);
    expect(code).toBe(0);
    const [host, serve, gather] = [
      "Rules - Balance host when:",
      "Rules - Serve vms where:",
      "Rules - Gather vms",
    ].map((heading) => stdout.indexOf(heading));
    expect(host).toBe(0);
    expect(serve).toBeGreaterThan(stdout.indexOf("CpuAverage"));
    expect(gather).toBeGreaterThan(serve ?? 0);
    const json = JSON.parse((await manager(["--json", "-e", "SHOW RULES"])).stdout) as Record<
      string,
      unknown[]
    >;
    expect(Object.entries(json).map(([kind, rules]) => [kind, rules.length])).toEqual([
      ["host", 1],
      ["serve", 1],
      ["green", 1],
    ]);
    const wrong = await manager(["-e", "SHOW RULES HOSTS"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("write SHOW RULES, or HOST, SERVE or GREEN behind it");
    for (const kind of ["SERVE", "GREEN"]) await manager(["-e", `DELETE RULE ${kind} ALL`]);
  });
});
