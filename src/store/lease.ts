/**
 * The lease: which run of xcp-control may act. One conditional UPDATE by the database's clock, so that it holds on a
 * Galera cluster as well; every taking raises the token, and whoever writes under an older token is refused.
 */
import type { Database, Reader, Writer } from "./connection.ts";
import { ageSeconds, dateOrNull, microseconds, number, textOrNull } from "./values.ts";

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

const name = "control";

/** Takes the lease for `ttlMs` where it is free or expired; who holds it otherwise. */
export async function takeLease(
  db: Database,
  runId: string,
  holder: string,
  ttlMs: number,
): Promise<LeaseToken | LeaseStatus> {
  return db.write<LeaseToken | LeaseStatus>(
    async (writer) => {
      const ttl = microseconds(ttlMs);
      await writer.run(
        `UPDATE Lease SET RunId = ?, Holder = ?, Token = Token + 1, TakenAt = UTC_TIMESTAMP(6),
                RenewedAt = UTC_TIMESTAMP(6), ExpiresAt = TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6))
          WHERE Name = '${name}' AND (RunId IS NULL OR ExpiresAt <= UTC_TIMESTAMP(6)
                OR ExpiresAt > TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6)))`,
        // An end further away than any lease lasts says that the clock was set back: nobody renews that one.
        [runId, holder, ttl, 3 * ttl],
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
      const renewed = await writer.run(
        `UPDATE Lease SET RenewedAt = UTC_TIMESTAMP(6),
                ExpiresAt = TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6))
          WHERE Name = '${name}' AND RunId = ? AND Token = ?`,
        [microseconds(ttlMs), leaseToken.runId, leaseToken.token],
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
      await writer.run(
        `UPDATE Lease SET RunId = NULL, ExpiresAt = UTC_TIMESTAMP(6)
          WHERE Name = '${name}' AND RunId = ? AND Token = ?`,
        [leaseToken.runId, leaseToken.token],
      );
    },
    { verify: async () => undefined },
  );
}

/**
 * Whether the lease token holds now, inside the caller's transaction. It writes the row: two nodes of a cluster that do so
 * at the same time collide, and one transaction is undone.
 */
export async function holdsLease(writer: Writer, leaseToken: LeaseToken): Promise<boolean> {
  const held = await writer.run(
    `UPDATE Lease SET RenewedAt = UTC_TIMESTAMP(6)
      WHERE Name = '${name}' AND RunId = ? AND Token = ? AND ExpiresAt > UTC_TIMESTAMP(6)`,
    [leaseToken.runId, leaseToken.token],
  );
  return held === 1;
}

/** The lease as it stands. */
export async function leaseStatus(db: Database): Promise<LeaseStatus> {
  return db.read(statusOf);
}

async function isHeld(reader: Reader, leaseToken: LeaseToken): Promise<boolean | null> {
  const found = await leaseTokenOf(reader, leaseToken.runId);
  return found === null ? false : found.token === leaseToken.token;
}

async function leaseTokenOf(reader: Reader, runId: string): Promise<LeaseToken | null> {
  const [row] = await reader.rows(`SELECT Token FROM Lease WHERE Name = '${name}' AND RunId = ?`, [runId]);
  return row === undefined ? null : { runId, token: Number(row["Token"]) };
}

async function statusOf(reader: Reader): Promise<LeaseStatus> {
  const [row] = await reader.rows(
    `SELECT RunId, Holder, Token, TakenAt, ${ageSeconds("TakenAt")} AS takenAge,
            ${ageSeconds("RenewedAt")} AS renewedAge, ${ageSeconds("ExpiresAt")} AS expiredAge
       FROM Lease WHERE Name = '${name}'`,
  );
  const held = row !== undefined && row["RunId"] !== null;
  const expired = number(row?.["expiredAge"]);
  return {
    holder: held ? (textOrNull(row["Holder"]) ?? "") : null,
    runId: held ? textOrNull(row["RunId"]) : null,
    token: number(row?.["Token"]) ?? 0,
    takenAt: held ? dateOrNull(row["TakenAt"]) : null,
    takenSecondsAgo: held ? number(row["takenAge"]) : null,
    renewedSecondsAgo: held ? number(row["renewedAge"]) : null,
    expiresInSeconds: !held || expired === null ? null : -expired,
  };
}
