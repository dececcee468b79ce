/**
 * The database as the programs see it: whole transactions, each run again as a whole when a deadlock, a lock or a lost
 * connection undid it. Never leaves half of a transaction behind, and never repeats one that may have been committed.
 */
import { AppError } from "../domain/errors.ts";
import type { StoreOptions } from "./driverOptions.ts";
import { explainStatementFailure, isDenied, isDriverFailure } from "./failure.ts";
import { backoffMs, maxRuns, type Remedy, reconnectBudgetMs, remedyFor } from "./retry.ts";
import { findServer, type Row, type Session, type SqlValue } from "./session.ts";
import { programOfAccount } from "./wrongAccount.ts";

export type { StoreOptions } from "./driverOptions.ts";
export type { Row, SqlValue } from "./session.ts";

/** Reading inside one transaction: all statements see the same instant. */
export interface Reader {
  /** How an upsert names its new row; see Session.rowAlias. */
  readonly rowAlias: boolean;
  rows(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
  /** Rows as arrays in the order of the selected columns; for many rows. */
  tuples(sql: string, values?: readonly SqlValue[]): Promise<unknown[][]>;
}

/** Reading and writing inside one transaction. Reads see what others have committed up to that statement. */
export interface Writer extends Reader {
  /** The number of rows affected; rows that an UPDATE matched without changing them count. */
  run(sql: string, values?: readonly SqlValue[]): Promise<number>;
}

export interface WriteOptions<T> {
  /**
   * Finds out whether the transaction was committed when the answer to its COMMIT was lost: its result, or null when
   * it was not. Without it such a loss is an error that says so.
   */
  readonly verify?: (reader: Reader) => Promise<T | null>;
}

export interface Database {
  /** "host:port" or the socket's path of the server in use, for messages. */
  readonly server: string;
  /** The version text of that server. */
  readonly version: string;
  readonly name: string;
  readonly user: string;
  /** Whether others may read what is said to that server, or pose as it: no TLS, and not this machine. */
  readonly exposed: boolean;
  /** Runs `work` in one read-only transaction on one instant. `work` may run more than once. */
  read<T>(work: (reader: Reader) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction and commits. `work` may run more than once, so it must only write here. */
  write<T>(work: (writer: Writer) => Promise<T>, options?: WriteOptions<T>): Promise<T>;
  /** Ends the connection when what is under way is done; never throws. */
  close(): Promise<void>;
  /** Drops the connection at once: what is under way fails, and nothing is tried again. */
  abandon(): void;
}

/** Time and chance, given in by tests. */
export interface Pacing {
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicMs: () => number;
}

const realPacing: Pacing = {
  random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  monotonicMs: () => performance.now(),
};

/**
 * Connects to the first of the servers that really serves.
 * @throws AppError "mysql" that begins with "Unable to connect to Mysql" and names each server's reason.
 */
export async function openDatabase(options: StoreOptions, pacing: Pacing = realPacing): Promise<Database> {
  const found = await findServer(options, 0, options.database);
  return new MysqlDatabase(options, pacing, found.session, found.index);
}

/** What a run of a transaction came to. */
type AttemptOutcome<T> = { done: T } | { remedy: Exclude<Remedy, "never">; error: unknown };

class MysqlDatabase implements Database {
  server: string;
  version: string;
  exposed: boolean;
  readonly name: string;
  readonly user: string;
  readonly #options: StoreOptions;
  readonly #pacing: Pacing;
  #session: Session | null;
  #index: number;
  #isAbandoned = false;
  /** The end of the queue: transactions share one connection, so they go one after the other. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: StoreOptions, pacing: Pacing, session: Session, index: number) {
    this.#options = options;
    this.#pacing = pacing;
    this.#session = session;
    this.#index = index;
    this.server = session.server;
    this.version = session.version;
    this.exposed = session.exposed;
    this.name = options.database;
    this.user = options.user;
  }

  read<T>(work: (reader: Reader) => Promise<T>): Promise<T> {
    return this.#queued(() => this.#repeat((session) => this.#readOnce(session, work), null));
  }

  write<T>(work: (writer: Writer) => Promise<T>, options: WriteOptions<T> = {}): Promise<T> {
    return this.#queued(() =>
      this.#repeat((session) => this.#writeOnce(session, work), options.verify ?? null),
    );
  }

  async close(): Promise<void> {
    await this.#tail.catch(() => {});
    const session = this.#session;
    this.#session = null;
    await session?.end();
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#forget(false);
  }

  #queued<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task, task);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Runs `once` until it is done, cannot be helped, or has been tried often enough. */
  async #repeat<T>(
    once: (session: Session) => Promise<AttemptOutcome<T>>,
    verify: ((reader: Reader) => Promise<T | null>) | null,
  ): Promise<T> {
    for (let run = 1; ; run++) {
      const outcome = await once(await this.#connected());
      if ("done" in outcome) return outcome.done;
      if (outcome.remedy !== "again") this.#forget(outcome.remedy === "elsewhere");
      if (outcome.remedy === "unknown") {
        if (verify === null) throw commitUnknown(outcome.error);
        const found = await this.#repeat((session) => this.#readOnce(session, verify), null);
        if (found !== null) return found;
      }
      if (run >= maxRuns) throw this.#explained(outcome.error);
      await this.#pacing.sleep(backoffMs(run, this.#pacing.random));
    }
  }

  async #readOnce<T>(session: Session, work: (reader: Reader) => Promise<T>): Promise<AttemptOutcome<T>> {
    let done: T;
    try {
      await session.command("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
      done = await work(session);
    } catch (error) {
      return this.#undo(session, error);
    }
    // What was read is read: the answer to this COMMIT decides nothing but whether the connection is of use.
    await session.command("COMMIT").catch(() => this.#forget(false));
    return { done };
  }

  async #writeOnce<T>(session: Session, work: (writer: Writer) => Promise<T>): Promise<AttemptOutcome<T>> {
    let done: T;
    try {
      // Read committed: after waiting for another writer's lock we must see what it wrote, on every engine.
      await session.command("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
      await session.command("START TRANSACTION");
      done = await work(session);
    } catch (error) {
      return this.#undo(session, error);
    }
    try {
      await session.command("COMMIT");
      return { done };
    } catch (error) {
      const remedy = isDriverFailure(error) ? remedyFor(error, true) : "never";
      if (remedy === "unknown") return { remedy, error };
      return this.#undo(session, error);
    }
  }

  /** Leaves no open transaction behind: a lock timeout keeps the others' locks until someone rolls back. */
  async #undo<T>(session: Session, error: unknown): Promise<AttemptOutcome<T>> {
    const remedy = isDriverFailure(error) ? remedyFor(error, false) : "never";
    if (remedy !== "reconnect") {
      try {
        await session.command("ROLLBACK");
      } catch {
        this.#forget(false);
      }
    }
    if (remedy === "never") throw await this.#explainedDenial(session, error);
    return { remedy, error };
  }

  /** The present session, or a new one: while none answers, tries again until the time for it is used up. */
  async #connected(): Promise<Session> {
    if (this.#session !== null) return this.#session;
    const giveUpAt = this.#pacing.monotonicMs() + reconnectBudgetMs;
    for (let retry = 1; ; retry++) {
      if (this.#isAbandoned) throw abandoned();
      try {
        const { session, index } = await findServer(this.#options, this.#index, this.#options.database);
        if (this.#isAbandoned) {
          session.destroy();
          throw abandoned();
        }
        this.#session = session;
        this.#index = index;
        this.server = session.server;
        this.version = session.version;
        this.exposed = session.exposed;
        return session;
      } catch (error) {
        if (this.#isAbandoned || this.#pacing.monotonicMs() >= giveUpAt) throw error;
        await this.#pacing.sleep(backoffMs(retry, this.#pacing.random));
      }
    }
  }

  #forget(tryNext: boolean): void {
    this.#session?.destroy();
    this.#session = null;
    if (tryNext) this.#index++;
  }

  /** The failure explained; one of rights tells whose account this is, as far as the server says. */
  async #explainedDenial(session: Session, error: unknown): Promise<unknown> {
    if (!isDriverFailure(error) || !isDenied(error.errno)) return this.#explained(error);
    return this.#explained(error, await programOfAccount(session, this.name).catch(() => null));
  }

  #explained(error: unknown, accountOf: string | null = null): unknown {
    const { caPem, program } = this.#options;
    const target = { user: this.user, database: this.name, usesTls: caPem !== undefined, program, accountOf };
    return explainStatementFailure(error, target);
  }
}

function abandoned(): AppError {
  return new AppError("mysql", "the connection to MySQL is closed");
}

function commitUnknown(cause: unknown): AppError {
  return new AppError(
    "mysql",
    "the connection to MySQL was lost while a change was being committed: it may or may not be stored; look before repeating it",
    { cause },
  );
}
