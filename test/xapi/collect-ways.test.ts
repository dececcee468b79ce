/** Both ways of reading measures, one /rrd_updates a host and a call for each value, on pools of every era. */
import { afterEach, describe, expect, test } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { profiles } from "../../src/simulator/objects/profile.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { readInventory } from "../../src/xapi/inventory.ts";
import { readMeasures } from "../../src/xapi/rrdUpdates.ts";
import { toSnapshot } from "../../src/xapi/snapshot.ts";

const scenario = `
pool "Every era"
sr "Shared storage" type=nfs
network "Pool-wide network associated with eth0" device=eth0
host alpha master cpus=8 memory=262144 base-cpu=noise(40%,10%) rx=noise(90000,900) tx=12345
host beta cpus=6 memory=32768 base-cpu=noise(70%,10%)
host gamma cpus=4 memory=16384 disabled
vm web on=alpha vcpus=4 memory=4096 cpu=noise(80%,5%) tools free=1777 rx=noise(900,100) tx=noise(3000,300)
vm large on=alpha vcpus=2 memory=131072 cpu=noise(33%,5%) tools free=100003 rx=123456 tx=7
vm plain on=beta vcpus=1 memory=1024 cpu=noise(20%,5%)
vm saturated on=beta vcpus=3 memory=2048 cpu=100% tools
vm idle on=gamma vcpus=1 memory=512 cpu=0%
vm spare halted vcpus=2 memory=2048
template "Debian template" memory=512
`;

let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

async function serve(name: string): Promise<{ pool: SimulatedPool; simulator: RunningSimulator }> {
  const profile = profiles.get(name);
  if (profile === undefined) throw new Error(`no profile ${name}`);
  const pool = SimulatedPool.fromScenario(scenario, { profile, manualClock: true, seed: 5 });
  const simulator = await startSimulator(pool, { http: true, https: false });
  stop = async () => {
    await simulator.stop();
    pool.close();
  };
  await pool.clock.advance(60_000);
  return { pool, simulator };
}

async function read(simulator: RunningSimulator, method: "auto" | "rrd" | "query"): Promise<Snapshot> {
  const client = await connectXapi({
    urls: [simulator.masterUrl],
    user: "root",
    password: "xenroot",
    trust: { kind: "system" },
    minTlsVersion: "TLSv1.2",
    connectTimeoutMs: 5_000,
    callTimeoutMs: 10_000,
    maxResponseBytes: 2 ** 26,
    originator: "test",
  });
  try {
    const inventory = await readInventory(client);
    const measures = await readMeasures(client, inventory, {
      method,
      parallelCalls: 8,
      hostTimeoutMs: 10_000,
      eth0Device: "eth0",
      signal: new AbortController().signal,
    });
    expect(measures.unread).toEqual(new Map());
    return toSnapshot(inventory, measures, "eth0");
  } finally {
    await client.close();
  }
}

describe("at the same instant", () => {
  test.each([...profiles.keys()])("both ways give equal rows on %s", async (name) => {
    const { pool, simulator } = await serve(name);
    for (let round = 0; round < 3; round++) {
      const fast = await read(simulator, "rrd");
      expect(fast).toEqual(await read(simulator, "query"));
      expect(fast.hosts.every((host) => host.cpuAverage !== null && host.memoryFreeMb !== null)).toBe(true);
      await pool.clock.advance(35_000);
    }
  });
});

describe("a host that does not serve /rrd_updates", () => {
  test("is read by query_data_source all the same, and the rows are equal", async () => {
    const { pool, simulator } = await serve("xcp-ng-8.3");
    const fast = await read(simulator, "rrd");
    runCommand(pool, "http-500 /rrd_updates times=always");
    expect(await read(simulator, "auto")).toEqual(fast);
  });
});
