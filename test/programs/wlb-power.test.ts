/**
 * Host power by advice: XenCenter's density mode with power management, the recommendation in the pool's own words, an
 * administrator who does what it says, and xcp-control that knows it for what it is.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createClient } from "xen-api";
import { configuredGreenHints, configuredHints, configuredPool } from "../../src/manager/xenCenter.ts";
import { poolRefOf } from "../../src/simulator/metrics/model.ts";
import { loadHostPower } from "../../src/store/hostPower.ts";
import { type Arena, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { asRoot } from "../support/database.ts";
import { later } from "../support/laterDatabase.ts";
import { flowing } from "../support/poolTime.ts";
import { temporaryFolder } from "../support/programs.ts";
import { mysqlSettings } from "../support/wlb/recordedPool.ts";
import { type RunningWlb, startWlb, wlbPassword, wlbUser } from "../support/wlb/serve.ts";

vi.setConfig({ testTimeout: 240_000 });

const scenario = `
pool "Night" product=XCP-ng version=8.3 bandwidth=4000
host boss master cpus=8 memory=16384 base-cpu=0%
host a cpus=8 memory=16384 base-cpu=0% power-on=IPMI boot=60s
host b cpus=8 memory=16384 base-cpu=0% power-on=IPMI boot=60s
vm one on=boss vcpus=4 memory=512 cpu=20% tools
vm two on=a vcpus=4 memory=512 cpu=20% tools
vm three on=b vcpus=4 memory=1024 cpu=20% tools
`;
const poolPassword = "pool-p4ssword#";
const green = {
  GreenDownMinutes: "5",
  GreenUpMinutes: "2",
  GreenLeastOnMinutes: "0",
  GreenLeastAsleepMinutes: "0",
};

let arena: Arena;
let ring: Ring;
let wlb: RunningWlb;
let client: ReturnType<typeof createClient>;
beforeAll(async () => {
  arena = await openArena();
  ring = await arena.open(scenario, { byHand: true });
  await ring.collect();
  wlb = await startWlb({
    ...mysqlSettings(arena.database),
    ...green,
    WlbFolder: join(await temporaryFolder(), "wlb"),
    WlbNames: "localhost",
    ControlVmCooldownMinutes: "0",
    ControlQuietMinutes: "0",
  });
  client = createClient({
    url: ring.simulator.masterUrl,
    auth: { user: "root", password: poolPassword },
    watchEvents: false,
  } as Parameters<typeof createClient>[0]);
  await client.connect();
});
afterAll(async () => {
  await client.disconnect().catch(() => {});
  await wlb.stop();
  await arena.close();
});

const call = (method: string, ...args: unknown[]) => flowing(ring.pool, client.call(method, ...args));
const name = (cls: "VM" | "host", of: string) => ring.pool.db.text(cls, of, "name_label");

/** So much time passes, with a collection a minute. */
async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 60) {
    await later(arena.database.admin.database, 60);
    await ring.pool.clock.advance(60_000);
    await ring.collect();
    await asRoot(["DELETE FROM VmArrival"], arena.database.admin.database);
  }
}

const run = (): Promise<Told> =>
  flowing(
    ring.pool,
    ring.control({
      change: {
        vmCooldownMinutes: 0,
        quietMinutes: 0,
      },
    }),
  );

type Advice = Record<string, [word: string, host: string, optimization: string, id: string, reason: string]>;
const recommended = async () => (await call("pool.retrieve_wlb_recommendations")) as Advice;
const reasons = async () => Object.values(await recommended()).map(([, , , , reason]) => reason);

it("a pool in density mode is told which VMs to gather and which host to switch off, and on again under load; both are recognised", async () => {
  await call("pool.initialize_wlb", `localhost:${wlb.port}`, wlbUser, wlbPassword, "root", poolPassword);
  await call("pool.set_wlb_enabled", poolRefOf(ring.pool.model), true);
  const participating = ["boss", "a", "b"].map((host) => [
    `host_${ring.uuid("host", host)}_ParticipatesInPowerManagement`,
    "true",
  ]);
  await call("pool.send_wlb_configuration", {
    OptimizationMode: "1",
    PowerManagementEnabled: "true",
    AutoBalanceEnabled: "false",
    set_host_configuration: "true",
    ...Object.fromEntries(participating),
  });
  await pass(480);
  expect(configuredGreenHints(await configuredPool(arena.manager), false)).toEqual([
    expect.stringMatching(
      /^Set in XenCenter: KEEP CpuAverage BELOW 76\.5 % AND .* WITH 1 SPARE HOST \(PowerManagementEnabled\), for hosts/,
    ),
  ]);
  expect(configuredHints(await configuredPool(arena.manager))).toEqual([]);

  // Moves first, in the order of their numbers, then the host, by its control domain.
  await expect.poll(reasons, { timeout: 60_000, interval: 500 }).toContain("PowerOff");
  const advice = Object.entries(await recommended()).toSorted(([, a], [, b]) => Number(a[3]) - Number(b[3]));
  const [dom0 = "", off] = advice.at(-1) ?? [];
  expect(off).toMatchObject(["WLB", /^[0-9a-f-]{36}$/, /^\d+$/, /^\d+$/, "PowerOff"]);
  const host = ring.pool.db.byUuid("host", off?.[1] ?? "");
  expect(["a", "b"]).toContain(name("host", host));
  expect(ring.pool.db.text("host", host, "control_domain")).toBe(dom0);
  const moves = advice.slice(0, -1);
  expect(moves.map(([vm]) => name("VM", vm))).toEqual([name("host", host) === "a" ? "two" : "three"]);
  expect(moves.every(([, [, , , , reason]]) => reason === "Consolidate")).toBe(true);
  expect(new Set(advice.map(([, [, , optimization]]) => optimization)).size).toBe(1);

  // As XenCenter applies it.
  for (const [vm, [, to]] of moves)
    await call("VM.pool_migrate", vm, ring.pool.db.byUuid("host", to), { live: "true" });
  await call("host.disable", host);
  await call("host.shutdown", host);
  await pass(120);
  const slept = await run();
  expect(slept.text).toMatch(
    new RegExp(
      `^Applied by an administrator: ${name("host", host)} was put to sleep \\(recommendation ${off?.[3]}\\)$`,
      "m",
    ),
  );
  expect(slept.text).toMatch(
    /^Applied by an administrator: (two|three) from [ab] to \w+ \(recommendation \d+\)$/m,
  );
  const uuid = ring.pool.db.text("host", host, "uuid");
  expect((await loadHostPower(arena.manager)).states.get(uuid as never)).toMatchObject({
    kind: "asleep",
    empty: { uuid, live: true },
  });
  expect((await run()).text).not.toContain("Applied by an administrator");
  await expect.poll(reasons, { timeout: 60_000, interval: 500 }).not.toContain("PowerOff");

  for (const vm of ["one", "two", "three"]) ring.command(`load ${vm} cpu=100%`);
  await pass(300);
  await expect.poll(reasons, { timeout: 60_000, interval: 500 }).toContain("PowerOn");
  const [woken, on] =
    Object.entries(await recommended()).find(([, [, , , , reason]]) => reason === "PowerOn") ?? [];
  expect([woken, on?.[1]]).toEqual([dom0, uuid]);
  await call("host.power_on", host);
  await pass(180);
  expect((await run()).text).toMatch(
    new RegExp(
      `^Applied by an administrator: ${name("host", host)} was woken \\(recommendation \\d+\\)$`,
      "m",
    ),
  );
  expect((await loadHostPower(arena.manager)).states.get(uuid as never)).toMatchObject({ kind: "on" });
  await expect.poll(reasons, { timeout: 60_000, interval: 500 }).not.toContain("PowerOn");
});
