import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { sampleHost, sampleVm } from "../../src/simulator/metrics/metrics.ts";
import { readDumpTables, readSexpr } from "../../src/simulator/scenario/dumpXml.ts";
import { open } from "./simPool.ts";

const file = new URL("../../../shared/xapi/pools/two-host-pool-xenserver-6.1.state.xml", import.meta.url);
const missing = !existsSync(file);
const load = (seed = 1): SimulatedPool =>
  SimulatedPool.fromDump(readFileSync(file, "utf8"), { manualClock: true, seed, badPasswordDelayMs: 0 });

describe.skipIf(missing)("a real pool's database (skipped where ../shared is missing)", () => {
  test("has two hosts, four guests, two control domains, and templates that are marked as such", () => {
    const { db } = load();
    expect(
      db
        .all("host")
        .map((host) => db.text("host", host, "name_label"))
        .sort(),
    ).toEqual(["dt16", "dt23"]);
    const real = db.all("VM").filter((vm) => db.get("VM", vm, "is_a_template") !== true);
    const running = real.filter((vm) => db.get("VM", vm, "power_state") === "Running");
    const named = (control: boolean): string[] =>
      real
        .filter((vm) => db.get("VM", vm, "is_control_domain") === control)
        .map((vm) => db.text("VM", vm, "name_label"))
        .sort();
    expect(running).toHaveLength(6);
    expect(named(false)).toEqual(["Local", "OnMasterLocal", "OnMasterShared", "Shared"]);
    expect(named(true)).toEqual(["Control domain on host: dt16", "Control domain on host: dt23"]);
    expect(db.count("VM")).toBe(67);
  });

  test("keeps fields of every type as they were", () => {
    const { db, masterRef } = load();
    expect(db.text("host", masterRef, "uuid")).toBe("41561562-d0aa-4cf4-a96d-b1a3bd4fc36f");
    expect(db.number("host", masterRef, "memory_overhead")).toBe(193835008);
    expect(db.map("host", masterRef, "cpu_info")["modelname"]).toBe(
      "Intel(R) Xeon(R) CPU           X3450  @ 2.67GHz",
    );
    expect(db.list("host", masterRef, "host_CPUs")).toHaveLength(8);
    expect(db.get("host", masterRef, "enabled")).toBe(true);
    const vm = db.byUuid("VM", "461f92d9-51e0-9580-9e93-37261c73fb3a");
    expect(db.record("VM", vm)).toMatchObject({
      memory_dynamic_min: 268435456,
      HVM_shadow_multiplier: 1,
      power_state: "Running",
      tags: [],
      last_boot_CPU_flags: { vendor: "GenuineIntel", features: "0098e3fd-bfebfbff-00000001-28100800" },
    });
    expect(db.list("VM", vm, "VBDs")).toHaveLength(3);
    expect(db.get("VM_metrics", db.text("VM", vm, "metrics"), "start_time")).toBeInstanceOf(Date);
  });

  test("a guest with a disk on local storage cannot move, the others can", async () => {
    const p = await open(load());
    const { db } = p.pool;
    const refusal = async (vm: string): Promise<string | null> => {
      const target = db.all("host").find((host) => host !== db.get("VM", p.vm(vm), "resident_on")) ?? "";
      const failure = await p.failure("VM.assert_can_boot_here", p.vm(vm), target);
      return failure === null ? null : `${failure[0]} ${db.text("SR", failure[2] ?? "", "name_label")}`;
    };
    expect(await refusal("Local")).toBe("VM_REQUIRES_SR Local storage");
    expect(await refusal("OnMasterLocal")).toBe("VM_REQUIRES_SR Local storage");
    expect(await refusal("Shared")).toBeNull();
    expect(await refusal("OnMasterShared")).toBeNull();
    for (const vm of ["Local", "Shared"])
      expect(db.list("VM", p.vm(vm), "allowed_operations")).toContain("pool_migrate");
  });

  test("a shared guest migrates, and both hosts' measures follow", async () => {
    const p = await open(load());
    const { db, clock, model } = p.pool;
    const busy = (host: string): number => {
      const sources = sampleHost(model, p.host(host), clock.now());
      return 8 * (sources.find((source) => source.name === "cpu_avg")?.value ?? Number.NaN);
    };
    const before = [busy("dt16"), busy("dt23")];
    const guest = sampleVm(model, p.vm("Shared"), clock.now())[0]?.value ?? Number.NaN;
    const task = await p.migrate("Shared", "dt23");
    await clock.advance(60_000);
    expect(p.task(task, "status")).toBe("success");
    expect(db.text("VM", p.vm("Shared"), "resident_on")).toBe(p.host("dt23"));
    expect(busy("dt16")).toBeCloseTo((before[0] ?? 0) - guest, 4);
    expect(busy("dt23")).toBeCloseTo((before[1] ?? 0) + guest, 4);
  });

  test("host memory agrees with xapi's arithmetic over the same rows", async () => {
    const p = await open(load());
    const dom0 = 412090368 + 15728640;
    const guests = 2 * (268435456 + 4194304);
    expect(await p.call("host.compute_free_memory", p.host("dt16"))).toBe(
      8579674112 - 193835008 - dom0 - guests,
    );
  });

  test("its loads follow from the seed", () => {
    const sources = (pool: SimulatedPool): unknown =>
      pool.db.all("host").map((host) => sampleHost(pool.model, host, pool.clock.now()));
    expect(sources(load(1))).toEqual(sources(load(1)));
    expect(sources(load(1))).not.toEqual(sources(load(2)));
  });
});

describe("reading database files", () => {
  test("S-expressions nest, quote and escape", () => {
    expect(readSexpr("()")).toEqual([]);
    expect(readSexpr("('a' 'b c' ())")).toEqual(["a", "b c", []]);
    expect(readSexpr("(('k' 'it\\'s') ('q' \"(x)\"))")).toEqual([
      ["k", "it's"],
      ["q", "(x)"],
    ]);
    for (const broken of ["(", "('a'", "'a')", ")"])
      expect(() => readSexpr(broken)).toThrow("unreadable S-expression");
  });

  test("attributes are unescaped, and namespaces lose their second underscore", () => {
    const xml = `<database><table name="VM"><row ref="OpaqueRef:1" name__label="a &lt;b&gt; &quot;c&quot;%n%_%%" is_a_x="true"/></table></database>`;
    const [row] = readDumpTables(xml).get("VM") ?? [];
    expect(Object.fromEntries(row?.fields ?? [])).toEqual({
      ref: "OpaqueRef:1",
      name_label: 'a <b> "c"\n  %',
      is_a_x: "true",
    });
  });

  test("what is no database, or half of one, is refused", () => {
    const refuse = (xml: string) => () => SimulatedPool.fromDump(xml, { manualClock: true });
    expect(refuse("<html></html>")).toThrow("no pool database");
    expect(refuse('<database><table name="VM">')).toThrow("cut off");
    expect(refuse('<database><table name="VM"></table></database>')).toThrow("no pool with hosts");
  });
});
