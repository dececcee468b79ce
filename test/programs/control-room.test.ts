/** xcp-control --make-room: a VM that could start nowhere can start afterwards, and the pool itself says so. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { possibleHosts } from "../../src/simulator/behaviour/placementChecks.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { pauseControl } from "../../src/store/pause.ts";
import { type Arena, type ControlChange, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { cpu25 } from "../support/controlPools.ts";
import { ask, askFor } from "../support/prompt.ts";

/** Hosts of 8 GB: on each about 4 GB are free, and db needs 5. The cheapest way is the 1 GB VM away from left. */
const tight = `
pool "Tight" product=XCP-ng version=8.3 bandwidth=1000
host left master cpus=4 memory=8192 base-cpu=0%
host right cpus=4 memory=8192 base-cpu=0%
vm small on=left vcpus=1 memory=1024 cpu=10% tools
vm large on=left vcpus=1 memory=1536 cpu=10% tools
vm other on=right vcpus=1 memory=3584 cpu=10% tools
vm db halted memory=5120 vcpus=2
`;

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

async function collected(scenario = tight): Promise<Ring> {
  const ring = await arena.open(scenario);
  await ring.collect(cpu25);
  return ring;
}

const make = (ring: Ring, change: ControlChange = {}, memoryBytes: number | null = null): Promise<Told> =>
  ring.control({ task: { kind: "room", request: { memoryBytes, vm: "db" }, by: "ann@desk7" }, ...change });

/** The hosts on which the pool itself would start the VM now. */
function possible(ring: Ring, vm = "db"): string[] {
  const { db } = ring.pool;
  const ref = db.all("VM").find((each) => db.text("VM", each, "name_label") === vm) ?? "";
  return possibleHosts(ring.pool.model, ref).map((host) => db.text("host", host, "name_label"));
}

describe("MAKE ROOM and xcp-control --make-room", () => {
  it("U3: tell the same cheapest move and touch nothing; then the VM can be started, and not before", async () => {
    const ring = await collected();
    expect(possible(ring)).toEqual([]);
    const shown = await ask(arena.manager, "MAKE ROOM FOR VM db");
    const dry = await make(ring, { dryRun: true });
    expect(dry.lines.slice(1)).toEqual(shown.slice(1));
    expect(dry.code).toBe(0);
    expect(shown.join("\n")).toMatch(
      /\nRoom for db \(needs 5\d{3} MB\): 1 VM moves\n[\s\S]*\nMove 1: small: left -> right; makes room, room for db; .*1024 MB to copy\n[\s\S]*\nProof: nothing that does as much copies less than the plan: 1 GB\n1\. left \(score [\d.]+\): /,
    );
    const start = `db could start on left: xe vm-start uuid=${ring.uuid("VM", "db")} on=left`;
    expect(shown.at(-1)).toBe(start);
    expect(await askFor(arena.manager, "MAKE ROOM FOR VM db")).toMatchObject({
      room: { vmName: "db", hostName: "left", proved: true, obstacles: [] },
      moves: [{ vmName: "small", fromName: "left", toName: "right", purpose: "makes room" }],
      certificate: { kind: "optimal", costBytes: 1024 ** 3 },
    });
    expect(ring.migrations).toEqual([]);
    expect(possible(ring)).toEqual([]);

    const told = await make(ring);
    expect(told.code).toBe(0);
    expect(told.lines[0]).toMatch(/^Room for db \(needs 5\d{3} MB\): 1 VM moves$/);
    expect(told.lines.slice(-2)).toEqual(["1 VM moved", start.replace("could", "can")]);
    expect(ring.migrations).toEqual(["small -> right"]);
    expect(possible(ring)).toEqual(["left"]);
    ring.command("start db on=left");
    expect(ring.where("db")).toBe("left");
    const [row] = await listMigrations(arena.manager);
    expect(row).toMatchObject({ cause: "room", rule: null, state: "succeeded" });
    expect(row?.reason).toMatch(/^room of 5\d{3} MB for db asked by ann@desk7: small: left -> right/);
  });

  it("do nothing where the VM can start already, and say where", async () => {
    const ring = await collected();
    const told = await make(ring, {}, 3 * 1024 ** 3);
    expect(told.code).toBe(0);
    expect(told.lines[0]).toMatch(/there is some already$/);
    expect(told.lines.at(-1)).toMatch(/^db can start on (left|right): xe vm-start/);
    expect(ring.migrations).toEqual([]);
    const lines = await ask(arena.manager, "MAKE ROOM 2GiB");
    expect(lines.at(-1)).toMatch(/^A VM of this size can start on (left|right)$/);
  });

  it("U7: end with 3 where no moves help, with what stands against each host, and prove it", async () => {
    const ring = await collected(tight.replace("vm small", "vm smaller"));
    const told = await make(ring, {}, 8 * 1024 ** 3);
    expect(told.code).toBe(3);
    expect(told.lines[0]).toMatch(/: no moves make it$/);
    expect(told.text).toMatch(/\nnot on left: not enough memory: needs 8\d{3} MB, has \d+ MB free; its VMs/);
    expect(told.lines.slice(-2)).toEqual(["No moves whatever would change that", "db can start nowhere"]);
    expect(ring.migrations).toEqual([]);
  });

  it("are held by a pause, as every run; a VM that runs has its room, and one that is not there is named", async () => {
    const ring = await collected();
    await pauseControl(arena.manager, { seconds: null, by: "bob", reason: "switches" });
    const told = await make(ring);
    expect([told.code, told.lines.length]).toEqual([4, 1]);
    expect(told.lines[0]).toMatch(/^refused: paused: paused by bob/);
    expect((await ask(arena.manager, "MAKE ROOM FOR VM db"))[0]).toMatch(/^A run would be refused: paused/);
    await expect(ask(arena.manager, "MAKE ROOM FOR VM other")).rejects.toThrow(
      /other is Running: it has its room/,
    );
    await expect(ask(arena.manager, "MAKE ROOM 1 GB FOR VM nobody")).rejects.toThrow(
      /There is no VM "nobody"/,
    );
  });

  it("plan anew where a move fails, and end with 0 if room was made in another way", async () => {
    const ring = await collected();
    ring.command("fail-migration VM_MIGRATE_FAILED vm=small");
    const told = await make(ring);
    expect(ring.migrations).toEqual(["small -> right", "large -> right"]);
    expect(told.lines.slice(-2)).toEqual([
      "1 VM moved",
      `db can start on left: xe vm-start uuid=${ring.uuid("VM", "db")} on=left`,
    ]);
    expect(told.code).toBe(0);
    expect(possible(ring)).toEqual(["left"]);
  });
});
