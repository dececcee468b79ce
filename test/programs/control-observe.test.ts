/** ControlMode=observe: a run does all but move, and records what it would have done. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { showObserved } from "../../src/manager/commands/observed.ts";
import { openDatabase } from "../../src/store/connection.ts";
import { pruneHistory } from "../../src/store/historyRetention.ts";
import { leaseStatus } from "../../src/store/lease.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { listObserved, observedSince, observingRuns, recordObserved } from "../../src/store/observed.ts";
import { lastSuccess, listRuns } from "../../src/store/runs.ts";
import { Names } from "../../src/text/names.ts";
import { type Arena, type ControlChange, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

const inDatabase = (...statements: string[]) => asRoot(statements, arena.database.admin.database);
const observing: ControlChange = { change: { mode: "observe" } };

/** The simulated pool was asked to change nothing. */
async function observe(ring: Ring, change: ControlChange = {}): Promise<Told> {
  const told = await ring.control({ ...observing, ...change });
  expect(ring.migrations).toEqual([]);
  expect(await listMigrations(arena.manager)).toEqual([]);
  return told;
}

describe("observe mode", () => {
  it("moves nothing, prints the plan, and records each move with its figures, rule and reason", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    const told = await observe(ring);
    expect(told.code).toBe(0);
    expect(told.lines[0]).toBe("Observe mode: nothing is moved, no host is switched (ControlMode=observe)");
    expect(told.lines).toContainEqual(expect.stringMatching(/^Move 1: small: hot -> cold1; CpuAverage hot /));
    expect(told.lines.at(-1)).toBe("observed: 1 move that a run would have made; SHOW OBSERVED lists them");
    const [action, ...others] = await listObserved(arena.manager);
    expect(others).toEqual([]);
    expect(action).toMatchObject({
      kind: "move",
      object: ring.uuid("VM", "small"),
      source: ring.uuid("host", "hot"),
      destination: ring.uuid("host", "cold1"),
      cause: "rules",
      rule: "CpuAverage > 25",
      reason: expect.stringMatching(/^small: hot -> cold1; CpuAverage hot /),
      figures: { sourceBefore: expect.any(Number), destinationAfter: expect.any(Number) },
      runs: 1,
    });
    expect(action?.memoryBytes).toBeGreaterThan(0);
    const [run] = await listRuns(arena.manager, "xcp-control");
    expect(run).toMatchObject({ outcome: "observed", exitCode: 0, mode: "observe", gate: null });
    expect(await lastSuccess(arena.manager, "xcp-control")).toMatchObject({ id: run?.id });
    expect((await leaseStatus(arena.manager)).holder).toBeNull();
  });

  it("is told as having looked where there was nothing to do, and as not having run where no run was", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    const hints = async () =>
      showObserved.hints?.({ actions: [], names: new Names(null), runs: await observingRuns(arena.manager) });
    await inDatabase("DELETE FROM ProgramRun WHERE Mode = 'observe'");
    expect(await hints()).toEqual([expect.stringContaining("Nothing was observed, for no run did")]);
    await ring.collect();
    await observe(ring);
    await observe(ring);
    expect(await hints()).toEqual([
      expect.stringMatching(
        /^2 runs observed and none would have done anything; the last one, 20.* UTC, ended as "nothing"/,
      ),
    ]);
  });

  it("has one row for what run after run would do, and a new one where a run between had nothing to do", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    for (let run = 0; run < 3; run++) await observe(ring);
    const [only, ...others] = await listObserved(arena.manager);
    expect([only?.runs, others]).toEqual([3, []]);
    await ring.collect();
    expect((await observe(ring)).lines.at(-1)).toBe("observed: nothing to do");
    await ring.collect(cpu25);
    await observe(ring);
    const rows = await listObserved(arena.manager);
    expect(rows.map(({ runs }) => runs)).toEqual([1, 3]);
    expect(rows[0]?.firstCollectionId).toBeGreaterThan(rows[1]?.collectionId ?? Number.NaN);
  });

  it("lists what was observed since a time, oldest first, and SHOW OBSERVED shows it", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    await observe(ring);
    await inDatabase(
      "UPDATE ObservedAction SET FirstAt = '2026-01-01 08:00:00', LastAt = '2026-01-01 08:05:00', LastRunId = 'x'",
    );
    await observe(ring);
    expect((await observedSince(arena.manager, new Date(0))).map(({ runs }) => runs)).toEqual([1, 1]);
    const since = async (time: string) => (await observedSince(arena.manager, new Date(time))).length;
    expect([await since("2026-01-01T08:05:00Z"), await since("2026-01-01T08:05:01Z")]).toEqual([2, 1]);
    const actions = await listObserved(arena.manager);
    const lines = showObserved.text({ actions, names: new Names(null), runs: null });
    expect(lines[1]).toMatch(/^- 2026-01-01 08:00:00 UTC - 1 run - small: hot -> cold1; CpuAverage hot /);
  });

  it("is refused by the gate that would refuse a run that acts, and says so in the list of runs", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    await inDatabase("UPDATE Pause SET Paused = TRUE, PausedBy = 'ann', PausedAt = UTC_TIMESTAMP(6)");
    const told = await observe(ring);
    expect([told.code, told.lines]).toEqual([4, [expect.stringMatching(/^refused: paused: /)]]);
    const [run] = await listRuns(arena.manager, "xcp-control");
    expect(run).toMatchObject({ outcome: "refused", exitCode: 4, mode: "observe", gate: "paused" });
  });

  it("refuses to empty a host or to carry a saved plan out: neither would be done", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    const evacuate = await observe(ring, { task: { kind: "evacuate", host: "hot", by: "ann@desk7" } });
    expect(evacuate.code).toBe(4);
    expect(evacuate.text).toContain(
      "refused: observe mode: --evacuate was asked for and ControlMode is observe",
    );
    const apply = await observe(ring, { task: { kind: "apply", content: {}, by: "ann@desk7" } });
    expect([apply.code, apply.text]).toEqual([4, expect.stringContaining("--apply was asked for")]);
    expect(await listObserved(arena.manager)).toEqual([]);
  });

  it("as JSON begins with the plan and has an event for each thing", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    const told = await observe(ring, { json: true });
    expect(told.objects.map(({ event }) => event)).toEqual(["plan", "observed", "summary"]);
    expect(told.objects[0]).toMatchObject({ mode: "observe", moves: [{ vmName: "small" }] });
    expect(told.objects[1]).toMatchObject({ kind: "move", rule: "CpuAverage > 25" });
  });
});

describe("what was observed", () => {
  it("is deleted with the history, by when it was seen last, and no more than a day of it at a time", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect(cpu25);
    const day = (ago: number) => `UTC_TIMESTAMP(6) - INTERVAL ${ago} DAY`;
    const row = (id: string, first: number, last: number) =>
      `INSERT INTO ObservedAction VALUES ('${id}', 'move', 'v', 'a', 'b', 'rules', NULL, 'r', '{}', NULL, 1, 1, ${day(first)}, ${day(last)}, 9, 'run')`;
    await inDatabase(row("oldest", 60, 50), row("old", 45, 40), row("goes on", 60, 2));
    const collector = await openDatabase(arena.database.collect);
    try {
      const retention = { hostSampleDays: 30, snapshotDays: 7 };
      const prune = () => pruneHistory(collector, retention, new AbortController().signal);
      await prune();
      expect((await listObserved(arena.manager)).map(({ id }) => id)).toEqual(["goes on", "old"]);
      await prune();
      expect((await listObserved(arena.manager)).map(({ id }) => id)).toEqual(["goes on"]);
    } finally {
      await collector.close();
    }
  });

  it("is not written by a run that has lost its lease", async () => {
    const token = { runId: "gone", token: -1 };
    const action = {
      kind: "move",
      object: "v",
      source: "a",
      destination: "b",
      cause: "rules",
      rule: null,
    } as never;
    expect(await recordObserved(arena.controller, token, 1, [action])).toBe(false);
  });
});
