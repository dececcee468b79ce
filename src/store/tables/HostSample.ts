/** The host measures of every collection that rules and reports use, for some months. */
import type { HostMeasures, Uuid } from "../../domain/pool.ts";
import { type Table, table } from "../columns.ts";
import { count, double, int, text, uuid } from "../columnTypes.ts";

export interface HostSample
  extends Pick<
    HostMeasures,
    "cpuAverage" | "memoryTotalMb" | "memoryFreeMb" | "pifEth0RxKb" | "pifEth0TxKb" | "dom0LoadAvg"
  > {
  readonly collectionId: number;
  readonly hostUuid: Uuid;
  /** When the collection began, as the database wrote it. */
  readonly collectedAt: string;
}

export const hostSampleTable: Table<HostSample> = table("HostSample", ["collectionId", "hostUuid"], {
  collectionId: count,
  hostUuid: uuid,
  collectedAt: text,
  cpuAverage: double,
  memoryTotalMb: int,
  memoryFreeMb: int,
  pifEth0RxKb: int,
  pifEth0TxKb: int,
  dom0LoadAvg: double,
});
