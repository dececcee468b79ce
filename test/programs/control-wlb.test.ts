/** xcp-control in a pool whose Workload Balancing server is ours: it goes on, keeps what was configured, and sees what was applied. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { asUuid } from "../../src/domain/pool.ts";
import { configuredHints, configuredPool } from "../../src/manager/xenCenter.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { loadAssessment } from "../../src/store/load/decisionInput.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { loadSnapshot } from "../../src/store/snapshot.ts";
import { configureWlbPool, connectWlbPool, disconnectWlbPool, storeWlbPlan } from "../../src/store/wlb.ts";
import { type Arena, openArena, type Ring } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { ask, controlDefaults } from "../support/prompt.ts";

let arena: Arena;
let wlb: Database;
let ring: Ring;
let pool: ReturnType<typeof asUuid>;
beforeAll(async () => {
  arena = await openArena();
  wlb = await openDatabase(arena.database.wlb);
});
beforeEach(async () => {
  ring = await arena.open(threeHosts);
  const [ref = ""] = ring.pool.db.all("pool");
  pool = asUuid(ring.pool.db.text("pool", ref, "uuid"));
  ring.pool.db.set("pool", ref, "wlb_url", "wlb.example.org:8012");
  ring.pool.db.set("pool", ref, "wlb_enabled", true);
});
afterEach(async () => {
  await disconnectWlbPool(wlb, pool);
  await arena.shut();
});
afterAll(async () => {
  await wlb.close();
  await arena.close();
});

const connect = (endpoint = "wlb.example.org") =>
  connectWlbPool(wlb, {
    pool,
    boundTo: "127.0.0.1",
    endpoint,
    address: "192.0.2.10",
    userName: "u",
    password: new Uint8Array([1]),
  });
const configure = (values: Readonly<Record<string, string>>) =>
  configureWlbPool(wlb, pool, new Map(Object.entries(values)), []);

describe("the gate workload balancing", () => {
  it("is closed for any other server, and for ours where the pool's record names another host", async () => {
    await ring.collect(cpu25);
    expect(await ring.control()).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^refused: workload balancing/),
    });
    await connect("elsewhere.example.org");
    expect(await ring.control()).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^refused: workload balancing/),
    });
    expect(ring.migrations).toEqual([]);
  });

  it("is open where the pool is connected to ours", async () => {
    await connect();
    await ring.collect(cpu25);
    expect((await ring.control()).code).toBe(0);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });
});

describe("what was configured in XenCenter", () => {
  it("AutoBalanceEnabled false: a run only recommends, and says why; true: it acts", async () => {
    await connect();
    await configure({ AutoBalanceEnabled: "False" });
    await ring.collect(cpu25);
    const told = await ring.control();
    expect(told.lines[0]).toBe(
      "Observe mode: nothing is moved, no host is switched (AutoBalanceEnabled is false in the pool's Workload Balancing settings)",
    );
    expect(ring.migrations).toEqual([]);
    await configure({ AutoBalanceEnabled: "true" });
    await ring.control();
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });

  it("a pause there: a run only recommends", async () => {
    await connect();
    const [ref = ""] = ring.pool.db.all("pool");
    ring.pool.db.set("pool", ref, "wlb_enabled", false);
    await ring.collect(cpu25);
    expect((await ring.control()).lines[0]).toContain("Workload Balancing is paused in the pool");
    expect(ring.migrations).toEqual([]);
  });

  it("a critical threshold is a rule, excluded hosts are left alone, minutes are the cooldown's", async () => {
    await connect();
    await configure({
      HostCpuThresholdCritical: "0.5",
      RecentMoveMinutes: "7",
      AutoBalancePollIntervals: "4",
    });
    await ring.collect();
    const assessment = await loadAssessment(arena.controller, controlDefaults(), null);
    expect(assessment.rules).toMatchObject([
      {
        name: "XenCenter HostCpuThresholdCritical",
        terms: [{ subjects: ["CpuAverage"], condition: "above", amount: 50 }],
      },
    ]);
    const status = await ask(arena.manager, "SHOW STATUS");
    expect(status).toContain("Workload Balancing - xcp-wlb at wlb.example.org:8012, xcp-control acts");
    expect(status).toContain(
      "Set in XenCenter - AutoBalancePollIntervals=4, HostCpuThresholdCritical=0.5, RecentMoveMinutes=7",
    );
    expect(configuredHints(await configuredPool(arena.manager))).toEqual([
      "Set in XenCenter, beside these: CpuAverage ABOVE 50 (HostCpuThresholdCritical).",
    ]);
    await ring.control();
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });

  it("an excluded host neither gives nor takes", async () => {
    await connect();
    await configure({ [`host_${ring.uuid("host", "cold1")}_ExcludeFromPoolOptimizations`]: "true" });
    await ring.collect(cpu25);
    await ring.control();
    expect(ring.migrations).toEqual(["small -> cold2"]);
  });

  it("does nothing any more once the pool looks for another server", async () => {
    await connect();
    await configure({ HostCpuThresholdCritical: "0.5" });
    const [ref = ""] = ring.pool.db.all("pool");
    ring.pool.db.set("pool", ref, "wlb_url", "");
    ring.pool.db.set("pool", ref, "wlb_enabled", false);
    await ring.collect();
    expect((await loadAssessment(arena.controller, controlDefaults(), null)).rules).toEqual([]);
  });
});

describe("a recommended move that an administrator applies", () => {
  it("is entered in the log by the next run, and counts for the VM's rest; another's move is not", async () => {
    await connect();
    await ring.collect(cpu25);
    const stored = await loadSnapshot(wlb);
    const [vm, hot, cold] = [
      ring.uuid("VM", "small"),
      ring.uuid("host", "hot"),
      ring.uuid("host", "cold1"),
    ].map(asUuid);
    if (vm === undefined || hot === undefined || cold === undefined)
      throw new Error("the pool has no such objects");
    const other = asUuid(ring.uuid("VM", "big"));
    await storeWlbPlan(
      wlb,
      pool,
      stored?.collection.id ?? 0,
      [
        { vm, source: hot, destination: cold, reason: "hot is too hot" },
        { vm: other, source: hot, destination: cold, reason: "never applied" },
      ],
      [],
    );
    await ring.admin(async (client) => {
      const task = await client.poolMigrateAsync(
        ring.pool.db.all("VM").find((ref) => ring.pool.db.text("VM", ref, "uuid") === vm) as never,
        ring.pool.db.all("host").find((ref) => ring.pool.db.text("host", ref, "uuid") === cold) as never,
      );
      await expect.poll(() => ring.where("small")).toBe("cold1");
      return task;
    });
    await ring.collect();
    const told = await ring.control();
    expect(told.lines[0]).toMatch(
      /^Applied by an administrator: small from hot to cold1 \(recommendation \d+\)$/,
    );
    const [row, ...others] = await listMigrations(arena.manager);
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      vm,
      source: hot,
      destination: cold,
      cause: "applied",
      state: "succeeded",
      reason: expect.stringMatching(/^applied by an administrator .*hot is too hot$/),
    });
    const { bans } = await loadAssessment(arena.controller, controlDefaults(), null);
    expect([...bans.vms.keys()]).toEqual([vm]);
    expect((await ring.control()).text).not.toContain("Applied by an administrator");
  });
});
