/**
 * Some hundred requests at a pool of usual size, ten at once: none fails, every answer names every host, and memory does not
 * grow with them. How fast they are is for npm run soak -- wlb, on a machine that does nothing else.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { largePool } from "../support/wlb/largePool.ts";
import { load } from "../support/wlb/load.ts";
import { collectRecorded, connectedTo, mysqlSettings, poolUuid } from "../support/wlb/recordedPool.ts";
import { parameters, type RunningWlb, startWlb } from "../support/wlb/serve.ts";

const hosts = 16;
const { snapshot, halted } = largePool(hosts, 300);
let database: TestDatabase;
let server: RunningWlb;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "xcp-wlb-load-"));
  database = await createTestDatabase();
  const pool = { ...snapshot.pool, ...connectedTo("localhost") };
  await collectRecorded(database, { ...snapshot, pool });
  server = await startWlb({ ...mysqlSettings(database), WlbFolder: join(folder, "wlb") });
  const joining = { Password: "p", PoolUuid: poolUuid, UserName: "u", XenServerUrl: "http://192.0.2.10:80/" };
  expect(await server.verdict("AddXenServer", parameters(joining))).toMatchObject({ result: {} });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

it("hundreds of requests, ten at once: each is answered with every host, and memory stays as it is", async () => {
  const of = { vms: halted, atOnce: 10 } as const;
  // What is loaded and compiled once is no growth.
  await load(server, { ...of, requests: 200 });
  const { entries, memory, ms } = await load(server, { ...of, requests: 600, memoryEvery: 100 });
  expect(ms).toHaveLength(600);
  expect([...entries]).toEqual([[hosts, 600]]);
  const [first = 0, ...later] = memory;
  expect(later.length).toBeGreaterThan(5);
  // A request that was kept would be some 20 KiB; what is garbage until it is collected is more than all of them.
  expect(Math.min(...later.slice(-3)) - first).toBeLessThan(60);
}, 180_000);

it("one after the other their numbers rise, and none comes twice", async () => {
  const { entries, repeated } = await load(server, { vms: halted, atOnce: 1, requests: 50 });
  expect([[...entries], repeated]).toEqual([[[hosts, 50]], 0]);
}, 60_000);
