/**
 * The traps of the protocol, each by its name: what xapi or XenCenter would not survive, though it looks well. Asked of the
 * running server where it can be asked.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Uuid } from "../../src/domain/pool.ts";
import { reasonWord } from "../../src/wlb/advice.ts";
import {
  evacuationAnswer,
  nextId,
  optimizationAnswer,
  placementAnswer,
} from "../../src/wlbProtocol/answer.ts";
import { type WlbMethod, wlbMethods } from "../../src/wlbProtocol/methods.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aHost } from "../support/fixtures.ts";
import { startCannedServer } from "../support/wlb/cannedServer.ts";
import {
  collectRecorded,
  connectedTo,
  hostUuids,
  mysqlSettings,
  poolUuid,
  recordedPool,
  vmUuids,
} from "../support/wlb/recordedPool.ts";
import { parameters, type RunningWlb, startWlb, wlbPassword, wlbUser } from "../support/wlb/serve.ts";
import { exchange, requestBytes, wholeRequest, xapiTls } from "../support/wlb/wire.ts";

const [host1 = "", host2 = ""] = hostUuids;
const [vm1 = "", vm2 = "", vm3 = ""] = vmUuids;
const dead = "aaaaaaaa-0000-4000-8000-000000000003" as Uuid;
const off = "aaaaaaaa-0000-4000-8000-000000000004" as Uuid;
const own = parameters({ PoolUuid: poolUuid });
const pool = {
  hosts: [host1, host2, dead, off],
  liveHosts: [host1, host2, off],
  vms: [vm1, vm2, vm3],
  residentOn: new Map([vm1, vm2].map((vm) => [vm, host1])),
};
/** A rule is broken by it, so that there is a plan; one host is alive and disabled, one is not there. */
const snapshot = (() => {
  const { hosts, ...rest } = recordedPool(connectedTo("localhost"));
  return {
    ...rest,
    hosts: [
      ...hosts,
      aHost({ uuid: dead, name: "xen3", ip: "192.0.2.12", live: false, enabled: false }),
      aHost({ uuid: off, name: "xen4", ip: "192.0.2.13", live: true, enabled: false }),
    ],
  };
})();

let database: TestDatabase;
let server: RunningWlb;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "xcp-wlb-traps-"));
  database = await createTestDatabase();
  await collectRecorded(database, snapshot);
  server = await startWlb({
    ...mysqlSettings(database),
    WlbFolder: join(folder, "wlb"),
    ControlBreaches: "1",
    ControlSampleCount: "1",
  });
  const joining = { Password: "p", PoolUuid: poolUuid, UserName: "u", XenServerUrl: "http://192.0.2.10:80/" };
  expect(await server.verdict("AddXenServer", parameters(joining))).toMatchObject({ result: {} });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const report = (name: string, values: Readonly<Record<string, string>>) =>
  `<ReportName>${name}</ReportName><ReportParms>${Object.entries(values)
    .map(
      ([key, value]) =>
        `<ReportParameter><ParameterName>${key}</ParameterName><ParameterValue>${value}</ParameterValue></ReportParameter>`,
    )
    .join("")}</ReportParms>`;
const week = { Start: "-7", End: "0", UTCOffset: "0", LocaleCode: "en" };
const sending = (values: Readonly<Record<string, string>>) =>
  `<OptimizationParms xmlns:b="x">${Object.entries(values)
    .map(([key, value]) => `<b:P><b:Key>${key}</b:Key><b:Value>${value}</b:Value></b:P>`)
    .join("")}</OptimizationParms>${own}`;

/** What each method is asked; the last one ends it. */
const questions: Readonly<Record<Exclude<WlbMethod, "RemoveXenServer">, string>> = {
  AddXenServer: parameters({
    Password: "p",
    PoolUuid: poolUuid,
    UserName: "u",
    XenServerUrl: "http://192.0.2.10:80/",
  }),
  SetXenPoolConfiguration: sending({ OptimizationMode: "0" }),
  GetXenPoolConfiguration: own,
  VMGetRecommendations: parameters({ PoolUuid: poolUuid, VmUuid: vm3 }),
  HostGetRecommendations: parameters({ HostUuid: host1, PoolUuid: poolUuid }),
  GetOptimizationRecommendations: own,
  ExecuteReport: report("pool_health", { ...week, PoolID: poolUuid }),
  GetDiagnostics: "",
};
const asked = Object.entries(questions) as [keyof typeof questions, string][];
const values = async () => {
  const verdict = await server.verdict("GetXenPoolConfiguration", own);
  return new Map("result" in verdict ? (verdict.result as [string, string][]) : []);
};
const set = (changed: Readonly<Record<string, string>>) =>
  server.verdict("SetXenPoolConfiguration", sending(changed));

describe("what xapi's reader of HTTP does not understand", () => {
  it.each(asked)("chunked bodies: %s comes with its length", async (method, question) => {
    const { headers, body } = await server.ask(method, question);
    expect(headers.has("transfer-encoding")).toBe(false);
    // The header is read up to a colon in its value, and names come in any case.
    expect(headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
    expect(body).toMatch(/^<s:Envelope .*<\/s:Envelope>$/s);
  });

  it.each(asked)(
    "keep-alive: %s ends the connection, even if it is asked to keep it",
    async (method, question) => {
      const bytes = requestBytes(method, question, { user: wlbUser, password: wlbPassword });
      const kept = bytes.replace("connection: close", "connection: keep-alive");
      const { status, headers } = await exchange({ port: server.port }, kept, 15_000);
      expect([status, headers.get("connection")]).toEqual([200, "close"]);
    },
  );

  it("SOAP 1.1 faults and HTTP 500: whatever is wrong is status 200 with a code and a text", async () => {
    const basic = Buffer.from(`${wlbUser}:${wlbPassword}`).toString("base64");
    for (const method of wlbMethods.filter((each) => each !== "GetDiagnostics")) {
      for (const body of [
        "",
        "<x>",
        requestBytes(method, "<Other/>", { user: "", password: "" }).slice(-300),
      ]) {
        const reply = await exchange({ port: server.port }, wholeRequest(method, body, basic));
        expect([method, reply.status]).toEqual([method, 200]);
        expect(reply.body).toMatch(/<ErrorMessage>[^<]+<\/ErrorMessage><ResultCode>4\d\d\d<\/ResultCode>/);
        expect(reply.body).not.toContain("Fault");
      }
    }
  });
});

describe("what xapi's reader of answers does not take", () => {
  it("ResultCode 0 in SetXenPoolConfiguration: its answer is empty", async () => {
    const { body } = await server.ask("SetXenPoolConfiguration", questions.SetXenPoolConfiguration);
    expect(body).toContain("<SetXenPoolConfigurationResult></SetXenPoolConfigurationResult>");
    expect(await set({ OptimizationMode: "0" })).toEqual({ result: [] });
  });

  it("recommendations without OptimizationId: there is one beside a list, and neither where there is nothing to do", async () => {
    const nothing = await server.ask("GetOptimizationRecommendations", own);
    expect(nothing.body).toContain(
      "<GetOptimizationRecommendationsResult></GetOptimizationRecommendationsResult>",
    );
    await set({ HostCpuThresholdCritical: "0.6" });
    await expect
      .poll(() => server.verdict("GetOptimizationRecommendations", own, pool), { timeout: 20_000 })
      .toMatchObject({ result: [[expect.any(String), "WLB", host2, /^\d+$/, /^\d+$/, "Cpu"]] });
    const { body } = await server.ask("GetOptimizationRecommendations", own);
    expect(body).toMatch(/Result><OptimizationId>\d+<\/OptimizationId><Recommendations><Pool/);
  });

  it("one host missing in VMGetRecommendations: each live one is there once, the disabled with 0 stars, no dead one", async () => {
    for (const vm of [vm1, vm3]) {
      const rows = await server.verdict(
        "VMGetRecommendations",
        parameters({ PoolUuid: poolUuid, VmUuid: vm }),
        pool,
      );
      expect("result" in rows && rows.result.map(([host]) => host).sort()).toEqual([host1, host2, off]);
      expect("result" in rows && rows.result.find(([host]) => host === off)).toMatchObject([
        off,
        "WLB",
        "0.0",
        /^\d+$/,
        /\w/,
      ]);
    }
  });

  it("ZeroScoreReason must be None beside stars, and never is without", async () => {
    const { body } = await server.ask("VMGetRecommendations", questions.VMGetRecommendations);
    const pairs = [
      ...body.matchAll(/<Stars>([\d.]+)<\/Stars><ZeroScoreReason>([^<]*)<\/ZeroScoreReason>/g),
    ].map(([, stars, reason]) => [Number(stars) > 0, reason === "None"]);
    expect(pairs).toHaveLength(3);
    for (const [hasStars, isNone] of pairs) expect(isNone).toBe(hasStars);
  });

  it("ids must be numbers: positive, of 32 bits, and new in each answer", async () => {
    const seen = new Set<number>();
    for (const method of ["VMGetRecommendations", "HostGetRecommendations"] as const) {
      for (let n = 0; n < 3; n++) {
        const { body } = await server.ask(method, questions[method]);
        const ids = [...body.matchAll(/<\w*Id>([^<]*)</g)].map(([, id]) => id ?? "");
        expect(ids.length).toBeGreaterThan(1);
        for (const id of ids) {
          expect(id).toMatch(/^[1-9]\d{0,9}$/);
          expect(Number(id)).toBeLessThanOrEqual(0x7fff_ffff);
          expect(seen.has(Number(id))).toBe(false);
          seen.add(Number(id));
        }
      }
    }
    expect(nextId(0x7fff_ffff)).toBe(1);
  });

  it("capitals in uuids: none is answered, whatever a collection holds, and any is understood", async () => {
    const upper = (text: string) => text.toUpperCase() as Uuid;
    const answers = [
      placementAnswer([{ host: upper(host1), stars: 1, reason: "" }], 1),
      evacuationAnswer({ moves: [{ id: 1, vm: upper(vm1), to: upper(host2) }], complete: true }),
      optimizationAnswer(1, "Low", [
        { kind: "move", id: 2, vm: upper(vm1), from: upper(host1), to: upper(host2), reason: "Cpu" },
        { kind: "power", id: 3, host: upper(host1), reason: "PowerOff" },
      ]),
    ];
    for (const answer of answers) expect(answer).not.toMatch(/[A-F]{8}-/);
    const question = parameters({ PoolUuid: upper(poolUuid), VmUuid: upper(vm3) });
    expect(await server.verdict("VMGetRecommendations", question, pool)).toMatchObject({
      result: [{}, {}, {}],
    });
  });
});

describe("what a pool's TLS does not take", () => {
  const shown = async (port: number, offer: tls.ConnectionOptions = {}) => {
    const socket = tls.connect({ port, host: "127.0.0.1", ...xapiTls, rejectUnauthorized: false, ...offer });
    try {
      await once(socket, "secureConnect");
      return {
        cipher: socket.getCipher().name,
        certificate: socket.getPeerX509Certificate(),
        curve: (socket.getEphemeralKeyInfo() as tls.EphemeralKeyInfo).name,
      };
    } finally {
      socket.destroy();
    }
  };

  it("ECDSA certificate: ours is RSA, which a pool's two suites and one curve agree on; with EC there is no handshake", async () => {
    const { cipher, certificate } = await shown(server.port);
    expect(cipher).toMatch(/^ECDHE-RSA-AES(256|128)-GCM-SHA/);
    expect(certificate?.publicKey.asymmetricKeyType).toBe("rsa");
    expect(certificate?.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
    const ec = await startCannedServer({ keyType: "ec" });
    await expect(shown(ec.port)).rejects.toThrow(/handshake failure|no shared cipher/i);
    await ec.stop();
  });

  it("any curve but P-384: it is agreed on with a pool, which offers no other, and a quicker one with who does", async () => {
    expect((await shown(server.port)).curve).toBe("secp384r1");
    const others = "secp384r1:prime256v1:X25519";
    expect((await shown(server.port, { ecdhCurve: others })).curve).toBe("X25519");
    await expect(shown(server.port, { ecdhCurve: "secp521r1" })).rejects.toThrow(
      /handshake failure|no shared/i,
    );
  });

  it("IP address in wlb_url with verification: the certificate has DNS names alone, and the line to connect by has one", async () => {
    const { certificate } = await shown(server.port);
    expect(certificate?.subjectAltName).toMatch(/^DNS:\S+(, DNS:\S+)*$/);
    const [, url = ""] = /wlb_url=(\S+)/.exec(server.program.output.stdout) ?? [];
    expect(certificate?.checkHost(url.replace(/:\d+$/, ""))).toBeDefined();
    // As stunnel does with checkHost: an address is looked for among the names.
    expect(certificate?.checkHost("127.0.0.1")).toBeUndefined();
  });
});

describe("what XenCenter does not take", () => {
  it("a Reason outside the 13 words", () => {
    const words =
      "PowerOn PowerOff Consolidate Cpu Disk DiskRead DiskWrite LoadAverage Memory Network NetworkRead NetworkWrite None";
    for (const subject of ["CpuAverage", "MemoryFreeMb", "PifEth0RxKb", "loadavg", "VmCount", "anything"]) {
      const rule = { subject, threshold: 25 } as unknown as Parameters<typeof reasonWord>[0];
      expect(words.split(" ")).toContain(reasonWord(rule));
    }
    expect(reasonWord(null)).toBe("None");
  });

  it("RecentMoveMinutes outside 1 to 260, and poll intervals outside 1 to 100", async () => {
    for (const wrong of ["0", "1000", "-5", "soon", "", "30.5", "1e2"]) {
      expect(await set({ RecentMoveMinutes: wrong, AutoBalancePollIntervals: wrong })).toEqual({
        result: [],
      });
      const got = await values();
      // A number of the page's own kind: whole, and in digits.
      expect(got.get("RecentMoveMinutes")).toMatch(/^\d{1,3}$/);
      expect(Number(got.get("RecentMoveMinutes"))).toBeGreaterThanOrEqual(1);
      expect(Number(got.get("RecentMoveMinutes"))).toBeLessThanOrEqual(260);
      expect(Number(got.get("AutoBalancePollIntervals"))).toBeGreaterThanOrEqual(1);
      expect(Number(got.get("AutoBalancePollIntervals"))).toBeLessThanOrEqual(100);
    }
  });

  it("missing enum keys, and a version without a dot: what is no word of theirs is answered as one", async () => {
    const wrong = { AutoBalanceSeverity: "dreadful", AutoBalanceAggressiveness: "", WlbVersion: "8" };
    expect(await set({ ...wrong, PoolAuditLogGranularity: "maximum" })).toEqual({ result: [] });
    const got = await values();
    expect(["Low", "Medium", "High", "Critical"]).toContain(got.get("AutoBalanceSeverity"));
    expect(["Low", "Medium", "High"]).toContain(got.get("AutoBalanceAggressiveness"));
    expect(got.get("PoolAuditLogGranularity")).toBe("Maximum");
    expect(got.get("WlbVersion")).toMatch(/^\d+\.\d+/);
  });

  it("a report without inline schema or without the second table", async () => {
    for (const [name, of] of [
      ["pool_health", { PoolID: poolUuid }],
      ["pool_health_history", { PoolID: poolUuid }],
      ["host_health_history", { HostID: host1 }],
      ["optimization_performance_history", { PoolID: poolUuid }],
      ["vm_movement_history", { PoolID: poolUuid }],
      ["vm_performance_history", { HostID: host1 }],
    ] as const) {
      const verdict = await server.verdict("ExecuteReport", report(name, { ...week, ...of }));
      const [[text = ""] = []] = "result" in verdict ? verdict.result : [];
      expect(text).toMatch(/^<NewDataSet><xs:schema id="NewDataSet" .*<\/xs:schema>/s);
      expect(text).toMatch(/<xs:element name="Table">.*<xs:element name="Table1">/s);
      const [, labels = "", said = ""] =
        /<Table1><name>([^<]*)<\/name><description>([^<]*)<\/description><\/Table1><\/NewDataSet>$/.exec(
          text,
        ) ?? [];
      expect([name, labels.split("|").length > 3]).toEqual([name, true]);
      expect(said.split("|").length).toBe(labels.split("|").length);
    }
  });

  it("Start and End that are day offsets, not dates: whole days around now, and a date is refused", async () => {
    const rows = async (values: Readonly<Record<string, string>>) => {
      const verdict = await server.verdict(
        "ExecuteReport",
        report("pool_health", { ...week, PoolID: poolUuid, ...values }),
      );
      if ("error" in verdict) return verdict.parameters[0];
      return [...(verdict.result[0]?.[0] ?? "").matchAll(/<Table>/g)].length;
    };
    expect(await rows({ Start: "-1", End: "0" })).toBeGreaterThan(0);
    expect(await rows({ Start: "-7", End: "-5" })).toBe(0);
    expect(await rows({ Start: "2026-11-01" })).toBe("4007");
  });
});

describe("what a pool with VMs to start does not take", () => {
  it("slow answers: stars come from memory, while plans, reports and doctor are at work", async () => {
    const others = Array.from({ length: 6 }, (_, n) =>
      n % 3 === 0
        ? server.ask("HostGetRecommendations", questions.HostGetRecommendations)
        : n % 3 === 1
          ? server.ask("ExecuteReport", questions.ExecuteReport)
          : server.ask("GetDiagnostics", ""),
    );
    // A pool gives up after 30 s, and would wait for a plan or a database that long.
    const began = performance.now();
    for (let n = 0; n < 10; n++)
      expect(
        await server.verdict("VMGetRecommendations", questions.VMGetRecommendations, pool),
      ).toMatchObject({
        result: [{}, {}, {}],
      });
    expect(performance.now() - began).toBeLessThan(10_000);
    for (const { status } of await Promise.all(others)) expect(status).toBe(200);
  });
});
