/** What VMs used before their host was full: the same whether runs keep their last picture or read it back. */
import { expect, it } from "vitest";
import { collect } from "../../src/collect/collect.ts";
import { PoolFollower } from "../../src/collect/poolFollower.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { openDatabase } from "../../src/store/connection.ts";
import { startWorld } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

/** A pool that records no hostload. */
const scenario = `
pool "Older" product=XCP-ng version=8.2
host hot master cpus=4 memory=16384 base-cpu=0.1
vm db1 on=hot vcpus=4 memory=1024 cpu=60% tools
vm db2 on=hot vcpus=4 memory=1024 cpu=20% tools
`;

/** The rows of VmDemand after the host has become full, in runs that keep a follower or have a new one each. */
async function demandsOf(kept: boolean, disturb = false): Promise<readonly object[]> {
  const world = await startWorld({ pool: { scenario }, manualClock: true });
  const sources = { fileName: null, text: "", values: world.settings("collect"), environment: {} };
  const parsed = parseSettings({ ...sources, readFile: () => "", readCredential: () => null }, [
    "xen",
    "collect",
  ]);
  if ("problems" in parsed) throw new Error(parsed.problems.join("\n"));
  const db = await openDatabase(world.database.collect);
  let follower = new PoolFollower();
  const run = async () => {
    await world.pool.clock.advance(60_000);
    await collect(db, { ...parsed.settings, follower, signal: new AbortController().signal });
    if (kept) return;
    await follower.close();
    follower = new PoolFollower();
  };
  try {
    await run();
    runCommand(world.pool, "load db2 cpu=90%");
    // A run of another process in between: what this one keeps is no longer the newest.
    if (disturb) expect(await world.run("xcp-collect", [])).toMatchObject({ code: 0 });
    await run();
    await run();
    return await rowsOf(
      world,
      "SELECT Vm.Name, ROUND(CpuDemand, 2) AS Wants, Source FROM VmDemand JOIN Vm ON Vm.UUID = VmUuid ORDER BY 1",
    );
  } finally {
    await follower.close();
    await db.close();
    await world.stop();
  }
}

it("is stored alike by runs that keep their last picture and by runs that read it back", async () => {
  const read = await demandsOf(false);
  expect(read).toEqual([expect.objectContaining({ Name: "db1", Source: "last-use" })]);
  expect(await demandsOf(true)).toEqual(read);
});

it("is that of the newest picture, where another process has stored one meanwhile", async () => {
  expect(await demandsOf(true, true)).toEqual(await demandsOf(false, true));
});
