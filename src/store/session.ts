/** One connection to one server, set up and proven to serve; and the choice among several servers. */
import type { Connection, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import mysql from "mysql2/promise";
import { AppError } from "../domain/errors.ts";
import { driverOptions, isExposed, type Place, type StoreOptions } from "./driverOptions.ts";
import { type ConnectionTarget, explainConnectFailure } from "./failure.ts";
import type { DriverFailure } from "./retry.ts";

/** What may stand for a `?`. */
export type SqlValue = string | number | null | Uint8Array;

/** A row by column name; parse each value where it is used. */
export type Row = Readonly<Record<string, unknown>>;

/** The dialects that differ in a word here and there. */
type Flavour = "mysql" | "mariadb" | "tidb";

/** The modes of our sessions, whatever the server's defaults are: bad values are errors, never mended in silence. */
const sqlMode = [
  "STRICT_TRANS_TABLES",
  "STRICT_ALL_TABLES",
  "ONLY_FULL_GROUP_BY",
  "NO_ZERO_IN_DATE",
  "NO_ZERO_DATE",
  "ERROR_FOR_DIVISION_BY_ZERO",
  "NO_ENGINE_SUBSTITUTION",
].join(",");

/** Seconds that a statement waits for a row lock; short, because whoever holds one longer is stuck. */
const lockWaitSeconds = 5;

/**
 * Seconds that a client may be silent before the server drops it with its locks: a program that was frozen, or whose
 * network swallows everything, would else keep the next runs out for hours. MariaDB counts in transactions only, and
 * less than a writer waits for the locks in all its runs; MySQL counts always, but a connection that is dropped between
 * two transactions is made again unnoticed.
 */
function silentSeconds(flavour: Flavour, statementTimeoutMs: number): number {
  return flavour === "mariadb" ? Math.min(15, Math.ceil(statementTimeoutMs / 1000) + 5) : 60;
}

/** How much later than the server's own limit a statement is given up here, for a server that does not answer at all. */
const answerMarginMs = 1_000;

/** A connection that is logged in, set up and was proven to serve. Every statement has a deadline. */
export class Session {
  /** "host:port", or the socket's path. */
  readonly server: string;
  /** The server's own version text. */
  readonly version: string;
  /** Whether others may read what is said here, or pose as the server: no TLS, and not this machine. */
  readonly exposed: boolean;
  /**
   * How an upsert names the row that was to be inserted: `VALUES (...) AS fresh ... = fresh.c` on MySQL from 8.0.19,
   * where VALUES(c) is deprecated; VALUES(c) elsewhere, where the alias is a syntax error.
   */
  readonly rowAlias: boolean;
  readonly #connection: Connection;
  readonly #statementTimeoutMs: number;

  constructor(
    connection: Connection,
    about: { server: string; version: string; exposed: boolean; statementTimeoutMs: number },
  ) {
    this.#connection = connection;
    this.server = about.server;
    this.version = about.version;
    this.exposed = about.exposed;
    this.rowAlias = hasRowAlias(about.version);
    this.#statementTimeoutMs = about.statementTimeoutMs;
  }

  /** Rows as objects. Values travel apart from the statement, so no SQL mode can make text of them. */
  async rows(sql: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    const [rows] = await this.#limited(this.#connection.execute<RowDataPacket[]>(sql, [...values]));
    return rows;
  }

  /** Rows as arrays in the order of the selected columns; for many rows. */
  async tuples(sql: string, values: readonly SqlValue[] = []): Promise<unknown[][]> {
    const options = { sql, values: [...values], rowsAsArray: true as const };
    const [rows] = await this.#limited(this.#connection.execute<RowDataPacket[][]>(options));
    return rows;
  }

  /** Runs a writing statement; rows that an UPDATE matched without changing them count. */
  async run(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    const [result] = await this.#limited(this.#connection.execute<ResultSetHeader>(sql, [...values]));
    return result.affectedRows;
  }

  /** Runs a fixed statement that cannot be prepared: transaction control, SET, definitions. */
  async command(sql: string): Promise<void> {
    await this.#limited(this.#connection.query(sql));
  }

  /** Drops the connection at once; an open transaction is undone by the server. */
  destroy(): void {
    this.#connection.destroy();
  }

  /** Says goodbye; never throws and never waits long. */
  async end(): Promise<void> {
    try {
      await withDeadline(this.#connection.end(), 1_000, () => this.#connection.destroy());
    } catch {
      this.#connection.destroy();
    }
  }

  #limited<T>(answer: Promise<T>): Promise<T> {
    return withDeadline(answer, this.#statementTimeoutMs + answerMarginMs, () => this.#connection.destroy());
  }
}

/** A session and the index of its server in the options, to go on with the next one when it fails. */
export interface FoundServer {
  readonly session: Session;
  readonly index: number;
}

/**
 * Connects to the first server that serves, beginning with number `first` and going round.
 * @param database the database to use, or null for none.
 * @throws AppError "mysql" with the reason of each server.
 */
export async function findServer(
  options: StoreOptions,
  first: number,
  database: string | null,
): Promise<FoundServer> {
  const places = placesOf(options);
  const reasons: string[] = [];
  const failures: unknown[] = [];
  for (let tried = 0; tried < places.length; tried++) {
    const index = (first + tried) % places.length;
    const place = places[index];
    if (place === undefined) continue;
    try {
      return { session: await openSession(options, place, database), index };
    } catch (error) {
      const target: ConnectionTarget = { user: options.user, database, usesTls: options.caPem !== undefined };
      const reason =
        error instanceof NotServing ? error.message : explainConnectFailure(error as DriverFailure, target);
      reasons.push(`${place.name}: ${reason}`);
      failures.push(error);
    }
  }
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures, reasons.join("; "));
  throw new AppError("mysql", `Unable to connect to Mysql: ${reasons.join("; ")}`, { cause });
}

function placesOf(options: StoreOptions): Place[] {
  if (options.socketPath !== undefined) return [socketPlace(options.socketPath)];
  return options.servers.map(({ host, port }) =>
    host.startsWith("/")
      ? socketPlace(host)
      : { name: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`, address: { host, port } },
  );
}

function socketPlace(socketPath: string): Place {
  return { name: socketPath, address: { socketPath } };
}

async function openSession(options: StoreOptions, place: Place, database: string | null): Promise<Session> {
  const connection = await mysql.createConnection(driverOptions(options, place, database));
  try {
    const deadline = <T>(answer: Promise<T>) =>
      withDeadline(answer, options.connectTimeoutMs, () => connection.destroy());
    const { version, readOnly } = await deadline(readServer(connection));
    if (readOnly) throw new NotServing("it is read-only, not the writer: name the writer in MysqlHost");
    const flavour = flavourOf(version);
    await deadline(setUp(connection, flavour, options.statementTimeoutMs));
    if (flavour === "mariadb") await deadline(joinCluster(connection));
    const { statementTimeoutMs } = options;
    const about = { server: place.name, version, exposed: isExposed(options, place), statementTimeoutMs };
    return new Session(connection, about);
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

async function readServer(connection: Connection): Promise<{ version: string; readOnly: boolean }> {
  const sql = "SELECT VERSION() AS version, @@global.read_only AS readOnly";
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return { version: String(rows[0]?.["version"] ?? ""), readOnly: isOn(rows[0]?.["readOnly"]) };
}

function flavourOf(version: string): Flavour {
  return /tidb/i.test(version) ? "tidb" : /mariadb/i.test(version) ? "mariadb" : "mysql";
}

function hasRowAlias(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[^\d]/).map(Number);
  return flavourOf(version) === "mysql" && (major > 8 || (major === 8 && (minor > 0 || patch >= 19)));
}

async function setUp(connection: Connection, flavour: Flavour, statementTimeoutMs: number): Promise<void> {
  // Each server knows only its own variable; MySQL's covers SELECT alone, the rest is up to the client's deadline.
  const silent = silentSeconds(flavour, statementTimeoutMs);
  const limits =
    flavour === "mariadb"
      ? [`max_statement_time = ${statementTimeoutMs / 1000}`, `idle_transaction_timeout = ${silent}`]
      : [`max_execution_time = ${statementTimeoutMs}`, `wait_timeout = ${silent}`];
  const settings = [
    // A server can be told to ignore what the client says about this when it connects.
    "character_set_client = 'utf8mb4'",
    "character_set_connection = 'utf8mb4'",
    "character_set_results = 'utf8mb4'",
    "collation_connection = 'utf8mb4_general_ci'",
    `sql_mode = '${sqlMode}'`,
    "time_zone = '+00:00'",
    `innodb_lock_wait_timeout = ${lockWaitSeconds}`,
    ...limits,
  ];
  await connection.query(`SET SESSION ${settings.join(", ")}`);
  await connection.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
}

/** A server that answers but cannot be worked with; the message is the reason. */
class NotServing extends Error {}

/** Makes sure that a Galera node, if it is one, is part of its cluster, and that what is read there is up to date. */
async function joinCluster(connection: Connection): Promise<void> {
  if (!(await valueIsOn(connection, "SHOW GLOBAL VARIABLES LIKE 'wsrep_on'"))) return;
  // A node without quorum lets everybody in and answers SELECT 1; only this tells.
  if (!(await valueIsOn(connection, "SHOW GLOBAL STATUS LIKE 'wsrep_ready'"))) {
    throw new NotServing("this Galera node is cut off from its cluster (wsrep_ready is not ON)");
  }
  await connection.query("SET SESSION wsrep_sync_wait = 1");
}

async function valueIsOn(connection: Connection, sql: string): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return isOn(rows[0]?.["Value"]);
}

function isOn(value: unknown): boolean {
  const text = String(value ?? "OFF").toUpperCase();
  return text !== "OFF" && text !== "0";
}

async function withDeadline<T>(answer: Promise<T>, limitMs: number, onLate: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onLate();
      const failure = new Error(`no answer within ${limitMs / 1000} s`);
      reject(Object.assign(failure, { code: "ETIMEDOUT", fatal: true }));
    }, limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {});
  }
}
