/** The tables HostRest and HostRestEvent: what green rules did with each host. Every write is under the lease. */

import type {
  HostPower,
  HostPowerChange,
  HostPowerEvent,
  HostState,
  SleepSpan,
} from "../domain/hostPower.ts";
import type { Uuid } from "../domain/pool.ts";
import { sinceEpoch } from "./columnTypes.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { expression, insertRow, now, updateRows } from "./statements.ts";
import { type HostRest, hostRestTable } from "./tables/HostRest.ts";
import { hostRestEventTable } from "./tables/HostRestEvent.ts";
import { number } from "./values.ts";

/** Everything that is remembered, inside a transaction. */
export async function hostPowerIn(reader: Reader): Promise<HostPower> {
  const [clock] = await reader.rows(`SELECT ${sinceEpoch("UTC_TIMESTAMP(6)")} AS now_`);
  const rows = (await reader.rows(`SELECT ${hostRestTable.selected} FROM HostRest ORDER BY HostUuid`)).map(
    hostRestTable.read,
  );
  const states = new Map<Uuid, HostState>();
  for (const row of rows) {
    const state = stateFrom(row);
    if (state !== null) states.set(row.host, state);
  }
  const week = await eventsIn(reader, 7 * 86_400);
  return {
    now: number(clock?.["now_"]) ?? 0,
    states,
    reasons: new Map(rows.map(({ host, reason }) => [host, reason])),
    tasks: new Map(rows.flatMap(({ host, taskRef }) => (taskRef === null ? [] : [[host, taskRef] as const]))),
    unreliable: unreliableOf(week),
    touched: new Map(week.filter(({ kind }) => kind !== "refused").map(({ host, at }) => [host, at])),
  };
}

export async function loadHostPower(db: Database): Promise<HostPower> {
  return db.read(hostPowerIn);
}

function stateFrom({
  state: kind,
  since,
  vmsLeft,
  progressAt,
  emptyHost: empty,
}: HostRest): HostState | null {
  if (kind === "on") return { kind, since };
  if (kind === "draining") return { kind, since, left: vmsLeft ?? 0, progressAt: progressAt ?? since };
  if (kind !== "asleep" && kind !== "waking" && kind !== "failed") return null;
  return empty === null ? null : { kind, since, empty };
}

/** A host whose power failed, unless a later waking brought it back. */
function unreliableOf(events: readonly HostPowerEvent[]): ReadonlyMap<Uuid, number> {
  const found = new Map<Uuid, number>();
  const woken = new Set<Uuid>();
  for (const { host, kind, at } of events) {
    if (kind === "wake") woken.add(host);
    if (kind === "failed") {
      found.set(host, at);
      woken.delete(host);
    }
    if (kind === "on" && woken.has(host)) found.delete(host);
  }
  return found;
}

/** Hosts whose going and coming is control's own doing, with the seconds since its last step (0 while one is under way). */
export async function handledIn(reader: Reader): Promise<ReadonlyMap<Uuid, number>> {
  const { now, states, touched } = await hostPowerIn(reader);
  return new Map([
    ...[...touched].map(([host, at]): [Uuid, number] => [host, now - at]),
    ...[...states].flatMap(([host, { kind }]): [Uuid, number][] => (kind === "on" ? [] : [[host, 0]])),
  ]);
}

/** The events of the last `seconds`, oldest first, inside a transaction. */
export async function eventsIn(reader: Reader, seconds: number): Promise<readonly HostPowerEvent[]> {
  const rows = await reader.rows(
    `SELECT ${hostRestEventTable.selected} FROM HostRestEvent
      WHERE HostRestEvent.HappenedAt > TIMESTAMPADD(SECOND, -${Math.ceil(seconds)}, UTC_TIMESTAMP(6))
      ORDER BY HostRestEvent.HappenedAt, Id`,
  );
  return rows.map((row) => {
    const { host, kind, at, reason } = hostRestEventTable.read(row);
    return { host, kind, at, reason };
  });
}

/** The times asleep that the events tell of: from each shutdown until the host was woken, or was on again by itself. */
export function hostPowerOf(events: readonly HostPowerEvent[]): readonly SleepSpan[] {
  const hostPower: SleepSpan[] = [];
  const asleep = new Map<Uuid, number>();
  for (const { host, kind, at } of events) {
    if (kind === "shut down") asleep.set(host, at);
    const from = asleep.get(host);
    if (from === undefined || !["wake", "on", "take back", "enable"].includes(kind)) continue;
    hostPower.push({ host, from, to: at });
    asleep.delete(host);
  }
  return [...hostPower, ...[...asleep].map(([host, from]) => ({ host, from, to: null }))];
}

/** Writes what becomes of hosts, all or nothing; false when the lease was lost. */
export async function writeHostPower(
  db: Database,
  leaseToken: LeaseToken,
  poolUuid: string,
  changes: readonly HostPowerChange[],
): Promise<boolean> {
  if (changes.length === 0) return true;
  const ids = changes.map(() => crypto.randomUUID());
  const identified = changes.map((change, i) => [change, ids[i] ?? ""] as const);
  return db.write<boolean>(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return false;
      await writeHostPowerIn(writer, leaseToken, poolUuid, identified);
      return true;
    },
    { verify: (reader) => isWritten(reader, changes, ids) },
  );
}

/** The same inside a transaction that has seen to the lease; each change with the id of its event. */
export async function writeHostPowerIn(
  writer: Writer,
  { runId }: LeaseToken,
  poolUuid: string,
  changes: readonly (readonly [HostPowerChange, string])[],
): Promise<void> {
  for (const [change, id] of changes) {
    await writeState(writer, poolUuid, change);
    const { host, event, reason } = change;
    if (event === null) continue;
    await insertRow(writer, hostRestEventTable, { id, host, poolUuid, runId, at: now, kind: event, reason });
  }
}

/** Without an event there is nothing that must not be written twice. */
async function isWritten(
  reader: Reader,
  changes: readonly HostPowerChange[],
  ids: readonly string[],
): Promise<true | null> {
  const first = changes.findIndex(({ event }) => event !== null);
  if (first < 0) return null;
  const [row] = await reader.rows("SELECT Id FROM HostRestEvent WHERE Id = ?", [ids[first] ?? ""]);
  return row === undefined ? null : true;
}

async function writeState(
  writer: Writer,
  poolUuid: string,
  { host, state, reason, task }: HostPowerChange,
): Promise<void> {
  const row = {
    poolUuid,
    state: state.kind,
    since: state.since,
    reason,
    vmsLeft: state.kind === "draining" ? state.left : null,
    progressAt: state.kind === "draining" ? state.progressAt : null,
    emptyHost: "empty" in state ? state.empty : null,
    taskRef: task ?? null,
  };
  const changed = await updateRows(writer, hostRestTable, row, expression("HostUuid = ?", host));
  if (changed > 0) return;
  const [known] = await writer.rows("SELECT HostUuid FROM HostRest WHERE HostUuid = ?", [host]);
  if (known !== undefined) return;
  await insertRow(writer, hostRestTable, { ...row, host });
}

/** Bytes that migrations for green rules have moved within the last `seconds`. */
export async function greenBytesIn(reader: Reader, seconds: number): Promise<number> {
  const [row] = await reader.rows(
    `SELECT COALESCE(SUM(MemoryBytes), 0) AS bytes FROM Migration WHERE Cause = 'green' AND State = 'succeeded'
      AND FinishedAt > TIMESTAMPADD(SECOND, -${Math.ceil(seconds)}, UTC_TIMESTAMP(6))`,
  );
  return number(row?.["bytes"]) ?? 0;
}
