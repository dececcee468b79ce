/**
 * The thesis' method (its sections 5.3.1.2.1 to 5.3.1.2.3): one call after the other for every getter and every data
 * source, a SELECT and an UPDATE or INSERT for every row, each its own transaction. Measured on some hosts and VMs.
 * It calls over our client, whose connections are kept open and whose decoder is fast: the thesis' own was not faster.
 */

import mysql, { type Connection, type RowDataPacket } from "mysql2/promise";
import type { XenSettings } from "../../src/settings/types.ts";
import type { StoreOptions } from "../../src/store/connection.ts";
import { XapiError } from "../../src/xapi/errors.ts";
import type { XapiSession } from "../../src/xapi/session.ts";
import type { XapiValue } from "../../src/xapi/xml.ts";
import { openSession } from "./floor.ts";

export interface Sample {
  readonly hosts: number;
  readonly vms: number;
}

export interface ThesisResult {
  /** Login and the two lists. */
  readonly fixedMs: number;
  readonly perHostMs: number;
  readonly perVmMs: number;
  readonly perHostCpuMs: number;
  readonly perVmCpuMs: number;
  /** Of which SQL. */
  readonly perVmSqlMs: number;
  readonly callsPerHost: number;
  readonly callsPerVm: number;
  readonly hosts: number;
  /** Templates and snapshots are asked for two fields each, then passed over. */
  readonly otherVms: number;
  readonly vms: number;
}

/** Collects `sample` of the pool's hosts and VMs and says what each took. */
export async function thesisRun(
  xen: XenSettings,
  store: StoreOptions,
  sample: Sample,
): Promise<ThesisResult> {
  const startedMs = performance.now();
  const session = await openSession(xen);
  const [{ host = "", port = 0 } = {}] = store.servers;
  const { user, password, database } = store;
  const sql = await mysql.createConnection({ host, port, user, password, database });
  try {
    const run = new ThesisCollect(session, sql);
    const vms = await run.list("VM.get_all");
    const hosts = await run.list("host.get_all");
    const fixedMs = performance.now() - startedMs;
    const ofHosts = await run.measure(spread(hosts, sample.hosts), (ref) => run.updateHost(ref));
    const guests: string[] = [];
    for (const vm of spread(vms, sample.vms * 2)) if (await run.isMachine(vm)) guests.push(vm);
    const ofVms = await run.measure(guests.slice(0, sample.vms), (ref) => run.updateVm(ref));
    return {
      fixedMs,
      perHostMs: ofHosts.wallMs,
      perHostCpuMs: ofHosts.cpuMs,
      callsPerHost: ofHosts.calls,
      perVmMs: ofVms.wallMs,
      perVmCpuMs: ofVms.cpuMs,
      perVmSqlMs: ofVms.sqlMs,
      callsPerVm: ofVms.calls,
      hosts: hosts.length,
      vms: vms.length,
      otherVms: 0,
    };
  } finally {
    await sql.end();
    await session.close();
  }
}

/** `count` of `items`, evenly apart. */
function spread<T>(items: readonly T[], count: number): T[] {
  const step = Math.max(1, items.length / count);
  return items.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}

class ThesisCollect {
  readonly #session: XapiSession;
  readonly #sql: Connection;
  #calls = 0;
  #sqlMs = 0;

  constructor(session: XapiSession, sql: Connection) {
    this.#session = session;
    this.#sql = sql;
  }

  /** The mean cost of `work` over `refs`. */
  async measure(refs: readonly string[], work: (ref: string) => Promise<void>) {
    const before = { ms: performance.now(), cpu: process.cpuUsage(), calls: this.#calls, sqlMs: this.#sqlMs };
    for (const ref of refs) await work(ref);
    const cpu = process.cpuUsage(before.cpu);
    return {
      wallMs: (performance.now() - before.ms) / refs.length,
      cpuMs: (cpu.user + cpu.system) / 1000 / refs.length,
      calls: (this.#calls - before.calls) / refs.length,
      sqlMs: (this.#sqlMs - before.sqlMs) / refs.length,
    };
  }

  async list(method: string): Promise<string[]> {
    const refs = await this.#call(method);
    return Array.isArray(refs) ? refs.map(String) : [];
  }

  async isMachine(vm: string): Promise<boolean> {
    const snapshot = await this.#call("VM.get_is_a_snapshot", vm);
    const template = await this.#call("VM.get_is_a_template", vm);
    return snapshot !== true && template !== true;
  }

  /** updateVmInfo and updateMapInfo of one VM. */
  async updateVm(vm: string): Promise<void> {
    await this.isMachine(vm);
    const uuid = String(await this.#call("VM.get_uuid", vm));
    const exists = await this.#exists("SELECT UUID FROM Vm WHERE UUID = ?", [uuid]);
    const row = await this.#vmRow(vm, uuid);
    await this.#execute(
      exists
        ? `UPDATE Vm SET MemoryMb = ?, MemoryInternalFreeMb = ?, Vif0TxKb = ?, Vif0RxKb = ?, VcpuAverage = ?,
             VcpuNum = ?, PowerState = ?, IsControlDomain = ?, Name = ? WHERE UUID = ?`
        : `INSERT INTO Vm (MemoryMb, MemoryInternalFreeMb, Vif0TxKb, Vif0RxKb, VcpuAverage, VcpuNum, PowerState,
             IsControlDomain, Name, UUID) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [...row, uuid],
    );
    const host = String(await this.#call("VM.get_resident_on", vm));
    const hostUuid = String(await this.#call("host.get_uuid", host));
    const placed = await this.#exists("SELECT VmUuid FROM Map WHERE VmUuid = ?", [uuid]);
    await this.#execute(
      placed
        ? "UPDATE Map SET HostUuid = ? WHERE VmUuid = ?"
        : "INSERT INTO Map (HostUuid, VmUuid) VALUES (?, ?)",
      [hostUuid, uuid],
    );
  }

  async #vmRow(vm: string, uuid: string): Promise<(string | number | null)[]> {
    await this.#call("VM.get_by_uuid", uuid);
    const power = String(await this.#call("VM.get_power_state", vm));
    const running = power === "Running";
    const memory = running
      ? await this.#query("VM", vm, "memory")
      : Number(await this.#call("VM.get_memory_dynamic_max", vm));
    const isControlDomain = (await this.#call("VM.get_is_control_domain", vm)) === true;
    const guest = running && !isControlDomain;
    const free = guest ? await this.#query("VM", vm, "memory_internal_free") : null;
    const tx = guest ? await this.#query("VM", vm, "vif_0_tx") : null;
    const rx = guest ? await this.#query("VM", vm, "vif_0_rx") : null;
    const load = running ? await this.#load("VM", vm, await this.#vcpus(vm)) : null;
    const vcpus = running ? await this.#vcpus(vm) : Number(await this.#call("VM.get_VCPUs_max", vm));
    const name = String(await this.#call("VM.get_name_label", vm));
    const kb = (value: number | null) => whole(value, 1024);
    return [
      whole(memory, 1024 * 1024),
      kb(free),
      kb(tx),
      kb(rx),
      load,
      vcpus,
      power,
      isControlDomain ? 1 : 0,
      name,
    ];
  }

  /** updateHostInfo of one host. */
  async updateHost(host: string): Promise<void> {
    const uuid = String(await this.#call("host.get_uuid", host));
    const exists = await this.#exists("SELECT UUID FROM Host WHERE UUID = ?", [uuid]);
    const values: (string | number | null)[] = [];
    const sources = [
      "memory_total_kib",
      "memory_free_kib",
      "xapi_memory_usage_kib",
      "xapi_free_memory_kib",
      "pif_lo_rx",
      "pif_lo_tx",
      "pif_eth0_rx",
      "pif_eth0_tx",
    ];
    for (const source of sources) values.push(whole(await this.#query("host", host, source), 1024));
    const loadAverage = await this.#query("host", host, "loadavg");
    values.push(Number.isFinite(loadAverage) ? loadAverage : null);
    const cpus = (await this.#call("host.get_host_CPUs", host)) as readonly XapiValue[];
    values.push(await this.#load("host", host, cpus.length));
    values.push(String(await this.#call("host.get_address", host)));
    values.push(((await this.#call("host.get_host_CPUs", host)) as readonly XapiValue[]).length);
    values.push(String(await this.#call("host.get_name_label", host)));
    await this.#execute(
      exists
        ? `UPDATE Host SET MemoryTotalMb = ?, MemoryFreeMb = ?, XapiMemoryUsageMb = ?, XapiFreeMemoryMb = ?,
             PifLoRxKb = ?, PifLoTxKb = ?, PifEth0RxKb = ?, PifEth0TxKb = ?, Dom0LoadAvg = ?, CpuAverage = ?,
             Ip = ?, CpuNum = ?, Name = ? WHERE UUID = ?`
        : `INSERT INTO Host (MemoryTotalMb, MemoryFreeMb, XapiMemoryUsageMb, XapiFreeMemoryMb, PifLoRxKb, PifLoTxKb,
             PifEth0RxKb, PifEth0TxKb, Dom0LoadAvg, CpuAverage, Ip, CpuNum, Name, UUID)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [...values, uuid],
    );
  }

  async #vcpus(vm: string): Promise<number> {
    const metrics = String(await this.#call("VM.get_metrics", vm));
    return Number(await this.#call("VM_metrics.get_VCPUs_number", metrics));
  }

  async #load(kind: "VM" | "host", ref: string, cpus: number): Promise<number | null> {
    let sum = 0;
    for (let cpu = 0; cpu < cpus; cpu++) sum += await this.#query(kind, ref, `cpu${cpu}`);
    return Number.isFinite(sum) ? (sum * 100) / cpus : null;
  }

  async #query(kind: "VM" | "host", ref: string, source: string): Promise<number> {
    try {
      return Number(await this.#call(`${kind}.query_data_source`, ref, source));
    } catch (error) {
      // Today's hosts have no pif_lo: the call is made all the same.
      if (error instanceof XapiError) return Number.NaN;
      throw error;
    }
  }

  #call(method: string, ...params: string[]): Promise<XapiValue> {
    this.#calls += 1;
    return this.#session.call(method, params, "repeatable");
  }

  async #exists(sql: string, values: readonly string[]): Promise<boolean> {
    const startedMs = performance.now();
    const [rows] = await this.#sql.query<RowDataPacket[]>(sql, [...values]);
    this.#sqlMs += performance.now() - startedMs;
    return rows.length > 0;
  }

  async #execute(sql: string, values: readonly (string | number | null)[]): Promise<void> {
    const startedMs = performance.now();
    await this.#sql.query(sql, [...values]);
    this.#sqlMs += performance.now() - startedMs;
  }
}

function whole(value: number | null, divisor: number): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value / divisor);
}
