/** What rules name is stored with the collection it belongs to, and its history has it too. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { loadHistory } from "../../src/store/history.ts";
import { createHostRule } from "../../src/store/ruleChanges.ts";
import { subjectsNamedByRules } from "../../src/store/rules.ts";
import { beginCollection, loadSnapshot, saveSnapshot } from "../../src/store/snapshot.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { rule } from "../support/rules.ts";

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase(test.collect);
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

const plain = (load: number | null, cpuWait: number | null): Snapshot =>
  aSnapshot([
    [
      aHost({ uuid: uuid(1), ...(load === null ? {} : { sources: { loadavg: load, "cpu0-C1": 0.25 } }) }),
      [
        aVm({
          uuid: uuid(11),
          ...(cpuWait === null ? {} : { cpuWait, cpuDemand: 50 + cpuWait, demandFrom: "run-states" }),
        }),
        // What it wants is known where that of the other is not, and from elsewhere.
        aVm({ uuid: uuid(12), ...(cpuWait === null ? { cpuDemand: 62.5, demandFrom: "last-use" } : {}) }),
      ],
    ],
    [aHost({ uuid: uuid(2) }), []],
  ]);

async function save(snapshot: Snapshot): Promise<void> {
  await saveSnapshot(db, await beginCollection(db), snapshot, { complete: true });
}

describe("measures that rules name", () => {
  it("come back exactly, of the hosts and VMs that had them", async () => {
    await save(plain(1.5, 12.25));
    expect((await loadSnapshot(db))?.snapshot).toEqual(plain(1.5, 12.25));
  });

  it("change with the next collection, and go when they are measured no more", async () => {
    await save(plain(2.5, 0));
    expect((await loadSnapshot(db))?.snapshot).toEqual(plain(2.5, 0));
    await save(plain(null, null));
    expect((await loadSnapshot(db))?.snapshot).toEqual(plain(null, null));
  });

  it("are in the history of each collection", async () => {
    const past: Snapshot[] = [];
    const always = { since: new Date(0), until: new Date("2200-01-01") };
    for await (const { snapshot } of loadHistory(db, always)) past.push(snapshot);
    expect(past).toEqual([plain(1.5, 12.25), plain(2.5, 0), plain(null, null)]);
  });

  it("are asked for by enabled rules of the added tables alone", async () => {
    const manager = await openDatabase(test.manager);
    try {
      await createHostRule(manager, rule("CpuAverage > 25"), "");
      await createHostRule(manager, rule("CpuWait > 5 AND loadavg ABOVE 2"), "");
      await createHostRule(manager, rule("VmCount > 5 AND hostload ABOVE 2 DISABLED"), "");
    } finally {
      await manager.close();
    }
    // xcp-collect may not read HostRule, and needs not.
    expect(await subjectsNamedByRules(db)).toEqual(["CpuWait", "loadavg"]);
  });
});
