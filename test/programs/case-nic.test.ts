/** Case nic: VMs that talk over another interface than the one whose traffic a rule compares are not moved for it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const scenario = `
pool "Nic" product=XCP-ng version=8.3
sr "S" type=nfs
network "Mgmt" device=eth0
network "VMs" device=eth1
host alpha master cpus=8 memory=65536 base-cpu=1% rx=9000 tx=100
host beta cpus=8 memory=65536 base-cpu=1% rx=10 tx=10
vm a1 on=alpha vcpus=4 memory=1024 cpu=10% tools rx=5000 tx=40 network=VMs
vm a2 on=alpha vcpus=4 memory=2048 cpu=15% tools rx=3000 tx=100 network=VMs
vm b on=beta vcpus=1 memory=8192 cpu=5% tools network=VMs
`;

async function prepare(text: string): Promise<World> {
  const world = await startWorld({ pool: { scenario: text }, manualClock: true });
  await world.pool.clock.advance(60_000);
  const add = await world.run("xcp-manager", ["-e", "CREATE RULE HOST PifEth0RxKb > 2000"]);
  expect(add).toMatchObject({ code: 0, stderr: "" });
  return world;
}

const weights = (world: World) =>
  rowsOf(
    world,
    "SELECT v.Name, v.Vif0RxKb, d.Eth0Vifs, d.Eth0RxKb, d.Eth0TxKb FROM Vm v JOIN VmDetail d ON d.VmUuid = v.UUID WHERE NOT v.IsControlDomain ORDER BY v.Name",
  );

async function moves(world: World): Promise<string[]> {
  const { code, stdout } = await world.run("xcp-control", ["--dry-run", "--json"]);
  expect(code).toBe(0);
  return JSON.parse(stdout).moves.map(({ vm }: { vm: { name: string } }) => vm.name);
}

describe("case nic: the VMs talk over eth1, and eth0 is loaded by the host itself", () => {
  let world: World;
  beforeAll(async () => {
    world = await prepare(scenario);
  });
  afterAll(() => world?.stop());

  it.each(["rrd", "query"])("read by %s, no VM has a part in eth0, and none is moved", async (method) => {
    const collected = await world.run("xcp-collect", [], { change: { CollectMethod: method } });
    expect(collected).toMatchObject({ code: 0, stderr: "" });
    expect(await rowsOf(world, "SELECT Name, PifEth0RxKb FROM Host ORDER BY Name")).toEqual([
      { Name: "alpha", PifEth0RxKb: 9000 },
      { Name: "beta", PifEth0RxKb: 10 },
    ]);
    const none = { Eth0Vifs: 0, Eth0RxKb: 0, Eth0TxKb: 0 };
    expect(await weights(world)).toEqual([
      { Name: "a1", Vif0RxKb: 5000, ...none },
      { Name: "a2", Vif0RxKb: 3000, ...none },
      { Name: "b", Vif0RxKb: 0, ...none },
    ]);
    expect(await moves(world)).toEqual([]);
  });

  it("EXPLAIN says that no interface of the VM reaches eth0, and control says so of all of them", async () => {
    const explained = await world.run("xcp-manager", ["-e", "EXPLAIN VM a1"]);
    expect(explained.stdout).toContain(
      "- a1 stays: it has no part in PifEth0RxKb: none of its interfaces is on a network that reaches eth0",
    );
    const dry = await world.run("xcp-control", ["--dry-run"]);
    expect(dry.stdout).toContain("2 have no part in it");
    const shown = await world.run("xcp-manager", ["-e", "SHOW VM a1 DETAILS"]);
    expect(shown.stdout).toContain("Virtual interfaces that reach Eth0 of its host - 0");
  });
});

describe("case nic: several interfaces a VM", () => {
  let world: World;
  afterAll(() => world?.stop());

  it("counts those on eth0 alone, whichever number they have, and the run brings what the plan said", async () => {
    world = await prepare(`
pool "Nics" product=XCP-ng version=8.3
network "Mgmt" device=eth0
network "VMs" device=eth1
network "Tagged" device=eth0 vlan=40
host alpha master cpus=8 memory=65536 base-cpu=1% rx=1000
host beta cpus=8 memory=65536 base-cpu=1% rx=10
vm back on=alpha vcpus=1 memory=1024 cpu=10% tools network=VMs,Mgmt rx=9000,2000 tx=10,20
vm tagged on=alpha vcpus=1 memory=1024 cpu=10% tools network=VMs,Tagged,Mgmt rx=8000,2500,500
vm front on=alpha vcpus=1 memory=1024 cpu=10% tools network=VMs rx=7000
`);
    expect((await world.run("xcp-collect")).code).toBe(0);
    expect(await weights(world)).toEqual([
      { Name: "back", Vif0RxKb: 9000, Eth0Vifs: 1, Eth0RxKb: 2000, Eth0TxKb: 20 },
      { Name: "front", Vif0RxKb: 7000, Eth0Vifs: 0, Eth0RxKb: 0, Eth0TxKb: 0 },
      { Name: "tagged", Vif0RxKb: 8000, Eth0Vifs: 2, Eth0RxKb: 3000, Eth0TxKb: 0 },
    ]);
    const planned = JSON.parse((await world.run("xcp-control", ["--dry-run", "--json", "--instant"])).stdout);
    expect(planned.moves.map(({ vm }: { vm: { name: string } }) => vm.name)).not.toContain("front");
    const value = async () =>
      (await rowsOf(world, "SELECT PifEth0RxKb AS rx FROM Host ORDER BY Name")).map(({ rx }) => Number(rx));
    expect(await value()).toEqual([6000, 10]);
  });
});
