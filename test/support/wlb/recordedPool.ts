/** The pool that the recorded requests are of, as a snapshot in a database: two hosts, and VMs with the recorded names. */
import { existsSync, readFileSync } from "node:fs";
import { asUuid, type Snapshot, type Vm } from "../../../src/domain/pool.ts";
import { type Database, openDatabase } from "../../../src/store/connection.ts";
import { beginCollection, saveSnapshot } from "../../../src/store/snapshot.ts";
import type { TestDatabase } from "../database.ts";
import { aHost, aSnapshot, aVm } from "../fixtures.ts";

export const poolUuid = asUuid("11111111-0000-4000-8000-000000000001");
export const hostUuids = [1, 2].map((n) => asUuid(`aaaaaaaa-0000-4000-8000-00000000000${n}`));
export const vmUuids = [1, 2, 3].map((n) => asUuid(`bbbbbbbb-0000-4000-8000-00000000000${n}`));

const mebibyte = 1024 * 1024;

/** Host 1 is busy, host 2 idle; the third VM is halted. */
export function recordedPool(change: Partial<Snapshot["pool"]> = {}, halted: Partial<Vm> = {}): Snapshot {
  const [one, two] = hostUuids as [Snapshot["hosts"][0]["uuid"], Snapshot["hosts"][0]["uuid"]];
  const [first, second, third] = vmUuids as [typeof one, typeof one, typeof one];
  const free = { memoryTotalMb: 16_384, memoryFreeMb: 8192, placementFreeBytes: 8192 * mebibyte };
  const snapshot = aSnapshot(
    [
      [
        aHost({ uuid: one, name: "xen1", ip: "192.0.2.10", cpuAverage: 85, isMaster: true, ...free }),
        [
          aVm({ uuid: first, name: "web", vcpuAverage: 80, vcpuNum: 2, memoryMb: 1024 }),
          aVm({ uuid: second, name: "db", vcpuAverage: 80, vcpuNum: 2, memoryMb: 1024 }),
        ],
      ],
      [aHost({ uuid: two, name: "xen2", ip: "192.0.2.11", cpuAverage: 5, ...free }), []],
    ],
    { halted: [aVm({ uuid: third, name: "idle", powerState: "Halted", vcpuAverage: null, ...halted })] },
  );
  return { ...snapshot, pool: { ...snapshot.pool, uuid: poolUuid, name: "recorded", ...change } };
}

/** The pool's record once it is connected to a server that it knows as `host`. */
export function connectedTo(host: string): Partial<Snapshot["pool"]> {
  return { wlbEnabled: true, wlbUrl: `${host}:8012` };
}

/** Stores a collection of it, as xcp-collect would. */
export async function collectRecorded(database: TestDatabase, snapshot: Snapshot): Promise<void> {
  await withDatabase(database, async (db) => {
    await saveSnapshot(db, await beginCollection(db), snapshot, { complete: true });
  });
}

export async function withDatabase<T>(
  database: TestDatabase,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openDatabase(database.admin);
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** The settings that a program needs for the database. */
export function mysqlSettings({ wlb }: TestDatabase): Record<string, string> {
  return {
    MysqlHost: wlb.servers.map(({ host, port }) => `${host}:${port}`).join(","),
    MysqlUsr: wlb.user,
    MysqlPass: wlb.password,
    MysqlDatabase: wlb.database,
  };
}

const folder = new URL("../../../../shared/wlb/recorded/requests/", import.meta.url);

/** Whether the recorded requests lie beside the repository. */
export const hasRecorded: boolean = existsSync(folder);

/** The exact bytes of a recorded request. */
export function recordedRequest(method: string): string {
  return readFileSync(new URL(`${method}.http`, folder), "utf8");
}
