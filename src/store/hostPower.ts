/** The tables HostRest and HostRestEvent: what green rules did with each host. Every write is under the lease. */

import type {
  HostPower,
  HostPowerChange,
  HostPowerEvent,
  HostPowerEventKind,
  HostState,
  SleepSpan,
} from "../domain/hostPower.ts";
import { asUuid, type Host, type Uuid } from "../domain/pool.ts";
import type { Database, Reader, Row, Writer } from "./connection.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { jsonFrom, number, textOrNull } from "./values.ts";

const epoch = (column: string) => `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${column}) / 1e6`;

/** Everything that is remembered, inside a transaction. */
export async function hostPowerIn(reader: Reader): Promise<HostPower> {
  const [clock] = await reader.rows(`SELECT ${epoch("UTC_TIMESTAMP(6)")} AS now_`);
  const rows = await reader.rows(
    `SELECT HostUuid, State, Reason, VmsLeft, EmptyHost, TaskRef, ${epoch("Since")} AS since_, ${epoch("ProgressAt")} AS progress_
       FROM HostRest ORDER BY HostUuid`,
  );
  const states = new Map<Uuid, HostState>();
  for (const row of rows) {
    const state = stateFrom(row);
    if (state !== null) states.set(asUuid(String(row["HostUuid"])), state);
  }
  const week = await eventsIn(reader, 7 * 86_400);
  return {
    now: number(clock?.["now_"]) ?? 0,
    states,
    reasons: new Map(rows.map((row) => [asUuid(String(row["HostUuid"])), textOrNull(row["Reason"]) ?? ""])),
    tasks: new Map(
      rows.flatMap((row): [Uuid, string][] => {
        const task = textOrNull(row["TaskRef"]);
        return task === null ? [] : [[asUuid(String(row["HostUuid"])), task]];
      }),
    ),
    unreliable: unreliableOf(week),
    touched: new Map(week.filter(({ kind }) => kind !== "refused").map(({ host, at }) => [host, at])),
  };
}

export async function loadHostPower(db: Database): Promise<HostPower> {
  return db.read(hostPowerIn);
}

function stateFrom(row: Row): HostState | null {
  const kind = String(row["State"]);
  const since = number(row["since_"]) ?? 0;
  if (kind === "on") return { kind, since };
  if (kind === "draining") {
    return { kind, since, left: Number(row["VmsLeft"] ?? 0), progressAt: number(row["progress_"]) ?? since };
  }
  if (kind !== "asleep" && kind !== "waking" && kind !== "failed") return null;
  const empty = jsonFrom(textOrNull(row["EmptyHost"]) ?? "null", "HostRest.EmptyHost") as Host | null;
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
    `SELECT HostUuid, Kind, Reason, ${epoch("HappenedAt")} AS at_ FROM HostRestEvent
      WHERE HappenedAt > TIMESTAMPADD(SECOND, -${Math.ceil(seconds)}, UTC_TIMESTAMP(6)) ORDER BY HappenedAt, Id`,
  );
  return rows.map((row) => ({
    host: asUuid(String(row["HostUuid"])),
    kind: String(row["Kind"]) as HostPowerEventKind,
    at: number(row["at_"]) ?? 0,
    reason: textOrNull(row["Reason"]) ?? "",
  }));
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
  return db.write<boolean>(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return false;
      for (const [i, change] of changes.entries()) {
        await writeState(writer, poolUuid, change);
        if (change.event === null) continue;
        await writer.run(
          `INSERT INTO HostRestEvent (Id, HostUuid, PoolUuid, RunId, HappenedAt, Kind, Reason)
           VALUES (?, ?, ?, ?, UTC_TIMESTAMP(6), ?, ?)`,
          [ids[i] ?? "", change.host, poolUuid, leaseToken.runId, change.event, change.reason],
        );
      }
      return true;
    },
    { verify: (reader) => isWritten(reader, changes, ids) },
  );
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
  const values = [
    poolUuid,
    state.kind,
    toTime(state.since),
    reason,
    state.kind === "draining" ? state.left : null,
    state.kind === "draining" ? toTime(state.progressAt) : null,
    "empty" in state ? JSON.stringify(state.empty) : null,
    task ?? null,
  ];
  const changed = await writer.run(
    `UPDATE HostRest SET PoolUuid = ?, State = ?, Since = ?, Reason = ?, VmsLeft = ?, ProgressAt = ?, EmptyHost = ?, TaskRef = ?
      WHERE HostUuid = ?`,
    [...values, host],
  );
  if (changed > 0) return;
  const [known] = await writer.rows("SELECT HostUuid FROM HostRest WHERE HostUuid = ?", [host]);
  if (known !== undefined) return;
  await writer.run(
    `INSERT INTO HostRest (PoolUuid, State, Since, Reason, VmsLeft, ProgressAt, EmptyHost, TaskRef, HostUuid)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [...values, host],
  );
}

/** Seconds since 1970 as the database writes them. */
function toTime(seconds: number): string {
  const time = Number.isFinite(seconds) ? seconds : 0;
  return new Date(Math.round(time * 1000)).toISOString().replace("T", " ").replace("Z", "");
}

/** Bytes that migrations for green rules have moved within the last `seconds`. */
export async function greenBytesIn(reader: Reader, seconds: number): Promise<number> {
  const [row] = await reader.rows(
    `SELECT COALESCE(SUM(MemoryBytes), 0) AS bytes FROM Migration WHERE Cause = 'green' AND State = 'succeeded'
      AND FinishedAt > TIMESTAMPADD(SECOND, -${Math.ceil(seconds)}, UTC_TIMESTAMP(6))`,
  );
  return number(row?.["bytes"]) ?? 0;
}
