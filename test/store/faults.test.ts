/** Faults F4 to F8 and F10 of the network and the server, between real statements and a real server. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import { type Database, openDatabase, type Pacing, type StoreOptions } from "../../src/store/connection.ts";
import { createHostRule, deleteRuleOfKind } from "../../src/store/ruleChanges.ts";
import { listRules } from "../../src/store/rules.ts";
import {
  beginCollection,
  type CollectionStart,
  loadSnapshot,
  saveSnapshot,
} from "../../src/store/snapshot.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { errorAnswer, runsStatement, statementText, withStatement } from "../support/mysqlWire.ts";
import { startTcpProxy, type TcpProxy, type WireEvent } from "../support/tcpProxy.ts";

let test: TestDatabase;
let proxy: TcpProxy;
let direct: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  direct = await openDatabase(test.admin);
});
afterAll(async () => {
  await direct.close();
  await test.drop();
});
beforeEach(async () => {
  proxy = await startTcpProxy(serverOf(test.admin));
});
afterEach(() => proxy.close());

function serverOf(options: StoreOptions): { host: string; port: number } {
  const [server] = options.servers;
  if (server === undefined) throw new Error("the test server has no address");
  return server;
}

/** Waits of the retries in milliseconds, as they were asked for; no time passes. */
let waits: number[] = [];
function quick(): Pacing {
  waits = [];
  let now = 0;
  return {
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms);
      now += ms + 1;
    },
    monotonicMs: () => now,
  };
}

function throughProxy(options: StoreOptions, changes: Partial<StoreOptions> = {}): StoreOptions {
  return { ...options, servers: [{ host: proxy.host, port: proxy.port }], ...changes };
}

async function openThrough(options: StoreOptions, changes: Partial<StoreOptions> = {}): Promise<Database> {
  return openDatabase(throughProxy(options, changes), quick());
}

function aPool(mark: number, turn = 0): Snapshot {
  const hosts = [1, 2, 3].map((n) => aHost({ uuid: uuid(n), cpuAverage: mark }));
  const vms = [...Array(9).keys()].map((n) => aVm({ uuid: uuid(100 + n), name: `mark ${mark}` }));
  return aSnapshot(hosts.map((host, n) => [host, vms.filter((_, v) => (v + turn) % 3 === n)] as const));
}

/** The snapshot with its lists in the order of loading. */
function inOrder(snapshot: Snapshot): Snapshot {
  const key = (item: object) => JSON.stringify(Object.values(item).slice(0, 1)) + JSON.stringify(item);
  const byUuid = <T extends { uuid: string }>(list: readonly T[]) =>
    [...list].sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
  const placements = [...snapshot.placements].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return { ...snapshot, hosts: byUuid(snapshot.hosts), vms: byUuid(snapshot.vms), placements };
}

async function stored(): Promise<Snapshot | undefined> {
  const snapshot = (await loadSnapshot(direct))?.snapshot;
  return snapshot === undefined ? undefined : inOrder(snapshot);
}

async function save(db: Database, start: CollectionStart, snapshot: Snapshot) {
  return saveSnapshot(db, start, snapshot, { complete: true });
}

async function saveDirectly(snapshot: Snapshot): Promise<void> {
  await save(direct, await beginCollection(direct), snapshot);
}

/** How many statements one saving runs, BEGIN and COMMIT included. */
async function countStatements(): Promise<number> {
  const db = await openThrough(test.collect);
  await saveDirectly(aPool(1));
  const start = await beginCollection(db);
  let count = 0;
  proxy.assess = (event) => {
    if (runsStatement(event)) count++;
    return "pass";
  };
  await save(db, start, aPool(2, 1));
  proxy.assess = undefined;
  await db.close();
  return count;
}

/** Lets the k-th statement from now on meet `fault`, once. */
function atStatement(
  k: number,
  fault: (event: WireEvent) => ReturnType<NonNullable<TcpProxy["assess"]>>,
): void {
  let count = 0;
  proxy.assess = (event) => (runsStatement(event) && ++count === k ? fault(event) : "pass");
}

describe("a statement that the server undoes", () => {
  it.each([
    [1213, "Deadlock found when trying to get lock"],
    [1205, "Lock wait timeout exceeded"],
    [1020, "Record has changed since last read"],
  ])("F7: with error %i, at whichever place, costs a retry and nothing else", async (errno, message) => {
    const statements = await countStatements();
    expect(statements).toBeGreaterThan(10);
    for (let k = 1; k <= statements; k++) {
      await saveDirectly(aPool(1));
      const db = await openThrough(test.collect);
      const start = await beginCollection(db);
      atStatement(k, () => ({ answer: errorAnswer(errno, message) }));
      expect(await save(db, start, aPool(2, 1)), `statement ${k}`).toMatchObject({ id: start.id });
      expect(waits).toEqual([100]);
      expect(await stored()).toEqual(inOrder(aPool(2, 1)));
      await db.close();
    }
  });

  it("F7: again and again ends after five runs, with the tables as they were", async () => {
    await saveDirectly(aPool(1));
    const db = await openThrough(test.collect);
    const start = await beginCollection(db);
    let refused = 0;
    proxy.assess = (event) => {
      if (statementText(event)?.startsWith("INSERT INTO Vm") !== true) return "pass";
      refused++;
      return { answer: errorAnswer(1213, "Deadlock found") };
    };
    await expect(save(db, start, aPool(2))).rejects.toMatchObject({
      code: "mysql",
      message: expect.stringMatching(/other writers kept the rows locked: Deadlock found/),
    });
    expect(refused).toBe(5);
    expect(waits).toEqual([100, 200, 400, 800]);
    proxy.assess = undefined;
    expect(await stored()).toEqual(inOrder(aPool(1)));
    // The connection is fit for use: nothing is left open on it.
    expect(await save(db, await beginCollection(db), aPool(3))).not.toBe("superseded");
    await db.close();
  });

  it("F7: in a real deadlock runs again and comes to the same end", async () => {
    await saveDirectly(aPool(1));
    const db = await openDatabase(test.admin, quick());
    const mine = "UPDATE Host SET CpuNum = CpuNum + ? WHERE UUID = ?";
    const runs = { here: 0, there: 0 };
    let otherHolds: (() => void) | undefined;
    const holding = new Promise<void>((resolve) => {
      otherHolds = resolve;
    });
    let firstHolds: (() => void) | undefined;
    const firstHolding = new Promise<void>((resolve) => {
      firstHolds = resolve;
    });
    const other = direct.write(async (writer) => {
      runs.there++;
      await writer.run(mine, [10, uuid(2)]);
      otherHolds?.();
      await firstHolding;
      await writer.run(mine, [10, uuid(1)]);
    });
    await db.write(async (writer) => {
      runs.here++;
      await writer.run(mine, [100, uuid(1)]);
      firstHolds?.();
      await holding;
      await writer.run(mine, [100, uuid(2)]);
    });
    await other;
    const rows = await direct.read((reader) =>
      reader.rows("SELECT CpuNum FROM Host WHERE UUID IN (?, ?)", [uuid(1), uuid(2)]),
    );
    expect(rows.map((row) => row["CpuNum"])).toEqual([114, 114]);
    expect(runs.here + runs.there).toBe(3);
    await db.close();
  });
});

describe("a connection that is lost", () => {
  it("F6: before or in the midst of any statement but COMMIT costs a retry on a new connection", async () => {
    const statements = await countStatements();
    for (let k = 1; k < statements; k++) {
      await saveDirectly(aPool(1));
      const db = await openThrough(test.collect);
      const start = await beginCollection(db);
      atStatement(k, () => "cut");
      expect(await save(db, start, aPool(2, 1)), `statement ${k}`).toMatchObject({ id: start.id });
      expect(await stored()).toEqual(inOrder(aPool(2, 1)));
      expect(proxy.connections).toBeGreaterThan(1);
      await db.close();
      proxy.cutAll();
      await proxy.close();
      proxy = await startTcpProxy(serverOf(test.admin));
    }
  });

  it("F5: before COMMIT reached the server: the snapshot is stored once, by a second run", async () => {
    await saveDirectly(aPool(1));
    const db = await openThrough(test.collect);
    const start = await beginCollection(db);
    let commits = 0;
    proxy.assess = (event) => (statementText(event) === "COMMIT" && ++commits === 1 ? "cut" : "pass");
    expect(await save(db, start, aPool(2))).toMatchObject({ id: start.id });
    expect(await stored()).toEqual(inOrder(aPool(2)));
    await db.close();
  });

  it("F5: after COMMIT reached the server but before its answer: found stored, and not stored again", async () => {
    await saveDirectly(aPool(1));
    const db = await openThrough(test.collect);
    const start = await beginCollection(db);
    let committing = false;
    let writes = 0;
    proxy.assess = (event) => {
      if (committing && event.direction === "down") {
        committing = false;
        return "cut";
      }
      if (statementText(event)?.startsWith("UPDATE CollectionHead") === true) writes++;
      if (statementText(event) === "COMMIT" && writes === 1) committing = true;
      return "pass";
    };
    expect(await save(db, start, aPool(2))).toMatchObject({ id: start.id });
    expect(await stored()).toEqual(inOrder(aPool(2)));
    const rows = await direct.read((reader) =>
      reader.rows("SELECT Id FROM Collection WHERE Id = ?", [start.id]),
    );
    expect(rows).toHaveLength(1);
    expect(writes).toBe(1);
    await db.close();
  });

  it("with a COMMIT that comes through late is not mistaken for somebody else's newer picture", async () => {
    const start = await beginCollection(direct);
    const first = await save(direct, start, aPool(4));
    expect(await save(direct, start, aPool(4))).toEqual(first);
  });

  it("during the COMMIT of a rule: the rule is there once, and no conflict with itself is reported", async () => {
    const db = await openThrough(test.manager);
    let committing = false;
    proxy.assess = (event) => {
      if (committing && event.direction === "down") {
        proxy.assess = undefined;
        return "cut";
      }
      committing ||= statementText(event) === "COMMIT";
      return "pass";
    };
    await createHostRule(db, { subject: "CpuAverage", threshold: 25 }, "");
    expect(await listRules(db)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
    await deleteRuleOfKind(db, "HOST", { by: "subject", subject: "CpuAverage" }, "");
    await db.close();
  });

  it("during a COMMIT that nobody can verify is an error that says so", async () => {
    const db = await openThrough(test.manager);
    proxy.assess = (event) => (statementText(event) === "COMMIT" ? "cut" : "pass");
    const lost = db.write((writer) => writer.run("DELETE FROM HostRule WHERE Subject = 'CpuAverage'"));
    await expect(lost).rejects.toMatchObject({
      code: "mysql",
      message: expect.stringMatching(/may or may not be stored/),
    });
    proxy.assess = undefined;
    expect(await listRules(db)).toEqual([]);
    await db.close();
  });

  it("between two transactions goes unnoticed", async () => {
    const db = await openThrough(test.collect);
    await saveDirectly(aPool(1));
    proxy.cutAll();
    expect(inOrder((await loadSnapshot(db))?.snapshot ?? aPool(0))).toEqual(inOrder(aPool(1)));
    await db.close();
  });

  it("for good ends, when the time for it is up, as unable to connect", async () => {
    const db = await openThrough(test.collect);
    await proxy.close();
    await expect(loadSnapshot(db)).rejects.toMatchObject({
      code: "mysql",
      message: expect.stringMatching(/^Unable to connect to Mysql: 127\.0\.0\.1:\d+: nothing listens there/),
    });
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(15_000);
    await db.close();
    proxy = await startTcpProxy(serverOf(test.admin));
  });

  it("F10: without a word (the network swallows everything) is noticed by the deadline of the statement", async () => {
    await saveDirectly(aPool(1));
    const db = await openThrough(test.collect, { statementTimeoutMs: 300, connectTimeoutMs: 1_000 });
    const start = await beginCollection(db);
    const silent = proxy.connections;
    let statements = 0;
    // The first connection falls silent in the midst of the transaction; new ones work.
    proxy.assess = (event) => {
      if (event.connection !== silent) return "pass";
      if (runsStatement(event)) statements++;
      return statements > 6 ? "swallow" : "pass";
    };
    const began = performance.now();
    const saved = await save(db, start, aPool(2));
    expect(saved).toMatchObject({ id: start.id });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await stored()).toEqual(inOrder(aPool(2)));
    await db.close();
  });

  it("does not stop a slow network from storing", async () => {
    await saveDirectly(aPool(1));
    const db = await openThrough(test.collect);
    proxy.delayMs = 5;
    await save(db, await beginCollection(db), aPool(2));
    expect(await stored()).toEqual(inOrder(aPool(2)));
    await db.close();
  });
});

describe("several servers", () => {
  const twoServers = (options: StoreOptions): StoreOptions => ({
    ...options,
    servers: [{ host: proxy.host, port: proxy.port }, serverOf(options)],
  });

  it("are tried in their order, and a dead one is passed over", async () => {
    await proxy.close();
    const db = await openDatabase(twoServers(test.collect), quick());
    expect(db.server).toBe(`${serverOf(test.admin).host}:${serverOf(test.admin).port}`);
    await loadSnapshot(db);
    await db.close();
    proxy = await startTcpProxy(serverOf(test.admin));
  });

  it("F8: lose their turn while they are read-only", async () => {
    proxy.assess = (event) =>
      statementText(event)?.includes("@@global.read_only") === true
        ? { replace: withStatement(event, "SELECT VERSION() AS version, 1 AS readOnly") }
        : "pass";
    const db = await openDatabase(twoServers(test.collect), quick());
    expect(db.server).not.toContain(String(proxy.port));
    await db.close();
    await expect(openDatabase(throughProxy(test.collect))).rejects.toThrow(
      /^Unable to connect to Mysql: .*read-only, not the writer/,
    );
  });

  it("lose their turn while they are cut off from their Galera cluster", async ({ skip }) => {
    skip(!/mariadb/i.test(direct.version), "only MariaDB knows Galera");
    const answers: Readonly<Record<string, string>> = {
      "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'": "SELECT 'ON' AS Value",
      "SHOW GLOBAL STATUS LIKE 'wsrep_ready'": "SELECT 'OFF' AS Value",
    };
    proxy.assess = (event) => {
      const answer = answers[statementText(event) ?? ""];
      return answer === undefined ? "pass" : { replace: withStatement(event, answer) };
    };
    const db = await openDatabase(twoServers(test.collect), quick());
    expect(db.server).not.toContain(String(proxy.port));
    await db.close();
    await expect(openDatabase(throughProxy(test.collect))).rejects.toThrow(/Galera node is cut off/);
  });

  it.each([
    [1290, "The MySQL server is running with the --read-only option so it cannot execute this statement"],
    [1792, "Cannot execute statement in a READ ONLY transaction"],
    [1836, "Running in read-only mode"],
    [3100, "Error on observer while running replication hook 'before_commit'"],
    [1047, "WSREP has not yet prepared node for application use"],
  ] as const)(
    "F8: take over from one that stops taking writes in mid-run (error %i)",
    async (errno, message) => {
      await saveDirectly(aPool(1));
      const db = await openDatabase(twoServers(test.collect), quick());
      const start = await beginCollection(db);
      expect(db.server).toContain(String(proxy.port));
      proxy.assess = (event) =>
        statementText(event)?.startsWith("INSERT INTO Vm") === true
          ? { answer: errorAnswer(errno, message) }
          : "pass";
      expect(await save(db, start, aPool(2))).toMatchObject({ id: start.id });
      expect(db.server).not.toContain(String(proxy.port));
      expect(await stored()).toEqual(inOrder(aPool(2)));
      await db.close();
    },
  );
});

describe("a write that the server refuses", () => {
  it("F9: names the cause when the disk is full, and leaves the old picture", async () => {
    await saveDirectly(aPool(1));
    const db = await openThrough(test.collect);
    const start = await beginCollection(db);
    proxy.assess = (event) =>
      statementText(event)?.startsWith("INSERT INTO Vm") === true
        ? { answer: errorAnswer(1114, "The table 'Vm' is full") }
        : "pass";
    await expect(save(db, start, aPool(2))).rejects.toMatchObject({
      code: "mysql",
      message: expect.stringMatching(/no room left: The table 'Vm' is full; free space/),
    });
    expect(await stored()).toEqual(inOrder(aPool(1)));
    await db.close();
  });

  it("is stopped by the server itself when it takes too long", async () => {
    const db = await openDatabase({ ...test.collect, statementTimeoutMs: 300 });
    const slow = db.read((reader) =>
      reader.rows(
        "SELECT COUNT(*) AS n FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c WHERE a.TABLE_NAME < b.COLUMN_NAME",
      ),
    );
    await expect(slow).rejects.toMatchObject({
      code: "mysql",
      message: expect.stringMatching(/MysqlStatementSeconds|no answer/),
    });
    await db.close();
  });
});
