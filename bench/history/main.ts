/**
 * What a week of history costs: a simulated pool is collected every 10 s of its own time and stored as xcp-collect
 * stores it; the rows' bytes and the table's file are measured. `npm run bench -- history [hosts vms collections]`.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import mysql, { type Connection, type RowDataPacket } from "mysql2/promise";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { PrivateServer } from "../../src/privateServer/privateServer.ts";
import { startProjectServer } from "../../src/privateServer/projectServer.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import { type Database, openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { loadHistory } from "../../src/store/history.ts";
import { pruneHistory } from "../../src/store/historyRetention.ts";
import { installSchema } from "../../src/store/schema/schema.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { readInventory } from "../../src/xapi/inventory.ts";
import { readMeasures } from "../../src/xapi/rrdUpdates.ts";
import { toSnapshot } from "../../src/xapi/snapshot.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";

const everySeconds = 10;
const collectionsOfWeek = (7 * 86_400) / everySeconds;
/** As src/store/history.ts has it. */
const differencesPerWhole = 360;
/** Collections between two migrations: 12 an hour. */
const collectionsPerMove = 30;
/** Rows to fill the tables up to, by copies of what was measured, so that the files' sizes mean something. */
const filledRows = 6_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const [hosts = 64, vms = 2400, collections = 60] = process.argv.slice(2).map(Number);
  const server = await startProjectServer({ name: `bench-history-${process.pid}`, say: () => {} });
  try {
    const options: StoreOptions = {
      servers: [{ host: server.host, port: server.port }],
      user: server.rootUser,
      password: server.rootPassword,
      database: "Xen",
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 60_000,
    };
    await installSchema(options);
    const db = await openDatabase(options);
    const admin = await connect(server);
    try {
      say(
        `pool of ${hosts} hosts and ${vms} VMs, ${collections} collections, one every ${everySeconds} s, ${server.version}`,
      );
      await collectAll(db, hosts, vms, collections);
      await report(db, admin, hosts);
    } finally {
      await admin.end();
      await db.close();
    }
  } finally {
    await server.stop();
  }
}

function connect({ host, port, rootUser, rootPassword }: PrivateServer): Promise<Connection> {
  return mysql.createConnection({ host, port, user: rootUser, password: rootPassword, database: "Xen" });
}

async function collectAll(db: Database, hosts: number, vms: number, collections: number): Promise<void> {
  const pool = SimulatedPool.fromScenario(`generate hosts=${hosts} vms=${vms} seed=7`, { manualClock: true });
  const simulator = await startSimulator(pool, { http: true, https: false });
  const client = await connectXapi({
    urls: [simulator.masterUrl],
    user: "root",
    password: "xenroot",
    trust: { kind: "system" },
    minTlsVersion: "TLSv1.2",
    connectTimeoutMs: 5_000,
    callTimeoutMs: 60_000,
    maxResponseBytes: 2 ** 28,
    originator: "bench",
    signal: new AbortController().signal,
  });
  try {
    const saveMs: number[] = [];
    for (let turn = 0; turn < collections; turn++) {
      await pool.clock.advance(everySeconds * 1000);
      if (turn % collectionsPerMove === 1) moveOne(pool, turn);
      const snapshot = await read(client);
      const startedMs = performance.now();
      await saveSnapshot(db, await beginCollection(db), snapshot, { complete: true });
      saveMs.push(performance.now() - startedMs);
    }
    say(`save: median ${median(saveMs).toFixed(0)} ms (whole transaction, history included)`);
  } finally {
    await client.close();
    await simulator.stop();
    pool.close();
  }
}

function moveOne({ db }: SimulatedPool, turn: number): void {
  const guests = db.all("VM").filter((vm) => db.get("VM", vm, "is_control_domain") !== true);
  const hosts = db.all("host");
  const vm = guests[(turn * 7919) % guests.length];
  const host = hosts[(turn * 31) % hosts.length];
  if (vm !== undefined && host !== undefined) db.set("VM", vm, "resident_on", host);
}

async function read(client: XapiClient): Promise<Snapshot> {
  const inventory = await readInventory(client);
  const measures = await readMeasures(client, inventory, {
    method: "rrd",
    parallelCalls: 16,
    hostTimeoutMs: 60_000,
    eth0Device: "eth0",
    signal: new AbortController().signal,
  });
  return toSnapshot(inventory, measures, "eth0");
}

async function report(db: Database, admin: Connection, hosts: number): Promise<void> {
  const number = async (sql: string): Promise<number> => {
    const [rows] = await admin.query<RowDataPacket[]>(sql);
    return Number(Object.values(rows[0] ?? {})[0]);
  };
  const wholeBytes = await number("SELECT AVG(LENGTH(Picture)) FROM CollectionPicture WHERE BaseId IS NULL");
  const differenceBytes = await number(
    "SELECT AVG(LENGTH(Picture)) FROM CollectionPicture WHERE BaseId IS NOT NULL",
  );
  const wholes = await number("SELECT COUNT(*) FROM CollectionPicture WHERE BaseId IS NULL");
  say(`picture, whole: ${kb(wholeBytes)} (${wholes} of them); difference: ${kb(differenceBytes)}`);
  await measureReading(db);
  const perPicture = await fileBytesPerRow(admin, number, "CollectionPicture");
  const perSample = await fileBytesPerRow(admin, number, "HostSample");
  const ofWholes = (collectionsOfWeek / (differencesPerWhole + 1)) * (wholeBytes - differenceBytes);
  say(`in InnoDB's files: ${kb(perPicture)} a difference, ${perSample.toFixed(0)} bytes a host sample`);
  say(`a week (${collectionsOfWeek} collections): pictures ${gb(collectionsOfWeek * perPicture + ofWholes)}`);
  say(`30 days of host samples: ${gb((30 / 7) * collectionsOfWeek * hosts * perSample)}`);
  await admin.query("UPDATE CollectionPicture SET CollectedAt = '2020-01-01'");
  await admin.query("UPDATE HostSample SET CollectedAt = '2020-01-01'");
  const startedMs = performance.now();
  const deleted = await pruneHistory(
    db,
    { hostSampleDays: 30, snapshotDays: 7 },
    new AbortController().signal,
  );
  say(`a run's deletions at most: ${deleted} rows in ${(performance.now() - startedMs).toFixed(0)} ms`);
}

async function measureReading(db: Database): Promise<void> {
  const startedMs = performance.now();
  let count = 0;
  for await (const _ of loadHistory(db, { since: new Date(0), until: new Date("2200-01-01") })) count++;
  const each = (performance.now() - startedMs) / count;
  say(`reading back: ${each.toFixed(1)} ms a picture`);
}

/** Fills the table with copies of its newest rows, and divides the growth of its file by their number. */
async function fileBytesPerRow(
  admin: Connection,
  number: (sql: string) => Promise<number>,
  table: "CollectionPicture" | "HostSample",
): Promise<number> {
  const [columns, where] =
    table === "CollectionPicture"
      ? ["BaseId, CollectedAt, Format, Picture", "BaseId IS NOT NULL"]
      : [
          "HostUuid, CollectedAt, CpuAverage, MemoryTotalMb, MemoryFreeMb, PifEth0RxKb, PifEth0TxKb, Dom0LoadAvg",
          "TRUE",
        ];
  const [[first]] = (await admin.query<RowDataPacket[]>(
    `SELECT MIN(CollectionId) AS a, MAX(CollectionId) AS b FROM ${table} WHERE ${where}`,
  )) as [RowDataPacket[], unknown];
  const [from, to] = [Number(first?.["a"]), Number(first?.["b"])];
  const before = {
    rows: await number(`SELECT COUNT(*) FROM ${table}`),
    bytes: await fileBytes(number, admin, table),
  };
  for (let id = to + 1; id < filledRows; id += to - from + 1) {
    await admin.query(
      `INSERT INTO ${table} (CollectionId, ${columns}) SELECT CollectionId + ?, ${columns} FROM ${table}
        WHERE CollectionId BETWEEN ? AND ? AND ${where}`,
      [id - from, from, to],
    );
  }
  const after = {
    rows: await number(`SELECT COUNT(*) FROM ${table}`),
    bytes: await fileBytes(number, admin, table),
  };
  return (after.bytes - before.bytes) / (after.rows - before.rows);
}

async function fileBytes(
  number: (sql: string) => Promise<number>,
  admin: Connection,
  table: string,
): Promise<number> {
  await number("SELECT 1");
  const [[row]] = (await admin.query("SELECT @@datadir AS folder")) as [RowDataPacket[], unknown];
  return (await stat(join(String(row?.["folder"]), "Xen", `${table}.ibd`))).size;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function kb(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

function gb(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(2)} GB`;
}

await main();
