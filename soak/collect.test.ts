/**
 * The long crash tests of xcp-collect. The short forms of the first four are in test/programs/crash-collect.test.ts,
 * that of the last in test/programs/collect-changing.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seeded } from "../test/support/changingPool.ts";
import { collectChangingPool } from "../test/support/changingRuns.ts";
import {
  type CrashWorld,
  countEvents,
  countFollowingEvents,
  crashRound,
  followingRound,
  killAt,
  killServer,
  spread,
  startCrashWorld,
} from "../test/support/crashes.ts";
import { type KillableServer, startKillableServer } from "../test/support/killableServer.ts";
import { overlappingPair } from "../test/support/overlap.ts";

const seed = Number(process.env["XCP_SOAK_SEED"] ?? 1);
const random = seeded(seed);
/** Which part of the rounds is made: XCP_SOAK_PART=0.05 tries whether the tests themselves work. */
const part = Number(process.env["XCP_SOAK_PART"] ?? 1);
const some = (count: number): number => Math.max(2, Math.ceil(count * part));
/** What all rounds together show at least; of a part nothing is asked. */
const least = (count: number): number => (part >= 1 ? count : 0);

function tell(what: string, beganMs: number, figures: object): void {
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
  console.info(`${what}: ${JSON.stringify(figures)}, ${seconds} s, seed ${seed}`);
}

describe("collect", () => {
  let crash: CrashWorld;
  beforeAll(async () => {
    crash = await startCrashWorld({ hosts: 8, vms: 24 });
  });
  afterAll(() => crash?.stop());

  it("killed at 200 different events on the wire leaves one whole picture each time", async () => {
    const began = performance.now();
    const total = await countEvents(crash, 3);
    expect(total).toBeGreaterThanOrEqual(200);
    let stored = await crash.onlooker.stored();
    const figures = { events: total, killed: 0, old: 0, new: 0, pool: 0, mysql: 0 };
    for (const [n, number] of spread(total, some(200)).entries()) {
      const round = await crashRound(crash, stored, killAt(number, n % 2 === 0 ? "before" : "after"));
      stored = round.after;
      // Streams split as they like: the last numbers may not come up in each run.
      if (round.event !== null) figures[round.event.side]++;
      if (round.ended.signal === "SIGKILL") figures.killed++;
      figures[round.left]++;
    }
    tell("kill -9 of collect", began, figures);
    expect(figures.killed).toBeGreaterThanOrEqual(part >= 1 ? 190 : some(200) - 2);
    expect(figures.old).toBeGreaterThan(least(100));
    if (part >= 1) expect(figures.new).toBeGreaterThan(0);
  });

  it("that follows the pool, killed at 60 different events of a run that reads what has changed: the same", async () => {
    const began = performance.now();
    const total = await countFollowingEvents(crash);
    const figures = { events: total, killed: 0, old: 0, new: 0 };
    for (const [n, number] of spread(total, some(60)).entries()) {
      const round = await followingRound(crash, killAt(number, n % 2 === 0 ? "before" : "after"));
      if (round.ended.signal === "SIGKILL") figures.killed++;
      figures[round.left]++;
    }
    tell("kill -9 of collect --interval", began, figures);
    expect(figures.killed).toBeGreaterThanOrEqual(part >= 1 ? 55 : some(60) - 2);
    expect(figures.old).toBeGreaterThan(0);
  });

  it("in 100 overlapping pairs never leaves a mixture, and the later start stays", async () => {
    const began = performance.now();
    const figures = { pairs: 0, "first stored": 0, "first superseded": 0 };
    for (; figures.pairs < some(100); figures.pairs++) {
      const stopAt = 1 + Math.floor(random() * 60);
      const goOn = random() < 0.4 ? "race" : Math.floor(random() * 1_200);
      figures[await overlappingPair(crash, { stopAt, goOn })]++;
    }
    tell("overlapping pairs", began, figures);
    if (part < 1) return;
    expect(figures["first stored"]).toBeGreaterThan(0);
    expect(figures["first superseded"]).toBeGreaterThan(0);
  });
});

describe("MariaDB", () => {
  let server: KillableServer;
  let crash: CrashWorld;
  beforeAll(async () => {
    server = await startKillableServer();
    crash = await startCrashWorld({ databaseServer: server.address });
  });
  afterAll(async () => {
    await crash?.stop();
    await server?.stop();
  });

  it("killed at 50 different events of a run leaves one whole picture each time", async () => {
    const began = performance.now();
    const total = await countEvents(crash);
    let stored = await crash.onlooker.stored();
    const figures = { events: total, kills: 0, "run went on": 0, "run failed": 0, old: 0, new: 0 };
    for (const number of spread(total - 6, some(50))) {
      const { disturb, repaired } = killServer(crash, server, (event) => event.number === number);
      const round = await crashRound(crash, stored, disturb, repaired);
      stored = round.after;
      if (round.event !== null) figures.kills++;
      figures[round.ended.code === 0 ? "run went on" : "run failed"]++;
      figures[round.left]++;
    }
    tell("kill -9 of MariaDB", began, figures);
    expect(figures.kills).toBe(some(50));
  });
});

describe("a pool that grows, shrinks and loses hosts", () => {
  it.each([false, true])(
    "for an hour of its time (in one session: %s): the tables equal its own records after every run",
    async (following) => {
      const began = performance.now();
      const figures = await collectChangingPool({
        seed,
        virtualSeconds: 10 * some(360),
        everySeconds: 10,
        following,
      });
      tell(`an hour of a changing pool, ${following ? "followed" : "read whole"}`, began, figures);
      expect(figures.runs).toBeGreaterThanOrEqual(some(360));
      expect(figures.whole).toBe(following ? 1 : figures.runs);
    },
  );
});
