/**
 * The tables of the Workload Balancing server: which pool is connected, what was configured, what was recommended. The
 * server writes them; control reads them, and notes what was applied.
 */
import { connectedWlb, recommendsOnly } from "../decide/workloadBalancing.ts";
import { asUuid, type PoolFacts, type Uuid } from "../domain/pool.ts";
import type { WlbBinding } from "../domain/workloadBalancing.ts";
import type { Database, Reader, Writer } from "./connection.ts";
import { hostPowerIn, writeHostPowerIn } from "./hostPower.ts";
import { holdsLease, type LeaseToken } from "./lease.ts";
import { expression, insertRow, now, updateRows } from "./statements.ts";
import { migrationTable } from "./tables/Migration.ts";
import { poolTable } from "./tables/Pool.ts";
import { type WlbAdvice, wlbAdviceTable } from "./tables/WlbAdvice.ts";
import { type WlbHostAdvice, wlbHostAdviceTable } from "./tables/WlbHostAdvice.ts";
import { type WlbPool, wlbPoolTable } from "./tables/WlbPool.ts";
import { number, textOrNull } from "./values.ts";

/** The pool that is connected, inside a transaction; null where none is. */
export async function wlbBindingIn(reader: Reader): Promise<WlbBinding | null> {
  const [row] = await reader.rows("SELECT PoolUuid, Endpoint FROM WlbPool ORDER BY AddedAt LIMIT 1");
  if (row === undefined) return null;
  const pool = asUuid(String(row["PoolUuid"]));
  const rows = await reader.rows(
    "SELECT Name, Value FROM WlbConfiguration WHERE PoolUuid = ? ORDER BY Name",
    [pool],
  );
  return {
    pool,
    endpoint: textOrNull(row["Endpoint"]),
    configuration: new Map(rows.map((each) => [String(each["Name"]), String(each["Value"])])),
  };
}

/** The same by itself. */
export async function wlbBinding(db: Database): Promise<WlbBinding | null> {
  return db.read(wlbBindingIn);
}

/** The collected pool and its binding, where xcp-wlb is its server; null otherwise. */
export async function connectedPool(
  db: Database,
): Promise<{ readonly pool: PoolFacts; readonly wlb: WlbBinding } | null> {
  return db.read(async (reader) => {
    const [row] = await reader.rows(`SELECT ${poolTable.selected} FROM Pool`);
    if (row === undefined) return null;
    const pool = poolTable.read(row);
    const wlb = connectedWlb(pool, { wlb: await wlbBindingIn(reader) });
    return wlb === null ? null : { pool, wlb };
  });
}

/** Why xcp-control may only recommend in the collected pool, by its Workload Balancing settings; null where it may act. */
export async function onlyRecommends(db: Database): Promise<string | null> {
  return db.read(async (reader) => {
    const [row] = await reader.rows(`SELECT ${poolTable.selected} FROM Pool`);
    return recommendsOnly(row === undefined ? null : poolTable.read(row), {
      wlb: await wlbBindingIn(reader),
    });
  });
}

/** What the server works by, of one database. */
export interface WlbStatus {
  /** The pool whose collections are stored; null where none is. */
  readonly collected: Uuid | null;
  readonly poolName: string;
  /** The number of the stored collection, and its age; 0 and infinite where there is none. */
  readonly collectionId: number;
  readonly ageSeconds: number;
  readonly hostAddresses: readonly string[];
  readonly bound: Omit<WlbPool, "password"> | null;
  readonly configuration: ReadonlyMap<string, string>;
  /** Rises with every change of the rules. */
  readonly ruleChange: number;
}

/** Reads it in one instant; cheap, since it is asked every few seconds. */
export async function wlbStatus(db: Database): Promise<WlbStatus> {
  return db.read(async (reader) => {
    const [stored] = await reader.rows(
      `SELECT Collection.Id AS id, PoolUuid AS pool,
              TIMESTAMPDIFF(MICROSECOND, StartedAt, UTC_TIMESTAMP(6)) / 1e6 AS age
         FROM CollectionHead JOIN Collection ON Collection.Id = StoredId WHERE CollectionHead.Id = 1`,
    );
    const [named] = await reader.rows("SELECT Name FROM Pool");
    const [rules] = await reader.rows("SELECT LastChange FROM RuleHead");
    const hosts = await reader.rows("SELECT Ip FROM Host WHERE Ip IS NOT NULL ORDER BY Ip");
    const [bound] = await reader.rows(
      `SELECT ${wlbPoolTable.selected} FROM WlbPool ORDER BY AddedAt LIMIT 1`,
    );
    const { password: _, ...pool } = wlbPoolTable.read(bound ?? {});
    const binding = await wlbBindingIn(reader);
    return {
      collected: stored === undefined ? null : asUuid(String(stored["pool"]).toLowerCase()),
      poolName: textOrNull(named?.["Name"]) ?? "",
      collectionId: number(stored?.["id"]) ?? 0,
      ageSeconds: number(stored?.["age"]) ?? Number.POSITIVE_INFINITY,
      hostAddresses: hosts.map((row) => String(row["Ip"])),
      bound: bound === undefined ? null : pool,
      configuration: binding?.configuration ?? new Map(),
      ruleChange: number(rules?.["LastChange"]) ?? 0,
    };
  });
}

/** What AddXenServer brings. */
export type WlbConnection = Pick<
  WlbPool,
  "pool" | "boundTo" | "endpoint" | "address" | "userName" | "password"
>;

/**
 * Connects the pool, or renews what is known of it; the binding to the address that came first stays, and so do
 * configuration and numbers. Another pool that was connected here is forgotten.
 */
export async function connectWlbPool(db: Database, connection: WlbConnection): Promise<void> {
  const { pool, boundTo, ...rest } = connection;
  await db.write<void>(
    async (writer) => {
      for (const table of ["WlbPool", "WlbConfiguration", "WlbAdvice", "WlbHostAdvice"]) {
        await writer.run(`DELETE FROM ${table} WHERE PoolUuid <> ?`, [pool]);
      }
      const known = await updateRows(writer, wlbPoolTable, rest, expression("PoolUuid = ?", pool));
      if (known > 0) return;
      await insertRow(writer, wlbPoolTable, { pool, boundTo, ...rest, addedAt: now, lastId: 0 });
    },
    { verify: async (reader) => ((await isConnected(reader, pool)) ? undefined : null) },
  );
}

async function isConnected(reader: Reader, pool: Uuid): Promise<boolean> {
  const rows = await reader.rows("SELECT PoolUuid FROM WlbPool WHERE PoolUuid = ?", [pool]);
  return rows.length > 0;
}

/** Forgets the pool with its account, its configuration and what was recommended; false where it was not connected. */
export async function disconnectWlbPool(db: Database, pool: Uuid): Promise<boolean> {
  return db.write(
    async (writer) => {
      await writer.run("DELETE FROM WlbConfiguration WHERE PoolUuid = ?", [pool]);
      await writer.run("DELETE FROM WlbAdvice WHERE PoolUuid = ?", [pool]);
      await writer.run("DELETE FROM WlbHostAdvice WHERE PoolUuid = ?", [pool]);
      return (await writer.run("DELETE FROM WlbPool WHERE PoolUuid = ?", [pool])) > 0;
    },
    { verify: async (reader) => ((await isConnected(reader, pool)) ? null : true) },
  );
}

/** Sets the keys of `values` and removes those of `gone`; others keep theirs. */
export async function configureWlbPool(
  db: Database,
  pool: Uuid,
  values: ReadonlyMap<string, string>,
  gone: readonly string[],
): Promise<void> {
  const again = async (writer: Writer) => {
    for (const name of gone) {
      await writer.run("DELETE FROM WlbConfiguration WHERE PoolUuid = ? AND Name = ?", [pool, name]);
    }
    for (const [name, value] of values) {
      await writer.run("DELETE FROM WlbConfiguration WHERE PoolUuid = ? AND Name = ?", [pool, name]);
      await writer.run("INSERT INTO WlbConfiguration (PoolUuid, Name, Value) VALUES (?, ?, ?)", [
        pool,
        name,
        value,
      ]);
    }
  };
  // What was written once may be written again.
  await db.write<void>(again, { verify: async () => null });
}

/** Draws `count` numbers; the first of them. They begin anew beyond what 32 bits with a sign hold. */
async function drawIds(writer: Writer, pool: Uuid, count: number): Promise<number> {
  await writer.run("UPDATE WlbPool SET LastId = 0 WHERE PoolUuid = ? AND LastId > ?", [pool, 2_147_000_000]);
  await writer.run("UPDATE WlbPool SET LastId = LastId + ? WHERE PoolUuid = ?", [count, pool]);
  const [row] = await writer.rows("SELECT LastId FROM WlbPool WHERE PoolUuid = ?", [pool]);
  return (number(row?.["LastId"]) ?? count) - count + 1;
}

/** The first of `count` numbers that nobody else gives. */
export async function reserveWlbIds(db: Database, pool: Uuid, count: number): Promise<number> {
  return db.write((writer) => drawIds(writer, pool, count), { verify: async () => null });
}

/** A move as it is recommended. */
export type NewAdvice = Pick<WlbAdvice, "vm" | "source" | "destination" | "reason">;

/** A host as it is recommended to be switched. */
export type NewHostAdvice = Pick<WlbHostAdvice, "host" | "switch" | "emptyHost" | "reason">;

/** What a plan was stored as: its own number, and that of the first of its steps; the others follow it. */
export interface StoredPlan {
  readonly planId: number;
  readonly firstId: number;
}

/** Advice that was not part of a plan for so long is not recognised any more, and removed after a month. */
const recognisedMinutes = 120;
const keptDays = 31;

/** Stores a new plan: first its moves, then its hosts. */
export async function storeWlbPlan(
  db: Database,
  pool: Uuid,
  collectionId: number,
  moves: readonly NewAdvice[],
  hosts: readonly NewHostAdvice[],
): Promise<StoredPlan> {
  return db.write(
    async (writer) => {
      for (const table of ["WlbAdvice", "WlbHostAdvice"]) {
        await writer.run(
          `DELETE FROM ${table} WHERE LastAt < TIMESTAMPADD(DAY, -${keptDays}, UTC_TIMESTAMP(6))`,
        );
      }
      const planId = await drawIds(writer, pool, moves.length + hosts.length + 1);
      const common = { pool, planId, collectionId, issuedAt: now, lastAt: now };
      for (const [index, move] of moves.entries())
        await insertRow(writer, wlbAdviceTable, { ...move, ...common, id: planId + 1 + index });
      for (const [index, host] of hosts.entries()) {
        const id = planId + 1 + moves.length + index;
        await insertRow(writer, wlbHostAdviceTable, { ...host, ...common, id });
      }
      return { planId, firstId: planId + 1 };
    },
    // Numbers whose commit went unanswered are simply not used.
    { verify: async () => null },
  );
}

/** Notes that the plan still stands. */
export async function renewWlbPlan(db: Database, pool: Uuid, planId: number): Promise<void> {
  await db.write<void>(
    async (writer) => {
      const ofPlan = expression("PoolUuid = ? AND PlanId = ?", pool, planId);
      await updateRows(writer, wlbAdviceTable, { lastAt: now }, ofPlan);
      await updateRows(writer, wlbHostAdviceTable, { lastAt: now }, ofPlan);
    },
    { verify: async () => null },
  );
}

/** A move that somebody else carried out as it was recommended. */
export type AppliedAdvice = Pick<WlbAdvice, "id" | "vm" | "source" | "destination">;

/**
 * Finds recommended moves whose VM the stored collection shows at its destination, and enters each as a migration that
 * an administrator made; so it counts for cooldowns and caps. What control itself has moved since is no such move.
 * @returns the moves that were entered; none where the lease is lost.
 */
export async function recogniseApplied(
  db: Database,
  leaseToken: LeaseToken,
): Promise<readonly AppliedAdvice[]> {
  return recognised(db, leaseToken, appliedIn, async (writer) => {
    return (advice, id) => enter(writer, leaseToken, advice, id);
  });
}

/** Writes one that was found, under an id of its own. */
type EnterAdvice<A> = (advice: A, id: string) => Promise<void>;

/**
 * Enters each that `find` finds and marks it, all in one transaction of who holds the lease; where that runs again, under the same ids.
 * @returns what was entered; nothing where the lease is lost.
 */
async function recognised<A extends { readonly id: number }>(
  db: Database,
  leaseToken: LeaseToken,
  find: (reader: Reader) => Promise<readonly A[]>,
  begin: (writer: Writer) => Promise<EnterAdvice<A>>,
): Promise<readonly A[]> {
  const ids = new Map<number, string>();
  return db.write<readonly A[]>(
    async (writer) => {
      if (!(await holdsLease(writer, leaseToken))) return [];
      const found = await find(writer);
      if (found.length === 0) return [];
      const entry = await begin(writer);
      for (const advice of found) {
        const id = ids.get(advice.id) ?? crypto.randomUUID();
        ids.set(advice.id, id);
        await entry(advice, id);
      }
      return found;
    },
    // Advice that was entered is marked: a second look finds it no more.
    { verify: async () => null },
  );
}

interface FoundAdvice extends WlbAdvice {
  readonly storedId: number;
}

async function appliedIn(reader: Reader): Promise<readonly FoundAdvice[]> {
  const rows = await reader.rows(
    `SELECT ${wlbAdviceTable.columns.map((column) => `WlbAdvice.${column}`).join(", ")}, Collection.Id AS storedId_
       FROM WlbAdvice
       JOIN CollectionHead ON CollectionHead.Id = 1
       JOIN Collection ON Collection.Id = StoredId AND Collection.PoolUuid = WlbAdvice.PoolUuid
       JOIN Map ON Map.VmUuid = WlbAdvice.VmUuid AND Map.HostUuid = WlbAdvice.DestinationUuid
      WHERE AppliedAt IS NULL AND StoredId > WlbAdvice.CollectionId
        AND LastAt > TIMESTAMPADD(MINUTE, -${recognisedMinutes}, UTC_TIMESTAMP(6))
        AND NOT EXISTS (SELECT 1 FROM Migration WHERE Migration.VmUuid = WlbAdvice.VmUuid
                           AND Migration.State <> 'refused' AND Migration.PlannedAt >= WlbAdvice.IssuedAt)
      ORDER BY WlbAdvice.Id DESC`,
  );
  const newest = new Map<Uuid, FoundAdvice>();
  for (const row of rows) {
    const advice = { ...wlbAdviceTable.read(row), storedId: number(row["storedId_"]) ?? 0 };
    if (!newest.has(advice.vm)) newest.set(advice.vm, advice);
  }
  return [...newest.values()];
}

async function enter(writer: Writer, leaseToken: LeaseToken, advice: FoundAdvice, id: string): Promise<void> {
  await insertRow(writer, migrationTable, {
    id,
    runId: leaseToken.runId,
    token: leaseToken.token,
    vm: advice.vm,
    openVm: null,
    source: advice.source,
    destination: advice.destination,
    subject: null,
    threshold: null,
    rule: null,
    reason: `applied by an administrator (recommendation ${advice.id}): ${advice.reason}`,
    figures: "{}",
    collectionId: advice.collectionId,
    state: "succeeded",
    plannedAt: now,
    finishedAt: now,
    cause: "applied",
    // The collection that shows the VM there began after the move: it may be planned from.
    collectionsAtEnd: advice.storedId - 1,
  });
  await updateRows(
    writer,
    wlbAdviceTable,
    { appliedAt: now },
    expression("PoolUuid = ? AND VmUuid = ? AND AppliedAt IS NULL", advice.pool, advice.vm),
  );
}

/** A host that somebody else switched as it was recommended. */
export type AppliedHostAdvice = Pick<WlbHostAdvice, "id" | "host" | "switch">;

/**
 * Hosts go off for many reasons: only what was part of the plan within so many minutes before passes for its being followed,
 * since a host that is taken for asleep is woken again.
 */
const switchedMinutes = 30;

/**
 * Finds hosts that were recommended to be switched and that the stored collection shows so. One that is off sleeps by a green
 * rule from then on, and is woken as any other; one that is on again sleeps no more. What control itself has switched since
 * is no such host.
 * @returns those hosts; none where the lease is lost.
 */
export async function recogniseSwitched(
  db: Database,
  leaseToken: LeaseToken,
): Promise<readonly AppliedHostAdvice[]> {
  return recognised(db, leaseToken, switchedIn, async (writer) => {
    const { now: at, states } = await hostPowerIn(writer);
    return async (advice, eventId) => {
      const { id, host, pool, emptyHost, reason } = advice;
      const told = `applied by an administrator (recommendation ${id}): ${reason}`;
      const before = states.get(host)?.kind ?? "on";
      if (advice.switch === "off" && emptyHost !== null && before !== "asleep") {
        const state = { kind: "asleep", since: at, empty: emptyHost } as const;
        const step = { host, state, reason: told, event: "shut down" } as const;
        await writeHostPowerIn(writer, leaseToken, pool, [[step, eventId]]);
      }
      if (advice.switch === "on" && before !== "on") {
        const state = { kind: "on", since: at } as const;
        const step = { host, state, reason: told, event: "on" } as const;
        await writeHostPowerIn(writer, leaseToken, pool, [[step, eventId]]);
      }
      await updateRows(
        writer,
        wlbHostAdviceTable,
        { appliedAt: now },
        expression("PoolUuid = ? AND HostUuid = ? AND AppliedAt IS NULL", pool, host),
      );
    };
  });
}

async function switchedIn(reader: Reader): Promise<readonly WlbHostAdvice[]> {
  const rows = await reader.rows(
    `SELECT ${wlbHostAdviceTable.columns.map((column) => `WlbHostAdvice.${column}`).join(", ")}
       FROM WlbHostAdvice
       JOIN CollectionHead ON CollectionHead.Id = 1
       JOIN Collection ON Collection.Id = StoredId AND Collection.PoolUuid = WlbHostAdvice.PoolUuid
       JOIN HostDetail ON HostDetail.HostUuid = WlbHostAdvice.HostUuid
      WHERE AppliedAt IS NULL AND StoredId > WlbHostAdvice.CollectionId
        AND LastAt > TIMESTAMPADD(MINUTE, -${switchedMinutes}, UTC_TIMESTAMP(6))
        AND ((Switch = 'off' AND Live = 0) OR (Switch = 'on' AND Live = 1 AND Enabled = 1))
        AND NOT EXISTS (SELECT 1 FROM HostRestEvent WHERE HostRestEvent.HostUuid = WlbHostAdvice.HostUuid
                           AND HostRestEvent.Kind IN ('shut down', 'wake', 'on') AND HappenedAt >= WlbHostAdvice.IssuedAt)
      ORDER BY WlbHostAdvice.Id DESC`,
  );
  const newest = new Map<Uuid, WlbHostAdvice>();
  for (const advice of rows.map(wlbHostAdviceTable.read))
    if (!newest.has(advice.host)) newest.set(advice.host, advice);
  return [...newest.values()];
}
