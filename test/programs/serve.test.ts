/** A host that is full, from what the pool tells of it to the migration that serves its VMs, through the real programs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { poolPassword, startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

/** hot has 4 CPUs and is asked for 6 and its own; cool has room for one of the large VMs. */
const scenario = `
pool "Served"
host hot master cpus=4 memory=16384 base-cpu=0.1
host cool cpus=4 memory=16384 base-cpu=0.1
vm db1 on=hot vcpus=4 memory=1024 cpu=70% tools
vm db2 on=hot vcpus=4 memory=1024 cpu=70% tools
vm small on=hot vcpus=2 memory=512 cpu=20% tools
vm other on=cool vcpus=2 memory=512 cpu=25% tools
user reader password="${poolPassword}" role=read-only
user recorder password="${poolPassword}" role=vm-admin
`;

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, speed: 20 });
  await world.pool.clock.sleep(11_000);
});
afterAll(() => world?.stop());

const demands = () =>
  rowsOf(
    world,
    "SELECT Vm.Name, ROUND(VmDemand.CpuDemand) AS Wants, Source FROM VmDemand JOIN Vm ON Vm.UUID = VmUuid ORDER BY 1",
  );

describe("what VMs of a full host want", () => {
  it("is told by the host's count of vCPUs where nothing else is recorded, of those that can be waiting", async () => {
    expect(await world.run("xcp-collect", [], { change: { XenUsr: "reader" } })).toMatchObject({ code: 0 });
    const found = await demands();
    // The count is a whole number of one instant: it may miss what waits, and never names who gets all it wants.
    expect(found.every(({ Name, Source }) => /^db/.test(String(Name)) && Source === "hostload")).toBe(true);
  });

  it("is not recorded for an account that may not: it is told so, and what was read is stored", async () => {
    const change = { XenUsr: "reader", CollectRecordWaits: "yes" };
    const { code, stdout, stderr } = await world.run("xcp-collect", [], { change });
    expect({ code, stdout }).toMatchObject({ code: 3, stdout: expect.stringMatching(/^collected/) });
    expect(stderr).toMatch(/CollectRecordWaits=yes: .*RBAC_PERMISSION_DENIED.*give it the role vm-admin/);
  });

  it("is recorded from then on as vm-admin, exactly", async () => {
    const change = { XenUsr: "recorder", CollectRecordWaits: "yes" };
    const first = await world.run("xcp-collect", [], { change });
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("the pool records run-states of 4 more VMs from now on");
    await world.pool.clock.sleep(11_000);
    const second = await world.run("xcp-collect", [], { change });
    expect(second.stdout).not.toContain("run-states");
    expect(await demands()).toEqual([
      { Name: "db1", Wants: 70, Source: "run-states" },
      { Name: "db2", Wants: 70, Source: "run-states" },
      { Name: "other", Wants: 25, Source: "run-states" },
      { Name: "small", Wants: 20, Source: "run-states" },
    ]);
  });
});
