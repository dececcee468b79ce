/**
 * What to do after a failed statement, by the server's error number, and how long to wait first. Pure.
 *
 * Numbers and never mysql2's `code`: it names MariaDB's numbers by MySQL's list, wrongly.
 */

/**
 * - again: the transaction is undone or can be; run it again on the same connection;
 * - reconnect: the connection is dead, and with it everything that was not committed;
 * - elsewhere: this server does not serve writers now; run the transaction again on the next one;
 * - unknown: a COMMIT that may or may not have happened; look before doing it again;
 * - never: repeating cannot help.
 */
export type Remedy = "again" | "reconnect" | "elsewhere" | "unknown" | "never";

const remedyOf: ReadonlyMap<number, Remedy> = new Map<number, Remedy>([
  [1213, "again"], // deadlock; on Galera also a lost certification, at COMMIT
  [1205, "again"], // lock wait timeout: the transaction is still open and must be rolled back
  [1020, "again"], // MariaDB's snapshot isolation: the row changed since the transaction began
  [1053, "reconnect"], // server shutdown in progress
  [1927, "reconnect"], // MariaDB: connection was killed
  [4031, "reconnect"], // MySQL: disconnected for inactivity
  [1047, "elsewhere"], // Galera node without quorum
  [1290, "elsewhere"], // --read-only and its kin
  [1792, "elsewhere"], // read-only transaction
  [1836, "elsewhere"], // running in read-only mode
  [3100, "elsewhere"], // group replication: the plugin refuses the transaction
  [3101, "again"], // group replication: rolled back by certification
  [1180, "unknown"], // error during COMMIT
]);

const deadConnectionCodes: ReadonlySet<string> = new Set([
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_SEQUENCE_TIMEOUT",
  "PROTOCOL_PACKETS_OUT_OF_ORDER",
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** What the driver tells about a failure; all of it may be missing. */
export interface DriverFailure {
  readonly errno?: unknown;
  readonly code?: unknown;
  readonly fatal?: unknown;
}

/** The remedy for a failure of a statement, or of the COMMIT when `committing`. */
export function remedyFor(failure: DriverFailure, committing: boolean): Remedy {
  const remedy = remedyOfStatement(failure);
  // Whoever answers that it does not serve may have answered after the commit was on its way to the others.
  return committing && (remedy === "reconnect" || remedy === "elsewhere") ? "unknown" : remedy;
}

function remedyOfStatement(failure: DriverFailure): Remedy {
  const known = typeof failure.errno === "number" ? remedyOf.get(failure.errno) : undefined;
  if (known !== undefined) return known;
  if (typeof failure.code === "string" && deadConnectionCodes.has(failure.code)) return "reconnect";
  return failure.fatal === true ? "reconnect" : "never";
}

/** Runs of one transaction, the first included. */
export const maxRuns = 5;

/** How long a transaction keeps looking for a server that answers, after the connection was lost, in milliseconds. */
export const reconnectBudgetMs = 20_000;

/** The wait before run `retry` + 1 (`retry` from 1), in milliseconds: full jitter, base 200, doubling, at most 5,000. */
export function backoffMs(retry: number, random: () => number): number {
  return Math.floor(random() * Math.min(5_000, 200 * 2 ** (retry - 1)));
}
