/** What a simulated pool itself says, as rows of the thesis' tables, beside what the tables hold. */
import mysql from "mysql2/promise";
import type { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { sampleHost, sampleVm } from "../../src/simulator/metrics/metrics.ts";
import type { SourceSample } from "../../src/simulator/objects/contract.ts";
import type { World } from "../support/world.ts";

type Row = Readonly<Record<string, unknown>>;

export interface Tables {
  readonly Host: readonly Row[];
  readonly Vm: readonly Row[];
  readonly Map: readonly Row[];
}

/** Rows of any table, by an account that may read everything. */
export async function rowsOf(world: World, sql: string): Promise<Row[]> {
  const { servers, user, password, database } = world.database.admin;
  const [server] = servers;
  const connection = await mysql.createConnection({
    ...server,
    user,
    password,
    database,
    charset: "utf8mb4",
  });
  try {
    const [rows] = await connection.query<mysql.RowDataPacket[]>(sql);
    return rows.map((row) => ({ ...row }));
  } finally {
    await connection.end();
  }
}

/** The thesis' tables as they are stored. */
export async function storedTables(world: World): Promise<Tables> {
  return {
    Host: (await rowsOf(world, "SELECT * FROM Host ORDER BY UUID")).map(withoutNoise),
    Vm: (await rowsOf(world, "SELECT * FROM Vm ORDER BY UUID")).map(withoutNoise),
    Map: await rowsOf(world, "SELECT * FROM Map ORDER BY HostUuid, VmUuid"),
  };
}

/**
 * What the tables must hold, column by column, from the pool's own objects and samples at this moment of its clock, which
 * must stand still. Hosts in `unread` have no measures, nor have the VMs that run on them. VMs in `arrived` have come to
 * their host since the collection before: their first measures there are not counted, but for the memory they occupy.
 */
export function tablesOf(
  pool: SimulatedPool,
  unread: readonly string[] = [],
  arrived: readonly string[] = [],
): Tables {
  const { db } = pool;
  const machines = db
    .all("VM")
    .filter((vm) => db.get("VM", vm, "is_a_template") !== true && db.get("VM", vm, "is_a_snapshot") !== true);
  const placed = machines.filter((vm) => ["Running", "Paused"].includes(db.text("VM", vm, "power_state")));
  return {
    Host: db
      .all("host")
      .map((host) => hostRow(pool, host, unread.includes(host)))
      .sort(by("UUID")),
    Vm: machines
      .map((vm) => ({ ...vmRow(pool, vm, unread), ...(arrived.includes(vm) ? unbelieved(pool, vm) : {}) }))
      .sort(by("UUID")),
    Map: placed
      .map((vm) => ({
        HostUuid: db.text("host", db.text("VM", vm, "resident_on"), "uuid"),
        VmUuid: db.text("VM", vm, "uuid"),
      }))
      .sort((a, b) => compare(a.HostUuid + a.VmUuid, b.HostUuid + b.VmUuid)),
  };
}

function hostRow(pool: SimulatedPool, host: string, unread: boolean): Row {
  const { db, model } = pool;
  const read = reader(unread ? [] : sampleHost(model, host, pool.clock.now()));
  const cpus = db.all("host_cpu").filter((cpu) => db.get("host_cpu", cpu, "host") === host).length;
  return withoutNoise({
    UUID: db.text("host", host, "uuid"),
    MemoryTotalMb: read("memory_total_kib", 1024),
    MemoryFreeMb: read("memory_free_kib", 1024),
    XapiMemoryUsageMb: read("xapi_memory_usage_kib", 1024),
    XapiFreeMemoryMb: read("xapi_free_memory_kib", 1024),
    PifLoRxKb: read("pif_lo_rx", 1024),
    PifLoTxKb: read("pif_lo_tx", 1024),
    PifEth0RxKb: read("pif_eth0_rx", 1024),
    PifEth0TxKb: read("pif_eth0_tx", 1024),
    Dom0LoadAvg: read("loadavg"),
    CpuAverage: meanPercent(read, cpus),
    Ip: db.text("host", host, "address"),
    CpuNum: cpus,
    Name: answered(db.text("host", host, "name_label")),
  });
}

function vmRow(pool: SimulatedPool, vm: string, unread: readonly string[]): Row {
  const { db, model } = pool;
  const power = db.text("VM", vm, "power_state");
  const running = power === "Running";
  const control = db.get("VM", vm, "is_control_domain") === true;
  const silent = !running || unread.includes(db.text("VM", vm, "resident_on"));
  const read = reader(silent ? [] : sampleVm(model, vm, pool.clock.now()));
  const guest = control ? reader([]) : read;
  const vcpus = running
    ? db.number("VM_metrics", db.text("VM", vm, "metrics"), "VCPUs_number")
    : db.number("VM", vm, "VCPUs_max");
  return withoutNoise({
    UUID: db.text("VM", vm, "uuid"),
    MemoryMb: running
      ? read("memory", 1024 * 1024)
      : Math.round(db.number("VM", vm, "memory_dynamic_max") / 1024 / 1024),
    MemoryInternalFreeMb: guest("memory_internal_free", 1024),
    Vif0TxKb: guest("vif_0_tx", 1024),
    Vif0RxKb: guest("vif_0_rx", 1024),
    VcpuAverage: meanPercent(read, vcpus),
    VcpuNum: vcpus,
    PowerState: power,
    IsControlDomain: control ? 1 : 0,
    Name: answered(db.text("VM", vm, "name_label")),
  });
}

function unbelieved({ db }: SimulatedPool, vm: string): Row {
  const occupied = db.number("VM_metrics", db.text("VM", vm, "metrics"), "memory_actual");
  return {
    MemoryMb: Math.round(occupied / 1024 / 1024),
    MemoryInternalFreeMb: null,
    Vif0TxKb: null,
    Vif0RxKb: null,
    VcpuAverage: null,
  };
}

/** A name as xapi's XML carries it: control characters that XML has no place for are dropped. */
export function answered(name: string): string {
  return [...name].filter((character) => character >= " " || "\t\n\r".includes(character)).join("");
}

type Read = (source: string, divisor?: number) => number | null;

/**
 * Reads a source rounded after the division, or to the four decimals that every pool's measures have; null where it is
 * missing or no number.
 */
function reader(samples: readonly SourceSample[]): Read {
  const values = new Map(samples.map(({ name, value }) => [name, value]));
  return (source, divisor) => {
    const value = values.get(source);
    if (value === undefined || !Number.isFinite(value)) return null;
    return divisor === undefined ? Number(value.toFixed(4)) : Math.round(value / divisor);
  };
}

function meanPercent(read: Read, cpus: number): number | null {
  const shares = Array.from({ length: cpus }, (_, cpu) => read(`cpu${cpu}`));
  if (shares.includes(null)) return null;
  return (100 * shares.reduce<number>((sum, share) => sum + (share ?? 0), 0)) / cpus;
}

/** Numbers to five decimals: the wire and the database cut a double's last digits. */
function withoutNoise(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === "number" ? Number(value.toFixed(5)) : value,
    ]),
  );
}

function by(key: string): (a: Row, b: Row) => number {
  return (a, b) => compare(String(a[key]), String(b[key]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The ref of the one object with this name. */
export function refOf(pool: SimulatedPool, cls: "VM" | "host", name: string): string {
  const refs = pool.db.all(cls).filter((ref) => pool.db.text(cls, ref, "name_label") === name);
  const [ref] = refs;
  if (ref === undefined || refs.length > 1) throw new Error(`${refs.length} ${cls}s are called ${name}`);
  return ref;
}

export function uuidOf(pool: SimulatedPool, cls: "VM" | "host", name: string): string {
  return pool.db.text(cls, refOf(pool, cls, name), "uuid");
}
