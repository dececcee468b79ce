/** What keeps control from acting: an administrator's word, caps, cooldowns, data that cannot be; and what it learns. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { asUuid } from "../../src/domain/pool.ts";
import { bandwidthOf } from "../../src/store/bandwidth.ts";
import { exclude } from "../../src/store/exclusions.ts";
import { findMigrations } from "../../src/store/migrationRecord.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { pauseControl, resumeControl } from "../../src/store/pause.ts";
import { createHostRule, deleteRuleOfKind, listRuleChanges } from "../../src/store/ruleChanges.ts";

import { listRuns } from "../../src/store/runs.ts";
import { type Arena, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { checkHistory } from "../support/controlCrashes.ts";
import { cpu25, threeHosts, twoHot } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";
import { askFor } from "../support/prompt.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

const inDatabase = (...statements: string[]) => asRoot(statements, arena.database.admin.database);

async function unbalanced(scenario = threeHosts, threshold = 25): Promise<Ring> {
  const ring = await arena.open(scenario);
  await ring.collect({ ...cpu25, threshold });
  return ring;
}

function expectRefused(told: Told, pattern: RegExp): void {
  expect(told.code).toBe(4);
  expect(told.lines.at(-1)).toMatch(pattern);
}

/** Two migrations follow each other under a rule of 10 %. */
const four = `${threeHosts}vm third on=hot vcpus=2 memory=512 cpu=90% tools\n`;

interface Explained {
  readonly verdict: string;
  readonly answer: string;
  readonly moves: readonly { readonly toName: string }[];
}

describe("the administrator's word", () => {
  it("F40: a pause in mid-run: the running migration is awaited, no other one starts; resumed, the next run goes on", async () => {
    const ring = await unbalanced(four, 10);
    let paused: Promise<void> | null = null;
    const told = await ring.control({
      change: { transfersPerHost: 1 },
      onLine: (line) => {
        if (line.startsWith("Progress: 0."))
          paused ??= pauseControl(arena.manager, { by: "ann", reason: "backup", seconds: null });
      },
    });
    expect(paused).not.toBeNull();
    expect(ring.migrations).toHaveLength(1);
    expect(told.code).toBe(0);
    expect(told.lines.slice(-2)).toEqual(["1 VM moved", "ended early: paused by ann (backup)"]);
    await ring.collect({ ...cpu25, threshold: 10 });
    expectRefused(
      await ring.control(),
      /^refused: paused: paused by ann \d+ s ago: backup, limit until somebody resumes; .*RESUME CONTROL/,
    );
    const dry = await ring.control({ dryRun: true, maxAgeSeconds: 600 });
    expect([0, 4]).toContain(dry.code);
    await resumeControl(arena.manager);
    expect((await ring.control()).text).not.toContain("paused");
    checkHistory(await ring.history());
  });

  it("U5: what EXPLAIN says of each VM is what the next run does", async () => {
    const ring = await unbalanced(twoHot, 4);
    const excluded = "a-hot1";
    await exclude(arena.manager, {
      kind: "VM",
      uuid: asUuid(ring.uuid("VM", excluded)),
      by: "ann",
      reason: "licence",
    });
    const names = ["hot1", "hot2"].flatMap((host) => ["a", "b", "c"].map((vm) => `${vm}-${host}`));
    const expected: string[] = [];
    for (const name of names) {
      const { verdict, answer, moves } = (await askFor(arena.manager, `EXPLAIN VM ${name}`)) as Explained;
      expect(answer).toMatch(verdict === "moves" ? / moves to .+, because / : / stays on .+: ./);
      expected.push(...moves.map(({ toName }) => `${name} -> ${toName}`));
    }
    expect(expected.length).toBeGreaterThan(1);
    expect(expected.some((move) => move.startsWith(excluded))).toBe(false);
    expect((await ring.control()).code).toBe(0);
    expect(ring.migrations.toSorted()).toEqual(expected.toSorted());
  });

  it("I4: an excluded VM stays, an excluded host neither gives nor takes, each with who said so", async () => {
    const ring = await unbalanced();
    const uuidOf = (cls: "VM" | "host", name: string) => asUuid(ring.uuid(cls, name));
    await exclude(arena.manager, { kind: "VM", uuid: uuidOf("VM", "small"), by: "ann", reason: "noisy" });
    await exclude(arena.manager, { kind: "HOST", uuid: uuidOf("host", "cold1"), by: "bob", reason: "" });
    const told = await ring.control();
    expect(ring.migrations).toEqual(["big -> cold2"]);
    expect(told.code).toBe(0);
    const again = await unbalanced();
    await exclude(arena.manager, { kind: "HOST", uuid: uuidOf("host", "hot"), by: "bob", reason: "old" });
    const still = await again.control();
    expect(again.migrations).toEqual([]);
    expect(still.text).toMatch(/small stays: its host is excluded by bob: old/);
  });

  it("F43: a rule created or deleted while control plans and moves: the run keeps to the rules that it read, and names them", async () => {
    const ring = await unbalanced();
    const revision = (await listRuleChanges(arena.manager, 1))[0]?.change ?? 0;
    expect(revision).toBeGreaterThan(0);
    const before = await ring.control({ dryRun: true });
    expect(before.lines[0]).toMatch(new RegExp(`^Pool Three: .*, rules as of change ${revision}$`));
    expect((await ring.control({ dryRun: true, json: true })).objects[0]).toMatchObject({
      ruleRevision: revision,
    });
    let changed: Promise<unknown> | null = null;
    const told = await ring.control({
      onLine: (line) => {
        if (!line.startsWith("Progress")) return;
        changed ??= deleteRuleOfKind(
          arena.manager,
          "HOST",
          { by: "subject", subject: "CpuAverage" },
          "",
        ).then(() => createHostRule(arena.manager, { subject: "OccupiedMemoryMb", threshold: 1 }, ""));
      },
    });
    await changed;
    expect(told.lines[0]).toMatch(/CpuAverage .*allowed 25 above it/);
    expect(ring.migrations).toEqual(["small -> cold1"]);
    const [row] = await findMigrations(arena.manager, "");
    expect(row?.rule).toEqual(cpu25);
    expect(row?.figures).toMatchObject({ ruleRevision: revision });
    await ring.collect({ subject: "OccupiedMemoryMb", threshold: 1 });
    const next = await ring.control({ dryRun: true });
    expect(next.text).not.toContain("CpuAverage more than");
    const newest = (await listRuleChanges(arena.manager, 1))[0]?.change ?? 0;
    expect(newest).toBeGreaterThan(revision);
    expect(next.lines[0]).toMatch(new RegExp(`, rules as of change ${newest}$`));
  });
});

describe("caps and cool-downs", () => {
  it("I1: no migration starts while so many of others are in flight, or one from the same host", async () => {
    const ring = await unbalanced(`${threeHosts}host cold3 cpus=4 memory=8192 base-cpu=40%\n`);
    ring.command("stall-migration");
    await ring.admin(async (client) => {
      const vm = await client.vmByUuid(ring.uuid("VM", "big"));
      await client.poolMigrateAsync(vm, await client.hostByUuid(ring.uuid("host", "cold3")));
    });
    await expect.poll(() => ring.migrations).toEqual(["big -> cold3"]);
    const told = await ring.control();
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/small .* not moved: another VM is just being migrated from the same host/);
    const capped = await ring.control({ change: { maxMigrationsInPool: 1 } });
    expect(capped.text).toMatch(
      /1 migration is in flight in the pool, limit 1 \(ControlMaxMigrationsInPool\)/,
    );
    expect(ring.migrations).toEqual(["big -> cold3"]);
  });

  it("the hour's migrations are counted over all runs; at the limit a run ends, and the next one is refused", async () => {
    const ring = await unbalanced(four, 10);
    const told = await ring.control({ change: { maxMovesPerHour: 1 } });
    expect(told.code).toBe(0);
    expect(told.lines.at(-1)).toBe(
      "ended early: 1 migration within the last hour, limit 1 (ControlMaxMovesPerHour)",
    );
    expectRefused(
      await ring.control({ change: { maxMovesPerHour: 1 } }),
      /^refused: migrations per hour: 1 within the last hour, limit 1/,
    );
    expect(ring.migrations).toHaveLength(1);
  });

  it("a VM that was moved rests, and one whose migration failed rests longer each time", async () => {
    const ring = await unbalanced();
    await insertRow(ring, "small", "succeeded", 10);
    await insertRow(ring, "big", "failed", 200);
    await insertRow(ring, "big", "failed", 50);
    const told = await ring.control();
    expect(ring.migrations).toEqual([]);
    expect(told.text).toMatch(
      /small stays: it was moved 10 min ago and rests 60 min \(ControlVmCooldownMinutes\)/,
    );
    expect(told.text).toMatch(
      /big stays: its migration failed 50 min ago, 2 times in a row \(why\); it rests 60 min/,
    );
    await inDatabase("UPDATE Migration SET FinishedAt = FinishedAt - INTERVAL 1 HOUR");
    expect((await ring.control()).code).toBe(0);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });

  it("F39: somebody moves our VM back each time: after the second time it is contended, and stays", async () => {
    const ring = await unbalanced(threeHosts.replace("vm big on=hot", 'vm big blocked="no" on=hot'));
    for (const minutes of [300, 150]) await insertRow(ring, "small", "succeeded", minutes);
    const told = await ring.control();
    expect(ring.migrations).toEqual([]);
    expect(told.text).toMatch(
      /small stays: contended: 2 times within a day it was moved from the host it is on again/,
    );
  });

  /** A row of `vm` from the hot host that was closed so many minutes ago. */
  async function insertRow(ring: Ring, vm: string, state: string, minutesAgo: number): Promise<void> {
    const [uuid, hot, cold] = [ring.uuid("VM", vm), ring.uuid("host", "hot"), ring.uuid("host", "cold1")];
    await inDatabase(
      `INSERT INTO Migration (Id, RunId, Token, VmUuid, SourceUuid, DestinationUuid, Reason, Figures, CollectionId,
                              State, PlannedAt, SubmittedAt, FinishedAt, Error, CollectionsAtEnd)
       VALUES (UUID(), 'earlier', 0, '${uuid}', '${hot}', '${cold}', 'hot', '{}', 0, '${state}',
               UTC_TIMESTAMP(6) - INTERVAL ${minutesAgo} MINUTE, UTC_TIMESTAMP(6) - INTERVAL ${minutesAgo} MINUTE,
               UTC_TIMESTAMP(6) - INTERVAL ${minutesAgo} MINUTE, 'why', 0)`,
    );
  }
});

describe("data that cannot be", () => {
  it.each([
    ["F28: 0 CPUs", "CpuNum = 0", /hot is left out of mean and moves: suspect: it reports 0 CPUs/],
    [
      "F28: 1e300 % of CPU",
      "CpuAverage = 1e300",
      /hot is left out .*suspect: it reports a CPU use of 1e\+300 %/,
    ],
    ["F28: a CPU use below 0", "CpuAverage = -1", /hot is left out .*suspect: it reports a CPU use of -1 %/],
    ["F28: no memory at all", "MemoryTotalMb = 0", /hot is left out .*suspect: it reports 0 MB of memory/],
    [
      "F28: more memory free than there is",
      "MemoryFreeMb = 99999",
      /suspect: it reports 99999 MB free of \d+ MB/,
    ],
    [
      "F29: a load of nothing but 0, though VMs run there",
      "CpuAverage = 0, Dom0LoadAvg = 0, PifEth0RxKb = 0, PifEth0TxKb = 0, PifLoRxKb = 0, PifLoTxKb = 0",
      /hot is left out .*suspect: all its load is 0, though VMs run on it/,
    ],
  ])("%s: no VM of that host moves, and the host is named", async (_what, change, line) => {
    const ring = await unbalanced();
    await inDatabase(`UPDATE Host SET ${change} WHERE Name = 'hot'`);
    const told = await ring.control();
    expect(told.code).toBe(0);
    expect(told.text).toMatch(line);
    expect(ring.migrations).toEqual([]);
  });

  it("F28: more than a third of the hosts suspect: the gate is closed", async () => {
    const ring = await unbalanced();
    await inDatabase("UPDATE Host SET CpuNum = 0 WHERE Name <> 'hot'");
    expectRefused(
      await ring.control(),
      /^refused: suspect data: 2 of 3 hosts are suspect, limit a third of them/,
    );
    expect(ring.migrations).toEqual([]);
  });

  const crowd = `${threeHosts}${Array.from({ length: 8 }, (_, n) => `vm idle${n} on=cold2 memory=128 cpu=0% tools\n`).join("")}`;

  it("a fifth of the VMs gone between two collections: refused; a later collection that agrees is believed", async () => {
    const ring = await arena.open(crowd);
    await ring.collect();
    expect((await ring.control()).code).toBe(0);
    for (const n of [0, 1, 2]) ring.command(`halt idle${n}`);
    await ring.collect(cpu25);
    const refused =
      /^refused: suspect data: 7 guests run where 10 ran at the collection before, limit 20 % fewer/;
    expectRefused(await ring.control(), refused);
    expectRefused(await ring.control(), refused);
    await ring.collect(cpu25);
    expect((await ring.control()).code).toBe(0);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });

  it("half of a host's VMs gone or come at once: that host is suspect, the others are balanced", async () => {
    const ring = await arena.open(crowd);
    await ring.collect();
    await ring.control();
    await inDatabase(
      "UPDATE HostSight SET Guests = 2 WHERE HostUuid = (SELECT UUID FROM Host WHERE Name = 'cold2')",
    );
    await ring.collect(cpu25);
    const told = await ring.control();
    expect(told.text).toMatch(
      /cold2 is left out of mean and moves: suspect: it has 8 guests, 2 were expected/,
    );
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });
});

describe("a host that died, came back, or was disabled or enabled", () => {
  it.each([
    ["F30: died", null, "dead"],
    ["F32: was disabled, as a rolling upgrade does", "disable cold2", "disabled"],
  ])("%s: nothing moves until it has been quiet for half an hour", async (_what, command, state) => {
    const ring = await arena.open(threeHosts);
    await ring.collect();
    expect((await ring.control()).code).toBe(0);
    if (command !== null) ring.command(command);
    await ring.collect(cpu25);
    const died =
      "UPDATE HostDetail SET Live = FALSE WHERE HostUuid = (SELECT UUID FROM Host WHERE Name = 'cold2')";
    if (command === null) await inDatabase(died);
    const refused = new RegExp(`^refused: quiet period: cold2 is ${state} since \\d+ s, limit 30 min`);
    expectRefused(await ring.control({ dryRun: true }), refused);
    expectRefused(await ring.control(), refused);
    await inDatabase("UPDATE HostSight SET ChangedAt = ChangedAt - INTERVAL 31 MINUTE");
    expect((await ring.control()).code).toBe(0);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });
});

describe("what is written down", () => {
  it("every run with its end, and every migration with rule, figures, memory and seconds, from which rates are learnt", async () => {
    const ring = await unbalanced();
    await ring.control();
    const [migration] = await listMigrations(arena.manager);
    expect(migration).toMatchObject({
      state: "succeeded",
      rule: cpu25,
      memoryBytes: 256 * 1024 * 1024,
      error: null,
    });
    expect(migration?.reason).toMatch(/^small: hot -> cold1; CpuAverage hot 90 -> 45/);
    const costs = await bandwidthOf(arena.manager);
    expect(costs.pool).toMatchObject({
      samples: 1,
      bytesPerSecond: (256 * 1024 * 1024) / (migration?.seconds ?? 0),
    });
    await ring.control();
    const [refused, done] = await listRuns(arena.manager, "xcp-control");
    expect(refused).toMatchObject({
      outcome: "refused",
      exitCode: 4,
      detail: expect.stringContaining("freshness"),
    });
    expect(done).toMatchObject({ outcome: "done", exitCode: 0, detail: "1 VM moved", host: "test", pid: 1 });
  });

  it("a migration that takes longer than three times what its memory should is cancelled, after 4 minutes at least", async () => {
    const ring = await unbalanced();
    ring.command("stall-migration at=30%");
    const told = await ring.control({ hastySeconds: 2, maxAgeSeconds: 86_400, maxMoves: 1 });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(
      /it took longer than 4 min \(three times what 256 MB take at 119 MB\/s, 4 min at least\), so it was cancelled; it stays on hot/,
    );
    expect(await listMigrations(arena.manager)).toMatchObject([{ state: "cancelled" }]);
  });
});
