/** What a database should hold is read off the files of sql/; what is missing of it is found and made again. */
import mysql, { type Connection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectedTables, expectedViews } from "../../src/store/schema/expected.ts";
import { readSchemaFiles } from "../../src/store/schema/files.ts";
import { installSchema, schemaStatus } from "../../src/store/schema/schema.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";

const tables = expectedTables(readSchemaFiles().files);

let test: TestDatabase;
let connection: Connection;
beforeAll(async () => {
  test = await createTestDatabase();
  const { servers, user, password, database } = test.admin;
  connection = await mysql.createConnection({ ...servers[0], user, password, database });
});
afterAll(async () => {
  await connection?.end();
  await test?.drop();
});

async function definition(table: string): Promise<string> {
  const [[row]] = await connection.query<RowDataPacket[]>(`SHOW CREATE TABLE ${table}`);
  return String(row?.["Create Table"]);
}

describe("what the files of sql/ make", () => {
  it("is what stands in the database: the tables, their columns in order, and which are in keys", async () => {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT TABLE_NAME AS t, COLUMN_NAME AS c, COLUMN_KEY <> '' AS k FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> 'SchemaVersion' AND TABLE_NAME NOT LIKE 'v\\_%' ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    );
    const sorted = tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const columns = sorted.flatMap(({ name, columns: own }) => own.map((column) => `${name}.${column.name}`));
    expect(columns).toEqual(rows.map(({ t, c }) => `${t}.${c}`));
    const inKeys = (name: string) => tables.find((each) => each.name === name)?.columns ?? [];
    for (const { t, c, k } of rows.filter((row) => Number(row["k"]) === 1))
      expect([t, c, inKeys(t).find(({ name }) => name === c)?.key]).toEqual([t, c, Number(k) === 1]);
  });
});

/** On MySQL a view is lost with a column that it shows, too; MariaDB leaves it, as good as it was before. */
const withoutViews = (names: readonly string[]): readonly string[] =>
  names.filter((name) => !name.startsWith("v_"));

describe("columns that are lost", () => {
  it.each(tables.filter(({ columns }) => columns.some(({ key }) => !key)))(
    "of $name are named, and come back in their places",
    async ({ name, columns }) => {
      const before = await definition(name);
      const gone = columns.filter(({ key }) => !key).map((column) => column.name);
      await asRoot(
        `ALTER TABLE ${name} ${gone.map((column) => `DROP COLUMN ${column}`).join(", ")}`,
        test.admin.database,
      );
      const wanted = gone.map((column) => `${name}.${column}`);
      expect(withoutViews((await schemaStatus(test.admin)).lost)).toEqual(wanted);
      expect(withoutViews((await schemaStatus(test.manager)).lost)).toEqual(wanted);
      expect(withoutViews((await installSchema(test.admin)).madeAgain)).toEqual(wanted);
      expect((await schemaStatus(test.admin)).lost).toEqual([]);
      expect(await definition(name)).toBe(before);
    },
  );

  it("come back where rows are, as values that stand for nothing", async () => {
    await asRoot(
      [
        "INSERT INTO Exclusion VALUES ('a', 'VM', 'me', UTC_TIMESTAMP(6), 'why')",
        "ALTER TABLE Exclusion DROP COLUMN ExcludedAt, DROP COLUMN Reason",
      ],
      test.admin.database,
    );
    await installSchema(test.admin);
    const [[row]] = await connection.query<RowDataPacket[]>("SELECT * FROM Exclusion");
    expect(row).toMatchObject({ ObjectUuid: "a", ExcludedBy: "me", Reason: "" });
  });

  it("are refused where a key went with them, and nothing is made", async () => {
    await asRoot("ALTER TABLE Migration DROP COLUMN OpenVm, DROP COLUMN Error", test.admin.database);
    await expect(installSchema(test.admin)).rejects.toMatchObject({
      code: "schema",
      message: expect.stringContaining("column OpenVm of table Migration is gone, and a key with it"),
    });
    await asRoot("DROP TABLE Migration", test.admin.database);
    expect((await installSchema(test.admin)).madeAgain).toEqual(["Migration"]);
  });
});

describe("the views", () => {
  const views = expectedViews(readSchemaFiles().files).map(({ name }) => name);

  it("are those of the files, run with the rights of whoever installed them", async () => {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SELECT TABLE_NAME AS v, SECURITY_TYPE AS security FROM information_schema.VIEWS
        WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME`,
    );
    expect(rows.map(({ v, security }) => [v, security])).toEqual(
      views.toSorted().map((name) => [name, "DEFINER"]),
    );
  });

  it("that are gone, or whose maker is gone, are named and made again", async () => {
    const database = test.admin.database;
    const maker = `${database}-maker`;
    await asRoot(
      [
        "DROP VIEW v_run",
        `CREATE USER '${maker}'@'%'`,
        `GRANT ALL ON \`${database}\`.* TO '${maker}'@'%'`,
        `CREATE OR REPLACE DEFINER = '${maker}'@'%' SQL SECURITY DEFINER VIEW v_pool AS SELECT PoolUuid AS pool FROM Pool`,
        `DROP USER '${maker}'@'%'`,
      ],
      database,
    );
    expect((await schemaStatus(test.admin)).lost).toEqual(["v_pool", "v_run"]);
    expect((await installSchema(test.admin)).madeAgain).toEqual(["v_pool", "v_run"]);
    expect((await schemaStatus(test.manager)).lost).toEqual([]);
    const [[row]] = await connection.query<RowDataPacket[]>("SELECT COUNT(*) AS pools FROM v_pool");
    expect(Number(row?.["pools"])).toBe(0);
  });
});

describe("tables that an account may not see", () => {
  it("are not called lost", async () => {
    expect(await schemaStatus(test.collect)).toMatchObject({ found: "ours", pending: [], lost: [] });
  });
});
