/**
 * xcp-wlb under load: 50 requests a second for a minute, and 100,000 requests for its memory. npm run soak -- wlb;
 * XCP_SOAK_REQUESTS changes their number. A pool of 64 hosts and 2,400 VMs, of which 240 are halted.
 */
import process from "node:process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createHostRule } from "../src/store/ruleChanges.ts";
import { createTestDatabase, type TestDatabase } from "../test/support/database.ts";
import { largePool } from "../test/support/wlb/largePool.ts";
import { type LoadResult, load, percentile } from "../test/support/wlb/load.ts";
import { collectRecorded, mysqlSettings, poolUuid, withDatabase } from "../test/support/wlb/recordedPool.ts";
import { parameters, type RunningWlb, startWlb } from "../test/support/wlb/serve.ts";

const requests = Number(process.env["XCP_SOAK_REQUESTS"] ?? 100_000);
/** xapi's client gives up after 30 s; until then nobody starts a VM in the pool. A second would be felt. */
const slowMs = 1000;

const { snapshot, rules, halted } = largePool();
let database: TestDatabase;
let server: RunningWlb;
beforeAll(async () => {
  database = await createTestDatabase();
  await withDatabase(database, async (db) => {
    for (const rule of rules) await createHostRule(db, rule, "soak");
  });
  await collectRecorded(database, snapshot);
  server = await startWlb(
    { ...mysqlSettings(database), WlbMaxAgeSeconds: "86400" },
    [],
    // It answers for as long as this takes.
    4 * 3_600_000,
  );
  const joining = { Password: "p", PoolUuid: poolUuid, UserName: "u", XenServerUrl: "http://192.0.2.10:80/" };
  expect(await server.verdict("AddXenServer", parameters(joining))).toMatchObject({ result: [{}, {}, {}] });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await database.drop();
});

function told(what: string, { ms, seconds, cpuSeconds, memory }: LoadResult): void {
  const at = (part: number) => percentile(ms, part).toFixed(1);
  process.stdout.write(
    `${what}: ${ms.length} requests in ${seconds.toFixed(0)} s, median ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `longest ${at(1)} ms with TLS; ${((cpuSeconds * 1000) / ms.length).toFixed(2)} ms of CPU a request; ` +
      `memory ${memory.join(", ")} MiB\n`,
  );
}

it("answers 50 requests a second for a minute, none of them slow", async () => {
  await load(server, { requests: 300, atOnce: 4, vms: halted });
  const result = await load(server, { requests: 3000, atOnce: 50, perSecond: 50, vms: halted });
  told("50 a second", result);
  expect([...result.entries]).toEqual([[64, 3000]]);
  expect(percentile(result.ms, 1)).toBeLessThan(slowMs);
});

it("has its memory flat over many requests", async () => {
  const result = await load(server, {
    requests,
    atOnce: 10,
    vms: halted,
    memoryEvery: Math.ceil(requests / 20),
  });
  told("memory", result);
  expect([...result.entries]).toEqual([[64, requests]]);
  // The first tenth warms up; from there on it does not grow by more than collections of garbage differ.
  const later = result.memory.slice(Math.max(2, Math.floor(result.memory.length / 10)));
  const [early = 0] = later;
  expect(Math.max(...later.slice(-3)) - early).toBeLessThan(32);
});
