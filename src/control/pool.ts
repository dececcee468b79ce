/** A run's connection to the pool, and how long it watches what it has asked for. */

import { AppError } from "../domain/errors.ts";
import type { Migration } from "../domain/migration.ts";
import { type CostBook, limitSeconds } from "../domain/migrationCost.ts";
import type { Uuid } from "../domain/pool.ts";
import type { ControlSettings } from "../settings/types.ts";
import { megabytes } from "../text/format.ts";
import { connectXapi } from "../xapi/client.ts";
import { XapiError } from "../xapi/errors.ts";
import { xapiOptions } from "../xapi/options.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { CallLimit } from "./calls.ts";
import { StopOrder } from "./stopOrder.ts";
import type { LeasedRun } from "./strategy.ts";
import type { Watched } from "./transfers.ts";
import type { WatchOptions } from "./watch.ts";

/** Runs `work` with a connection to the pool. */
export async function withPool<T>(
  poolUuid: string | null,
  { db, heldLease, options }: LeasedRun,
  work: (client: XapiClient, calls: CallLimit, order: StopOrder) => Promise<T>,
): Promise<T> {
  const calls = new CallLimit(options.signal, heldLease.lost, options.graceMs);
  const order = new StopOrder(db, options.control.pollMs);
  try {
    const xen = { ...options.xen, poolUuid };
    const client = await connectXapi(xapiOptions(xen, "xcp-control", calls.signal, options.known));
    try {
      return await work(client, calls, order);
    } catch (error) {
      // A pool that refuses to show something is the operator's business, no broken invariant of ours.
      if (!(error instanceof XapiError)) throw error;
      throw new AppError("pool", `${client.url} refuses: ${error.message}`, { cause: error });
    } finally {
      await client.close();
    }
  } finally {
    calls.close();
  }
}

/** How every migration of a run is watched. */
export function watchOptions(
  { heldLease, options: { control, signal, graceMs, sleep, monotonicMs } }: LeasedRun,
  order: StopOrder,
): Omit<WatchOptions, "timeoutMs" | "timeoutReason" | "onProgress"> {
  const ends = { stop: signal, ordered: order.given, lost: heldLease.lost };
  return { ...ends, pollMs: control.pollMs, graceMs, sleep, monotonicMs };
}

/** A transfer from one host to another, by what it copies. */
interface Copy {
  readonly source: Uuid;
  readonly destination: Uuid;
  /** Null where nothing is known. */
  readonly bytes: number | null;
}

export function expected(
  { source, destination, bytes }: Copy,
  costs: CostBook,
): Pick<Watched, "bytes" | "expectedSeconds"> {
  return { bytes, expectedSeconds: costs.seconds(source, destination, bytes) };
}

type Limit = Pick<WatchOptions, "timeoutMs" | "timeoutReason">;

/** From the memory and what the pool's migrations have shown; the settings' limit where that is less. */
export function timeLimit(
  { source, destination, bytes }: Copy,
  costs: CostBook,
  { migrationTimeoutMs }: ControlSettings,
): Limit {
  const seconds = limitSeconds(costs.seconds(source, destination, bytes), migrationTimeoutMs / 1000);
  if (seconds * 1000 >= migrationTimeoutMs) {
    return { timeoutMs: migrationTimeoutMs, timeoutReason: "ControlMigrationMinutes" };
  }
  const rate = megabytes(costs.of(source, destination).bytesPerSecond);
  const memory = megabytes(bytes ?? 0);
  return {
    timeoutMs: seconds * 1000,
    timeoutReason: `three times what ${memory} MB take at ${rate} MB/s, 4 min at least`,
  };
}

/** What is left of the limit of a migration that an earlier run began. */
export function leftOfLimit(migration: Migration, costs: CostBook, control: ControlSettings): Limit {
  const limit = timeLimit({ ...migration, bytes: migration.memoryBytes }, costs, control);
  return { ...limit, timeoutMs: Math.max(0, limit.timeoutMs - migration.plannedSecondsAgo * 1000) };
}
