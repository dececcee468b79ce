/** The thesis' table of where VMs run. */
import type { Placement } from "../../domain/pool.ts";
import { type Table, table } from "../columns.ts";
import { uuid } from "../columnTypes.ts";

export const mapTable: Table<Placement> = table("Map", ["hostUuid", "vmUuid"], {
  hostUuid: uuid,
  vmUuid: uuid,
});
