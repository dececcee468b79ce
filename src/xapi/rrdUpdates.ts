/**
 * Reads measures by one /rrd_updates a host: a whole host with its VMs in one answer, where query_data_source needs a
 * call for each value. The values are the same: the newest 5-second point of the AVERAGE archive.
 */
import { AppError, describeError } from "../domain/errors.ts";
import { type ObjectMeasures, queryHost } from "./dataSources.ts";
import { CertificateError, XapiError, XapiUnreachable } from "./errors.ts";
import { Interfaces } from "./interfaces.ts";
import type { Inventory } from "./inventory.ts";
import { limiter } from "./limiter.ts";
import { type Measures, type NamedMeasures, nothingNamed, type SourceValues } from "./measures.ts";
import { isCoarse, isDoubtful } from "./precision.ts";
import type { HostRecord, HostRef, VmRef } from "./records.ts";
import {
  newestValues,
  objectKey,
  parseRrdUpdates,
  RrdFormatError,
  type RrdLegend,
  type RrdUpdates,
} from "./rrd.ts";
import { unreadableOf } from "./unreadable.ts";
import type { XapiClient } from "./xapiClient.ts";

export interface MeasureOptions {
  readonly method: "auto" | "rrd" | "query";
  readonly parallelCalls: number;
  readonly hostTimeoutMs: number;
  /** The interface to show as eth0, or "auto". */
  readonly eth0Device: string;
  readonly signal: AbortSignal;
  /** Default: nothing. */
  readonly named?: NamedMeasures;
  /** What the columns of each host were the last time, kept here for the next: they seldom change, and are half of it. */
  readonly legends?: Legends;
}

export type Legends = Map<HostRef, RrdLegend>;

/** Seconds of history to ask for: the newest row and the one before it. */
const lookBackSeconds = 10;
const finestStep = 5;
/** A newest row this much older than the host's own clock is no present: its collector stands still. */
const frozenSeconds = 60;

/**
 * The measures of every live host and of the VMs that run on it. A host that was switched off is neither read nor
 * unread. Rejects only when `signal` is aborted.
 */
export async function readMeasures(
  client: XapiClient,
  inventory: Inventory,
  options: MeasureOptions,
): Promise<Measures> {
  const hosts = new Map<HostRef, SourceValues>();
  const vms = new Map<VmRef, SourceValues>();
  const unread = new Map<HostRef, string>();
  const slow = new Map<HostRef, string>();
  const untrusted = new Map<HostRef, string>();
  const now = await poolClock(client, inventory, options);
  const interfaces = new Interfaces(inventory, options.eth0Device);
  // Each asks another host: together they may be more than what one member serves at a time.
  const oneHost = limiter(2 * options.parallelCalls);
  const oneCall = limiter(options.parallelCalls);
  const vmRefs = new Map([...inventory.vms].map(([ref, vm]) => [vm.uuid, ref]));
  const readHost = async ([ref, host]: readonly [HostRef, HostRecord]) => {
    const read = await readOne(ref, host);
    options.signal.throwIfAborted();
    if (typeof read === "string") return void unread.set(ref, read);
    hosts.set(ref, read.host);
    for (const [vm, values] of read.vms) if (inventory.vms.get(vm)?.resident_on === ref) vms.set(vm, values);
  };
  const readOne = async (ref: HostRef, host: HostRecord): Promise<ObjectMeasures | string> => {
    const unknown = unknownLife(host, inventory);
    if (unknown !== null) return unknown;
    if (!isLive(host, inventory)) return "the pool says it is not alive";
    const { named = nothingNamed } = options;
    const query = () => queryHost(client, inventory, ref, host, { interfaces, named, oneCall });
    if (options.method === "query" || now === null) return query();
    const answer = await oneHost(() => updatesOf(client, ref, host, now, options));
    if ("updates" in answer) {
      const measures = toMeasures(answer.updates, host, vmRefs);
      if (measures.host.size === 0) return "its /rrd_updates says nothing of the host itself";
      return isCoarse(answer.updates) ? refined(client, ref, measures, oneCall) : measures;
    }
    if ("unread" in answer || options.method !== "auto")
      return "unread" in answer ? answer.unread : answer.notServed;
    slow.set(ref, answer.notServed);
    if (answer.shown !== undefined) untrusted.set(ref, answer.shown);
    return query();
  };
  const wanted = [...inventory.hosts].filter(([ref, host]) => !isSwitchedOff(ref, host, inventory));
  await Promise.all(wanted.map(readHost));
  options.signal.throwIfAborted();
  return { hosts, vms, unread, slow, untrusted };
}

/** The master's clock in seconds since 1970; null where it does not say, and rows cannot be asked for. */
async function poolClock(
  client: XapiClient,
  inventory: Inventory,
  options: MeasureOptions,
): Promise<number | null> {
  const { master } = inventory.pool;
  if (options.method === "query" || master === null) return null;
  try {
    return Math.floor((await client.serverTime(master)).getTime() / 1000);
  } catch (error) {
    if (error instanceof XapiError) return null;
    throw error;
  }
}

function isLive(host: HostRecord, inventory: Inventory): boolean {
  return host.metrics !== null && inventory.hostMetrics.get(host.metrics)?.live === true;
}

/** Why it cannot be told whether the host is alive; null where the pool tells. */
function unknownLife({ metrics }: HostRecord, inventory: Inventory): string | null {
  if (metrics === null || inventory.hostMetrics.has(metrics)) return null;
  const skipped = unreadableOf(inventory, "host_metrics").get(metrics);
  if (skipped === undefined) return "its host_metrics are not among those that the pool lists";
  return `its host_metrics cannot be read (${skipped.reason})`;
}

/** A host that died is still enabled by its record, or holds VMs: of those we would have to know. */
function isSwitchedOff(ref: HostRef, host: HostRecord, inventory: Inventory): boolean {
  if (host.enabled || isLive(host, inventory) || unknownLife(host, inventory) !== null) return false;
  return ![...inventory.vms.values()].some((vm) => vm.resident_on === ref && !vm.is_control_domain);
}

/** `measures` with exact values in place of those that five digits do not decide. */
async function refined(
  client: XapiClient,
  ref: HostRef,
  measures: ObjectMeasures,
  oneCall: <T>(call: () => Promise<T>) => Promise<T>,
): Promise<ObjectMeasures> {
  const refine = async (values: SourceValues, query: (name: string) => Promise<number>) => {
    const doubtful = [...values].filter(([name, value]) => isDoubtful(name, value));
    const exact = await Promise.all(
      doubtful.map(
        async ([name, value]) => [name, await exactOr(value, () => oneCall(() => query(name)))] as const,
      ),
    );
    return new Map([...values, ...exact]);
  };
  const vms = [...measures.vms].map(
    async ([vm, values]) => [vm, await refine(values, (name) => client.queryVmDataSource(vm, name))] as const,
  );
  const host = await refine(measures.host, (name) => client.queryHostDataSource(ref, name));
  return { host, vms: new Map(await Promise.all(vms)) };
}

/** The value that `query` tells when it is the same one told exactly; else the coarse one, of the same moment. */
async function exactOr(coarse: number, query: () => Promise<number>): Promise<number> {
  try {
    const exact = await query();
    return Number(exact.toPrecision(5)) === coarse ? exact : coarse;
  } catch (error) {
    if (error instanceof XapiError || error instanceof XapiUnreachable) return coarse;
    throw error;
  }
}

/** The newest rows; or why the host is unread; or why it does not serve them to us, so that another way may do. */
type UpdatesAnswer =
  | { readonly updates: RrdUpdates }
  | { readonly unread: string }
  | { readonly notServed: string; readonly shown?: string };

async function updatesOf(
  client: XapiClient,
  ref: HostRef,
  host: HostRecord,
  now: number,
  { hostTimeoutMs, legends }: Pick<MeasureOptions, "hostTimeoutMs" | "legends">,
): Promise<UpdatesAnswer> {
  const ask = async (start: number): Promise<RrdUpdates> => {
    const query = { start: String(start), cf: "AVERAGE", host: "true" };
    const { body } = await client.httpGet(host.address, "/rrd_updates", query, hostTimeoutMs);
    const updates = parseRrdUpdates(body, legends?.get(ref));
    legends?.set(ref, updates.legend);
    return updates;
  };
  try {
    const first = await ask(now - lookBackSeconds);
    if (fits(first, now)) return { updates: first };
    // The host's clock differs from the master's, or its rows are old: its own clock tells which.
    const updates = await ask(first.end - lookBackSeconds);
    if (updates.rows.length === 0) return { unread: "it has no rows of measures" };
    const age = (await client.serverTime(ref)).getTime() / 1000 - updates.end;
    if (age > frozenSeconds) return { unread: `its measures stand still since ${Math.round(age)} s` };
    return { updates };
  } catch (error) {
    // A host that limits our calls is not asked for each value instead: that would be hundreds of calls.
    const isThrottled = error instanceof XapiUnreachable && error.status === 429;
    if (isThrottled || (error instanceof XapiUnreachable && error.reason === "deadline"))
      return { unread: describeError(error) };
    if (error instanceof XapiUnreachable && error.reason === "aborted") throw error;
    const expected =
      error instanceof AppError || error instanceof XapiError || error instanceof RrdFormatError;
    if (!expected) throw error;
    const shown = error instanceof CertificateError ? error.seen : null;
    return { notServed: describeError(error), ...(shown === null ? {} : { shown }) };
  }
}

/** Whether the answer is what was asked for: the host's clock may differ from the master's, then it is not. */
function fits(updates: RrdUpdates, now: number): boolean {
  const early = updates.rows.length === 0 || updates.step !== finestStep;
  return !early && Math.abs(updates.end - now) <= frozenSeconds;
}

function toMeasures(
  updates: RrdUpdates,
  host: HostRecord,
  vmRefs: ReadonlyMap<string, VmRef>,
): ObjectMeasures {
  const values = newestValues(updates, "AVERAGE");
  const vms = new Map<VmRef, SourceValues>();
  const prefix = objectKey("vm", "");
  for (const [key, found] of values) {
    const ref = key.startsWith(prefix) ? vmRefs.get(key.slice(prefix.length)) : undefined;
    if (ref !== undefined) vms.set(ref, found);
  }
  return { host: values.get(objectKey("host", host.uuid)) ?? new Map(), vms };
}
