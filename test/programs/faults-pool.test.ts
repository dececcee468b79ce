/** Faults of the pool and of the way to it while it is collected, one test each, with the numbers of the fault matrix. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { type CrashWorld, collectWell, expectPoolsOwn, startCrashWorld } from "../support/crashes.ts";
import { marksIn } from "../support/picture.ts";
import type { ProgramResult } from "../support/programs.ts";
import { rounds } from "../support/runs.ts";
import type { Passing, Wire } from "../support/wire.ts";
import { startWorld } from "../support/world.ts";
import { rowsOf, storedTables, tablesOf } from "./collectPool.ts";

let crash: CrashWorld;
beforeAll(async () => {
  crash = await startCrashWorld();
});
afterAll(() => crash?.stop());

/** Runs collect with `assess` on the wire. */
async function run(
  assess: Wire["assess"],
  change: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> {
  crash.wire.restart();
  const running = await crash.start(change);
  crash.wire.assess = assess;
  const ended = await running.ended;
  crash.wire.assess = undefined;
  return ended;
}

const isRequest = ({ side, direction, bytes }: Passing) =>
  side === "pool" && direction === "up" && /^(POST|GET) /.test(bytes.toString("latin1", 0, 5));

async function expectFailure(result: Promise<ProgramResult>, message: RegExp): Promise<void> {
  const before = await crash.onlooker.stored();
  expect(await result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(message) });
  const after = await crash.onlooker.stored();
  expect(after.picture).toEqual(before.picture);
  expect(after.collections).toEqual(before.collections);
}

describe("a pool that does not answer as it should", () => {
  it("F24: that forgets the session, at whichever call: one new login, and the run ends well", async () => {
    const { db } = crash.world.pool;
    let total = 0;
    for (let place = 2; place === 2 || place < total; place += rounds(3, 6)) {
      await crash.change();
      let requests = 0;
      const result = await run((event) => {
        if (isRequest(event) && ++requests === place)
          for (const session of db.all("session")) db.destroy("session", session);
        return "pass";
      });
      expect(result, `call ${place} of ${requests}`).toMatchObject({ code: 0, stderr: "" });
      await expectPoolsOwn(crash);
      total = requests;
    }
    expect(total).toBeGreaterThan(15);
  }, 60_000);

  it("F24: that forgets every session at once ends the run after one more login", async () => {
    const { db } = crash.world.pool;
    let logins = 0;
    const result = run((event) => {
      if (!isRequest(event)) return "pass";
      if (event.bytes.includes("login_with_password")) logins++;
      else for (const session of db.all("session")) db.destroy("session", session);
      return "pass";
    });
    await expectFailure(result, /SESSION_INVALID/);
    expect(logins).toBe(2);
    await collectWell(crash);
  });

  it("F25: that is booting is named as such, and collected once it serves", async () => {
    const { pool } = crash.world;
    const master = pool.db.text("host", pool.masterRef, "uuid");
    runCommand(pool, `restart-toolstack ${master} for=100s`);
    await pool.clock.advance(90_000);
    await expectFailure(run(undefined), /HOST_STILL_BOOTING/);
    await pool.clock.advance(20_000);
    await collectWell(crash);
  });

  const large = ({ side, direction, bytes }: Passing) =>
    side === "pool" && direction === "down" && bytes.length > 3_000;
  const unavailable = Buffer.from("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  it.each<[string, NonNullable<Wire["assess"]>, RegExp]>([
    ["HTTP 503", (event) => (isRequest(event) ? { answer: unavailable } : "pass"), /HTTP 503/],
    [
      "cut connections",
      (event) => (event.side === "pool" ? "cut" : "pass"),
      /connection was lost|closed without an answer/,
    ],
    [
      "bodies that are cut short",
      (event) => (large(event) ? { last: event.bytes.subarray(0, 1_500) } : "pass"),
      /cut short|connection was lost|closed without an answer/,
    ],
    [
      "bodies that never end",
      (event) => (large(event) ? { replace: event.bytes.subarray(0, 1_500) } : "pass"),
      /no complete answer within 1 s/,
    ],
  ])("F25: with %s: the run ends with 1 and the reason, and the tables stay", async (_, assess, reason) => {
    const began = performance.now();
    await expectFailure(run(assess, { XenCallSeconds: "1" }), reason);
    expect(performance.now() - began).toBeLessThan(30_000);
    await collectWell(crash);
  });

  it("F26: with a silent and a refusing member: both unread, the others stored, in the time of one", async () => {
    await crash.change();
    const members = crash.world.simulator.hosts.map(({ address }) => address);
    const result = await run(
      ({ side, target }) => {
        if (side === "mysql") return "pass";
        return target.host === members[1] ? "swallow" : target.host === members[2] ? "cut" : "pass";
      },
      { CollectMethod: "rrd", CollectHostSeconds: "1", XenConnectSeconds: "1" },
    );
    expect(result.code).toBe(3);
    expect(result.stderr.trim().split("\n")).toHaveLength(2);
    const [took] = await crash.onlooker.query("SELECT DurationMs FROM Collection ORDER BY Id DESC LIMIT 1");
    expect(Number(took?.["DurationMs"])).toBeLessThan(6_000);
    const read = await crash.onlooker.query("SELECT ReadOk FROM HostDetail ORDER BY ReadOk");
    expect(read.map((row) => row["ReadOk"])).toEqual([0, 0, 1]);
    expect(marksIn(await crash.onlooker.stored())).toHaveLength(1);
    await collectWell(crash);
  });

  it("F22: whose master dies in mid-run: the old picture stays, and the next run is wholly the new master's", async () => {
    await crash.change();
    const { pool } = crash.world;
    const heir = pool.db.all("host")[1] ?? "";
    let requests = 0;
    const result = run((event) => {
      if (isRequest(event) && ++requests === 8) {
        runCommand(pool, `master ${pool.db.text("host", heir, "uuid")} for=40s`);
      }
      return "pass";
    });
    await expectFailure(result, /connection was lost|serves as its master/);
    expect(requests).toBeGreaterThanOrEqual(8);
    await pool.clock.advance(60_000);
    await collectWell(crash);
    const masters = await crash.onlooker.query("SELECT HostUuid FROM HostDetail WHERE IsMaster = 1");
    expect(masters.map((row) => row["HostUuid"])).toEqual([pool.db.text("host", heir, "uuid")]);
  });
});

describe("clocks that disagree", () => {
  it.each([3_600_000, -3_600_000])(
    "F19: the pool's clock is off by %i ms: hosts are read, and their rows are the pool's",
    async (offMs) => {
      const scenario = `pool "Off"\nnetwork "LAN" device=eth0\nhost h1 master memory=8192\nhost h2 memory=8192\nvm a on=h2 memory=512 tools\n`;
      const world = await startWorld({ pool: { scenario }, manualClock: true, startMs: Date.now() + offMs });
      try {
        await world.pool.clock.advance(60_000);
        expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
        expect(await storedTables(world)).toEqual(tablesOf(world.pool));
        const [row] = await rowsOf(
          world,
          "SELECT ABS(TIMESTAMPDIFF(SECOND, FinishedAt, UTC_TIMESTAMP())) AS off FROM Collection",
        );
        expect(Number(row?.["off"])).toBeLessThan(60);
      } finally {
        await world.stop();
      }
    },
  );
});

describe("sizes", () => {
  it("F42: 64 hosts and 5,000 VMs are collected and listed, every one of them", async () => {
    const scenario = `pool "Large" product=XCP-ng version=8.3\ngenerate hosts=64 vms=5000 seed=7\n`;
    const world = await startWorld({ pool: { scenario }, manualClock: true });
    try {
      await world.pool.clock.advance(60_000);
      const result = await world.run("xcp-collect", ["--json"], { deadlineMs: 60_000 });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(result.stdout)).toMatchObject({ hosts: 64, vms: 5064, unread: [] });
      expect(await storedTables(world)).toEqual(tablesOf(world.pool));
      const shown = await world.run("xcp-manager", ["-e", "SHOW VMS"]);
      expect(shown.code).toBe(0);
      expect(shown.stdout.trim().split("\n")).toHaveLength(5064);
    } finally {
      await world.stop();
    }
  }, 120_000);
});
