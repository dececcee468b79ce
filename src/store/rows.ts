/** From domain objects to rows and back, one pair for each table that collect fills. Pure. */
import {
  asUuid,
  type Collection,
  type Host,
  type InfeasiblePair,
  type Placement,
  type PoolFacts,
  type Uuid,
  type Vm,
} from "../domain/pool.ts";
import type { Row, SqlValue } from "./session.ts";
import { jsonFrom } from "./values.ts";

/** A table that holds exactly one snapshot: its columns, the first `keys` of which are the primary key. */
export interface SnapshotTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly keys: number;
}

export const hostTable: SnapshotTable = {
  name: "Host",
  columns: [
    "UUID",
    "MemoryTotalMb",
    "MemoryFreeMb",
    "XapiMemoryUsageMb",
    "XapiFreeMemoryMb",
    "PifLoRxKb",
    "PifLoTxKb",
    "PifEth0RxKb",
    "PifEth0TxKb",
    "Dom0LoadAvg",
    "CpuAverage",
    "Ip",
    "CpuNum",
    "Name",
  ],
  keys: 1,
};

export function hostRow(host: Host): SqlValue[] {
  return [
    host.uuid,
    toInt(host.memoryTotalMb),
    toInt(host.memoryFreeMb),
    toInt(host.xapiMemoryUsageMb),
    toInt(host.xapiFreeMemoryMb),
    toInt(host.pifLoRxKb),
    toInt(host.pifLoTxKb),
    toInt(host.pifEth0RxKb),
    toInt(host.pifEth0TxKb),
    toDouble(host.dom0LoadAvg),
    toDouble(host.cpuAverage),
    host.ip === null ? null : toShortText(host.ip),
    toInt(host.cpuNum),
    host.name,
  ];
}

export const hostDetailTable: SnapshotTable = {
  name: "HostDetail",
  columns: [
    "HostUuid",
    "Enabled",
    "Live",
    "IsMaster",
    "Version",
    "PlacementFreeBytes",
    "PowerOnMode",
    "ReadOk",
    "Doubt",
  ],
  keys: 1,
};

export function hostDetailRow(host: Host): SqlValue[] {
  return [
    host.uuid,
    toFlag(host.enabled),
    toFlag(host.live),
    toFlag(host.isMaster),
    toShortText(host.version),
    toBigInt(host.placementFreeBytes),
    toShortText(host.powerOnMode),
    toFlag(host.read),
    host.doubt === undefined ? null : toShortText(host.doubt),
  ];
}

/**
 * The host of a row of Host and its row of HostDetail. A host without details was put there by somebody else than
 * xcp-collect; nothing is known of it, so it counts as not enabled, not live and not read.
 */
export function hostFrom(row: Row, detail: Row | undefined): Host {
  return {
    uuid: asUuid(text(row["UUID"])),
    name: text(row["Name"]),
    ip: row["Ip"] === null ? null : text(row["Ip"]),
    cpuNum: number(row["CpuNum"]),
    memoryTotalMb: number(row["MemoryTotalMb"]),
    memoryFreeMb: number(row["MemoryFreeMb"]),
    xapiMemoryUsageMb: number(row["XapiMemoryUsageMb"]),
    xapiFreeMemoryMb: number(row["XapiFreeMemoryMb"]),
    pifLoRxKb: number(row["PifLoRxKb"]),
    pifLoTxKb: number(row["PifLoTxKb"]),
    pifEth0RxKb: number(row["PifEth0RxKb"]),
    pifEth0TxKb: number(row["PifEth0TxKb"]),
    dom0LoadAvg: number(row["Dom0LoadAvg"]),
    cpuAverage: number(row["CpuAverage"]),
    enabled: flag(detail?.["Enabled"]),
    live: flag(detail?.["Live"]),
    isMaster: flag(detail?.["IsMaster"]),
    version: text(detail?.["Version"]),
    placementFreeBytes: number(detail?.["PlacementFreeBytes"]),
    powerOnMode: text(detail?.["PowerOnMode"]),
    read: flag(detail?.["ReadOk"]),
    ...(detail?.["Doubt"] == null ? {} : { doubt: text(detail["Doubt"]) }),
  };
}

export const vmTable: SnapshotTable = {
  name: "Vm",
  columns: [
    "UUID",
    "MemoryMb",
    "MemoryInternalFreeMb",
    "Vif0TxKb",
    "Vif0RxKb",
    "VcpuAverage",
    "VcpuNum",
    "PowerState",
    "IsControlDomain",
    "Name",
  ],
  keys: 1,
};

export function vmRow(vm: Vm): SqlValue[] {
  return [
    vm.uuid,
    toInt(vm.memoryMb),
    toInt(vm.memoryInternalFreeMb),
    toInt(vm.vif0TxKb),
    toInt(vm.vif0RxKb),
    toDouble(vm.vcpuAverage),
    toInt(vm.vcpuNum),
    toShortText(vm.powerState),
    toFlag(vm.isControlDomain),
    vm.name,
  ];
}

export const vmDetailTable: SnapshotTable = {
  name: "VmDetail",
  columns: [
    "VmUuid",
    "PlacementBytes",
    "CopyBytes",
    "Tags",
    "HasTools",
    "Immovable",
    "HaPriority",
    "AntiAffinityGroups",
    "MigratingTo",
  ],
  keys: 1,
};

export function vmDetailRow(vm: Vm): SqlValue[] {
  return [
    vm.uuid,
    toBigInt(vm.placementBytes),
    toBigInt(vm.copyBytes),
    JSON.stringify(vm.tags),
    toFlag(vm.hasTools),
    vm.immovable,
    toShortText(vm.haPriority),
    JSON.stringify(vm.antiAffinityGroups),
    vm.migratingTo,
  ];
}

/** The VM of a row of Vm and its row of VmDetail. A VM without details is held for immovable, and says why. */
export function vmFrom(row: Row, detail: Row | undefined): Vm {
  return {
    uuid: asUuid(text(row["UUID"])),
    name: text(row["Name"]),
    vcpuNum: number(row["VcpuNum"]),
    powerState: text(row["PowerState"]),
    isControlDomain: flag(row["IsControlDomain"]),
    memoryMb: number(row["MemoryMb"]),
    memoryInternalFreeMb: number(row["MemoryInternalFreeMb"]),
    vif0TxKb: number(row["Vif0TxKb"]),
    vif0RxKb: number(row["Vif0RxKb"]),
    vcpuAverage: number(row["VcpuAverage"]),
    placementBytes: number(detail?.["PlacementBytes"]),
    copyBytes: number(detail?.["CopyBytes"]),
    tags: textList(detail?.["Tags"]),
    hasTools: flag(detail?.["HasTools"]),
    immovable: detail === undefined ? withoutDetails : nullableText(detail["Immovable"]),
    haPriority: text(detail?.["HaPriority"]),
    antiAffinityGroups: textList(detail?.["AntiAffinityGroups"]),
    migratingTo: uuidOrNull(detail?.["MigratingTo"]),
  };
}

const withoutDetails = "xcp-collect has not read this VM yet";

export const mapTable: SnapshotTable = { name: "Map", columns: ["HostUuid", "VmUuid"], keys: 2 };

export function placementRow(placement: Placement): SqlValue[] {
  return [placement.hostUuid, placement.vmUuid];
}

export function placementFrom(row: Row): Placement {
  return { hostUuid: asUuid(text(row["HostUuid"])), vmUuid: asUuid(text(row["VmUuid"])) };
}

export const infeasiblePairTable: SnapshotTable = {
  name: "VmBar",
  columns: ["VmUuid", "HostUuid", "Reason"],
  keys: 2,
};

export function infeasiblePairRow(infeasiblePair: InfeasiblePair): SqlValue[] {
  return [infeasiblePair.vmUuid, infeasiblePair.hostUuid, infeasiblePair.reason];
}

export function infeasiblePairFrom(row: Row): InfeasiblePair {
  return {
    vmUuid: asUuid(text(row["VmUuid"])),
    hostUuid: asUuid(text(row["HostUuid"])),
    reason: text(row["Reason"]),
  };
}

export const poolTable: SnapshotTable = {
  name: "Pool",
  columns: [
    "Id",
    "PoolUuid",
    "Name",
    "HaEnabled",
    "WlbEnabled",
    "RollingUpgrade",
    "HaTolerance",
    "HaPlannedFor",
  ],
  keys: 1,
};

export function poolRow(pool: PoolFacts): SqlValue[] {
  return [
    1,
    pool.uuid,
    pool.name,
    toFlag(pool.haEnabled),
    toFlag(pool.wlbEnabled),
    toFlag(pool.rollingUpgrade),
    toInt(pool.haTolerance),
    toInt(pool.haPlannedFor),
  ];
}

export function poolFrom(row: Row): PoolFacts {
  return {
    uuid: asUuid(text(row["PoolUuid"])),
    name: text(row["Name"]),
    haEnabled: flag(row["HaEnabled"]),
    wlbEnabled: flag(row["WlbEnabled"]),
    rollingUpgrade: flag(row["RollingUpgrade"]),
    haTolerance: number(row["HaTolerance"]),
    haPlannedFor: number(row["HaPlannedFor"]),
  };
}

/** Data sources of hosts that rules name. */
export const hostMeasureTable: SnapshotTable = {
  name: "HostMeasure",
  columns: ["HostUuid", "Name", "Value"],
  keys: 2,
};

export function hostMeasureRows({ uuid, sources = {} }: Host): SqlValue[][] {
  return Object.entries(sources).map(([name, value]) => [uuid, name, value + 0]);
}

/** What VMs were measured by beside the columns of Vm. */
export const vmMeasureTable: SnapshotTable = {
  name: "VmMeasure",
  columns: ["VmUuid", "Name", "Value"],
  keys: 2,
};

export function vmMeasureRows({ uuid, cpuWait }: Vm): SqlValue[][] {
  return cpuWait === undefined || cpuWait === null ? [] : [[uuid, "CpuWait", cpuWait + 0]];
}

/** Values by the object's uuid and then by name. */
export function measuresFrom(rows: readonly Row[], key: string): ReadonlyMap<string, Record<string, number>> {
  const found = new Map<string, Record<string, number>>();
  for (const row of rows) {
    const value = number(row["Value"]);
    if (value === null) continue;
    const uuid = text(row[key]);
    const values = found.get(uuid) ?? {};
    values[text(row["Name"])] = value;
    found.set(uuid, values);
  }
  return found;
}

/** The columns that `collectionFrom` wants. */
export const collectionColumns: string =
  "Id, StartedAt, FinishedAt, PoolUuid, HostsRead, HostsUnread, Vms, Complete, DurationMs, ClockSkewSeconds";

export function collectionFrom(row: Row): Collection {
  return {
    id: number(row["Id"]) ?? 0,
    startedAt: date(row["StartedAt"]),
    finishedAt: date(row["FinishedAt"]),
    poolUuid: asUuid(text(row["PoolUuid"])),
    hostsRead: number(row["HostsRead"]) ?? 0,
    hostsUnread: number(row["HostsUnread"]) ?? 0,
    vms: number(row["Vms"]) ?? 0,
    complete: flag(row["Complete"]),
    durationMs: number(row["DurationMs"]) ?? 0,
    clockSkewSeconds: number(row["ClockSkewSeconds"]),
  };
}

/** A whole number that an INT column can hold; what it cannot hold is unknown, not cut. */
export function toInt(value: number | null): number | null {
  if (value === null || !Number.isFinite(value)) return null;
  const rounded = Math.round(value);
  return rounded < -(2 ** 31) || rounded >= 2 ** 31 ? null : rounded + 0;
}

export function toDouble(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : value + 0;
}

function toBigInt(value: number | null): number | null {
  return value === null || !Number.isSafeInteger(value) ? null : value + 0;
}

function toFlag(value: boolean): number {
  return value ? 1 : 0;
}

/** XAPI's short words have no limit of their own; the columns hold 255 characters. */
function toShortText(value: string): string {
  return value.length <= 255 ? value : [...value].slice(0, 255).join("");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function uuidOrNull(value: unknown): Uuid | null {
  const written = nullableText(value ?? null);
  return written === null ? null : asUuid(written);
}

function nullableText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  const result = Number(value);
  return Number.isFinite(result) ? result : null;
}

function flag(value: unknown): boolean {
  return Number(value) === 1;
}

function date(value: unknown): Date {
  return value instanceof Date ? value : new Date(Number.NaN);
}

function textList(value: unknown): string[] {
  if (typeof value !== "string") return [];
  const list = jsonFrom(value, "a list of texts in HostDetail, VmDetail or Pool");
  return Array.isArray(list) ? list.filter((entry) => typeof entry === "string") : [];
}
