/** What others say is cut in lines and whole in JSON; a lost lease is always 3; a state that nobody knows is named. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Arena, openArena, type Ring } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

const inDatabase = (...statements: string[]) => asRoot(statements, arena.database.admin.database);

async function unbalanced(scenario = threeHosts): Promise<Ring> {
  const ring = await arena.open(scenario);
  await ring.collect(cpu25);
  return ring;
}

describe("a long text of somebody else", () => {
  const long = "x".repeat(5_000);

  it("of an error is cut in lines, and whole in JSON and in the log", async () => {
    const ring = await unbalanced();
    ring.command(`fail-migration INTERNAL_ERROR ${long} at=start times=always`);
    const told = await ring.control({ maxMoves: 1 });
    expect(told.text).toMatch(
      /^small \(.+\) could not be moved to cold1: INTERNAL_ERROR \(x+…; it stays on hot$/m,
    );
    for (const line of told.lines) expect(line.length).toBeLessThan(600);
    await arena.shut();
    const again = await unbalanced();
    again.command(`fail-migration INTERNAL_ERROR ${long} at=start times=always`);
    const { objects } = await again.control({ maxMoves: 1, json: true });
    const result = objects.find(({ event }) => event === "result");
    expect(result?.["outcome"]).toMatchObject({ reason: `INTERNAL_ERROR (${long})` });
    expect(String(result?.["text"]).length).toBeLessThan(600);
  });

  it("of a name is cut in lines, with the uuid to tell it by", async () => {
    const name = "n".repeat(250);
    const ring = await unbalanced(threeHosts.replace("vm small", `vm ${name}`));
    const told = await ring.control({ dryRun: true });
    expect(told.text).toMatch(
      new RegExp(`^Move 1: n{79}… \\(${ring.uuid("VM", name)}\\): hot -> cold1`, "m"),
    );
    const { objects } = await ring.control({ dryRun: true, json: true });
    expect(objects[0]).toMatchObject({ moves: [{ vmName: name }] });
  });
});

describe("a lease that is lost ends the run with 3,", () => {
  const steal = () => inDatabase("UPDATE Lease SET RunId = 'another', Token = Token + 1");

  it("whether it is found when the move is to be written down", async () => {
    const ring = await unbalanced();
    let stolen: Promise<unknown> | null = null;
    const told = await ring.control({
      json: true,
      onLine: (line) => {
        if (line.includes('"event":"move"')) stolen ??= steal();
      },
    });
    await stolen;
    expect(told.code).toBe(3);
    expect(JSON.stringify(told.objects.at(-1))).toContain("the lease was lost");
    expect(ring.migrations.length).toBeLessThan(2);
  });

  it("or while a VM is on its way", async () => {
    const ring = await unbalanced();
    ring.command("slow-migration 20");
    const told = await ring.control({
      change: { leaseMs: 1_500 },
      onLine: (line) => {
        if (line.startsWith("Starting")) void steal();
      },
    });
    expect(told.code).toBe(3);
    expect(told.text).toContain("the lease was lost");
  });
});

describe("a row of Migration with a State that nobody knows", () => {
  it.each(["'flying'", "''"])("%s is named, open or not, and nothing is done", async (state) => {
    const ring = await unbalanced();
    expect((await ring.control()).code).toBe(0);
    await ring.collect(cpu25);
    for (const open of ["NULL", "VmUuid"]) {
      await inDatabase(`UPDATE Migration SET State = ${state}, OpenVm = ${open}`);
      for (const dryRun of [true, false]) {
        const told = await ring.control({ dryRun });
        expect(told.text).toMatch(
          new RegExp(
            `^(?:A run would be )?refused: log of migrations: the migration [0-9a-f-]{36} of VM ${ring.uuid("VM", "small")} has the State "${state.replaceAll("'", "")}", limit the states that this version knows: planned, running, `,
            "m",
          ),
        );
        if (!dryRun) expect(told.code).toBe(4);
      }
    }
    expect(ring.migrations).toHaveLength(1);
  });
});
