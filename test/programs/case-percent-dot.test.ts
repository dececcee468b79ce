/** Case percent-dot: since October 2017 xapi writes every space of a value in its database as `%.`. */
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { classes } from "../../src/simulator/objects/datamodel.ts";
import { readDumpTables, readSexpr } from "../../src/simulator/scenario/dumpXml.ts";
import { changeRow, dumpFile, hasRecordedDump, recordedText, withDots } from "../support/dumps.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf, storedTables, tablesOf } from "./collectPool.ts";

test("case percent-dot, smallest: a name with a space, a map of one pair, and the other escapes", () => {
  const row = `<row ref="OpaqueRef:1" name__label="a%.b" other_config="(('k'%.'v'))" tags="%%.%_%t%n%r%x%"/>`;
  const [read] = readDumpTables(`<database><table name="VM">${row}</table></database>`).get("VM") ?? [];
  expect(read?.fields.get("name_label")).toBe("a b");
  expect(readSexpr(read?.fields.get("other_config") ?? "")).toEqual([["k", "v"]]);
  expect(read?.fields.get("tags")).toBe("%.  \t\n\r%x%");
});

describe.skipIf(!hasRecordedDump)("case percent-dot (skipped where ../shared is missing)", () => {
  // One host lacks a feature of the CPU that all guests were started with.
  const before = hasRecordedDump
    ? changeRow(recordedText(), "host", /name__label="dt16"/, (row) =>
        row.replace("('features' '0098e3fd-", "('features' '0098e3fc-"),
      )
    : "";
  const options = { manualClock: true, seed: 1 } as const;
  let world: World;
  beforeAll(async () => {
    expect(withDots(before)).toContain("Intel(R)%.Xeon(R)%.CPU%.%.");
    world = await startWorld({ pool: { dump: await dumpFile(withDots(before)) }, manualClock: true });
    await world.pool.clock.advance(60_000);
    expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
  });
  afterAll(() => world?.stop());

  it("is the same pool, object by object, as it is in the spelling before", () => {
    const notices: string[] = [];
    const notify = (notice: string) => notices.push(notice);
    const [old, dotted] = [before, withDots(before)].map((xml) =>
      SimulatedPool.fromDump(xml, { ...options, notify }),
    ) as [SimulatedPool, SimulatedPool];
    const stored = [...classes.values()].filter((spec) => spec.stored).map(({ name }) => name);
    for (const cls of stored) {
      expect(dotted.db.all(cls)).toEqual(old.db.all(cls));
      for (const ref of old.db.all(cls)) expect(dotted.db.record(cls, ref)).toEqual(old.db.record(cls, ref));
    }
    expect(dotted.model.release).toEqual(old.model.release);
    expect(notices).toEqual([]);
  });

  it("is collected with the names, versions and free memory that the spelling before gives", async () => {
    const old = SimulatedPool.fromDump(before, options);
    await old.clock.advance(60_000);
    const wanted = tablesOf(old);
    expect(wanted.Host).toHaveLength(2);
    // Addresses are those of the listeners, which only the served pool has.
    const place = ({ Ip: _, ...row }: Readonly<Record<string, unknown>>) => row;
    const stored = await storedTables(world);
    expect({ ...stored, Host: stored.Host.map(place) }).toEqual({ ...wanted, Host: wanted.Host.map(place) });
    expect(await rowsOf(world, "SELECT DISTINCT Version FROM HostDetail")).toEqual([{ Version: "6.0.50" }]);
  });

  it("no guest moves to a host whose CPU lacks what it was started with", async () => {
    const reasons = await rowsOf(
      world,
      "SELECT v.Name, h.Name AS Host FROM VmBar b JOIN Vm v ON v.UUID = b.VmUuid JOIN Host h ON h.UUID = b.HostUuid " +
        "WHERE b.Reason LIKE 'VM_INCOMPATIBLE_WITH_THIS_HOST%' ORDER BY v.Name",
    );
    expect(reasons).toEqual(["OnMasterLocal", "OnMasterShared"].map((Name) => ({ Name, Host: "dt16" })));
    await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 0.01"]);
    const { code, stdout } = await world.run("xcp-control", ["--dry-run"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/OnMasterShared not to dt16: VM_INCOMPATIBLE_WITH_THIS_HOST/);
  });
});
