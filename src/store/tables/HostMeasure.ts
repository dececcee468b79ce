/** Data sources of hosts that enabled rules name, by XAPI's names and in XAPI's units. */
import type { Host, Uuid } from "../../domain/pool.ts";
import { type Table, table } from "../columns.ts";
import { double, text, uuid } from "../columnTypes.ts";

export interface HostMeasure {
  readonly hostUuid: Uuid;
  readonly name: string;
  readonly value: number | null;
}

export const hostMeasureTable: Table<HostMeasure> = table("HostMeasure", ["hostUuid", "name"], {
  hostUuid: uuid,
  name: text,
  value: double,
});

export function measuresOfHost({ uuid, sources = {} }: Host): HostMeasure[] {
  return Object.entries(sources).map(([name, value]) => ({ hostUuid: uuid, name, value }));
}
