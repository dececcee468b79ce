/** Case uneven-group: seven VMs of one group on four hosts as 2, 1, 3, 1; no step may crowd them more than they are. */
import { expect, it, onTestFinished } from "vitest";
import { startWorld } from "../support/world.ts";

/** Host b is hot, and of its VMs the one of the group is the cheapest that cures it. */
const scenario = `pool "Uneven" product=XCP-ng version=8.3
sr "S" type=nfs
network "N" device=eth0
host a master cpus=8 memory=65536 base-cpu=1%
host b cpus=8 memory=65536 base-cpu=1%
host c cpus=8 memory=65536 base-cpu=1%
host d cpus=8 memory=65536 base-cpu=1%
vm a1 on=a vcpus=1 memory=1024 cpu=10% tools tags=web
vm a2 on=a vcpus=1 memory=1024 cpu=10% tools tags=web
vm b1 on=b vcpus=4 memory=512 cpu=60% tools tags=web
vm b2 on=b vcpus=4 memory=8192 cpu=55% tools
vm c1 on=c vcpus=1 memory=1024 cpu=10% tools tags=web
vm c2 on=c vcpus=1 memory=1024 cpu=10% tools tags=web
vm c3 on=c vcpus=1 memory=1024 cpu=10% tools tags=web
vm d1 on=d vcpus=1 memory=1024 cpu=10% tools tags=web
`;

async function plan(change: Readonly<Record<string, string>>): Promise<string[]> {
  const world = await startWorld({ pool: { scenario } });
  onTestFinished(() => world.stop());
  await world.begin("CpuAverage > 15");
  const { stdout } = await world.run("xcp-control", ["--dry-run", "--instant", "--json"], { change });
  return JSON.parse(stdout).moves.map(
    ({ vmName, toName }: Record<string, string>) => `${vmName} to ${toName}`,
  );
}

/** Pairs of the group's members that share a host, by names such as "c2". */
function pairs(at: ReadonlyMap<string, string>): number {
  const hosts = [...at.values()];
  return hosts.reduce((sum, host, i) => sum + hosts.slice(0, i).filter((each) => each === host).length, 0);
}

it("no step puts more members on one host than before, and the host is cured all the same", async () => {
  const members = [...scenario.matchAll(/^vm (\w+) on=(\w+) .*tags=web$/gm)];
  const at = new Map(members.map(([, vm = "", host = ""]) => [vm, host]));
  let before = pairs(at);
  expect(before).toBe(4);
  const moves = await plan({ ControlAntiAffinityTags: "web" });
  expect(moves.some((move) => move.startsWith("b"))).toBe(true);
  for (const move of moves) {
    const [vm = "", , host = ""] = move.split(" ");
    if (at.has(vm)) at.set(vm, host);
    expect(pairs(at)).toBeLessThanOrEqual(before);
    before = pairs(at);
  }
});

it("without the group its lone member of the hot host is the one that moves, so it is the group that forbids it", async () => {
  expect(await plan({})).toEqual(["b1 to d"]);
});
