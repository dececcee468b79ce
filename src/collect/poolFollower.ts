/** What `xcp-collect --interval` keeps from one run to the next: the session with the pool, and the pool's objects. */

import { isDeepStrictEqual } from "node:util";
import type { Snapshot } from "../domain/pool.ts";
import type { XenSettings } from "../settings/types.ts";
import { connectXapi, type XapiOptions } from "../xapi/client.ts";
import { type FollowedInventory, InventoryFollower } from "../xapi/inventoryFollower.ts";
import type { KnownMembers } from "../xapi/members.ts";
import { xapiOptions } from "../xapi/options.ts";
import type { Legends } from "../xapi/rrdUpdates.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";

/** How a run reaches the pool. */
export interface PoolAccess {
  readonly client: XapiClient;
  readonly read: () => Promise<FollowedInventory>;
  readonly legends?: Legends;
}

export interface FollowOptions {
  readonly xen: XenSettings;
  readonly known: KnownMembers;
  /** All is read again this long after it was last. */
  readonly wholeEveryMs: number;
  /** Ends the run. */
  readonly signal: AbortSignal;
  /** Of a clock that never jumps. */
  readonly nowMs: number;
}

interface KeptSession {
  readonly client: XapiClient;
  readonly objects: InventoryFollower;
  readonly legends: Legends;
  readonly options: XapiOptions;
  /** Breaks every call of the session. */
  readonly stop: AbortController;
}

/** A picture of the pool as it was stored. */
export interface KeptPicture {
  readonly id: number;
  readonly snapshot: Snapshot;
}

/** One run at a time. A run that fails with the pool ends the session; the next one begins anew. */
export class PoolFollower {
  #session: KeptSession | null = null;
  #known: KnownMembers = { collected: null, allowed: [] };
  #kept: KeptPicture | null = null;

  /** What the last run stored, with the number of its collection; null where it stored nothing. */
  get kept(): KeptPicture | null {
    return this.#kept;
  }

  keep(picture: KeptPicture | null): void {
    this.#kept = picture;
  }

  /** Does `work` with the pool. Rejects as connectXapi and `work` do. */
  async run<T>(options: FollowOptions, work: (pool: PoolAccess) => Promise<T>): Promise<T> {
    const { signal, nowMs, wholeEveryMs } = options;
    this.#known = options.known;
    try {
      const { client, objects, legends } = await this.#open(options);
      const read = () => objects.read(client, nowMs, wholeEveryMs);
      return await this.#endingWith(signal, () => work({ client, read, legends }));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Logs out. Never throws. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.client.close();
  }

  /** The session of the run before, unless the settings have changed since. */
  async #open({ xen, signal }: FollowOptions): Promise<KeptSession> {
    const stop = new AbortController();
    const { signal: _, ...options } = xapiOptions(xen, "xcp-collect", stop.signal, this.#living());
    const { known: __, ...asked } = options;
    if (this.#session !== null && isDeepStrictEqual(asked, this.#session.options)) return this.#session;
    await this.close();
    const open = () => connectXapi({ ...options, signal: stop.signal });
    const client = await endedBy(signal, stop, open);
    this.#session = { client, objects: new InventoryFollower(), legends: new Map(), options: asked, stop };
    return this.#session;
  }

  #endingWith<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { stop } = this.#session as KeptSession;
    return endedBy(signal, stop, work);
  }

  /** The members that are known: by the newest collection, not by the one of when the session was opened. */
  #living(): KnownMembers {
    const newest = () => this.#known;
    return {
      get collected() {
        return newest().collected;
      },
      get allowed() {
        return newest().allowed;
      },
    };
  }
}

/** Has `signal` stop what `stop` stops, as long as `work` goes on. */
async function endedBy<T>(signal: AbortSignal, stop: AbortController, work: () => Promise<T>): Promise<T> {
  const end = (): void => stop.abort(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  try {
    return await work();
  } finally {
    signal.removeEventListener("abort", end);
  }
}
