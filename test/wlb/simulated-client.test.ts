/**
 * The simulated pool's own client of workload balancing is xapi's: the recorded requests to the byte, and the recorded
 * verdict on all recorded answers, over TLS as xapi has it.
 */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { poolRefOf } from "../../src/simulator/metrics/model.ts";
import { simMap } from "../../src/simulator/objects/datamodel.ts";
import { SimFailure } from "../../src/simulator/server/failure.ts";
import { askWlb, joinWlb, knownUuids, leaveWlb } from "../../src/simulator/wlb/client.ts";
import { diagnostics, report } from "../../src/simulator/wlb/documents.ts";
import {
  configurationParameters,
  joiningParameters,
  reportParameters,
  requestBytes,
  uuidParameters,
  type WlbMethod,
} from "../../src/simulator/wlb/request.ts";
import { printSnapshot } from "../../src/snapshot/text.ts";
import { type CannedServer, type Framing, startCannedServer } from "../support/wlb/cannedServer.ts";
import {
  hasRecorded,
  hostUuids,
  poolUuid,
  recordedPool,
  recordedRequest,
  vmUuids,
} from "../support/wlb/recordedPool.ts";

const account = { user: "wlbuser", password: "s3cret&<x>" };
const xapiAccount = { user: "root", password: 'p&"w<d>' };
const [host1 = ""] = hostUuids;
const [vm1 = ""] = vmUuids;

describe.skipIf(!hasRecorded)("requests (recorded ones beside the repository: shared/wlb)", () => {
  const parameters: Readonly<Record<WlbMethod, string>> = {
    AddXenServer: joiningParameters(poolUuid, { ...xapiAccount, address: "192.0.2.10" }),
    RemoveXenServer: uuidParameters({ PoolUuid: poolUuid }),
    SetXenPoolConfiguration: configurationParameters(
      poolUuid,
      new Map([
        ["AutoBalanceEnabled", "true"],
        ["OptimizationMode", "0"],
      ]),
    ),
    GetXenPoolConfiguration: uuidParameters({ PoolUuid: poolUuid }),
    VMGetRecommendations: uuidParameters({ PoolUuid: poolUuid, VmUuid: vm1 }),
    HostGetRecommendations: uuidParameters({ HostUuid: host1, PoolUuid: poolUuid }),
    GetOptimizationRecommendations: uuidParameters({ PoolUuid: poolUuid }),
    ExecuteReport: reportParameters("pool_health", [
      ["LocaleCode", "en"],
      ["Start", "-7"],
      ["End", "0"],
      ["PoolID", poolUuid],
      ["UTCOffset", "0"],
    ]),
    GetDiagnostics: "",
  };

  it.each(Object.entries(parameters))("%s is the recorded one, byte for byte", (method, text) => {
    const caller = { ...account, host: "localhost", version: "26.17" };
    expect(requestBytes(method as WlbMethod, text, caller).toString("utf8")).toBe(recordedRequest(method));
  });
});

let pool: SimulatedPool;
beforeEach(() => {
  pool = SimulatedPool.fromSnapshot(
    printSnapshot({ snapshot: recordedPool(), takenAt: new Date(0), complete: true }),
    { manualClock: true },
  );
});
afterEach(() => pool.close());

interface Recorded {
  readonly name: string;
  readonly method: WlbMethod;
  readonly status: number;
  readonly framing: string;
  readonly body: string;
  readonly result?: string[][];
  readonly error?: string;
  readonly parameters?: string[];
}

const file = new URL("../../../shared/wlb/recorded/answers.json", import.meta.url);
const recorded: Recorded[] = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Recorded[]) : [];

/** Initialised with the server at `port`. */
function initialise(port: number, host = "127.0.0.1"): void {
  pool.db.update("pool", poolRefOf(pool.model), {
    wlb_url: `${host}:${port}`,
    wlb_username: account.user,
    wlb_enabled: true,
  });
  pool.model.wlb.secretRef = pool.db.create("secret", { value: account.password });
}

function otherConfig(entries: readonly [string, string][]): void {
  pool.db.set("pool", poolRefOf(pool.model), "other_config", simMap(entries));
}

const own = uuidParameters({ PoolUuid: poolUuid });
const dom0 = (vm: string, host: string) => (vm === "" ? `control domain of ${host}` : vm);
/** As OCaml prints a float. */
const float = (value: number) => (Number.isInteger(value) ? `${value}.` : String(value));

/** The rows of an answer as the recorded ones are written. */
const rowsOf: Readonly<Record<WlbMethod, (port: number) => Promise<readonly (readonly string[])[]>>> = {
  AddXenServer: async (port) => {
    const url = `127.0.0.1:${port}`;
    await joinWlb(pool.model, { ...account, url }, xapiAccount);
    const record = pool.db.record("pool", poolRefOf(pool.model));
    expect(pool.db.text("secret", pool.model.wlb.secretRef ?? "", "value")).toBe(account.password);
    expect(record["wlb_url"]).toBe(url);
    return [
      [`db wlb_username=${record["wlb_username"]}`],
      ["db wlb_password=OpaqueRef:newsecret"],
      ["db wlb_url=localhost:18012"],
    ];
  },
  RemoveXenServer: async () => {
    await leaveWlb(pool.model, own);
    const record = pool.db.record("pool", poolRefOf(pool.model));
    return [
      [`db wlb_username=${record["wlb_username"]}`],
      [`db wlb_password=${pool.model.wlb.secretRef ?? "OpaqueRef:NULL"}`],
      [`db wlb_url=${record["wlb_url"]}`],
      [`db wlb_enabled=${record["wlb_enabled"]}`],
    ];
  },
  SetXenPoolConfiguration: async () => {
    (await askWlb(pool.model, "SetXenPoolConfiguration", own)).assertEmpty();
    return [];
  },
  GetXenPoolConfiguration: async () =>
    (await askWlb(pool.model, "GetXenPoolConfiguration", own)).configuration(),
  VMGetRecommendations: async () =>
    (await askWlb(pool.model, "VMGetRecommendations", own))
      .placements(knownUuids(pool.model))
      .map(({ host, id, stars, zeroReason }) =>
        stars === 0 ? [host, "WLB", "0.0", id, zeroReason] : [host, "WLB", float(stars), id],
      ),
  HostGetRecommendations: async () =>
    (await askWlb(pool.model, "HostGetRecommendations", own))
      .evacuation(knownUuids(pool.model))
      .map(({ vm, host, id }) => [dom0(vm, host), "WLB", host, id]),
  GetOptimizationRecommendations: async () =>
    (await askWlb(pool.model, "GetOptimizationRecommendations", own))
      .optimization(knownUuids(pool.model))
      .map(({ vm, host, optimization, id, reason }) => [
        dom0(vm, host),
        "WLB",
        host,
        optimization,
        id,
        reason,
      ]),
  ExecuteReport: async () => texts(await report(pool.model, [["report", "pool_health"]])),
  GetDiagnostics: async () => texts(await diagnostics(pool.model)),
};

function texts(text: string): string[][] {
  return text === "" ? [] : [[text]];
}

/** Of what could not be understood the method is compared, and of a time that ran out nothing: the test's is shorter. */
function comparable(error: string, parameters: readonly string[]): unknown {
  if (error === "WLB_TIMEOUT") return { error };
  return { error, parameters: error === "WLB_MALFORMED_RESPONSE" ? parameters.slice(0, 1) : parameters };
}

async function outcomeOf(work: Promise<readonly (readonly string[])[]>): Promise<unknown> {
  try {
    return { result: await work };
  } catch (error) {
    if (error instanceof SimFailure) return comparable(error.code, error.params);
    throw error;
  }
}

describe("answers", () => {
  let server: CannedServer;
  beforeAll(async () => {
    server = await startCannedServer();
  });
  afterAll(() => server.stop());

  it.skipIf(recorded.length === 0)(
    "get the recorded verdicts, all 94 (beside the repository: shared/wlb)",
    async () => {
      const framings: readonly Framing[] = ["chunked", "connection stays open"];
      for (const { name, method, status, framing, body, result, error = "", parameters = [] } of recorded) {
        initialise(server.port);
        otherConfig([
          ["wlb_timeout", "0.3"],
          ["wlb_reports_timeout", "0.3"],
        ]);
        const known = framings.find((each) => framing.endsWith(each)) ?? "content-length, close";
        const afterMs = framing.endsWith("later than the timeout") ? 600 : 0;
        server.answer = () => ({ status, body, framing: known, afterMs });
        const wanted = result === undefined ? comparable(error, parameters) : { result };
        expect([name, await outcomeOf(rowsOf[method](server.port))]).toEqual([name, wanted]);
      }
      expect(recorded).toHaveLength(94);
    },
    60_000,
  );

  it("are waited for one at a time, the newest request first; waiting counts as time", async () => {
    initialise(server.port);
    const text =
      "<x><Body><GetDiagnosticsResponse><GetDiagnosticsResult><DiagnosticData>well</DiagnosticData></GetDiagnosticsResult></GetDiagnosticsResponse></Body></x>";
    server.answer = () => ({ status: 200, body: text, framing: "content-length, close", afterMs: 60 });
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3].map(async (n) => {
        await diagnostics(pool.model);
        order.push(n);
      }),
    );
    expect(order).toEqual([1, 3, 2]);
    otherConfig([["wlb_timeout", "0.3"]]);
    server.answer = () => ({ status: 200, body: "", framing: "never" });
    const late = { error: "WLB_TIMEOUT" };
    expect(
      await Promise.all([1, 2].map(() => outcomeOf(rowsOf.GetXenPoolConfiguration(server.port)))),
    ).toEqual([late, late]);
    server.answer = () => ({ status: 200, body: text, framing: "content-length, close" });
    expect(await diagnostics(pool.model)).toBe("well");
  });

  it("are asked of host:port alone; nobody there, no such name, and a pool without the feature say so", async () => {
    const outcome = () => outcomeOf(rowsOf.GetXenPoolConfiguration(0));
    const url = (text: string) => pool.db.set("pool", poolRefOf(pool.model), "wlb_url", text);
    for (const wrong of ["wlb", "https://wlb:8012", "wlb:port", "wlb:99999"]) {
      url(wrong);
      expect(await outcome()).toEqual({ error: "WLB_URL_INVALID", parameters: [wrong] });
    }
    url("127.0.0.1:1");
    expect(await outcome()).toEqual({ error: "WLB_CONNECTION_REFUSED", parameters: [] });
    url("nobody.invalid:8012");
    expect(await outcome()).toEqual({ error: "WLB_UNKNOWN_HOST", parameters: [] });
    pool.db.set("pool", poolRefOf(pool.model), "restrictions", simMap([["restrict_wlb", "true"]]));
    expect(await outcome()).toEqual({ error: "LICENSE_RESTRICTION", parameters: ["WLB"] });
  });
});

describe("certificates", () => {
  const good = {
    status: 200,
    body: "<x><Body><GetXenPoolConfigurationResponse><GetXenPoolConfigurationResult><OptimizationParms/></GetXenPoolConfigurationResult></GetXenPoolConfigurationResponse></Body></x>",
    framing: "content-length, close",
  } as const;

  async function through(server: CannedServer, host: string, verify: boolean): Promise<unknown> {
    server.answer = () => good;
    initialise(server.port, host);
    pool.db.set("pool", poolRefOf(pool.model), "wlb_verify_cert", verify);
    return outcomeOf(rowsOf.GetXenPoolConfiguration(server.port));
  }

  it("any RSA one does where nothing is verified; one with an EC key never does", async () => {
    const [rsa, ec] = [await startCannedServer(), await startCannedServer({ keyType: "ec" })];
    expect(await through(rsa, "127.0.0.1", false)).toEqual({ result: [] });
    expect(await through(ec, "127.0.0.1", false)).toEqual({ error: "WLB_CONNECTION_RESET", parameters: [] });
    await Promise.all([rsa.stop(), ec.stop()]);
  });

  it("verified, they must be known, and have the DNS name; an address in them does not help", async () => {
    const server = await startCannedServer({
      altNames: [
        { type: 2, value: "localhost" },
        { type: 7, ip: "127.0.0.1" },
      ],
    });
    expect(await through(server, "localhost", true)).toMatchObject({ error: "SSL_VERIFY_ERROR" });
    pool.model.wlb.authorities.set("wlb.pem", server.certificate);
    expect(await through(server, "localhost", true)).toEqual({ result: [] });
    expect(await through(server, "127.0.0.1", true)).toEqual({
      error: "SSL_VERIFY_ERROR",
      parameters: ["Subject checks failed"],
    });
    await server.stop();
    const byAddress = await startCannedServer({ commonName: "127.0.0.1", altNames: [] });
    pool.model.wlb.authorities.set("address.pem", byAddress.certificate);
    expect(await through(byAddress, "127.0.0.1", true)).toEqual({ result: [] });
    await byAddress.stop();
  });
});
