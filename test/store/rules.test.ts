import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Rule } from "../../src/domain/rule.ts";
import { parseGreenRule, parseRule } from "../../src/rules/parse.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import {
  alterRule,
  createGreenRule,
  createHostRule,
  deleteRuleOfKind,
  listRuleChanges,
  switchRule,
} from "../../src/store/ruleChanges.ts";
import { listAddedRules, listRules, readRules } from "../../src/store/rules.ts";
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
    await createHostRule(db, { subject: "CpuAverage", threshold: 0.1 }, "");
    await createHostRule(db, { subject: "PifEth0TxKb", threshold: 1e15 }, "");
    await createHostRule(db, { subject: "PifEth0RxKb", threshold: 0 }, "");
    expect(await listRules(db)).toEqual([
      { subject: "PifEth0RxKb", threshold: 0 },
      { subject: "PifEth0TxKb", threshold: 1e15 },
      { subject: "CpuAverage", threshold: 0.1 },
    ]);
  });

  it("are one a subject: a second is refused with the threshold there is, which stays", async () => {
    await createHostRule(db, { subject: "CpuAverage", threshold: 25 }, "");
    const second = createHostRule(db, { subject: "CpuAverage", threshold: 30 }, "");
    await expect(second).rejects.toMatchObject({
      code: "conflict",
      message: "There is a rule already: CpuAverage is more than 25 % above the medium. Delete it first.",
    });
    expect(await listRules(db)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
  });

  it("go when deleted, and deleting what is not there is told apart", async () => {
    await createHostRule(db, { subject: "OccupiedMemoryMb", threshold: 512 }, "");
    await deleteRuleOfKind(db, "HOST", { by: "subject", subject: "OccupiedMemoryMb" }, "");
    await expect(
      deleteRuleOfKind(db, "HOST", { by: "subject", subject: "OccupiedMemoryMb" }, ""),
    ).rejects.toMatchObject({ code: "not-found" });
    expect(await listRules(db)).toEqual([]);
  });

  it("typed by hand in another case are rules, and cannot stand twice", async () => {
    await asRoot("INSERT INTO HostRule VALUES ('cpuaverage', 5)", test.admin.database);
    expect(await listRules(db)).toEqual([{ subject: "CpuAverage", threshold: 5 }]);
    await expect(createHostRule(db, { subject: "CpuAverage", threshold: 5 }, "")).rejects.toMatchObject({
      code: "conflict",
    });
    await deleteRuleOfKind(db, "HOST", { by: "subject", subject: "CpuAverage" }, "");
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

describe("rules that say more than HostRule can", () => {
  const night = rule(
    'CpuAverage > 25 AND CpuAverage ABOVE 60 FOR 5 OF 6 BETWEEN 22:00 AND 06:00 NAME "night"',
  );
  const traffic = rule('PifEth0RxKb + PifEth0TxKb > 500 COMMENT "uplink"');

  function rule(text: string): Rule {
    const read = parseRule(text);
    if ("kind" in read) throw new Error(read.message);
    return read;
  }

  beforeEach(async () => {
    for (const table of ["RuleTerm", "AddedRule", "RuleHistory"]) {
      await asRoot(`DELETE FROM ${table}`, test.admin.database);
    }
  });

  it("come back as they were written, each with a number of its own", async () => {
    const first = await createHostRule(db, night, "anna");
    const second = await createHostRule(db, traffic, "anna");
    expect(second.id).toBe((first.id ?? 0) + 1);
    expect((await listAddedRules(db)).chains).toEqual([first, second]);
    expect(first.rule).toEqual(night);
    expect((await readRules(db)).rules).toEqual([night, traffic]);
  });

  it("leave HostRule to the thesis' rules, which old programs read", async () => {
    await createHostRule(db, night, "anna");
    await createHostRule(db, rule("CpuAverage > 25"), "anna");
    expect(await listRules(db)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
    expect((await listAddedRules(db)).chains).toHaveLength(1);
  });

  it("keep their names apart, in any case", async () => {
    await createHostRule(db, night, "anna");
    await expect(createHostRule(db, rule("VmCount > 3 NAME Night"), "anna")).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("There is a rule of that name already: CpuAverage > 25 AND"),
    });
    expect((await listAddedRules(db)).chains).toHaveLength(1);
  });

  it("are not made twice, whatever the second one is called", async () => {
    const { id } = await createHostRule(db, night, "anna");
    const again = rule(
      'CpuAverage > 25 AND CpuAverage ABOVE 60 FOR 5 OF 6 BETWEEN 22:00 AND 06:00 NAME "late" DISABLED',
    );
    await expect(createHostRule(db, again, "anna")).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(`There is such a rule already, rule ${id}: CpuAverage > 25`),
    });
    const other = rule("CpuAverage > 25 AND CpuAverage ABOVE 60 FOR 5 OF 6");
    expect((await createHostRule(db, other, "anna")).id).toBeGreaterThan(id ?? 0);
  });

  it("are altered in place: name, comment and whether it is enabled stay where nothing else is written", async () => {
    const { id } = await createHostRule(db, night, "anna");
    await switchRule(db, { by: "name", name: "NIGHT" }, false, "bert");
    const { after } = await alterRule(db, { by: "number", id: id ?? 0 }, rule("VmCount > 3"), "carl");
    expect(after).toEqual({ id, rule: { ...rule("VmCount > 3"), name: "night", enabled: false } });
    expect((await listAddedRules(db)).chains).toEqual([after]);
  });

  it("change places between the tables as they become, or cease to be, the thesis' own", async () => {
    await createHostRule(db, rule("CpuAverage > 25"), "anna");
    const subject = { by: "subject", subject: "CpuAverage" } as const;
    const { after } = await switchRule(db, subject, false, "anna");
    expect(await listRules(db)).toEqual([]);
    expect((await listAddedRules(db)).chains).toEqual([after]);
    const number = { by: "number", id: after.id ?? 0 } as const;
    expect((await switchRule(db, number, true, "anna")).after).toEqual({
      id: null,
      rule: rule("CpuAverage > 25"),
    });
    expect(await listRules(db)).toEqual([{ subject: "CpuAverage", threshold: 25 }]);
    expect((await listAddedRules(db)).chains).toEqual([]);
    expect(await switchRule(db, subject, true, "anna")).toMatchObject({ changed: false });
    expect(await alterRule(db, subject, rule("CpuAverage > 30"), "anna")).toMatchObject({
      after: { id: null, rule: { subject: "CpuAverage", threshold: 30 } },
    });
  });

  it("are not enabled onto a rule of HostRule that has the subject", async () => {
    await createHostRule(db, rule("CpuAverage > 25"), "anna");
    const { after } = await switchRule(db, { by: "subject", subject: "CpuAverage" }, false, "anna");
    await createHostRule(db, rule("CpuAverage > 30"), "anna");
    const enabled = switchRule(db, { by: "number", id: after.id ?? 0 }, true, "anna");
    await expect(enabled).rejects.toMatchObject({ code: "conflict" });
    expect((await listAddedRules(db)).chains).toEqual([after]);
  });

  it("are deleted by number and by name, and what is not there is told", async () => {
    const { id } = await createHostRule(db, night, "anna");
    await createHostRule(db, traffic, "anna");
    expect(await deleteRuleOfKind(db, "HOST", { by: "number", id: id ?? 0 }, "anna")).toEqual({
      id,
      rule: night,
    });
    await expect(deleteRuleOfKind(db, "HOST", { by: "name", name: "night" }, "anna")).rejects.toMatchObject({
      code: "not-found",
      message: 'No rule has the name "night". SHOW RULES HOST lists the rules.',
    });
    const missing = deleteRuleOfKind(db, "GREEN", { by: "number", id: 2 }, "anna");
    await expect(missing).rejects.toMatchObject({ code: "not-found" });
    expect((await listAddedRules(db)).chains).toHaveLength(1);
  });

  it("leave every change behind, with who, when, before and after", async () => {
    const { id } = await createHostRule(db, rule("VmCount > 3"), "anna@desk7");
    await alterRule(db, { by: "number", id: id ?? 0 }, rule("VmCount > 4"), "bert");
    await switchRule(db, { by: "number", id: id ?? 0 }, false, "bert");
    await switchRule(db, { by: "number", id: id ?? 0 }, false, "bert");
    await switchRule(db, { by: "number", id: id ?? 0 }, true, "bert");
    await deleteRuleOfKind(db, "HOST", { by: "number", id: id ?? 0 }, "carl");
    await createHostRule(db, { subject: "CpuAverage", threshold: 25 }, "carl");
    const changes = await listRuleChanges(db, 10);
    expect(changes.map(({ by, action, id: of, before, after }) => [by, action, of, before, after])).toEqual([
      ["carl", "create", null, null, "CpuAverage > 25"],
      ["carl", "delete", id, "VmCount > 4", null],
      ["bert", "enable", id, "VmCount > 4 DISABLED", "VmCount > 4"],
      ["bert", "disable", id, "VmCount > 4", "VmCount > 4 DISABLED"],
      ["bert", "alter", id, "VmCount > 3", "VmCount > 4"],
      ["anna@desk7", "create", id, null, "VmCount > 3"],
    ]);
    expect(Date.now() - (changes[0]?.at.getTime() ?? 0)).toBeLessThan(60_000);
    expect(await listRuleChanges(db, 1)).toHaveLength(1);
  });

  it("are changed one after the other, however many managers there are", async () => {
    const others = await Promise.all([1, 2, 3].map(() => openDatabase(test.manager)));
    try {
      const all = Array.from({ length: 12 }, (_, i) =>
        createHostRule(others[i % 3] ?? db, rule(`VmCount > ${i}`), `manager ${i % 3}`),
      );
      const ids = (await Promise.all(all)).map(({ id }) => id);
      expect(new Set(ids).size).toBe(12);
      expect(await listRuleChanges(db, 100)).toHaveLength(12);
    } finally {
      for (const other of others) await other.close();
    }
  });

  it("that this program cannot follow are reported, not dropped", async () => {
    await asRoot(
      "INSERT INTO AddedRule (Id, Kind, Enabled) VALUES (901, 'HOST', TRUE), (902, 'LUNAR', TRUE), (903, 'HOST', TRUE)",
      test.admin.database,
    );
    await asRoot(
      "INSERT INTO RuleTerm VALUES (901, 0, 'Bananas', 'above', 3), (902, 0, 'CpuAverage', 'above', 3)",
      test.admin.database,
    );
    expect((await readRules(db)).unknown.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^rule 901: "Bananas" is no subject/),
      "rule 902: LUNAR is no kind of rule",
      "rule 903: it has no term",
    ]);
  });

  it("that gather VMs come back too, and two of them never act at the same time", async () => {
    const green = (text: string) => {
      const read = parseGreenRule(text);
      if ("kind" in read) throw new Error(read.message);
      return read;
    };
    const limits = "KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 2 SPARE HOSTS";
    const atNight = await createGreenRule(db, green(`${limits} BETWEEN 22:00 AND 06:00`), "anna");
    expect((await listAddedRules(db)).green).toEqual([atNight]);
    expect(atNight.rule).toEqual(green(`${limits} BETWEEN 22:00 AND 06:00`));
    await createGreenRule(db, green(`${limits} BETWEEN 06:00 AND 22:00`), "anna");
    await expect(createGreenRule(db, green(limits), "anna")).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("gathers VMs at the same time already"),
    });
    const asleep = await createGreenRule(db, green(`${limits} DISABLED`), "anna");
    const enabled = switchRule(db, { by: "number", id: asleep.id ?? 0 }, true, "anna");
    await expect(enabled).rejects.toMatchObject({ code: "conflict" });
    expect((await readRules(db)).rules).toEqual([]);
  });
});
