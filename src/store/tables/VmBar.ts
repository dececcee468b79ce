/** Hosts that cannot take a VM; no row where nothing is known against it. */
import type { InfeasiblePair } from "../../domain/pool.ts";
import { type Table, table } from "../columns.ts";
import { text, uuid } from "../columnTypes.ts";

export const vmBarTable: Table<InfeasiblePair> = table("VmBar", ["vmUuid", "hostUuid"], {
  vmUuid: uuid,
  hostUuid: uuid,
  reason: text,
});
