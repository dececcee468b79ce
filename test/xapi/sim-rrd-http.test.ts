import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { getRaw, readUpdates, type ServedPool, serve } from "./simMeasures.ts";
import { call } from "./simServer.ts";

const scenario = `
pool "Measured" product=XCP-ng version=8.3
host alpha master cpus=2 memory=16384
host beta cpus=2 memory=16384
vm web on=alpha vcpus=1 memory=2048 cpu=noise(50%,20%) tools
vm away on=beta vcpus=1 memory=1024 cpu=30% tools
vm off halted
`;

let p: ServedPool;
beforeAll(async () => {
  p = await serve(scenario);
  await p.pool.clock.advance(30_000);
});
afterAll(() => p.stop());

const vm = (name: string): string =>
  p.pool.db.all("VM").find((ref) => p.pool.db.get("VM", ref, "name_label") === name) ?? "";
const uuidOf = (name: string): string => p.pool.db.text("VM", vm(name), "uuid");
const start = (): number => Math.floor(p.pool.clock.now() / 1000) - 10;
const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString("base64")}`;

describe("who may ask", () => {
  const path = (): string => `/rrd_updates?start=${start()}&host=true`;

  test("nobody without credentials: 401, with the realm to answer to", async () => {
    const got = await p.get(path(), { headers: [] });
    expect(got.status).toBe(401);
    expect(got.head).toMatch(/^WWW-Authenticate: Basic realm="[^"]+"$/im);
    expect(got.closed).toBe(true);
  });

  test("a session of the master, as a parameter or a cookie, on every host", async () => {
    for (const host of [0, 1]) {
      expect((await p.get(`${path()}&session_id=${p.session}`, { host, headers: [] })).status).toBe(200);
      expect((await p.get(path(), { host, headers: [`Cookie: a=b; session_id=${p.session}`] })).status).toBe(
        200,
      );
      const encoded = encodeURIComponent(p.session);
      expect((await p.get(`${path()}&session_id=${encoded}`, { host, headers: [] })).status).toBe(200);
    }
  });

  test("a user with the right password only, who leaves no session behind", async () => {
    const sessions = p.pool.db.count("session");
    expect((await p.get(path(), { host: 1, headers: [basic("root:xenroot")] })).status).toBe(200);
    expect((await p.get(path(), { headers: [basic("root:wrong")] })).status).toBe(401);
    expect(p.pool.db.count("session")).toBe(sessions);
  });

  test("nobody with a session that is not there", async () => {
    expect((await p.get(`${path()}&session_id=OpaqueRef:gone`, { headers: [] })).status).toBe(401);
  });
});

describe("what is asked", () => {
  test("a missing start, or one that is no number, is HTTP 500", async () => {
    for (const query of ["host=true", "start=soon&host=true", "start=&host=true"])
      expect((await p.get(`/rrd_updates?${query}`)).status).toBe(500);
  });

  test("a negative start counts from the newest point", async () => {
    const { rows, end } = readUpdates((await p.get("/rrd_updates?start=-10&host=true")).body);
    expect(rows.map(({ t }) => t)).toEqual([end, end - 5, end - 10]);
  });

  test("a start in the future gives no rows and an end before the start", async () => {
    const read = readUpdates((await p.get(`/rrd_updates?start=${start() + 100}&host=true`)).body);
    expect(read.rowCount).toBe(0);
    expect(read.end).toBeLessThan(read.start);
  });

  test("an aligned start is a row of its own, and meta.start is the step behind it", async () => {
    const aligned = Math.floor(p.pool.clock.now() / 5000) * 5 - 10;
    const read = readUpdates((await p.get(`/rrd_updates?start=${aligned}&host=true`)).body);
    expect(read.rows.at(-1)?.t).toBe(aligned);
    expect(read.start).toBe(aligned + 5);
  });

  test("nothing to report is HTTP 500: an unknown VM, one on another host, or vm_uuid=none", async () => {
    for (const uuid of ["00000000-0000-0000-0000-000000000000", uuidOf("away"), "none"])
      expect((await p.updates(`cf=AVERAGE&vm_uuid=${uuid}`)).status).toBe(500);
  });

  test("only the word true asks for the host", async () => {
    for (const [query, there] of [
      ["host=true", true],
      ["host=1", false],
      ["", false],
    ] as const) {
      const { legend } = readUpdates((await p.updates(query)).body);
      expect(legend.some((entry) => entry.includes(":host:"))).toBe(there);
    }
  });

  test("vm_uuid picks VMs, as often as it is given", async () => {
    const dom0 = uuidOf("Control domain on host: alpha");
    const { legend } = readUpdates((await p.updates(`vm_uuid=${uuidOf("web")}&vm_uuid=${dom0}`)).body);
    expect(new Set(legend.map((entry) => entry.split(":")[2]))).toEqual(new Set([uuidOf("web"), dom0]));
    const { legend: one } = readUpdates((await p.updates(`vm_uuid=${uuidOf("web")}&host=true`)).body);
    expect(one.some((entry) => entry.includes(dom0))).toBe(false);
  });

  test("an unknown cf, or one that no archive keeps, is HTTP 500", async () => {
    for (const cf of ["LAST", "MEAN", "MIN", "MAX"])
      expect((await p.updates(`cf=${cf}&host=true`)).status, cf).toBe(500);
  });

  test("Accept chooses the form, and json without it", async () => {
    const cases = [
      [[], "", "text/xml"],
      [[], "&json=true", "application/json"],
      [[], "&json=false", "application/json"],
      [["Accept: */*"], "", "application/json"],
      [["Accept: application/json"], "", "application/json"],
      [["Accept: text/xml"], "", "text/xml"],
      [["Accept: text/xml;q=0.5, application/json"], "", "application/json"],
      [["Accept: application/json;q=0.1, text/xml"], "", "text/xml"],
    ] as const;
    for (const [headers, query, type] of cases) {
      const got = await p.updates(`host=true${query}&session_id=${p.session}`, { headers });
      expect(/content-type: (\S+)/i.exec(got.head)?.[1], `${headers} ${query}`).toBe(type);
    }
  });

  test("any other GET is still refused", async () => {
    for (const path of ["/", "/jsonrpc", "/rrd_updatesx", "/sr_rrd"])
      expect((await p.get(path)).status, path).toBe(403);
  });
});

describe("whole databases", () => {
  test("/host_rrd has every archive, oldest row first, and ends with the connection", async () => {
    const got = await p.get("/host_rrd");
    expect(got.status).toBe(200);
    expect(got.head).toMatch(/^HTTP\/1\.0 200/);
    expect(got.head).not.toMatch(/content-length/i);
    const archives = [
      ...got.body.matchAll(
        /<rra><cf>(\w+)<\/cf><pdp_per_row>(\d+)<\/pdp_per_row>.*?<database>(.*?)<\/database>/g,
      ),
    ];
    expect(
      archives.map(([, cf, per, rows = ""]) => [cf, Number(per), rows.split("<row>").length - 1]),
    ).toEqual([
      ["AVERAGE", 1, 120],
      ["AVERAGE", 12, 120],
      ["AVERAGE", 720, 168],
      ["AVERAGE", 17_280, 366],
    ]);
    const { rows, legend } = readUpdates((await p.updates("vm_uuid=none&host=true&cf=AVERAGE")).body);
    const names = [...got.body.matchAll(/<ds><name>([^<]+)<\/name>/g)].map(([, name]) => name);
    const last = [...(archives[0]?.[3] ?? "").matchAll(/<row>(.*?)<\/row>/g)].at(-1)?.[1] ?? "";
    const values = [...last.matchAll(/<v>([^<]*)<\/v>/g)].map(([, value]) => value);
    for (const [column, entry] of legend.entries())
      expect(values[names.indexOf(entry.split(":")[3])]).toBe(rows[0]?.values[column]);
  });

  test("/vm_rrd is served where the VM runs, and 302 sends there from anywhere else", async () => {
    const path = `/vm_rrd?uuid=${uuidOf("away")}&session_id=${p.session}`;
    const sent = await p.get(path, { headers: [] });
    expect(sent.status).toBe(302);
    const location = new URL(/^location: (\S+)/im.exec(sent.head)?.[1] ?? "");
    expect(location.origin).toBe(p.url(1));
    const got = await getRaw(location.origin, `${location.pathname}${location.search}`, []);
    expect(got.status).toBe(200);
    expect(got.body).toContain("<name>memory</name>");
  });

  test("/vm_rrd of a VM that never ran, or that nobody knows, is 404", async () => {
    for (const uuid of [uuidOf("off"), "00000000-0000-0000-0000-000000000000", ""])
      expect((await p.get(`/vm_rrd?uuid=${uuid}`)).status).toBe(404);
  });
});

test("a VM that was shut down leaves its database to the master", async () => {
  const own = await serve(scenario);
  try {
    await own.pool.clock.advance(60_000);
    const ref =
      own.pool.db.all("VM").find((each) => own.pool.db.get("VM", each, "name_label") === "away") ?? "";
    const uuid = own.pool.db.text("VM", ref, "uuid");
    own.pool.db.update("VM", ref, { power_state: "Halted", resident_on: "OpaqueRef:NULL" });
    await own.pool.clock.advance(60_000);
    const sent = await own.get(`/vm_rrd?uuid=${uuid}`, { host: 1 });
    expect(sent.status).toBe(302);
    expect(sent.head).toMatch(/^location: \S+\/rrd_unarchive\?uuid=/im);
    const got = await own.get(`/rrd_unarchive?uuid=${uuid}`);
    expect(got.status).toBe(200);
    expect(got.body).toContain("<name>memory</name>");
    expect((await own.updates(`vm_uuid=${uuid}`, { host: 1 })).status).toBe(500);
  } finally {
    await own.stop();
  }
});

test("a VM takes its past along, is nowhere during the hand-over, and its first point is off", async () => {
  const own = await serve(`${scenario}\nvm mover on=alpha vcpus=1 memory=256 cpu=40% rx=100 tools`);
  try {
    const { pool } = own;
    await pool.clock.advance(60_000);
    const ref = pool.db.all("VM").find((each) => pool.db.get("VM", each, "name_label") === "mover") ?? "";
    const target = own.running.hosts[1]?.ref ?? "";
    const query = `cf=AVERAGE&vm_uuid=${pool.db.text("VM", ref, "uuid")}`;
    const before = readUpdates((await own.updates(query, { seconds: 40 })).body);
    await call(own.url(), "Async.VM.pool_migrate", own.session, ref, target, { map: { live: "true" } });
    const seen: string[] = [];
    for (let step = 0; step < 200 && pool.db.text("VM", ref, "resident_on") !== target; step += 1) {
      await pool.clock.advance(100);
      const states = [await own.updates(query), await own.updates(query, { host: 1 })];
      const state = states.map(({ status }) => (status === 200 ? "has" : "has not")).join("/");
      if (seen.at(-1) !== state) seen.push(state);
    }
    expect(seen.slice(0, 3)).toEqual(["has/has not", "has not/has not", "has not/has"]);
    await pool.clock.advance(20_000);
    const after = readUpdates((await own.updates(query, { host: 1, seconds: 100 })).body);
    for (const row of before.rows) expect(after.rows.find(({ t }) => t === row.t)).toEqual(row);
    const cpu = after.rows.map(
      ({ values }) => values[after.legend.findIndex((entry) => entry.endsWith(":cpu0"))],
    );
    expect(cpu.some((value) => value === "NaN" || (Number(value) > 0 && Number(value) < 0.39))).toBe(true);
  } finally {
    await own.stop();
  }
});
