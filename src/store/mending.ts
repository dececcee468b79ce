/** Statements that an administrator of the server mends a database with; nobody here runs them. Pure. */
import type { Grant } from "./grants.ts";

export function engineStatement(table: string): string {
  return `ALTER TABLE ${table} ENGINE=InnoDB`;
}

/** Gives columns the character set that sql/ makes them with. */
export function charactersStatement(
  table: string,
  columns: readonly { readonly name: string; readonly definition: string }[],
): string {
  const changes = columns.map(({ name, definition }) => {
    const named = /CHARACTER SET/i.test(definition)
      ? definition
      : definition.replace(/^\w+(?:\(\d+\))?/, "$& CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
    // The key is there, and is no part of the column.
    return `MODIFY ${name} ${named.replace(/\s*\b(?:PRIMARY KEY|UNIQUE)\b/i, "")}`;
  });
  return `ALTER TABLE ${table} ${changes.join(", ")}`;
}

/** One statement for each table. `account` as MySQL writes it: 'user'@'host'. */
export function grantStatements(missing: readonly Grant[], account: string): string[] {
  const byTable = new Map<string, string[]>();
  for (const { privilege, table, columns } of missing) {
    const right = columns === null ? privilege : `${privilege} (${columns.join(", ")})`;
    byTable.set(table, [...(byTable.get(table) ?? []), right]);
  }
  return [...byTable].map(([table, rights]) => `GRANT ${rights.join(", ")} ON ${table} TO ${account}`);
}

export const freeLeaseStatement = "UPDATE Lease SET RunId = NULL WHERE Name = 'control'";

/** Takes a row of HostRule away that is no rule. */
export function forgetRuleStatement(subject: string): string {
  return `DELETE FROM HostRule WHERE Subject = '${subject.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** Removes an account as docs/install.md makes it, with `%` for where it connects from. */
export function dropAccountStatement(user: string): string {
  return `DROP USER '${user}'@'%'`;
}

/** Names the addresses that have an account without a name. */
export const namelessStatement = "SELECT Host FROM mysql.user WHERE User = ''";
