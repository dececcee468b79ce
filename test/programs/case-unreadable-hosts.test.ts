/** Case unreadable-hosts: records that make no sense leave no hole that looks like a complete, quieter pool. */
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

/** Four hosts at about 90, 90, 37 and 1 % of CPU: the mean is 54.7, and only the two hot ones are above it. */
const scenario = `pool "Four" product=XCP-ng version=8.3
sr "S" type=nfs
network "N" device=eth0
host alpha master cpus=4 memory=65536 base-cpu=1%
host beta cpus=4 memory=65536 base-cpu=1%
host gamma cpus=4 memory=65536 base-cpu=1%
host delta cpus=4 memory=65536 base-cpu=1%
vm a1 on=alpha vcpus=2 memory=1024 cpu=90% tools
vm a2 on=alpha vcpus=2 memory=1024 cpu=88% tools
vm b1 on=beta vcpus=2 memory=1024 cpu=90% tools
vm b2 on=beta vcpus=2 memory=1024 cpu=88% tools
vm c1 on=gamma vcpus=1 memory=1024 cpu=72% tools
vm c2 on=gamma vcpus=1 memory=1024 cpu=72% tools
`;

let world: World;
afterEach(() => world?.stop());

async function start(): Promise<void> {
  world = await startWorld({ pool: { scenario }, manualClock: true });
  await world.pool.clock.advance(60_000);
  await world.rules("CpuAverage > 15");
}

/** With a whole collection to begin from. */
async function startCollected(): Promise<void> {
  await start();
  await world.pool.clock.advance(60_000);
  await world.begin();
}

async function collected(code = 0): Promise<{ stdout: string; stderr: string }> {
  await world.pool.clock.advance(60_000);
  const result = await world.run("xcp-collect");
  expect(result).toMatchObject({ code });
  return result;
}

const garble = (...commands: string[]) => {
  for (const command of commands) runCommand(world.pool, `garble ${command}`);
};

async function planned(): Promise<string[]> {
  const { stdout } = await world.run("xcp-control", ["--dry-run", "--instant", "--json"]);
  return JSON.parse(stdout).moves.map(({ vmName }: Record<string, string>) => vmName);
}

/** Where the pool itself has its VMs. */
const places = () =>
  world.pool.db
    .all("VM")
    .map(
      (vm) => `${world.pool.db.text("VM", vm, "name_label")} ${world.pool.db.text("VM", vm, "resident_on")}`,
    )
    .sort();

const hostRows = () =>
  rowsOf(
    world,
    "SELECT Name, CpuAverage, Enabled, Live, ReadOk FROM Host JOIN HostDetail ON UUID = HostUuid ORDER BY Name",
  );

const vmRows = (name: string) =>
  rowsOf(
    world,
    `SELECT Vm.Name, PowerState, MemoryMb, VcpuAverage, Immovable, Host.Name AS HostName FROM Vm
       JOIN VmDetail ON VmUuid = Vm.UUID JOIN Map ON Map.VmUuid = Vm.UUID JOIN Host ON Host.UUID = HostUuid
      WHERE Vm.Name = '${name}'`,
  );

describe("F27: two of four hosts come with enabled = perhaps", () => {
  it("is refused as incomplete; their rows stay, unread, and the next collection heals all", async () => {
    await startCollected();
    const whole = await hostRows();
    expect(whole).toHaveLength(4);
    const planBefore = await planned();
    expect(planBefore).toContain("a1");
    const before = places();
    garble("host alpha enabled perhaps", "host beta enabled perhaps");

    const told = await collected(3);
    for (const name of ["alpha", "beta"])
      expect(told.stderr).toContain(
        `host ${name} unread, its measures are unknown: its record cannot be read (enabled is not true or false)\n`,
      );
    expect(told.stdout).toContain("4 hosts (2 unread)");
    expect(told.stdout).toContain("INCOMPLETE: too many hosts unread");
    expect(
      await rowsOf(world, "SELECT HostsRead, HostsUnread, Complete FROM Collection ORDER BY Id DESC"),
    ).toEqual([
      { HostsRead: 2, HostsUnread: 2, Complete: 0 },
      { HostsRead: 4, HostsUnread: 0, Complete: 1 },
    ]);
    expect(await hostRows()).toMatchObject([
      { Name: "alpha", CpuAverage: null, Enabled: 1, Live: 1, ReadOk: 0 },
      { Name: "beta", CpuAverage: null, Enabled: 1, Live: 1, ReadOk: 0 },
      { Name: "delta", ReadOk: 1 },
      { Name: "gamma", ReadOk: 1 },
    ]);
    for (const vm of ["a1", "a2", "b1", "b2"])
      expect(await vmRows(vm)).toMatchObject([{ HostName: vm.startsWith("a") ? "alpha" : "beta" }]);

    const refused = await world.run("xcp-control", ["--instant"]);
    expect(refused.code).toBe(4);
    expect(refused.stdout).toContain("completeness");
    expect(refused.stdout).toContain("2 of 4 hosts unread");
    expect(places()).toEqual(before);
    const shown = await world.run("xcp-manager", ["-e", "SHOW COLLECTION"]);
    expect(shown.stdout).toContain("Complete - false\n");

    expect((await collected()).stderr).toBe("");
    expect(await hostRows()).toMatchObject(whole.map(({ Name }) => ({ Name, ReadOk: 1 })));
    expect(await planned()).toEqual(planBefore);
  });

  it("in a pool that was never collected: known by what can be read of them, and as little acted on", async () => {
    await start();
    garble("host alpha enabled perhaps", "host beta enabled perhaps");
    await collected(3);
    expect(await hostRows()).toMatchObject([
      { Name: "alpha", Enabled: 0, ReadOk: 0 },
      { Name: "beta", Enabled: 0, ReadOk: 0 },
      { Name: "delta", ReadOk: 1 },
      { Name: "gamma", ReadOk: 1 },
    ]);
    expect((await world.run("xcp-control", ["--instant"])).code).toBe(4);
  });

  it.each(
    someVariants(
      [
        ["nothing of the record can be read", "host alpha * perhaps", "host: the record is no struct"],
        ["the uuid is another word", "host alpha uuid perhaps", "uuid is not a uuid"],
        ["a struct stands for the name", "host alpha name_label a as=struct", "name_label is not text"],
        ["a field is missing that others have", "host alpha PBDs", "PBDs is missing"],
        ["the record does not come at all", "host alpha *", "the pool does not list it"],
      ] as const,
      2,
    ),
  )("%s: one of four keeps its row, the pool goes on without it", async (_, command, reason) => {
    await startCollected();
    garble(command);
    const told = await collected(3);
    expect(told.stderr).toContain("its record cannot be read");
    expect(told.stderr).toContain(reason);
    expect(await hostRows()).toMatchObject([
      { Name: "alpha", CpuAverage: null, Live: 1, ReadOk: 0 },
      { Name: "beta", ReadOk: 1 },
      { Name: "delta", ReadOk: 1 },
      { Name: "gamma", ReadOk: 1 },
    ]);
    expect(await vmRows("a1")).toMatchObject([{ HostName: "alpha", PowerState: "Running" }]);
    expect((await planned()).filter((vm) => vm.startsWith("a"))).toEqual([]);
    expect((await collected()).stderr).toBe("");
    expect(await hostRows()).toMatchObject([{ Name: "alpha", ReadOk: 1 }, {}, {}, {}]);
  });

  it("whose host_metrics cannot be read is unread, and no dead one", async () => {
    await startCollected();
    const alpha = world.pool.db
      .all("host")
      .find((ref) => world.pool.db.text("host", ref, "name_label") === "alpha");
    garble(`host_metrics ${world.pool.db.text("host", alpha ?? "", "metrics")} memory_total -1`);
    const told = await collected(3);
    expect(told.stderr).toContain(
      "host alpha unread, its measures are unknown: its host_metrics cannot be read (memory_total is not a size in bytes)",
    );
    expect(await hostRows()).toMatchObject([{ Name: "alpha", Live: 1, ReadOk: 0 }, {}, {}, {}]);
  });

  it("is told in JSON, and names are escaped", async () => {
    await startCollected();
    const ref = world.pool.db
      .all("host")
      .find((host) => world.pool.db.text("host", host, "name_label") === "beta");
    world.pool.db.set("host", ref ?? "", "name_label", "be\u202eta");
    garble(`host ${ref} enabled perhaps`);
    const { stdout, stderr } = await world.run("xcp-collect", ["--json"]);
    expect(stderr).toContain("host be\\u{202e}ta unread");
    expect(JSON.parse(stdout)).toMatchObject({
      hosts: 4,
      unread: [{ name: "be\u202eta", reason: expect.stringContaining("enabled is not true or false") }],
      skipped: [{ what: expect.stringContaining("host be"), reason: "enabled is not true or false" }],
    });
  });
});

describe("F27: VMs whose records cannot be read", () => {
  it.each(
    someVariants(
      [
        ["a field makes no sense", "VM a1 VCPUs_max many", "VCPUs_max is not a whole number"],
        ["a struct stands for a ref", "VM a1 resident_on a as=struct", "resident_on is no ref"],
        ["nothing of it can be read", "VM a1 * perhaps", "VM: the record is no struct"],
        ["its disks are missing", "VM a1 VBDs", "VBDs is missing"],
        [
          "its memory is below nothing",
          "VM a1 memory_dynamic_min -1",
          "memory_dynamic_min is not a size in bytes",
        ],
      ] as const,
      2,
    ),
  )("%s: it keeps its row and place, and is not moved", async (_, command, reason) => {
    await startCollected();
    garble(command);
    const told = await collected(3);
    expect(told.stderr).toContain(`1 VM record cannot be read (${reason}): `);
    expect(await vmRows("a1")).toEqual([
      {
        Name: "a1",
        PowerState: "Running",
        MemoryMb: null,
        VcpuAverage: null,
        Immovable: `its record cannot be read (${reason})`,
        HostName: "alpha",
      },
    ]);
    expect(await planned()).not.toContain("a1");
    const shown = await world.run("xcp-manager", ["-e", "SHOW VM a1 DETAILS"]);
    expect(shown.stdout).toContain(reason);
    expect((await collected()).stderr).toBe("");
    expect(await vmRows("a1")).toMatchObject([{ Immovable: null }]);
    expect(await vmRows("a1")).not.toMatchObject([{ VcpuAverage: null }]);
  });

  it("too many of them are an incomplete collection, though every host was read", async () => {
    await startCollected();
    garble(...["a1", "a2", "b1", "b2", "c1", "c2"].map((vm) => `VM ${vm} VCPUs_max many`));
    const told = await collected(3);
    expect(told.stderr).toContain("6 VM records cannot be read (VCPUs_max is not a whole number): ");
    expect(told.stdout).toContain("INCOMPLETE: too much unreadable");
    const refused = await world.run("xcp-control", ["--instant"]);
    expect(refused.code).toBe(4);
    expect(refused.stdout).toContain("records of the pool's objects could not be read");
  });

  it.each(
    someVariants(
      [
        ["VBD", "VBDs", "VDI a as=struct", "VDI is no ref"],
        ["VIF", "VIFs", "network a as=struct", "network is no ref"],
        ["VM_metrics", "metrics", "memory_actual NaN", "memory_actual is not a whole number"],
        ["VM_guest_metrics", "guest_metrics", "live perhaps", "live is not true or false"],
      ] as const,
      2,
    ),
  )("one whose %s cannot be read stays where it is", async (name, field, damage, reason) => {
    await start();
    const { db } = world.pool;
    const vm = db.all("VM").find((ref) => db.text("VM", ref, "name_label") === "a1") ?? "";
    const [ref] =
      field.endsWith("s") && field !== "metrics" && field !== "guest_metrics"
        ? db.list("VM", vm, field)
        : [db.text("VM", vm, field)];
    garble(`${name} ${ref} ${damage}`);
    const told = await collected(3);
    expect(told.stderr).toContain(`1 ${name} record cannot be read (${reason}): `);
    expect(told.stderr).toContain("the VMs concerned are not moved");
    expect(await vmRows("a1")).toMatchObject([{ Immovable: `its ${name} cannot be read (${reason})` }]);
    expect(await planned()).not.toContain("a1");
  });
});
