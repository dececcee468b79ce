/** Every column of the thesis' tables against the simulated pool's own numbers, on pools of three eras. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startWorld, type World } from "../support/world.ts";
import { refOf, rowsOf, storedTables, tablesOf, uuidOf } from "./collectPool.ts";

const scenario = (product: string): string => `
pool "Lab" ${product}
sr "Shared" type=nfs
network "LAN" device=eth0
host h1 master cpus=4 memory=8192 base-cpu=noise(90%,20%) loadavg=0.37 rx=37.3 tx=12.7 lo-rx=3.2 lo-tx=4.6 \\
  xapi-memory=19 xapi-free=3
host h2 cpus=3 memory=4096 base-cpu=15% loadavg=1.5 rx=0.6 tx=0.4
vm busy on=h1 vcpus=2 memory=1024 cpu=noise(60%,20%) tools free=333 rx=120.4 tx=7.5
vm hotplug on=h2 vcpus=4 memory=512 cpu=30% tools free=100
vm toolless on=h1 vcpus=1 memory=256 cpu=10% rx=1.4 tx=1.6
vm paused paused on=h2 vcpus=2 memory=512 tools
vm halted halted vcpus=3 memory=768
vm suspended suspended vcpus=2 memory=640 tools
template "A template" memory=512
snapshot "A snapshot" of=busy memory=1024
`;

describe.each(["product=XCP version=1.6", "product=XCP-ng version=8.2", "product=XCP-ng version=8.3"])(
  "a pool of %s",
  (product) => {
    let world: World;
    beforeAll(async () => {
      world = await startWorld({ pool: { scenario: scenario(product) }, manualClock: true });
      const { db } = world.pool;
      // As after unplugging vCPUs, and with a limit below the static one: what runs and what is configured differ.
      db.set("VM_metrics", db.text("VM", refOf(world.pool, "VM", "hotplug"), "metrics"), "VCPUs_number", 3);
      db.set("VM", refOf(world.pool, "VM", "halted"), "memory_dynamic_max", 700 * 1024 * 1024);
      db.set("VM", refOf(world.pool, "VM", "halted"), "memory_dynamic_min", 600 * 1024 * 1024);
      await world.pool.clock.advance(60_000);
      expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
    });
    afterAll(() => world?.stop());

    const row = async (table: "Host" | "Vm", name: string) =>
      (await rowsOf(world, `SELECT * FROM ${table} WHERE Name = '${name}'`))[0];

    it("is stored as its own samples say, in every column of Host, Vm and Map", async () => {
      expect(await storedTables(world)).toEqual(tablesOf(world.pool));
    });

    it("has measures that are no accident: a host's and a VM's numbers are those of the scenario", async () => {
      expect(await row("Host", "h1")).toMatchObject({
        MemoryTotalMb: 8192,
        XapiMemoryUsageMb: 19,
        XapiFreeMemoryMb: 3,
        PifEth0RxKb: Math.round(37.3 + 120.4 + 1.4),
        PifEth0TxKb: Math.round(12.7 + 7.5 + 1.6),
        CpuNum: 4,
        Ip: "127.0.0.1",
      });
      expect((await row("Host", "h1"))?.["Dom0LoadAvg"]).toBeCloseTo(0.37, 5);
      expect(await row("Vm", "busy")).toMatchObject({
        MemoryMb: 1024,
        MemoryInternalFreeMb: 333,
        Vif0TxKb: 8,
        Vif0RxKb: 120,
        VcpuNum: 2,
        PowerState: "Running",
        IsControlDomain: 0,
      });
      expect((await row("Vm", "hotplug"))?.["VcpuAverage"]).toBeCloseTo(30, 0);
    });

    it("has interfaces called lo only where the era measures them, and NULL elsewhere", async () => {
      const lo = product.includes("XCP-ng") ? [null, null] : [3, 5];
      const host = await row("Host", "h1");
      expect([host?.["PifLoRxKb"], host?.["PifLoTxKb"]]).toEqual(lo);
    });

    it("counts the vCPUs of a running VM as they are, of another as configured", async () => {
      expect(await row("Vm", "hotplug")).toMatchObject({ VcpuNum: 3 });
      expect(await row("Vm", "halted")).toMatchObject({ VcpuNum: 3 });
      expect(await row("Vm", "paused")).toMatchObject({ VcpuNum: 2 });
    });

    it.each([
      ["halted", 700, false],
      ["suspended", 640, false],
      ["paused", 512, true],
    ])(
      "keeps NULL in the measures of a VM that is %s, with memory_dynamic_max",
      async (name, memory, placed) => {
        expect(await row("Vm", name)).toMatchObject({
          MemoryMb: memory,
          MemoryInternalFreeMb: null,
          Vif0TxKb: null,
          Vif0RxKb: null,
          VcpuAverage: null,
          PowerState: `${name[0]?.toUpperCase()}${name.slice(1)}`,
        });
        const map = await rowsOf(
          world,
          `SELECT * FROM Map WHERE VmUuid = '${uuidOf(world.pool, "VM", name)}'`,
        );
        expect(map).toHaveLength(placed ? 1 : 0);
      },
    );

    it("knows no free memory of a VM without tools, but its interface and CPUs", async () => {
      expect(await row("Vm", "toolless")).toMatchObject({
        MemoryMb: 256,
        MemoryInternalFreeMb: null,
        Vif0RxKb: 1,
        Vif0TxKb: 2,
      });
      expect((await row("Vm", "toolless"))?.["VcpuAverage"]).toBeCloseTo(10, 3);
    });

    it("has its control domains with memory and CPU, and no guest's measures", async () => {
      const domains = await rowsOf(world, "SELECT * FROM Vm WHERE IsControlDomain = 1");
      expect(domains).toHaveLength(2);
      for (const domain of domains) {
        expect(domain).toMatchObject({
          MemoryMb: 1024,
          MemoryInternalFreeMb: null,
          Vif0TxKb: null,
          Vif0RxKb: null,
        });
        expect(domain["VcpuAverage"]).toBeGreaterThan(0);
      }
    });

    it("is stored without its templates and snapshots", async () => {
      expect(await rowsOf(world, "SELECT Name FROM Vm WHERE Name LIKE 'A %'")).toEqual([]);
    });

    it("F28: stores NULL, never 0, for sources without a value, and keeps the others", async () => {
      const nan = [
        "h1 cpu2",
        "h1 memory_free_kib",
        "h2 pif_eth0_tx",
        "busy memory",
        "busy vif_0_rx",
        "toolless cpu0",
      ];
      for (const fault of nan) runCommand(world.pool, `nan ${fault} for=60s`);
      expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
      expect(await storedTables(world)).toEqual(tablesOf(world.pool));
      expect(await row("Host", "h1")).toMatchObject({
        CpuAverage: null,
        MemoryFreeMb: null,
        MemoryTotalMb: 8192,
      });
      expect(await row("Host", "h2")).toMatchObject({ PifEth0TxKb: null, PifEth0RxKb: 1 });
      expect(await row("Vm", "busy")).toMatchObject({ MemoryMb: null, Vif0RxKb: null, Vif0TxKb: 8 });
      expect(await row("Vm", "toolless")).toMatchObject({ VcpuAverage: null, MemoryMb: 256 });
    });
  },
);
