/** The roles that docs/install.md asks for are enough, and the next lower one is refused with a reason to act on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Role, roles } from "../../src/simulator/objects/roles.ts";
import { poolPassword, startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const scenario = `
pool "Roles"
host hot master cpus=4 memory=8192
host cool cpus=4 memory=8192
vm busy on=hot vcpus=2 memory=512 cpu=90% tools
vm second on=hot vcpus=2 memory=512 cpu=80% tools
${roles.map((role) => `user ${role} password="${poolPassword}" role=${role}`).join("\n")}
`;

/** Settings of a user of that role. */
const as = (role: Role) => ({ change: { XenUsr: role } });

describe("xcp-collect", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ pool: { scenario }, manualClock: true });
    await world.pool.clock.advance(60_000);
  });
  afterAll(() => world?.stop());

  it.each(["rrd", "query"])("reads the whole pool as read-only, by %s", async (method) => {
    const run = await world.run("xcp-collect", [], {
      change: { XenUsr: "read-only", CollectMethod: method },
    });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(await rowsOf(world, "SELECT COUNT(*) AS n FROM Host WHERE CpuAverage IS NOT NULL")).toEqual([
      { n: 2 },
    ]);
    expect(await rowsOf(world, "SELECT COUNT(*) AS n FROM Vm WHERE VcpuAverage IS NOT NULL")).toEqual([
      { n: 4 },
    ]);
  });

  it("leaves no session behind", () => {
    expect(world.pool.db.count("session")).toBe(0);
  });
});

describe("xcp-control", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ pool: { scenario }, speed: 20 });
    expect((await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 15"])).code).toBe(0);
    await world.pool.clock.sleep(11_000);
    expect(await world.run("xcp-collect", [], as("read-only"))).toMatchObject({ code: 0 });
  });
  afterAll(() => world?.stop());

  const homes = () =>
    world.pool.db
      .all("VM")
      .filter((vm) => world.pool.db.get("VM", vm, "is_control_domain") !== true)
      .map((vm) => world.pool.db.text("host", world.pool.db.text("VM", vm, "resident_on"), "name_label"));

  it("is refused as vm-admin: it names the permission and the roles that have it, and nothing moves", async () => {
    const { code, stdout, stderr } = await world.run("xcp-control", ["--instant"], as("vm-admin"));
    expect(code).toBe(3);
    expect(stdout + stderr).toMatch(
      /RBAC_PERMISSION_DENIED.*vm\.pool_migrate.*vm-power-admin, pool-admin, pool-operator/,
    );
    expect(homes()).toEqual(["hot", "hot"]);
    expect(world.pool.db.count("task")).toBe(0);
  });

  it("moves what the rules want as vm-power-admin, and leaves no task behind", async () => {
    expect((await world.run("xcp-control", ["--ack"], as("vm-power-admin"))).code).toBe(0);
    expect(await world.run("xcp-collect", [], as("read-only"))).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await world.run("xcp-control", ["--instant"], {
      change: { XenUsr: "vm-power-admin", ControlPollSeconds: "1" },
    });
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
    expect(homes().sort()).toEqual(["cool", "hot"]);
    expect(world.pool.db.count("task")).toBe(0);
  });
});
