/** After each run the tables equal the pool: whatever appeared, moved or vanished in between. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startWorld, type World } from "../support/world.ts";
import { refOf, rowsOf, storedTables, tablesOf, uuidOf } from "./collectPool.ts";

const scenario = `
pool "Changing" product=XCP-ng version=8.2
network "LAN" device=eth0
host h1 master cpus=4 memory=8192
host h2 cpus=4 memory=8192
vm a on=h1 memory=512 tools cpu=20%
vm b on=h1 memory=512 tools
vm c on=h2 memory=512
vm d halted memory=256
`;
const mib = 1024 * 1024;

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, manualClock: true });
  await world.pool.clock.advance(60_000);
});
afterAll(() => world?.stop());

/** Collects and holds the tables against the pool, in which the VMs `arrived` have moved since the last time. */
async function collect(...arrived: string[]): Promise<void> {
  await world.pool.clock.advance(60_000);
  expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
  expect(await storedTables(world)).toEqual(
    tablesOf(
      world.pool,
      [],
      arrived.map((name) => refOf(world.pool, "VM", name)),
    ),
  );
}

function addVm({ db }: SimulatedPool, name: string, fields: Record<string, unknown> = {}): string {
  const memory = 128 * mib;
  return db.create("VM", {
    name_label: name,
    power_state: "Halted",
    metrics: db.create("VM_metrics", {}),
    memory_static_max: memory,
    memory_dynamic_max: memory,
    memory_dynamic_min: memory,
    VCPUs_max: 1,
    ...fields,
  } as Parameters<typeof db.create>[1]);
}

function addHost(pool: SimulatedPool, name: string): string {
  const { db } = pool;
  const metrics = db.create("host_metrics", { memory_total: 4096 * mib, live: true });
  const fields = {
    name_label: name,
    address: `127.0.0.${100 + db.all("host").length}`,
    metrics,
    enabled: true,
  };
  const host = db.create("host", fields);
  for (const number of [0, 1]) db.create("host_cpu", { host, number });
  addVm(pool, `Control domain on host: ${name}`, {
    is_control_domain: true,
    power_state: "Running",
    resident_on: host,
    metrics: db.create("VM_metrics", { memory_actual: 512 * mib, VCPUs_number: 2 }),
  });
  return host;
}

function removeHost({ db }: SimulatedPool, name: string): void {
  const host = refOf({ db } as SimulatedPool, "host", name);
  for (const vm of db.all("VM")) if (db.text("VM", vm, "resident_on") === host) db.destroy("VM", vm);
  for (const cpu of db.list("host", host, "host_CPUs")) db.destroy("host_cpu", cpu);
  db.destroy("host", host);
}

function move(pool: SimulatedPool, vm: string, to: string): void {
  pool.db.set("VM", refOf(pool, "VM", vm), "resident_on", refOf(pool, "host", to));
}

describe("the tables equal the pool", () => {
  it("at first, and again when nothing has changed", async () => {
    await collect();
    await collect();
    expect(await rowsOf(world, "SELECT COUNT(*) AS n FROM Collection")).toEqual([{ n: 2 }]);
  });

  it("when VMs appear, halted and running", async () => {
    addVm(world.pool, "e");
    runCommand(world.pool, "start d on=h2");
    await collect();
  });

  it("when a VM moves: one Map row, that of the new host", async () => {
    move(world.pool, "a", "h2");
    await collect("a");
    await collect();
    const map = await rowsOf(
      world,
      `SELECT HostUuid FROM Map WHERE VmUuid = '${uuidOf(world.pool, "VM", "a")}'`,
    );
    expect(map).toEqual([{ HostUuid: uuidOf(world.pool, "host", "h2") }]);
  });

  it("when VMs are paused, halted, renamed and destroyed", async () => {
    runCommand(world.pool, "pause a");
    runCommand(world.pool, "halt c");
    runCommand(world.pool, "destroy b");
    world.pool.db.set("VM", refOf(world.pool, "VM", "e"), "name_label", "e, renamed");
    await collect();
  });

  it("when a host joins with its control domain, and when it leaves with all that is on it", async () => {
    addHost(world.pool, "h3");
    move(world.pool, "d", "h3");
    // Nobody listens at its address; its values come through the master.
    await collect("d");
    removeHost(world.pool, "h3");
    await collect();
    expect(await rowsOf(world, "SELECT Name FROM Host ORDER BY Name")).toEqual([
      { Name: "h1" },
      { Name: "h2" },
    ]);
    expect(await rowsOf(world, "SELECT COUNT(*) AS n FROM HostDetail")).toEqual([{ n: 2 }]);
  });

  it("F42: when two VMs have one name, and when names are empty", async () => {
    for (const name of ["twin", "twin", "", ""]) addVm(world.pool, name);
    world.pool.db.set("host", refOf(world.pool, "host", "h2"), "name_label", "");
    await collect();
    expect(await rowsOf(world, "SELECT Name FROM Vm WHERE Name IN ('twin', '') ORDER BY Name")).toEqual(
      ["", "", "twin", "twin"].map((Name) => ({ Name })),
    );
    world.pool.db.set("host", refOf(world.pool, "host", ""), "name_label", "h2");
  });

  it("when all changes at once: VMs and a host come, move and go, and the master's name changes", async () => {
    for (const vm of world.pool.db.all("VM")) {
      if (world.pool.db.get("VM", vm, "is_control_domain") !== true) world.pool.db.destroy("VM", vm);
    }
    removeHost(world.pool, "h2");
    addHost(world.pool, "h4");
    for (const [name, host] of [
      ["x", "h1"],
      ["y", "h4"],
      ["z", "h4"],
    ] as const) {
      addVm(world.pool, name, {
        power_state: "Running",
        resident_on: refOf(world.pool, "host", host),
        metrics: world.pool.db.create("VM_metrics", { memory_actual: 128 * mib, VCPUs_number: 1 }),
      });
    }
    world.pool.db.set("host", refOf(world.pool, "host", "h1"), "name_label", "master, renamed");
    await collect();
  });

  it("F42: when the pool is empty: no VM at all, not even a control domain", async () => {
    for (const vm of world.pool.db.all("VM")) world.pool.db.destroy("VM", vm);
    await collect();
    for (const table of ["Vm", "Map", "VmDetail", "VmBar"]) {
      expect(await rowsOf(world, `SELECT COUNT(*) AS n FROM ${table}`)).toEqual([{ n: 0 }]);
    }
    expect(await rowsOf(world, "SELECT COUNT(*) AS n FROM Host")).toEqual([{ n: 2 }]);
  });

  it("when VMs come back to the empty pool", async () => {
    addVm(world.pool, "first");
    await collect();
  });
});
