/** What kind of server it is and how it is set: for whoever asks why it does not work. Read only. */
import type { Database, Reader } from "./connection.ts";

export interface ServerFacts {
  readonly flavour: "MySQL" | "MariaDB" | "TiDB";
  /** The server's own version text. */
  readonly version: string;
  /** Of our sessions: "REPEATABLE-READ". */
  readonly isolation: string;
  readonly maxAllowedPacketBytes: number;
  /** The character set that tables of the database get by default. */
  readonly characterSet: string;
  /** Whether it is a node of a Galera cluster. */
  readonly isCluster: boolean;
  /** Where it keeps its data, on its own machine. */
  readonly dataFolder: string;
}

const variables = ["tx_isolation", "transaction_isolation", "max_allowed_packet", "datadir", "wsrep_on"];

/** The facts as the account of `db` sees them. Throws AppError "mysql". */
export async function loadServerFacts(db: Database): Promise<ServerFacts> {
  const values = await db.read(async (reader) => ({
    variables: await variablesIn(reader),
    characterSet: await characterSetOf(reader, db.name),
  }));
  const text = (name: string) => values.variables[name] ?? "";
  return {
    flavour: /tidb/i.test(db.version) ? "TiDB" : /mariadb/i.test(db.version) ? "MariaDB" : "MySQL",
    version: db.version,
    isolation: text("transaction_isolation") || text("tx_isolation"),
    maxAllowedPacketBytes: Number(text("max_allowed_packet")),
    characterSet: values.characterSet,
    isCluster: text("wsrep_on") === "ON",
    dataFolder: text("datadir"),
  };
}

async function variablesIn(reader: Reader): Promise<Readonly<Record<string, string>>> {
  const names = variables.map((name) => `'${name}'`).join(", ");
  const rows = await reader.rows(`SHOW SESSION VARIABLES WHERE Variable_name IN (${names})`);
  return Object.fromEntries(
    rows.map((row) => [String(row["Variable_name"]).toLowerCase(), String(row["Value"] ?? "")]),
  );
}

async function characterSetOf(reader: Reader, database: string): Promise<string> {
  const [row] = await reader.rows(
    "SELECT DEFAULT_CHARACTER_SET_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
    [database],
  );
  return String(row?.["name"] ?? "");
}

/** The server's clock, to the microsecond and in UTC. */
export async function serverClock(db: Database): Promise<Date> {
  const [row] = await db.read((reader) =>
    reader.rows("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f') AS now"),
  );
  return new Date(`${String(row?.["now"]).slice(0, 23)}Z`);
}
