/** A whole snapshot as the rows of its tables, and back. Pure. */
import { asUuid, type Host, type PoolFacts, type Snapshot, type Vm } from "../domain/pool.ts";
import {
  hostDetailRow,
  hostDetailTable,
  hostFrom,
  hostMeasureRows,
  hostMeasureTable,
  hostRow,
  hostTable,
  infeasiblePairFrom,
  infeasiblePairRow,
  infeasiblePairTable,
  mapTable,
  measuresFrom,
  placementFrom,
  placementRow,
  poolFrom,
  poolRow,
  poolTable,
  type SnapshotTable,
  vmDetailRow,
  vmDetailTable,
  vmFrom,
  vmMeasureRows,
  vmMeasureTable,
  vmRow,
  vmTable,
} from "./rows.ts";
import type { Row, SqlValue } from "./session.ts";

/** A table with all rows that it shall hold, values in the order of its columns. */
export interface TableRows {
  readonly table: SnapshotTable;
  readonly rows: readonly (readonly SqlValue[])[];
}

/** The tables that hold a snapshot, parents before children. */
export const snapshotTables: readonly SnapshotTable[] = [
  poolTable,
  hostTable,
  vmTable,
  hostDetailTable,
  vmDetailTable,
  mapTable,
  infeasiblePairTable,
  hostMeasureTable,
  vmMeasureTable,
];

/** The rows of every table, in the order of `snapshotTables`. */
export function snapshotRows({ pool, hosts, vms, placements, infeasiblePairs }: Snapshot): TableRows[] {
  return [
    { table: poolTable, rows: [poolRow(pool)] },
    { table: hostTable, rows: hosts.map(hostRow) },
    { table: vmTable, rows: vms.map(vmRow) },
    { table: hostDetailTable, rows: hosts.map(hostDetailRow) },
    { table: vmDetailTable, rows: vms.map(vmDetailRow) },
    { table: mapTable, rows: placements.map(placementRow) },
    { table: infeasiblePairTable, rows: infeasiblePairs.map(infeasiblePairRow) },
    { table: hostMeasureTable, rows: hosts.flatMap(hostMeasureRows) },
    { table: vmMeasureTable, rows: vms.flatMap(vmMeasureRows) },
  ];
}

/** The snapshot that the tables hold, by the tables' names; its lists sorted. */
export function snapshotFrom(tables: ReadonlyMap<string, readonly Row[]>): Snapshot {
  const rowsOf = (table: SnapshotTable): readonly Row[] => tables.get(table.name) ?? [];
  const [pool] = rowsOf(poolTable);
  const hostDetails = byColumn(rowsOf(hostDetailTable), "HostUuid");
  const vmDetails = byColumn(rowsOf(vmDetailTable), "VmUuid");
  const sources = measuresFrom(rowsOf(hostMeasureTable), "HostUuid");
  const waits = measuresFrom(rowsOf(vmMeasureTable), "VmUuid");
  return {
    pool: pool === undefined ? unknownPool : poolFrom(pool),
    hosts: rowsOf(hostTable)
      .map((row) => withSources(hostFrom(row, hostDetails.get(row["UUID"])), sources))
      .sort(by((host) => host.uuid)),
    vms: rowsOf(vmTable)
      .map((row) => withWait(vmFrom(row, vmDetails.get(row["UUID"])), waits))
      .sort(by((vm) => vm.uuid)),
    placements: rowsOf(mapTable)
      .map(placementFrom)
      .sort(by((placement) => placement.hostUuid + placement.vmUuid)),
    infeasiblePairs: rowsOf(infeasiblePairTable)
      .map(infeasiblePairFrom)
      .sort(by((infeasiblePair) => infeasiblePair.vmUuid + infeasiblePair.hostUuid)),
  };
}

type Values = ReadonlyMap<string, Readonly<Record<string, number>>>;

function withSources(host: Host, values: Values): Host {
  const sources = values.get(host.uuid);
  return sources === undefined ? host : { ...host, sources };
}

function withWait(vm: Vm, values: Values): Vm {
  const cpuWait = values.get(vm.uuid)?.["CpuWait"];
  return cpuWait === undefined ? vm : { ...vm, cpuWait };
}

/** The pool of tables that no collection was stored in. */
export const unknownPool: PoolFacts = {
  uuid: asUuid(""),
  name: "",
  haEnabled: false,
  haTolerance: null,
  haPlannedFor: null,
  wlbEnabled: false,
  rollingUpgrade: false,
};

function byColumn(rows: readonly Row[], column: string): ReadonlyMap<unknown, Row> {
  return new Map(rows.map((row) => [row[column], row]));
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}
