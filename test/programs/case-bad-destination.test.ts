/** Case bad-destination: a host that no migration reaches is the suspect, not the VMs, and the rest of the pool is balanced. */
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import type { ProgramResult } from "../support/programs.ts";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";

const scenario = `
pool "Bad" product=XCP-ng version=8.3
sr "S" type=nfs
network "N" device=eth0
host a master cpus=8 memory=65536 base-cpu=1%
host bad cpus=8 memory=65536 base-cpu=1%
host good cpus=8 memory=65536 base-cpu=1%
vm v1 on=a vcpus=2 memory=1024 cpu=80% tools
vm v2 on=a vcpus=2 memory=1024 cpu=85% tools
vm v3 on=a vcpus=2 memory=1024 cpu=90% tools
vm g on=good vcpus=1 memory=1024 cpu=10% tools
`;

let world: World;

async function openWorld(): Promise<void> {
  world = await startWorld({ pool: { scenario }, speed: 10 });
  await world.begin("CpuAverage > 15");
}

afterEach(() => world?.stop());

const show = (command: string): Promise<ProgramResult> => world.run("xcp-manager", ["-e", command]);

function hostOf(name: string): string {
  const { db } = world.pool;
  const ref = db.all("VM").find((each) => db.text("VM", each, "name_label") === name) ?? "";
  return db.text("host", db.text("VM", ref, "resident_on"), "name_label");
}

describe.each(someVariants(["SR_BACKEND_FAILURE_46", "INTERNAL_ERROR", "VM_MIGRATE_FAILED"], 1))(
  "case bad-destination, %s",
  (code) => {
    it("after the second failure bad is left out, the VMs go to good, and the breaker stays closed", async () => {
      await openWorld();
      runCommand(world.pool, `fail-migration ${code} host=bad at=10% times=always`);
      const run = await world.run("xcp-control", ["--instant"]);
      expect(run).toMatchObject({ code: 3, stderr: "" });
      const failed = run.stdout.match(/^v\d \(.+\) could not be moved to bad: .+; it stays on a$/gm) ?? [];
      expect(failed).toHaveLength(2);
      expect(new Set(failed.map((line) => line.slice(0, 2))).size).toBe(2);
      expect(run.stdout).toContain(
        `nothing more is moved to bad by this run: migrations of 2 VMs to it failed, the last one: ${code}`,
      );
      expect(run.stdout).not.toMatch(/the breaker is open|ended early/);
      expect(["v1", "v2", "v3"].map(hostOf)).toContain("good");
      expect(["v1", "v2", "v3"].map(hostOf)).not.toContain("bad");
      expect((await show("SHOW STATUS")).stdout).toMatch(/breaker - closed/i);

      // The next run knows it from the log of migrations; without that it would go there again.
      for (const vm of ["v1", "v2", "v3"]) runCommand(world.pool, `load ${vm} cpu=100%`);
      const plan = async (minutes: string) => {
        const change = { ControlFailedVmMinutes: minutes, ControlVmCooldownMinutes: "0" };
        // Until the measures of the VMs that came to good are believed.
        for (;;) {
          expect((await world.run("xcp-collect")).code).toBe(0);
          const { stdout } = await world.run("xcp-control", ["--dry-run", "--instant"], { change });
          if (!stdout.startsWith("refused: freshness")) return stdout;
        }
      };
      expect(await plan("30")).not.toMatch(/ -> bad\b/);
      expect(await plan("0")).toMatch(/ -> bad\b/);
      const why = await show("EXPLAIN HOST bad");
      expect(why.stdout).toMatch(
        /Nothing goes to it: migrations of 2 VMs to it failed, the last one: .+; it takes none for 30 min \(ControlFailedVmMinutes\)/,
      );
    }, 120_000);
  },
);

it("one failure is a matter of the pair: the VM goes elsewhere, and others may still go there", async () => {
  await openWorld();
  runCommand(world.pool, "fail-migration INTERNAL_ERROR lost host=bad at=10%");
  const run = await world.run("xcp-control", ["--instant"]);
  expect(run).toMatchObject({ code: 3, stderr: "" });
  expect(run.stdout).not.toContain("nothing more is moved to bad");
  expect((await show("EXPLAIN HOST bad")).stdout).not.toContain("Nothing goes to it");
}, 120_000);
