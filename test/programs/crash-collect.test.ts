/**
 * The short form of the crash tests: something is killed or stopped while xcp-collect runs, and the tables must show
 * one picture of the pool, whole. `npm run soak -- collect` is the long form.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  atCommit,
  type CrashWorld,
  collectWell,
  countEvents,
  countFollowingEvents,
  crashRound,
  endAt,
  followingRound,
  killAt,
  killAtCommit,
  killServer,
  spread,
  startCrashWorld,
  startsPicture,
} from "../support/crashes.ts";
import { type KillableServer, startKillableServer } from "../support/killableServer.ts";
import { overlappingPair } from "../support/overlap.ts";
import { marksIn } from "../support/picture.ts";
import { rounds, someVariants } from "../support/runs.ts";
import type { Passing } from "../support/wire.ts";

describe("collect, killed or overtaken", () => {
  let crash: CrashWorld;
  beforeAll(async () => {
    crash = await startCrashWorld();
  });
  afterAll(() => crash?.stop());

  it("F1: kill -9 at places of its way leaves one whole picture, and the next run succeeds", async () => {
    const total = await countEvents(crash);
    expect(total).toBeGreaterThan(80);
    let stored = await crash.onlooker.stored();
    for (const [n, number] of spread(total - 6, rounds(10, 5)).entries()) {
      const round = await crashRound(crash, stored, killAt(number, n % 2 === 0 ? "before" : "after"));
      expect(round.ended.signal, `event ${number} of ${total}`).toBe("SIGKILL");
      stored = round.after;
    }
  }, 90_000);

  it("F1: kill -9 at its COMMIT leaves the old picture when the server has not heard of it, else the new", async () => {
    const asked = await crashRound(crash, await crash.onlooker.stored(), killAtCommit("asked"));
    expect([asked.ended.signal, asked.left]).toEqual(["SIGKILL", "old"]);
    const answered = await crashRound(crash, asked.after, killAtCommit("answered"));
    expect([answered.ended.signal, answered.left]).toEqual(["SIGKILL", "new"]);
  });

  /** Tells a run to end at its `number`-th event, so many times; the tables are whole, and the next run succeeds. */
  const toldToEnd = async (number: number, times: number): Promise<void> => {
    const before = await crash.onlooker.stored();
    await crash.change();
    crash.wire.restart();
    const running = await crash.start();
    let isTold = false;
    crash.wire.assess = (event) => {
      if (isTold || event.number !== number) return "pass";
      isTold = true;
      for (let left = times; left > 0; left--) running.child.kill("SIGTERM");
      return "pass";
    };
    const ended = await running.ended;
    crash.wire.assess = undefined;
    expect(isTold, `event ${number}`).toBe(true);
    expect(ended, `event ${number}`).toMatchObject({ code: 143, stderr: "" });
    await crash.onlooker.settled();
    const after = await crash.onlooker.stored();
    expect(marksIn(after)).toHaveLength(1);
    expect(after.storedId).toBeGreaterThanOrEqual(before.storedId);
    await collectWell(crash);
  };
  const sessions = () => crash.world.pool.db.count("session");

  it("F41: told to end at places of its way: code 143, one whole snapshot, no session, and the next run succeeds", async () => {
    const total = await countEvents(crash);
    const before = sessions();
    for (const number of spread(total - 6, rounds(6, 3))) {
      await toldToEnd(number, 1);
      expect(sessions(), `event ${number} of ${total}`).toBe(before);
    }
  }, 90_000);

  it("F41: and told again at once: the same, with that run's session left behind at most", async () => {
    const total = await countEvents(crash);
    // Well before the end: runs differ by some packets.
    for (const number of spread(total - 20, rounds(3, 2))) {
      const before = sessions();
      await toldToEnd(number, 2);
      // The second signal ends it where it stands: between a login's answer and the logout there is one.
      expect(sessions() - before, `event ${number} of ${total}`).toBeLessThanOrEqual(1);
    }
  }, 90_000);

  it("F1, F41: and so of a process that follows the pool: killed, or told to end, in a run that reads what has changed", async () => {
    const { db } = crash.world.pool;
    for (const session of db.all("session")) db.destroy("session", session);
    const total = await countFollowingEvents(crash);
    expect(total).toBeGreaterThan(30);
    for (const number of [Math.round(total / 3), total - 20]) {
      const told = await followingRound(crash, endAt(number));
      expect(told.ended, `event ${number} of ${total}`).toMatchObject({ code: 143, stderr: "" });
      expect(sessions(), `event ${number} of ${total}`).toBe(0);
      const killed = await followingRound(crash, killAt(number, "before"));
      expect(killed.ended.signal, `event ${number} of ${total}`).toBe("SIGKILL");
      for (const session of db.all("session")) db.destroy("session", session);
    }
  }, 90_000);

  it("F2: two overlapping runs: the later start stays, nobody ever sees a mixture", async () => {
    expect(await overlappingPair(crash, { stopAt: 1, goOn: "end" })).toBe("first superseded");
    expect(await overlappingPair(crash, { stopAt: "lock", goOn: 400 })).toBe("first stored");
    for (const stopAt of someVariants([1, 5], 1)) await overlappingPair(crash, { stopAt, goOn: "race" });
  }, 60_000);
});

describe("MariaDB, killed while collect runs", () => {
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

  const killAndCollect = async (isIt: (event: Passing) => boolean) => {
    const { disturb, repaired } = killServer(crash, server, isIt);
    const round = await crashRound(crash, await crash.onlooker.stored(), disturb, repaired);
    expect(round.event).not.toBeNull();
    return round;
  };

  it("F5: between a COMMIT and its answer: the run finds out what became of it and ends well", async () => {
    const round = await killAndCollect(atCommit("asked"));
    expect(round.ended).toMatchObject({ code: 0, stderr: "" });
    expect(round.left).toBe("new");
  });

  it("F5: after the answer to a COMMIT has left it: what was committed is there", async () => {
    const round = await killAndCollect(atCommit("answered"));
    expect([round.ended.code, round.left]).toEqual([0, "new"]);
  });

  it("F6: and started again in the midst of a transaction: the whole of it runs again", async () => {
    const round = await killAndCollect(startsPicture);
    expect(round.ended).toMatchObject({ code: 0, stderr: "" });
    expect(round.left).toBe("new");
  });
});
