/** Whose account a session has: by the rights that only one of the programs is given in sql/accounts.sql. */

import type { StoreOptions } from "./driverOptions.ts";
import type { Session } from "./session.ts";

type Program = NonNullable<StoreOptions["program"]>;

/** A right on a table that no other program's account has. */
const marks: ReadonlyMap<string, Program> = new Map([
  ["INSERT hostrule", "xcp-manager"],
  ["UPDATE lease", "xcp-control"],
  ["UPDATE collectionhead", "xcp-collect"],
  ["INSERT wlbpool", "xcp-wlb"],
]);

/** The program that the session's account was made for; null where it is that of none of them, or of several. */
export async function programOfAccount(session: Session, database: string): Promise<Program | null> {
  const rights = await session.tuples(
    "SELECT PRIVILEGE_TYPE, TABLE_NAME FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = ?",
    [database],
  );
  const found = new Set(
    rights.flatMap(([right, table]) => marks.get(`${String(right)} ${String(table).toLowerCase()}`) ?? []),
  );
  const [only] = found;
  return found.size === 1 ? (only ?? null) : null;
}
