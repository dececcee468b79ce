/** A whole snapshot as the rows of its tables, and back. Pure. */
import { type Host, type PoolFacts, type Snapshot, unknownPool, type Vm } from "../domain/pool.ts";
import { sharedLayout } from "../domain/sharedLayout.ts";
import { joined, type Table, type TableShape } from "./columns.ts";
import type { Row, SqlValue } from "./session.ts";
import { hostTable } from "./tables/Host.ts";
import { hostDetailTable } from "./tables/HostDetail.ts";
import { hostMeasureTable, measuresOfHost } from "./tables/HostMeasure.ts";
import { mapTable } from "./tables/Map.ts";
import { type PoolRow, poolTable } from "./tables/Pool.ts";
import { vmTable } from "./tables/Vm.ts";
import { vmBarTable } from "./tables/VmBar.ts";
import { demandRowOf, type VmDemandRow, vmDemandTable } from "./tables/VmDemand.ts";
import { vmDetailTable, withoutDetails } from "./tables/VmDetail.ts";
import { measuresOfVm, type VmMeasureRow, vmMeasureTable } from "./tables/VmMeasure.ts";

/** A table with all rows that it shall hold, values in the order of its columns. */
export interface TableRows {
  readonly table: TableShape;
  readonly rows: readonly (readonly SqlValue[])[];
}

/** The tables that hold a snapshot, parents before children. */
export const snapshotTables: readonly TableShape[] = [
  poolTable,
  hostTable,
  vmTable,
  hostDetailTable,
  vmDetailTable,
  mapTable,
  vmBarTable,
  hostMeasureTable,
  vmMeasureTable,
  vmDemandTable,
];

/** The rows of every table, in the order of `snapshotTables`. */
export function snapshotRows({ pool, hosts, vms, placements, infeasiblePairs }: Snapshot): TableRows[] {
  return [
    tableRows(poolTable, [{ ...pool, id: 1 }]),
    tableRows(hostTable, hosts),
    tableRows(vmTable, vms),
    tableRows(hostDetailTable, hosts),
    tableRows(vmDetailTable, vms),
    tableRows(mapTable, placements),
    tableRows(vmBarTable, infeasiblePairs),
    tableRows(hostMeasureTable, hosts.flatMap(measuresOfHost)),
    tableRows(vmMeasureTable, vms.flatMap(measuresOfVm)),
    tableRows(vmDemandTable, vms.flatMap(demandRowOf)),
  ];
}

/** The rows of one table. */
export function tableRows<T>(table: Table<T>, objects: readonly NoInfer<T>[]): TableRows {
  return { table, rows: objects.map(table.row) };
}

/**
 * The snapshot that the tables hold, by the tables' names; its lists sorted.
 * @throws AppError "schema" that names the row and column where somebody wrote what makes no sense.
 */
export function snapshotFrom(tables: ReadonlyMap<string, readonly Row[]>): Snapshot {
  const stored = (table: TableShape): readonly Row[] => tables.get(table.name) ?? [];
  const rowsOf = <T>(table: Table<T>): T[] => stored(table).map(table.read);
  const [pool] = rowsOf(poolTable);
  const hostDetails = byKey(hostDetailTable, stored(hostDetailTable));
  const vmDetails = byKey(vmDetailTable, stored(vmDetailTable));
  const sources = valuesOf(rowsOf(hostMeasureTable), ({ hostUuid }) => hostUuid);
  const addTo = vmAdditions(rowsOf(vmMeasureTable), rowsOf(vmDemandTable));
  return {
    pool: pool === undefined ? unknownPool : poolFrom(pool),
    hosts: stored(hostTable)
      .map((row) => withSources(readHost(row, hostDetails.get(row["UUID"]) ?? {}), sources))
      .sort(by((host) => host.uuid)),
    vms: stored(vmTable)
      .map((row) => addTo(vmFrom(row, vmDetails.get(row["UUID"]))))
      .sort(by((vm) => vm.uuid)),
    placements: rowsOf(mapTable).sort(by((placement) => placement.hostUuid + placement.vmUuid)),
    infeasiblePairs: rowsOf(vmBarTable).sort(by(({ vmUuid, hostUuid }) => vmUuid + hostUuid)),
  };
}

const readHost: (row: Row, detail: Row) => Host = joined(hostTable, hostDetailTable);
const readVm: (row: Row, detail: Row) => Vm = joined(vmTable, vmDetailTable);

/** A VM without details is held for immovable, and says why. */
function vmFrom(row: Row, detail: Row | undefined): Vm {
  return detail === undefined ? { ...readVm(row, {}), immovable: withoutDetails } : readVm(row, detail);
}

function poolFrom({ id: _, ...pool }: PoolRow): PoolFacts {
  return pool;
}

/** Values by the object's uuid and then by name. */
function valuesOf<M extends { readonly name: string; readonly value: number | null }>(
  measures: readonly M[],
  uuidOf: (measure: M) => string,
): Values {
  const found = new Map<string, Record<string, number>>();
  for (const measure of measures) {
    if (measure.value === null) continue;
    const values = found.get(uuidOf(measure)) ?? {};
    values[measure.name] = measure.value;
    found.set(uuidOf(measure), values);
  }
  return found;
}

type Values = ReadonlyMap<string, Readonly<Record<string, number>>>;

function withSources(host: Host, values: Values): Host {
  const sources = values.get(host.uuid);
  return sources === undefined ? host : { ...host, sources };
}

/** What gives a VM what stands in tables that have rows of some VMs only; what it had of them it loses. */
export function vmAdditions(
  measures: readonly VmMeasureRow[],
  demands: readonly VmDemandRow[],
): (vm: Vm) => Vm {
  const waits = new Map(
    measures.flatMap(({ vmUuid, name, value }) => (name === "CpuWait" ? [[vmUuid, value]] : [])),
  );
  const wanted = new Map(demands.map((row) => [row.vmUuid, row]));
  return ({ cpuWait: _wait, cpuDemand: _demand, demandFrom: _source, ...vm }) => {
    const cpuWait = waits.get(vm.uuid) ?? null;
    const { cpuDemand = null, source = "measured" } = wanted.get(vm.uuid) ?? {};
    return {
      ...sharedLayout,
      ...vm,
      ...(cpuWait === null ? {} : { cpuWait }),
      ...(cpuDemand === null ? {} : { cpuDemand, demandFrom: source }),
    };
  };
}

function byKey({ columns: [key = ""] }: TableShape, rows: readonly Row[]): ReadonlyMap<unknown, Row> {
  return new Map(rows.map((row) => [row[key], row]));
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
}
