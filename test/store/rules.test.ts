import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { createRule, deleteRule, listRules, readRules } from "../../src/store/rules.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase(test.manager);
});
afterAll(async () => {
  await db.close();
  await test.drop();
});
beforeEach(() => asRoot("DELETE FROM HostRule", test.admin.database));

describe("the rules", () => {
  it("come in the order of the dialogue, with the thresholds that were typed", async () => {
    await createRule(db, { subject: "CpuAverage", threshold: 0.1 });
    await createRule(db, { subject: "PifEth0TxKb", threshold: 1e15 });
    await createRule(db, { subject: "PifEth0RxKb", threshold: 0 });
    expect(await listRules(db)).toEqual([
      { subject: "PifEth0RxKb", threshold: 0 },
      { subject: "PifEth0TxKb", threshold: 1e15 },
      { subject: "CpuAverage", threshold: 0.1 },
    ]);
  });

  it("are one a subject: a second is refused with the threshold there is, which stays", async () => {
    await createRule(db, { subject: "CpuAverage", threshold: 25 });
    const second = createRule(db, { subject: "CpuAverage", threshold: 30 });
    await expect(second).rejects.toMatchObject({
      code: "conflict",
      message: "There is a rule already: CpuAverage is more than 25 % above the medium. Delete it first.",
    });
    expect(await listRules(db)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
  });

  it("go when deleted, and deleting what is not there is told apart", async () => {
    await createRule(db, { subject: "OccupiedMemoryMb", threshold: 512 });
    expect(await deleteRule(db, "OccupiedMemoryMb")).toBe(true);
    expect(await deleteRule(db, "OccupiedMemoryMb")).toBe(false);
    expect(await listRules(db)).toEqual([]);
  });

  it("typed by hand in another case are rules, and cannot stand twice", async () => {
    await asRoot("INSERT INTO HostRule VALUES ('cpuaverage', 5)", test.admin.database);
    expect(await listRules(db)).toEqual([{ subject: "CpuAverage", threshold: 5 }]);
    await expect(createRule(db, { subject: "CpuAverage", threshold: 5 })).rejects.toMatchObject({
      code: "conflict",
    });
    expect(await deleteRule(db, "CpuAverage")).toBe(true);
  });

  it("that this program cannot follow are reported, not dropped", async () => {
    await asRoot(
      "INSERT INTO HostRule VALUES ('DiskBusy', 5), ('CpuAverage', -1), ('PifEth0RxKb', 7)",
      test.admin.database,
    );
    const { rules, unknown } = await readRules(db);
    expect(rules).toEqual([{ subject: "PifEth0RxKb", threshold: 7 }]);
    expect(unknown).toEqual([
      { subject: "CpuAverage", threshold: -1, reason: "threshold -1 is below 0" },
      {
        subject: "DiskBusy",
        threshold: 5,
        reason: expect.stringMatching(/^DiskBusy is not one of PifEth0RxKb,/),
      },
    ]);
  });
});
