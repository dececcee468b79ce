/**
 * Reads the pool's objects whole once, and from then on only what has changed, by event.from. Whole again where events may
 * have been lost: xapi does not say so, it only counts its objects in every answer.
 */

import { XapiError, XapiUnreachable } from "./errors.ts";
import { type Inventory, readPoolRecords, toInventory } from "./inventory.ts";
import { filteredClasses, PoolObjects } from "./poolObjects.ts";
import type { XapiClient } from "./xapiClient.ts";

/** How the pool was read. */
export interface ReadingFacts {
  /** Why everything was read; null where only changes were. */
  readonly wholeBecause: string | null;
  /** Whether that is as it should be: the first reading, one whose time has come, a pool without events. */
  readonly expected: boolean;
  /** How many limits of callers the pool has; null where it does not say. */
  readonly rateLimits: number | null;
  /** The longest wait for an answer to event.from, which waits for nothing by itself. */
  readonly waitedMs: number;
}

export interface FollowedInventory extends ReadingFacts {
  readonly inventory: Inventory;
}

/** What is known of the pool, and from which token on it has to be asked for changes. */
interface Followed {
  readonly objects: PoolObjects;
  /** The session in which the token was drawn: another one is at another master, or at one that has restarted. */
  readonly logins: number;
  readonly wholeAtMs: number;
  token: string;
  rateLimits: number | null;
  waitedMs: number;
}

/** Batches to ask for in a row while there is something new; then the pool never rests, and that is as new as it gets. */
const mostBatches = 4;

export class InventoryFollower {
  #followed: Followed | null = null;
  #startedWhole = false;

  /**
   * The pool's objects as they are now. `nowMs` is of a clock that never jumps; all is read again `wholeEveryMs` after
   * it was last. Rejects as readInventory does; then the next reading is a whole one.
   */
  async read(client: XapiClient, nowMs: number, wholeEveryMs: number): Promise<FollowedInventory> {
    const followed = this.#followed;
    // Whatever fails below, what was known is not to be trusted.
    this.#followed = null;
    const because = this.#due(followed, nowMs, wholeEveryMs) ?? (await catchUp(client, followed as Followed));
    if (because === null) {
      const { objects, rateLimits, waitedMs } = followed as Followed;
      const inventory = toInventory(objects.records(), client);
      this.#followed = followed;
      return { inventory, wholeBecause: null, expected: true, rateLimits, waitedMs };
    }
    return this.#readWhole(client, nowMs, because);
  }

  #due(followed: Followed | null, nowMs: number, wholeEveryMs: number): string | null {
    if (followed === null) return this.#startedWhole ? "the last reading could not be followed" : "first";
    return nowMs - followed.wholeAtMs >= wholeEveryMs ? "its time has come" : null;
  }

  async #readWhole(client: XapiClient, nowMs: number, because: string): Promise<FollowedInventory> {
    const expected = because === "first" || because === "its time has come";
    this.#startedWhole = true;
    const { logins } = client;
    const token = await tokenOf(client);
    const records = await readPoolRecords(client);
    if (token === null) {
      const inventory = toInventory(records, client);
      const wholeBecause = "the pool tells no events";
      return { inventory, wholeBecause, expected: true, rateLimits: null, waitedMs: 0 };
    }
    const refs = await Promise.all(
      filteredClasses.map(async (name) => [name, await client.refs(name)] as const),
    );
    const followed = {
      objects: new PoolObjects(records, new Map(refs)),
      logins,
      wholeAtMs: nowMs,
      token,
      rateLimits: null,
      waitedMs: 0,
    };
    // What has changed while it was read: without this it would be of as many moments as there were calls.
    const lost = await catchUp(client, followed);
    const inventory = toInventory(followed.objects.records(), client);
    if (lost === null) this.#followed = followed;
    const { rateLimits, waitedMs } = followed;
    const wholeBecause = lost ?? because;
    return { inventory, wholeBecause, expected: expected && lost === null, rateLimits, waitedMs };
  }
}

/** A token of now; null where the pool tells no events, or not to us. */
async function tokenOf(client: XapiClient): Promise<string | null> {
  try {
    return await client.eventToken();
  } catch (error) {
    if (error instanceof XapiError) return null;
    throw error;
  }
}

/** Applies what has changed since the token. Returns why that is not everything, so that all must be read; else null. */
async function catchUp(client: XapiClient, followed: Followed): Promise<string | null> {
  const { objects } = followed;
  followed.waitedMs = 0;
  for (let left = mostBatches; ; left--) {
    const startedMs = performance.now();
    const batch = await batchSince(client, followed);
    followed.waitedMs = Math.max(followed.waitedMs, performance.now() - startedMs);
    if (typeof batch === "string") return batch;
    const failed = objects.apply(batch.events);
    if (failed !== null) return failed;
    if (batch.token < followed.token) return "the pool's events go back in time";
    Object.assign(followed, { token: batch.token, rateLimits: batch.rateLimits });
    // In a batch with events the counts may be older than the records: of what went meanwhile there is no record.
    if (batch.events.length === 0 || left === 1) return objects.disagreement(batch);
  }
}

async function batchSince(client: XapiClient, { objects, logins, token }: Followed) {
  const lost = "the session was lost, or the pool has another master";
  if (client.logins !== logins) return lost;
  try {
    const batch = await client.changes(objects.classes, token);
    // The answer of a new session to the token of an old one means nothing.
    return client.logins === logins ? batch : lost;
  } catch (error) {
    if (error instanceof XapiError) return `event.from is refused: ${error.message}`;
    const unusable = error instanceof XapiUnreachable && ["garbled", "too-large"].includes(error.reason);
    if (!unusable) throw error;
    return error.message;
  }
}
