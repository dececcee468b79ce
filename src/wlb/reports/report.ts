/** The six reports that XenCenter has layouts for, from the history; each a data set with its labels. */
import type { Migration } from "../../domain/migration.ts";
import type { Uuid } from "../../domain/pool.ts";
import {
  databaseNow,
  type HostMeans,
  hostMeans,
  isOptimisation,
  movesIn,
  snapshotsBySteps,
} from "../../store/wlbReports.ts";
import type { CellValue, ColumnKind } from "../../wlbProtocol/dataSet.ts";
import { writeDataSet } from "../../wlbProtocol/dataSet.ts";
import { WlbRefusal } from "../../wlbProtocol/methods.ts";
import { reasonWord } from "../advice.ts";
import type { PoolView } from "../view.ts";
import { reportLabels } from "./labels.ts";
import { localTime, type ReportTime, reportTime, reportUuid } from "./parameters.ts";
import { healthColumns, thresholdColumns, thresholdsOf } from "./thresholds.ts";

/** Finds what a report is of; both throw WlbRefusal where the asker may not see it. */
export interface ReportScope {
  readonly ofPool: (pool: Uuid) => PoolView;
  readonly ofHost: (host: Uuid) => PoolView;
}

type Rows = readonly Readonly<Record<string, CellValue>>[];

interface ReportBasis {
  readonly view: PoolView;
  readonly time: ReportTime;
  /** The host that is meant; null of reports about the whole pool. */
  readonly host: Uuid | null;
}

interface ReportKind {
  readonly of: "pool" | "host";
  readonly columns: Readonly<Record<string, ColumnKind>>;
  readonly rows: (basis: ReportBasis) => Promise<Rows>;
}

/** Beyond this, some 5 MB, a pool's coordinator has too much to hold, and to log. */
const mostRows = 3000;
/** Of the report with the longest rows. */
const mostHealthRows = 2000;
const mostMoves = 5000;
const hour = 3600;

const hostHistory: Readonly<Record<string, ColumnKind>> = {
  day: "dateTime",
  hour: "string",
  hostid: "int",
  name: "string",
  start_time: "dateTime",
  ...thresholdColumns,
  avg_total_cpu: "decimal",
  avg_free_mem: "long",
  avg_total_pif_read_per_sec: "decimal",
  avg_total_pif_write_per_sec: "decimal",
};

const kinds: Readonly<Record<string, ReportKind>> = {
  pool_health: {
    of: "pool",
    columns: {
      hostid: "int",
      name: "string",
      uuid: "string",
      start_time: "dateTime",
      ...healthColumns,
      cpu_threshold_percent: "string",
      memory_threshold_percent: "string",
      network_read_threshold_percent: "string",
      network_write_threshold_percent: "string",
    },
    rows: poolHealth,
  },
  pool_health_history: { of: "pool", columns: hostHistory, rows: healthHistory },
  host_health_history: { of: "host", columns: hostHistory, rows: healthHistory },
  optimization_performance_history: {
    of: "pool",
    columns: {
      day: "dateTime",
      hour: "string",
      hostid: "int",
      name: "string",
      start_time: "dateTime",
      avg_total_cpu: "decimal",
      avg_free_mem: "long",
      avg_total_pif_read_per_sec: "decimal",
      avg_total_pif_write_per_sec: "decimal",
      optimized_moves: "int",
    },
    rows: optimizationHistory,
  },
  vm_movement_history: {
    of: "pool",
    columns: {
      day: "dateTime",
      hour: "string",
      id: "int",
      vmname: "string",
      to_hostname: "string",
      from_hostname: "string",
      recommendation_id: "int",
      reason: "int",
      move_time: "dateTime",
    },
    rows: movementHistory,
  },
  vm_performance_history: {
    of: "host",
    columns: {
      day: "dateTime",
      hour: "string",
      vmid: "int",
      name: "string",
      hostid: "int",
      hostname: "string",
      avg_cpu: "decimal",
      avg_free_mem: "long",
      avg_vif_read: "decimal",
      avg_vif_write: "decimal",
      avg_vbd_read: "decimal",
      avg_vbd_write: "decimal",
      min_dynamic_memory: "long",
    },
    rows: vmHistory,
  },
};

/** The names of the reports that there are. */
export const reportNames: readonly string[] = Object.keys(kinds);

/**
 * The report as a document.
 * @throws WlbRefusal for one that there is not: a client that asks for definitions then uses its own layouts, which these
 * reports are made for.
 */
export async function writeReport(
  name: string,
  parameters: ReadonlyMap<string, string>,
  scope: ReportScope,
): Promise<string> {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) {
    throw new WlbRefusal("invalidArgument", `there is no such report; there are ${reportNames.join(", ")}`);
  }
  const host = kind.of === "host" ? reportUuid(parameters, ["HostID", "HostId"]) : null;
  const view =
    host === null ? scope.ofPool(reportUuid(parameters, ["PoolID", "PoolId"])) : scope.ofHost(host);
  const time = reportTime(parameters, await databaseNow(view.db));
  const rows = await kind.rows({ view, time, host });
  return writeDataSet({ columns: kind.columns, rows, labels: reportLabels[name] ?? {} });
}

/** Hosts with the numbers that reports know them by: their place in the list of the pool. */
function hostsOf({ view }: ReportBasis): ReadonlyMap<string, { readonly id: number; readonly name: string }> {
  const hosts = view.basis?.snapshot.hosts ?? [];
  return new Map(
    hosts.map(({ uuid, name }, index) => [
      uuid.toLowerCase(),
      { id: index + 1, name: name === "" ? uuid : name },
    ]),
  );
}

/** The hosts' means by steps that are an hour long, or longer where there would be too many rows. */
async function means(
  basis: ReportBasis,
  most: number = mostRows,
): Promise<{ readonly step: number; readonly found: readonly HostMeans[] }> {
  const { view, time, host } = basis;
  const { from, to } = time.span;
  const hosts = host === null ? Math.max(1, hostsOf(basis).size) : 1;
  const step = hour * Math.max(1, Math.ceil(((to - from) / hour) * (hosts / most)));
  const all = await hostMeans(view.db, time.span, step, host === null ? most : most * 64);
  return { step, found: host === null ? all : all.filter((each) => each.host.toLowerCase() === host) };
}

function measures({ cpuPercent, freeMb, receivedKb, sentKb }: HostMeans): Record<string, CellValue> {
  return {
    avg_total_cpu: cpuPercent === null ? null : cpuPercent / 100,
    avg_free_mem: freeMb === null ? null : freeMb * 1024 * 1024,
    avg_total_pif_read_per_sec: receivedKb === null ? null : receivedKb * 1024,
    avg_total_pif_write_per_sec: sentKb === null ? null : sentKb * 1024,
  };
}

async function healthHistory(basis: ReportBasis): Promise<Rows> {
  const hosts = hostsOf(basis);
  const { values } = thresholdsOf(basis.view);
  const { found } = await means(basis);
  return found.map((each) => {
    const { day, hour: hourText, moment } = localTime(each.at, basis.time);
    const host = hosts.get(each.host.toLowerCase());
    return {
      day,
      hour: hourText,
      hostid: host?.id ?? 0,
      name: host?.name ?? each.host,
      start_time: moment,
      ...values,
      ...measures(each),
    };
  });
}

async function poolHealth(basis: ReportBasis): Promise<Rows> {
  const hosts = hostsOf(basis);
  const { values, healthOf } = thresholdsOf(basis.view);
  const { found } = await means(basis, mostHealthRows);
  return found.map((each) => {
    const host = hosts.get(each.host.toLowerCase());
    const { avg_total_cpu, avg_free_mem, avg_total_pif_read_per_sec, avg_total_pif_write_per_sec } =
      measures(each);
    return {
      hostid: host?.id ?? 0,
      name: host?.name ?? each.host,
      uuid: each.host,
      start_time: localTime(each.at, basis.time).moment,
      ...values,
      ...healthOf({
        cpu: avg_total_cpu,
        memory: avg_free_mem,
        network_reads: avg_total_pif_read_per_sec,
        network_writes: avg_total_pif_write_per_sec,
      }),
    };
  });
}

async function optimizationHistory(basis: ReportBasis): Promise<Rows> {
  const hosts = hostsOf(basis);
  const { step, found } = await means(basis);
  const moves = (await movesIn(basis.view.db, basis.time.span, mostMoves)).filter(({ cause }) =>
    isOptimisation(cause),
  );
  const counts = new Map<string, number>();
  for (const { destination, finishedAt } of moves) {
    const seconds = (finishedAt?.getTime() ?? 0) / 1000 - basis.time.span.from;
    const key = `${destination.toLowerCase()} ${Math.floor(seconds / step)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return found.map((each) => {
    const { day, hour: hourText, moment } = localTime(each.at, basis.time);
    const host = hosts.get(each.host.toLowerCase());
    const key = `${each.host.toLowerCase()} ${Math.floor((each.at - basis.time.span.from) / step)}`;
    return {
      day,
      hour: hourText,
      hostid: host?.id ?? 0,
      name: host?.name ?? each.host,
      start_time: moment,
      ...measures(each),
      optimized_moves: counts.get(key) ?? 0,
    };
  });
}

/** The numbers that the layouts have words for. */
const reasonNumbers: Readonly<Record<string, number>> = {
  None: 0,
  Cpu: 1,
  Memory: 2,
  Disk: 3,
  Network: 4,
  Consolidate: 5,
  DiskRead: 6,
  DiskWrite: 7,
  NetworkRead: 8,
  NetworkWrite: 9,
  LoadAverage: 10,
};

function reasonNumber({ cause, rule }: Migration): number {
  return reasonNumbers[cause === "green" ? "Consolidate" : reasonWord(rule)] ?? 0;
}

async function movementHistory(basis: ReportBasis): Promise<Rows> {
  const hosts = hostsOf(basis);
  const vms = new Map(
    (basis.view.basis?.snapshot.vms ?? []).map(({ uuid, name }) => [uuid.toLowerCase(), name]),
  );
  const moves = await movesIn(basis.view.db, basis.time.span, mostMoves);
  return moves.map((move, index) => {
    const { day, hour: hourText, moment } = localTime((move.finishedAt?.getTime() ?? 0) / 1000, basis.time);
    return {
      day,
      hour: hourText,
      id: index + 1,
      vmname: vms.get(move.vm.toLowerCase()) || move.vm,
      to_hostname: hosts.get(move.destination.toLowerCase())?.name ?? move.destination,
      from_hostname: hosts.get(move.source.toLowerCase())?.name ?? move.source,
      recommendation_id: isOptimisation(move.cause) ? index + 1 : 0,
      reason: reasonNumber(move),
      move_time: moment,
    };
  });
}

async function vmHistory(basis: ReportBasis): Promise<Rows> {
  const { view, time, host } = basis;
  const { from, to } = time.span;
  const name = hostsOf(basis).get(host ?? "");
  const mostSnapshots = 168;
  const step = hour * Math.max(1, Math.ceil((to - from) / hour / mostSnapshots));
  const moments = await snapshotsBySteps(view.db, time.span, step, mostSnapshots);
  const ids = new Map<string, number>();
  const rows: Record<string, CellValue>[] = [];
  for (const { at, snapshot } of moments) {
    const here = new Set(
      snapshot.placements.filter((each) => each.hostUuid.toLowerCase() === host).map(({ vmUuid }) => vmUuid),
    );
    const { day, hour: hourText } = localTime(at, time);
    for (const vm of snapshot.vms) {
      if (!here.has(vm.uuid) || vm.isControlDomain || rows.length >= mostRows) continue;
      const id = ids.get(vm.uuid) ?? ids.size + 1;
      ids.set(vm.uuid, id);
      rows.push({
        day,
        hour: hourText,
        vmid: id,
        name: vm.name === "" ? vm.uuid : vm.name,
        hostid: name?.id ?? 0,
        hostname: name?.name ?? host,
        avg_cpu: vm.vcpuAverage === null ? null : vm.vcpuAverage / 100,
        // The layout divides by 1024: KiB.
        avg_free_mem: vm.memoryInternalFreeMb === null ? null : vm.memoryInternalFreeMb * 1024,
        avg_vif_read: vm.vif0RxKb === null ? null : vm.vif0RxKb * 1024,
        avg_vif_write: vm.vif0TxKb === null ? null : vm.vif0TxKb * 1024,
        // What VMs do to disks is not collected.
        avg_vbd_read: null,
        avg_vbd_write: null,
        min_dynamic_memory: vm.shrinksToBytes,
      });
    }
  }
  return rows;
}
