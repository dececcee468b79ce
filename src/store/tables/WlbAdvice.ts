/** A move that the Workload Balancing server has recommended. */
import type { Uuid } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import { count, date, optionalDate, text, uuid } from "../columnTypes.ts";

export interface WlbAdvice {
  readonly pool: Uuid;
  readonly id: number;
  readonly planId: number;
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  readonly reason: string;
  readonly collectionId: number;
  readonly issuedAt: Date;
  readonly lastAt: Date;
  readonly appliedAt: Date | null;
}

export const wlbAdviceTable: Table<WlbAdvice> = table("WlbAdvice", ["pool", "id"], {
  pool: named("PoolUuid", uuid),
  id: count,
  planId: count,
  vm: named("VmUuid", uuid),
  source: named("SourceUuid", uuid),
  destination: named("DestinationUuid", uuid),
  reason: text,
  collectionId: count,
  issuedAt: date,
  lastAt: date,
  appliedAt: optionalDate,
});
