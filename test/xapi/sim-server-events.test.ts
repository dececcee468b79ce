/** event.from of the simulator: what is told, when, and in which shape. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refCountNames } from "../../src/simulator/objects/refCountNames.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { call, callJson, callRaw, type Param, type SmallPool, smallPool } from "./simServer.ts";

interface Event {
  readonly id: string;
  readonly class: string;
  readonly operation: string;
  readonly ref: string;
  readonly snapshot?: Record<string, unknown>;
}
interface Batch {
  readonly events: readonly Event[];
  readonly token: string;
  readonly valid_ref_counts: Record<string, number>;
}

let pool: SmallPool;
let simulator: RunningSimulator;
let session: string;

const ask = (method: string, ...params: Param[]) => call(simulator.masterUrl, method, session, ...params);
const from = async (classes: string[], token: string, seconds: number) =>
  (await ask("event.from", classes, token, { double: seconds })) as Batch;
const told = (batch: Batch) => batch.events.map((event) => `${event.operation} ${event.class} ${event.ref}`);

beforeEach(async () => {
  pool = smallPool();
  simulator = await startSimulator(pool, { http: true, https: false });
  session = String(await call(simulator.masterUrl, "session.login_with_password", "root", "secret"));
});
afterEach(() => simulator.stop());

describe("event.from", () => {
  test("with an empty token adds everything there is, with records, and counts it", async () => {
    const batch = await from(["*"], "", 5);
    expect(told(batch).toSorted()).toEqual(
      [
        `add pool ${pool.db.all("pool")[0]}`,
        ...pool.db.all("host").map((ref) => `add host ${ref}`),
        ...pool.db.all("host_metrics").map((ref) => `add host_metrics ${ref}`),
        `add vm ${pool.vmRef}`,
        `add vm_metrics ${pool.db.all("VM_metrics")[0]}`,
      ].toSorted(),
    );
    expect(batch.events.every((event) => event.snapshot?.["uuid"] !== undefined)).toBe(true);
    expect(batch.token).toMatch(/^\d{20},\d{20}$/);
    expect(batch.valid_ref_counts).toMatchObject({ vm: 1, host: 2, session: 1, task: 0, vmpp: 0 });
    expect(Object.keys(batch.valid_ref_counts)).toEqual(refCountNames);
  });

  test("tells a move as three changes with one id: the VM, the old host, the new host", async () => {
    const { token } = await from(["*"], "", 5);
    pool.db.set("VM", pool.vmRef, "resident_on", pool.slaveRef);
    const batch = await from(["*"], token, 5);
    expect(told(batch)).toEqual([
      `mod vm ${pool.vmRef}`,
      `mod host ${pool.masterRef}`,
      `mod host ${pool.slaveRef}`,
    ]);
    expect(new Set(batch.events.map((event) => event.id)).size).toBe(1);
    expect(batch.events.map((event) => event.snapshot?.["resident_VMs"])).toEqual([
      undefined,
      [],
      [pool.vmRef],
    ]);
    expect(told(await from(["*"], batch.token, 0))).toEqual([]);
  });

  test("waits for a change and then wakes", async () => {
    const { token } = await from(["*"], "", 5);
    const waiting = from(["vm"], token, 20);
    setTimeout(() => pool.db.set("VM", pool.vmRef, "name_label", "renamed"), 100);
    const batch = await waiting;
    expect(batch.events.map((event) => event.snapshot?.["name_label"])).toEqual(["renamed"]);
  });

  test("ends at its timeout with no events but a token, and an int is as good as a double", async () => {
    const { token } = await from(["*"], "", 5);
    const began = performance.now();
    expect(told(await from(["vm"], token, 0.3))).toEqual([]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(299);
    expect((await ask("event.from", ["vm"], token, 0)) as Batch).toMatchObject({ events: [] });
  });

  test("tells many changes of one object once, with its last state", async () => {
    const { token } = await from(["*"], "", 5);
    for (const name of ["a", "b", "c"]) pool.db.set("VM", pool.vmRef, "name_label", name);
    const batch = await from(["*"], token, 5);
    expect(batch.events.map((event) => event.snapshot?.["name_label"])).toEqual(["c"]);
  });

  test("tells of deletions without a record, and of what came and went not at all", async () => {
    const { token } = await from(["*"], "", 5);
    const brief = pool.db.create("VM", { name_label: "brief" });
    pool.db.destroy("VM", brief);
    pool.db.destroy("VM", pool.vmRef);
    const batch = await from(["vm"], token, 5);
    expect(batch.events.map(({ operation, ref, snapshot }) => ({ operation, ref, snapshot }))).toEqual([
      { operation: "del", ref: pool.vmRef, snapshot: undefined },
    ]);
  });

  test("tells what came, what changed and what went in this order, and a token of what it told alone", async () => {
    const { token } = await from(["*"], "", 5);
    const other = pool.db.create("VM", { name_label: "other" });
    const before = await from(["vm"], token, 5);
    pool.db.destroy("VM", other);
    pool.db.set("VM", pool.vmRef, "name_label", "renamed");
    const fresh = pool.db.create("VM", { name_label: "fresh" });
    const batch = await from(["vm"], before.token, 5);
    expect(told(batch)).toEqual([`add vm ${fresh}`, `mod vm ${pool.vmRef}`, `del vm ${other}`]);
    pool.db.set("host", pool.slaveRef, "name_label", "elsewhere");
    expect((await from(["vm"], batch.token, 0)).token).toBe(batch.token);
    expect((await from(["banana"], "", 0)).token).toMatch(/^0{20},/);
  });

  test("forgets deletions when 512 of a class have gathered, and only the counts tell", async () => {
    const many = Array.from({ length: 600 }, () => pool.db.create("VM", { name_label: "many" }));
    const { token } = await from(["vm"], "", 5);
    for (const ref of many) pool.db.destroy("VM", ref);
    const batch = await from(["vm"], token, 5);
    expect(batch.events.length).toBeGreaterThan(250);
    expect(batch.events.length).toBeLessThan(512);
    expect(batch.events.at(-1)).toMatchObject({ operation: "del", ref: many.at(-1) });
    expect(batch.valid_ref_counts["vm"]).toBe(1);
  });

  test("takes class names in any case, single objects, and unknown classes", async () => {
    const { token } = await from(["*"], "", 5);
    pool.db.set("host", pool.slaveRef, "name_label", "b");
    pool.db.set("host", pool.masterRef, "name_label", "a");
    expect(told(await from([`HOST/${pool.slaveRef}`], token, 5))).toEqual([`mod host ${pool.slaveRef}`]);
    expect(told(await from(["Host"], token, 5))).toHaveLength(2);
    expect(told(await from(["banana"], token, 0))).toEqual([]);
  });

  test("writes the same value without an event", async () => {
    const { token } = await from(["*"], "", 5);
    pool.db.set("VM", pool.vmRef, "name_label", "web");
    pool.db.set("VM", pool.vmRef, "other_config", {});
    expect(told(await from(["*"], token, 0))).toEqual([]);
  });

  test("refuses a token that is none", async () => {
    await expect(from(["*"], "zzz", 1)).rejects.toEqual(["EVENT_FROM_TOKEN_PARSE_FAILURE", "zzz"]);
  });

  test("ends with SESSION_INVALID when the session does", async () => {
    const { token } = await from(["*"], "", 5);
    const waiting = from(["vm"], token, 20);
    setTimeout(() => pool.db.destroy("session", session), 100);
    await expect(waiting).rejects.toEqual(["SESSION_INVALID", session]);
  });

  test("does not hold up the end of the simulator", async () => {
    const { token } = await from(["*"], "", 5);
    const waiting = from(["vm"], token, 3600).catch(() => "ended");
    await new Promise((done) => setTimeout(done, 100));
    const began = performance.now();
    await simulator.stop();
    await waiting;
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe("event.inject and the old queue", () => {
  test("an injected event is told from the token it returned", async () => {
    const [ref = ""] = pool.db.all("pool");
    const token = String(await ask("event.inject", "pool", ref));
    expect(token).toMatch(/^\d{20},\d{20}$/);
    const batch = await from(["pool"], token, 5);
    expect(told(batch)).toEqual([`mod pool ${ref}`]);
    expect(batch.token > token).toBe(true);
  });

  test("event.next needs a registration, then tells what changed since", async () => {
    await expect(ask("event.next")).rejects.toEqual([
      "SESSION_NOT_REGISTERED",
      expect.stringMatching(/^trackid=/),
    ]);
    await ask("event.register", ["vm"]);
    pool.db.set("VM", pool.vmRef, "name_label", "x");
    expect(await ask("event.next")).toMatchObject([{ class: "vm", operation: "mod", ref: pool.vmRef }]);
  });
});

const migration = new URL("../../../shared/xapi/recorded/event.from.migration.json", import.meta.url);
const recorded = new URL("../../../shared/xapi/recorded/xml-event-from-timeout.http", import.meta.url);

describe.skipIf(!existsSync(migration))("the recorded shape (skipped where ../shared is missing)", () => {
  test("an event has the keys, and their order, of the recorded one; its id is text", async () => {
    const [line = ""] = readFileSync(migration, "utf-8").split("\n");
    const theirs = JSON.parse(/^\{.*?"snapshot":\{/.exec(line)?.[0].concat("}}]}}") ?? "{}").result.events[0];
    const { result } = JSON.parse(
      await callJson(simulator.masterUrl, "event.from", session, ["vm"], "", 5.5),
    );
    expect(Object.keys(result)).toEqual(["events", "valid_ref_counts", "token"]);
    expect(Object.keys(result.events[0])).toEqual(Object.keys(theirs));
    expect(typeof result.events[0].id).toBe(typeof theirs.id);
    expect(result.events[0].timestamp).toBe(theirs.timestamp);
  });

  test("an empty answer in XML is the recorded one but for its numbers", async () => {
    const text = readFileSync(recorded, "utf-8");
    const theirs = text.slice(text.indexOf("\r\n\r\n") + 4);
    const { token } = await from(["*"], "", 5);
    const ours = await callRaw(simulator.masterUrl, "event.from", session, ["vm"], token, { double: 0 });
    const withoutNumbers = (xml: string) => xml.replace(/<i4>\d+/g, "<i4>0").replace(/\d{20}/g, "0");
    expect(withoutNumbers(ours)).toBe(withoutNumbers(theirs));
  });
});
