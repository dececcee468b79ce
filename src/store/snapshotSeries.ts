/**
 * Snapshots that follow each other, faster than one by one: from one to the next nearly all measures change
 * and nearly nothing else does, so that what stays is taken from the snapshot that they differ from. Pure.
 */
import { asUuid, type Host, type Placement, type Snapshot, type Vm } from "../domain/pool.ts";
import type { Row } from "./session.ts";
import {
  applyChange,
  contentRows,
  readChanges,
  type SnapshotContent,
  type TableChange,
  type TableContent,
} from "./snapshotContent.ts";
import { snapshotFrom, vmAdditions } from "./snapshotRows.ts";
import { hostTable } from "./tables/Host.ts";
import { hostDetailTable } from "./tables/HostDetail.ts";
import { mapTable } from "./tables/Map.ts";
import { vmTable } from "./tables/Vm.ts";
import { type VmDemandRow, vmDemandTable } from "./tables/VmDemand.ts";
import { vmDetailTable } from "./tables/VmDetail.ts";
import { type VmMeasureRow, vmMeasureTable } from "./tables/VmMeasure.ts";

/** The content that others differ from, with its snapshot. */
export class SnapshotSeries {
  readonly #base: SnapshotContent;
  readonly #snapshot: Snapshot;
  /** Whether rows and objects stand in the same order, table by table. */
  readonly #aligned: boolean;
  #last: { readonly change: string; readonly placements: readonly Placement[] } | null = null;

  constructor(base: SnapshotContent) {
    this.#base = base;
    this.#snapshot = snapshotFrom(contentRows(base));
    const { hosts, vms } = this.#snapshot;
    this.#aligned =
      isAligned(this.#table(hostTable.name), hosts) &&
      isAligned(this.#table(hostDetailTable.name), hosts) &&
      isAligned(this.#table(vmTable.name), vms) &&
      isAligned(this.#table(vmDetailTable.name), vms);
  }

  /** The snapshot of what `bytes` make of the base; null where that takes more than measures and places. */
  snapshotOf(bytes: Uint8Array): Snapshot | null {
    if (!this.#aligned) return null;
    const fresh: { hosts: Host[]; vms: Vm[] } = {
      hosts: this.#snapshot.hosts.map((host) => ({ ...host })),
      vms: this.#snapshot.vms.map((vm) => ({ ...vm })),
    };
    let { placements } = this.#snapshot;
    const measures: VmMeasureRow[] = [];
    const demands: VmDemandRow[] = [];
    let hasOthers = false;
    for (const [index, change] of readChanges(bytes).entries()) {
      const table = this.#base[index];
      if (table === undefined) return null;
      if (table.name === mapTable.name) placements = this.#placements(table, change);
      else if (table.name === vmMeasureTable.name || table.name === vmDemandTable.name) {
        hasOthers ||= !isEmpty(change);
        const rows = rowsAfter(table, change);
        if (table.name === vmMeasureTable.name) measures.push(...rows.map(vmMeasureTable.read));
        else demands.push(...rows.map(vmDemandTable.read));
      } else if (!apply(table, change, fresh)) return null;
    }
    const vms = hasOthers ? fresh.vms.map(vmAdditions(measures, demands)) : fresh.vms;
    return { ...this.#snapshot, ...fresh, vms, placements };
  }

  #table(name: string): TableContent | undefined {
    return this.#base.find((table) => table.name === name);
  }

  /** The same array as before where the places are the same. */
  #placements(table: TableContent, change: TableChange): readonly Placement[] {
    if (change.gone.length === 0 && change.fresh.length === 0) return this.#snapshot.placements;
    const text = JSON.stringify(change);
    if (this.#last?.change === text) return this.#last.placements;
    const gone = new Set(change.gone.map((row) => table.rows[row]?.join(">")));
    const came = change.fresh.map((row) =>
      mapTable.read(Object.fromEntries(table.columns.map((column, at) => [column, row[at] ?? null]))),
    );
    const placements = [
      ...this.#snapshot.placements.filter((each) => !gone.has(`${each.hostUuid}>${each.vmUuid}`)),
      ...came,
    ].sort((a, b) => order(a.hostUuid, b.hostUuid) || order(a.vmUuid, b.vmUuid));
    this.#last = { change: text, placements };
    return placements;
  }
}

function isEmpty({ gone, fresh, changed }: TableChange): boolean {
  return gone.length === 0 && fresh.length === 0 && changed.length === 0;
}

/** By column name. */
function rowsAfter(table: TableContent, change: TableChange): Row[] {
  return applyChange(table, change).map((row) =>
    Object.fromEntries(table.columns.map((column, at) => [column, row[at] ?? null])),
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isAligned(table: TableContent | undefined, objects: readonly { readonly uuid: string }[]): boolean {
  return (
    table !== undefined &&
    table.rows.length === objects.length &&
    objects.every(({ uuid }, index) => asUuid(String(table.rows[index]?.[0])) === uuid)
  );
}

/** Whether the change could be made. */
function apply(
  table: TableContent,
  { gone, fresh, changed }: TableChange,
  into: { readonly hosts: Host[]; readonly vms: Vm[] },
): boolean {
  if (isEmpty({ gone, fresh, changed })) return true;
  if (gone.length > 0 || fresh.length > 0) return false;
  switch (table.name) {
    case hostTable.name:
      return assign(table, changed, into.hosts, hostTable.numbers);
    case hostDetailTable.name:
      return assign(table, changed, into.hosts, hostDetailTable.numbers);
    case vmTable.name:
      return assign(table, changed, into.vms, vmTable.numbers);
    case vmDetailTable.name:
      return assign(table, changed, into.vms, vmDetailTable.numbers);
    default:
      return false;
  }
}

function assign<T extends object>(
  { columns }: TableContent,
  changed: TableChange["changed"],
  objects: readonly T[],
  fields: ReadonlyMap<string, keyof T>,
): boolean {
  for (const [column, at, values] of changed) {
    const field = fields.get(columns[column] ?? "");
    if (field === undefined) return false;
    for (const [index, value] of values.entries()) {
      const object = objects[at === null ? index : (at[index] ?? -1)];
      if (object === undefined || (value !== null && typeof value !== "number")) return false;
      (object as Record<keyof T, unknown>)[field] = value;
    }
  }
  return true;
}
