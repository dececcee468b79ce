/** xcp-control as a command: dry runs, output, exit codes, hostile names. */
import mysql from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/connection.ts";
import { lastSuccess, listRuns } from "../../src/store/runs.ts";
import { threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";
import { startWorld, type World } from "../support/world.ts";

/** As a scenario writes it. */
const hostile = 'a\\"b\\u009b31m\\nevil\\u202e; drop';

let world: World;
beforeAll(async () => {
  const scenario = threeHosts
    .replace("vm small", `vm "${hostile}"`)
    .replace('pool "Three"', 'pool "Three\\u009d0;x"');
  world = await startWorld({ pool: { scenario }, speed: 20 });
  expect((await world.run("xcp-collect")).code).toBe(0);
  expect((await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"])).code).toBe(0);
});
afterAll(() => world.stop());

/** Every table of the database, row by row. */
async function everything(): Promise<string> {
  const [server] = world.database.admin.servers;
  const { user, password, database } = world.database.admin;
  const connection = await mysql.createConnection({
    host: server?.host ?? "",
    port: server?.port ?? 0,
    user,
    password,
    database,
  });
  try {
    const [tables] = await connection.query<mysql.RowDataPacket[]>(
      "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'",
    );
    const contents: unknown[] = [];
    for (const table of tables) {
      const [rows] = await connection.query(`SELECT * FROM \`${Object.values(table)[0]}\``);
      contents.push([table, rows]);
    }
    return JSON.stringify(contents);
  } finally {
    await connection.end();
  }
}

describe("xcp-control --dry-run", () => {
  it("reads the database and touches nothing: works without pool settings, and changes no row", async () => {
    const before = await everything();
    const nowhere = { XenHost: "http://127.0.0.1:1", XenUsr: "nobody" };
    const dry = await world.run("xcp-control", ["--dry-run"], { change: nowhere });
    expect(dry).toMatchObject({ code: 0, stderr: "" });
    expect(dry.stdout).toMatch(
      /^Rule CpuAverage more than 25 % above the mean: mean 33\.33 %, limit 58\.33, 1 of 3 hosts above it$/m,
    );
    expect(dry.stdout).toMatch(/^ {2}hot: 90 \(\+56\.67\) BREAKS IT -> 45 \(\+11\.67\)$/m);
    expect(await everything()).toBe(before);
    expect(world.pool.model.migrations.size).toBe(0);
  });

  it("--json is one object whose moves have uuids; --exit-code says 10", async () => {
    const { code, stdout, stderr } = await world.run("xcp-control", ["--dry-run", "--json", "--exit-code"]);
    expect({ code, stderr }).toEqual({ code: 10, stderr: "" });
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    const plan = JSON.parse(stdout);
    const uuid = (cls: string, name: string): string => {
      const { db } = world.pool;
      return db.text(cls, db.all(cls).find((ref) => db.text(cls, ref, "name_label") === name) ?? "", "uuid");
    };
    const vm = JSON.parse(`"${hostile}"`) as string;
    expect(plan).toMatchObject({
      gate: null,
      moves: [{ vm: uuid("VM", vm), from: uuid("host", "hot"), to: uuid("host", "cold1"), vmName: vm }],
    });
  });

  it("names cannot reach the terminal's controls, in text or in JSON", async () => {
    for (const args of [["--dry-run"], ["--dry-run", "--json"]]) {
      const { stdout } = await world.run("xcp-control", args);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
    const { stdout } = await world.run("xcp-control", ["--dry-run"]);
    expect(stdout).toContain('Move 1: a"b\\u{9b}31m evil\\u{202e}; drop (');
  });
});

describe("usage", () => {
  it.each([
    [["--exit-code"], /--exit-code goes with --dry-run/],
    [["--interval", "0"], /--interval 0: must be a number of seconds/],
    [["--interval", "soon"], /--interval soon/],
    [["--nonsense"], /unknown option '--nonsense'/],
    [["now"], /^xcp-control: xcp-control has no use for "now"; xcp-control --help lists its options\n$/],
  ])("%j ends with 2 and says why", async (args, message) => {
    const { code, stdout, stderr } = await world.run("xcp-control", args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("a pool that is away", () => {
  const nowhere = { XenHost: "http://127.0.0.1:1" };

  it("is told on standard error with code 1 when something is to be moved", async () => {
    const { code, stderr } = await world.run("xcp-control", [], { change: nowhere });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^xcp-control: no member of the pool serves as its master:/);
  });

  it("is not even asked when there is nothing to do", async () => {
    await world.run("xcp-manager", ["-e", "DELETE RULE HOST CpuAverage"]);
    const idle = await world.run("xcp-control", [], { change: nowhere });
    expect(idle).toMatchObject({ code: 0, stderr: "" });
    expect(idle.stdout).toContain("Nothing to do: there are no rules");
    await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
  });
});

describe("the runs of both programs", () => {
  it("are remembered: a collection as done, a run without pool as failed with its reason, a dry run not at all", async () => {
    const db = await openDatabase(world.database.manager);
    try {
      expect((await lastSuccess(db, "xcp-collect"))?.exitCode).toBe(0);
      await world.run("xcp-collect", [], { change: { XenHost: "http://127.0.0.1:1" } });
      const [failed] = await listRuns(db, "xcp-collect", 1);
      expect(failed).toMatchObject({ outcome: "failed", exitCode: 1 });
      expect(failed?.detail).toMatch(/^no member of the pool serves as its master/);
      const before = await listRuns(db, "xcp-control");
      await world.run("xcp-control", ["--dry-run"]);
      expect((await listRuns(db, "xcp-control")).length).toBe(before.length);
      await world.run("xcp-control", [], { change: { XenHost: "http://127.0.0.1:1" } });
      const [own] = await listRuns(db, "xcp-control", 1);
      expect(own).toMatchObject({ outcome: "failed", exitCode: 1 });
      expect(own?.detail).toMatch(/^no member of the pool serves as its master/);
    } finally {
      await db.close();
    }
  });
});

describe("xcp-control --ack", () => {
  it("closes the breaker and does nothing else", async () => {
    await asRoot(
      "UPDATE Breaker SET Trips = 2, OpenedAt = UTC_TIMESTAMP(6), OpenUntil = UTC_TIMESTAMP(6) + INTERVAL 1 DAY, Reason = 'tests'",
      world.database.admin.database,
    );
    const refused = await world.run("xcp-control");
    expect(refused.code).toBe(4);
    expect(refused.stdout).toMatch(/^refused: breaker: tests, limit closed for another 24 h; .*--ack\n$/);
    const dry = await world.run("xcp-control", ["--dry-run"]);
    expect(dry.stdout).toMatch(/^A run would be refused: breaker: tests.*\nPool /);
    const acks = [await world.run("xcp-control", ["--ack"]), await world.run("xcp-control", ["--ack"])];
    expect(acks.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, "the breaker is closed\n"],
      [0, "the breaker was closed already\n"],
    ]);
  });
});

describe("xcp-control --json", () => {
  it("writes one JSON object a line while it migrates, and afterwards the dry run plans nothing", async () => {
    const acted = await world.run("xcp-control", ["--json"], { change: { ControlPollSeconds: "1" } });
    expect(acted).toMatchObject({ code: 0, stderr: "" });
    const events = acted.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["move", "start", "progress", "end", "result", "summary"]),
    );
    await world.run("xcp-manager", ["-e", "DELETE RULE HOST CpuAverage"]);
    await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 100"]);
    // The first collection that sees the VM on its new host does not count its measures yet: the gate says so.
    await expect
      .poll(async () => {
        await world.run("xcp-collect");
        return (await world.run("xcp-control", ["--dry-run", "--exit-code"])).stdout;
      })
      .toMatch(/Nothing to do: no host breaks a rule/);
  });
});
