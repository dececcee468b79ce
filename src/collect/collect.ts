/**
 * One run of xcp-collect: reads the pool into one snapshot and stores it in one transaction.
 * Never stores half of a pool, and never a 0 for what it could not read.
 */

import { ignoreUnsettled, type SettlingVm } from "../decide/settling.ts";
import { clocksDisagree } from "../domain/clocks.ts";
import { lacksDemands, withLastUse } from "../domain/demand.ts";
import { AppError, describeError } from "../domain/errors.ts";
import { asUuid, type Collection, type PoolFacts, type Snapshot, type Uuid } from "../domain/pool.ts";
import { type AnySubject, isSource, parseAnySubject, subjectFacts } from "../domain/rule.ts";
import { unmeasuredLines } from "../domain/unmeasured.ts";
import type { CollectSettings, XenSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { pruneHistory } from "../store/historyRetention.ts";
import { loadHostAddresses, loadLastPlaces, newestStored } from "../store/places.ts";
import { subjectsComparedByRules, subjectsNamedByRules, subjectsOfHostRule } from "../store/rules.ts";
import { beginCollection, loadSnapshot, saveSnapshot } from "../store/snapshot.ts";
import { connectXapi } from "../xapi/client.ts";
import { XapiError } from "../xapi/errors.ts";
import { countsByClass, type Inventory, readInventory } from "../xapi/inventory.ts";
import type { ReadingFacts } from "../xapi/inventoryFollower.ts";
import { type Measures, type NamedMeasures, nothingNamed } from "../xapi/measures.ts";
import type { KnownMembers } from "../xapi/members.ts";
import { xapiOptions } from "../xapi/options.ts";
import type { HostRef } from "../xapi/records.ts";
import { type Recording, recordWaits } from "../xapi/recordWaits.ts";
import { readMeasures } from "../xapi/rrdUpdates.ts";
import { toSnapshot } from "../xapi/snapshot.ts";
import { Unreadable } from "../xapi/unreadable.ts";
import type { Shown } from "../xapi/untrusted.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import type { PoolAccess, PoolFollower } from "./poolFollower.ts";

export interface CollectOptions {
  readonly xen: XenSettings;
  readonly collect: CollectSettings;
  /** Stores this pool even where the database holds the collections of another. */
  readonly replacePool?: boolean;
  /** Addresses that the password may follow a redirect to, beside those that are known. */
  readonly allowedRedirects?: readonly string[];
  /** What is kept from run to run; without it everything is read, in a session of this run's own. */
  readonly follower?: PoolFollower | undefined;
  readonly signal: AbortSignal;
}

/** A record that could not be read, and which of its fields. */
export interface LeftOut {
  readonly class: string;
  readonly what: string;
  readonly name: string;
  readonly reason: string;
}

/** What one run read, what it could not read, and how it was stored. */
export interface CollectResult {
  readonly snapshot: Snapshot;
  /** When the pool was read, by its own clock; null where it did not tell. */
  readonly poolTime: Date | null;
  /** Seconds that the pool's clock is ahead of the database's; null where one of them told no time. */
  readonly clockSkewSeconds: number | null;
  /** False when more hosts were unread, or more records of a class unreadable, than the settings allow. */
  readonly complete: boolean;
  readonly unread: readonly { readonly name: string; readonly reason: string }[];
  /** Hosts that cost a call for each value, and why: mostly an address or a certificate that is missing. */
  readonly slow: readonly { readonly name: string; readonly reason: string }[];
  /** Those of them whose certificate is not trusted, and the fingerprints that are, or else should be with theirs. */
  readonly untrusted: { readonly hosts: readonly Shown[]; readonly pins: readonly string[] };
  /** When the certificate of each host ends, of those that one was seen of. */
  readonly certificateEnds: ReadonlyMap<Uuid, Date>;
  /** Records that could not be read, those of hosts among them. */
  readonly skipped: readonly LeftOut[];
  /** VMs that came to their host a moment ago, whose measures are not counted yet. */
  readonly settling: readonly SettlingVm[];
  /** Whether all of the pool was read or what has changed, and what it had to wait for. */
  readonly reading: ReadingFacts;
  /** "superseded" when a run that started later has stored its snapshot already; null when nothing was to be stored. */
  readonly stored: Collection | "superseded" | null;
  /** A line for each subject of a rule that no host has a value of. */
  readonly unmeasured: readonly string[];
  /** What came of having run-states recorded; null where that is not asked for. */
  readonly recording: Recording | null;
  /** What went wrong after the collection was stored; nothing of it is lost. */
  readonly warnings: readonly string[];
}

/**
 * Collects once.
 * @param db null to read the pool alone: nothing is stored, and there is no last collection to tell which VMs moved.
 * @throws AppError when the pool, the login or MySQL fails, or the deadline passes: the tables stay as they were.
 */
export async function collect(db: Database | null, options: CollectOptions): Promise<CollectResult> {
  const deadline = AbortSignal.timeout(options.collect.deadlineMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  try {
    const named = db === null ? nothingNamed : await namedMeasures(db, options.collect);
    const start = db === null ? null : await beginCollection(db);
    const startedMs = performance.now();
    const known = {
      collected: db === null ? null : await loadHostAddresses(db),
      allowed: options.allowedRedirects ?? [],
    };
    const { inventory, measures, poolTime, poolTimeMs, ...found } = await readPool(
      options,
      known,
      named,
      signal,
    );
    const clockSkewSeconds =
      start === null || poolTime === null
        ? null
        : Math.round((poolTime.getTime() - start.startedAt.getTime() - (poolTimeMs - startedMs)) / 1000);
    const before = async () => {
      const found = db === null ? null : await loadSnapshot(db);
      return found?.snapshot.pool.uuid === inventory.pool.uuid ? found.snapshot : null;
    };
    const lastRead = inventory.skipped.length === 0 ? null : await before();
    const unreadable = new Unreadable(inventory, lastRead);
    const measured = toSnapshot(inventory, measures, options.collect.eth0Device, named, unreadable);
    const lastUsed = async () =>
      lastRead ?? (await keptFrom(db, options, inventory)) ?? (await before().catch(noneOfDamagedRows));
    const earlier = lacksDemands(measured) ? await lastUsed() : null;
    const read = earlier === null ? measured : withLastUse(measured, earlier);
    const last = db === null ? null : await loadLastPlaces(db);
    if (last !== null && !options.replacePool) refuseOtherPool(last.poolUuid, read.pool);
    const { snapshot, settling } = ignoreUnsettled(
      read,
      last,
      poolTime === null ? null : poolTime.getTime() / 1000,
    );
    signal.throwIfAborted();
    const complete = isComplete(inventory, measures, unreadable, options.collect.unreadHostsPercent);
    const result = {
      unmeasured: db === null ? [] : unmeasuredLines(read, await subjectsOfRules(db)),
      snapshot,
      poolTime,
      clockSkewSeconds,
      complete,
      settling,
      ...found,
      ...leftOut(inventory, measures),
    };
    if (db === null || start === null) return { ...result, stored: null, warnings: [] };
    const stored = await saveSnapshot(db, start, snapshot, { complete, settling, clockSkewSeconds });
    options.follower?.keep(stored === "superseded" ? null : { id: stored.id, snapshot });
    // By a clock that has jumped ahead, all that is kept looks old.
    const warnings = clocksDisagree(clockSkewSeconds) ? [] : await prune(db, options.collect, signal);
    return { ...result, stored, warnings };
  } catch (error) {
    if (!deadline.aborted || options.signal.aborted) throw error;
    const seconds = options.collect.deadlineMs / 1000;
    const message = `the pool was not read within ${seconds} s (CollectDeadlineSeconds); the tables are unchanged`;
    throw new AppError("deadline", message, { cause: error === deadline.reason ? undefined : error });
  }
}

/**
 * Whether so much could be read that the pool is known: of the hosts, and of the records of each class, no more than
 * `percent` were not, and nothing is missing that no row stands for.
 */
function isComplete(
  inventory: Inventory,
  measures: Measures,
  unreadable: Unreadable,
  percent: number,
): boolean {
  if (unreadable.unknown > 0) return false;
  for (const [name, { all, unreadable: left }] of countsByClass(inventory)) {
    const unread = name === "host" ? left + measures.unread.size : left;
    if (unread * 100 > percent * all) return false;
  }
  return true;
}

/** An ejected host answers as its own master, and a wrong XenHost is soon typed: neither may empty the tables. */
function refuseOtherPool(stored: Uuid, { uuid, name }: PoolFacts): void {
  if (stored === uuid) return;
  throw new AppError(
    "refused",
    `nothing stored: the database holds the pool ${stored}, and this is the pool ${uuid} (${name}); ` +
      "correct XenHost, name another MysqlDatabase, or give the database to this pool with --replace-pool",
  );
}

/** Deletes old history. The collection is stored by now: what fails here is only told. */
async function prune(db: Database, settings: CollectSettings, signal: AbortSignal): Promise<string[]> {
  try {
    await pruneHistory(db, settings, signal);
    return [];
  } catch (error) {
    return [`old history could not be deleted, the next run tries again: ${describeError(error)}`];
  }
}

interface PoolReading {
  readonly inventory: Inventory;
  readonly measures: Measures;
  readonly poolTime: Date | null;
  /** When that was, by this process' own clock that never jumps. */
  readonly poolTimeMs: number;
  readonly untrusted: CollectResult["untrusted"];
  readonly certificateEnds: CollectResult["certificateEnds"];
  readonly reading: ReadingFacts;
  readonly recording: Recording | null;
}

/** What enabled rules compare hosts by and the thesis' columns do not hold. */
async function namedMeasures(db: Database, { recordWaits }: CollectSettings): Promise<NamedMeasures> {
  const subjects = (await subjectsNamedByRules(db)).flatMap((name) => parseAnySubject(name) ?? []);
  return { hostSources: subjects.filter(isSource), cpuWait: recordWaits || subjects.some(isMadeOfCpuWait) };
}

/**
 * What enabled rules compare hosts by. Accounts of before collect asked for them may not read HostRule: what is warned
 * of is then only the other rules'.
 */
async function subjectsOfRules(db: Database): Promise<readonly string[]> {
  const added = await subjectsComparedByRules(db);
  try {
    return [...(await subjectsOfHostRule(db)), ...added];
  } catch (error) {
    if (error instanceof AppError && error.code === "mysql") return added;
    throw error;
  }
}

function isMadeOfCpuWait(subject: AnySubject): boolean {
  return !isSource(subject) && subjectFacts[subject].vmMeasures.includes("cpuWait");
}

async function readPool(
  options: CollectOptions,
  known: KnownMembers,
  named: NamedMeasures,
  signal: AbortSignal,
): Promise<PoolReading> {
  const { xen, follower } = options;
  const { wholeEveryMs } = options.collect;
  if (follower === undefined || wholeEveryMs === 0) {
    await follower?.close();
    return readOnce(options, known, named, signal);
  }
  return follower.run({ xen, known, signal, wholeEveryMs, nowMs: performance.now() }, (pool) =>
    readFrom(pool, options, named, signal),
  );
}

/** All of the pool, in a session that lasts as long. */
async function readOnce(
  options: CollectOptions,
  known: KnownMembers,
  named: NamedMeasures,
  signal: AbortSignal,
): Promise<PoolReading> {
  const client = await connectXapi(xapiOptions(options.xen, "xcp-collect", signal, known));
  const read = async () => {
    const inventory = await readInventory(client);
    return { inventory, wholeBecause: "one run", expected: true, rateLimits: null, waitedMs: 0 };
  };
  try {
    return await readFrom({ client, read }, options, named, signal);
  } finally {
    await client.close();
  }
}

async function readFrom(
  { client, read, legends }: PoolAccess,
  options: CollectOptions,
  named: NamedMeasures,
  signal: AbortSignal,
): Promise<PoolReading> {
  try {
    const { inventory, ...reading } = await read();
    // After the places and before the measures: later than what was seen, not later than what was measured.
    const poolTime = await readPoolTime(client, inventory);
    const poolTimeMs = performance.now();
    const { method, hostTimeoutMs, eth0Device } = options.collect;
    const { parallelCalls } = options.xen;
    const measures = await readMeasures(client, inventory, {
      method,
      parallelCalls,
      hostTimeoutMs,
      eth0Device,
      named,
      signal,
      ...(legends === undefined ? {} : { legends }),
    });
    const untrusted = await untrustedHosts(client, inventory, measures, options.xen.fingerprints);
    const recording = options.collect.recordWaits
      ? await recordWaits(client, inventory, measures, { parallelCalls, signal })
      : null;
    const certificateEnds = certificateEndsOf(client, inventory);
    return { inventory, measures, poolTime, poolTimeMs, untrusted, certificateEnds, reading, recording };
  } catch (error) {
    // A pool that refuses to show its objects is the operator's business, no broken invariant of ours.
    if (!(error instanceof XapiError)) throw error;
    throw new AppError("pool", `${client.url} refuses to be read`, { cause: error });
  }
}

/** The hosts whose certificate is not trusted, and the fingerprints that belong beside theirs: pins trust nobody else. */
async function untrustedHosts(
  client: XapiClient,
  inventory: Inventory,
  { untrusted }: Measures,
  pins: readonly string[],
): Promise<CollectResult["untrusted"]> {
  const hosts = [...untrusted].map(([ref, fingerprint]) => ({
    name: inventory.hosts.get(ref)?.name_label ?? ref,
    fingerprint,
  }));
  if (hosts.length === 0 || pins.length > 0) return { hosts, pins };
  const others = [...inventory.hosts].filter(([ref]) => !untrusted.has(ref));
  const shown = await Promise.all(others.map(([, { address }]) => client.shownFingerprint(address)));
  return { hosts, pins: shown.filter((each) => each !== null) };
}

/** As hosts showed them when they were connected to; nobody is asked for them. The master may be known by a name of its own. */
function certificateEndsOf(client: XapiClient, { hosts, pool }: Inventory): ReadonlyMap<Uuid, Date> {
  const ends = [...hosts].map(([ref, { uuid, address }]) => {
    const own = client.certificateEnd(address);
    return [asUuid(uuid), own ?? (ref === pool.master ? client.masterCertificateEnd() : null)] as const;
  });
  return new Map(ends.flatMap(([uuid, end]) => (end === null ? [] : [[uuid, end] as const])));
}

/** The master's clock; null where it does not tell. */
async function readPoolTime(client: XapiClient, { pool }: Inventory): Promise<Date | null> {
  if (pool.master === null) return null;
  try {
    return await client.serverTime(pool.master);
  } catch (error) {
    if (error instanceof XapiError) return null;
    throw error;
  }
}

function leftOut(
  inventory: Inventory,
  measures: Measures,
): Pick<CollectResult, "unread" | "slow" | "skipped"> {
  const named = (hosts: ReadonlyMap<HostRef, string>) =>
    [...hosts].map(([ref, reason]) => ({ name: inventory.hosts.get(ref)?.name_label ?? ref, reason }));
  return {
    unread: [
      ...inventory.skipped.flatMap(({ class: cls, name, uuid, ref, reason }) =>
        cls === "host"
          ? [{ name: name || uuid || ref, reason: `its record cannot be read (${reason})` }]
          : [],
      ),
      ...named(measures.unread),
    ],
    slow: named(measures.slow),
    skipped: inventory.skipped.map(({ class: cls, uuid, ref, name, reason }) => ({
      class: cls,
      what: `${cls} ${name} (${uuid === "" ? ref : uuid})`,
      name: name || uuid || ref,
      reason,
    })),
  };
}

/** The newest picture that is stored, where the run before of this process stored it: reading it back costs more. */
async function keptFrom(
  db: Database | null,
  { follower }: CollectOptions,
  { pool }: Inventory,
): Promise<Snapshot | null> {
  const kept = follower?.kept ?? null;
  if (db === null || kept === null || kept.snapshot.pool.uuid !== pool.uuid) return null;
  return (await newestStored(db)) === kept.id ? kept.snapshot : null;
}

/** Rows that make no sense tell nothing of before; the collection that is being made writes them anew. */
function noneOfDamagedRows(error: unknown): null {
  if (error instanceof AppError && error.code === "data") return null;
  throw error;
}
