/** Case dump-without-metrics: some versions of xapi keep host_metrics out of the database. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { dumpFile, hasRecordedDump, recordedText, withoutRows } from "../support/dumps.ts";
import { startProgram } from "../support/programs.ts";
import { startWorld } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const gib = 1024 ** 3;

describe.skipIf(!hasRecordedDump)("case dump-without-metrics (skipped where ../shared is missing)", () => {
  it("xcp-sim names the hosts on stderr, gives them metrics of their own, and serves", async () => {
    const file = await dumpFile(withoutRows(recordedText(), "host_metrics"));
    const sim = await startProgram("xcp-sim", ["--http", "--dump", fileURLToPath(file)]);
    await sim.waitFor(/Ctrl-C ends\./);
    expect(sim.output.stderr).toMatch(
      /^xcp-sim: \S+pool\.xml: the dump has no host_metrics of dt\d+, dt\d+: they get metrics of their own.*4 GiB of memory\n$/,
    );
    sim.child.kill("SIGTERM");
    expect(await sim.ended).toMatchObject({ code: 0 });
  });

  it("its hosts are collected alive, with memory to spare", async () => {
    const file = await dumpFile(withoutRows(recordedText(), "host_metrics"));
    const world = await startWorld({ pool: { dump: file }, manualClock: true });
    try {
      await world.pool.clock.advance(60_000);
      expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
      expect(
        await rowsOf(
          world,
          "SELECT Name, Live, MemoryTotalMb FROM Host JOIN HostDetail ON UUID = HostUuid ORDER BY Name",
        ),
      ).toEqual(["dt16", "dt23"].map((Name) => ({ Name, Live: 1, MemoryTotalMb: 4096 })));
      const free = await rowsOf(world, "SELECT MIN(MemoryFreeMb) AS least FROM Host");
      expect(Number(free[0]?.["least"])).toBeGreaterThan(0);
    } finally {
      await world.stop();
    }
  });

  it("a host that has metrics lends its size to one that has none", () => {
    const text = recordedText();
    const [row = ""] = text.slice(text.indexOf('<table name="host_metrics">')).match(/<row [^<]*/) ?? [];
    const notices: string[] = [];
    const pool = SimulatedPool.fromDump(text.replace(row, ""), {
      manualClock: true,
      notify: (notice) => notices.push(notice),
    });
    const { db } = pool;
    const totals = db
      .all("host")
      .map((host) => db.number("host_metrics", db.text("host", host, "metrics"), "memory_total"));
    expect(totals).toEqual([8579674112, 8579674112]);
    expect(notices).toEqual([expect.stringMatching(/^the dump has no host_metrics of dt\d\d: .* 8 GiB/)]);
  });

  it("VMs without metrics, guests without theirs and hosts without CPUs are completed too, each said", () => {
    const text = ["VM_metrics", "VM_guest_metrics", "host_cpu"].reduce(withoutRows, recordedText());
    const notices: string[] = [];
    const { db } = SimulatedPool.fromDump(text, {
      manualClock: true,
      notify: (notice) => notices.push(notice),
    });
    expect(notices.map((notice) => /no (\w+) of/.exec(notice)?.[1])).toEqual([
      "VM_metrics",
      "VM_guest_metrics",
      "host_cpu",
      "host_cpu",
    ]);
    const [shared = ""] = db.all("VM").filter((vm) => db.text("VM", vm, "name_label") === "Shared");
    expect(db.number("VM_metrics", db.text("VM", shared, "metrics"), "memory_actual")).toBe(gib / 4);
    expect(db.list("VM", shared, "allowed_operations")).toContain("pool_migrate");
    for (const host of db.all("host")) expect(db.list("host", host, "host_CPUs")).toHaveLength(8);
  });
});
