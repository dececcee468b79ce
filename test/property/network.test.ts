/**
 * Laws of what VMs weigh on the interface that stands for eth0, over random pools with several interfaces a VM, bonds and
 * VLANs: the simulated pool sends everything through its wires by itself, so that a wrong model would show.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import { rawWeight } from "../../src/domain/weight.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { readInventory } from "../../src/xapi/inventory.ts";
import { readMeasures } from "../../src/xapi/rrdUpdates.ts";
import { toSnapshot } from "../../src/xapi/snapshot.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";
import { networkPools } from "../support/networkPools.ts";
import { someOf } from "../support/runs.ts";
import { open } from "../xapi/simPool.ts";

const all = 40;
const runs = someOf(all);

async function withPool(
  scenario: string,
  work: (pool: SimulatedPool, client: XapiClient) => Promise<void>,
): Promise<void> {
  const pool = SimulatedPool.fromScenario(scenario, { manualClock: true, badPasswordDelayMs: 0 });
  const simulator = await startSimulator(pool, { http: true, https: false });
  await pool.clock.advance(20_000);
  const client = await connectXapi({
    urls: [simulator.masterUrl],
    user: "root",
    password: "xenroot",
    trust: { kind: "system" },
    minTlsVersion: "TLSv1.2",
    connectTimeoutMs: 20_000,
    callTimeoutMs: 20_000,
    maxResponseBytes: 2 ** 26,
    originator: "test",
  });
  try {
    await work(pool, client);
  } finally {
    await client.close();
    await simulator.stop();
    pool.close();
  }
}

async function read(
  client: XapiClient,
  eth0Device: string,
  method: "rrd" | "query" = "rrd",
): Promise<Snapshot> {
  const inventory = await readInventory(client);
  const signal = new AbortController().signal;
  const options = { method, parallelCalls: 8, hostTimeoutMs: 20_000, eth0Device, signal };
  const measures = await readMeasures(client, inventory, options);
  expect(measures.unread).toEqual(new Map());
  return toSnapshot(inventory, measures, eth0Device);
}

function guestsOn({ vms, placements }: Snapshot, host: Host): Vm[] {
  const here = new Set(placements.filter((each) => each.hostUuid === host.uuid).map(({ vmUuid }) => vmUuid));
  return vms.filter((vm) => here.has(vm.uuid) && !vm.isControlDomain);
}

const ways = [
  ["PifEth0RxKb", "rx"],
  ["PifEth0TxKb", "tx"],
] as const;

const carried = (host: Host, way: "rx" | "tx") =>
  (way === "rx" ? host.pifEth0RxKb : host.pifEth0TxKb) ?? Number.NaN;

describe("the interface that stands for eth0", () => {
  it("carries what its host sends and what the VMs on it weigh, no less and no more", async () => {
    await fc.assert(
      fc.asyncProperty(networkPools, async ({ scenario, own }) =>
        withPool(scenario, async (_, client) => {
          const snapshot = await read(client, "auto");
          for (const host of snapshot.hosts) {
            const guests = guestsOn(snapshot, host);
            for (const [subject, way] of ways) {
              const weights = guests.map((vm) => rawWeight(vm, subject) ?? Number.NaN);
              const sum = weights.reduce((total, weight) => total + weight, own.get(host.name)?.[way] ?? 0);
              // Each figure is stored in whole KiB/s.
              expect(Math.abs(carried(host, way) - sum)).toBeLessThanOrEqual((guests.length + 1) / 2);
            }
          }
        }),
      ),
      { numRuns: runs, seed: 20_261_128 },
    );
  });

  it("whichever is named: the VMs' weights are never more than it carries, and both ways of reading agree", async () => {
    await fc.assert(
      fc.asyncProperty(networkPools, fc.nat(), async ({ scenario, devices }, pick) =>
        withPool(scenario, async (_, client) => {
          const device = devices[pick % devices.length] ?? "auto";
          const snapshot = await read(client, device);
          expect(await read(client, device, "query")).toEqual(snapshot);
          for (const host of snapshot.hosts.filter(({ eth0 }) => eth0 !== undefined)) {
            const guests = guestsOn(snapshot, host);
            for (const [subject, way] of ways) {
              const sum = guests.reduce((total, vm) => total + (rawWeight(vm, subject) ?? Number.NaN), 0);
              expect(sum).toBeLessThanOrEqual(carried(host, way) + (guests.length + 1) / 2);
            }
          }
        }),
      ),
      { numRuns: runs, seed: 20_261_128 },
    );
  });

  it("carries, once a plan is carried out, what the plan said", async () => {
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(networkPools, async ({ scenario }) =>
        withPool(scenario, async (pool, client) => {
          const before = await read(client, "auto");
          const plan = planMigrations(before, [{ subject: "PifEth0RxKb", threshold: 300 }], {
            maxMoves: 20,
            headroomBytes: 0,
            bannedVms: new Map(),
            bannedPairs: new Map(),
          });
          const called = await open(pool);
          for (const { vm, destination } of plan.moves) {
            const [name] = before.vms.filter(({ uuid }) => uuid === vm).map((each) => each.name);
            const [host] = before.hosts.filter(({ uuid }) => uuid === destination).map((each) => each.name);
            const task = await called.migrate(name ?? "", host ?? "");
            await pool.clock.advance(60_000);
            expect(called.task(task, "status")).toBe("success");
            moved++;
          }
          await pool.clock.advance(20_000);
          const after = await read(client, "auto");
          for (const { hostUuid, values } of plan.after[0]?.verdicts ?? []) {
            const host = after.hosts.find(({ uuid }) => uuid === hostUuid);
            const difference = (host?.pifEth0RxKb ?? Number.NaN) - (values[0] ?? Number.NaN);
            expect(Math.abs(difference)).toBeLessThanOrEqual(5);
          }
        }),
      ),
      { numRuns: all, seed: 20_261_128 },
    );
    expect(moved).toBeGreaterThan(all / 5);
  });
});
