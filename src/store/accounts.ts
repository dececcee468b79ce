/** Fills in the template of the programs' accounts, sql/accounts.sql. */

export interface AccountValues {
  readonly database: string;
  /** Where the programs connect from: an address, or "%". */
  readonly accountHost: string;
  readonly collectUser: string;
  readonly collectPassword: string;
  readonly managerUser: string;
  readonly managerPassword: string;
  readonly controlUser: string;
  readonly controlPassword: string;
  /** The account of dashboards, which sees the views alone. */
  readonly readerUser: string;
  readonly readerPassword: string;
  readonly wlbUser: string;
  readonly wlbPassword: string;
}

/**
 * The statements of `template` with `values` in place of its `{names}`, one a list entry, comments left out. Values
 * are escaped for the quotes they stand in; the session that runs them must not have NO_BACKSLASH_ESCAPES.
 * @throws Error when the template names a value that there is none for.
 */
export function renderAccounts(template: string, values: AccountValues): string[] {
  const known: Readonly<Record<string, string>> = { ...values };
  const statements = template.replace(/^\s*--.*$/gm, "").split(/;\s*$/m);
  return statements
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "")
    .map((statement) =>
      statement.replace(/(['`])\{(\w+)\}\1/g, (_, quote: string, name: string) => {
        const value = known[name];
        if (value === undefined) throw new Error(`the accounts template asks for an unknown {${name}}`);
        return quote + escapeFor(quote, value) + quote;
      }),
    );
}

function escapeFor(quote: string, value: string): string {
  const doubled = value.replaceAll(quote, quote + quote);
  return quote === "'" ? doubled.replaceAll("\\", "\\\\") : doubled;
}
