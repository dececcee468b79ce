import mysql from "mysql2/promise";
import { afterAll, expect, inject, test } from "vitest";
import { asRoot, createTestDatabase } from "../support/database.ts";

const database = await createTestDatabase();
afterAll(() => database.drop());

/** Runs one statement as one of the database's accounts. */
async function as(account: keyof Omit<typeof database, "drop">, sql: string): Promise<mysql.RowDataPacket[]> {
  const { servers, user, password, database: name } = database[account];
  const connection = await mysql.createConnection({ ...servers[0], user, password, database: name });
  try {
    const [rows] = await connection.query<mysql.RowDataPacket[]>(sql);
    return rows;
  } finally {
    await connection.end();
  }
}

test("a test database has the schema and three accounts that can do no more than they should", async () => {
  for (const account of ["collect", "manager", "control"] as const) {
    expect(await as(account, "SELECT * FROM Host")).toEqual([]);
    await expect(as(account, "CREATE TABLE Mine (a INT)")).rejects.toMatchObject({ errno: 1142 });
    await expect(as(account, "SELECT User FROM mysql.user")).rejects.toMatchObject({ errno: 1142 });
  }
  await expect(as("control", "DELETE FROM HostRule")).rejects.toMatchObject({ errno: 1142 });
  await as("manager", "DELETE FROM HostRule WHERE 1 = 0");
});

test("dropping a test database removes it with its accounts, and no other", async () => {
  const other = await createTestDatabase();
  await other.drop();
  const { host, port, user, password } = inject("databaseServer");
  const root = await mysql.createConnection({ host, port, user, password });
  const [databases] = await root.query<mysql.RowDataPacket[]>("SHOW DATABASES LIKE ?", [
    other.admin.database,
  ]);
  const [accounts] = await root.query<mysql.RowDataPacket[]>(
    "SELECT User FROM mysql.user WHERE User LIKE ?",
    [`${other.admin.database}%`],
  );
  await root.end();
  expect(databases).toEqual([]);
  expect(accounts).toEqual([]);
  expect(await as("collect", "SELECT * FROM Host")).toEqual([]);
});

test("statements as root run in the database that is named", async () => {
  await asRoot(["CREATE TABLE Probe (a INT)", "INSERT INTO Probe VALUES (7)"], database.admin.database);
  expect(await as("admin", "SELECT a FROM Probe")).toEqual([{ a: 7 }]);
  await asRoot("DROP TABLE Probe", database.admin.database);
});
