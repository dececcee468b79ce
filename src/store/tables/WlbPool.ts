/** A pool that has xcp-wlb as its Workload Balancing server. */
import type { Uuid } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import { bytes, count, date, optionalText, shortText, uuid } from "../columnTypes.ts";

export interface WlbPool {
  readonly pool: Uuid;
  /** The address that added it first. */
  readonly boundTo: string;
  readonly endpoint: string | null;
  /** The account that the pool handed over, its password encrypted. */
  readonly address: string;
  readonly userName: string;
  readonly password: Uint8Array;
  readonly addedAt: Date;
  /** The highest number that was given to a piece of advice. */
  readonly lastId: number;
}

export const wlbPoolTable: Table<WlbPool> = table("WlbPool", ["pool"], {
  pool: named("PoolUuid", uuid),
  boundTo: shortText,
  endpoint: optionalText,
  address: shortText,
  userName: shortText,
  password: bytes,
  addedAt: date,
  lastId: count,
});
