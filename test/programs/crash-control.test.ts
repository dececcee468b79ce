/**
 * xcp-control killed, stopped and doubled at its most delicate moments: what it left is closed by the next run, and no
 * VM moves twice. `npm run soak -- control` is the long form.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { leaseStatus } from "../../src/store/lease.ts";
import { openMigrations } from "../../src/store/migrations.ts";
import { type Arena, openArena } from "../support/controlArena.ts";
import {
  afterLooks,
  aMinuteLater,
  controlRound,
  crowdedRound,
  endLease,
  goOnAfterwards,
  intentCommitted,
  migrateAnswered,
  migrationRows,
  strike,
} from "../support/controlCrashes.ts";
import { cpu25, threeHosts, twoHot } from "../support/controlPools.ts";
import { spread } from "../support/crashes.ts";
import { asRoot } from "../support/database.ts";
import { flowing } from "../support/poolTime.ts";
import { rounds } from "../support/runs.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

/**
 * Events that come up in every run: streams split as they like, and who finds the migration further on asks less often.
 */
function eventsOfARun(): Promise<number> {
  return controlRound(arena, {}, async ({ wire, start }) => {
    wire.restart();
    expect((await (await start()).ended).code).toBe(0);
    return Math.floor(wire.events * 0.8);
  });
}

describe("xcp-control killed with -9", () => {
  it("F11: between the intent's commit and the call: the row is closed as never started, the VM moves in the next run", async () => {
    await controlRound(arena, {}, async (round) => {
      const { ended, event } = await strike(round, intentCommitted(), "SIGKILL", "before");
      expect([ended.signal, event?.side]).toEqual(["SIGKILL", "mysql"]);
      expect(round.ring.migrations).toEqual([]);
      expect(await openMigrations(arena.controller)).toMatchObject([{ state: "planned", submittedAt: null }]);
      await aMinuteLater(arena);
      const told = await round.ring.control();
      expect(told.lines[0]).toMatch(/^An earlier run's migration refused: small .*: not started: /);
      expect(told.code).toBe(0);
      expect((await migrationRows(arena)).map(({ state }) => state)).toEqual(["refused", "succeeded"]);
      expect(round.ring.migrations).toEqual(["small -> cold1"]);
    });
  });

  it("F11: and the next run comes while the request may still be on its way: the row stays open, nothing is asked for", async () => {
    await controlRound(arena, {}, async (round) => {
      await strike(round, intentCommitted(), "SIGKILL", "before");
      await endLease(arena);
      const told = await round.ring.control();
      expect(told.text).toContain("whether the pool got the request is not known yet");
      expect(told.code).toBe(3);
      expect(round.ring.migrations).toEqual([]);
      expect(await openMigrations(arena.controller)).toMatchObject([{ state: "planned", submittedAt: null }]);
      await goOnAfterwards(arena, round.ring);
    });
  });

  it("F12: after the call left, its answer unread: the next run waits for the migration and asks for no second one", async () => {
    await controlRound(arena, { byHand: true }, async (round) => {
      const { ended } = await strike(round, migrateAnswered(), "SIGKILL", "before");
      expect(ended.signal).toBe("SIGKILL");
      await expect.poll(() => round.ring.migrations).toEqual(["small -> cold1"]);
      await aMinuteLater(arena);
      const lines: string[] = [];
      const next = round.ring.control({ onLine: (line) => void lines.push(line) });
      await expect.poll(() => lines).toContainEqual(expect.stringMatching(/^Progress: /));
      const told = await flowing(round.ring.pool, next);
      expect(told.text).toMatch(/^An earlier run's migration still runs: small .*\nProgress: /);
      expect(told.text).toMatch(/An earlier run's migration succeeded: small/);
      expect(told.code).toBe(4);
      expect(told.lines.at(-1)).toMatch(/^refused: freshness: /);
      const [row] = await migrationRows(arena);
      expect(row).toMatchObject({ state: "succeeded", error: null });
      expect(row?.seconds).toBeGreaterThan(0);
      await goOnAfterwards(arena, round.ring);
    });
  });

  it("F13: while it watches, and the migration ends with nobody there: closed by where the VM is, its end unknown", async () => {
    await controlRound(arena, { byHand: true }, async (round) => {
      const running = await round.start();
      await running.waitFor(/^Progress: /m);
      running.child.kill("SIGKILL");
      await running.ended;
      await round.ring.pool.clock.advance(600_000);
      expect(round.ring.pool.model.migrations.size).toBe(0);
      expect(await openMigrations(arena.controller)).toMatchObject([{ state: "running" }]);
      await aMinuteLater(arena);
      const told = await round.ring.control();
      expect(told.lines[0]).toMatch(/^An earlier run's migration succeeded: small .*: nobody saw its end$/);
      expect(await migrationRows(arena)).toMatchObject([
        { state: "succeeded", seconds: null, error: "nobody saw its end" },
      ]);
      await goOnAfterwards(arena, round.ring);
    });
  });

  it("at events of its way: every row is closed by the next run, and no VM moves twice", async () => {
    const total = await eventsOfARun();
    expect(total).toBeGreaterThan(80);
    for (const [n, number] of spread(total, rounds(10, 5)).entries()) {
      await controlRound(arena, {}, async (round) => {
        const moment = n % 2 === 0 ? "before" : "after";
        const { ended } = await strike(round, (event) => event.number === number, "SIGKILL", moment);
        expect(ended.signal, `event ${number} of ${total}`).toBe("SIGKILL");
        await goOnAfterwards(arena, round.ring);
      });
    }
  });
});

describe("four transfers in flight, and an administrator's own migrations beside them", () => {
  it.each([
    ["killed", "SIGKILL", 3],
    ["told to end", "SIGTERM", 2],
  ] as const)(
    "%s (%s): every row is closed by the next runs, the rules are kept, and no VM moves twice",
    async (_, signal, looks) => {
      const found = await crowdedRound(arena, afterLooks(looks), signal, "before");
      expect(found.event).not.toBeNull();
      expect(found.most).toBe(4);
      expect(found.byHand).toBeGreaterThan(0);
    },
  );
});

describe("xcp-control told to end", () => {
  it("F41: at events of its way: code 143, the lease is free, no session is left, every row is closed by the next run", async () => {
    for (const number of spread(await eventsOfARun(), rounds(6, 3))) {
      await controlRound(arena, {}, async (round) => {
        const { ended, event } = await strike(round, (each) => each.number === number, "SIGTERM", "after");
        expect(event).not.toBeNull();
        expect(ended.code, `event ${number}: ${ended.stdout}${ended.stderr}`).toBe(143);
        expect((await leaseStatus(arena.controller)).holder).toBeNull();
        expect(round.ring.pool.db.all("session"), `event ${number}`).toEqual([]);
        await goOnAfterwards(arena, round.ring);
      });
    }
  });
});

describe("two xcp-control", () => {
  it("F14: at once: the second one names the first with its age, does nothing and ends with 0", async () => {
    await controlRound(arena, { byHand: true }, async ({ ring, start }) => {
      const first = await start();
      await first.waitFor(/^Progress: /m);
      const second = await (await start()).ended;
      expect(second.code).toBe(0);
      expect(second.stdout).toMatch(
        new RegExp(
          `^another xcp-control is at work: .+ pid ${first.child.pid}, for \\d+ s, last heard of \\d+ s ago; if it was killed, its turn ends in \\d+ s\n$`,
        ),
      );
      expect((await flowing(ring.pool, first.ended)).code).toBe(0);
      expect(ring.migrations).toEqual(["small -> cold1"]);
    });
  });

  it("F15: with a lease each, for their databases are not the same: the pool's own word keeps the VM from moving twice", async () => {
    const other = await openArena();
    try {
      const ring = await arena.open(threeHosts, { byHand: true });
      await ring.collect(cpu25);
      const twin = await other.join(ring);
      await twin.collect(cpu25);
      const lines: string[] = [];
      const first = ring.control({ onLine: (line) => void lines.push(line) });
      await expect.poll(() => lines).toContainEqual(expect.stringMatching(/^Progress: /));
      expect((await twin.control()).text).toMatch(/not moved: it is leaving its host \(pool_migrate\)/);
      expect((await flowing(ring.pool, first)).code).toBe(0);
      expect((await twin.control()).text).toMatch(/not moved: it is on another host now/);
      expect(ring.migrations).toEqual(["small -> cold1"]);
    } finally {
      await other.close();
    }
  });

  it("F15: with a lease each and four VMs to move: no VM moves twice, and both together begin no more than one alone may", async () => {
    const other = await openArena();
    try {
      const ring = await arena.open(twoHot, { byHand: true });
      const rule = { ...cpu25, threshold: 4 };
      await ring.collect(rule);
      const twin = await other.join(ring);
      await twin.collect(rule);
      let most = 0;
      ring.pool.db.journal.onChange(() => {
        most = Math.max(most, ring.pool.model.migrations.size);
      });
      const change = { change: { maxMigrationsInPool: 2, transfersPerHost: 2 }, maxMoves: 3 };
      const both = await flowing(ring.pool, Promise.all([ring.control(change), twin.control(change)]));
      for (const { code, text } of both) expect([0, 3], text).toContain(code);
      // Both may ask for the same VM at the same instant: the pool lets the second wait, which then finds it there.
      const moved = [...new Set(ring.migrations)];
      const vms = moved.map((each) => each.split(" ")[0]);
      expect(vms.length).toBeGreaterThanOrEqual(2);
      expect(new Set(vms).size).toBe(vms.length);
      expect(ring.migrations.length).toBeLessThanOrEqual(2 * 3);
      // Each counts all migrations of the pool before it asks: the other's request may pass it on the way, once.
      expect(most).toBeLessThanOrEqual(2 + 1);
      // The rows of both tell of each that was begun, once.
      const rows = [...(await migrationRows(arena)), ...(await migrationRows(other))];
      expect(rows.filter(({ state }) => state === "succeeded")).toHaveLength(ring.migrations.length);
    } finally {
      await other.close();
    }
  });

  it("F16: the first one stopped beyond its lease, right before its call: the second one acts, the first one wakes and starts nothing", async () => {
    await controlRound(arena, {}, async ({ ring, wire, start }) => {
      const first = await start({ ControlLeaseSeconds: "5" });
      const isIt = intentCommitted();
      const stopped = new Promise<void>((resolve) => {
        wire.assess = (event) => {
          if (isIt(event)) {
            first.child.kill("SIGSTOP");
            resolve();
          }
          return "pass";
        };
      });
      await stopped;
      await new Promise((resolve) => setTimeout(resolve, 5_200));
      await asRoot(
        "UPDATE Migration SET PlannedAt = PlannedAt - INTERVAL 61 SECOND",
        arena.database.admin.database,
      );
      const second = await ring.control();
      expect(second.code).toBe(0);
      expect(ring.migrations).toEqual(["small -> cold1"]);
      first.child.kill("SIGCONT");
      const { code, stdout } = await first.ended;
      expect(code).toBe(3);
      expect(stdout).not.toContain("Starting Migration");
      expect(stdout).toMatch(/ended early: .*lease/);
      expect(ring.migrations).toEqual(["small -> cold1"]);
      expect((await migrationRows(arena)).map(({ state }) => state)).toEqual(["refused", "succeeded"]);
    });
  });
});
