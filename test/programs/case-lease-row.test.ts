/** Case lease-row: the row of Lease is gone, or names a holder without an end; nobody calls that another run at work. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asRoot } from "../support/database.ts";
import { startWorld, type World } from "../support/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  await world.begin();
});
afterAll(() => world?.stop());

const sql = (statement: string) => asRoot(statement, world.database.admin.database);

describe.each([
  { damage: "DELETE FROM Lease", says: "the row of table Lease is gone" },
  {
    damage: "UPDATE Lease SET RunId = 'somebody', Holder = 'node1 pid 4711', ExpiresAt = NULL",
    says: "the row of table Lease names a holder (node1 pid 4711) but no end",
  },
])("after $damage", ({ damage, says }) => {
  it("xcp-control ends with 1 and the statement that mends it, which does", async () => {
    await sql(damage);
    const broken = await world.run("xcp-control");
    expect([broken.code, broken.stdout]).toEqual([1, ""]);
    expect(broken.stderr).toContain(says);
    const status = await world.run("xcp-manager", ["-e", "SHOW STATUS"]);
    expect([status.code, status.stderr]).toEqual([1, expect.stringContaining(says)]);
    const [, statement = ""] = /(?:back|it) with (.+)$/m.exec(broken.stderr) ?? [];
    expect(statement).toContain("Lease");
    await sql(statement);
    const mended = await world.run("xcp-control");
    expect([mended.code, mended.stderr]).toEqual([0, ""]);
  });
});
