/** CPUs of unequal speed: a VM weighs more on a host whose CPUs do less, in the plan as in the pool afterwards. */
import { expect, it, onTestFinished } from "vitest";
import { startWorld, type World } from "../support/world.ts";

/** `vm a1` asks for 2 CPUs of 2400 MHz: 20 % of alpha's eight of 3000, and 40 % of beta's eight of 1500. */
const scenario = `pool "Unequal" product=XCP-ng version=8.3
sr "S" type=nfs
network "N" device=eth0
host alpha master cpus=8 mhz=3000 memory=65536 base-cpu=1%
host beta cpus=8 mhz=1500 memory=65536 base-cpu=1%
vm a1 on=alpha vcpus=4 memory=1024 cpu=50% tools
vm a2 on=alpha vcpus=4 memory=4096 cpu=90% tools
`;

async function collected(text: string, speed = 1): Promise<World> {
  const world = await startWorld({ pool: { scenario: text }, speed });
  onTestFinished(() => world.stop());
  await world.begin("CpuAverage > 15");
  return world;
}

async function movesOf(world: World, change = {}) {
  const { stdout } = await world.run("xcp-control", ["--dry-run", "--instant", "--json"], { change });
  return JSON.parse(stdout).moves.map((move: Record<string, unknown>) => move);
}

it("what a VM will take of the destination is scaled by the clock rates, and the plan says so", async () => {
  const world = await collected(scenario);
  const { stdout } = await world.run("xcp-control", ["--dry-run", "--instant"]);
  expect(stdout).toContain(
    "CPUs are unequal, so a VM's share is scaled by the clock rates (beta 1500 MHz; alpha 3000 MHz; ControlCpuSpeed=scale)",
  );
  const [move] = await movesOf(world);
  expect(move.vmName).toBe("a1");
  expect(move.fromBefore - move.fromAfter).toBeCloseTo(20, 0);
  expect(move.toAfter - move.toBefore).toBeCloseTo(40, 0);
});

it("the pool shows what the plan said", async () => {
  const world = await collected(scenario, 20);
  const [move] = await movesOf(world);
  expect(await world.run("xcp-control", ["--instant"])).toMatchObject({ code: 0 });
  await expect
    .poll(
      async () => {
        await world.run("xcp-collect");
        const { stdout } = await world.run("xcp-manager", ["--json", "-e", "SHOW HOST beta"]);
        return JSON.parse(stdout).cpuAverage;
      },
      { timeout: 25_000, interval: 500 },
    )
    .toBeCloseTo(move.toAfter, 0);
}, 60_000);

it("ControlCpuSpeed=ignore takes all CPUs for equal, as where the rates differ by less than a tenth", async () => {
  const world = await collected(scenario);
  const [ignored] = await movesOf(world, { ControlCpuSpeed: "ignore" });
  expect(ignored.toAfter - ignored.toBefore).toBeCloseTo(ignored.fromBefore - ignored.fromAfter, 5);
  const near = await collected(scenario.replace("mhz=1500", "mhz=2900"));
  const { stdout } = await near.run("xcp-control", ["--dry-run", "--instant"]);
  expect(stdout).not.toContain("CPUs are unequal");
});
