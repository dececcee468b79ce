/** A database of its own for a test file, on the run's server: schema installed, restricted accounts. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import mysql from "mysql2/promise";
import { inject } from "vitest";
import { renderAccounts } from "../../src/store/accounts.ts";
import type { StoreOptions } from "../../src/store/connection.ts";
import { installSchema } from "../../src/store/schema/schema.ts";

export interface TestDatabase {
  /** The server's root: for arranging and for looking, not for the code under test. */
  readonly admin: StoreOptions;
  readonly collect: StoreOptions;
  readonly manager: StoreOptions;
  readonly control: StoreOptions;
  /** Of dashboards: sees the views alone. */
  readonly reader: StoreOptions;
  readonly wlb: StoreOptions;
  /** Removes the database and its accounts. Call it in afterAll. */
  drop(): Promise<void>;
}

/** A server by its root. Of a cluster, `servers` lists the nodes for the programs; root looks at `host`:`port` alone. */
export interface DatabaseServer {
  readonly host: string;
  readonly port: number;
  readonly servers?: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly password: string;
}

/** A fresh database with the current schema and the accounts of sql/accounts.sql, under names that nobody else has. */
export async function createTestDatabase(
  server: DatabaseServer = inject("databaseServer"),
): Promise<TestDatabase> {
  const empty = await createEmptyDatabase(server);
  try {
    await installSchema(empty.admin);
    const database = empty.admin.database;
    const accounts = {
      collect: newAccount(database, "collect"),
      manager: newAccount(database, "manager"),
      control: newAccount(database, "control"),
      reader: newAccount(database, "reader"),
      wlb: newAccount(database, "wlb"),
    };
    await createAccounts(server, database, accounts);
    const servers = server.servers ?? empty.admin.servers;
    const as = (account: Account): StoreOptions => ({ ...empty.admin, servers, ...account });
    const drop = async (): Promise<void> => {
      for (const { user } of Object.values(accounts))
        await asRoot(`DROP USER IF EXISTS '${user}'@'%'`, undefined, server);
      await empty.drop();
    };
    return {
      admin: empty.admin,
      collect: as(accounts.collect),
      manager: as(accounts.manager),
      control: as(accounts.control),
      reader: as(accounts.reader),
      wlb: as(accounts.wlb),
      drop,
    };
  } catch (error) {
    await empty.drop();
    throw error;
  }
}

/** The name of a database that does not exist yet, as root; `drop` removes what the test made of it. */
export async function createEmptyDatabase(
  server: DatabaseServer = inject("databaseServer"),
): Promise<Pick<TestDatabase, "admin" | "drop">> {
  // No underscore: in a grant on a whole database it would stand for any character.
  const database = `Xen${randomBytes(5).toString("hex")}`;
  const admin: StoreOptions = {
    servers: [{ host: server.host, port: server.port }],
    user: server.user,
    password: server.password,
    database,
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 20_000,
  };
  return { admin, drop: () => asRoot(`DROP DATABASE IF EXISTS \`${database}\``, undefined, server) };
}

/** Runs statements as the server's root, in `database` where one is given. */
export async function asRoot(
  statement: string | readonly string[],
  database?: string,
  server: DatabaseServer = inject("databaseServer"),
): Promise<void> {
  const { host, port, user, password } = server;
  const connection = await mysql.createConnection({
    host,
    port,
    user,
    password,
    ...(database ? { database } : {}),
  });
  try {
    for (const text of [statement].flat()) await connection.query(text);
  } finally {
    await connection.end();
  }
}

interface Account {
  readonly user: string;
  readonly password: string;
}

function newAccount(database: string, program: string): Account {
  return { user: `${database}-${program}`, password: randomBytes(12).toString("base64url") };
}

async function createAccounts(
  server: DatabaseServer,
  database: string,
  accounts: Readonly<Record<"collect" | "manager" | "control" | "wlb" | "reader", Account>>,
): Promise<void> {
  const template = await readFile(new URL("../../sql/accounts.sql", import.meta.url), "utf8");
  const statements = renderAccounts(template, {
    database,
    accountHost: "%",
    collectUser: accounts.collect.user,
    collectPassword: accounts.collect.password,
    managerUser: accounts.manager.user,
    managerPassword: accounts.manager.password,
    controlUser: accounts.control.user,
    controlPassword: accounts.control.password,
    readerUser: accounts.reader.user,
    readerPassword: accounts.reader.password,
    wlbUser: accounts.wlb.user,
    wlbPassword: accounts.wlb.password,
  });
  await asRoot(statements, undefined, server);
}
