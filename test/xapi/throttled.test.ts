/** A pool that limits its callers: what is told of it, and that it is asked for no more on that account. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readingLines } from "../../src/collect/report.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { readInventory } from "../../src/xapi/inventory.ts";
import { InventoryFollower } from "../../src/xapi/inventoryFollower.ts";
import type { Measures } from "../../src/xapi/measures.ts";
import { readMeasures } from "../../src/xapi/rrdUpdates.ts";
import { userAgent } from "../../src/xapi/userAgent.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";
import { changingScenario } from "../support/picture.ts";
import { options } from "./support/connect.ts";

let pool: SimulatedPool;
let simulator: RunningSimulator;
let client: XapiClient;
let sent = 0;

beforeEach(async () => {
  pool = SimulatedPool.fromScenario(changingScenario(3, 6), { manualClock: true, seed: 3 });
  simulator = await startSimulator(pool, { http: true, https: false });
  await pool.clock.advance(60_000);
  client = await connectXapi(
    options(
      simulator.hosts.map(({ httpUrl }) => httpUrl ?? ""),
      { password: "xenroot" },
    ),
  );
  sent = 0;
});
afterEach(async () => {
  await client.close();
  await simulator.stop();
  pool.close();
});

async function measures(): Promise<Measures> {
  const inventory = await readInventory(client);
  const counting = new Proxy(client, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (String(name).startsWith("query")) sent++;
      return member.bind(target);
    },
  });
  return readMeasures(counting, inventory, {
    method: "auto",
    parallelCalls: 4,
    hostTimeoutMs: 10_000,
    eth0Device: "eth0",
    signal: new AbortController().signal,
  });
}

describe("an answer of HTTP 429", () => {
  test("to /rrd_updates leaves the host unread, and no call for each value follows", async () => {
    runCommand(pool, "http-429 /rrd_updates times=always");
    const { unread, slow } = await measures();
    expect(unread.size).toBe(3);
    for (const reason of unread.values()) {
      expect(reason).toMatch(
        /\/rrd_updates.*HTTP 429: calls are limited there; raise the limit of the User-Agent xcp-balance\//,
      );
    }
    expect(slow.size).toBe(0);
    expect(sent).toBe(0);
  });

  test("to event.from ends the reading with the name to raise the limit for, and the next one is whole", async () => {
    const follower = new InventoryFollower();
    await follower.read(client, 0, 3_600_000);
    runCommand(pool, "http-429 event.from");
    await expect(follower.read(client, 60_000, 3_600_000)).rejects.toThrow(
      /event\.from: the answer is HTTP 429: calls are limited there; .*xcp-balance\//,
    );
    const next = await follower.read(client, 120_000, 3_600_000);
    expect(next.wholeBecause).toBe("the last reading could not be followed");
    expect(readingLines({ reading: next })).toEqual([
      "everything was read, not only what has changed: the last reading could not be followed",
    ]);
  });
});

describe("an answer that the pool delays", () => {
  const reading = { wholeBecause: null, expected: true };

  test("is told where the pool has limits and an empty question waited for two seconds", () => {
    const lines = readingLines({ reading: { ...reading, rateLimits: 2, waitedMs: 2_340 } });
    expect(lines).toEqual([
      `the pool limits callers (Rate_limit) and answered an empty question after 2.3 s: it seems to throttle us; raise the limit of the User-Agent ${userAgent}`,
    ]);
  });

  test.each([
    ["no limits", { rateLimits: 0, waitedMs: 9_000 }],
    ["limits that are not known", { rateLimits: null, waitedMs: 9_000 }],
    ["answers that come at once", { rateLimits: 2, waitedMs: 1_999 }],
  ])("is not told with %s", (_, figures) => {
    expect(readingLines({ reading: { ...reading, ...figures } })).toEqual([]);
  });

  test("is measured as the longest wait for event.from", async () => {
    const follower = new InventoryFollower();
    await follower.read(client, 0, 3_600_000);
    runCommand(pool, "slow event.from by=1s");
    const reading = follower.read(client, 60_000, 3_600_000);
    await new Promise((done) => setTimeout(done, 300));
    await pool.clock.advance(2_000);
    const { waitedMs, rateLimits } = await reading;
    expect(waitedMs).toBeGreaterThanOrEqual(250);
    expect(rateLimits).toBe(0);
  });
});
