/** Case eth: the interface that stands for eth0 is found by itself; where there is none, all programs say so. */
import { afterEach, describe, expect, it } from "vitest";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const scenario = (networks: string, hosts = "", vms = ""): string => `
pool "Eth" product=XCP-ng version=8.3
sr "S" type=nfs
${networks}
host alpha master cpus=8 memory=65536 base-cpu=1% ${hosts}
host beta cpus=8 memory=65536 base-cpu=1%
vm a1 on=alpha vcpus=4 memory=1024 cpu=80% tools rx=5000 tx=4000 ${vms}
vm a2 on=alpha vcpus=4 memory=2048 cpu=15% tools rx=3000 tx=100 ${vms}
vm b on=beta vcpus=1 memory=8192 cpu=5% tools ${vms}
`;

let world: World;
afterEach(() => world?.stop());

async function prepare(text: string): Promise<void> {
  world = await startWorld({ pool: { scenario: text }, manualClock: true });
  await world.pool.clock.advance(60_000);
}

const rule = "CREATE RULE HOST PifEth0RxKb > 2000";
const values = () =>
  rowsOf(
    world,
    "SELECT h.Name, h.PifEth0RxKb AS rx, h.PifEth0TxKb AS tx, d.Eth0 FROM Host h JOIN HostDetail d ON d.HostUuid = h.UUID ORDER BY h.Name",
  );

async function moves(): Promise<string[]> {
  const { code, stdout } = await world.run("xcp-control", ["--dry-run", "--json"]);
  expect(code).toBe(0);
  return JSON.parse(stdout).moves.map(({ vm }: { vm: { name: string } }) => vm.name);
}

describe("case eth", () => {
  it.each(["rrd", "query"])("read by %s, enp1s0 is found as the management interface", async (method) => {
    await prepare(scenario(`network "N" device=enp1s0`));
    await world.run("xcp-manager", ["-e", rule]);
    const collected = await world.run("xcp-collect", ["-q"], { change: { CollectMethod: method } });
    expect(collected).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(await values()).toEqual([
      { Name: "alpha", rx: 8000, tx: 4100, Eth0: "enp1s0" },
      { Name: "beta", rx: 0, tx: 0, Eth0: "enp1s0" },
    ]);
    expect(await moves()).toHaveLength(1);
    const rules = await world.run("xcp-manager", ["-e", "SHOW RULES HOST"]);
    expect(rules.stdout + rules.stderr).not.toContain("no host has a value");
  });

  it("hosts may call it differently", async () => {
    await prepare(scenario(`network "N" device=enp1s0,beta:eno3`));
    await world.run("xcp-collect");
    expect(await values()).toEqual([
      { Name: "alpha", rx: 8000, tx: 4100, Eth0: "enp1s0" },
      { Name: "beta", rx: 0, tx: 0, Eth0: "eno3" },
    ]);
  });

  it.each(["rrd", "query"])(
    "read by %s, a bond is its members together, with the VLANs on it",
    async (method) => {
      await prepare(
        scenario(
          `network "Storage" device=eth2\nnetwork "Bonded" bond=eth0,eth1 mode=balance-slb management\nnetwork "V" device=bond0 vlan=12`,
          "rx=100 tx=10",
          "network=V",
        ),
      );
      for (const device of ["auto", "bond0", "eth1"]) {
        const change = { CollectMethod: method, CollectEth0Device: device };
        expect(await world.run("xcp-collect", [], { change })).toMatchObject({ code: 0, stderr: "" });
        expect(await values()).toEqual([
          { Name: "alpha", rx: 8100, tx: 4110, Eth0: "bond0 (eth0 + eth1)" },
          { Name: "beta", rx: 0, tx: 0, Eth0: "bond0 (eth0 + eth1)" },
        ]);
      }
      const [a1] = await rowsOf(world, "SELECT Eth0Vifs, Eth0RxKb FROM VmDetail WHERE Eth0RxKb = 5000");
      expect(a1).toEqual({ Eth0Vifs: 1, Eth0RxKb: 5000 });
    },
  );

  it("a name that no host has is a warning of all three programs, with the names that exist", async () => {
    await prepare(scenario(`network "N" device=enp1s0\nnetwork "Other" device=enp2s0`));
    const change = { CollectEth0Device: "eth0" };
    const created = await world.run("xcp-manager", ["-e", rule]);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    const warning =
      "No host has a value of PifEth0RxKb: rules that compare it do nothing; the hosts' interfaces are enp1s0, enp2s0; " +
      "CollectEth0Device in the settings of xcp-collect names one of them, or is auto: each host's management interface.";
    const collected = await world.run("xcp-collect", ["-q"], { change });
    expect(collected).toMatchObject({ code: 0, stdout: "", stderr: `xcp-collect: ${warning}\n` });
    const shown = await world.run("xcp-manager", ["-e", "SHOW RULES HOST"]);
    expect(shown.stdout + shown.stderr).toContain(warning);
    await world.run("xcp-manager", ["-e", "DELETE RULE HOST PifEth0RxKb"]);
    const again = await world.run("xcp-manager", ["-e", rule]);
    expect(again.stdout + again.stderr).toContain(warning);
    const control = await world.run("xcp-control", ["--instant"]);
    expect(control).toMatchObject({ code: 0 });
    expect(control.stdout).toContain(warning);
    const object = JSON.parse((await world.run("xcp-control", ["--dry-run", "--json"])).stdout);
    expect(object).toMatchObject({ moves: [], unmeasured: ["PifEth0RxKb"] });
    // Found again, nothing is said.
    expect(await world.run("xcp-collect", ["-q"])).toMatchObject({ code: 0, stderr: "" });
    const dry = await world.run("xcp-control", ["--dry-run"]);
    expect(dry.stdout).not.toContain("No host has a value");
  });
});
