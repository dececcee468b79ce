/** Data sources of hosts that enabled rules name, by XAPI's names and in XAPI's units. */
import type { Host, Uuid } from "../../domain/pool.ts";
import { type Table, table } from "../columns.ts";
import { double, text, uuid } from "../columnTypes.ts";

export interface HostMeasureRow {
  readonly hostUuid: Uuid;
  readonly name: string;
  readonly value: number | null;
}

export const hostMeasureTable: Table<HostMeasureRow> = table("HostMeasure", ["hostUuid", "name"], {
  hostUuid: uuid,
  name: text,
  value: double,
});

export function measuresOfHost({ uuid, sources = {} }: Host): HostMeasureRow[] {
  return Object.entries(sources).map(([name, value]) => ({ hostUuid: uuid, name, value }));
}
