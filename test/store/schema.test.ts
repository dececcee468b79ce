import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { readSchemaFiles } from "../../src/store/schema/files.ts";
import { installSchema, requireSchema, schemaStatus } from "../../src/store/schema/schema.ts";
import { loadSnapshot } from "../../src/store/snapshot.ts";
import { asRoot, createEmptyDatabase } from "../support/database.ts";
import { runsStatement, statementText } from "../support/mysqlWire.ts";
import { startTcpProxy } from "../support/tcpProxy.ts";

/** The number of the last file of sql/. */
const newest = readSchemaFiles().files.length;

/** What an empty database is made of, by the folder itself: every numbered file but the one that counts them. */
const numberedFiles = readdirSync(new URL("../../sql/", import.meta.url))
  .filter((name) => /^(?!0000)\d{4}_\w+\.sql$/.test(name))
  .sort();

/** The thesis' statements (section 5.2), on a server whose default is latin1 as in its days. */
const thesisStatements = [
  `CREATE TABLE Host ( UUID CHAR(36) PRIMARY KEY, MemoryTotalMb INT, MemoryFreeMb INT, XapiMemoryUsageMb INT,
    XapiFreeMemoryMb INT, PifLoRxKb INT, PifLoTxKb INT, PifEth0RxKb INT, PifEth0TxKb INT, Dom0LoadAvg DOUBLE,
    CpuAverage DOUBLE, Ip VARCHAR(15), CpuNum INT, Name VARCHAR(100) )`,
  `CREATE TABLE Vm ( UUID CHAR(36) PRIMARY KEY, MemoryMb INT, MemoryInternalFreeMb INT, Vif0TxKb INT, Vif0RxKb INT,
    VcpuAverage DOUBLE, VcpuNum INT, PowerState VARCHAR(20), IsControlDomain BOOLEAN, Name VARCHAR(100) )`,
  `CREATE TABLE Map ( HostUuid CHAR(36), VmUuid CHAR(36), primary key(\`HostUuid\`, \`VmUuid\` ),
    foreign key(\`HostUuid\`) references Host(\`UUID\`), foreign key(\`VmUuid\`) references Vm(\`UUID\`) )`,
  "CREATE TABLE HostRule ( Subject VARCHAR(100) PRIMARY KEY, Threshold DOUBLE NOT NULL )",
];

const hostUuid = "eb966de6-276a-0428-2ecb-d1b2a69eff57";
const vmUuid = "0a511f3b-ca5f-2c5d-7751-55b6a138f86e";
const vmInsert = `INSERT INTO Vm VALUES ('${vmUuid}', 1024, 813, 0, 6, 50, 2, 'Running', false, 'VM1 - Debian')`;
const thesisRows = [
  `INSERT INTO Host VALUES ('${hostUuid}', 4096, 1024, 5, 3, 0, 0, 7, 8, 0.25, 25, '192.168.1.10', 4, 'città')`,
  vmInsert,
  `INSERT INTO Map VALUES ('${hostUuid}', '${vmUuid}')`,
  "INSERT INTO HostRule VALUES ('CpuAverage', 25)",
];

async function makeThesisDatabase(database: string): Promise<void> {
  await asRoot([`CREATE DATABASE \`${database}\` CHARACTER SET latin1`]);
  await asRoot([...thesisStatements, ...thesisRows], database);
}

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function emptyDatabase(): Promise<StoreOptions> {
  const { admin, drop } = await createEmptyDatabase();
  cleanUps.push(drop);
  return admin;
}

async function thesisDatabase(): Promise<StoreOptions> {
  const admin = await emptyDatabase();
  await makeThesisDatabase(admin.database);
  return admin;
}

async function query(options: StoreOptions, sql: string) {
  const db = await openDatabase(options);
  try {
    return await db.read((reader) => reader.rows(sql));
  } finally {
    await db.close();
  }
}

/** Everything that two databases with one schema must have in common. */
async function shapeOf(options: StoreOptions) {
  const columns = await query(
    options,
    `SELECT TABLE_NAME AS t, COLUMN_NAME AS c, ORDINAL_POSITION AS p, COLUMN_TYPE AS ty, IS_NULLABLE AS n,
            CHARACTER_SET_NAME AS cs, COLLATION_NAME AS co
       FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION`,
  );
  const keys = await query(
    options,
    `SELECT TABLE_NAME AS t, CONSTRAINT_NAME AS k, COLUMN_NAME AS c, ORDINAL_POSITION AS p, REFERENCED_TABLE_NAME AS rt
       FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE()
      ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  );
  const tables = await query(
    options,
    `SELECT TABLE_NAME AS t, ENGINE AS e, TABLE_COLLATION AS co
       FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME`,
  );
  return { columns, keys, tables };
}

async function expectThesisRows(options: StoreOptions) {
  const stored = await query(
    options,
    "SELECT Host.*, Vm.Name AS vmName, VcpuAverage, Threshold FROM Host JOIN Map ON HostUuid = Host.UUID JOIN Vm ON VmUuid = Vm.UUID, HostRule",
  );
  const wanted = {
    UUID: hostUuid,
    Name: "città",
    Ip: "192.168.1.10",
    CpuAverage: 25,
    Dom0LoadAvg: 0.25,
    Threshold: 25,
  };
  expect(stored).toEqual([expect.objectContaining({ ...wanted, vmName: "VM1 - Debian", VcpuAverage: 50 })]);
}

describe("schema install", () => {
  it("creates the database that is missing, and the second time does nothing", async () => {
    const admin = await emptyDatabase();
    expect(await schemaStatus(admin)).toMatchObject({ found: "no database", version: 0 });
    const first = await installSchema(admin);
    expect(first.createdDatabase).toBe(true);
    expect(first.applied).toEqual(numberedFiles);
    const second = await installSchema(admin);
    expect(second).toMatchObject({ createdDatabase: false, applied: [], version: newest });
    expect(await schemaStatus(admin)).toEqual({
      found: "ours",
      version: newest,
      wanted: newest,
      pending: [],
      lost: [],
    });
  });

  it("keeps the thesis' columns, their order and the number types", async () => {
    const admin = await emptyDatabase();
    await installSchema(admin);
    const theirs = await thesisDatabase();
    const sql = (types: string) =>
      `SELECT TABLE_NAME AS t, COLUMN_NAME AS c, ${types} FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN ('Host', 'Vm', 'Map', 'HostRule')
        ORDER BY TABLE_NAME, ORDINAL_POSITION`;
    const types =
      "IF(CHARACTER_SET_NAME IS NULL, COLUMN_TYPE, 'text') AS ty, IS_NULLABLE AS n, COLUMN_KEY AS k";
    expect(await query(admin, sql(types))).toEqual(await query(theirs, sql(types)));
  });

  it("upgrades a database made by the thesis' statements, with its rows, to the same schema as a fresh one", async () => {
    const theirs = await thesisDatabase();
    expect(await schemaStatus(theirs)).toMatchObject({ found: "thesis", version: 0 });
    expect(await installSchema(theirs)).toMatchObject({ adoptedThesis: true, version: newest });
    await expectThesisRows(theirs);
    const fresh = await emptyDatabase();
    await installSchema(fresh);
    expect(await shapeOf(theirs)).toEqual(await shapeOf(fresh));
  });

  it("upgrades a database of every earlier version, with its rows, to the same schema as a fresh one", async () => {
    const fresh = await emptyDatabase();
    await installSchema(fresh);
    const wanted = await shapeOf(fresh);
    const { ledger, files } = readSchemaFiles();
    for (let version = 1; version < newest; version++) {
      const older = await thesisDatabase();
      await installSchema(older, { files: { ledger, files: files.slice(0, version) } });
      expect(await schemaStatus(older)).toMatchObject({ version });
      expect(await installSchema(older)).toMatchObject({ version: newest });
      await expectThesisRows(older);
      expect(await shapeOf(older), `from version ${version}`).toEqual(wanted);
    }
  }, 180_000);

  it("leaves whole-row inserts, foreign keys and case-blind comparisons as scripts of the thesis' days know them", async () => {
    const theirs = await thesisDatabase();
    await installSchema(theirs);
    const another = "ffffffff-ffff-4fff-8fff-ffffffffffff";
    await asRoot(vmInsert.replace(vmUuid, another), theirs.database);
    await expect(
      asRoot(`INSERT INTO Map VALUES ('nowhere', '${another}')`, theirs.database),
    ).rejects.toMatchObject({
      errno: 1452,
    });
    await expect(
      asRoot(`DELETE FROM Host WHERE UUID = '${hostUuid}'`, theirs.database),
    ).rejects.toMatchObject({
      errno: 1451,
    });
    const found = await query(
      theirs,
      `SELECT UUID FROM Vm WHERE PowerState = 'running' AND UUID = '${vmUuid.toUpperCase()}'`,
    );
    expect(found).toEqual([{ UUID: vmUuid }]);
  });

  it("upgrades MyISAM tables too, leaving out placements of what does not exist", async () => {
    const admin = await emptyDatabase();
    await asRoot([`CREATE DATABASE \`${admin.database}\` CHARACTER SET latin1`]);
    const statements = thesisStatements.map((statement) => `${statement} ENGINE=MyISAM`);
    const orphan = "INSERT INTO Map VALUES ('gone', 'gone too')";
    await asRoot([...statements, ...thesisRows, orphan], admin.database);
    await installSchema(admin);
    await expectThesisRows(admin);
    expect(await query(admin, "SELECT HostUuid, VmUuid FROM Map")).toEqual([
      { HostUuid: hostUuid, VmUuid: vmUuid },
    ]);
    const fresh = await emptyDatabase();
    await installSchema(fresh);
    expect(await shapeOf(admin)).toEqual(await shapeOf(fresh));
  });

  it("shows the thesis' rows before the first collection, as nothing to act on", async () => {
    const theirs = await thesisDatabase();
    await installSchema(theirs);
    const db = await openDatabase(theirs);
    const stored = await loadSnapshot(db);
    await db.close();
    expect(stored?.snapshot.vms.map((vm) => vm.name)).toEqual(["VM1 - Debian"]);
    expect(stored?.snapshot.vms[0]?.immovable).toMatch(/xcp-collect/);
    expect(stored?.snapshot.hosts[0]).toMatchObject({
      name: "città",
      cpuAverage: 25,
      enabled: false,
      live: false,
    });
    expect(stored?.collection).toMatchObject({ id: 0, complete: false });
    expect(stored?.ageSeconds).toBe(Number.POSITIVE_INFINITY);
  });

  it("refuses tables that only share the thesis' names, and leaves them alone", async () => {
    const admin = await emptyDatabase();
    await asRoot([`CREATE DATABASE \`${admin.database}\``]);
    await asRoot("CREATE TABLE Host (id INT PRIMARY KEY, name TEXT)", admin.database);
    await expect(installSchema(admin)).rejects.toMatchObject({
      code: "schema",
      message: expect.stringMatching(/table Host that is not the thesis'.*id, name/),
    });
    expect((await shapeOf(admin)).columns.filter((column) => column["t"] === "Host")).toHaveLength(2);
  });

  it("is safe when two start at once, four times in a row", async () => {
    for (let round = 0; round < 4; round++) {
      const admin = round % 2 === 0 ? await emptyDatabase() : await thesisDatabase();
      const both = await Promise.all([installSchema(admin), installSchema(admin)]);
      const applied = both.flatMap((result) => result.applied).sort();
      expect(applied).toEqual(numberedFiles);
      expect(await schemaStatus(admin)).toMatchObject({ version: newest, pending: [] });
      if (round % 2 === 1) await expectThesisRows(admin);
    }
  }, 120_000);

  it("goes on where a crash stopped it, whichever statement's answer was never heard", async () => {
    const fresh = await emptyDatabase();
    await installSchema(fresh);
    const wanted = await shapeOf(fresh);
    // Of the newest files each statement; of the others, which were tried so when they came, one in eleven.
    const statements = readSchemaFiles().files.flatMap(({ version, statements: all }) =>
      version > newest - 2 ? all : all.filter((_, at) => (at + version) % 11 === 0),
    );
    for (const statement of statements) {
      const admin = await thesisDatabase();
      await installThroughCut(admin, statement);
      expect(await schemaStatus(admin)).not.toMatchObject({ pending: [] });
      await installSchema(admin);
      expect(await shapeOf(admin), `after a crash in ${statement.slice(0, 60)}`).toEqual(wanted);
      await expectThesisRows(admin);
      for (const cleanUp of cleanUps.splice(1)) await cleanUp();
    }
  }, 240_000);

  it("goes on after a crash between two statements", async () => {
    const admin = await thesisDatabase();
    const [lastOfWiden] = readSchemaFiles().files[1]?.statements.slice(-1) ?? [];
    await installThroughCut(admin, lastOfWiden ?? "", "before");
    await installSchema(admin);
    await expectThesisRows(admin);
    expect(await schemaStatus(admin)).toMatchObject({ version: newest, pending: [] });
  });

  it("waits for an installer that may still be at work, then takes over", async () => {
    const admin = await emptyDatabase();
    await installThroughCut(admin, "CREATE TABLE IF NOT EXISTS Pool", "before", 2);
    const waits: number[] = [];
    const sleep = async (ms: number) => {
      waits.push(ms);
      await new Promise((resolve) => setTimeout(resolve, ms));
    };
    await installSchema(admin, { sleep });
    expect(waits.length).toBeGreaterThan(0);
    expect(await schemaStatus(admin)).toMatchObject({ version: newest, pending: [] });
  });

  it("can be repeated at once after a statement that the server refused", async () => {
    const admin = await emptyDatabase();
    const folder = `${mkdtempSync(path.join(tmpdir(), "xcp-sql-"))}/`;
    cleanUps.push(async () => rmSync(folder, { recursive: true }));
    const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
    write("0000_version.sql", `${readSchemaFiles().ledger.join(";\n")};\n`);
    write(
      "0001_one.sql",
      "-- breaking\nCREATE TABLE One (a INT PRIMARY KEY);\nCREATE TABLE Two (a NONSENSE);\n",
    );
    const files = () => readSchemaFiles(pathToFileURL(folder));
    await expect(installSchema(admin, { files: files() })).rejects.toMatchObject({ code: "mysql" });
    write(
      "0001_one.sql",
      "-- breaking\nCREATE TABLE One (a INT PRIMARY KEY);\nCREATE TABLE Two (a INT PRIMARY KEY);\n",
    );
    await installSchema(admin, { files: files() });
    expect(await query(admin, "SELECT Version, Breaking, Finished FROM SchemaVersion")).toEqual([
      { Version: 1, Breaking: 1, Finished: 1 },
    ]);
    await query(admin, "SELECT a FROM One UNION SELECT a FROM Two");
  });

  it("tells an account without the right to create anything to call an administrator", async () => {
    const admin = await emptyDatabase();
    const user = `${admin.database}-poor`;
    await asRoot(`CREATE USER '${user}'@'%' IDENTIFIED BY 'poor'`);
    cleanUps.push(() => asRoot(`DROP USER '${user}'@'%'`));
    const poor = { ...admin, user, password: "poor" };
    await expect(installSchema(poor)).rejects.toThrow(/may not create it: run this as an administrator/);
    await asRoot(`CREATE DATABASE \`${admin.database}\``);
    await asRoot(`GRANT SELECT ON \`${admin.database}\`.* TO '${user}'@'%'`);
    await expect(installSchema(poor)).rejects.toThrow(/may not make or change tables.*administrator/);
  });
});

describe("a program at its start", () => {
  it("refuses an older schema, naming the command", async () => {
    const admin = await thesisDatabase();
    const db = await openDatabase(admin);
    await expect(requireSchema(db)).rejects.toMatchObject({
      code: "schema",
      message: expect.stringMatching(/as the thesis made it.*`xcp-manager schema install`/),
    });
    await installSchema(admin);
    await requireSchema(db);
    await asRoot(`UPDATE SchemaVersion SET Finished = 0 WHERE Version = ${newest}`, admin.database);
    await expect(requireSchema(db)).rejects.toThrow(
      `has schema ${newest - 1}, this program needs schema ${newest}: run \`xcp-manager schema install\``,
    );
    await db.close();
  });

  it("refuses an empty database, naming the command", async () => {
    const admin = await emptyDatabase();
    await asRoot([`CREATE DATABASE \`${admin.database}\``]);
    const db = await openDatabase(admin);
    await expect(requireSchema(db)).rejects.toThrow(/has no tables.*`xcp-manager schema install`/);
    await db.close();
  });

  it("refuses a schema from the future, half made or whole, and so does the installer", async () => {
    const admin = await emptyDatabase();
    await installSchema(admin);
    await asRoot(
      `INSERT INTO SchemaVersion SELECT ${newest + 1}, 'future.sql', 0, 1, 0, Holder, HeldUntil, ChangedAt FROM SchemaVersion WHERE Version = ${newest}`,
      admin.database,
    );
    const db = await openDatabase(admin);
    const future = new RegExp(
      `made by a newer xcp-balance: it has schema ${newest + 1}, this program knows ${newest}; upgrade the program`,
    );
    await expect(requireSchema(db)).rejects.toThrow(future);
    await asRoot("UPDATE SchemaVersion SET Finished = 1", admin.database);
    await expect(requireSchema(db)).rejects.toThrow(future);
    await expect(installSchema(admin)).rejects.toMatchObject({
      code: "schema",
      message: expect.stringMatching(future),
    });
    await db.close();
  });
});

/** Installs through a proxy that cuts the connection when `statement` was done, or before it begins. */
async function installThroughCut(
  admin: StoreOptions,
  statement: string,
  when: "before" | "after" = "after",
  holdSeconds = 0,
): Promise<void> {
  const [server] = admin.servers;
  if (server === undefined) throw new Error("the test server has no address");
  const proxy = await startTcpProxy(server);
  let reached = false;
  proxy.assess = (event) => {
    if (reached && event.direction === "down") return "cut";
    if (runsStatement(event) && statementText(event)?.startsWith(statement) === true) {
      reached = true;
      if (when === "before") return "cut";
    }
    return "pass";
  };
  try {
    const through = { ...admin, servers: [{ host: proxy.host, port: proxy.port }] };
    await expect(installSchema(through, { holdSeconds })).rejects.toMatchObject({ code: "mysql" });
    expect(reached).toBe(true);
  } finally {
    await proxy.close();
  }
}
