/** Many pools on one machine: commands on each of them, a line on each, and one that fails stops no other. */
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { worstCode } from "../../src/manager/pools.ts";
import { type DoctorWorld, startDoctorWorld, textOf } from "../support/doctorWorld.ts";
import { runProgram, temporaryFolder } from "../support/programs.ts";

let world: DoctorWorld;
let folder: string;

/** Two pools that are well, the same one by two names, and one whose database does not answer. */
beforeAll(async () => {
  world = await startDoctorWorld();
  const rule = ["-e", "CREATE RULE HOST CpuAverage > 25"];
  expect(await runProgram("xcp-manager", rule, { settings: world.well("manager") })).toMatchObject({
    code: 0,
  });
  expect(await runProgram("xcp-collect", [], { settings: world.well("collect") })).toMatchObject({ code: 0 });
  folder = await temporaryFolder();
  for (const [pool, change] of [
    ["Alps", {}],
    ["Broken", { MysqlHost: "127.0.0.1:1" }],
    ["Coast", {}],
  ] as const) {
    await mkdir(path.join(folder, pool), { mode: 0o700 });
    for (const program of ["collect", "manager", "control"] as const) {
      const file = path.join(folder, pool, `${program}.settings`);
      await writeFile(file, textOf({ ...world.well(program), ...change }));
      await chmod(file, 0o600);
    }
  }
  await mkdir(path.join(folder, "hooks.d"));
});
afterAll(() => world?.stop());

const manager = (...args: string[]) => runProgram("xcp-manager", ["--pools", folder, ...args]);
const lines = (text: string) => text.trimEnd().split("\n");

describe("xcp-manager --all", () => {
  it("runs each command on every pool under its name; one that fails is told and stops no other", async () => {
    const run = await manager("--all", "-e", "SHOW HOSTS", "-e", "SHOW RULES HOST");
    expect(run.code).toBe(1);
    const heads = lines(run.stdout).filter((line) => line.startsWith("== "));
    expect(heads).toEqual(["== Alps ==", "== Broken ==", "== Coast =="]);
    expect(run.stdout.match(/ - alpha$/gm)).toHaveLength(2);
    expect(run.stdout.match(/CpuAverage is more than 25/g)).toHaveLength(2);
    expect(run.stderr).toMatch(
      /^xcp-manager: Broken: Unable to connect to Mysql: 127\.0\.0\.1:1: nothing listens there/,
    );
  });

  it("prints JSON with the pool beside the result, also of a failure", async () => {
    const run = await manager("--all", "--json", "-e", "SHOW POOL");
    expect(lines(run.stdout).map((line) => JSON.parse(line))).toMatchObject([
      { pool: "Alps", result: { name: "Lab", hosts: 3 } },
      { pool: "Coast", result: { name: "Lab", hosts: 3 } },
    ]);
    expect(JSON.parse(run.stderr)).toMatchObject({
      code: "mysql",
      error: expect.stringMatching(/^Broken: /),
    });
  });

  it("prints one table for a spreadsheet, the pool in its first column", async () => {
    const run = await manager("--all", "--format", "csv", "-e", "SHOW HOSTS");
    const rows = lines(run.stdout).map((line) => line.split(","));
    expect(rows[0]?.[0]).toBe("Pool");
    expect(rows.slice(1).map(([pool]) => pool)).toEqual(
      [..."AAACCC"].map((letter) => (letter === "A" ? "Alps" : "Coast")),
    );
    expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  });

  it("writes a report for each, with the pool in the file's name, and a page that leads to them", async () => {
    const file = path.join(await temporaryFolder(), "month.html");
    const run = await manager("report", "--all", "-o", file);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/^All of them: .*month\.html, \d+ kB$/m);
    for (const pool of ["Alps", "Coast"])
      expect(await readFile(file.replace(".html", `-${pool}.html`), "utf8")).toMatch(/^<!doctype html>/i);
    const index = await readFile(file, "utf8");
    const links = [...index.matchAll(/<a href="\.\/([^"]+)">([^<]+)<\/a>/g)].map(([, to, name]) => [
      name,
      to,
    ]);
    expect(links).toEqual([
      ["Alps", "month-Alps.html"],
      ["Coast", "month-Coast.html"],
    ]);
    expect(index).toMatch(/<td class="name">Broken<\/td>.*cannot be asked: .*nothing listens there/s);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("wants commands, and the settings of each pool", async () => {
    expect(await manager("--all")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("give -e, or -f"),
    });
    const run = await manager("--all", "-e", "SHOW HOSTS", "--settings", "elsewhere");
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("leave --settings out") });
  });

  it("says what to do where there is no pool", async () => {
    const run = await runProgram("xcp-manager", [
      "--all",
      "--pools",
      path.join(folder, "hooks.d"),
      "-e",
      "SHOW HOSTS",
    ]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /no folder in .*hooks\.d holds a manager\.settings; put the settings of a pool into/,
    );
  });

  it("ends with the worst code of all", () => {
    expect(worstCode([0, 3, 0])).toBe(3);
    expect(worstCode([3, 4, 2])).toBe(2);
    expect(worstCode([2, 1, 3])).toBe(1);
    expect(worstCode([0, 143, 1])).toBe(143);
    expect(worstCode([])).toBe(0);
  });
});

describe("a line on each pool", () => {
  it("is printed by `xcp-manager pools`, without settings of one's own", async () => {
    const run = await manager("pools");
    expect(run.code).toBe(3);
    const [alps = "", broken = "", coast = ""] = lines(run.stdout);
    expect(alps).toMatch(/^- Alps - Lab - 3 hosts - 3 VMs - \d+ s old - control: has not run - ok$/);
    expect(broken).toMatch(/^- Broken - cannot be asked: Unable to connect to Mysql/);
    expect(coast).toMatch(/^- Coast - Lab - /);
  });

  it("is printed by SHOW POOLS, as a list in every format", async () => {
    const settings = world.well("manager");
    const args = ["--pools", folder, "-e", "SHOW POOLS"];
    const text = await runProgram("xcp-manager", args, { settings });
    expect(text.code).toBe(0);
    expect(lines(text.stdout)).toHaveLength(3);
    const json = await runProgram("xcp-manager", ["--json", ...args], { settings });
    expect(JSON.parse(json.stdout)).toMatchObject([
      { pool: "Alps", overview: { hosts: 3, vms: 3, state: "ok", lastControl: null }, problem: null },
      { pool: "Broken", overview: null },
      { pool: "Coast" },
    ]);
    const csv = await runProgram("xcp-manager", ["--format", "csv", ...args], { settings });
    expect(lines(csv.stdout)[0]).toBe("Pool,Name,Hosts,VMs,Age (s),Control (s ago),Outcome,State");
  });

  it("tells a pause", async () => {
    const settings = world.well("manager");
    await runProgram("xcp-manager", ["-e", "PAUSE CONTROL"], { settings });
    const run = await manager("pools");
    await runProgram("xcp-manager", ["-e", "RESUME CONTROL"], { settings });
    expect(run.stdout).toMatch(/^- Alps .* - paused$/m);
  });
});

describe("doctor", () => {
  it("looks at every pool with --all, each under its name, and ends with the worst code", async () => {
    const run = await manager("doctor", "--all");
    expect(run).toMatchObject({ code: 3, stderr: "" });
    expect(lines(run.stdout).filter((line) => line.startsWith("=="))).toEqual([
      "== Alps ==",
      "== Broken ==",
      "== Coast ==",
    ]);
    expect(run.stdout.match(/, 0 failures, 0 not checked$/gm)).toHaveLength(2);
    expect(run.stdout).toMatch(/FAILURE {2}mysql-login: xcp-collect: Unable to connect to Mysql/);
    expect(run.stdout).toMatch(/- {8}schema: not checked: needs mysql-login/);
  });

  it("is 0 where nothing has failed, 3 where something has, with --json too", async () => {
    const well = await runProgram("xcp-manager", [
      "doctor",
      "--settings",
      path.join(folder, "Alps/manager.settings"),
      "--json",
    ]);
    expect(well).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(well.stdout)).toMatchObject({ counts: { failures: 0, notChecked: 0 } });
    const broken = await runProgram("xcp-manager", [
      "doctor",
      "--settings",
      path.join(folder, "Broken/manager.settings"),
      "--json",
    ]);
    expect(broken).toMatchObject({ code: 3, stderr: "" });
    const { checks } = JSON.parse(broken.stdout) as {
      checks: { name: string; state: string; needs: string | null }[];
    };
    expect(checks).toContainEqual(
      expect.objectContaining({ name: "schema", state: "not checked", needs: "mysql-login" }),
    );
  });

  it("answers DOCTOR at the prompt", async () => {
    const cwd = path.join(folder, "Alps");
    const run = await runProgram("xcp-manager", ["--settings", "manager.settings", "-e", "DOCTOR"], { cwd });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/^Settings\n {2}ok {7}node-version: /);
    expect(run.stdout).toMatch(/\n\d+ checks: \d+ ok, .* 0 failures, 0 not checked\n$/);
  });

  it("writes a bug report that nobody else can read, that says what it holds, and that holds no secret", async () => {
    const own = path.join(await temporaryFolder(), "Own");
    await mkdir(own, { mode: 0o700 });
    const canary = 'c4nary "#\\ pass@word';
    for (const program of ["collect", "manager", "control"] as const) {
      const text = textOf({ ...world.well(program), XenPas: "m1sspelt-canary", MysqlPass: undefined });
      await writeFile(
        path.join(own, `${program}.settings`),
        `${text}MysqlPass='${canary}'\nXenHots=https://root:url-canary@192.0.2.1\n`,
        { mode: 0o600 },
      );
    }
    const file = path.join(own, "report.json");
    for (const settings of [path.join(own, "manager.settings"), path.join(folder, "Alps/manager.settings")]) {
      const run = await runProgram("xcp-manager", ["doctor", "--settings", settings, "--bundle", file]);
      expect(run.stdout).toContain(`Written: ${file}, to be read before it is sent. It holds\n`);
      const text = await readFile(file, "utf8");
      const bundle = JSON.parse(text) as { holds: string[]; doctor: { checks: unknown[] } };
      expect(bundle.holds.map((each) => each.split(":")[0])).toEqual(
        Object.keys(bundle).filter((key) => key !== "holds" && key !== "leftOut"),
      );
      expect(bundle.doctor.checks.length).toBeGreaterThan(30);
      const secrets = [
        "c4nary",
        "pass@word",
        "m1sspelt-canary",
        "url-canary",
        "pool-p4ssword",
        world.database.collect.password,
        world.database.manager.password,
        world.database.control.password,
      ];
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
      expect(text).not.toMatch(/OpaqueRef:[0-9a-f]/);
    }
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({
      settings: { collect: { keys: { XenUsr: "reader", XenPass: "[left out]" } } },
      runs: [{ program: "xcp-collect", outcome: "done" }],
      rules: { rules: [{ subject: "CpuAverage", threshold: 25 }] },
    });
    const { mode } = await import("node:fs").then((fs) => fs.statSync(file));
    expect(mode & 0o777).toBe(0o600);
  });
});
