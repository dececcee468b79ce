/** REHEARSE and xcp-manager rehearse on a real database that holds hours of recorded collections. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Rule } from "../../src/domain/rule.ts";
import { asControl } from "../../src/rehearse/decide.ts";
import { Replay } from "../../src/rehearse/replay.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { loadHistory } from "../../src/store/history.ts";
import { createHostRule } from "../../src/store/ruleChanges.ts";

import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { controlSettings } from "../support/loop/live.ts";
import { Day, sensed, worlds } from "../support/loop/world.ts";
import { type ProgramResult, runProgram, temporaryFolder } from "../support/programs.ts";

const minutes = 240;
const cpu12: Rule = { subject: "CpuAverage", threshold: 12 };

let database: TestDatabase;
let manager: Database;
let folder: string;

/** Four hours of a small pool from nine in the morning on, a collection a minute, the last one of this minute. */
beforeAll(async () => {
  database = await createTestDatabase();
  manager = await openDatabase(database.manager);
  folder = await temporaryFolder();
  const [world] = worlds.filter(({ name }) => name === "4x40, CPU 12");
  if (world === undefined) throw new Error("no such world");
  const [day, read] = [new Day(world, 3), sensed(3)];
  const collector = await openDatabase(database.collect);
  try {
    for (let minute = 0; minute < minutes; minute++) {
      const snapshot = read(day.minute(540 + minute), minute * 60);
      await saveSnapshot(collector, await beginCollection(collector), snapshot, { complete: true });
    }
  } finally {
    await collector.close();
  }
  await asRoot(
    `UPDATE Collection SET StartedAt = TIMESTAMPADD(MINUTE, Id - ${minutes}, UTC_TIMESTAMP(6)), FinishedAt = StartedAt`,
    database.admin.database,
  );
}, 120_000);
afterAll(async () => {
  await manager?.close();
  await database?.drop();
});

/** No settings of the pool: what is not known cannot be contacted. */
function run(...args: string[]): Promise<ProgramResult> {
  const { servers, user, password, database: name } = database.manager;
  const settings = {
    MysqlHost: `${servers[0]?.host}:${servers[0]?.port}`,
    MysqlUsr: user,
    MysqlPass: password,
    MysqlDatabase: name,
  };
  return runProgram("xcp-manager", args, { settings, deadlineMs: 60_000 });
}

async function rulesFile(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

interface SetObject {
  readonly name: string;
  readonly migrations: number;
  readonly bytes: number;
  readonly runs: number;
  readonly rules: readonly {
    readonly rule: Rule;
    readonly minutes: number;
    readonly minutesWithout: number;
    readonly firedRuns: number;
  }[];
}

async function setsOf(result: ProgramResult): Promise<readonly SetObject[]> {
  expect(result.code, result.stderr).toBe(0);
  return (JSON.parse(result.stdout) as { readonly sets: readonly SetObject[] }).sets;
}

describe("xcp-manager rehearse", () => {
  it("without a rule and without a file has nothing to rehearse", async () => {
    const { code, stderr } = await run("rehearse");
    expect(code).toBe(2);
    expect(stderr).toMatch(/There is no rule to rehearse/);
  });

  it("plays a file of rules through the recorded hours, and tells migrations, memory, minutes and the worst hour", async () => {
    const file = await rulesFile("new.xcp", "# the new ones\n\nCREATE RULE HOST CpuAverage > 12;\n");
    const { code, stdout, stderr } = await run("rehearse", "--since", "6h", "--rules", file);
    expect(code, stderr).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(
      /^Rehearsal of [-\d]+ [\d:]+ UTC to [-\d]+ [\d:]+ UTC: 240 collections, (3\.9|4) hours$/,
    );
    expect(lines[1]).toMatch(
      /^Control runs every 5 min; migrations at 119 MB\/s, as is assumed .* not contacted\.$/,
    );
    expect(stdout).toMatch(/^Migrations +[1-9]/m);
    expect(stdout).toMatch(/^GiB copied +[\d.]+$/m);
    expect(stdout).toMatch(/^Worst hour +[-\d]+ [\d:]+ UTC: [\d.]+ min$/m);
    expect(stdout).toMatch(/^- CpuAverage is more than 12 % above the medium: acts in \d+ of \d+ runs, /m);
  });

  it("has the figures of a replay of the same collections by control's own code", async () => {
    const file = await rulesFile("same.xcp", "CREATE RULE HOST CpuAverage > 12\n");
    const [set] = await setsOf(await run("--json", "rehearse", "--every", "5m", "--rules", file));
    const settings = controlSettings();
    const replay = new Replay({
      rules: [cpu12],
      settings,
      decide: asControl(settings),
      everySeconds: 300,
      load: { cpus: 0.4, eth0Kb: 0 },
      duration: ({ memoryBytes }) => (memoryBytes ?? 0) / 125_000_000,
    });
    const always = { since: new Date(0), until: new Date("2200-01-01") };
    for await (const { snapshot, collection } of loadHistory(manager, always))
      replay.see({ seconds: collection.startedAt.getTime() / 1000, snapshot, complete: true });
    const { migrations, bytes, runs, rules } = replay.figures();
    expect(migrations).toBeGreaterThan(0);
    expect(set).toMatchObject({ migrations, bytes, runs });
    expect(set?.rules[0]).toMatchObject({ firedRuns: rules[0]?.firedRuns, minutes: rules[0]?.minutes });
    expect(set?.rules[0]?.minutesWithout).toBeGreaterThan(set?.rules[0]?.minutes ?? 0);
  });

  it("puts two files side by side: the tighter rule acts more often", async () => {
    const tight = await rulesFile("tight.xcp", "CREATE RULE HOST CpuAverage > 8\n");
    const loose = await rulesFile("loose.xcp", "CREATE RULE HOST CpuAverage > 40\n");
    const [first, second, ...more] = await setsOf(
      await run("rehearse", "--json", "--rules", tight, "--rules", loose),
    );
    expect(more).toEqual([]);
    expect([first?.name, second?.name]).toEqual([tight, loose]);
    expect(first?.migrations).toBeGreaterThan(second?.migrations ?? 0);
  });

  it("gives the same figures each time it is asked", async () => {
    const file = await rulesFile("again.xcp", "CREATE RULE HOST CpuAverage > 10\n");
    const [first, second] = [await run("rehearse", "--rules", file), await run("rehearse", "--rules", file)];
    expect(first.stdout).toBe(second.stdout);
  });

  it.each([
    ["SHOW VMS\n", /wrong\.xcp:1: a rehearsal takes lines of CREATE RULE HOST or SERVE with a rule only/],
    ["\nCREATE RULE HOST Heat > 3\n", /wrong\.xcp:2: .*Heat.* is no subject/],
    ["CREATE RULE HOST\n", /wrong\.xcp:1: a rehearsal takes/],
    ["# nothing\n", /wrong\.xcp: there is no rule in it/],
  ])("refuses a file that holds %j, with its place", async (text, message) => {
    const { code, stderr } = await run("rehearse", "--rules", await rulesFile("wrong.xcp", text));
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("says that it cannot read a file that is not there", async () => {
    const { code, stderr } = await run("rehearse", "--rules", join(folder, "none.xcp"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/Unable to read .*none\.xcp/);
  });
});

describe("REHEARSE at the prompt", () => {
  beforeAll(() => createHostRule(manager, cpu12, ""));

  it("compares the present rules with a file, and changes nothing", async () => {
    const file = await rulesFile("a file.xcp", "CREATE RULE HOST CpuAverage > 30\n");
    const before = await manager.read((reader) => reader.rows("SELECT COUNT(*) AS rows_ FROM Migration"));
    const { code, stdout, stderr } = await run("-e", `REHEARSE SINCE 2h EVERY 5m RULES "${file}"`);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/: 12[01] collections, 2 hours$/m);
    expect(stdout).toMatch(/^ +present rules +\S*a file\.xcp$/m);
    expect(stdout).toMatch(/^present rules:$/m);
    expect(await manager.read((reader) => reader.rows("SELECT COUNT(*) AS rows_ FROM Migration"))).toEqual(
      before,
    );
  });

  it("says where nothing of that time is kept any more", async () => {
    await asRoot("DELETE FROM CollectionPicture", database.admin.database);
    const { code, stderr } = await run("-e", "REHEARSE");
    expect(code).toBe(2);
    expect(stderr).toMatch(/No collection of that time is kept: see HistorySnapshotDays/);
  });
});
