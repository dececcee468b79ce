/** The table ObservedAction: what xcp-control would have done while it only observes. */
import type { ObservedAction, WouldDo } from "../domain/observed.ts";
import { sinceEpoch, sqlTime } from "./columnTypes.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { expression, insertRow, now, updateRows } from "./statements.ts";
import { observedActionTable } from "./tables/ObservedAction.ts";

/**
 * Records what the run that holds `leaseToken` would have done by collection `collectionId`. What the observing run
 * before it would have done as well goes on in its row; everything else begins a new one.
 * @returns false when the lease was lost: nothing is recorded.
 */
export async function recordObserved(
  db: Database,
  leaseToken: LeaseToken,
  collectionId: number,
  actions: readonly WouldDo[],
): Promise<boolean> {
  if (actions.length === 0) return true;
  const ids = actions.map(() => crypto.randomUUID());
  return db.write<boolean>(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return false;
      const before = new Map((await ofRunBefore(writer)).map((row) => [keyOf(row), row]));
      for (const [index, action] of actions.entries()) {
        const row = before.get(keyOf(action));
        before.delete(keyOf(action));
        const { reason, figures, memoryBytes } = action;
        const latest = { collectionId, lastAt: now, lastRunId: leaseToken.runId };
        if (row === undefined) {
          const first = { id: ids[index] ?? "", firstCollectionId: collectionId, firstAt: now, runs: 1 };
          await insertRow(writer, observedActionTable, { ...action, ...first, ...latest });
          continue;
        }
        await updateRows(
          writer,
          observedActionTable,
          { ...latest, reason, figures, memoryBytes, runs: row.runs + 1 },
          expression("Id = ?", row.id),
        );
      }
      return true;
    },
    { verify: (reader) => isRecorded(reader, leaseToken.runId) },
  );
}

/** What makes two actions the same one. */
function keyOf({ kind, object, source, destination, cause, rule }: WouldDo): string {
  return JSON.stringify([kind, object, source, destination, cause, rule]);
}

/** What the newest observing run that came to a plan would have done. */
async function ofRunBefore(writer: Writer): Promise<readonly ObservedAction[]> {
  const [run] = await writer.rows(
    `SELECT Id FROM ProgramRun
      WHERE Program = 'xcp-control' AND Mode = 'observe' AND Outcome IN ('observed', 'nothing')
      ORDER BY StartedAt DESC LIMIT 1`,
  );
  if (run === undefined) return [];
  const rows = await writer.rows(
    `SELECT ${observedActionTable.selected} FROM ObservedAction WHERE LastRunId = ?`,
    [String(run["Id"])],
  );
  return rows.map(observedActionTable.read);
}

async function isRecorded(reader: Reader, runId: string): Promise<true | null> {
  const [row] = await reader.rows("SELECT Id FROM ObservedAction WHERE LastRunId = ? LIMIT 1", [runId]);
  return row === undefined ? null : true;
}

/** Runs that observed and came to their end, of those that are still listed. */
export interface ObservingRuns {
  readonly count: number;
  /** When the newest began, and how it ended: "nothing", "refused" ... */
  readonly lastAt: Date;
  readonly lastOutcome: string;
}

/** The runs in observe mode; null where none is known. */
export async function observingRuns(db: Database): Promise<ObservingRuns | null> {
  const where = "Program = 'xcp-control' AND Mode = 'observe' AND Outcome IS NOT NULL";
  return db.read(async (reader) => {
    const [last] = await reader.tuples(
      `SELECT ${sinceEpoch("StartedAt")}, Outcome FROM ProgramRun WHERE ${where} ORDER BY StartedAt DESC LIMIT 1`,
    );
    const [all] = await reader.tuples(`SELECT COUNT(*) FROM ProgramRun WHERE ${where}`);
    if (last === undefined) return null;
    return {
      count: Number(all?.[0] ?? 0),
      lastAt: new Date(Number(last[0]) * 1000),
      lastOutcome: String(last[1]),
    };
  });
}

/** The newest, newest first. */
export async function listObserved(db: Database, limit = 50): Promise<readonly ObservedAction[]> {
  const sql = `SELECT ${observedActionTable.selected} FROM ObservedAction
    ORDER BY LastAt DESC, FirstAt DESC, Id LIMIT ${Math.trunc(limit)}`;
  return (await db.read((reader) => reader.rows(sql))).map(observedActionTable.read);
}

/** All that a run of `since` (the database's clock) or later would have done, oldest first. */
export async function observedSince(db: Database, since: Date): Promise<readonly ObservedAction[]> {
  const sql = `SELECT ${observedActionTable.selected} FROM ObservedAction
    WHERE LastAt >= CAST(? AS DATETIME(6)) ORDER BY FirstAt, Id`;
  return (await db.read((reader) => reader.rows(sql, [sqlTime(since)]))).map(observedActionTable.read);
}
