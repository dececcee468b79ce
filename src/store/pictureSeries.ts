/**
 * Snapshots of pictures that follow each other, faster than one by one: from one to the next nearly all measures change
 * and nearly nothing else does, so that what stays is taken from the picture that they differ from. Pure.
 */
import { asUuid, type Host, type Placement, type Snapshot, type Vm } from "../domain/pool.ts";
import { type Picture, type PictureTable, pictureRows, readChanges, type TableChange } from "./picture.ts";
import { placementFrom } from "./rows.ts";
import { snapshotFrom } from "./snapshotRows.ts";

/** Columns that hold a number which stands in the snapshot as it is. */
const vmColumns: Readonly<Record<string, keyof Vm>> = {
  MemoryMb: "memoryMb",
  MemoryInternalFreeMb: "memoryInternalFreeMb",
  Vif0TxKb: "vif0TxKb",
  Vif0RxKb: "vif0RxKb",
  VcpuAverage: "vcpuAverage",
};
const vmDetailColumns: Readonly<Record<string, keyof Vm>> = {
  PlacementBytes: "placementBytes",
  CopyBytes: "copyBytes",
};
const hostColumns: Readonly<Record<string, keyof Host>> = {
  MemoryTotalMb: "memoryTotalMb",
  MemoryFreeMb: "memoryFreeMb",
  XapiMemoryUsageMb: "xapiMemoryUsageMb",
  XapiFreeMemoryMb: "xapiFreeMemoryMb",
  PifLoRxKb: "pifLoRxKb",
  PifLoTxKb: "pifLoTxKb",
  PifEth0RxKb: "pifEth0RxKb",
  PifEth0TxKb: "pifEth0TxKb",
  Dom0LoadAvg: "dom0LoadAvg",
  CpuAverage: "cpuAverage",
};
const hostDetailColumns: Readonly<Record<string, keyof Host>> = { PlacementFreeBytes: "placementFreeBytes" };

/** The picture that others differ from, with its snapshot. */
export class PictureSeries {
  readonly #base: Picture;
  readonly #snapshot: Snapshot;
  /** Whether rows and objects stand in the same order, table by table. */
  readonly #aligned: boolean;
  #last: { readonly change: string; readonly placements: readonly Placement[] } | null = null;

  constructor(base: Picture) {
    this.#base = base;
    this.#snapshot = snapshotFrom(pictureRows(base));
    const { hosts, vms } = this.#snapshot;
    this.#aligned =
      isAligned(this.#table("Host"), hosts) &&
      isAligned(this.#table("HostDetail"), hosts) &&
      isAligned(this.#table("Vm"), vms) &&
      isAligned(this.#table("VmDetail"), vms);
  }

  /** The snapshot of what `bytes` make of the base; null where that takes more than measures and places. */
  snapshotOf(bytes: Uint8Array): Snapshot | null {
    if (!this.#aligned) return null;
    const fresh: { hosts: Host[]; vms: Vm[] } = {
      hosts: this.#snapshot.hosts.map((host) => ({ ...host })),
      vms: this.#snapshot.vms.map((vm) => ({ ...vm })),
    };
    let { placements } = this.#snapshot;
    for (const [index, change] of readChanges(bytes).entries()) {
      const table = this.#base[index];
      if (table === undefined) return null;
      if (table.name === "Map") placements = this.#placements(table, change);
      else if (!apply(table, change, fresh)) return null;
    }
    return { ...this.#snapshot, ...fresh, placements };
  }

  #table(name: string): PictureTable | undefined {
    return this.#base.find((table) => table.name === name);
  }

  /** The same array as before where the places are the same. */
  #placements(table: PictureTable, change: TableChange): readonly Placement[] {
    if (change.gone.length === 0 && change.fresh.length === 0) return this.#snapshot.placements;
    const text = JSON.stringify(change);
    if (this.#last?.change === text) return this.#last.placements;
    const gone = new Set(change.gone.map((row) => table.rows[row]?.join(">")));
    const came = change.fresh.map((row) =>
      placementFrom(Object.fromEntries(table.columns.map((column, at) => [column, row[at] ?? null]))),
    );
    const placements = [
      ...this.#snapshot.placements.filter((each) => !gone.has(`${each.hostUuid}>${each.vmUuid}`)),
      ...came,
    ].sort((a, b) => order(a.hostUuid, b.hostUuid) || order(a.vmUuid, b.vmUuid));
    this.#last = { change: text, placements };
    return placements;
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isAligned(table: PictureTable | undefined, objects: readonly { readonly uuid: string }[]): boolean {
  return (
    table !== undefined &&
    table.rows.length === objects.length &&
    objects.every(({ uuid }, index) => asUuid(String(table.rows[index]?.[0])) === uuid)
  );
}

/** Whether the change could be made. */
function apply(
  table: PictureTable,
  { gone, fresh, changed }: TableChange,
  into: { readonly hosts: Host[]; readonly vms: Vm[] },
): boolean {
  if (gone.length === 0 && fresh.length === 0 && changed.length === 0) return true;
  if (gone.length > 0 || fresh.length > 0) return false;
  switch (table.name) {
    case "Host":
      return assign(table, changed, into.hosts, hostColumns);
    case "HostDetail":
      return assign(table, changed, into.hosts, hostDetailColumns);
    case "Vm":
      return assign(table, changed, into.vms, vmColumns);
    case "VmDetail":
      return assign(table, changed, into.vms, vmDetailColumns);
    default:
      return false;
  }
}

function assign<T extends object>(
  { columns }: PictureTable,
  changed: TableChange["changed"],
  objects: readonly T[],
  fields: Readonly<Record<string, keyof T>>,
): boolean {
  for (const [column, at, values] of changed) {
    const field = fields[columns[column] ?? ""];
    if (field === undefined) return false;
    for (const [index, value] of values.entries()) {
      const object = objects[at === null ? index : (at[index] ?? -1)];
      if (object === undefined || (value !== null && typeof value !== "number")) return false;
      (object as Record<keyof T, unknown>)[field] = value;
    }
  }
  return true;
}
