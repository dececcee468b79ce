/** Case lost-table: a table that is gone is named by `schema status`, and `schema install` makes it again and says so. */
import mysql, { type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectedTables } from "../../src/store/schema/expected.ts";
import { readSchemaFiles } from "../../src/store/schema/files.ts";
import { asRoot } from "../support/database.ts";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";

const tables = [...expectedTables(readSchemaFiles().files).map(({ name }) => name), "SchemaVersion"];

let world: World;
let administrator: Readonly<Record<string, string>>;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  const { user, password } = world.database.admin;
  administrator = { MysqlUsr: user, MysqlPass: password };
  await world.begin();
});
afterAll(() => world?.stop());

const schema = async (what: "install" | "status") => {
  const { code, stdout, stderr } = await world.run("xcp-manager", ["schema", what], {
    change: administrator,
  });
  return { code, stdout, stderr };
};

const drop = (...names: string[]) =>
  asRoot(
    ["SET SESSION foreign_key_checks = 0", ...names.map((name) => `DROP TABLE ${name}`)],
    world.database.admin.database,
  );

/** How the server describes each table. */
async function definitions(): Promise<Record<string, string>> {
  const { servers, user, password, database } = world.database.admin;
  const connection = await mysql.createConnection({ ...servers[0], user, password, database });
  const found: Record<string, string> = {};
  for (const table of tables) {
    const [[row]] = await connection.query<RowDataPacket[]>(`SHOW CREATE TABLE ${table}`);
    found[table] = String(row?.["Create Table"]);
  }
  await connection.end();
  return found;
}

describe("a lost table", () => {
  // The way is the same for all, and the last test loses all of them.
  it.each(someVariants(tables, 5))("%s is named, and is there again after schema install", async (table) => {
    const before = await definitions();
    await drop(table);
    const lost = await schema("status");
    expect(lost).toMatchObject({ code: 3, stderr: "" });
    expect(lost.stdout).toContain(`Lost - table ${table}\n`);
    expect(lost.stdout.match(/Lost - /g)).toHaveLength(1);
    const installed = await schema("install");
    expect(installed).toMatchObject({ code: 0, stderr: "" });
    expect(installed.stdout).toMatch(
      new RegExp(`^Made table ${table} again, .*\\nThe schema of \\w+ is up to`),
    );
    expect(await definitions()).toEqual(before);
    expect(await schema("status")).toMatchObject({ code: 0, stdout: expect.not.stringContaining("Lost") });
  });

  it("is not acted upon half: what a lost table of the snapshot leaves waits for the next collection", async () => {
    await world.run("xcp-collect");
    await drop("VmBar");
    await schema("install");
    const refused = await world.run("xcp-control", ["--dry-run"]);
    expect(refused.code).toBe(4);
    await world.run("xcp-collect");
    expect((await world.run("xcp-control", ["--dry-run"])).code).toBe(0);
  });

  it("never lets a collection's number be given again", async () => {
    await world.run("xcp-collect");
    await drop("CollectionHead");
    await schema("install");
    expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
  });

  it("and all the others at once: the programs work on what install makes", async () => {
    await drop(...tables.filter((table) => table !== "SchemaVersion"));
    expect((await schema("install")).code).toBe(0);
    expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
    expect(await world.run("xcp-control")).toMatchObject({ code: 0, stderr: "" });
    expect((await world.run("xcp-manager", ["-e", "SHOW STATUS"])).code).toBe(0);
  });
});
