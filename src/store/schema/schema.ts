/**
 * Brings a database to the schema of this program, file by file of sql/, and tells how far it is.
 *
 * Definitions commit by themselves, so no transaction can make a file all-or-nothing. Instead the ledger (SchemaVersion)
 * holds a row for each file before its first statement runs, and a tick after each statement. Who holds the row works
 * on the file; after a crash the next one goes on behind the last tick. Only the statement at that place may have been
 * done without its tick, so only there is "exists already" taken for done.
 */
import { AppError } from "../../domain/errors.ts";
import type { Database, StoreOptions } from "../connection.ts";
import { explainStatementFailure } from "../failure.ts";
import { findServer, type Session } from "../session.ts";
import { refuseForeignTables } from "./adoption.ts";
import { readSchemaFiles, type SchemaFile, type SchemaFiles } from "./files.ts";
import {
  ledger as ledgerName,
  lostOf,
  lostViews,
  makeAgain,
  makeViewsAgain,
  namesOf,
  presentColumns,
  type RowReader,
  versionByTables,
} from "./lost.ts";

export interface SchemaStatus {
  /** What stands there: no database, none of our tables, a thesis' database without our ledger, or one of ours. */
  readonly found: "no database" | "empty" | "thesis" | "ours";
  /** The last file that is wholly applied; 0 for none. May be higher than `wanted`. */
  readonly version: number;
  /** The last file that this program brings. */
  readonly wanted: number;
  /** Names of the files still to apply, in order; the first may be half done. */
  readonly pending: readonly string[];
  /** Tables, and columns as "Host.Ip", that a database of its version has and this one has not. */
  readonly lost: readonly string[];
}

export interface InstallResult {
  readonly createdDatabase: boolean;
  /** Whether the tables had been made by the thesis' statements, and were upgraded. */
  readonly adoptedThesis: boolean;
  /** Names of the files that this run applied or finished. */
  readonly applied: readonly string[];
  readonly version: number;
  /** Tables and columns that were lost and are there again, without what they held. */
  readonly madeAgain: readonly string[];
}

/** Given in by tests. */
export interface InstallPacing {
  readonly files?: SchemaFiles;
  /** How long an installer that fell silent keeps others from going on where it stopped. */
  readonly holdSeconds?: number;
  readonly sleep?: (ms: number) => Promise<void>;
}

/**
 * Creates what is missing: the database, then each file in order. Several may run at once: one works, the others wait.
 * @throws AppError "schema" on a schema from the future or on tables that are not the thesis', "mysql" when the server
 * refuses (the account needs the right to create tables).
 */
export async function installSchema(
  options: StoreOptions,
  pacing: InstallPacing = {},
): Promise<InstallResult> {
  const { ledger, files } = pacing.files ?? readSchemaFiles();
  return withInstaller(patient(options), async (session) => {
    const createdDatabase = !(await databaseExists(session, options.database));
    if (createdDatabase) await createDatabase(session, options);
    await session.command(`USE ${quoteName(options.database)}`);
    const before = await statusOf(session, options.database, files);
    refuseNewer(before, options.database);
    if (before.found !== "ours" || before.lost.includes(ledgerName))
      for (const statement of ledger) await session.command(statement);
    const madeAgain = before.found === "ours" ? await mend(session, options.database, before, files) : [];
    const applied: string[] = [];
    for (const file of files.slice(before.version)) {
      if (file.version === 1) await refuseForeignTables(session, options.database);
      const worked = await applyFile(session, file, { holdSeconds: 15, sleep, ...pacing });
      if (worked) applied.push(file.name);
    }
    const adoptedThesis = before.found === "thesis";
    return { createdDatabase, adoptedThesis, applied, version: files.length, madeAgain };
  });
}

/** Makes again what is lost of the version that the database has. The names of it. */
async function mend(
  session: Session,
  database: string,
  { version, lost }: SchemaStatus,
  files: readonly SchemaFile[],
): Promise<readonly string[]> {
  if (lost.length === 0) return [];
  const applied = files.slice(0, version);
  if (lost.includes(ledgerName)) for (const file of applied) await enterFinished(session, file);
  await makeAgain(session, await lostOf(session, await presentColumns(session, database), applied));
  // After the tables that they show.
  await makeViewsAgain(session, await lostViews(session, applied, []));
  return lost;
}

/** The row of a file that was applied before the ledger was lost. */
async function enterFinished(
  session: Session,
  { version, name, breaking, statements }: SchemaFile,
): Promise<void> {
  await session.run(
    `INSERT IGNORE INTO SchemaVersion (Version, FileName, Breaking, StatementsDone, Finished, Holder, HeldUntil, ChangedAt)
     VALUES (?, ?, ?, ?, 1, UUID(), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`,
    [version, name, breaking ? 1 : 0, statements.length],
  );
}

/** How far the database is. Needs no more than the right to read. */
export async function schemaStatus(
  options: StoreOptions,
  files: SchemaFiles = readSchemaFiles(),
): Promise<SchemaStatus> {
  return withInstaller(options, async (session) => {
    if (!(await databaseExists(session, options.database))) return describe("no database", 0, files.files);
    await session.command(`USE ${quoteName(options.database)}`);
    return statusOf(session, options.database, files.files);
  });
}

/**
 * Refuses a database whose schema is not exactly this program's: half of an older or newer one is worse than none.
 * @throws AppError "schema" with the command that mends it.
 */
export async function requireSchema(db: Database, installer = "xcp-manager schema install"): Promise<void> {
  const { files } = readSchemaFiles();
  const status = await db.read((reader) => versionOf(reader, db.name, files));
  refuseNewer(status, db.name);
  if (status.pending.length === 0) return;
  const is =
    status.found === "ours"
      ? `has schema ${status.version}`
      : status.found === "thesis"
        ? "is as the thesis made it"
        : "has no tables";
  throw new AppError(
    "schema",
    `database ${db.name} ${is}, this program needs schema ${status.wanted}: run \`${installer}\``,
  );
}

function refuseNewer(status: SchemaStatus, database: string): void {
  if (status.version <= status.wanted) return;
  throw new AppError(
    "schema",
    `database ${database} was made by a newer xcp-balance: it has schema ${status.version}, this program knows ${status.wanted}; upgrade the program`,
  );
}

async function withInstaller<T>(options: StoreOptions, work: (session: Session) => Promise<T>): Promise<T> {
  const { session } = await findServer(options, 0, null);
  try {
    return await work(session);
  } catch (error) {
    const denied =
      error instanceof Error && "errno" in error && (error.errno === 1142 || error.errno === 1044);
    if (denied) throw mayNotInstall(options, error);
    const usesTls = options.caPem !== undefined;
    throw explainStatementFailure(error, { user: options.user, database: options.database, usesTls });
  } finally {
    await session.end();
  }
}

function mayNotInstall({ user, database }: StoreOptions, cause: Error): AppError {
  return new AppError(
    "mysql",
    `${user} may not make or change tables in database ${database} (${cause.message}): run this as an administrator of the server`,
    { cause },
  );
}

/** Rebuilding a large table takes what it takes. */
function patient(options: StoreOptions): StoreOptions {
  return { ...options, statementTimeoutMs: Math.max(options.statementTimeoutMs, 600_000) };
}

async function databaseExists(session: Session, database: string): Promise<boolean> {
  const sql =
    "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE LOWER(SCHEMA_NAME) = LOWER(?)";
  return (await session.rows(sql, [database])).length > 0;
}

async function createDatabase(session: Session, { database, user }: StoreOptions): Promise<void> {
  try {
    await session.command(
      `CREATE DATABASE IF NOT EXISTS ${quoteName(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`,
    );
  } catch (cause) {
    throw new AppError(
      "mysql",
      `there is no database ${database}, or ${user} may not see it, and ${user} may not create it: run this as an administrator of the server`,
      { cause },
    );
  }
}

function quoteName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

async function statusOf(
  reader: RowReader,
  database: string,
  files: readonly SchemaFile[],
): Promise<SchemaStatus> {
  const status = await versionOf(reader, database, files);
  const present = await presentColumns(reader, database);
  const byTables = status.found === "ours" ? 0 : versionByTables(present, files);
  if (status.found !== "ours" && byTables === 0) return status;
  // Another installer may have begun in between.
  if (status.found !== "ours" && (await versionOf(reader, database, files)).found === "ours")
    return statusOf(reader, database, files);
  const lostLedger = status.found === "ours" ? [] : [ledgerName];
  const version = status.found === "ours" ? status.version : byTables;
  const applied = files.slice(0, version);
  const lost = await lostOf(reader, present, applied);
  const views = (await lostViews(reader, applied, lost)).map(({ name }) => name);
  return { ...describe("ours", version, files), lost: [...lostLedger, ...namesOf(lost), ...views] };
}

/** How far the ledger says that it is. */
async function versionOf(
  reader: RowReader,
  database: string,
  files: readonly SchemaFile[],
): Promise<SchemaStatus> {
  const sql = "SELECT LOWER(TABLE_NAME) AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?";
  const tables = new Set((await reader.rows(sql, [database])).map((row) => String(row["name"])));
  if (tables.has("schemaversion")) {
    const rows = await reader.rows("SELECT Version, Finished FROM SchemaVersion ORDER BY Version");
    if (rows.length > 0) {
      // The row of a newer file counts from its first statement on: the tables are no longer what we know.
      const reached = rows.filter(
        (row) => Number(row["Finished"]) === 1 || Number(row["Version"]) > files.length,
      );
      return describe("ours", Number(reached.at(-1)?.["Version"] ?? 0), files);
    }
  }
  const thesis = ["host", "vm", "map", "hostrule"].some((name) => tables.has(name));
  return describe(thesis ? "thesis" : "empty", 0, files);
}

function describe(found: SchemaStatus["found"], version: number, files: readonly SchemaFile[]): SchemaStatus {
  const pending = files.slice(version).map((file) => file.name);
  return { found, version, wanted: files.length, pending, lost: [] };
}

interface Turn {
  readonly holdSeconds: number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Applies what is missing of `file`, or waits until another has. Whether this run did any of it. */
async function applyFile(session: Session, file: SchemaFile, turn: Turn): Promise<boolean> {
  let worked = false;
  for (;;) {
    const holder = await takeHold(session, file, turn);
    if (holder === "finished") return worked;
    if (holder === "held") {
      await turn.sleep(100);
      continue;
    }
    worked = true;
    if (await work(session, file, holder, turn)) return true;
  }
}

interface Hold {
  readonly token: string;
  readonly done: number;
  /** Whether somebody worked on the file before, so that the next statement may have been done. */
  readonly resumed: boolean;
}

/** Becomes the one who works on `file`, unless it is finished or somebody is at it. */
async function takeHold(session: Session, file: SchemaFile, turn: Turn): Promise<Hold | "finished" | "held"> {
  const [identity] = await session.rows("SELECT UUID() AS token");
  const token = String(identity?.["token"]);
  const first = await session.run(
    `INSERT IGNORE INTO SchemaVersion (Version, FileName, Breaking, StatementsDone, Finished, Holder, HeldUntil, ChangedAt)
     VALUES (?, ?, ?, 0, 0, ?, TIMESTAMPADD(SECOND, ${turn.holdSeconds}, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6))`,
    [file.version, file.name, file.breaking ? 1 : 0, token],
  );
  if (first === 1) return { token, done: 0, resumed: false };
  const taken = await session.run(
    `UPDATE SchemaVersion
        SET Holder = ?, HeldUntil = TIMESTAMPADD(SECOND, ${turn.holdSeconds}, UTC_TIMESTAMP(6))
      WHERE Version = ? AND Finished = 0 AND HeldUntil < UTC_TIMESTAMP(6)`,
    [token, file.version],
  );
  const [row] = await session.rows(
    "SELECT Finished, StatementsDone, Holder FROM SchemaVersion WHERE Version = ?",
    [file.version],
  );
  if (Number(row?.["Finished"]) === 1) return "finished";
  if (taken !== 1 || row?.["Holder"] !== token) return "held";
  return { token, done: Number(row["StatementsDone"]), resumed: true };
}

/** Runs the statements that are not ticked off. False when another took over because this one was too slow. */
async function work(session: Session, file: SchemaFile, hold: Hold, turn: Turn): Promise<boolean> {
  for (let index = hold.done; index < file.statements.length; index++) {
    try {
      await session.command(file.statements[index] ?? "");
    } catch (error) {
      const doubtful = hold.resumed && index === hold.done;
      if (!(doubtful && saysDone(error))) {
        await letGo(session, file, hold);
        throw error;
      }
    }
    if (!(await tick(session, file, hold, index + 1, turn))) return false;
  }
  return true;
}

async function tick(
  session: Session,
  file: SchemaFile,
  hold: Hold,
  done: number,
  turn: Turn,
): Promise<boolean> {
  const finished = done === file.statements.length;
  const ticked = await session.run(
    `UPDATE SchemaVersion
        SET StatementsDone = ?, Finished = ?, HeldUntil = TIMESTAMPADD(SECOND, ?, UTC_TIMESTAMP(6)), ChangedAt = UTC_TIMESTAMP(6)
      WHERE Version = ? AND Holder = ? AND Finished = 0`,
    [done, finished ? 1 : 0, turn.holdSeconds, file.version, hold.token],
  );
  return ticked === 1;
}

/** Lets the next one go on at once; when even this fails, it has to wait until the hold runs out. */
async function letGo(session: Session, file: SchemaFile, hold: Hold): Promise<void> {
  const sql = "UPDATE SchemaVersion SET HeldUntil = '2000-01-01' WHERE Version = ? AND Holder = ?";
  await session.run(sql, [file.version, hold.token]).catch(() => {});
}

/** Errors by which a statement says that its work is there already: table, column, key, constraint, or renamed away. */
const doneNumbers: ReadonlySet<unknown> = new Set([1005, 1022, 1050, 1060, 1061, 1068, 1091, 1146, 1826]);

function saysDone(error: unknown): boolean {
  return error instanceof Error && "errno" in error && doneNumbers.has(error.errno);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
