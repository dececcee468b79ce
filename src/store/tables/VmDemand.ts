/** What VMs want of the CPUs beyond what columns of Vm say they used, and what tells of it. */
import { type DemandSource, demandSources, type Uuid, type Vm } from "../../domain/pool.ts";
import { type ColumnType, type Table, table } from "../columns.ts";
import { double, text, uuid } from "../columnTypes.ts";

export interface VmDemandRow {
  readonly vmUuid: Uuid;
  /** Percent, of which 100 is all of the VM's vCPUs. */
  readonly cpuDemand: number | null;
  readonly source: DemandSource;
}

const sourceText: ColumnType<DemandSource> = {
  write: (value) => value,
  // What a later version writes is as good as what it was measured by.
  read: (value) => demandSources.find((source) => source === text.read(value)) ?? "measured",
};

export const vmDemandTable: Table<VmDemandRow> = table("VmDemand", ["vmUuid"], {
  vmUuid: uuid,
  cpuDemand: double,
  source: sourceText,
});

/** The row of a VM; none where nothing tells of more than what it used. */
export function demandRowOf({ uuid: vmUuid, cpuDemand = null, demandFrom }: Vm): VmDemandRow[] {
  return cpuDemand === null || demandFrom === undefined ? [] : [{ vmUuid, cpuDemand, source: demandFrom }];
}
