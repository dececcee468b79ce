import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { profiles } from "../../src/simulator/objects/profile.ts";
import { getRaw, readUpdates, type ServedPool, serve } from "./simMeasures.ts";
import { call, callRaw, post, raw } from "./simServer.ts";

const scenario = (profile: string): string => `
pool "Era" profile=${profile}
host alpha master cpus=2 memory=16384 base-cpu=40%
host beta cpus=2 memory=16384
vm web on=alpha vcpus=1 memory=2048 cpu=noise(50%,20%) rx=noise(100,50) tools
vm bare on=alpha vcpus=1 memory=256
`;

/** What every profile must show, oldest first. */
const eras = [
  {
    name: "xcp-1.1",
    api: "1.8",
    old: true,
    json: 0,
    numbers: /^\d+\.\d{4}$/,
    lo: true,
    avg: false,
    hostload: false,
    missing: 400,
  },
  {
    name: "xenserver-6.0",
    api: "1.9",
    old: true,
    json: 0,
    numbers: /^\d+\.\d{4}$/,
    lo: true,
    avg: false,
    hostload: false,
    missing: 400,
  },
  {
    name: "xcp-1.6",
    api: "1.10",
    old: true,
    json: 0,
    numbers: /^\d+\.\d{4}$/,
    lo: true,
    avg: true,
    hostload: false,
    missing: 400,
  },
  {
    name: "xenserver-6.1",
    api: "1.10",
    old: true,
    json: 0,
    numbers: /^\d+\.\d{4}$/,
    lo: true,
    avg: true,
    hostload: false,
    missing: 400,
  },
  {
    name: "xenserver-6.5",
    api: "2.3",
    old: false,
    json: 1,
    numbers: /^\d+\.\d{4}$/,
    lo: true,
    avg: true,
    hostload: false,
    missing: 400,
  },
  {
    name: "xenserver-7.1",
    api: "2.6",
    old: false,
    json: 1,
    numbers: /^\d+\.\d{4}$/,
    lo: false,
    avg: true,
    hostload: false,
    missing: 400,
  },
  {
    name: "xcp-ng-8.2",
    api: "2.15",
    old: false,
    json: 2,
    numbers: /^\d+\.\d{4}$/,
    lo: false,
    avg: true,
    hostload: false,
    missing: 400,
  },
  {
    name: "xenserver-8",
    api: "2.21",
    old: false,
    json: 2,
    numbers: /^(\d(\.\d{1,4})?e\+\d\d|(?=.{1,9}$)\d+(\.\d+)?)$/,
    lo: false,
    avg: true,
    hostload: true,
    missing: 400,
  },
  {
    name: "xcp-ng-8.3-ga",
    api: "2.21",
    old: false,
    json: 2,
    numbers: /^(\d(\.\d{1,4})?e\+\d\d|(?=.{1,9}$)\d+(\.\d+)?)$/,
    lo: false,
    avg: true,
    hostload: true,
    missing: 400,
  },
  {
    name: "xcp-ng-8.3",
    api: "2.21",
    old: false,
    json: 2,
    numbers: /^\d+(\.\d+)?$/,
    lo: false,
    avg: true,
    hostload: true,
    missing: 500,
  },
] as const;

test("every profile is tested", () => {
  expect([...profiles.keys()]).toEqual(eras.map(({ name }) => name));
});

const served = new Map<string, ServedPool>();
beforeAll(async () => {
  for (const { name } of eras) {
    const p = await serve(scenario(name));
    await p.pool.clock.advance(60_000);
    served.set(name, p);
  }
});
afterAll(async () => {
  for (const p of served.values()) await p.stop();
});

const at = (name: string): ServedPool => served.get(name) as ServedPool;
const vmOf = (p: ServedPool, name: string): string =>
  p.pool.db.all("VM").find((ref) => p.pool.db.get("VM", ref, "name_label") === name) ?? "";

/** Whether records written as XML have a field. */
const has = (text: string, field: string): boolean => text.includes(`<name>${field}</name>`);

describe.each(eras)("$name", (era) => {
  test("tells its version", async () => {
    const host = await callRaw(at(era.name).url(), "host.get_all_records", at(era.name).session);
    const [major, minor] = era.api.split(".");
    expect(host).toContain(`<name>API_version_major</name><value>${major}</value>`);
    expect(host).toContain(`<name>API_version_minor</name><value>${minor}</value>`);
    const { release } = profiles.get(era.name) ?? {};
    expect(host).toContain(`<name>product_brand</name><value>${release?.product}</value>`);
    expect(host).toContain(`<name>product_version</name><value>${release?.version}</value>`);
  });

  test("records have the fields of the time, and getters exist for no other", async () => {
    const p = at(era.name);
    const vm = await callRaw(p.url(), "VM.get_all_records", p.session);
    const [major = 0, minor = 0] = era.api.split(".").map(Number);
    const since = (a: number, b: number): boolean => major > a || (major === a && minor >= b);
    const today = era.name === "xcp-ng-8.3";
    const wanted = {
      name_label: true,
      order: since(1, 9),
      generation_id: since(2, 0),
      hardware_platform_version: since(2, 4),
      requires_reboot: since(2, 6),
      domain_type: since(2, 9),
      NVRAM: since(2, 13),
      groups: era.name === "xcp-ng-8.3-ga" || today,
      secureboot_certificates_state: today,
    };
    for (const [field, there] of Object.entries(wanted)) {
      expect(has(vm, field), field).toBe(there);
      const got = call(p.url(), `VM.get_${field}`, p.session, vmOf(p, "web"));
      if (there) await expect(got).resolves.toBeDefined();
      else await expect(got).rejects.toEqual(["MESSAGE_METHOD_UNKNOWN", `VM.get_${field}`]);
    }
    if (today) expect(vm.split("<name>is_a_template</name>").length - 1).toBe(p.pool.db.count("VM"));
  });

  test("measures the sources of the time", async () => {
    const { legend } = readUpdates((await at(era.name).updates()).body);
    const host = legend.filter((entry) => entry.includes(":host:")).map((entry) => entry.split(":")[3]);
    expect(host.includes("pif_lo_rx")).toBe(era.lo);
    expect(host.includes("cpu_avg")).toBe(era.avg);
    expect(host.includes("pif_aggr_rx")).toBe(era.avg);
    expect(host.includes("hostload")).toBe(era.hostload);
    expect(legend.some((entry) => entry.endsWith(":cpu_usage"))).toBe(era.hostload);
  });

  test("prints measures as the era does, and they are query_data_source's", async () => {
    const p = at(era.name);
    const { legend, rows } = readUpdates((await p.updates()).body);
    for (const [column, entry] of legend.entries()) {
      const [, owner, id = "", source = ""] = entry.split(":");
      const cls = owner === "vm" ? "VM" : "host";
      const text = rows[0]?.values[column] ?? "";
      if (text !== "0.0") expect(text, entry).toMatch(era.numbers);
      const asked = await p.query(cls, p.pool.db.byUuid(cls, id), source);
      const tolerance = era.name === "xcp-ng-8.3" ? 1e-12 : 1e-4;
      expect(Math.abs(Number(text) - asked), entry).toBeLessThanOrEqual(
        tolerance * Math.max(1, Math.abs(asked)),
      );
    }
  });

  test(`answers a missing start with ${era.missing} and an unknown source in its own words`, async () => {
    const p = at(era.name);
    expect((await p.get("/rrd_updates?host=true")).status).toBe(era.missing);
    const asked = call(p.url(), "host.query_data_source", p.session, p.pool.masterRef, "nothing");
    const [major = 0, minor = 0] = era.api.split(".").map(Number);
    const code = major < 2 || minor < 5 ? "INVALID_VALUE" : "INTERNAL_ERROR";
    await expect(asked).rejects.toEqual(expect.arrayContaining([code]));
  });

  test("writes nothing, and numbers that are none, in its XML", async () => {
    const p = at(era.name);
    const empty = await callRaw(p.url(), "VM.get_PV_args", p.session, vmOf(p, "web"));
    expect(empty.startsWith("<?xml")).toBe(!era.old);
    expect(empty).toContain(`<name>Value</name>${era.old ? "<value/>" : "<value></value>"}`);
    const infinite = await callRaw(p.url(), "host.get_data_sources", p.session, p.pool.masterRef);
    expect(infinite).toContain(`<double>${era.old ? "NaN" : "inf"}</double>`);
  });

  test("tells what has no Async form, and what is no XML, in its way", async () => {
    const p = at(era.name);
    const text = "No async mode for this operation (rpc: Async.VM.get_record)";
    const refused = await callRaw(p.url(), "Async.VM.get_record", p.session, vmOf(p, "web"));
    expect(refused).toContain(text);
    expect(refused.includes("<fault>")).toBe(era.old);
    expect(refused.includes("<value>Fault</value>")).toBe(!era.old);
    const [malformed] = await raw(p.url(), post("/", "this is not XML"));
    expect(malformed?.status).toBe(era.old ? 200 : 500);
    if (era.old) expect(malformed?.body).toContain("Failed to parse supplied XML");
  });

  test("speaks JSON-RPC as far as it does", async () => {
    const p = at(era.name);
    const asked = JSON.stringify({
      jsonrpc: "2.0",
      id: 7,
      method: "VM.get_name_label",
      params: [p.session, vmOf(p, "web")],
    });
    const [reply] = await raw(p.url(), post("/jsonrpc", asked));
    expect(reply?.head).toMatch(
      era.json === 0 ? /content-type: text\/xml/i : /content-type: application\/json/i,
    );
    if (era.json === 1) expect(JSON.parse(reply?.body ?? "")).toEqual({ result: "web", error: null, id: 7 });
    if (era.json === 2)
      expect(JSON.parse(reply?.body ?? "")).toEqual({ jsonrpc: "2.0", result: "web", id: 7 });
  });

  test("refuses long headers with 431 only where there was a limit", async () => {
    const p = at(era.name);
    const limited = ["xcp-ng-8.2", "xenserver-8", "xcp-ng-8.3-ga", "xcp-ng-8.3"].includes(era.name);
    const long = await getRaw(p.url(), "/", [`X-Long: ${"x".repeat(2000)}`]);
    expect(long.status).toBe(limited ? 431 : 403);
  });

  test("refuses a body of more than 300 KiB, and one of no length, with 500", async () => {
    const p = at(era.name);
    const [large] = await raw(p.url(), post("/", " ".repeat(300 * 1024 + 1)));
    expect(large?.status).toBe(500);
    const [endless] = await raw(
      p.url(),
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    expect(endless?.status).toBe(500);
  });

  test("knows event.from since XenServer 6.0, event.inject since 6.1", async () => {
    const p = at(era.name);
    const [major = 0, minor = 0] = era.api.split(".").map(Number);
    const names = await callRaw(p.url(), "system.listMethods");
    expect(names.includes(">event.from<")).toBe(major > 1 || minor >= 9);
    expect(names.includes(">event.inject<")).toBe(major > 1 || minor >= 10);
    const asked = call(p.url(), "event.from", p.session, ["pool"], "", { double: 1 });
    if (major > 1 || minor >= 9) await expect(asked).resolves.toBeDefined();
    else await expect(asked).rejects.toEqual(["MESSAGE_METHOD_UNKNOWN", "event.from"]);
  });

  test("counts sessions by originator since XenServer 6.2", async () => {
    const p = at(era.name);
    const session = String(
      await call(p.url(), "session.login_with_password", "root", "xenroot", "1.0", "me"),
    );
    expect(p.pool.db.get("session", session, "originator")).toBe(era.old ? "" : "me");
    await call(p.url(), "session.logout", session);
  });

  test("keeps MIN and MAX of hosts up to the first release of 8.3", async () => {
    const p = at(era.name);
    const read = readUpdates((await p.updates("host=true", { seconds: 1000 })).body);
    expect(read.step).toBe(60);
    const cfs = new Set(
      read.legend.filter((entry) => entry.includes(":host:")).map((entry) => entry.split(":")[0]),
    );
    expect([...cfs]).toEqual(era.name === "xcp-ng-8.3" ? ["AVERAGE"] : ["AVERAGE", "MIN", "MAX"]);
    const column = (cf: string): number =>
      Number(
        read.rows[0]?.values[
          read.legend.findIndex((entry) => entry.startsWith(`${cf}:host`) && entry.endsWith(":cpu0"))
        ],
      );
    if (cfs.size > 1) {
      expect(column("MIN")).toBeLessThan(column("AVERAGE"));
      expect(column("MAX")).toBeGreaterThan(column("AVERAGE"));
    }
  });

  test("has the JSON of its time", async () => {
    const p = at(era.name);
    const { head, body } = await p.updates("host=true&json=true");
    const readable = ["xenserver-8", "xcp-ng-8.3-ga", "xcp-ng-8.3"].includes(era.name);
    expect(/content-type: (\S+)/i.exec(head)?.[1]).toBe(era.old ? undefined : "application/json");
    if (!readable)
      expect(body).toMatch(/^\{meta: \{start:\d+,step:5,end:\d+,rows:\d,columns:\d+,legend:\["AVERAGE:/);
    else
      expect(Object.keys(JSON.parse(body))).toEqual(era.name === "xenserver-8" ? ["meta"] : ["meta", "data"]);
    const accepted = await p.updates(`host=true&session_id=${p.session}`, { headers: ["Accept: */*"] });
    expect(accepted.body.startsWith("<?xml")).toBe(!readable);
  });

  test("names why a VM without drivers cannot move as its time did", async () => {
    const p = at(era.name);
    const target = p.running.hosts[1]?.ref ?? "";
    const [major = 0, minor = 0] = era.api.split(".").map(Number);
    const code =
      major > 1 && minor >= 7
        ? "VM_LACKS_FEATURE"
        : major > 1 && minor >= 5
          ? "VM_LACKS_FEATURE_SUSPEND"
          : "VM_MISSING_PV_DRIVERS";
    const moved = call(p.url(), "VM.pool_migrate", p.session, vmOf(p, "bare"), target, {
      map: { live: "true" },
    });
    await expect(moved).rejects.toEqual(expect.arrayContaining([code]));
  });
});

describe("a pool without a profile", () => {
  test("has today's manners whatever release it plays", async () => {
    const p = await serve("pool P product=XCP version=1.6\nhost a master");
    try {
      const host = await callRaw(p.url(), "host.get_all_records", p.session);
      expect(host.startsWith("<?xml")).toBe(true);
      expect(has(host, "numa_affinity_policy")).toBe(true);
      const { legend } = readUpdates((await p.updates("host=true")).body);
      expect(legend.some((entry) => entry.endsWith(":pif_lo_rx"))).toBe(true);
    } finally {
      await p.stop();
    }
  });

  test("refuses a profile that is not known, and one beside a product", () => {
    expect(() => SimulatedPool.fromScenario("pool P profile=xcp-9\nhost a")).toThrow(/xcp-9.*xcp-1\.1/);
    expect(() => SimulatedPool.fromScenario("pool P profile=xcp-1.1 version=8.2\nhost a")).toThrow(
      /one or the other/,
    );
  });

  test("can be given one from outside, which goes before the scenario's", () => {
    const profile = profiles.get("xcp-ng-8.2");
    if (profile === undefined) throw new Error("no such profile");
    const pool = SimulatedPool.fromBuiltin("thesis", { manualClock: true, profile });
    expect(pool.model.release.product).toBe("XCP-ng");
    expect(pool.db.map("host", pool.masterRef, "software_version")["product_version"]).toBe("8.2.1");
    pool.close();
  });
});

test("old slaves keep the session of whoever comes with a password", async () => {
  for (const [name, left] of [
    ["xcp-1.6", 1],
    ["xcp-ng-8.2", 0],
  ] as const) {
    const p = at(name);
    const sessions = p.pool.db.count("session");
    const basic = `Authorization: Basic ${Buffer.from("root:xenroot").toString("base64")}`;
    for (const host of [0, 1])
      expect((await p.updates("host=true", { host, headers: [basic] })).status).toBe(200);
    expect(p.pool.db.count("session") - sessions).toBe(left);
  }
});

describe("real answers of the time of 8.2", () => {
  const samples = new URL("../../../shared/xapi/samples/", import.meta.url);

  test("have our shape, JSON that is none (skipped without ../shared)", {
    skip: !existsSync(samples),
  }, async () => {
    const theirs = readFileSync(new URL("rrd_updates-2021-raw-nonstrict.json", samples), "utf8").trim();
    const { body } = await at("xcp-ng-8.2").updates("host=true&json=true&cf=AVERAGE");
    const shape =
      /^\{meta: \{start:\d+,step:5,end:\d+,rows:\d+,columns:\d+,legend:\["AVERAGE:host:[^\]]+"\]\},data:\[(\{t:\d+,values:\[((0\.0|NaN|\d+\.\d{4}),?)+\]\},?)+\]\}$/;
    expect(theirs).toMatch(shape);
    expect(body).toMatch(shape);
  });

  test("have our shape, XML (skipped without ../shared)", { skip: !existsSync(samples) }, async () => {
    const theirs = readUpdates(readFileSync(new URL("rrd_updates-2021.xml", samples), "utf8"));
    for (const read of [theirs, readUpdates((await at("xcp-ng-8.2").updates()).body)]) {
      expect(read.legend).toHaveLength(read.columnCount);
      expect(read.rows.map(({ t }) => t)).toEqual(read.rows.map((_, index) => read.end - 5 * index));
      for (const text of read.rows.flatMap(({ values }) => values))
        expect(text).toMatch(/^(0\.0|NaN|\d+\.\d{4})$/);
    }
  });
});
