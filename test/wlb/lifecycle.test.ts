/** What the server does as time goes by: old collections, a database that is away, two pools, restarts, slow peers, certificates. */
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asUuid, type Snapshot } from "../../src/domain/pool.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startProgram } from "../support/programs.ts";
import { startTcpProxy } from "../support/tcpProxy.ts";
import {
  collectRecorded,
  connectedTo,
  hostUuids,
  mysqlSettings,
  poolUuid,
  recordedPool,
  vmUuids,
  withDatabase,
} from "../support/wlb/recordedPool.ts";
import { parameters, type RunningWlb, startWlb, wlbPassword, wlbUser } from "../support/wlb/serve.ts";
import { requestBytes, stunnelFile, throughStunnel } from "../support/wlb/wire.ts";

const [host1 = "", host2 = ""] = hostUuids;
const [, , vm3 = ""] = vmUuids;
const pool = { hosts: [host1, host2], liveHosts: [host1, host2], vms: [...vmUuids] };
const own = parameters({ PoolUuid: poolUuid });
const place = parameters({ PoolUuid: poolUuid, VmUuid: vm3 });
const join1 = joining(poolUuid);

function joining(uuid: string): string {
  return parameters({ Password: "p", PoolUuid: uuid, UserName: "u", XenServerUrl: "http://192.0.2.10:80/" });
}

let database: TestDatabase;
let other: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "xcp-wlb-test-"));
  [database, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await collectRecorded(database, recordedPool(connectedTo("localhost")));
});
afterAll(async () => {
  await Promise.all([database.drop(), other.drop()]);
  await rm(folder, { recursive: true, force: true });
});

async function ages(seconds: number): Promise<void> {
  await withDatabase(database, (db) =>
    db.write((writer) =>
      writer.run(
        "UPDATE Collection SET StartedAt = TIMESTAMPADD(SECOND, ?, UTC_TIMESTAMP(6)) ORDER BY Id DESC LIMIT 1",
        [-seconds],
      ),
    ),
  );
}

describe("an old collection, and a database that is away", () => {
  it("answers from memory until the collection is too old, then errors at once; and again when all is well", async () => {
    const { servers } = database.wlb;
    const [target = { host: "127.0.0.1", port: 0 }] = servers;
    const proxy = await startTcpProxy(target);
    const settings = {
      ...mysqlSettings(database),
      MysqlHost: `127.0.0.1:${proxy.port}`,
      WlbMaxAgeSeconds: "20",
    };
    await collectRecorded(database, recordedPool(connectedTo("localhost")));
    const server = await startWlb({ ...settings, WlbFolder: join(folder, "away") });
    try {
      expect(await server.verdict("AddXenServer", join1)).toMatchObject({ result: expect.anything() });
      await collectRecorded(database, recordedPool(connectedTo("localhost")));
      await expect
        .poll(() => server.verdict("VMGetRecommendations", place, pool))
        .toMatchObject({ result: [{}, {}] });
      await proxy.close();
      // The database is away: what is in memory serves.
      expect(await server.verdict("VMGetRecommendations", place, pool)).toMatchObject({ result: [{}, {}] });
      expect(await server.verdict("GetXenPoolConfiguration", own)).toMatchObject({
        result: expect.any(Array),
      });
      await expect
        .poll(() => server.verdict("VMGetRecommendations", place, pool), { timeout: 50_000, interval: 1000 })
        .toEqual({
          error: "WLB_INTERNAL_ERROR",
          parameters: [
            "4016",
            expect.stringMatching(/no current picture of the pool: collected .* ago, the limit is 20 s/),
          ],
        });
    } finally {
      // A refresh is under way that waits for the database; whoever stops the server does not.
      const began = performance.now();
      await server.stop();
      expect((performance.now() - began) / 1000).toBeLessThan(15);
    }
  });

  it("keeps no pool waiting for a database that is away, and goes on when it is back; a pool that took leave meanwhile is forgotten", async () => {
    const [target = { host: "127.0.0.1", port: 0 }] = database.wlb.servers;
    const proxy = await startTcpProxy(target);
    await collectRecorded(database, recordedPool(connectedTo("localhost")));
    const server = await startWlb({
      ...mysqlSettings(database),
      MysqlHost: `127.0.0.1:${proxy.port}`,
      WlbFolder: join(folder, "back"),
    });
    const key =
      "<b:KeyValueOfstringstring><b:Key>note</b:Key><b:Value>kept</b:Value></b:KeyValueOfstringstring>";
    const configuring = `<OptimizationParms xmlns:b="x">${key}</OptimizationParms>${own}`;
    const report = `<ReportName>pool_health</ReportName><ReportParms><ReportParameter><ParameterName>PoolID</ParameterName><ParameterValue>${poolUuid}</ParameterValue></ReportParameter></ReportParms>`;
    const stored = () =>
      withDatabase(database, (db) => db.read((reader) => reader.rows("SELECT PoolUuid FROM WlbPool")));
    try {
      expect(await server.verdict("AddXenServer", join1)).toMatchObject({ result: expect.anything() });
      // Nothing comes through any more, and nobody says so: the slowest way to be away.
      proxy.assess = () => "swallow";
      for (const [method, text] of [
        ["SetXenPoolConfiguration", configuring],
        ["AddXenServer", join1],
        ["RemoveXenServer", own],
        ["SetXenPoolConfiguration", configuring],
      ] as const) {
        const began = performance.now();
        const { status, body } = await server.ask(method, text);
        expect([method, status]).toEqual([method, 200]);
        expect(body).toMatch(/<ResultCode>(4023|4015)<\/ResultCode>/);
        // A pool gives up after 30 s, and starts no VM until then.
        expect(performance.now() - began).toBeLessThan(15_000);
      }
      await expect
        .poll(async () => server.program.output.stdout, { timeout: 60_000, interval: 500 })
        .toContain("cannot refresh, answers come from memory");
      expect(await stored()).toHaveLength(1);
      proxy.assess = undefined;
      proxy.cutAll();
      await expect
        .poll(async () => server.program.output.stdout, { timeout: 60_000, interval: 500 })
        .toContain("the database answers again");
      await expect.poll(stored, { timeout: 20_000 }).toEqual([]);
      // It comes back, and everything is as it was before.
      expect(await server.verdict("AddXenServer", join1)).toMatchObject({ result: expect.anything() });
      expect(await server.verdict("SetXenPoolConfiguration", configuring)).toEqual({ result: [] });
      expect(await server.verdict("VMGetRecommendations", place, pool)).toMatchObject({ result: [{}, {}] });
      expect(await server.verdict("ExecuteReport", report)).toMatchObject({ result: [[/^<NewDataSet>/]] });
    } finally {
      await server.stop();
      await proxy.close();
    }
  }, 240_000);

  it("is refused whatever is asked that hangs on it, and the configuration still answered", async () => {
    await ages(3600);
    const server = await startWlb({ ...mysqlSettings(database), WlbFolder: join(folder, "stale") });
    const host = parameters({ HostUuid: host1, PoolUuid: poolUuid });
    for (const [method, text] of [
      ["VMGetRecommendations", place],
      ["GetOptimizationRecommendations", own],
      ["HostGetRecommendations", host],
    ] as const) {
      const verdict = await server.verdict(method, text, pool);
      expect("error" in verdict && verdict.parameters[0]).toBe("4016");
    }
    expect(await server.verdict("GetXenPoolConfiguration", own)).toMatchObject({ result: expect.any(Array) });
    await collectRecorded(database, recordedPool(connectedTo("localhost")));
    await expect
      .poll(() => server.verdict("VMGetRecommendations", place, pool))
      .toMatchObject({ result: [{}, {}] });
    await server.stop();
  });
});

describe("two pools at one server", () => {
  it("each is answered by its own database, and asked for by nobody else", async () => {
    const second = asUuid("22222222-0000-4000-8000-000000000002");
    const foreign: Snapshot = {
      ...recordedPool(connectedTo("localhost")),
      pool: { ...recordedPool().pool, uuid: second },
    };
    await collectRecorded(other, {
      ...foreign,
      hosts: foreign.hosts.slice(0, 1),
      placements: foreign.placements,
    });
    const file = join(folder, "second", "settings");
    await mkdir(join(folder, "second"), { mode: 0o700 });
    const lines = Object.entries(mysqlSettings(other)).map(([key, value]) => `${key}=${value}`);
    await writeFile(file, lines.join("\n"), { mode: 0o600 });
    const server = await startWlb({ ...mysqlSettings(database), WlbFolder: join(folder, "two") }, [
      "-s",
      "settings",
      "-s",
      file,
    ]);
    try {
      for (const uuid of [poolUuid, second]) {
        expect(await server.verdict("AddXenServer", joining(uuid))).toMatchObject({
          result: expect.anything(),
        });
      }
      expect(await server.verdict("VMGetRecommendations", place, pool)).toMatchObject({ result: [{}, {}] });
      const one = { ...pool, hosts: [host1], liveHosts: [host1] };
      const there = parameters({ PoolUuid: second, VmUuid: vm3 });
      expect(await server.verdict("VMGetRecommendations", there, one)).toMatchObject({ result: [{}] });
      await server.verdict("RemoveXenServer", parameters({ PoolUuid: second }));
      expect(await server.verdict("VMGetRecommendations", there, one)).toMatchObject({
        error: "WLB_INTERNAL_ERROR",
      });
      expect(await server.verdict("VMGetRecommendations", place, pool)).toMatchObject({ result: [{}, {}] });
    } finally {
      await server.stop();
    }
  });
});

describe("a restart in the middle", () => {
  it("keeps certificate, pool, configuration and numbers; nothing is asked for again", async () => {
    const settings = { ...mysqlSettings(database), WlbFolder: join(folder, "restart") };
    const key =
      "<b:KeyValueOfstringstring><b:Key>RecentMoveMinutes</b:Key><b:Value>7</b:Value></b:KeyValueOfstringstring>";
    const idOf = async (server: RunningWlb) => {
      const verdict = await server.verdict("VMGetRecommendations", place, pool);
      return "result" in verdict ? Number(verdict.result[0]?.[3]) : Number.NaN;
    };
    const first = await startWlb(settings);
    await first.verdict("AddXenServer", join1);
    await first.verdict(
      "SetXenPoolConfiguration",
      `<OptimizationParms xmlns:b="x">${key}</OptimizationParms>${own}`,
    );
    const [fingerprint] = /SHA-256 [0-9A-F:]+/.exec(first.program.output.stdout) ?? [];
    const before = await idOf(first);
    first.program.child.kill("SIGKILL");
    await first.program.ended;
    const again = await startWlb(settings);
    expect(again.program.output.stdout).toContain(fingerprint);
    expect(again.program.output.stdout).not.toContain("made just now");
    const got = await again.verdict("GetXenPoolConfiguration", own);
    expect("result" in got && got.result).toContainEqual(["RecentMoveMinutes", "7"]);
    expect(await idOf(again)).toBeGreaterThan(before);
    await again.stop();
  });
});

describe("a peer that is slow", () => {
  it("is cut off, while others are answered", async () => {
    const server = await startWlb({ ...mysqlSettings(database), WlbFolder: join(folder, "slow") });
    const socket = tls.connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const closed = once(socket, "close");
    socket.on("error", () => {}).resume();
    const bytes = requestBytes("GetDiagnostics", "", { user: wlbUser, password: wlbPassword });
    socket.write(bytes.slice(0, 60));
    const drip = setInterval(() => socket.write("x"), 500);
    expect(await server.verdict("GetDiagnostics", "")).toMatchObject({ result: expect.anything() });
    await closed;
    clearInterval(drip);
    expect(await server.verdict("GetDiagnostics", "")).toMatchObject({ result: expect.anything() });
    await server.stop();
  });
});

describe("certificates", () => {
  const diagnostics = requestBytes("GetDiagnostics", "", { user: wlbUser, password: wlbPassword });

  async function lay(
    name: string,
    keyType: "rsa" | "ec",
    altNames: { type: 2 | 7; value?: string; ip?: string }[],
  ) {
    const place = join(folder, name);
    await mkdir(place, { mode: 0o700 });
    const made = await generate([{ name: "commonName", value: "wlb.example.org" }], {
      keyType,
      keySize: 2048,
      algorithm: "sha256",
      extensions: [{ name: "subjectAltName", altNames }],
    } as Parameters<typeof generate>[1]);
    await writeFile(join(place, "certificate.pem"), made.cert, { mode: 0o600 });
    await writeFile(join(place, "key.pem"), made.private, { mode: 0o600 });
    return { place, caPem: made.cert };
  }

  it("with an EC key are refused at the start, with the reason: no pool could connect", async () => {
    const { place } = await lay("ec", "ec", [{ type: 2, value: "wlb.example.org" }]);
    const program = await startProgram("xcp-wlb", [], {
      settings: {
        ...mysqlSettings(database),
        WlbListen: "127.0.0.1:0",
        WlbUsr: "u",
        WlbPassHash: `scrypt:16384:8:1:${"a".repeat(22)}:${"b".repeat(43)}`,
        WlbFolder: place,
      },
    });
    const { code, stderr } = await program.ended;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/has an EC key: pools accept RSA only/)]);
  });

  it.skipIf(stunnelFile === null)(
    "verify by a DNS name; an address does not do, be it in the certificate or not",
    async () => {
      const server = await startWlb({
        ...mysqlSettings(database),
        WlbFolder: join(folder, "dns"),
        WlbNames: "wlb.example.org, second.example.org",
      });
      const caPem = await readFile(join(folder, "dns", "certificate.pem"), "utf8");
      const through = (name: string) => throughStunnel(server.port, diagnostics, { caPem, name });
      expect(await through("wlb.example.org")).toMatchObject({ reply: { status: 200 } });
      expect(await through("second.example.org")).toMatchObject({ reply: { status: 200 } });
      expect(await through("elsewhere.example.org")).toMatchObject({
        log: expect.stringMatching(/[Ss]ubject checks failed/),
      });
      await server.stop();

      const { place, caPem: withAddress } = await lay("ip", "rsa", [
        { type: 2, value: "wlb.example.org" },
        { type: 7, ip: "127.0.0.1" },
      ]);
      const second = await startWlb({ ...mysqlSettings(database), WlbFolder: place });
      const by = (name: string) => throughStunnel(second.port, diagnostics, { caPem: withAddress, name });
      expect(await by("127.0.0.1")).toMatchObject({ log: expect.stringMatching(/[Ss]ubject checks failed/) });
      expect(await by("wlb.example.org")).toMatchObject({ reply: { status: 200 } });
      await second.stop();
    },
  );
});
