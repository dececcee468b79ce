/** Faults of the pool while xcp-control acts on it, with the numbers of the fault matrix; and the smallest pool there is. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";

/** One move cures hot: small, the cheaper of its VMs. */
const scenario = `pool "Three" product=XCP-ng version=8.3
sr "S" type=nfs
network "N" device=eth0
host hot master cpus=2 memory=8192 base-cpu=1%
host cold cpus=2 memory=8192 base-cpu=1%
host mild cpus=2 memory=8192 base-cpu=1%
vm small on=hot vcpus=1 memory=256 cpu=90% tools
vm large on=hot vcpus=1 memory=2048 cpu=88% tools
`;

async function unbalanced(text = scenario): Promise<World> {
  const world = await startWorld({ pool: { scenario: text }, speed: 20 });
  onTestFinished(() => world.stop());
  await world.begin("CpuAverage > 25");
  return world;
}

const hostOf = ({ pool: { db } }: World, name: string): string => {
  const vm = db.all("VM").find((ref) => db.text("VM", ref, "name_label") === name) ?? "";
  return db.text("host", db.text("VM", vm, "resident_on"), "name_label");
};

/** The methods that arrive at the pool, as they come; `meddle` is called before each is answered. */
function watched({ pool }: World, meddle: (method: string) => void): string[] {
  const methods: string[] = [];
  const original = pool.beforeAnswer.bind(pool);
  vi.spyOn(pool, "beforeAnswer").mockImplementation(async (host, method) => {
    methods.push(method);
    meddle(method);
    return original(host, method);
  });
  return methods;
}

const count = (methods: readonly string[], method: string) =>
  methods.filter((each) => each === method).length;

describe("a pool that forgets the session of xcp-control", () => {
  const calls = [
    "Async.VM.pool_migrate",
    "VM.get_record",
    "task.get_record",
    "VM.assert_can_boot_here",
    "task.destroy",
  ];
  it.each(someVariants(calls, 3))("F24: at %s: one new login, and the VM is moved once", async (at) => {
    const world = await unbalanced();
    const { db } = world.pool;
    let forgotten = false;
    const methods = watched(world, (method) => {
      if (forgotten || method !== at) return;
      forgotten = true;
      for (const session of db.all("session")) db.destroy("session", session);
    });
    const result = await world.run("xcp-control", ["--instant"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(forgotten).toBe(true);
    expect(count(methods, "session.login_with_password")).toBe(2);
    expect(hostOf(world, "small")).not.toBe("hot");
    expect(hostOf(world, "large")).toBe("hot");
    expect(result.stdout).toContain("1 VM moved");
    // A call that was refused for its session was never begun; one more is the repeated one, and no third.
    expect(count(methods, "Async.VM.pool_migrate")).toBe(at === "Async.VM.pool_migrate" ? 2 : 1);
    expect(db.all("session")).toEqual([]);
  });

  it("F24: again and again, before anything was begun: it ends with 1, and nothing is moved", async () => {
    const world = await unbalanced();
    const { db } = world.pool;
    const methods = watched(world, (method) => {
      if (method === "session.login_with_password" || method === "pool.get_all_records") return;
      for (const session of db.all("session")) db.destroy("session", session);
    });
    const result = await world.run("xcp-control", ["--instant"]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("SESSION_INVALID");
    expect(count(methods, "Async.VM.pool_migrate")).toBe(0);
    expect(hostOf(world, "small")).toBe("hot");
  });
});

it("F20: xcp-control follows a slave's address to the master and moves by it", async () => {
  const world = await unbalanced();
  const slave =
    world.simulator.hosts.find(({ httpUrl }) => httpUrl !== world.simulator.masterUrl)?.httpUrl ?? "";
  const result = await world.run("xcp-control", ["--instant"], { change: { XenHost: slave } });
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(hostOf(world, "small")).not.toBe("hot");
});

it("F42: a pool of one host, however hot, has nothing to do", async () => {
  const one = scenario.replace(/^host (cold|mild).*\n/gm, "");
  const world = await unbalanced(one);
  const methods = watched(world, () => {});
  const result = await world.run("xcp-control", ["--instant"]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(count(methods, "Async.VM.pool_migrate")).toBe(0);
  expect(hostOf(world, "small")).toBe("hot");
  const shown = await world.run("xcp-manager", ["-e", "SHOW HOSTS"]);
  const { db } = world.pool;
  expect(shown.stdout).toContain(db.text("host", db.all("host")[0] ?? "", "uuid"));
});
