/** The thesis' table of hosts and their measures. */
import type { Host, HostAdditions, HostDoubt, HostFacts, HostInterfaces } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import { double, int, optionalShortText, text, uuid } from "../columnTypes.ts";

/** What of a host stands there; the rest is in HostDetail and HostMeasure. */
export type HostRow = Omit<
  Host,
  keyof HostFacts | keyof HostAdditions | keyof HostInterfaces | keyof HostDoubt
>;

export const hostTable: Table<HostRow> = table("Host", ["uuid"], {
  uuid: named("UUID", uuid),
  memoryTotalMb: int,
  memoryFreeMb: int,
  xapiMemoryUsageMb: int,
  xapiFreeMemoryMb: int,
  pifLoRxKb: int,
  pifLoTxKb: int,
  pifEth0RxKb: int,
  pifEth0TxKb: int,
  dom0LoadAvg: double,
  cpuAverage: double,
  ip: optionalShortText,
  cpuNum: int,
  name: text,
});
