/**
 * The lease: which run of xcp-control may act. One conditional UPDATE by the database's clock, so that it holds on a
 * Galera cluster as well; every taking raises the token, and whoever writes under an older token is refused.
 */
import { AppError } from "../domain/errors.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { rowMissing } from "./singleRows.ts";
import { type Expression, expression, now, updateRows } from "./statements.ts";
import { type LeaseRow, leaseTable } from "./tables/Lease.ts";

/** A lease that is held: show it to whatever writes for control. */
export interface LeaseToken {
  readonly runId: string;
  readonly token: number;
}

export interface LeaseStatus {
  /** Who holds it, as `takeLease` was told; null while nobody does. */
  readonly holder: string | null;
  readonly runId: string | null;
  readonly token: number;
  readonly takenAt: Date | null;
  /** Seconds since it was taken and since it was last renewed. */
  readonly takenSecondsAgo: number | null;
  readonly renewedSecondsAgo: number | null;
  /** Seconds until it expires; below 0 when it has. */
  readonly expiresInSeconds: number | null;
}

const own = `Name = '${leaseTable.written("name", "control")}'`;

/** An end further away than the lease lasts says that the clock was set back: nobody renews that one. */
const free = `(RunId IS NULL OR ExpiresAt <= UTC_TIMESTAMP(6)
        OR ExpiresAt > TIMESTAMPADD(MICROSECOND, 3000 * COALESCE(LengthMs, ?), UTC_TIMESTAMP(6)))`;

/**
 * Takes the lease for `ttlMs` where it is free or expired; who holds it otherwise. How long the holder's lasts stands
 * in the row: the length that the caller wishes for says nothing about it.
 * @throws AppError "schema" where the row is gone, or names a holder but no end: such a lease would never be free.
 */
export async function takeLease(
  db: Database,
  runId: string,
  holder: string,
  ttlMs: number,
): Promise<LeaseToken | LeaseStatus> {
  return db.write<LeaseToken | LeaseStatus>(
    async (writer) => {
      await updateRows(
        writer,
        leaseTable,
        {
          runId,
          holder,
          token: expression("Token + 1"),
          takenAt: now,
          renewedAt: now,
          expiresAt: afterMs(ttlMs),
          lengthMs: Math.round(ttlMs),
        },
        expression(`${own} AND ${free}`, Math.round(ttlMs)),
      );
      return (await leaseTokenOf(writer, runId)) ?? (await statusOf(writer));
    },
    { verify: (reader) => leaseTokenOf(reader, runId) },
  );
}

export function isLeaseToken(taken: LeaseToken | LeaseStatus): taken is LeaseToken {
  return !("holder" in taken);
}

/** Puts the end of the lease off, `ttlMs` from now; false when it is not ours any more. */
export async function renewLease(db: Database, leaseToken: LeaseToken, ttlMs: number): Promise<boolean> {
  return db.write(
    async (writer) => {
      const renewed = await updateRows(
        writer,
        leaseTable,
        { renewedAt: now, expiresAt: afterMs(ttlMs), lengthMs: Math.round(ttlMs) },
        held(leaseToken),
      );
      return renewed === 1;
    },
    // Not renewed is the safe answer: the local deadline stays where it was, and the next renewal tells.
    { verify: (reader) => isHeld(reader, leaseToken) },
  );
}

/** Gives the lease back, where it is still ours. */
export async function releaseLease(db: Database, leaseToken: LeaseToken): Promise<void> {
  await db.write<void>(
    async (writer) => {
      await updateRows(writer, leaseTable, { runId: null, expiresAt: now }, held(leaseToken));
    },
    { verify: async () => undefined },
  );
}

/**
 * Whether the lease token holds now, inside the caller's transaction. It writes the row: two nodes of a cluster that do so
 * at the same time collide, and one transaction is undone.
 */
export async function holdsLease(writer: Writer, leaseToken: LeaseToken): Promise<boolean> {
  const { sql, values } = held(leaseToken);
  const inTime = expression(`${sql} AND ExpiresAt > UTC_TIMESTAMP(6)`, ...values);
  return (await updateRows(writer, leaseTable, { renewedAt: now }, inTime)) === 1;
}

/** The lease as it stands. */
export async function leaseStatus(db: Database): Promise<LeaseStatus> {
  return db.read(statusOf);
}

async function isHeld(reader: Reader, leaseToken: LeaseToken): Promise<boolean | null> {
  const found = await leaseTokenOf(reader, leaseToken.runId);
  return found === null ? false : found.token === leaseToken.token;
}

function held({ runId, token }: LeaseToken): Expression {
  return expression(`${own} AND RunId = ? AND Token = ?`, runId, token);
}

function afterMs(ms: number): Expression {
  return expression("TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6))", Math.round(ms * 1000));
}

async function leaseTokenOf(reader: Reader, runId: string): Promise<LeaseToken | null> {
  const [row] = await reader.rows(`SELECT Token FROM Lease WHERE ${own} AND RunId = ?`, [runId]);
  return row === undefined ? null : { runId, token: Number(row["Token"]) };
}

async function statusOf(reader: Reader): Promise<LeaseStatus> {
  const [row] = await reader.rows(`SELECT ${leaseTable.selected} FROM Lease WHERE ${own}`);
  if (row === undefined) throw rowMissing("Lease");
  const lease = leaseTable.read(row);
  if (lease.runId === null) {
    const nobody = { holder: null, runId: null, takenAt: null, takenSecondsAgo: null };
    return { ...nobody, token: lease.token, renewedSecondsAgo: null, expiresInSeconds: null };
  }
  if (lease.expiredSecondsAgo === null) throw endless(lease);
  return {
    holder: lease.holder ?? "",
    runId: lease.runId,
    token: lease.token,
    takenAt: lease.takenAt,
    takenSecondsAgo: lease.takenSecondsAgo,
    renewedSecondsAgo: lease.renewedSecondsAgo,
    expiresInSeconds: -lease.expiredSecondsAgo,
  };
}

function endless({ holder, runId }: LeaseRow): AppError {
  return new AppError(
    "schema",
    `the row of table Lease names a holder (${holder ?? runId}) but no end, so it would never be free: once no xcp-control is at work, free it with UPDATE Lease SET RunId = NULL WHERE Name = 'control'`,
  );
}
