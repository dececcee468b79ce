/** The database of a real two-host pool: a VM on local storage stays, one on shared storage may go. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startWorld, type World } from "../support/world.ts";

const dump = new URL("../../../shared/xapi/pools/two-host-pool-xenserver-6.1.state.xml", import.meta.url);
const present = existsSync(dump);

describe.skipIf(!present)(
  `the two-host pool${present ? "" : " (skipped: ../shared/xapi/pools is not there)"}`,
  () => {
    let world: World;
    beforeAll(async () => {
      world = await startWorld({ pool: { dump }, speed: 20 });
      await world.begin();
    });
    afterAll(() => world.stop());

    const reason =
      'VM_REQUIRES_SR (disk "OnMasterLocal 0" is on storage "Local storage", which the host does not have)';

    /** Makes dt23 the hot host; two VMs run on it. */
    async function rule(threshold: number): Promise<void> {
      await world.run("xcp-manager", ["-e", "DELETE RULE HOST CpuAverage"]);
      expect(
        (await world.run("xcp-manager", ["-e", `CREATE RULE HOST CpuAverage > ${threshold}`])).code,
      ).toBe(0);
    }

    it("a VM whose disk is on local storage is refused with the storage's name, in text and in JSON", async () => {
      await rule(0.01);
      const { code, stdout } = await world.run("xcp-control", ["--dry-run"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`OnMasterLocal not to dt16: ${reason}`);
      const plan = JSON.parse((await world.run("xcp-control", ["--dry-run", "--json"])).stdout);
      const refusals = plan.unresolved.flatMap((pair: { refusals: unknown[] }) => pair.refusals);
      expect(refusals).toContainEqual(expect.objectContaining({ reason }));
      expect(plan.moves).toEqual([]);
    });

    it("a VM on shared storage moves when the host needs it, and the one on local storage stays", async () => {
      const { db } = world.pool;
      for (const vm of db.all("VM").filter((ref) => db.text("VM", ref, "power_state") === "Running")) {
        if (db.get("VM", vm, "is_control_domain") === true) continue;
        const busy = db.text("VM", vm, "name_label").startsWith("OnMaster");
        runCommand(world.pool, `load ${db.text("VM", vm, "uuid")} cpu=${busy ? 90 : 0}%`);
      }
      // Two measuring slots of the pool's time.
      await world.pool.clock.sleep(11_000);
      expect((await world.run("xcp-collect")).code).toBe(0);
      const { stdout: show } = await world.run("xcp-control", ["--dry-run", "--json"]);
      const [{ hosts }] = JSON.parse(show).rules as [{ hosts: { hostName: string; deviation: number }[] }];
      const above = hosts.find(({ hostName }) => hostName === "dt23")?.deviation ?? 0;
      expect(above).toBeGreaterThan(0);
      await rule(Math.round(above * 80) / 100);
      const { code, stdout } = await world.run("xcp-control", [], { change: { ControlPollSeconds: "1" } });
      expect(stdout).toMatch(/^OnMasterShared \(.+\) is on dt16$/m);
      expect(code).toBe(0);
      expect(stdout).not.toMatch(/^OnMasterLocal.* is on /m);
    });
  },
);
