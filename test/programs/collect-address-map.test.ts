/** A pool behind address translation: its hosts advertise addresses that do not lead to them from here. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWorld, type World } from "../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
});
afterAll(() => world.stop());

/** Names that no resolver knows: whoever goes to them in spite of the map fails at once. */
function advertise(): ReadonlyMap<string, string> {
  const { db } = world.pool;
  const reachable = new Map<string, string>();
  for (const host of db.all("host")) {
    const advertised = `${db.text("host", host, "name_label").toLowerCase()}.invalid`;
    reachable.set(advertised, db.text("host", host, "address"));
    db.set("host", host, "address", advertised);
  }
  return reachable;
}

test("XenAddressMap leads to every host, for its measures and behind a redirect; Host.Ip shows what the pool says", async () => {
  const slave =
    world.simulator.hosts.find(({ httpUrl }) => httpUrl !== world.simulator.masterUrl)?.httpUrl ?? "";
  const map = [...advertise()].map((pair) => pair.join("=")).join(",");

  const without = await world.run("xcp-collect");
  expect(without.code).toBe(0);
  expect(without.stdout).toContain("was read value by value; it does not serve /rrd_updates to us");

  const mapped = await world.run("xcp-collect", [], { change: { XenAddressMap: map } });
  expect(mapped).toMatchObject({ code: 0, stderr: "" });
  expect(mapped.stdout).not.toContain("value by value");

  const redirected = await world.run("xcp-collect", [], { change: { XenHost: slave, XenAddressMap: map } });
  expect(redirected).toMatchObject({ code: 0, stderr: "" });

  const shown = await world.run("xcp-manager", ["-e", "SHOW HOST Host2"]);
  expect(shown.stdout).toContain("Ip - host2.invalid");
});

test("a pair that is none is a settings mistake", async () => {
  const { code, stderr } = await world.run("xcp-collect", [], { change: { XenAddressMap: "10.0.0.1" } });
  expect(code).toBe(1);
  expect(stderr).toContain("write advertised=reachable");
});
