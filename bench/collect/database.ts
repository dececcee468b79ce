/** The database's part alone: the thesis' way of writing against ours, on the snapshot that is stored there. */
import mysql, { type Connection, type RowDataPacket } from "mysql2/promise";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { Database, StoreOptions } from "../../src/store/connection.ts";
import type { SqlValue } from "../../src/store/session.ts";
import { beginCollection, loadSnapshot, saveSnapshot } from "../../src/store/snapshot.ts";
import { hostTable } from "../../src/store/tables/Host.ts";
import { mapTable } from "../../src/store/tables/Map.ts";
import { vmTable } from "../../src/store/tables/Vm.ts";
import { median } from "./measured.ts";

export interface WriteTimes {
  /** SELECT, then UPDATE or INSERT, for every row of Host, Vm and Map, each committed by itself. */
  readonly rowByRowMs: number;
  /** saveSnapshot, every measure of every host and VM changed; all tables and the history. */
  readonly changedMs: number;
  /** saveSnapshot of the same snapshot again: nothing in the tables changes, the history grows. */
  readonly steadyMs: number;
}

export async function compareWrites(db: Database, options: StoreOptions, runs: number): Promise<WriteTimes> {
  const stored = await loadSnapshot(db);
  if (stored === null) throw new Error("collect first");
  const { snapshot } = stored;
  const save = async (next: Snapshot): Promise<number> => {
    const start = await beginCollection(db);
    const startedMs = performance.now();
    await saveSnapshot(db, start, next, { complete: true });
    return performance.now() - startedMs;
  };
  const changed: number[] = [];
  const steady: number[] = [];
  for (let run = 1; run <= runs; run++) {
    changed.push(await save(moved(snapshot, run)));
    steady.push(await save(moved(snapshot, run)));
  }
  return {
    changedMs: median(changed),
    steadyMs: median(steady),
    rowByRowMs: await rowByRow(options, moved(snapshot, runs + 1)),
  };
}

/** The same pool a while later: every measure is another. */
function moved(snapshot: Snapshot, by: number): Snapshot {
  const plus = (value: number | null) => (value === null ? by : value + by);
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => ({
      ...host,
      memoryFreeMb: plus(host.memoryFreeMb),
      cpuAverage: plus(host.cpuAverage),
      pifEth0RxKb: plus(host.pifEth0RxKb),
      pifEth0TxKb: plus(host.pifEth0TxKb),
    })),
    vms: snapshot.vms.map((vm) => ({
      ...vm,
      memoryInternalFreeMb: plus(vm.memoryInternalFreeMb),
      vcpuAverage: plus(vm.vcpuAverage),
      vif0RxKb: plus(vm.vif0RxKb),
      vif0TxKb: plus(vm.vif0TxKb),
    })),
  };
}

async function rowByRow(options: StoreOptions, snapshot: Snapshot): Promise<number> {
  const [{ host = "", port = 0 } = {}] = options.servers;
  const { user, password, database } = options;
  const connection = await mysql.createConnection({ host, port, user, password, database });
  try {
    const startedMs = performance.now();
    for (const one of snapshot.vms) await writeRow(connection, vmTable, vmTable.row(one));
    for (const one of snapshot.hosts) await writeRow(connection, hostTable, hostTable.row(one));
    for (const one of snapshot.placements) {
      const [hostUuid, vmUuid] = mapTable.row(one);
      const [found] = await connection.query<RowDataPacket[]>("SELECT VmUuid FROM Map WHERE VmUuid = ?", [
        vmUuid,
      ]);
      const sql =
        found.length > 0
          ? "UPDATE Map SET HostUuid = ? WHERE VmUuid = ?"
          : "INSERT INTO Map (HostUuid, VmUuid) VALUES (?, ?)";
      await connection.query(sql, [hostUuid, vmUuid]);
    }
    return performance.now() - startedMs;
  } finally {
    await connection.end();
  }
}

async function writeRow(
  connection: Connection,
  { name, columns }: { readonly name: string; readonly columns: readonly string[] },
  [key, ...values]: SqlValue[],
): Promise<void> {
  const [keyColumn, ...others] = columns;
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT ${keyColumn} FROM ${name} WHERE ${keyColumn} = ?`,
    [key],
  );
  const sql =
    found.length > 0
      ? `UPDATE ${name} SET ${others.map((column) => `${column} = ?`).join(", ")} WHERE ${keyColumn} = ?`
      : `INSERT INTO ${name} (${[...others, keyColumn].join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
  await connection.query(sql, [...values, key]);
}
