/** A host that is full, from what the pool tells of it to the migration that serves its VMs, through the real programs. */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/programs.ts";
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

describe("a rule that serves VMs, alone", () => {
  const manager = async (...lines: readonly string[]) => {
    const { code, stdout, stderr } = await world.run(
      "xcp-manager",
      lines.flatMap((each) => ["-e", each]),
    );
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
    return stdout;
  };
  const collect = () =>
    world.run("xcp-collect", [], { change: { XenUsr: "recorder", CollectRecordWaits: "yes" } });
  const home = (name: string) => {
    const { db } = world.pool;
    const vm = db.all("VM").find((each) => db.text("VM", each, "name_label") === name) ?? "";
    return db.text("host", db.text("VM", vm, "resident_on"), "name_label");
  };
  const score = (text: string) => Number(/^Score of the last hour .* - ([\d.]+) of 100$/m.exec(text)?.[1]);

  it("plans the move that saves most waiting, saves it, carries it out as saved, and the VM waits no more", async () => {
    const before = await manager("CREATE RULE SERVE CPU", "SHOW PLAN", "SHOW VM db1 DETAILS", "SHOW LOAD");
    expect(before).toMatch(
      /db[12] waits \d+ % of its time; moving it to cool saves about \d+ CPU-minutes in the next hour for 1 GB/,
    );
    expect(before).toContain("CPU demand of its VCpus - 70% (by its run-states)");
    expect(score(before)).toBeLessThan(80);
    const folder = await temporaryFolder();
    const file = path.join(folder, "plan.json");
    const dry = await world.run("xcp-control", ["--dry-run", "--save", file]);
    expect(dry, dry.stdout).toMatchObject({ code: 0, stderr: "" });
    const run = await world.run("xcp-control", ["--apply", file], { change: { ControlPollSeconds: "1" } });
    expect({ code: run.code, stderr: run.stderr }, run.stdout).toEqual({ code: 0, stderr: "" });
    expect(run.stdout).toContain("1 of 1 move made");
    expect([home("db1"), home("db2")].sort()).toEqual(["cool", "hot"]);
    await world.pool.clock.sleep(90_000);
    for (let run = 0; run < 2; run++) {
      expect(await collect()).toMatchObject({ code: 0 });
      await world.pool.clock.sleep(60_000);
    }
    expect(await demands()).toEqual(
      ["db1", "db2", "other", "small"].map((Name) => expect.objectContaining({ Name })),
    );
    expect(
      await rowsOf(
        world,
        "SELECT COUNT(*) AS Waiting FROM VmDemand JOIN Vm ON Vm.UUID = VmUuid WHERE CpuDemand > VcpuAverage + 0.01",
      ),
    ).toEqual([{ Waiting: 0 }]);
    const after = await manager("SHOW PLAN", "SHOW VM db1 DETAILS", "SHOW MIGRATIONS");
    expect(score(after)).toBeGreaterThan(score(before) + 2);
    expect(after).toContain("Nothing to do: no VM is expected to wait for a CPU");
    expect(after).toMatch(/db1: hot -> cool - succeeded - .*carried out by .*saves about 120 CPU-minutes/);
  });
});
