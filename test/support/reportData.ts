/** Days of history as the programs leave them: collections, samples, snapshots, migrations, runs, rules, hosts asleep. */
import { randomUUID } from "node:crypto";
import mysql from "mysql2/promise";
import { asUuid, type Host, type Snapshot, type Uuid, type Vm } from "../../src/domain/pool.ts";
import { type Database, openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { aHost, aSnapshot, aVm, uuid } from "./fixtures.ts";

export interface HistoryWish {
  readonly hosts: number;
  readonly vms: number;
  readonly days: number;
  /** From one collection to the next. */
  readonly everySeconds: number;
  readonly migrations: number;
  /** The names that a stranger chose: each goes to VMs, hosts, errors, reasons, rules and people. */
  readonly names?: readonly string[];
  /** Whether hosts sleep at night by a green rule. */
  readonly green?: boolean;
}

/** What was written, for tests that count it. */
export interface WrittenHistory {
  readonly hosts: readonly Host[];
  readonly vms: readonly Vm[];
  readonly migrations: readonly string[];
  readonly collections: number;
}

const snapshots = 12;

/** Writes the history into an empty database with the schema. The last collection is a few seconds old. */
export async function writeHistory(admin: StoreOptions, wish: HistoryWish): Promise<WrittenHistory> {
  const [server] = admin.servers;
  const { user, password, database } = admin;
  if (server === undefined || !("host" in server)) throw new Error("a server by its address is wanted");
  const connection = await mysql.createConnection({ ...server, user, password, database, timezone: "Z" });
  const db = await openDatabase({ ...admin, statementTimeoutMs: 600_000 });
  try {
    await connection.query("SET SESSION unique_checks = 0, foreign_key_checks = 0, time_zone = '+00:00'");
    return await writeAll(connection, db, wish);
  } finally {
    await db.close();
    await connection.end();
  }
}

async function writeAll(
  connection: mysql.Connection,
  db: Database,
  wish: HistoryWish,
): Promise<WrittenHistory> {
  const { days, everySeconds } = wish;
  const snapshot = poolOf(wish);
  const [[row]] = await connection.query<mysql.RowDataPacket[]>("SELECT UTC_TIMESTAMP() AS now_");
  const end = Math.floor(new Date(row?.["now_"] as Date).getTime() / 1000) - 5;
  const collections = Math.max(snapshots, Math.floor((days * 86_400) / everySeconds));
  const each = Math.floor(collections / snapshots);
  const begin = end - each * snapshots * everySeconds;
  await numbers(connection, each);
  await hostNumbers(connection, snapshot.hosts);
  for (let part = 0; part < snapshots; part++) {
    const first = part * each + 1;
    const at = begin + part * each * everySeconds;
    await synthetic(connection, { first, count: each - 1, at, everySeconds, pool: snapshot.pool.uuid });
    await connection.query("UPDATE CollectionHead SET StartedId = ?, StoredId = ?", [
      first + each - 2,
      first + each - 2,
    ]);
    const start = await beginCollection(db);
    await saveSnapshot(db, start, later(snapshot, part), { complete: true });
    const moment = new Date((at + (each - 1) * everySeconds) * 1000);
    await connection.query("UPDATE Collection SET StartedAt = ?, FinishedAt = ? WHERE Id = ?", [
      moment,
      moment,
      start.id,
    ]);
    await connection.query("UPDATE CollectionPicture SET CollectedAt = ? WHERE CollectionId = ?", [
      moment,
      start.id,
    ]);
  }
  await samples(
    connection,
    begin,
    everySeconds,
    wish.green === false ? wish.hosts : wish.hosts - sleeping(wish.hosts),
  );
  const migrations = await migrate(connection, snapshot, wish, begin, end);
  await runs(connection, wish, begin, end);
  await rules(connection, wish, begin, end);
  await observed(connection, snapshot, wish, begin, end);
  if (wish.green !== false) await sleepers(connection, snapshot.hosts, begin, end);
  return { hosts: snapshot.hosts, vms: snapshot.vms, migrations, collections: each * snapshots };
}

function nameOf({ names = [] }: HistoryWish, place: number, usual: string): string {
  return names.length === 0 ? usual : (names[place % names.length] ?? usual);
}

const trades = ["web", "db", "mail", "build", "cache", "ldap", "files", "win-rdp", "shop", "metrics"];

function poolOf(wish: HistoryWish): Snapshot {
  const hosts = Array.from({ length: wish.hosts }, (_, n) =>
    aHost({
      uuid: uuid(n + 1),
      name: nameOf(wish, n, `xen${String(n + 1).padStart(2, "0")}`),
      cpuNum: 32,
      memoryTotalMb: 262_144,
      memoryFreeMb: 90_000 + 1000 * (n % 7),
      cpuAverage: 40 + (n % 9),
      isMaster: n === 0,
      powerOnMode: "wake-on-lan",
    }),
  );
  const vms = Array.from({ length: wish.vms }, (_, n) =>
    aVm({
      uuid: uuid(1000 + n),
      name: nameOf(
        wish,
        n + 3,
        `${trades[n % trades.length] ?? "vm"}-${String(1 + Math.floor(n / 10)).padStart(2, "0")}`,
      ),
      vcpuNum: [2, 4, 8, 16][n % 4] ?? 2,
      vcpuAverage: (n * 37) % 90,
      memoryMb: 1024 * (1 + ((n * 7) % 32)),
      vif0RxKb: (n * 131) % 4000,
      vif0TxKb: (n * 71) % 2500,
    }),
  );
  const placed = hosts.map((host, at) => [host, vms.filter((_, n) => n % wish.hosts === at)] as const);
  const { pool, ...rest } = aSnapshot(placed);
  return { ...rest, vms, pool: { ...pool, name: nameOf(wish, 0, "production") } };
}

/** The same pool with other measures. */
function later(snapshot: Snapshot, turn: number): Snapshot {
  return {
    ...snapshot,
    vms: snapshot.vms.map((vm, n) => ({
      ...vm,
      vcpuAverage: Math.abs(((vm.vcpuAverage ?? 0) + turn * (n % 5)) % 97),
      cpuWait: n % 3 === 0 ? (n * 7 + turn * 3) % 12 : 0,
    })),
  };
}

async function numbers(connection: mysql.Connection, count: number): Promise<void> {
  await connection.query("CREATE TEMPORARY TABLE Digit (d INT PRIMARY KEY)");
  await connection.query("INSERT INTO Digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)");
  await connection.query("CREATE TEMPORARY TABLE Number_ (n INT PRIMARY KEY)");
  let power = 1;
  await connection.query("INSERT INTO Number_ VALUES (0)");
  for (; power < count; power *= 10) {
    // A temporary table cannot be read twice in a statement.
    await connection.query("CREATE TEMPORARY TABLE Before_ AS SELECT n FROM Number_");
    await connection.query("INSERT INTO Number_ SELECT n + d * ? FROM Before_ JOIN Digit WHERE d > 0", [
      power,
    ]);
    await connection.query("DROP TEMPORARY TABLE Before_");
  }
}

/** What each host is like, for the arithmetic below. */
async function hostNumbers(connection: mysql.Connection, hosts: readonly Host[]): Promise<void> {
  await connection.query("CREATE TEMPORARY TABLE HostShape (uuid CHAR(36) PRIMARY KEY, n INT, base DOUBLE)");
  await connection.query("INSERT INTO HostShape VALUES ?", [
    hosts.map(({ uuid: own }, n) => [own, n, 14 * Math.sin(n * 2.4) + 6 * Math.sin(n * 0.7)]),
  ]);
}

interface Stretch {
  readonly first: number;
  readonly count: number;
  readonly at: number;
  readonly everySeconds: number;
  readonly pool: string;
}

async function synthetic(
  connection: mysql.Connection,
  { first, count, at, everySeconds, pool }: Stretch,
): Promise<void> {
  await connection.query(
    `INSERT INTO Collection (Id, Token, StartedAt, FinishedAt, PoolUuid, HostsRead, HostsUnread, Vms, Complete, DurationMs)
     SELECT ? + n, '', TIMESTAMPADD(SECOND, n * ?, ?), TIMESTAMPADD(SECOND, n * ?, ?), ?, 1, 0, 1, TRUE, 400 FROM Number_ WHERE n < ?`,
    [first, everySeconds, new Date(at * 1000), everySeconds, new Date(at * 1000), pool, count],
  );
}

/** Days and nights, a hot host by turns that comes down again, and noise. */
async function samples(
  connection: mysql.Connection,
  begin: number,
  everySeconds: number,
  awake: number,
): Promise<void> {
  await connection.query("DELETE FROM HostSample");
  const seconds = "TIMESTAMPDIFF(SECOND, '1970-01-01', StartedAt)";
  const hot = `CASE WHEN n = (Id * ? DIV 21600) % (SELECT COUNT(*) FROM Host) AND (Id * ?) % 21600 < 9000 THEN 34 ELSE 0 END`;
  const noise = "((Id * 7919 + n * 104729) % 1000) / 1000";
  await connection.query(
    `INSERT INTO HostSample (CollectionId, HostUuid, CollectedAt, CpuAverage, MemoryTotalMb, MemoryFreeMb, PifEth0RxKb, PifEth0TxKb, Dom0LoadAvg)
     SELECT Id, uuid, StartedAt,
            LEAST(99, GREATEST(2, 34 + base + 16 * SIN(2 * PI() * (${seconds} / 86400 - 0.35)) + ${hot} + 9 * ${noise})),
            262144, 90000 + 900 * (n % 7) + 4000 * ${noise}, 2000 + 900 * ${noise}, 1500 + 700 * ${noise}, 0.4
       FROM Collection JOIN HostShape
      WHERE NOT (n = 1 AND ${seconds} BETWEEN ? AND ?)
        AND NOT (n >= ? AND (${seconds} + 7200) % 86400 BETWEEN 200 AND 28400)`,
    [everySeconds, everySeconds, begin + 20_000, begin + 40_000, awake],
  );
}

async function migrate(
  connection: mysql.Connection,
  { hosts, vms }: Snapshot,
  wish: HistoryWish,
  begin: number,
  end: number,
): Promise<readonly string[]> {
  const step = (end - begin - 7200) / Math.max(1, wish.migrations);
  const rows = Array.from({ length: wish.migrations }, (_, n) => {
    const at = begin + 3600 + n * step + ((n * 977) % 900);
    const [source, target] = pairOf(hosts, n);
    const bad = n % 11 === 4 ? "failed" : n % 17 === 6 ? "refused" : n % 23 === 9 ? "cancelled" : "succeeded";
    const gib = 1 + ((n * 5) % 24);
    const expected = gib * 9.2;
    const seconds = bad === "refused" ? null : expected * (0.7 + ((n * 31) % 100) / 110);
    const collection = Math.floor((at - begin) / wish.everySeconds) + 1;
    const reason = nameOf(
      wish,
      n,
      `${hosts[n % hosts.length]?.name ?? ""} is 31.2 % above the mean of CpuAverage, allowed 25`,
    );
    const error = bad === "succeeded" ? null : nameOf(wish, n + 1, errors[n % errors.length] ?? "");
    return [
      randomUUID(),
      `run-${Math.floor(n / 3)}`,
      1,
      vms[(n * 13) % vms.length]?.uuid ?? "",
      source,
      target,
      n % 19 === 7 ? null : "CpuAverage",
      n % 19 === 7 ? null : 25,
      reason,
      JSON.stringify({ mean: 44, sourceBefore: 78, sourceAfter: 61, expectedSeconds: expected }),
      collection,
      bad,
      new Date(at * 1000),
      bad === "refused" ? null : new Date(at * 1000),
      new Date((at + (seconds ?? 0)) * 1000),
      gib * 1024 ** 3,
      seconds,
      error,
      collection + Math.ceil((seconds ?? 0) / wish.everySeconds),
      n % 19 === 7 ? "evacuation" : n % 13 === 5 ? "green" : "rules",
    ];
  });
  if (rows.length === 0) return [];
  await connection.query(
    `INSERT INTO Migration (Id, RunId, Token, VmUuid, SourceUuid, DestinationUuid, Subject, Threshold, Reason, Figures, CollectionId,
       State, PlannedAt, SubmittedAt, FinishedAt, MemoryBytes, Seconds, Error, CollectionsAtEnd, Cause) VALUES ?`,
    [rows],
  );
  return rows.map(([id]) => String(id));
}

/** What a fortnight of observing would have done. */
async function observed(
  connection: mysql.Connection,
  { hosts, vms }: Snapshot,
  wish: HistoryWish,
  begin: number,
  end: number,
): Promise<void> {
  const count = Math.ceil(wish.migrations / 4);
  const rows = Array.from({ length: count }, (_, n) => {
    const at = begin + 1800 + (n * (end - begin - 20_000)) / Math.max(1, count);
    const last = at + 300 * (1 + ((n * 17) % 40));
    const [source, target] = pairOf(hosts, n);
    const isMove = n % 5 !== 3;
    return [
      randomUUID(),
      isMove ? "move" : "shut down",
      isMove ? (vms[(n * 29) % vms.length]?.uuid ?? "") : source,
      isMove ? source : null,
      isMove ? target : null,
      isMove ? "rules" : "green",
      isMove ? "CpuAverage > 25" : null,
      nameOf(wish, n, `${hosts[n % hosts.length]?.name ?? ""} would have been relieved`),
      "{}",
      isMove ? (1 + (n % 9)) * 1024 ** 3 : null,
      1,
      1,
      new Date(at * 1000),
      new Date(last * 1000),
      1 + ((n * 17) % 40),
      "run",
    ];
  });
  if (rows.length > 0) await connection.query("INSERT INTO ObservedAction VALUES ?", [rows]);
}

const errors = [
  "VM_BAD_POWER_STATE: running, Suspended",
  "HOST_NOT_ENOUGH_FREE_MEMORY: needs 4.0 GiB, has 1.2 GiB",
  "took longer than 720 s, cancelled",
];

function pairOf(hosts: readonly Host[], n: number): readonly [Uuid, Uuid] {
  const source = (n * 7) % hosts.length;
  const target = (source + 1 + ((n * 3) % Math.max(1, hosts.length - 1))) % hosts.length;
  const uuidOf = (place: number) => hosts[place]?.uuid ?? asUuid("");
  return [uuidOf(source), uuidOf(target)];
}

async function runs(
  connection: mysql.Connection,
  wish: HistoryWish,
  begin: number,
  end: number,
): Promise<void> {
  const each = Math.max(300, Math.floor((end - begin) / 4000));
  const rows: unknown[][] = [];
  for (let at = begin, n = 0; at < end; at += each, n++) {
    const [outcome, detail] =
      n % 29 === 3
        ? ["refused", `refused: age of data: collected ${600 + n} s ago, limit 300 s; run xcp-collect`]
        : n % 67 === 5
          ? [
              "refused",
              "refused: paused: paused by ann@desk7 3 h ago: storage work, limit until somebody resumes; xcp-manager -e 'RESUME CONTROL' ends it",
            ]
          : n % 101 === 8
            ? ["failed", nameOf(wish, n, "Unable to reach the pool: connect ECONNREFUSED 192.0.2.1:443")]
            : n % 9 === 0
              ? ["done", "1 VM moved"]
              : ["nothing", "nothing to do"];
    rows.push([
      randomUUID(),
      "xcp-control",
      "desk7",
      1,
      new Date(at * 1000),
      new Date((at + 3) * 1000),
      outcome,
      0,
      detail,
    ]);
  }
  await connection.query(
    "INSERT INTO ProgramRun (Id, Program, HostName, Pid, StartedAt, FinishedAt, Outcome, ExitCode, Detail) VALUES ?",
    [rows],
  );
}

async function rules(
  connection: mysql.Connection,
  wish: HistoryWish,
  begin: number,
  end: number,
): Promise<void> {
  const third = (end - begin) / 3;
  const ann = nameOf(wish, 4, "ann@desk7");
  await connection.query("INSERT INTO HostRule VALUES ('CpuAverage', 25)");
  const named = (wish.names?.[0] ?? "night").slice(0, 90);
  await connection.query(
    "INSERT INTO AddedRule (Id, Kind, Name, Remark, Enabled, SpareHosts) VALUES (1, 'GREEN', ?, ?, TRUE, 1)",
    [named, nameOf(wish, 1, "after hours")],
  );
  await connection.query("INSERT INTO RuleTerm VALUES (1, 0, 'CpuAverage', 'below', 70)");
  await connection.query(
    "INSERT INTO RuleHistory (Id, ChangedAt, ChangedBy, Action, Kind, RuleId, RuleBefore, RuleAfter) VALUES ?",
    [
      [
        [
          1,
          new Date((begin + third) * 1000),
          ann,
          "alter",
          "HOST",
          null,
          "CpuAverage > 35",
          "CpuAverage > 30",
        ],
        [
          2,
          new Date((begin + 1.6 * third) * 1000),
          "bob@jump",
          "alter",
          "HOST",
          null,
          "CpuAverage > 30",
          "CpuAverage > 25",
        ],
        [
          3,
          new Date((begin + 2 * third) * 1000),
          nameOf(wish, 2, "bob@jump"),
          "create",
          "GREEN",
          1,
          null,
          `KEEP CpuAverage BELOW 70 % WITH 1 SPARE HOST NAME "${named}"`,
        ],
      ],
    ],
  );
}

function sleeping(hosts: number): number {
  return Math.max(1, Math.floor(hosts / 5));
}

/** A fifth of the hosts sleep from 22:00 until 06:00. */
async function sleepers(
  connection: mysql.Connection,
  hosts: readonly Host[],
  begin: number,
  end: number,
): Promise<void> {
  const own = hosts.slice(-sleeping(hosts.length));
  const rows: unknown[][] = [];
  for (let midnight = Math.floor(begin / 86_400) * 86_400; midnight < end; midnight += 86_400) {
    for (const [n, { uuid: host }] of own.entries()) {
      const down = midnight - 2 * 3600 + n * 240;
      const up = midnight + 6 * 3600 - n * 180;
      if (down < begin || up > end) continue;
      rows.push([randomUUID(), host, "", "", new Date(down * 1000), "shut down", "nothing left to do"]);
      rows.push([randomUUID(), host, "", "", new Date(up * 1000), "wake", "the morning is coming"]);
    }
  }
  const [first] = own;
  if (first !== undefined) {
    rows.push([
      randomUUID(),
      first.uuid,
      "",
      "",
      new Date((end - 9000) * 1000),
      "failed",
      "it did not answer within 15 min",
    ]);
  }
  await connection.query(
    "INSERT INTO HostRestEvent (Id, HostUuid, PoolUuid, RunId, HappenedAt, Kind, Reason) VALUES ?",
    [rows],
  );
}
