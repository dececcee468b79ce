/** MySQL as the programs meet it: away, wrong password, no database, no schema, a newer one, and cut in mid-run. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { asRoot, createEmptyDatabase, createTestDatabase } from "../support/database.ts";
import { statementText } from "../support/mysqlWire.ts";
import type { ProgramResult } from "../support/programs.ts";
import { someVariants } from "../support/runs.ts";
import { startTcpProxy, type TcpProxy, type WireEvent } from "../support/tcpProxy.ts";
import { startWorld, type World } from "../support/world.ts";
import { storedTables, type Tables, tablesOf } from "./collectPool.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" }, manualClock: true });
  await world.pool.clock.advance(60_000);
});
afterAll(() => world?.stop());

/** All three programs with the same change to their settings. */
function runAll(change: Readonly<Record<string, string>>): Promise<ProgramResult[]> {
  return Promise.all([
    world.run("xcp-collect", [], { change }),
    world.run("xcp-manager", ["-e", "SHOW VMS"], { change }),
    world.run("xcp-control", ["--dry-run"], { change }),
  ]);
}

describe("MySQL that cannot be used ends every program with 1", () => {
  it("when it is away: the thesis' sentence, the address and the reason", async () => {
    for (const result of await runAll({ MysqlHost: "127.0.0.1:1" })) {
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^xcp-\w+: Unable to connect to Mysql/);
      expect(result.stderr).toContain("127.0.0.1:1");
      expect(result.stderr).toContain("nothing listens there");
    }
    expect(world.pool.db.all("session")).toEqual([]);
  });

  it("when the password is wrong, which stands in no output", async () => {
    for (const result of await runAll({ MysqlPass: "canary-wrong-password" })) {
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(
        /Unable to connect to Mysql.*access denied for \S+: check MysqlUsr and MysqlPass/s,
      );
      expect(result.stderr).not.toContain("canary-wrong-password");
    }
  });

  it("when there is no such database, or nothing in it: `xcp-manager schema install` is named", async () => {
    const empty = await createEmptyDatabase();
    const { user, password, database } = empty.admin;
    const change = { MysqlUsr: user, MysqlPass: password, MysqlDatabase: database };
    try {
      for (const make of [null, `CREATE DATABASE ${database}`]) {
        if (make !== null) await asRoot(make);
        for (const result of await runAll(change)) {
          expect(result).toMatchObject({ code: 1, stdout: "" });
          expect(result.stderr).toContain(database);
          expect(result.stderr).toContain("xcp-manager schema install");
        }
      }
    } finally {
      await empty.drop();
    }
  });

  it("F46: when its schema is from the future: upgrade the program", async () => {
    const own = await createTestDatabase();
    const { user, password, database } = own.admin;
    try {
      const next = `INSERT INTO SchemaVersion SELECT Version + 1, 'later.sql', 1, 1, 1, Holder, HeldUntil, ChangedAt
                    FROM SchemaVersion ORDER BY Version DESC LIMIT 1`;
      await asRoot(next, database);
      for (const result of await runAll({ MysqlUsr: user, MysqlPass: password, MysqlDatabase: database })) {
        expect(result).toMatchObject({ code: 1, stdout: "" });
        expect(result.stderr).toContain("was made by a newer xcp-balance");
      }
    } finally {
      await own.drop();
    }
  });
});

describe("MySQL that is cut off while a collection is stored", () => {
  let proxy: TcpProxy;
  beforeAll(async () => {
    const [server] = world.database.collect.servers;
    proxy = await startTcpProxy({ host: server?.host ?? "", port: server?.port ?? 0 });
  });
  afterEach(() => {
    proxy.assess = undefined;
  });
  afterAll(() => proxy?.close());

  const collect = () =>
    world.run("xcp-collect", [], { change: { MysqlHost: `${proxy.host}:${proxy.port}` } });

  /** Stores the pool as it is, changes it, and returns the old and the new picture. */
  async function oldAndNew(): Promise<{ before: Tables; after: Tables }> {
    expect((await world.run("xcp-collect", ["-q"])).code).toBe(0);
    const before = await storedTables(world);
    const { db } = world.pool;
    const vm = db.all("VM").find((ref) => db.text("VM", ref, "name_label").startsWith("VM1")) ?? "";
    runCommand(
      world.pool,
      `${db.text("VM", vm, "power_state") === "Running" ? "halt" : "start"} ${db.text("VM", vm, "uuid")}`,
    );
    db.set("VM", vm, "name_label", `VM1 - ${Math.floor(proxy.events)}`);
    await world.pool.clock.advance(60_000);
    const after = tablesOf(world.pool);
    expect(after).not.toEqual(before);
    return { before, after };
  }

  /** Assesses the statements of a collection's second half, once its number is drawn and the pool is read. */
  function atStatement(pattern: RegExp, times: number, answer: boolean): void {
    let storing = false;
    let hits = 0;
    let pending = false;
    proxy.assess = (event: WireEvent) => {
      const text = statementText(event);
      if (text !== null && /SET StoredId/.test(text)) storing = true;
      if (answer && pending && event.direction === "down") {
        pending = false;
        return "cut";
      }
      if (text === null || !storing || !pattern.test(text) || hits >= times) return "pass";
      hits++;
      if (!answer) return "cut";
      pending = true;
      return "pass";
    };
  }

  it.each(
    someVariants(
      [
        ["at the first statement", /SET StoredId/, false],
        ["between Host and Vm", /INTO Vm\b|UPDATE Vm\b|FROM Vm\b/, false],
        ["when the commit's answer is on its way", /^COMMIT/, true],
        ["before the commit", /^COMMIT/, false],
      ] as const,
      2,
    ),
  )("once, %s: the run is repeated and stores the new picture, once", async (_when, pattern, answer) => {
    const { after } = await oldAndNew();
    atStatement(pattern, 1, answer);
    const connections = proxy.connections;
    expect(await collect()).toMatchObject({ code: 0, stderr: "" });
    expect(proxy.connections).toBe(connections + 2);
    expect(await storedTables(world)).toEqual(after);
  });

  it("F6: again and again: the old picture stays whole, the run ends with 1, and the next one works", async () => {
    const { before, after } = await oldAndNew();
    atStatement(/INTO Vm\b|UPDATE Vm\b|FROM Vm\b/, Number.POSITIVE_INFINITY, false);
    const failed = await collect();
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toMatch(/^xcp-collect: MySQL failed: /);
    expect(await storedTables(world)).toEqual(before);
    expect(world.pool.db.all("session")).toEqual([]);
    proxy.assess = undefined;
    expect(await collect()).toMatchObject({ code: 0, stderr: "" });
    expect(await storedTables(world)).toEqual(after);
  });

  it("before the collection has its number: repeated, as nothing has happened yet", async () => {
    const { after } = await oldAndNew();
    let cut = false;
    proxy.assess = (event) => {
      if (cut || !/SET StartedId/.test(statementText(event) ?? "")) return "pass";
      cut = true;
      return "cut";
    };
    expect(await collect()).toMatchObject({ code: 0, stderr: "" });
    expect(await storedTables(world)).toEqual(after);
  });
});
