/** VMs that came to their host a moment ago: their first measures there were left out. */
import type { SettlingVm } from "../../decide/settling.ts";
import { type Table, table } from "../columns.ts";
import { bigInt, uuid } from "../columnTypes.ts";

export const vmArrivalTable: Table<Omit<SettlingVm, "isNew">> = table("VmArrival", ["vmUuid"], {
  vmUuid: uuid,
  hostUuid: uuid,
  seenAtSeconds: bigInt,
});
