/** xcp-control --evacuate: a host is emptied because somebody asked for it; what holds it, and what stays. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { asUuid } from "../../src/domain/pool.ts";
import { exclude } from "../../src/store/exclusions.ts";
import { listMigrations, openMigrations } from "../../src/store/migrations.ts";
import { pauseControl } from "../../src/store/pause.ts";
import { listRuns } from "../../src/store/runs.ts";
import { type Arena, type ControlChange, openArena, type Ring, type Told } from "../support/controlArena.ts";
import {
  aMinuteLater,
  checkHistory,
  controlRound,
  migrateAnswered,
  migrationRows,
  strike,
} from "../support/controlCrashes.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

const inDatabase = (...statements: string[]) => asRoot(statements, arena.database.admin.database);

async function collected(scenario = threeHosts, ...commands: string[]): Promise<Ring> {
  const ring = await arena.open(scenario);
  for (const command of commands) ring.command(command);
  await ring.collect(cpu25);
  return ring;
}

function evacuate(ring: Ring, host = "hot", change: ControlChange = {}): Promise<Told> {
  return ring.control({ ...change, task: { kind: "evacuate", host, by: "ann@desk7" } });
}

/** Two more collections: the second one believes the measures of what was moved. */
/** A host that had no load is counted once its measures show what has come to it: 15 s of the pool's time. */
async function collectAgain(ring: Ring): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 750));
  await ring.collect(cpu25);
  await inDatabase("DELETE FROM VmArrival");
}

describe("xcp-control --evacuate", () => {
  it("moves every VM of the host to where it is most even, says that it is not disabled, and ends with 0", async () => {
    const ring = await collected();
    const told = await evacuate(ring);
    expect(told.code).toBe(0);
    expect([ring.where("small"), ring.where("big")].sort()).toEqual(["cold1", "cold2"]);
    expect(told.lines[0]).toBe("Evacuation of hot: 2 VMs leave it");
    expect(told.lines.slice(-2)).toEqual([
      "2 VMs moved away",
      `hot is empty; it is not disabled: xe host-disable uuid=${ring.uuid("host", "hot")}`,
    ]);
    const rows = await listMigrations(arena.manager);
    expect(rows.map(({ state, rule }) => [state, rule])).toEqual([
      ["succeeded", null],
      ["succeeded", null],
    ]);
    for (const { reason } of rows)
      expect(reason).toMatch(/^evacuation of hot asked by ann@desk7: (small|big): hot -> /);
    const [run] = await listRuns(arena.manager, "xcp-control");
    expect(run).toMatchObject({
      outcome: "done",
      exitCode: 0,
      detail: expect.stringMatching(/^2 VMs moved away; hot is empty/),
    });
  });

  it("works without any rule, and from a disabled host though it was disabled a moment ago", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect();
    expect((await ring.control()).code).toBe(0);
    ring.command("disable hot");
    await ring.collect();
    const told = await evacuate(ring, ring.uuid("host", "hot").slice(0, 8));
    expect(told.code).toBe(0);
    expect(told.lines.at(-1)).toBe("hot is empty; it is disabled");
    expect(ring.migrations).toHaveLength(2);
    expect(await listMigrations(arena.manager)).toMatchObject([{ rule: null }, { rule: null }]);
  });

  it("names a VM that cannot be moved, with the reason, and ends with 3", async () => {
    const ring = await collected(threeHosts.replace("vm big on=hot", 'vm big blocked="no" on=hot'));
    const told = await evacuate(ring);
    expect(told.code).toBe(3);
    expect(ring.migrations).toEqual(["small -> cold1"]);
    expect(told.lines.slice(-3)).toEqual([
      "1 VM moved away",
      expect.stringMatching(/^big stays on hot: OPERATION_BLOCKED/),
      "hot is not empty: 1 VM stays",
    ]);
  });

  it("leaves excluded VMs, and sends nothing to an excluded host", async () => {
    const ring = await collected();
    const uuidOf = (cls: "VM" | "host", name: string) => asUuid(ring.uuid(cls, name));
    await exclude(arena.manager, { kind: "VM", uuid: uuidOf("VM", "small"), by: "ann", reason: "noisy" });
    await exclude(arena.manager, { kind: "HOST", uuid: uuidOf("host", "cold1"), by: "bob", reason: "" });
    const told = await evacuate(ring);
    expect(told.code).toBe(3);
    expect(told.text).toContain("small stays on hot: it is excluded by ann: noisy");
    expect(ring.migrations).toEqual(["big -> cold2"]);
  });

  it("asks neither the VMs' rest, nor the hour's migrations, nor the run's limit of moves", async () => {
    const ring = await collected();
    const [small, hot, cold] = [
      ring.uuid("VM", "small"),
      ring.uuid("host", "hot"),
      ring.uuid("host", "cold1"),
    ];
    await inDatabase(
      `INSERT INTO Migration (Id, RunId, Token, VmUuid, SourceUuid, DestinationUuid, Reason, Figures, CollectionId,
                              State, PlannedAt, FinishedAt, CollectionsAtEnd)
       VALUES (UUID(), 'earlier', 0, '${small}', '${cold}', '${hot}', 'back', '{}', 0, 'succeeded',
               UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE, UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE, 0)`,
    );
    const limits = { maxMovesPerHour: 1, maxMovesPerHost: 1 };
    const told = await evacuate(ring, "hot", { maxMoves: 1, change: limits });
    expect(told.code).toBe(0);
    expect(ring.migrations).toHaveLength(2);
  });

  it("says which rule breaks where, and goes on", async () => {
    const ring = await collected(
      threeHosts
        .replace("cold2 cpus=4 memory=8192", "cold2 cpus=4 memory=1280")
        .replace("base-cpu=40%", "base-cpu=0%"),
    );
    const told = await evacuate(ring);
    expect(told.code).toBe(0);
    expect(told.text).toMatch(
      /^cold1 will break the rule of CpuAverage: 90 %, mean 45, allowed 25 above it$/m,
    );
    expect(ring.migrations).toHaveLength(2);
  });

  it("after a failed migration it tries another host, and leaves no VM that one would take", async () => {
    const ring = await collected();
    ring.command("fail-migration VM_REQUIRES_SR OpaqueRef:1 OpaqueRef:2 vm=big times=1");
    const told = await evacuate(ring);
    expect(told.code).toBe(0);
    expect(told.text).toMatch(/^big .*could not be moved to cold\d: VM_REQUIRES_SR/m);
    expect(ring.where("big")).toMatch(/^cold/);
    const rows = await migrationRows(arena);
    expect(rows.filter(({ vm }) => vm === ring.uuid("VM", "big")).map(({ state }) => state)).toEqual([
      "failed",
      "succeeded",
    ]);
  });
});

describe("what holds an evacuation", () => {
  it.each([
    [
      "a pause",
      () => pauseControl(arena.manager, { by: "ann", reason: "", seconds: null }),
      {},
      /^refused: paused: /,
    ],
    [
      "an open breaker",
      () =>
        inDatabase(
          "UPDATE Breaker SET OpenUntil = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, Reason = 'two failed'",
        ),
      {},
      /^refused: breaker: two failed/,
    ],
    [
      "an old collection",
      () => inDatabase("UPDATE Collection SET StartedAt = StartedAt - INTERVAL 1 HOUR"),
      {},
      /^refused: age of data: /,
    ],
    [
      "an incomplete collection",
      () => inDatabase("UPDATE Collection SET Complete = FALSE, HostsUnread = 1"),
      {},
      /^refused: completeness: /,
    ],
    [
      "another pool",
      async () => {},
      { xenPoolUuid: "00000000-0000-4000-8000-00000000dead" },
      /^refused: pool: /,
    ],
    [
      "a rolling upgrade",
      () => inDatabase("UPDATE Pool SET RollingUpgrade = TRUE"),
      {},
      /^refused: rolling upgrade: /,
    ],
    [
      "suspect destinations",
      () => inDatabase("UPDATE Host SET CpuNum = 0 WHERE Name <> 'hot'"),
      {},
      /^refused: suspect data: 2 of 2 hosts are suspect/,
    ],
  ])("%s: nothing moves, exit code 4", async (_what, close, change, line) => {
    const ring = await collected();
    await close();
    const told = await evacuate(ring, "hot", change);
    expect(told.lines.at(-1)).toMatch(line);
    expect(told.code).toBe(4);
    expect(ring.migrations).toEqual([]);
  });

  it("suspect figures of the host itself do not keep its VMs there", async () => {
    const ring = await collected();
    await inDatabase("UPDATE Host SET CpuNum = 0, CpuAverage = -1 WHERE Name = 'hot'");
    expect((await evacuate(ring)).code).toBe(0);
    expect(ring.migrations).toHaveLength(2);
  });

  it("no collection at all: refused; an unknown host, an ambiguous one, the only one: said so with code 2", async () => {
    const ring = await arena.open(threeHosts);
    await inDatabase(
      "DELETE FROM Host",
      "DELETE FROM Vm",
      "DELETE FROM Collection",
      "UPDATE CollectionHead SET StoredId = 0",
    );
    expect((await evacuate(ring)).lines).toEqual([
      expect.stringMatching(/^refused: collection: none was ever stored/),
    ]);
    await ring.collect(cpu25);
    await inDatabase("UPDATE Host SET Name = 'cold2' WHERE Name = 'cold1'");
    await expect(evacuate(ring, "hott")).rejects.toMatchObject({
      exitCode: 2,
      message: /Did you mean hot\?/,
    });
    await expect(evacuate(ring, "cold2")).rejects.toMatchObject({ exitCode: 2, message: /names 2 hosts/ });
    const alone = await collected(
      'pool "One"\nhost hot master cpus=4 memory=8192\nvm small on=hot memory=256\n',
    );
    await expect(evacuate(alone)).rejects.toMatchObject({
      exitCode: 2,
      message: "hot is the only host of the pool: its VMs have nowhere to go",
    });
    const [run] = await listRuns(arena.manager, "xcp-control");
    // The one of before: what makes no sense is no run.
    expect(run).toMatchObject({ outcome: "refused", exitCode: 4 });
  });
});

describe("xcp-control --evacuate --dry-run", () => {
  it("prints the plan, what stays and what the host would be, and touches nothing", async () => {
    const ring = await collected(threeHosts.replace("vm big on=hot", 'vm big blocked="no" on=hot'));
    const runs = (await listRuns(arena.manager, "xcp-control")).length;
    const told = await evacuate(ring, "hot", { dryRun: true });
    expect(told.code).toBe(0);
    expect(told.lines).toContain("Evacuation of hot: 1 VM leaves it; it is left out of the means");
    expect(told.text).toMatch(
      /^Move 1: small: hot -> cold1; evacuates; CpuAverage hot 90 -> 45, cold1 0 -> 45 .*256 MB to copy$/m,
    );
    expect(told.lines.at(-2)).toMatch(/^big stays on hot: OPERATION_BLOCKED/);
    expect(told.lines.at(-1)).toBe("hot would not be empty: 1 VM stays");
    expect(await listMigrations(arena.manager)).toEqual([]);
    expect(await listRuns(arena.manager, "xcp-control")).toHaveLength(runs);
    expect(ring.migrations).toEqual([]);
    const json = await evacuate(ring, "hot", { dryRun: true, json: true, exitCode: true });
    expect(json.code).toBe(10);
    expect(json.objects[0]).toMatchObject({
      evacuation: { hostName: "hot", empty: false, stays: [{ vmName: "big", code: "immovable" }] },
      gate: null,
      moves: [{ vmName: "small", purpose: "evacuates" }],
    });
  });
});

describe("an evacuation that is interrupted", () => {
  it("killed in the middle and run again: it goes on where it was, and no VM is moved twice", async () => {
    await controlRound(arena, { first: "slow-migration 3", args: ["--evacuate", "hot"] }, async (round) => {
      const { ring } = round;
      const { ended } = await strike(round, migrateAnswered(), "SIGKILL", "before");
      expect(ended.signal).toBe("SIGKILL");
      await expect.poll(() => ring.migrations.length).toBe(1);
      await aMinuteLater(arena);
      const told = await evacuate(ring);
      expect(told.text).toMatch(/^An earlier run's migration still runs: /m);
      expect(told.lines.at(-1)).toMatch(/^refused: freshness: /);
      await collectAgain(ring);
      const rest = await evacuate(ring);
      expect(rest.code).toBe(0);
      expect(rest.lines.at(-1)).toMatch(/^hot is empty; /);
      expect(ring.migrations).toHaveLength(2);
      expect(await openMigrations(arena.controller)).toEqual([]);
      checkHistory(await ring.history());
    });
  });

  it("a collection that grows too old on the way: it goes on with the next one that is believed", async () => {
    const ring = await collected();
    let newer: Promise<void> | null = null;
    const told = await evacuate(ring, "hot", {
      maxAgeSeconds: 30,
      hastySeconds: 1,
      hastyLimit: 45,
      change: { transfersPerHost: 1 },
      onLine: (line) => {
        // The first one may be looked at before its settling VMs are taken away; the second has none.
        if (/waiting for a newer collection$/.test(line))
          newer = collectAgain(ring).then(() => collectAgain(ring));
      },
    });
    await newer;
    expect(told.text).toMatch(/^1 VM moved away so far; the collection is \d+ s old by now, limit 30 s/m);
    expect(told.lines.slice(-2)).toEqual(["2 VMs moved away", expect.stringMatching(/^hot is empty; /)]);
    expect(told.code).toBe(0);
    expect(ring.migrations).toHaveLength(2);
  });

  it("no newer collection comes: what is left is named, and it ends with 3", async () => {
    const ring = await collected();
    const told = await evacuate(ring, "hot", { maxAgeSeconds: 5, hastySeconds: 1 });
    expect(told.code).toBe(3);
    expect(told.lines.slice(-2)).toEqual([
      expect.stringMatching(/^(small|big) stays on hot: not tried: no newer collection came within 5 s$/),
      "hot is not empty: 1 VM stays",
    ]);
  });

  it("a signal: the running migration is awaited, the rest is left and named", async () => {
    const ring = await collected();
    const stop = new AbortController();
    const told = await evacuate(ring, "hot", {
      signal: stop.signal,
      change: { transfersPerHost: 1 },
      onLine: (line) => {
        if (line.startsWith("Progress: 0.")) stop.abort();
      },
    });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/^(small|big) stays on hot: not tried: a signal$/m);
    expect(ring.migrations).toHaveLength(1);
  });
});
