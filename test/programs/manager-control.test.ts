/** xcp-manager's answers about xcp-control, as a process on a real database: golden texts, JSON, exit codes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { asUuid, type Uuid } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { type Database, openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { exclude, listExclusions } from "../../src/store/exclusions.ts";
import { isLeaseToken, type LeaseToken, takeLease } from "../../src/store/lease.ts";
import { closeMigration, type End, markSubmitted, planMigration } from "../../src/store/migrations.ts";
import { pauseControl, pauseStatus } from "../../src/store/pause.ts";
import { finishRun, startRun } from "../../src/store/runs.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { planFaults } from "../support/planSchema.ts";
import { type ProgramOptions, type ProgramResult, runProgram } from "../support/programs.ts";
import { thesisPool } from "./managerPool.ts";

let database: TestDatabase;
let control: Database;
let collect: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  control = await openDatabase(database.control);
  collect = await openDatabase(database.collect);
  await saveSnapshot(collect, await beginCollection(collect), thesisPool, { complete: true });
});

afterAll(async () => {
  await control?.close();
  await collect?.close();
  await database?.drop();
});

beforeEach(() =>
  sql(
    "DELETE FROM Migration",
    "DELETE FROM ProgramRun",
    "DELETE FROM Exclusion",
    "UPDATE Lease SET RunId = NULL",
    "UPDATE Breaker SET Trips = 0, OpenUntil = NULL, CountFrom = NULL, OpenedAt = NULL, Reason = NULL",
    "UPDATE Pause SET Paused = FALSE",
  ),
);

function sql(...statements: string[]): Promise<void> {
  return asRoot(statements, database.admin.database);
}

function manager(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return runProgram("xcp-manager", args, { settings: settingsOf(database.manager), ...options });
}

function settingsOf({
  servers: [server],
  user,
  password,
  database: name,
}: StoreOptions): Record<string, string> {
  return {
    MysqlHost: `${server?.host}:${server?.port}`,
    MysqlUsr: user,
    MysqlPass: password,
    MysqlDatabase: name,
  };
}

async function jsonOf(command: string) {
  const result = await manager(["--json", "-e", command]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  return JSON.parse(result.stdout);
}

const vm2 = asUuid("67bad7be-dcce-a819-f7e2-9c92c9e626bc");
const host1 = asUuid("eb966de6-276a-0428-2ecb-d1b2a69eff57");
const host2 = asUuid("6874ed0e-e89f-3fb4-306c-0ae78732ed62");
const cpu: Rule = { subject: "CpuAverage", threshold: 25 };
const memory: Rule = { subject: "OccupiedMemoryMb", threshold: 200 };

async function leaseToken(): Promise<LeaseToken> {
  const taken = await takeLease(control, crypto.randomUUID(), "host db1, pid 7", 60_000);
  if (!isLeaseToken(taken)) throw new Error(`the lease is held by ${taken.holder}`);
  return taken;
}

interface Told {
  readonly vm?: Uuid;
  readonly from?: Uuid;
  readonly to?: Uuid;
  readonly rule?: Rule | null;
  readonly reason?: string;
  readonly end?: End | null;
  /** When it was planned and closed: SQL. */
  readonly planned?: string;
  readonly finished?: string;
}

/** A migration as control writes it down, by the functions that control uses; then its times are set. */
async function migrated(owner: LeaseToken, told: Told = {}): Promise<string> {
  const planned = await planMigration(
    control,
    owner,
    {
      vm: told.vm ?? vm2,
      source: told.from ?? host2,
      destination: told.to ?? host1,
      rule: told.rule === undefined ? cpu : told.rule,
      cause: "rules",
      reason: told.reason ?? "VM2 - Debian: Host2 -> Host1",
      figures: { mean: 62.5, sourceBefore: 99.8, sourceAfter: 50.333 },
      collectionId: 1,
      memoryBytes: 256 * 2 ** 20,
    },
    1000,
  );
  if (!("id" in planned)) throw new Error(planned.kind);
  const end = told.end === undefined ? { state: "succeeded" as const, error: null, seconds: 12.8 } : told.end;
  if (end?.state !== "refused") await markSubmitted(control, owner, planned.id, "OpaqueRef:task");
  if (end !== null) await closeMigration(control, owner, planned.id, end);
  const finished = end === null ? "NULL" : (told.finished ?? "'2026-01-02 03:04:18'");
  const submitted = end?.state === "refused" ? "NULL" : "'2026-01-02 03:04:06'";
  await sql(
    `UPDATE Migration SET PlannedAt = ${told.planned ?? "'2026-01-02 03:04:05'"}, FinishedAt = ${finished},
            SubmittedAt = ${submitted} WHERE Id = '${planned.id}'`,
  );
  return planned.id;
}

describe("SHOW MIGRATIONS", () => {
  test("lists the newest first: when, what, how it ended, how fast, and why", async () => {
    const owner = await leaseToken();
    const first = await migrated(owner);
    const second = await migrated(owner, {
      rule: null,
      reason: "asked for by --evacuate",
      end: { state: "refused", error: "HOST_DISABLED: Host1", seconds: null },
      planned: "'2026-01-02 03:05:00'",
    });
    const third = await migrated(owner, { end: null, planned: "'2026-01-02 03:06:00'", rule: memory });
    const result = await manager(["-e", "SHOW MIGRATIONS"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toBe(
      `- ${third.slice(0, 8)} - 2026-01-02 03:06:00 UTC - VM2 - Debian: Host2 -> Host1 - running - 256 MB - OccupiedMemoryMb > 200 MB
- ${second.slice(0, 8)} - 2026-01-02 03:05:00 UTC - VM2 - Debian: Host2 -> Host1 - refused - 256 MB - asked for by --evacuate - HOST_DISABLED: Host1
- ${first.slice(0, 8)} - 2026-01-02 03:04:05 UTC - VM2 - Debian: Host2 -> Host1 - succeeded - 12.8 s, 256 MB, 20 MB/s - CpuAverage > 25 %
`,
    );
    const newest = await manager(["-e", "SHOW MIGRATIONS 1"]);
    expect(newest.stdout.split("\n")).toHaveLength(2);
    expect(newest.stdout).toContain(third.slice(0, 8));
    expect((await jsonOf("SHOW MIGRATIONS 2")).map(({ id }: { id: string }) => id)).toEqual([third, second]);
  });

  test("says so on standard error when there is none", async () => {
    const result = await manager(["-e", "SHOW MIGRATIONS"]);
    expect(result).toMatchObject({ code: 0, stdout: "" });
    expect(result.stderr).toContain("has migrated nothing yet");
    expect(JSON.parse((await manager(["--json", "-e", "SHOW MIGRATIONS"])).stdout)).toEqual([]);
  });
});

describe("SHOW MIGRATION", () => {
  test("shows one with the figures that it was decided by", async () => {
    const owner = await leaseToken();
    const id = await migrated(owner);
    const result = await manager(["-e", `SHOW MIGRATION ${id.slice(0, 13).toUpperCase()}`]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toBe(`Migration - ${id}
VM - 67bad7be-dcce-a819-f7e2-9c92c9e626bc - VM2 - Debian
From - 6874ed0e-e89f-3fb4-306c-0ae78732ed62 - Host2
To - eb966de6-276a-0428-2ecb-d1b2a69eff57 - Host1
State - succeeded
Planned - 2026-01-02 03:04:05 UTC
Submitted - 2026-01-02 03:04:06 UTC
Finished - 2026-01-02 03:04:18 UTC
Seconds - 12.8
Memory to copy (MB) - 256
Rate (MB/s) - 20
Rule - CpuAverage > 25 %
Reason - VM2 - Debian: Host2 -> Host1
Collection - 1
Run - ${owner.runId}
Task - OpaqueRef:task
Error - -
Figures at decision: 3
- Mean - 62.5
- Source before - 99.8
- Source after - 50.33
`);
    expect(await jsonOf(`SHOW MIGRATION ${id}`)).toMatchObject({
      id,
      state: "succeeded",
      vmName: "VM2 - Debian",
      sourceName: "Host2",
      destinationName: "Host1",
      plannedAt: "2026-01-02T03:04:05.000Z",
      memoryBytes: 268_435_456,
      mbPerSecond: 20,
      rule: { subject: "CpuAverage", threshold: 25, unit: "%" },
      figures: { mean: 62.5, sourceBefore: 99.8, sourceAfter: 50.333 },
    });
  });

  test("ends with 2 where no id or several begin so", async () => {
    const owner = await leaseToken();
    const [one, two] = [await migrated(owner), await migrated(owner)];
    await sql(`UPDATE Migration SET Id = CONCAT('aaaa', SUBSTRING(Id, 5)) WHERE Id IN ('${one}', '${two}')`);
    const several = await manager(["-e", "SHOW MIGRATION aaaa"]);
    expect(several).toMatchObject({ code: 2, stdout: "" });
    for (const id of [one, two]) expect(several.stderr).toContain(`aaaa${id.slice(4)}`);
    const none = await manager(["-e", "SHOW MIGRATION bbbb"]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toContain('There is no migration "bbbb"');
  });
});

describe("SHOW COSTS", () => {
  test("says what is assumed before anything was measured", async () => {
    expect((await manager(["-e", "SHOW COSTS"])).stdout).toBe(
      "Whole pool - 119 MB/s, assumed: no migration was measured yet\nPairs of hosts with figures of their own - 0\n",
    );
  });

  test("tells the rates and dirty factors that were measured, of the pool and of pairs with three of their own", async () => {
    const owner = await leaseToken();
    for (const seconds of [5, 5, 10])
      await migrated(owner, { end: { state: "succeeded", error: null, seconds } });
    await sql(`UPDATE Migration SET MemoryBytes = ${1000 * 1024 * 1024}`);
    expect((await manager(["-e", "SHOW COSTS"])).stdout).toMatch(
      /^Whole pool - 200 MB\/s, dirty factor 1, measured in 3 migrations\nPairs .* - 1\n- Host2 -> Host1 - 200 MB\/s, dirty factor 1, /,
    );
    expect(await jsonOf("SHOW COSTS")).toMatchObject({
      pool: { bytesPerSecond: 200 * 1024 * 1024, dirtyFactor: 1, samples: 3 },
      pairs: [{ source: host2, sourceName: "Host2", destination: host1, samples: 3 }],
    });
  });
});

describe("SHOW FLAPS", () => {
  test("tells which VM came back, after how long, and what that points to", async () => {
    const owner = await leaseToken();
    const away = await migrated(owner, {
      reason: "CpuAverage Host2 99.8 -> 50.3",
      finished: "UTC_TIMESTAMP() - INTERVAL 40 MINUTE",
    });
    const back = await migrated(owner, {
      from: host1,
      to: host2,
      rule: memory,
      reason: "OccupiedMemoryMb Host1 2800 -> 2544",
      finished: "UTC_TIMESTAMP() - INTERVAL 10 MINUTE",
    });
    // The log is read by when rows were written.
    await sql("UPDATE Migration SET PlannedAt = FinishedAt - INTERVAL 20 SECOND");
    const text = await manager(["-e", "SHOW FLAPS"]);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "TIME")).toBe(`Flaps of the last 7 d: 1
- VM2 - Debian - back on Host2 30 min after it left, 10 min ago - the rules fight each other: CpuAverage > 25 % and OccupiedMemoryMb > 200 MB
  left TIME (${away.slice(0, 8)}): CpuAverage Host2 99.8 -> 50.3
  back TIME (${back.slice(0, 8)}): OccupiedMemoryMb Host1 2800 -> 2544
`);
    expect(await jsonOf("SHOW FLAPS")).toMatchObject({
      days: 7,
      count: 1,
      flaps: [{ vm: vm2, vmName: "VM2 - Debian", host: host2, hostName: "Host2", away: { id: away } }],
    });
    const status = await manager(["-e", "SHOW STATUS"]);
    expect(status.stdout).toContain(
      "Flaps of the last day - 1\n- VM2 - Debian - back on Host2 - the rules fight each other",
    );
  });

  test("knows of none where no VM came back", async () => {
    await migrated(await leaseToken());
    expect((await manager(["-e", "SHOW FLAPS"])).stdout).toBe("Flaps of the last 7 d: 0\n");
  });
});

describe("PAUSE CONTROL", () => {
  test("stops control until somebody resumes, with who and why", async () => {
    const paused = await manager(["-e", "PAUSE CONTROL REASON new storage"]);
    expect(paused).toMatchObject({ code: 0, stderr: "", stdout: "Control is paused until RESUME CONTROL\n" });
    expect(await pauseStatus(control)).toMatchObject({ reason: "new storage", until: null });
    expect((await pauseStatus(control))?.by).toMatch(/^[^@]+@[^@]+$/);
    const resumed = await manager(["-e", "RESUME CONTROL"]);
    expect(resumed).toMatchObject({ code: 0, stderr: "", stdout: "Control resumed\n" });
    expect(await pauseStatus(control)).toBeNull();
    const again = await manager(["-e", "RESUME CONTROL"]);
    expect(again).toMatchObject({ code: 0, stdout: "" });
    expect(again.stderr).toContain("Control was not paused");
  });

  test("ends by itself after the time that was given", async () => {
    const result = await jsonOf("PAUSE CONTROL FOR 2h REASON x");
    expect(result).toMatchObject({ paused: { reason: "x" }, openMigrations: 0 });
    const { since, until } = result.paused;
    expect(Date.parse(until) - Date.parse(since)).toBe(7_200_000);
    const text = await manager(["-e", "PAUSE CONTROL FOR 1d"]);
    expect(text.stdout).toMatch(/^Control is paused until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n$/);
    expect(await jsonOf("RESUME CONTROL")).toEqual({ resumed: true });
  });

  test("says that a migration which was begun goes on", async () => {
    await migrated(await leaseToken(), { end: null });
    const result = await manager(["-e", "PAUSE CONTROL"]);
    expect(result.stderr).toContain("1 migration that was begun goes on.");
  });

  test("with a wrong time ends with 2, and nothing is paused", async () => {
    const result = await manager(["-e", "PAUSE CONTROL FOR 2"]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("with its unit, as in 90s, 30m, 2h or 1d");
    expect(await pauseStatus(control)).toBeNull();
  });
});

describe("EXCLUDE and INCLUDE", () => {
  test("keep a VM and a host out of control's plans, and take that back", async () => {
    const excluded = await manager([
      "-e",
      "EXCLUDE VM VM2 - Debian REASON licence is bound to Host2",
      "-e",
      "EXCLUDE HOST Host1",
      "-e",
      "SHOW EXCLUSIONS",
    ]);
    expect(excluded).toMatchObject({ code: 0, stderr: "" });
    expect(
      excluded.stdout.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "TIME").replace(/by \S+@\S+/g, "by ME"),
    ).toBe(`VM excluded
Host excluded
- VM - ${vm2} - VM2 - Debian - by ME - TIME - licence is bound to Host2
- Host - ${host1} - Host1 - by ME - TIME - -
`);
    expect(await jsonOf("SHOW EXCLUSIONS")).toMatchObject([
      { kind: "VM", uuid: vm2, name: "VM2 - Debian", reason: "licence is bound to Host2" },
      { kind: "HOST", uuid: host1, name: "Host1", reason: "" },
    ]);
    expect(await jsonOf("INCLUDE VM 67bad")).toEqual({
      included: { kind: "VM", uuid: vm2, name: "VM2 - Debian" },
    });
    expect((await manager(["-e", "INCLUDE HOST Host1"])).stdout).toBe("Host included\n");
    expect(await listExclusions(control)).toEqual([]);
  });

  test("a second exclusion gives the new reason", async () => {
    await manager(["-e", "EXCLUDE HOST Host1 REASON a", "-e", "EXCLUDE HOST Host1 REASON b"]);
    expect(await listExclusions(control)).toMatchObject([{ kind: "HOST", uuid: host1, reason: "b" }]);
  });

  test("INCLUDE finds by its uuid what has left the pool", async () => {
    const gone = asUuid("11111111-2222-4333-8444-555555555555");
    const writer = await openDatabase(database.manager);
    await exclude(writer, { kind: "VM", uuid: gone, by: "", reason: "" });
    await writer.close();
    const result = await manager(["-e", "SHOW EXCLUSIONS", "-e", "INCLUDE VM 1111"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(
      /^- VM - 1{8}-2222-4333-8444-5{12} - \(not in the pool\) - - - .* UTC - -\n/,
    );
    expect(await listExclusions(control)).toEqual([]);
  });

  test.each([
    ["EXCLUDE VM VM2 - Debain", "Did you mean VM2 - Debian?"],
    ["EXCLUDE HOST VM2 - Debian", "There is no host"],
    ["INCLUDE VM VM2 - Debian", 'No VM "VM2 - Debian" is excluded'],
    ["INCLUDE HOST nobody", 'No host "nobody" is excluded'],
  ])("%s ends with 2 and changes nothing", async (command, message) => {
    const result = await manager(["-e", command]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(await listExclusions(control)).toEqual([]);
  });
});

describe("SHOW STATUS", () => {
  test("of a database in which nothing happened yet answers all the same", async () => {
    const own = await createTestDatabase();
    try {
      const settings = settingsOf(own.manager);
      const result = await runProgram("xcp-manager", ["-e", "SHOW STATUS"], { settings });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(result.stdout.replace(/^Schema - \d+$/m, "Schema - N")).toBe(`Schema - N
Collection - none yet; xcp-collect makes one
xcp-collect - no run is remembered
xcp-control - no run is remembered
Lease - free
Pause - none
Breaker - closed
Migrations started within the last hour - 0
Flaps of the last day - 0
Open migrations - 0
Exclusions - 0
`);
    } finally {
      await own.drop();
    }
  });

  test("tells who works, who holds the lease, and what holds control back", async () => {
    const collected = await startRun(collect, { program: "xcp-collect", host: "db1", pid: 4711 });
    await finishRun(collect, collected, { outcome: "done", exitCode: 0, detail: null });
    const failed = await startRun(control, { program: "xcp-control", host: "db1", pid: 4712 });
    await finishRun(control, failed, { outcome: "refused", exitCode: 4, detail: "age of data: 900 s" });
    await sql(
      `UPDATE ProgramRun SET StartedAt = UTC_TIMESTAMP() - INTERVAL 5 MINUTE,
              FinishedAt = UTC_TIMESTAMP() - INTERVAL 5 MINUTE + INTERVAL 3 SECOND`,
      "UPDATE Collection SET FinishedAt = UTC_TIMESTAMP() - INTERVAL 10 MINUTE, StartedAt = UTC_TIMESTAMP() - INTERVAL 10 MINUTE",
    );
    const owner = await leaseToken();
    const open = await migrated(owner, { end: null, planned: "UTC_TIMESTAMP() - INTERVAL 4 MINUTE" });
    await sql(
      `UPDATE Lease SET TakenAt = UTC_TIMESTAMP() - INTERVAL 4 MINUTE, RenewedAt = UTC_TIMESTAMP() - INTERVAL 3 MINUTE,
              ExpiresAt = UTC_TIMESTAMP() + INTERVAL 6 MINUTE`,
      `UPDATE Breaker SET Trips = 1, OpenedAt = UTC_TIMESTAMP(), OpenUntil = UTC_TIMESTAMP() + INTERVAL 20 MINUTE,
              Reason = '2 migrations in a row failed'`,
    );
    const writer = await openDatabase(database.manager);
    await pauseControl(writer, { by: "anna@desk7", reason: "new storage", seconds: null });
    await sql("UPDATE Pause SET PausedAt = UTC_TIMESTAMP() - INTERVAL 8 MINUTE");
    await exclude(writer, { kind: "HOST", uuid: host1, by: "anna@desk7", reason: "broken fan" });
    await writer.close();
    const result = await manager(["-e", "SHOW STATUS"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const text = result.stdout
      .replace(/^Schema - \d+$/m, "Schema - N")
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "TIME");
    expect(text).toBe(`Schema - N
Pool - ${thesisPool.pool.uuid} - pool
Collection - 1, 10 min old, complete: 2 hosts read, 0 unread, 5 VMs with control domains
xcp-collect - done, exit code 0, started 5 min ago, took 3 s, pid 4711 on db1
xcp-control - refused, exit code 4, started 5 min ago, took 3 s, pid 4712 on db1: age of data: 900 s
xcp-control did its work last - never, as far as is remembered
Lease - held by host db1, pid 7, taken 4 min ago, renewed 3 min ago, expires in 6 min
Pause - paused by anna@desk7 8 min ago, until RESUME CONTROL: new storage
Breaker - OPEN for another 20 min, opened 1 time since the last --ack: 2 migrations in a row failed; xcp-control --ack closes it
Migrations started within the last hour - 1
Flaps of the last day - 0
Open migrations - 1
- ${open.slice(0, 8)} - VM2 - Debian: Host2 -> Host1 - running - since 4 min
Exclusions - 1
- Host - ${host1} - Host1 - by anna@desk7 - TIME - broken fan
`);
    expect(await jsonOf("SHOW STATUS")).toMatchObject({
      collection: { id: 1, complete: true, hostsRead: 2 },
      pool: { name: "pool" },
      programs: [
        { program: "xcp-collect", last: { outcome: "done", pid: 4711 }, lastSuccess: { id: collected } },
        { program: "xcp-control", last: { outcome: "refused", exitCode: 4 }, lastSuccess: null },
      ],
      lease: { holder: "host db1, pid 7", runId: owner.runId },
      pause: { by: "anna@desk7", until: null },
      breaker: { open: true, trips: 1 },
      openMigrations: [{ id: open, vmName: "VM2 - Debian" }],
      exclusions: [{ kind: "HOST", name: "Host1" }],
      flaps: [],
    });
  });

  test("tells a run at work from one that was killed, and a lease that nobody gave back", async () => {
    const run = await startRun(control, { program: "xcp-control", host: "db1", pid: 4712 });
    const taken = await takeLease(control, run, "db1", 60_000);
    expect(isLeaseToken(taken)).toBe(true);
    expect((await manager(["-e", "SHOW STATUS"])).stdout).toContain("xcp-control - at work, started ");
    await sql("UPDATE Lease SET ExpiresAt = UTC_TIMESTAMP() - INTERVAL 3 MINUTE");
    const later = (await manager(["-e", "SHOW STATUS"])).stdout;
    expect(later).toContain("xcp-control - did not say how it ended: at work, or killed, started ");
    expect(later).toContain("Lease - expired 3 min ago: db1 did not give it back");
  });
});

describe("EVACUATE HOST", () => {
  beforeEach(async () => {
    await sql(
      "DELETE FROM HostRule",
      "INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuAverage', 25)",
      "UPDATE Collection SET StartedAt = UTC_TIMESTAMP(3), FinishedAt = UTC_TIMESTAMP(3)",
    );
  });

  test("says in the voice of SHOW PLAN what xcp-control --evacuate would do, as its dry run does, and touches nothing", async () => {
    const told = await manager(["-e", "EVACUATE HOST Host1"]);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(told.stdout.replace(/\d+ s ago/, "N s ago")).toBe(
      `Pool pool: 2 hosts, 3 running VMs, collected N s ago, rules as of change 0
Evacuation of Host1: 1 VM leaves it; it is left out of the means
Rule CpuAverage more than 25 % above the mean: mean 99.8 %, limit 124.8
  Host2: 99.8 (+0) -> 124.95 (+0)
Move 1: VM1 - Debian: Host1 -> Host2; evacuates; CpuAverage Host1 25.2 -> 0.05, Host2 99.8 -> 124.95 (mean 124.95 %, allowed 25 above it); 1024 MB to copy
In all 1 move, 1 GB to copy, about 9 s
Proof: nothing that does as much copies less than the plan: 1 GB
Host1 would be empty; it is not disabled: xe host-disable uuid=${host1}
`,
    );
    const dry = await runProgram("xcp-control", ["--evacuate", "Host1", "--dry-run"], {
      settings: settingsOf(database.control),
    });
    expect(dry.stdout.replace(/\d+ s ago/, "N s ago")).toBe(told.stdout.replace(/\d+ s ago/, "N s ago"));
    expect(await jsonOf("EVACUATE HOST Host1")).toMatchObject({
      evacuation: { host: host1, hostName: "Host1", enabled: true, empty: true, stays: [], harms: [] },
      moves: [{ vmName: "VM1 - Debian", purpose: "evacuates" }],
    });
    expect((await manager(["-e", "SHOW MIGRATIONS"])).stdout).toBe("");
  });

  test("names what holds it, and what stays", async () => {
    await manager(["-e", "PAUSE CONTROL REASON storage", "-e", "EXCLUDE VM VM1 - Debian REASON licence"]);
    const told = await manager(["-e", "EVACUATE HOST Host1"]);
    expect(told.stdout).toMatch(/^A run would be refused: paused: /);
    expect(told.stdout).toMatch(/^VM1 - Debian stays on Host1: it is excluded by \S+@\S+: licence$/m);
    expect(told.stdout).toContain("\nHost1 would not be empty: 1 VM stays\n");
    await sql("UPDATE Collection SET StartedAt = UTC_TIMESTAMP(3) - INTERVAL 900 SECOND");
    const old = await manager(["-e", "EVACUATE HOST Host1"]);
    expect(old.stdout).toMatch(/^refused: age of data: /);
  });

  test("ends with 2 where no host is called so", async () => {
    const wrong = await manager(["-e", "EVACUATE HOST Hots1"]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("Did you mean Host1?");
  });
});

describe("SHOW PLAN and EXPLAIN", () => {
  const dryRun = (args: readonly string[]) =>
    runProgram("xcp-control", ["--dry-run", ...args], { settings: settingsOf(database.control) });
  const ageless = (text: string) => text.replace(/\d+ s ago/g, "N s ago").replace(/"ageSeconds":[\d.]+/, "");

  beforeEach(async () => {
    await sql(
      "DELETE FROM HostRule",
      "INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuAverage', 25)",
      "UPDATE Collection SET StartedAt = UTC_TIMESTAMP(3), FinishedAt = UTC_TIMESTAMP(3)",
    );
  });

  /** What the manager says of the plan is what control says. */
  async function expectSame(): Promise<string> {
    const [told, planned] = [await manager(["-e", "SHOW PLAN"]), await dryRun([])];
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(ageless(told.stdout)).toBe(ageless(planned.stdout));
    const [json, wanted] = [await manager(["--json", "-e", "SHOW PLAN"]), await dryRun(["--json"])];
    expect(planFaults(JSON.parse(json.stdout))).toEqual([]);
    expect(ageless(json.stdout)).toBe(ageless(wanted.stdout));
    return told.stdout;
  }

  test("say what xcp-control --dry-run says, and who moves", async () => {
    const plan = await expectSame();
    expect(plan).toContain("Move 1: VM2 - Debian: Host2 -> Host1");
    const explained = await manager(["-e", "EXPLAIN VM VM2 - Debian", "-e", "EXPLAIN HOST Host2"]);
    expect(explained).toMatchObject({ code: 0, stderr: "" });
    expect(explained.stdout).toContain(
      "VM2 - Debian moves to Host1, because Host2 is 37.3 % above the mean of CpuAverage (99.8, mean 62.5, allowed 25) and comes to 50.3 without it\n",
    );
    expect(explained.stdout).toContain(
      "Host2 breaks CpuAverage (CpuAverage 99.8 %, 37.3 above the mean of 62.5, allowed 25); the plan moves 1 VM away from it, then it keeps every rule\n",
    );
    expect(await jsonOf("EXPLAIN VM VM2 - Debian")).toMatchObject({
      kind: "VM",
      uuid: vm2,
      verdict: "moves",
      moves: [{ vm: vm2, to: host1 }],
      rules: [{ subject: "CpuAverage", threshold: 25, unit: "%", value: 99.8, broken: true }],
    });
  });

  test("leave out at once what was excluded, with the reason that was given", async () => {
    const excluded = await manager([
      "-e",
      "EXCLUDE VM VM2 - Debian REASON licence",
      "-e",
      "EXPLAIN VM VM2 - Debian",
    ]);
    expect(excluded.stdout).toMatch(/VM2 - Debian stays on Host2: it is excluded by \S+@\S+: licence\n/);
    expect(await expectSame()).toContain("Move 1: VM3 - Ubuntu: Host2 -> Host1");
    await manager(["-e", "EXCLUDE HOST Host1 REASON fan"]);
    expect(await expectSame()).not.toContain("Move 1");
    const host = await manager(["-e", "EXPLAIN HOST Host1"]);
    expect(host.stdout).toMatch(/- Nothing goes to it or leaves it: it is excluded by \S+@\S+: fan\n/);
  });

  test("leave alone a VM that was moved a moment ago, by the row that control wrote", async () => {
    const owner = await leaseToken();
    await migrated(owner, {
      from: host1,
      to: host2,
      planned: "UTC_TIMESTAMP(6)",
      finished: "UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE",
    });
    await sql("UPDATE Migration SET CollectionsAtEnd = 0");
    const explained = await manager(["-e", "EXPLAIN VM VM2 - Debian"]);
    expect(explained.stdout).toContain(
      "VM2 - Debian stays on Host2: it was moved 5 min ago and rests 60 min (ControlVmCooldownMinutes)\n",
    );
    await expectSame();
  });

  test("name what keeps the next run from acting: a pause, data that is too old", async () => {
    await manager(["-e", "PAUSE CONTROL REASON storage"]);
    expect(await expectSame()).toContain("A run would be refused: paused: paused by ");
    const paused = await manager(["-e", "EXPLAIN VM VM2 - Debian"]);
    expect(paused.stdout).toMatch(/^VM2 - Debian stays for now: the next run does nothing: refused: paused/);
    expect(paused.stdout).toContain("- Without that VM2 - Debian moves to Host1");
    await manager(["-e", "RESUME CONTROL"]);
    await sql("UPDATE Collection SET StartedAt = UTC_TIMESTAMP(3) - INTERVAL 900 SECOND");
    await sql("UPDATE Collection SET FinishedAt = UTC_TIMESTAMP(3) - INTERVAL 900 SECOND");
    const told = await manager(["-e", "SHOW PLAN"]);
    expect(told.stdout).toMatch(/^refused: age of data: collected 9\d\d s ago, limit 300 s/);
    expect(told.code).toBe(0);
    expect((await dryRun([])).stdout).toMatch(/^refused: age of data: collected 9\d\d s ago, limit 300 s/);
    expect((await manager(["-e", "EXPLAIN HOST Host2"])).stdout).toMatch(
      /^Nothing is done about Host2: the next run does nothing: refused: age of data/,
    );
    expect((await jsonOf("EXPLAIN VM VM2 - Debian")).verdict).toBe("stays");
  });

  test("end with 2 where nothing is called so", async () => {
    const result = await manager(["-e", "EXPLAIN VM VM2 - Debain"]);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain("Did you mean VM2 - Debian?");
  });
});

test("hostile names, reasons and errors are one safe line each, and come back from JSON", async () => {
  const hostile = "\u001b]0;pwned\u0007\nforged line \u202e";
  const owner = await leaseToken();
  const id = await migrated(owner, {
    rule: null,
    reason: hostile,
    end: { state: "refused", error: hostile, seconds: null },
  });
  const writer = await openDatabase(database.manager);
  await exclude(writer, { kind: "VM", uuid: vm2, by: hostile, reason: hostile });
  await pauseControl(writer, { by: hostile, reason: hostile, seconds: null });
  await writer.close();
  const commands = [
    "SHOW MIGRATIONS",
    `SHOW MIGRATION ${id}`,
    "SHOW STATUS",
    "SHOW EXCLUSIONS",
    "SHOW COSTS",
    "SHOW FLAPS",
  ];
  for (const command of commands) {
    const text = await manager(["-e", command]);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} \n]*$/u);
    expect(text.stdout).not.toMatch(/^forged/m);
  }
  expect(await jsonOf("SHOW EXCLUSIONS")).toMatchObject([{ by: hostile, reason: hostile }]);
  expect(await jsonOf(`SHOW MIGRATION ${id}`)).toMatchObject({ reason: hostile, error: hostile });
});
