/** What VMs were measured by beside the columns of Vm: CpuWait, in percent. */
import type { Uuid, Vm } from "../../domain/pool.ts";
import { type Table, table } from "../columns.ts";
import { double, text, uuid } from "../columnTypes.ts";

export interface VmMeasureRow {
  readonly vmUuid: Uuid;
  readonly name: string;
  readonly value: number | null;
}

export const vmMeasureTable: Table<VmMeasureRow> = table("VmMeasure", ["vmUuid", "name"], {
  vmUuid: uuid,
  name: text,
  value: double,
});

export function measuresOfVm({ uuid, cpuWait }: Vm): VmMeasureRow[] {
  return cpuWait === undefined || cpuWait === null ? [] : [{ vmUuid: uuid, name: "CpuWait", value: cpuWait }];
}
