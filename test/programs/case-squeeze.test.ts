/** Case squeeze: a live migration shrinks a guest to its minimum; what would not grow back is not moved. */
import { describe, expect, it, onTestFinished } from "vitest";
import { startWorld, type World } from "../support/world.ts";

const head = `pool "Squeeze" product=XCP-ng version=8.3
sr "S" type=nfs
network "N" device=eth0
host alpha master cpus=8 memory=65536 base-cpu=1%
host beta cpus=8 memory=16384 base-cpu=1%
vm web on=alpha vcpus=4 memory=32768 cpu=70% tools
vm x on=beta vcpus=1 memory=8192 cpu=5% tools
`;
const full = "vm db on=alpha vcpus=4 memory=16384 min=4096 cpu=80% tools\n";
/** Its guest needs so little that the minimum is enough for it, but not on beta. */
const lazy = "vm db on=alpha vcpus=4 memory=16384 min=4096 cpu=80% tools free=13000\n";

async function collected(scenario: string, speed = 1): Promise<World> {
  const world = await startWorld({ pool: { scenario }, speed });
  onTestFinished(() => world.stop());
  await world.begin("CpuAverage > 15");
  return world;
}

const dryRun = (world: World, change = {}) =>
  world.run("xcp-control", ["--dry-run", "--instant"], { change });

describe("a guest that uses more than its minimum", () => {
  it("stays, and the reason is told in figures; ControlSqueeze=allow moves it as before", async () => {
    const world = await collected(head + full);
    const { stdout } = await dryRun(world);
    expect(stdout).not.toMatch(/^Move \d+: db/m);
    expect(stdout).toContain(
      "db stays: its guest uses 8 GB, and a migration shrinks it to 4 GB on the way (ControlSqueeze=never)",
    );
    const explained = await world.run("xcp-manager", ["-e", "EXPLAIN VM db"]);
    expect(explained.stdout).toContain("its guest uses 8 GB");
    const allowed = await dryRun(world, { ControlSqueeze: "allow" });
    expect(allowed.stdout).toMatch(/^Move 1: db: alpha -> beta/m);
  });

  it("stays for an evacuation, too", async () => {
    const world = await collected(head + full);
    const { stdout } = await world.run("xcp-control", ["--evacuate", "alpha", "--dry-run"]);
    expect(stdout).toMatch(/db .*its guest uses 8 GB/);
    expect(stdout).toContain(
      "db would leave if it were shrunk by the migration: xcp-control --evacuate alpha --squeeze",
    );
    const squeezed = await world.run("xcp-control", ["--evacuate", "alpha", "--squeeze", "--dry-run"]);
    expect(squeezed.stdout).toMatch(/^Move 1: db: alpha -> beta/m);
    const alone = await world.run("xcp-control", ["--squeeze"]);
    expect(alone).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--squeeze goes with --evacuate"),
    });
  });
});

describe("a guest that uses less than its minimum", () => {
  it("does not go where it could not grow back", async () => {
    const world = await collected(head + lazy);
    const { stdout } = await dryRun(world);
    expect(stdout).not.toMatch(/^Move \d+: db/m);
    expect(stdout).toMatch(/db not to beta: .*memory/);
  });

  it("goes to a host with room for what it occupies, and has it again there", async () => {
    const world = await collected(`${head}${lazy}host gamma cpus=8 memory=40960 base-cpu=1%\n`, 20);
    const { stdout, code } = await world.run("xcp-control", ["--instant"]);
    expect(stdout).toMatch(/^db \(.*\) is on gamma$/m);
    expect(code).toBe(0);
    const { db } = world.pool;
    const ref = db.all("VM").find((vm) => db.text("VM", vm, "name_label") === "db") ?? "";
    await expect
      .poll(() => db.number("VM_metrics", db.text("VM", ref, "metrics"), "memory_actual"))
      .toBe(16_384 * 1024 * 1024);
  });
});
