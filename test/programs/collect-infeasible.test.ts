/** What collect stores about placement, against the simulated pool's own checks before a migration. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertCanBootHere } from "../../src/simulator/behaviour/placementChecks.ts";
import { freeMemoryOf, requiredMemoryOf } from "../../src/simulator/behaviour/placementMemory.ts";
import { SimFailure } from "../../src/simulator/server/failure.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const scenario = `
pool "Obstacles" product=XCP-ng version=8.3
sr "everywhere" type=nfs
sr "only a and b" type=nfs hosts=a,b
network "LAN" device=eth0
network "storage" device=eth1 hosts=a,c
network "private" internal
host a master cpus=8 memory=16384
host b cpus=2 memory=16384
host c cpus=8 memory=16384 cpu-features=00000001-00000000-00000000-00000000
host d cpus=8 memory=16384 cpu-vendor=AuthenticAMD
vm free on=a memory=1024 min=512 tools
vm local on=a memory=512 disk=local tools
vm halfway on=b memory=512 disk="only a and b+everywhere" tools
vm wired on=a memory=512 network=LAN+storage tools
vm wide on=a memory=512 vcpus=4 tools
vm pair1 on=a memory=512 network=private tools
vm pair2 on=a memory=512 network=private tools
vm pvh on=a memory=512 mode=pvh tools
vm pv on=c memory=512 mode=pv
vm idle paused on=d memory=512 tools
vm off halted memory=4096 disk=local
`;

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, manualClock: true });
  await world.pool.clock.advance(60_000);
  expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
});
afterAll(() => world?.stop());

/** The code of the pool's own refusal, memory aside; null when it has nothing against it. */
function refusal(vm: string, host: string): string | null {
  try {
    // A VM that starts takes the CPU that it finds; one that is moved brings its own along.
    const cpu = world.pool.db.text("VM", vm, "power_state") !== "Halted";
    assertCanBootHere(world.pool.model, vm, host, { memory: false, cpu });
    return null;
  } catch (error) {
    if (error instanceof SimFailure) return error.code;
    throw error;
  }
}

describe("placement as collect stores it", () => {
  it("bars exactly those hosts that the pool itself would refuse, for the same reason, of halted VMs too", async () => {
    const { db } = world.pool;
    const expected = db
      .all("VM")
      .filter((vm) => db.get("VM", vm, "is_control_domain") !== true)
      .flatMap((vm) =>
        db
          .all("host")
          .filter((host) => host !== db.text("VM", vm, "resident_on"))
          .map((host) => ({
            vm: db.text("VM", vm, "name_label"),
            host: db.text("host", host, "name_label"),
            code: refusal(vm, host),
          })),
      )
      .filter(({ code }) => code !== null)
      .map(({ vm, host, code }) => `${vm} -> ${host}: ${code}`);
    const infeasiblePairs = await rowsOf(
      world,
      "SELECT Vm.Name AS vm, Host.Name AS host, Reason FROM VmBar JOIN Vm ON Vm.UUID = VmUuid JOIN Host ON Host.UUID = HostUuid",
    );
    const stored = infeasiblePairs.map(
      ({ vm, host, Reason }) => `${vm} -> ${host}: ${String(Reason).split(" ")[0]}`,
    );
    expect(stored.sort()).toEqual(expected.sort());
    const codes = new Set(expected.map((line) => line.split(": ")[1]));
    expect([...codes].sort()).toEqual([
      "HOST_NOT_ENOUGH_PCPUS",
      "VM_INCOMPATIBLE_WITH_THIS_HOST",
      "VM_REQUIRES_NETWORK",
      "VM_REQUIRES_SR",
    ]);
  });

  it("counts free and required memory to the byte as the pool does", async () => {
    const { db, model } = world.pool;
    const hosts = await rowsOf(world, "SELECT HostUuid, PlacementFreeBytes AS free FROM HostDetail");
    for (const { HostUuid, free } of hosts)
      expect(Number(free)).toBe(freeMemoryOf(model, db.byUuid("host", String(HostUuid))));
    const vms = await rowsOf(world, "SELECT VmUuid, PlacementBytes AS bytes FROM VmDetail");
    expect(vms).toHaveLength(15);
    for (const { VmUuid, bytes } of vms)
      expect(Number(bytes)).toBe(requiredMemoryOf(model, db.byUuid("VM", String(VmUuid))));
  });

  it("calls a running guest immovable exactly where the pool does not offer pool_migrate", async () => {
    const { db } = world.pool;
    const vms = await rowsOf(
      world,
      "SELECT UUID, Name, Immovable FROM Vm JOIN VmDetail ON VmUuid = UUID WHERE PowerState = 'Running'",
    );
    for (const { UUID, Name, Immovable } of vms) {
      const offered = db
        .list("VM", db.byUuid("VM", String(UUID)), "allowed_operations")
        .includes("pool_migrate");
      expect(Immovable === null, String(Name)).toBe(offered);
    }
  });
});
