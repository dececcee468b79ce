/** A real pool's database, loaded into the simulator and collected: two hosts of a XenServer 6.1 with six VMs. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf, storedTables, tablesOf } from "./collectPool.ts";

const dump = new URL("../../../shared/xapi/pools/two-host-pool-xenserver-6.1.state.xml", import.meta.url);

/** Rows of one table of the dump, read without the simulator's help. */
function dumpRows(table: string): Readonly<Record<string, string>>[] {
  const text = readFileSync(dump, "utf8");
  const start = text.indexOf(`<table name="${table}">`);
  const rows = text.slice(start, text.indexOf("</table>", start)).match(/<row [^>]*>/g) ?? [];
  return rows.map((row) =>
    Object.fromEntries([...row.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value])),
  );
}

describe.skipIf(!existsSync(dump))("the dump of a two-host pool (skipped where ../shared is missing)", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ pool: { dump }, manualClock: true });
    await world.pool.clock.advance(60_000);
    expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
  });
  afterAll(() => world?.stop());

  it("gives two hosts, four guests and two control domains, with the dump's uuids and names", async () => {
    const named = (row: Readonly<Record<string, string>>) => ({
      UUID: row["uuid"],
      Name: row["name__label"],
    });
    const sorted = (rows: { UUID: string | undefined }[]) =>
      rows.sort((a, b) => (String(a.UUID) < String(b.UUID) ? -1 : 1));
    const hosts = sorted(dumpRows("host").map(named));
    expect(hosts).toHaveLength(2);
    expect(await rowsOf(world, "SELECT UUID, Name FROM Host ORDER BY UUID")).toEqual(hosts);

    const all = dumpRows("VM");
    const machines = all.filter(
      (row) => row["is_a_template"] === "false" && row["is_a_snapshot"] === "false",
    );
    expect(machines).toHaveLength(6);
    expect(all.length).toBeGreaterThan(machines.length);
    expect(await rowsOf(world, "SELECT UUID, Name FROM Vm ORDER BY UUID")).toEqual(
      sorted(machines.map(named)),
    );
    const count = "SELECT IsControlDomain AS dom0, COUNT(*) AS n FROM Vm GROUP BY IsControlDomain ORDER BY 1";
    expect(await rowsOf(world, count)).toEqual([
      { dom0: 0, n: 4 },
      { dom0: 1, n: 2 },
    ]);
  });

  it("places every VM on the host that the dump says", async () => {
    const hostUuid = new Map(dumpRows("host").map((row) => [row["ref"], row["uuid"]]));
    const placed = dumpRows("VM")
      .filter((row) => row["is_a_template"] === "false" && row["power_state"] === "Running")
      .map((row) => ({ HostUuid: hostUuid.get(row["resident_on"]), VmUuid: row["uuid"] }));
    const stored = await rowsOf(world, "SELECT HostUuid, VmUuid FROM Map");
    expect(stored).toHaveLength(6);
    expect(new Set(stored.map((row) => JSON.stringify(row)))).toEqual(
      new Set(placed.map((row) => JSON.stringify(row))),
    );
  });

  it("is stored as the simulated pool's own samples say", async () => {
    expect(await storedTables(world)).toEqual(tablesOf(world.pool));
  });

  it("is listed by SHOW VMS: six lines, uuid and name", async () => {
    const { stdout, code } = await world.run("xcp-manager", ["-e", "SHOW VMS"]);
    expect(code).toBe(0);
    const machines = dumpRows("VM").filter(
      (row) => row["is_a_template"] === "false" && row["is_a_snapshot"] === "false",
    );
    expect(stdout.trimEnd().split("\n").sort()).toEqual(
      machines.map((row) => `- ${row["uuid"]} - ${row["name__label"]}`).sort(),
    );
  });

  it("knows that two of the guests cannot leave their host's local storage, and names it", async () => {
    const infeasiblePairs = await rowsOf(world, "SELECT VmUuid, HostUuid, Reason FROM VmBar");
    expect(new Set(infeasiblePairs.map((infeasiblePair) => infeasiblePair["VmUuid"])).size).toBe(2);
    for (const { VmUuid, HostUuid, Reason } of infeasiblePairs) {
      expect(Reason).toMatch(/^VM_REQUIRES_SR \(disk ".*" is on storage "Local storage"/);
      const home = await rowsOf(world, `SELECT HostUuid FROM Map WHERE VmUuid = '${String(VmUuid)}'`);
      expect(home).not.toEqual([{ HostUuid }]);
    }
  });
});
