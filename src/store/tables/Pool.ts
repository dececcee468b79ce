/** The pool that the tables show: one row. */
import type { PoolFacts } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import { constant, flag, ifPresent, int, optionalShortText, text, uuid } from "../columnTypes.ts";

export interface PoolRow extends PoolFacts {
  readonly id: 1;
}

export const poolTable: Table<PoolRow> = table("Pool", ["id"], {
  id: constant(1),
  uuid: named("PoolUuid", uuid),
  name: text,
  haEnabled: flag,
  wlbEnabled: flag,
  wlbUrl: ifPresent(optionalShortText),
  rollingUpgrade: flag,
  haTolerance: int,
  haPlannedFor: int,
});
