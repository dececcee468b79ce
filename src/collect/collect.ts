/**
 * One run of xcp-collect: reads the pool into one snapshot and stores it in one transaction.
 * Never stores half of a pool, and never a 0 for what it could not read.
 */
import { AppError } from "../errors.ts";
import type { Collection, Snapshot } from "../pool.ts";
import type { CollectSettings, XenSettings } from "../settings.ts";
import type { Database } from "../store/connection.ts";
import { beginCollection, saveSnapshot } from "../store/snapshot.ts";
import { connectXapi } from "../xapi/client.ts";
import { XapiError } from "../xapi/errors.ts";
import { type Inventory, readInventory } from "../xapi/inventory.ts";
import type { Measures } from "../xapi/measures.ts";
import { xapiOptions } from "../xapi/options.ts";
import { readMeasures } from "../xapi/rrdUpdates.ts";
import { toSnapshot } from "../xapi/snapshot.ts";

export interface CollectOptions {
  readonly xen: XenSettings;
  readonly collect: CollectSettings;
  readonly signal: AbortSignal;
}

/** What one run read, what it could not read, and how it was stored. */
export interface CollectResult {
  readonly snapshot: Snapshot;
  readonly unread: readonly { readonly name: string; readonly reason: string }[];
  readonly skipped: readonly { readonly what: string; readonly reason: string }[];
  /** "superseded" when a run that started later has stored its picture already. */
  readonly stored: Collection | "superseded";
}

/**
 * Collects once.
 * @throws AppError when the pool, the login or MySQL fails, or the deadline passes: the tables stay as they were.
 */
export async function collect(db: Database, options: CollectOptions): Promise<CollectResult> {
  const deadline = AbortSignal.timeout(options.collect.deadlineMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  try {
    const start = await beginCollection(db);
    const { inventory, measures } = await readPool(options, signal);
    const snapshot = toSnapshot(inventory, measures, options.collect.eth0Device);
    signal.throwIfAborted();
    const complete = measures.unread.size * 100 <= options.collect.unreadHostsPercent * inventory.hosts.size;
    const stored = await saveSnapshot(db, start, snapshot, { complete });
    return { snapshot, stored, ...leftOut(inventory, measures) };
  } catch (error) {
    if (!deadline.aborted || options.signal.aborted) throw error;
    const seconds = options.collect.deadlineMs / 1000;
    const message = `the pool was not read within ${seconds} s (CollectDeadlineSeconds); the tables are unchanged`;
    throw new AppError("deadline", message, { cause: error === deadline.reason ? undefined : error });
  }
}

async function readPool(
  options: CollectOptions,
  signal: AbortSignal,
): Promise<{ inventory: Inventory; measures: Measures }> {
  const client = await connectXapi(xapiOptions(options.xen, "xcp-collect", signal));
  try {
    const inventory = await readInventory(client);
    const { method, hostTimeoutMs, eth0Device } = options.collect;
    const { parallelCalls } = options.xen;
    const measures = await readMeasures(client, inventory, {
      method,
      parallelCalls,
      hostTimeoutMs,
      eth0Device,
      signal,
    });
    return { inventory, measures };
  } catch (error) {
    // A pool that refuses to show its objects is the operator's business, no broken invariant of ours.
    if (!(error instanceof XapiError)) throw error;
    throw new AppError("pool", `${client.url} refuses to be read`, { cause: error });
  } finally {
    await client.close();
  }
}

function leftOut(inventory: Inventory, measures: Measures): Pick<CollectResult, "unread" | "skipped"> {
  return {
    unread: [...measures.unread].map(([ref, reason]) => ({
      name: inventory.hosts.get(ref)?.name_label ?? ref,
      reason,
    })),
    skipped: inventory.skipped.map(({ class: cls, uuid, ref, name, reason }) => ({
      what: `${cls} ${name} (${uuid === "" ? ref : uuid})`,
      reason,
    })),
  };
}
