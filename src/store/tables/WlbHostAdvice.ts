/** A host that the Workload Balancing server has recommended to switch off or on. */
import type { Host, Uuid } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import { count, date, json, optionalDate, text, uuid, word } from "../columnTypes.ts";

export interface WlbHostAdvice {
  readonly pool: Uuid;
  readonly id: number;
  readonly planId: number;
  readonly host: Uuid;
  readonly switch: "off" | "on";
  readonly emptyHost: Host | null;
  readonly reason: string;
  readonly collectionId: number;
  readonly issuedAt: Date;
  readonly lastAt: Date;
  readonly appliedAt: Date | null;
}

export const wlbHostAdviceTable: Table<WlbHostAdvice> = table("WlbHostAdvice", ["pool", "id"], {
  pool: named("PoolUuid", uuid),
  id: count,
  planId: count,
  host: named("HostUuid", uuid),
  switch: word(["off", "on"], "on"),
  emptyHost: json<Host>(),
  reason: text,
  collectionId: count,
  issuedAt: date,
  lastAt: date,
  appliedAt: optionalDate,
});
