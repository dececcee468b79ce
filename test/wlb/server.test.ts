/** The server as a process: the recorded requests byte for byte over real TLS, and what it does to those who may not ask. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isConnectedWlb } from "../../src/domain/workloadBalancing.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { readAnswer, type Verdict } from "../support/wlb/clientReader.ts";
import {
  collectRecorded,
  connectedTo,
  hasRecorded,
  hostUuids,
  mysqlSettings,
  poolUuid,
  recordedPool,
  recordedRequest,
  vmUuids,
  withDatabase,
} from "../support/wlb/recordedPool.ts";
import { judged, nobody, parameters, type RunningWlb, startWlb, wlbPassword } from "../support/wlb/serve.ts";
import { exchange, stunnelFile, throughStunnel, wholeRequest } from "../support/wlb/wire.ts";

const [host1 = "", host2 = ""] = hostUuids;
const [vm1 = "", vm2 = "", vm3 = ""] = vmUuids;
const pool = { hosts: [host1, host2], liveHosts: [host1, host2], vms: [vm1, vm2, vm3] };
const own = parameters({ PoolUuid: poolUuid });
const joining = parameters({
  Password: "pool secret & more",
  PoolUuid: poolUuid,
  UserName: "balancer",
  XenServerUrl: "http://192.0.2.10:80/",
});

let database: TestDatabase;
let server: RunningWlb;
beforeAll(async () => {
  database = await createTestDatabase();
  await collectRecorded(database, recordedPool(connectedTo("localhost")));
  server = await startWlb({ ...mysqlSettings(database), WlbAllowedAddresses: "192.0.2.10, FD00::10" });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const binding = (endpoint: string) => ({
  pool: poolUuid,
  endpoint,
  configuration: new Map<string, string>(),
});
const refused = (verdict: Verdict): string =>
  "error" in verdict ? `${verdict.error} ${verdict.parameters.join(" ")}` : "accepted";

describe("before it is connected", () => {
  it("a pool's questions are answered as of one that is unknown", async () => {
    for (const method of ["GetXenPoolConfiguration", "GetOptimizationRecommendations"] as const) {
      expect(refused(await server.verdict(method, own))).toMatch(/^WLB_INTERNAL_ERROR 4015 .*not connected/);
    }
  });

  it("a pool that is not collected cannot be connected", async () => {
    const other = joining.replace(poolUuid, "22222222-0000-4000-8000-000000000002");
    expect(refused(await server.verdict("AddXenServer", other))).toMatch(/4015 .*run xcp-collect/);
  });

  it("neither can one at an address that is none of its hosts", async () => {
    const elsewhere = joining.replace("192.0.2.10", "198.51.100.66");
    expect(refused(await server.verdict("AddXenServer", elsewhere))).toMatch(
      /4003 198\.51\.100\.66 is no collected/,
    );
  });

  it("nor one without an account", async () => {
    const empty = joining.replace("pool secret &amp; more", "");
    expect(refused(await server.verdict("AddXenServer", empty))).toMatch(/4021/);
  });
});

describe.skipIf(!hasRecorded)(
  "the recorded requests, byte for byte (beside the repository: shared/wlb)",
  () => {
    const send = async (method: Parameters<typeof judged>[0]) =>
      judged(method, await exchange({ port: server.port }, recordedRequest(method)), pool);

    it("are all understood, and their answers are", async () => {
      expect(await send("AddXenServer")).toEqual({ result: expect.anything() });
      expect(await send("SetXenPoolConfiguration")).toEqual({ result: [] });
      expect(await send("GetXenPoolConfiguration")).toEqual({
        result: expect.arrayContaining([
          ["AutoBalanceEnabled", "true"],
          ["OptimizationMode", "0"],
        ]),
      });
      const stars = await send("VMGetRecommendations");
      expect("result" in stars && stars.result.map(([uuid]) => uuid).sort()).toEqual([host1, host2]);
      expect(await send("HostGetRecommendations")).toEqual({
        result: [
          [vm1, "WLB", host2, expect.any(String)],
          [vm2, "WLB", host2, expect.any(String)],
        ],
      });
      expect(await send("GetOptimizationRecommendations")).toEqual({ result: expect.any(Array) });
      const report = await send("ExecuteReport");
      expect("result" in report && report.result[0]?.[0]).toMatch(
        /^<NewDataSet><xs:schema .*<\/NewDataSet>$/,
      );
      const diagnostics = await send("GetDiagnostics");
      expect("result" in diagnostics && diagnostics.result[0]?.[0]).toContain("xcp-wlb ");
      expect(await send("RemoveXenServer")).toMatchObject({
        result: expect.arrayContaining([["db wlb_url="]]),
      });
    });

    it.skipIf(stunnelFile === null)(
      "come through stunnel with xapi's options (Debian's stunnel4)",
      async () => {
        for (const method of [
          "AddXenServer",
          "GetXenPoolConfiguration",
          "ExecuteReport",
          "RemoveXenServer",
        ] as const) {
          const outcome = await throughStunnel(server.port, recordedRequest(method));
          if ("log" in outcome) throw new Error(outcome.log);
          expect("result" in judged(method, outcome.reply, pool)).toBe(true);
        }
      },
    );
  },
);

describe("a connected pool", () => {
  beforeAll(async () => {
    expect(await server.verdict("AddXenServer", joining)).toMatchObject({ result: expect.anything() });
  });

  it("may be connected again and again", async () => {
    for (let i = 0; i < 3; i++) {
      expect("result" in (await server.verdict("AddXenServer", joining))).toBe(true);
    }
  });

  it("has its account stored, encrypted, and never told", async () => {
    const [row] = await withDatabase(database, (db) =>
      db.read((reader) => reader.rows("SELECT UserName, Address, Endpoint, BoundTo, Password FROM WlbPool")),
    );
    expect(row).toMatchObject({
      UserName: "balancer",
      Address: "192.0.2.10",
      Endpoint: "localhost",
      BoundTo: "127.0.0.1",
    });
    expect(String(row?.["Password"])).not.toContain("secret");
    const diagnostics = await server.verdict("GetDiagnostics", "");
    const { stdout, stderr } = server.program.output;
    for (const text of [JSON.stringify(diagnostics), stdout, stderr]) {
      expect(text).not.toContain("pool secret");
      expect(text).not.toContain(wlbPassword);
    }
  });

  it("is spoken for by who added it, not by others", async () => {
    const stranger = { from: "127.0.0.2" };
    for (const [method, text] of [
      ["GetXenPoolConfiguration", own],
      ["AddXenServer", joining],
      ["RemoveXenServer", own],
      ["ExecuteReport", report("pool_health")],
    ] as const) {
      const { body } = await server.ask(method, text, stranger);
      expect(body).toContain("<ResultCode>4015</ResultCode>");
    }
    expect("result" in (await server.verdict("GetXenPoolConfiguration", own))).toBe(true);
  });

  it("gets every key that XenCenter edits, and back what was set, known or not", async () => {
    const awkward = { "<awkward": "a", "&sand": "<&>", long: "x".repeat(160), RecentMoveMinutes: "5" };
    expect(await server.verdict("SetXenPoolConfiguration", sending(awkward))).toEqual({ result: [] });
    const got = await server.verdict("GetXenPoolConfiguration", own);
    const values = new Map("result" in got ? (got.result as [string, string][]) : []);
    for (const [key, value] of Object.entries(awkward)) expect([key, values.get(key)]).toEqual([key, value]);
    for (const key of ["AutoBalanceSeverity", "AutoBalanceAggressiveness", "PoolAuditLogGranularity"]) {
      expect(values.get(key)).toMatch(/^[A-Z][a-z]+$/);
    }
    expect(values.get("WlbVersion")).toMatch(/^\d+\.\d+$/);
    expect(values.get(`host_${host1}_ExcludeFromPlacementRecommendations`)).toBe("false");
    expect(server.program.output.stdout).toMatch(/accepted, has no effect: .*long/);
  });

  it("has stars for every live host, and none on one that is excluded", async () => {
    const ask = () =>
      server.verdict("VMGetRecommendations", parameters({ PoolUuid: poolUuid, VmUuid: vm3 }), pool);
    const open = await ask();
    expect("result" in open && open.result.every(([, , stars]) => Number(stars) > 0)).toBe(true);
    const key = `host_${host2}_ExcludeFromPlacementRecommendations`;
    await server.verdict(
      "SetXenPoolConfiguration",
      sending({ [key]: "true", set_host_configuration: "true" }),
    );
    await expect
      .poll(async () => {
        const closed = await ask();
        return "result" in closed ? closed.result.find(([uuid]) => uuid === host2) : closed;
      })
      .toEqual([host2, "WLB", "0.0", expect.any(String), "excluded in the pool's settings"]);
    await server.verdict("SetXenPoolConfiguration", sending({ [key]: "false" }));
    const got = await server.verdict("GetXenPoolConfiguration", own);
    expect(JSON.stringify(got)).not.toContain("set_host_configuration");
  });

  it("may have IPv6 addresses: its own in brackets, and the server's in the Host header without", async () => {
    const six = joining.replace("192.0.2.10", "[fd00::10]");
    expect(await server.verdict("AddXenServer", six, pool, { host: "fd00::5" })).toMatchObject({
      result: {},
    });
    const endpoint = () =>
      withDatabase(database, (db) =>
        db.read((reader) => reader.rows("SELECT Endpoint, Address FROM WlbPool")),
      );
    expect(await endpoint()).toMatchObject([{ Endpoint: "fd00::5", Address: "fd00::10" }]);
    expect(
      isConnectedWlb({ uuid: poolUuid, wlbEnabled: true, wlbUrl: "[fd00::5]:8012" }, binding("fd00::5")),
    ).toBe(true);
    expect(await server.verdict("AddXenServer", joining)).toMatchObject({ result: {} });
    expect(await endpoint()).toMatchObject([{ Endpoint: "localhost", Address: "192.0.2.10" }]);
  });

  it("asks for a VM that is newer than the collection, and hears so", async () => {
    const unknown = parameters({ PoolUuid: poolUuid, VmUuid: "cccccccc-0000-4000-8000-000000000009" });
    expect(refused(await server.verdict("VMGetRecommendations", unknown))).toMatch(
      /4007 .*not in the collected/,
    );
  });

  it("gets an error for definitions of reports, so that its own layouts serve", async () => {
    expect(refused(await server.verdict("ExecuteReport", report("get_report_definitions")))).toMatch(/4007/);
  });
});

describe("diagnostics", () => {
  it("are what doctor says of the set-up, how the server is, and its log; without a secret, within what a pool passes on", async () => {
    const [text = ""] = await diagnosed();
    expect(text).toMatch(/^xcp-wlb \d+\.\d+\.\d+/);
    expect(text).toMatch(/^pool recorded .*: 2 hosts, 3 VMs$/m);
    // Doctor's words, by its own checks.
    expect(text).toMatch(/^doctor:$/m);
    expect(text).toMatch(/^ {2}ok +schema: version \d+$/m);
    expect(text).toMatch(/^ {2}ok +settings-wlb: database \S+ on 127\.0\.0\.1:\d+ as \S+$/m);
    expect(text).toMatch(/^ {2}ok +wlb-certificate: for .*, until 20\d\d-\d\d-\d\d, RSA 2048 bits$/m);
    expect(text).toMatch(/^ {2}ok +grants: /m);
    expect(text).toMatch(/^\d+ checks: \d+ ok, /m);
    expect(text).not.toMatch(/not checked: needs|fix:/);
    expect(text).toMatch(
      /^last lines of the log:\n20\d\d-[\s\S]* pool [0-9a-f-]+ \(recorded\) is connected/m,
    );
    for (const secret of [wlbPassword, "pool secret", "scrypt:", database.wlb.password])
      expect(text).not.toContain(secret);
    expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024);
  });

  it("are there again at once, and for several at once", async () => {
    const began = performance.now();
    const texts = await Promise.all(Array.from({ length: 5 }, diagnosed));
    expect(texts.every(([text]) => text?.includes("settings-wlb: "))).toBe(true);
    // Doctor itself takes a second or so.
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  const diagnosed = async (): Promise<readonly string[]> => {
    const verdict = await server.verdict("GetDiagnostics", "");
    return "result" in verdict ? (verdict.result[0] ?? []) : [];
  };
});

describe("whoever may not ask", () => {
  it("hears 401 for a wrong password, and is locked out after five, though others are not", async () => {
    const wrong = { password: "guess", from: "127.0.0.3" };
    for (let i = 0; i < 5; i++) expect((await server.ask("GetDiagnostics", "", wrong)).status).toBe(401);
    const right = await server.ask("GetDiagnostics", "", { from: "127.0.0.3" });
    expect(right.status).toBe(401);
    expect(await server.verdict("GetDiagnostics", "")).toMatchObject({ result: expect.anything() });
    expect(server.program.output.stdout).toMatch(/locked out: a wrong user or password from 127\.0\.0\.3/);
    expect(server.program.output.stdout).not.toContain("guess");
  });

  it("is answered by an error for hostile XML", async () => {
    const basic = Buffer.from(`wlbuser:${wlbPassword}`).toString("base64");
    const bomb = `<!DOCTYPE x [<!ENTITY a "${"b".repeat(100)}">]><a>&a;</a>`;
    for (const body of [bomb, "<a>".repeat(5000), "", "garbage"]) {
      const reply = await exchange({ port: server.port }, wholeRequest("RemoveXenServer", body, basic));
      expect([reply.status, reply.body]).toEqual([
        200,
        expect.stringContaining("<ResultCode>4007</ResultCode>"),
      ]);
    }
    const large = await exchange(
      { port: server.port },
      wholeRequest("GetXenPoolConfiguration", " ".repeat(2_000_000), basic),
    );
    expect([large.status, readAnswer({ method: "GetXenPoolConfiguration", ...large }, nobody)]).toEqual([
      200,
      { error: "WLB_INTERNAL_ERROR", parameters: ["Exception:", "the request is longer than 1 MiB"] },
    ]);
    const nameless = wholeRequest("GetXenPoolConfiguration", " ".repeat(2_000_000), "bm9ib2R5Om5vYm9keQ==");
    expect((await exchange({ port: server.port, from: "127.0.0.4" }, nameless)).status).toBe(401);
  });

  it("is turned away at other paths, methods and names", async () => {
    const basic = Buffer.from(`wlbuser:${wlbPassword}`).toString("base64");
    const bytes = wholeRequest("GetDiagnostics", "", basic);
    const status = async (changed: string) => (await exchange({ port: server.port }, changed)).status;
    expect(await status(bytes.replace("POST /Citrix.Dwm.WorkloadBalance/Service", "POST /"))).toBe(404);
    expect(await status(bytes.replace("POST ", "GET "))).toBe(405);
    const unknown = await exchange({ port: server.port }, bytes.replace("GetDiagnostics", "DropEverything"));
    expect([unknown.status, readAnswer({ method: "GetDiagnostics", ...unknown }, nobody)]).toEqual([
      200,
      {
        error: "WLB_INTERNAL_ERROR",
        parameters: ["Exception:", "SOAPAction names none of the nine methods"],
      },
    ]);
    expect(await status("garbage\r\n\r\n")).toBe(400);
  });
});

function sending(values: Readonly<Record<string, string>>): string {
  const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const pairs = Object.entries(values).map(
    ([key, value]) =>
      `<b:KeyValueOfstringstring><b:Key>${escaped(key)}</b:Key><b:Value>${escaped(value)}</b:Value></b:KeyValueOfstringstring>`,
  );
  return `<OptimizationParms xmlns:b="http://schemas.microsoft.com/2003/10/Serialization/Arrays">${pairs.join("\n")}</OptimizationParms>${own}`;
}

function report(name: string): string {
  return (
    `<ReportName>${name}</ReportName><ReportParms><ReportParameter><ParameterName>PoolID</ParameterName>` +
    `<ParameterValue>${poolUuid}</ParameterValue></ReportParameter></ReportParms>`
  );
}
