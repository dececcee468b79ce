/** MySQL as each program finds it: its login, the server, the tables and the rights. */

import { describeError } from "../../domain/errors.ts";
import { storeOptions } from "../../program/program.ts";
import { openDatabase } from "../../store/connection.ts";
import { accountRights, type Grant } from "../../store/grants.ts";
import {
  charactersStatement,
  engineStatement,
  grantStatements,
  namelessStatement,
} from "../../store/mending.ts";
import { schemaStatus } from "../../store/schema/schema.ts";
import { loadServerFacts } from "../../store/serverFacts.ts";
import { loadTableFacts, missingRows } from "../../store/tableFacts.ts";
import { bytes, plural } from "../../text/format.ts";
import {
  anySettings,
  type Check,
  databaseOf,
  fileOf,
  openDatabases,
  readingProgram,
  wholeSchema,
} from "../check.ts";
import { programs } from "../places.ts";
import { type Finding, failure, ok, warning } from "../report.ts";
import * as shell from "../shell.ts";
import { publishedPasswords } from "./publishedPasswords.ts";

const login: Check = {
  name: "mysql-login",
  area: "database",
  asks: "each program can log in to MySQL",
  needs: [anySettings],
  run: async (_, found) => {
    const findings: Finding[] = [];
    for (const program of programs) {
      const read = found.settings.get(program);
      if (read === undefined) continue;
      const { file, settings } = read;
      try {
        const db = await openDatabase(storeOptions(settings.mysql, `xcp-${program}`));
        found.databases.set(program, db);
        found.closing.push(() => db.close());
        findings.push(ok(`xcp-${program}: ${db.user} on ${db.server}`));
        if (db.exposed)
          findings.push(
            warning(
              `xcp-${program}: the connection to ${db.server} is not encrypted: others can read and change what is said there`,
              shell.addKey(file, "MysqlCaFile", "/path/of/the/authority.pem"),
            ),
          );
      } catch (error) {
        const says = describeError(error);
        findings.push(failure(`xcp-${program}: ${says}`, fixOfLogin(says, file), ...nameless(says)));
      }
    }
    return findings;
  },
};

/** An account without a name is asked before one of any address, for each user of its own: the right password is then refused. */
function nameless(says: string): readonly string[] {
  if (!/access denied/.test(says)) return [];
  return [
    `mysql -u root -p -e "${namelessStatement}"   # where the password is right: DROP USER ''@HOST; Debian's root without -u root -p`,
  ];
}

/** By what the connection's failure says: see store/failure.ts. */
function fixOfLogin(says: string, file: string): string {
  if (/access denied/.test(says)) return shell.edit(file, "MysqlUsr and MysqlPass");
  if (/there is no database/.test(says)) return install(file);
  if (/no rights on the database/.test(says)) return shell.edit(file, "MysqlUsr, MysqlDatabase");
  if (/read-only/.test(says)) return shell.edit(file, "MysqlHost: name the server that may be written");
  if (/nothing listens there|no such socket/.test(says))
    return `systemctl start mariadb   # on the machine that MysqlHost names, or correct MysqlHost in ${shell.word(file)}`;
  if (/host name is unknown/.test(says)) return shell.edit(file, "MysqlHost");
  if (/certificate|offers no TLS|wants TLS/.test(says)) return shell.edit(file, "MysqlCaFile, MysqlHost");
  if (/takes no connections from this machine/.test(says))
    return "sed -e 's/{accountHost}/THIS MACHINE/ ...' sql/accounts.sql | mysql -u root -p   # docs/install.md";
  return shell.edit(file, "MysqlHost, MysqlConnectSeconds");
}

function install(file: string): string {
  return shell.program("xcp-manager", file, "schema install --admin-user root");
}

const least = { MariaDB: [10, 6], MySQL: [8, 0], TiDB: [6, 5] } as const;
/** A snapshot of a large pool in one statement. */
const packetLeast = 16 * 1024 * 1024;

const server: Check = {
  name: "mysql-server",
  area: "database",
  asks: "the server is new enough, and set so that transactions hold",
  needs: [openDatabases],
  run: async (_, found) => {
    const db = databaseOf(found);
    const facts = await loadServerFacts(db);
    found.server = facts;
    return [
      versionFinding(facts.flavour, facts.version),
      isolationFinding(facts.isolation),
      ...(facts.maxAllowedPacketBytes >= packetLeast
        ? []
        : [
            warning(
              `max_allowed_packet is ${bytes(facts.maxAllowedPacketBytes, "MB")}: a collection of a large pool needs 16 MB`,
              "mysql -u root -p -e 'SET GLOBAL max_allowed_packet = 67108864'   # and max_allowed_packet=64M under [mysqld] in its configuration",
            ),
          ]),
      ...(facts.isCluster ? [ok("a node of a Galera cluster: see docs/servers.md")] : []),
    ];
  },
};

/** @param version "10.11.6-MariaDB-0+deb12u1", "8.4.2" */
export function versionFinding(flavour: keyof typeof least, version: string): Finding {
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const [wantedMajor, wantedMinor] = least[flavour];
  const wanted = `${flavour} ${wantedMajor}.${wantedMinor}`;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor))
    return ok(`${flavour} ${version}; ${wanted} or later is needed`);
  return failure(
    `${flavour} ${version} is too old; ${wanted} or later is needed`,
    flavour === "MariaDB"
      ? "apt-get install mariadb-server   # of Debian 12 or later, or from mariadb.org; back the data up first"
      : `upgrade the server to ${wanted} or later; back the data up first`,
  );
}

function isolationFinding(isolation: string): Finding {
  if (isolation === "REPEATABLE-READ") return ok("sessions read repeatably");
  return failure(
    `sessions have the isolation ${isolation}, though they ask for REPEATABLE-READ: something between here and the server changes it`,
    "connect to the server itself: MysqlHost names a proxy that shares sessions",
  );
}

const schema: Check = {
  name: "schema",
  area: "database",
  asks: "the tables are those of this version, all of them",
  needs: [openDatabases],
  run: async (_, found) => {
    const file = fileOf(found, "manager");
    const program = readingProgram(found);
    const mysql = program === null ? undefined : found.settings.get(program)?.settings.mysql;
    if (mysql === undefined) throw new Error("a database is open without settings");
    const status = await schemaStatus(storeOptions(mysql, `xcp-${program}`));
    if (status.version > status.wanted)
      return [
        failure(
          `the tables are of version ${status.version}, and this program knows ${status.wanted}: a newer xcp-balance made them`,
          "apt-get install --only-upgrade xcp-balance   # or npm install -g, as it was installed",
        ),
      ];
    found.schemaIsWell = status.pending.length === 0 && status.lost.length === 0;
    if (status.lost.length > 0)
      return [
        failure(
          `lost: ${status.lost.join(", ")}; put back from a backup, or made again empty by`,
          install(file),
        ),
      ];
    if (status.pending.length === 0) return [ok(`version ${status.version}`)];
    const is =
      status.found === "ours"
        ? `version ${status.version}`
        : status.found === "thesis"
          ? "as the thesis made them"
          : "not there";
    return [failure(`the tables are ${is}, version ${status.wanted} is needed`, install(file))];
  },
};

const tables: Check = {
  name: "tables",
  area: "database",
  asks: "every table is transactional, takes every name, and has the row that it must have",
  needs: [openDatabases, wholeSchema],
  run: async (_, found) => {
    const db = databaseOf(found);
    const facts = await loadTableFacts(db);
    const findings: Finding[] = [];
    for (const { name, engine } of facts) {
      if (engine.toLowerCase() === "innodb") continue;
      findings.push(
        failure(
          `table ${name} is ${engine}: what is half written stays so`,
          shell.asAdministrator(db.name, engineStatement(name)),
        ),
      );
    }
    for (const { name, otherCharacters } of facts) {
      if (otherCharacters.length === 0) continue;
      findings.push(
        failure(
          `table ${name} is not utf8mb4 (${otherCharacters.map((column) => column.name).join(", ")}): names with other letters cannot be stored`,
          shell.asAdministrator(db.name, charactersStatement(name, otherCharacters)),
        ),
      );
    }
    for (const { table, statement } of await missingRows(db))
      findings.push(failure(`the row of table ${table} is gone`, shell.asAdministrator(db.name, statement)));
    return findings.length > 0 ? findings : [ok(plural(facts.length, "table"))];
  },
};

const grants: Check = {
  name: "grants",
  area: "database",
  asks: "each account has the rights of its program, and no others",
  needs: [openDatabases, wholeSchema],
  run: async (_, found) => {
    const findings: Finding[] = [];
    for (const [program, db] of found.databases) {
      const rights = await accountRights(db, `xcp-${program}`);
      const { account, missing, needless, byRole } = rights;
      const name = `xcp-${program} (${account})`;
      if (byRole && missing.length > 0)
        findings.push(warning(`${name}: rights come by a role, so it cannot be told whether they suffice`));
      else if (missing.length > 0)
        findings.push(
          failure(
            `${name} lacks ${listed(missing.map(grantText))}`,
            shell.asAdministrator(db.name, ...grantStatements(missing, account)),
          ),
        );
      if (needless.length > 0)
        findings.push(
          warning(
            `${name} may more than it needs: ${listed(needless)}`,
            `make an account for each program with sql/accounts.sql, and name it in ${shell.word(fileOf(found, program))}`,
          ),
        );
    }
    return findings.length > 0 ? findings : [ok("they have those of sql/accounts.sql")];
  },
};

function grantText({ privilege, table, columns }: Grant): string {
  const where = table === "*" ? "all tables" : table;
  return `${privilege}${columns === null ? "" : ` (${columns.join(", ")})`} on ${where}`;
}

/** The first few; lists of forty rights help nobody. */
function listed(all: readonly string[]): string {
  const shown = all.slice(0, 6).join(", ");
  return all.length <= 6 ? shown : `${shown} and ${all.length - 6} more`;
}

export const databaseChecks: readonly Check[] = [login, server, schema, tables, grants, publishedPasswords];
