/** The thesis' table of VMs and their measures. */
import type { Vm, VmCpuDemand, VmEth0, VmFacts, VmHome } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import { double, flag, int, shortText, text, uuid } from "../columnTypes.ts";

/** What of a VM stands there; the rest is in VmDetail, VmMeasure and VmDemand. */
export type VmRow = Omit<Vm, keyof VmFacts | keyof VmEth0 | keyof VmHome | keyof VmCpuDemand | "cpuWait">;

export const vmTable: Table<VmRow> = table("Vm", ["uuid"], {
  uuid: named("UUID", uuid),
  memoryMb: int,
  memoryInternalFreeMb: int,
  vif0TxKb: int,
  vif0RxKb: int,
  vcpuAverage: double,
  vcpuNum: int,
  powerState: shortText,
  isControlDomain: flag,
  name: text,
});
