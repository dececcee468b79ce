/** The metrics of xcp-wlb, as it writes them while it runs; and the gatekeeper's counts. */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/settings/secret.ts";
import { Gatekeeper } from "../../src/wlb/gatekeeper.ts";
import { Meters } from "../../src/wlb/meters.ts";
import { wlbSamples } from "../../src/wlb/metrics.ts";
import { hashPassword } from "../../src/wlb/password.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import {
  collectRecorded,
  connectedTo,
  mysqlSettings,
  poolUuid,
  recordedPool,
} from "../support/wlb/recordedPool.ts";
import { parameters, type RunningWlb, startWlb } from "../support/wlb/serve.ts";

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
const own = parameters({ PoolUuid: poolUuid });

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "xcp-wlb-metrics-"));
  database = await createTestDatabase();
  await collectRecorded(database, recordedPool(connectedTo("localhost")));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

describe("the file", () => {
  it("tells of requests by method and result, logins, the certificate and each pool's picture, and is written again", async () => {
    const file = join(folder, "xcp-wlb.prom");
    const server: RunningWlb = await startWlb({
      ...mysqlSettings(database),
      WlbFolder: join(folder, "wlb"),
      WlbMetricsFile: file,
      WlbFailures: "2",
    });
    try {
      const listen = `127.0.0.1:${server.port}`;
      const value = async (name: string, labels: string) => {
        const text = await readFile(file, "utf8");
        const line = text.split("\n").find((each) => each.startsWith(`xcp_balance_${name}{${labels}} `));
        return line === undefined ? null : Number(line.slice(line.lastIndexOf(" ")));
      };
      await expect
        .poll(() => value("wlb_written_timestamp_seconds", `listen="${listen}"`))
        .toBeGreaterThan(1.6e9);
      expect(await value("wlb_connected", `pool="${poolUuid}"`)).toBe(0);
      const first = await value("wlb_written_timestamp_seconds", `listen="${listen}"`);
      const joining = {
        Password: "p",
        PoolUuid: poolUuid,
        UserName: "u",
        XenServerUrl: "http://192.0.2.10:80/",
      };
      await server.verdict("AddXenServer", parameters(joining));
      await server.verdict("GetXenPoolConfiguration", own);
      await server.verdict("GetXenPoolConfiguration", parameters({ PoolUuid: poolUuid.replace("1", "2") }));
      for (let n = 0; n < 3; n++)
        await server.ask("GetDiagnostics", "", { from: "127.0.0.7", password: "x" });
      await expect
        .poll(() => value("wlb_written_timestamp_seconds", `listen="${listen}"`), { timeout: 40_000 })
        .toBeGreaterThan(first ?? 0);
      const requests = (method: string, result: string) =>
        value("wlb_requests_total", `listen="${listen}",method="${method}",result="${result}"`);
      expect(await requests("GetXenPoolConfiguration", "answered")).toBe(1);
      expect(await requests("GetXenPoolConfiguration", "refused")).toBe(1);
      expect(await requests("VMGetRecommendations", "answered")).toBe(0);
      // Whoever may not ask is no request.
      expect(await requests("GetDiagnostics", "answered")).toBe(0);
      expect(await value("wlb_failed_logins_total", `listen="${listen}"`)).toBe(2);
      expect(await value("wlb_lockouts_total", `listen="${listen}"`)).toBe(1);
      expect(await value("wlb_addresses_locked_out", `listen="${listen}"`)).toBe(1);
      expect(await value("wlb_connected", `pool="${poolUuid}"`)).toBe(1);
      const now = Date.now() / 1000;
      const picture = (await value("wlb_picture_timestamp_seconds", `pool="${poolUuid}"`)) ?? 0;
      expect(Math.abs(now - picture)).toBeLessThan(300);
      const end = (await value("wlb_certificate_end_timestamp_seconds", `listen="${listen}"`)) ?? 0;
      expect((end - now) / 86_400 / 365).toBeGreaterThan(9);
      expect(
        await value("wlb_request_seconds_total", `listen="${listen}",method="AddXenServer"`),
      ).toBeGreaterThan(0);
      expect((await stat(file)).mode & 0o777).toBe(0o644);
      if (hasPromtool) {
        const { status, stderr } = spawnSync("promtool", ["check", "metrics"], {
          input: await readFile(file),
        });
        expect([status, String(stderr)]).toEqual([0, ""]);
      }
      // Said once, however often it is asked again.
      const said = server.program.output.stdout.match(
        /wrong user or password from 127\.0\.0\.7, as wlbuser/g,
      );
      expect(said).toHaveLength(2);
    } finally {
      await server.stop();
    }
  });

  it("that cannot be written is told once, and pools are answered", async () => {
    const server = await startWlb({
      ...mysqlSettings(database),
      WlbFolder: join(folder, "unwritten"),
      WlbMetricsFile: join(folder, "nosuch", "xcp-wlb.prom"),
    });
    await server.program.waitFor(/WlbMetricsFile: cannot write .*nosuch/);
    expect(await server.verdict("GetDiagnostics", "")).toMatchObject({ result: {} });
    await server.stop();
  });

  it("leaves out what is not known, and says nothing of a pool that was never collected", () => {
    const input = {
      listen: "l",
      version: "1",
      startedAt: new Date(0),
      now: new Date(1000),
      certificateEnd: new Date(5000),
      meters: new Meters(() => 0),
      logins: { failures: 0, lockouts: 0, lockedOut: 0 },
      views: [{ pool: null, status: null, plan: null, ageSeconds: () => Number.POSITIVE_INFINITY }],
    };
    const names = wlbSamples(input).map(({ name }) => name);
    expect(names.filter((name) => /picture|connected|recommendations$/.test(name))).toEqual([]);
    expect(names.filter((name) => name === "xcp_balance_wlb_requests_total")).toHaveLength(27);
  });
});

describe("meters", () => {
  it("count what took longer than a tenth of a second", () => {
    let now = 0;
    const meters = new Meters(() => now);
    for (const ms of [5, 99, 101, 400]) {
      const note = meters.began("VMGetRecommendations");
      now += ms;
      note(ms === 400 ? "failed" : "answered");
    }
    expect(meters.counts.get("VMGetRecommendations")).toEqual({
      byResult: { answered: 3, refused: 0, failed: 1 },
      seconds: expect.closeTo(0.605, 5),
      slow: 2,
    });
  });
});

describe("the gatekeeper", () => {
  const header = (user: string, password: string) =>
    `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const keeper = async (monotonicMs: () => number = () => 0) =>
    new Gatekeeper(
      { user: "wlb", passwordHash: new Secret(await hashPassword("right")), failures: 3, lockMs: 60_000 },
      monotonicMs,
    );

  it("locks an address out after so many failures, once, and lets it in again later", async () => {
    let now = 0;
    const gate = await keeper(() => now);
    const tries = [];
    for (let n = 0; n < 4; n++) tries.push(await gate.admit("a", header("wlb", `wrong${n}`)));
    expect(tries).toEqual(["refused", "refused", "now locked out", "locked out"]);
    expect(await gate.admit("a", header("wlb", "right"))).toBe("locked out");
    expect(await gate.admit("b", header("wlb", "right"))).toBe("admitted");
    expect([gate.counts, gate.lockedOut]).toEqual([{ failures: 3, lockouts: 1 }, 1]);
    now = 60_001;
    expect(gate.lockedOut).toBe(0);
    expect(await gate.admit("a", header("wlb", "right"))).toBe("admitted");
  });

  it("does not count against a pool what it had no time to look at, while somebody guesses in numbers", async () => {
    const gate = await keeper();
    const guesses = Array.from({ length: 16 }, (_, n) => gate.admit(`guesser${n}`, header("wlb", `x${n}`)));
    const pool = [gate.admit("pool", header("wlb", "right")), gate.admit("pool", header("wlb", "right"))];
    expect(await Promise.all(pool)).toEqual(["busy", "busy"]);
    await Promise.all(guesses);
    expect(gate.counts).toEqual({ failures: 16, lockouts: 0 });
    expect(await gate.admit("pool", header("wlb", "right"))).toBe("admitted");
  });

  it("takes the wrong user with the right password for wrong, and what is no Basic header", async () => {
    const gate = await keeper();
    expect(await gate.admit("a", header("root", "right"))).toBe("refused");
    expect(await gate.admit("a", "Bearer abc")).toBe("refused");
    expect(await gate.admit("a", undefined)).toBe("refused");
    expect(gate.counts.failures).toBe(1);
  });
});
