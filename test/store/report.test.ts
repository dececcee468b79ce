/** What a report is drawn from, on a real database: where VMs are now, and the rule of each collection's own time. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { ReportFacts } from "../../src/report/facts.ts";
import { reportPage } from "../../src/report/report.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { loadReportFacts } from "../../src/store/load/reportInput.ts";
import { createHostRule, deleteRuleOfKind } from "../../src/store/ruleChanges.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { controlDefaults } from "../support/prompt.ts";

const week = 7 * 86_400;

let test: TestDatabase;
let collect: Database;
let manager: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  collect = await openDatabase(test.collect);
  manager = await openDatabase(test.manager);
});
afterAll(async () => {
  await collect?.close();
  await manager?.close();
  await test.drop();
});

/** web1 on `home`, without measures where it has just come there; alpha is 20 % above the mean. */
function pool(home: 1 | 2, measured = true): Snapshot {
  const web = aVm({
    uuid: uuid(10),
    name: "web1",
    vcpuNum: 2,
    vcpuAverage: measured ? 50 : null,
    cpuWait: 10,
  });
  const db = aVm({ uuid: uuid(11), name: "db1", vcpuNum: 2, vcpuAverage: 20, cpuWait: 5 });
  const [alpha, beta] = [
    aHost({ uuid: uuid(1), name: "alpha", cpuAverage: 60 }),
    aHost({ uuid: uuid(2), name: "beta", cpuAverage: 20 }),
  ];
  return aSnapshot([
    [alpha, home === 1 ? [web, db] : [db]],
    [beta, home === 2 ? [web] : []],
  ]);
}

/** Stores the snapshot as of `minutes` ago. */
async function store(snapshot: Snapshot, minutes: number): Promise<void> {
  const start = await beginCollection(collect);
  await saveSnapshot(collect, start, snapshot, { complete: true });
  const then = `UTC_TIMESTAMP(6) - INTERVAL ${minutes} MINUTE`;
  await asRoot(
    [
      `UPDATE Collection SET StartedAt = ${then} WHERE Id = ${start.id}`,
      `UPDATE HostSample SET CollectedAt = ${then} WHERE CollectionId = ${start.id}`,
      `UPDATE CollectionPicture SET CollectedAt = ${then} WHERE CollectionId = ${start.id}`,
    ],
    test.admin.database,
  );
}

/** Puts the newest change of rules `minutes` ago. */
async function changedAgo(minutes: number): Promise<void> {
  await asRoot(
    [
      `UPDATE RuleHistory SET ChangedAt = UTC_TIMESTAMP(6) - INTERVAL ${minutes} MINUTE ORDER BY Id DESC LIMIT 1`,
    ],
    test.admin.database,
  );
}

const facts = (): Promise<ReportFacts> => loadReportFacts(manager, controlDefaults(), week);
const page = (of: ReportFacts): string => reportPage([of], { version: "x", by: "ann", at: of.to });

describe("a report of a history that is shorter than what is asked for", () => {
  it("begins with the first collection", async () => {
    for (const minutes of [44, 42, 40, 38]) await store(pool(1), minutes);
    const found = await facts();
    expect(found.to - found.from).toBeGreaterThan(43 * 60);
    expect(found.to - found.from).toBeLessThan(46 * 60);
    expect(found.slices.length).toBeGreaterThan(5);
    expect(found.slices.filter(({ collections }) => collections > 0)).not.toHaveLength(1);
    expect(page(found)).toMatch(
      /4[45] minutes of the 7 days that were asked for: nothing was collected before/,
    );
    expect(page(found)).toContain("No rule compares hosts with the mean");
  });
});

describe("a rule that is younger than the first collection", () => {
  it("counts for the collections since it, each by the limit of its own time", async () => {
    await createHostRule(manager, { subject: "CpuAverage", threshold: 25 }, "ann");
    await changedAgo(37);
    for (const minutes of [36, 34, 32]) await store(pool(1), minutes);
    await deleteRuleOfKind(manager, "HOST", { by: "subject", subject: "CpuAverage" }, "ann");
    await changedAgo(31);
    await createHostRule(manager, { subject: "CpuAverage", threshold: 10 }, "ann");
    await changedAgo(31);
    for (const minutes of [30, 28]) await store(pool(1), minutes);
    await deleteRuleOfKind(manager, "HOST", { by: "subject", subject: "CpuAverage" }, "ann");
    await changedAgo(27);
    await createHostRule(manager, { subject: "CpuAverage", threshold: 25 }, "ann");
    await changedAgo(27);
    for (const minutes of [26, 24, 22]) await store(pool(1), minutes);
    const found = await facts();
    const [load] = found.loads;
    const sum = (counts: readonly number[] = []) => counts.reduce((all, count) => all + count, 0);
    expect(load?.limits.map(({ limit }) => limit)).toEqual([null, 25, 10, 25]);
    expect([sum(load?.ruled), sum(load?.past)]).toEqual([8, 2]);
    const text = page(found).replaceAll(/<\/?b>/g, "");
    expect(text).toMatch(
      /CpuAverage: in 25 % of 8 collections a host was further above the mean than the rule of that time allowed \(no rule, from .* on 25 %, from .* on 10 %, from .* on 25 %\); at the time of 4 more there was no rule\./,
    );
    expect(text).toContain("limit now +25 %");
    expect(text).toContain("of the collections had a host beyond what the rule of their time allowed");
  });

  it("is no other one in a single coarse span of time", async () => {
    // A month of slices: all collections lie in one of them, whose begin knew no rule.
    const before = pool(1);
    await store(before, 60 * 24 * 29);
    const found = await loadReportFacts(manager, controlDefaults(), 30 * 86_400);
    const [load] = found.loads;
    const sum = (counts: readonly number[] = []) => counts.reduce((all, count) => all + count, 0);
    expect(load?.ruled.filter((count) => count > 0).length).toBeLessThan(3);
    expect([sum(load?.ruled), sum(load?.past)]).toEqual([8, 2]);
  });
});

describe("where VMs are now", () => {
  it("is where the newest collection has them, though it knows no measure of one that has just come", async () => {
    await store(pool(1), 4);
    await store(pool(2, false), 1);
    const { topVms, shortage } = await facts();
    expect(topVms.vms.map(({ vm, host }) => [vm, host])).toEqual([
      [uuid(10), uuid(2)],
      [uuid(11), uuid(1)],
    ]);
    expect(shortage?.vms.find(({ vm }) => vm === uuid(10))?.host).toBe(uuid(2));
  });

  it("is nowhere where one runs no more", async () => {
    await store(aSnapshot([[aHost({ uuid: uuid(1), name: "alpha" }), []]]), 0);
    const found = await facts();
    expect(found.topVms.vms.map(({ host }) => host)).toEqual([null, null]);
    expect(page(found)).toContain("does not run");
  });
});
