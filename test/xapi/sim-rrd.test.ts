import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sampleHost } from "../../src/simulator/metrics/metrics.ts";
import { readUpdates, type ServedPool, serve } from "./simMeasures.ts";
import { raw } from "./simServer.ts";

const scenario = `
pool "Measured" product=XCP-ng version=8.3
host alpha master cpus=4 memory=16384 base-cpu=noise(40%,10%) rx=12.5
host beta cpus=4 memory=16384
vm web on=alpha vcpus=3 memory=2048 cpu=noise(50%,20%) rx=noise(100,50) tools free=700
vm quiet on=alpha vcpus=1 memory=1024
vm away on=beta vcpus=2 memory=1024 cpu=30% tools
vm off halted
`;

const shared = new URL("../../../shared/xapi/", import.meta.url);
const hasShared = existsSync(shared);

let p: ServedPool;
beforeAll(async () => {
  p = await serve(scenario);
  await p.pool.clock.advance(3_600_000);
});
afterAll(() => p.stop());

const uuid = (cls: string, ref: string): string => p.pool.db.text(cls, ref, "uuid");
const vm = (name: string): string =>
  p.pool.db.all("VM").find((ref) => p.pool.db.get("VM", ref, "name_label") === name) ?? "";

describe("/rrd_updates", () => {
  test("has one column for every source of the host and of the VMs on it, and of no other", async () => {
    const { body } = await p.updates();
    const { legend } = readUpdates(body);
    const owners = new Set(legend.map((entry) => entry.split(":").slice(0, 3).join(":")));
    const here = ["web", "quiet", "Control domain on host: alpha"].map(
      (name) => `AVERAGE:vm:${uuid("VM", vm(name))}`,
    );
    expect([...owners].sort()).toEqual([...here, `AVERAGE:host:${uuid("host", p.pool.masterRef)}`].sort());
    expect(legend[0]).toContain(":host:");
  });

  test("gives for its newest row exactly what query_data_source answers", async () => {
    for (const host of [0, 1]) {
      const { legend, rows } = readUpdates((await p.updates("cf=AVERAGE&host=true", { host })).body);
      expect(legend.length).toBeGreaterThan(15);
      for (const [column, entry] of legend.entries()) {
        const [, owner, id = "", ...source] = entry.split(":");
        const cls = owner === "vm" ? "VM" : "host";
        const asked = await p.query(cls, p.pool.db.byUuid(cls, id), source.join(":"));
        expect(Number(rows[0]?.values[column]), entry).toBeCloseTo(asked, 6);
      }
    }
  });

  test("has the shape of the recorded answer (skipped without ../shared)", { skip: !hasShared }, async () => {
    const recorded = readFileSync(new URL("recorded/rrd_updates.xml.http", shared), "utf8");
    const [head = "", body = ""] = recorded.split(/\r?\n\r?\n(?=<)/);
    const theirs = readUpdates(body);
    expect(theirs.rows).toHaveLength(theirs.rowCount);
    const got = await p.updates();
    const ours = readUpdates(got.body);
    const names = (text: string): string[] =>
      text
        .split(/\r?\n/)
        .slice(1)
        .map((line) => line.replace(/Content-Length: .*/, "Content-Length").trim());
    expect(names(got.head)).toEqual(names(head));
    expect(ours.rows.map(({ t }) => t)).toEqual(ours.rows.map((_, index) => ours.end - 5 * index));
    expect(theirs.rows.map(({ t }) => t)).toEqual(theirs.rows.map((_, index) => theirs.end - 5 * index));
    for (const { legend, columnCount, rows } of [ours, theirs]) {
      expect(legend).toHaveLength(columnCount);
      for (const entry of legend) expect(entry).toMatch(/^AVERAGE:(host|vm):[0-9a-f-]{36}:\w+$/);
      for (const { values } of rows) {
        expect(values).toHaveLength(columnCount);
        for (const value of values) expect(value).toMatch(/^(0\.0|NaN|-?\d+(\.\d*[1-9])?(e[+-]\d+)?)$/);
      }
    }
  });

  test("keeps the sources of one subject together and in order, as the recorded answer does (skipped without ../shared)", {
    skip: !hasShared,
  }, async () => {
    const recorded = readFileSync(new URL("recorded/rrd_updates.xml.http", shared), "utf8");
    const theirs = readUpdates(recorded.slice(recorded.indexOf("<?xml")));
    for (const { legend } of [theirs, readUpdates((await p.updates()).body)]) {
      const owners = legend.map((entry) => entry.split(":")[2]);
      expect(owners.filter((owner, index) => owner !== owners[index - 1])).toHaveLength(new Set(owners).size);
      for (const owner of new Set(owners)) {
        const names = legend
          .filter((entry) => entry.includes(String(owner)))
          .map((entry) => entry.split(":")[3]);
        expect(names).toEqual([...names].sort());
      }
    }
  });

  test("shows a past row as it was when it was new", async () => {
    const at = Math.floor(p.pool.clock.now() / 5000) * 5000;
    const then = sampleHost(p.pool.model, p.pool.masterRef, at);
    await p.pool.clock.advance(60_000);
    const { legend, rows } = readUpdates((await p.updates(undefined, { seconds: 120 })).body);
    const row = rows.find(({ t }) => t === at / 1000);
    for (const { name, value } of then) {
      const column = legend.findIndex((entry) => entry.includes(":host:") && entry.endsWith(`:${name}`));
      expect(Number(row?.values[column])).toBeCloseTo(value, 6);
    }
  });

  test("never serves a request that came behind one for measures", async () => {
    const path = `/rrd_updates?start=${Math.floor(p.pool.clock.now() / 1000) - 10}&session_id=${p.session}`;
    const two = `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(2);
    expect(await raw(p.url(), two, 2)).toHaveLength(1);
  });

  test("closes the connection behind its answer although it says keep-alive", async () => {
    const got = await p.updates();
    expect(got.head).toMatch(/connection: keep-alive/i);
    expect(got.closed).toBe(true);
    expect(Number(/content-length: (\d+)/i.exec(got.head)?.[1])).toBe(Buffer.byteLength(got.body));
  });
});
