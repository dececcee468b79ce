/** Accounts that were made from sql/accounts.sql as it is published: everybody knows their passwords. */

import { AppError } from "../../domain/errors.ts";
import { storeOptions } from "../../program/program.ts";
import { openDatabase, type StoreOptions } from "../../store/connection.ts";
import { dropAccountStatement } from "../../store/mending.ts";
import { anySettings, type Check } from "../check.ts";
import { failure, ok } from "../report.ts";

interface KnownLogin {
  readonly user: string;
  readonly password: string;
}

/** The template's accounts by the names that docs/install.md gives them, with what stands in the passwords' places. */
const published: readonly KnownLogin[] = ["collect", "manager", "control", "wlb", "reader"].map(
  (program) => ({
    user: `xcp_${program}`,
    password: `{${program}Password}`,
  }),
);

export const publishedPasswords: Check = {
  name: "published-passwords",
  area: "database",
  asks: "no account has the password that the template of accounts has in its place",
  needs: [anySettings],
  run: async (_, found) => {
    const [read] = found.settings.values();
    const open = read === undefined ? [] : await whoCanLogIn(storeOptions(read.settings.mysql), published);
    if (open.length === 0) return [ok("none has")];
    return open.map(({ user, password }) =>
      failure(
        `anybody can log in to MySQL as ${user}: its password is the template's, ${password}`,
        `mysql -u root -p -e "${dropAccountStatement(user)}"   # or, where you need it, give it another password`,
      ),
    );
  },
};

/** Those of `accounts` that the server of `options` lets in. */
export async function whoCanLogIn(
  options: StoreOptions,
  accounts: readonly KnownLogin[],
): Promise<readonly KnownLogin[]> {
  const open: KnownLogin[] = [];
  for (const account of accounts) {
    try {
      const db = await openDatabase({ ...options, ...account });
      await db.close();
      open.push(account);
    } catch (error) {
      // No such account, or one with another password.
      if (!(error instanceof AppError)) throw error;
    }
  }
  return open;
}
