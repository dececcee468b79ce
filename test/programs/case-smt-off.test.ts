/** Case smt-off: with `smt=0` on Xen's command line the threads that sleep have data sources, which stand at 1. */
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { sampleHost } from "../../src/simulator/metrics/metrics.ts";
import { hostCpus } from "../../src/xapi/hostCpus.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const scenario = (smt: string): string => `
pool "Threads"
host a master cpus=8 memory=16384 base-cpu=21% smt=${smt}
host b cpus=8 memory=16384 base-cpu=30%
host c cpus=8 memory=16384 base-cpu=30%
vm a1 on=a vcpus=1 memory=1024 cpu=4% tools
vm a2 on=a vcpus=1 memory=1024 cpu=4% tools
vm b1 on=b vcpus=2 memory=1024 cpu=20% tools
vm c1 on=c vcpus=2 memory=1024 cpu=22% tools
`;

/** The rule, the methods of reading, and what the hosts' sources say by themselves. */
async function prepare(smt: string): Promise<World> {
  const world = await startWorld({ pool: { scenario: scenario(smt) }, manualClock: true });
  await world.pool.clock.advance(60_000);
  expect((await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 15"])).code).toBe(0);
  return world;
}

function cpusOf({ pool }: World, name: string): number[] {
  const host = pool.db.all("host").find((ref) => pool.db.text("host", ref, "name_label") === name) ?? "";
  return sampleHost(pool.model, host, pool.clock.now())
    .filter((source) => /^cpu\d+$/.test(source.name))
    .map((source) => source.value);
}

const averages = (world: World) =>
  rowsOf(world, "SELECT Name, ROUND(CpuAverage, 2) AS cpu, CpuNum FROM Host ORDER BY Name");

describe("case smt-off: half of the threads sleep", () => {
  let world: World;
  beforeAll(async () => {
    world = await prepare("off");
  });
  afterAll(() => world?.stop());

  it("the pool names sixteen, of which the odd ones stand at exactly 1, and counts eight", () => {
    const cpus = cpusOf(world, "a");
    expect(cpus).toHaveLength(16);
    expect(cpus.filter((_, index) => index % 2 === 1)).toEqual(Array.from({ length: 8 }, () => 1));
    for (const awake of cpus.filter((_, index) => index % 2 === 0)) {
      expect(awake).toBeGreaterThan(0.01);
      expect(awake).toBeLessThan(0.2);
    }
    // What was read before: the first eight of the sources.
    const first = cpus.slice(0, 8).reduce((sum, cpu) => sum + cpu, 0) / 8;
    expect(first * 100).toBeGreaterThan(51);
    expect(cpusOf(world, "b")).toHaveLength(8);
  });

  it.each(["rrd", "query"])(
    "read by %s, a is as busy as its CPUs that run, and no VM moves",
    async (method) => {
      const change = { CollectMethod: method };
      expect(await world.run("xcp-collect", [], { change })).toMatchObject({ code: 0, stderr: "" });
      const [a, b] = await averages(world);
      expect(a).toMatchObject({ Name: "a", CpuNum: 8 });
      expect(Number(a?.["cpu"])).toBeCloseTo(3.6, 0);
      expect(Number(b?.["cpu"])).toBeCloseTo(8.7, 0);
      const { code, stdout } = await world.run("xcp-control", ["--dry-run", "--json"]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ moves: [] });
      const shown = await world.run("xcp-manager", ["-e", "SHOW HOST a DETAILS"]);
      expect(shown.stdout).toMatch(/Cpu Load Average - 4%/);
      expect(shown.stdout).not.toContain("Not believed");
    },
  );

  it("a rule on cpu_avg, which counts the sleepers as busy, compares the CPUs that run", async () => {
    const add = await world.run("xcp-manager", [
      "-e",
      "CREATE RULE HOST OccupiedMemoryMb > 5000 AND cpu_avg > 1",
    ]);
    expect(add).toMatchObject({ code: 0 });
    expect((await world.run("xcp-collect")).code).toBe(0);
    const measures = await rowsOf(
      world,
      "SELECT h.Name, ROUND(m.Value, 2) AS share FROM HostMeasure m JOIN Host h ON h.UUID = m.HostUuid ORDER BY h.Name",
    );
    expect(measures.map((row) => Number(row["share"]))).toEqual([0.04, 0.09, 0.09]);
  });
});

describe("case smt-off: threads that work and are not counted", () => {
  let world: World;
  beforeAll(async () => {
    world = await prepare("woken");
  });
  afterAll(() => world?.stop());

  it.each(["rrd", "query"])(
    "read by %s, a is suspect with the reason, takes no part, and collect says so",
    async (method) => {
      const reason =
        "it has 8 CPUs and measures cpu0 to cpu15; 8 of them should stand at 1 as threads do that sleep, and 0 do: " +
        "which are its CPUs cannot be told";
      expect(cpusOf(world, "a")).toHaveLength(16);
      const collected = await world.run("xcp-collect", ["-q"], { change: { CollectMethod: method } });
      expect(collected).toMatchObject({
        code: 0,
        stdout: "",
        stderr: `xcp-collect: host a is suspect, xcp-control leaves it alone: ${reason}\n`,
      });
      expect((await averages(world))[0]).toMatchObject({ Name: "a", cpu: null });
      const { code, stdout } = await world.run("xcp-control", ["--dry-run"]);
      expect(code).toBe(0);
      expect(stdout).toContain(`suspect: ${reason}`);
      const shown = await world.run("xcp-manager", ["-e", "SHOW HOST a DETAILS"]);
      expect(shown.stdout).toContain(`Not believed - ${reason}`);
    },
  );

  it("the doubt is part of what is exported and imported", async () => {
    const { stdout } = await world.run("xcp-collect", ["--export", "-", "--no-store"]);
    expect(stdout).toMatch(/^host \S+ "a" .* doubt="it has 8 CPUs/m);
  });
});

describe("case smt-off: which sources are CPUs", () => {
  const sources = (...cpus: number[]) => new Map(cpus.map((value, index) => [`cpu${index}`, value] as const));
  const told = { doubt: null };

  test("as many as CPUs: all of them, whatever they stand at", () => {
    expect(hostCpus(sources(1, 0.5, 1, 0.5), 4)).toEqual({ ...told, percent: 75, moreThreads: false });
    expect(hostCpus(sources(1, 1), 2)).toMatchObject({ percent: 100 });
  });

  test("more: those at exactly 1 are none, wherever they stand in the row", () => {
    expect(hostCpus(sources(0.25, 1, 0.75, 1), 2)).toEqual({ ...told, percent: 50, moreThreads: true });
    expect(hostCpus(sources(1, 1, 0.25, 0.75), 2)).toMatchObject({ percent: 50 });
    // As /rrd_updates of old pools rounds it.
    expect(hostCpus(sources(0.25, 0.99999, 0.75, 1), 2)).toMatchObject({ percent: 50 });
  });

  test("more at 1 than can sleep: the others are busy all the time", () => {
    expect(hostCpus(sources(1, 1, 1, 1), 2)).toMatchObject({ ...told, percent: 100 });
    expect(hostCpus(sources(1, 1, 0.5, 1), 2)).toMatchObject({ ...told, percent: 75 });
  });

  test("fewer at 1 than must sleep: it cannot be told, and is said; not where one is only missing now", () => {
    expect(hostCpus(sources(0.2, 1, 0.2, 0.2), 2)).toMatchObject({
      percent: null,
      doubt: expect.stringContaining("2 of them should stand at 1 as threads do that sleep, and 1 do"),
    });
    expect(hostCpus(sources(0.2, 1, Number.NaN, 0.2), 2)).toEqual({
      percent: null,
      doubt: null,
      moreThreads: true,
    });
  });

  test("other sources are no CPUs", () => {
    const others = new Map([
      ...sources(0.5, 0.5),
      ["cpu7-C1", 0.1],
      ["cpu_avg", 0.9],
      ["CPU9-avg-freq", 3e9],
    ]);
    expect(hostCpus(others, 2)).toEqual({ ...told, percent: 50, moreThreads: false });
    expect(hostCpus(new Map(), 0)).toEqual({ percent: null, doubt: null, moreThreads: false });
  });
});
