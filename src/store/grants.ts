/** The rights of an account: those that sql/accounts.sql gives to a program, and those that it has. Read only. */
import fs from "node:fs";
import type { Database, Reader } from "./connection.ts";
import type { StoreOptions } from "./driverOptions.ts";
import { sqlFolder } from "./sqlFolder.ts";

export type StoreProgram = NonNullable<StoreOptions["program"]>;

/** A right on a table; "*" is every table of the database. */
export interface Grant {
  readonly privilege: string;
  readonly table: string;
  /** The columns that it is limited to; null for the whole table. */
  readonly columns: readonly string[] | null;
}

export interface AccountRights {
  /** As MySQL writes the account: 'user'@'host'. */
  readonly account: string;
  /** What the program needs and the account lacks. */
  readonly missing: readonly Grant[];
  /** Rights that change something and that the program does not need: "DELETE on Migration". */
  readonly needless: readonly string[];
  /** Whether rights come by a role, too: those are not among the ones that are looked at. */
  readonly byRole: boolean;
}

const template: URL = new URL("accounts.sql", sqlFolder);

/** The rights of `program` in the template of accounts. Throws Error where the file cannot be read. */
export function neededGrants(
  program: StoreProgram,
  text: string = fs.readFileSync(template, "utf8"),
): Grant[] {
  const user = `{${program.slice("xcp-".length)}User}`;
  const statements = text.matchAll(/^GRANT ([^;]+?) ON `\{database\}`\.(\S+) TO '([^']+)'@/gm);
  return [...statements]
    .filter(([, , , named]) => named === user)
    .flatMap(([, rights = "", table = ""]) => rightsIn(rights).map((right) => ({ ...right, table })));
}

/** "SELECT (Subject), INSERT": each right by itself. */
function rightsIn(list: string): Pick<Grant, "privilege" | "columns">[] {
  return [...list.matchAll(/([A-Z][A-Z ]*[A-Z])(?: ?\(([^)]*)\))?/g)].map(([, privilege = "", columns]) => ({
    privilege,
    columns: columns === undefined ? null : columns.split(",").map((column) => column.trim()),
  }));
}

/** What an account has: by the level that it was given on. */
interface Held {
  readonly privilege: string;
  /** Null for every database; "*" for every table of ours. */
  readonly table: string | null;
  readonly column: string | null;
}

/** Holds the rights of the account of `db` against what `program` needs. Throws AppError "mysql". */
export async function accountRights(db: Database, program: StoreProgram): Promise<AccountRights> {
  const needed = neededGrants(program);
  const { account, held, byRole } = await db.read(async (reader) => {
    const account = await accountOf(reader);
    return { account, held: await heldBy(reader, account, db.name), byRole: await hasRole(reader) };
  });
  return {
    account,
    missing: needed.filter((grant) => !covers(held, grant)),
    needless: needless(held, needed),
    byRole,
  };
}

async function accountOf(reader: Reader): Promise<string> {
  const [row] = await reader.rows("SELECT CURRENT_USER() AS account");
  const text = String(row?.["account"] ?? "");
  const at = text.lastIndexOf("@");
  return `'${text.slice(0, at)}'@'${text.slice(at + 1)}'`;
}

async function heldBy(reader: Reader, account: string, database: string): Promise<readonly Held[]> {
  const rows = await reader.rows(
    `SELECT PRIVILEGE_TYPE AS privilege, NULL AS tableName, NULL AS columnName
       FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = ? AND PRIVILEGE_TYPE <> 'USAGE'
      UNION ALL SELECT PRIVILEGE_TYPE, '*', NULL
       FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = ? AND LOWER(?) LIKE LOWER(TABLE_SCHEMA)
      UNION ALL SELECT PRIVILEGE_TYPE, TABLE_NAME, NULL
       FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = ? AND LOWER(TABLE_SCHEMA) = LOWER(?)
      UNION ALL SELECT PRIVILEGE_TYPE, TABLE_NAME, COLUMN_NAME
       FROM information_schema.COLUMN_PRIVILEGES WHERE GRANTEE = ? AND LOWER(TABLE_SCHEMA) = LOWER(?)`,
    [account, account, database, account, database, account, database],
  );
  const textOr = (value: unknown) => (value === null || value === undefined ? null : String(value));
  return rows.map((row) => ({
    privilege: String(row["privilege"]).toUpperCase(),
    table: textOr(row["tableName"]),
    column: textOr(row["columnName"]),
  }));
}

/** Whether a role is active in this session. Servers without roles have none. */
async function hasRole(reader: Reader): Promise<boolean> {
  try {
    const [row] = await reader.rows("SELECT CURRENT_ROLE() AS role");
    const role = String(row?.["role"] ?? "NONE");
    return role !== "NONE" && role !== "";
  } catch {
    return false;
  }
}

function covers(held: readonly Held[], { privilege, table, columns }: Grant): boolean {
  const ofTable = held.filter((right) => right.privilege === privilege && isOn(right.table, table));
  if (ofTable.some(({ column }) => column === null)) return true;
  return columns?.every((name) => ofTable.some(({ column }) => sameName(column, name))) ?? false;
}

/** Whether a right that was given on `held` reaches `table`. */
function isOn(held: string | null, table: string): boolean {
  return held === null || held === "*" || sameName(held, table);
}

function sameName(one: string | null, other: string): boolean {
  return one?.toLowerCase() === other.toLowerCase();
}

/** Rights that only look, or that every account has. */
const harmless: ReadonlySet<string> = new Set(["SELECT", "USAGE", "SHOW VIEW", "SHOW DATABASES", "PROCESS"]);

function needless(held: readonly Held[], needed: readonly Grant[]): string[] {
  const extra = held.filter(
    ({ privilege, table }) =>
      !harmless.has(privilege) &&
      !needed.some(
        (grant) => grant.privilege === privilege && table !== null && sameName(table, grant.table),
      ),
  );
  return [...new Set(extra.map(({ privilege, table }) => `${privilege} on ${placeOf(table)}`))];
}

function placeOf(table: string | null): string {
  if (table === null) return "every database";
  return table === "*" ? "the whole database" : table;
}
