/** A database belongs to one pool: another one's answers must not empty its tables unasked. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import { poolPassword, startWorld, type World } from "../support/world.ts";
import { storedTables } from "./collectPool.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
});
afterAll(() => world.stop());

test("another pool's picture is refused, the tables stay, and --replace-pool gives the database to it", async () => {
  expect((await world.run("xcp-collect")).code).toBe(0);
  const before = await storedTables(world);
  const other = SimulatedPool.fromBuiltin("example", { password: poolPassword });
  const simulator = await startSimulator(other, { http: true, https: false });
  try {
    const change = { XenHost: simulator.masterUrl };
    const refused = await world.run("xcp-collect", [], { change });
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toMatch(
      /nothing stored: the database holds the pool .+ and this is the pool .+ \(Example\)/,
    );
    expect(refused.stderr).toContain("--replace-pool");
    expect(await storedTables(world)).toEqual(before);
    expect((await world.run("xcp-collect", ["--replace-pool"], { change })).code).toBe(0);
    const { Host } = await storedTables(world);
    expect(Host.map((row) => row["Name"]).sort()).toEqual(["alpha", "beta", "delta", "gamma"]);
  } finally {
    await simulator.stop();
    other.close();
  }
});
