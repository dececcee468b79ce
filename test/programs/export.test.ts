/** Snapshots out of xcp-collect, into a scratch database and into the simulator: the plan stays the same. */
import { existsSync } from "node:fs";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import { parseSnapshot, printSnapshot, type SnapshotDocument } from "../../src/snapshot/text.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { runProgram, startProgram, temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

function mysqlSettings(
  database: TestDatabase,
  program: "collect" | "manager" | "control",
): Record<string, string> {
  const { servers, user, password, database: name } = database[program];
  const [server] = servers;
  return {
    MysqlHost: `${server?.host}:${server?.port}`,
    MysqlUsr: user,
    MysqlPass: password,
    MysqlDatabase: name,
  };
}

/** A plan without what belongs to the run: collection and age. */
async function planOf(database: TestDatabase, rules: readonly string[]): Promise<Plan> {
  const manager = mysqlSettings(database, "manager");
  for (const rule of rules) {
    const made = await runProgram("xcp-manager", ["-e", rule], { settings: manager });
    expect(made.code, made.stderr).toBe(0);
  }
  const control = {
    XenHost: "http://127.0.0.1:9",
    XenUsr: "x",
    XenPass: "x",
    ...mysqlSettings(database, "control"),
  };
  const run = await runProgram("xcp-control", ["--dry-run", "--json"], { settings: control });
  expect(run.code, run.stderr + run.stdout).toBe(0);
  return JSON.parse(run.stdout) as Plan;
}

interface Plan {
  readonly moves: readonly Readonly<Record<string, unknown>>[];
  readonly certificate: { readonly costBytes: number };
  readonly unresolved: readonly { refusals: readonly unknown[] }[];
}

const pools: readonly { name: string; scenario: string; rules: readonly string[]; leastMoves: number }[] = [
  {
    name: "a generated pool of 12 hosts and 240 VMs",
    scenario: "pool Generated\ngenerate hosts=12 vms=240 seed=11",
    rules: ["CREATE RULE HOST CpuAverage > 4", "CREATE RULE HOST OccupiedMemoryMb > 3000"],
    leastMoves: 4,
  },
  {
    name: "a pool with every kind of obstacle",
    scenario: `
pool "Öbstacles" version=8.2
sr nfs1
sr "near \\"san\\"" hosts=h1,h2
network lan device=eth0
network dmz device=eth1 hosts=h1,h3
host h1 master cpus=8 memory=32768 base-cpu=20% rx=30 tx=40 loadavg=0.3
host h2 cpus=8 memory=16384 base-cpu=10%
host h3 cpus=2 memory=16384 cpu-vendor=AuthenticAMD
host h4 disabled cpus=8 memory=16384
vm free on=h1 memory=1024 vcpus=2 cpu=70% tools rx=120 tx=7 free=300
vm "free too" on=h1 memory=2048 min=1024 vcpus=1 cpu=50% tools
vm san on=h1 memory=512 vcpus=2 cpu=80% tools disk="nfs1+near \\"san\\""
vm local on=h1 memory=512 vcpus=2 cpu=80% tools disk=local
vm dmz on=h1 memory=512 vcpus=2 cpu=60% tools network=lan+dmz
vm wide on=h1 memory=512 vcpus=4 cpu=30% tools
vm blocked on=h1 memory=512 cpu=90% tools blocked="the \\"owner\\" says no"
vm toolless on=h1 memory=512 cpu=90%
vm "pv guest" on=h1 memory=512 cpu=40% mode=pv tags=a,b
vm pinned on=h1 memory=512 cpu=90% tools nomigrate
vm pci on=h1 memory=512 cpu=90% tools pci
vm amd on=h3 memory=512 vcpus=1 cpu=20% tools
vm paused on=h2 memory=512 paused tools
vm halted memory=512 halted vcpus=3 ha=restart
vm suspended memory=512 suspended tools
`,
    rules: ["CREATE RULE HOST CpuAverage > 40"],
    leastMoves: 1,
  },
];

describe.each(pools)("$name", ({ scenario, rules, leastMoves }) => {
  let world: World;
  let folder: string;
  let text: string;
  let plan: Plan;
  beforeAll(async () => {
    world = await startWorld({ pool: { scenario }, manualClock: true });
    folder = await temporaryFolder();
    await world.pool.clock.advance(60_000);
    const collected = await world.run("xcp-collect", ["--export", join(folder, "pool.txt")]);
    expect(collected).toMatchObject({ code: 0, stderr: "" });
    text = await readFile(join(folder, "pool.txt"), "utf8");
    plan = await planOf(world.database, rules);
  });
  afterAll(() => world?.stop());

  it("has a plan, and its export is the snapshot that was stored", async () => {
    expect(plan.moves.length).toBeGreaterThanOrEqual(leastMoves);
    const again = await world.run("xcp-collect", ["--export", join(folder, "again.txt")]);
    expect(again.code).toBe(0);
    expect(await readFile(join(folder, "again.txt"), "utf8")).toBe(text);
  });

  it("is planned the same after an import into a database of its own", async () => {
    const scratch = await createTestDatabase();
    try {
      const settings = mysqlSettings(scratch, "collect");
      const imported = await runProgram("xcp-collect", ["--import", join(folder, "pool.txt")], { settings });
      expect(imported).toMatchObject({ code: 0, stderr: "" });
      expect(imported.stdout).toMatch(/^imported pool .*: \d+ hosts, \d+ VMs, taken \d{4}-\S+Z\n$/);
      const there = await planOf(scratch, rules);
      expect(there.moves).toEqual(plan.moves);
      expect(there.unresolved).toEqual(plan.unresolved);
    } finally {
      await scratch.drop();
    }
  });

  it("is planned the same when the simulator plays the export and it is collected there", async () => {
    const pool = SimulatedPool.fromSnapshot(text, { manualClock: true });
    const simulator = await startSimulator(pool, { http: true, https: false });
    const scratch = await createTestDatabase();
    try {
      await pool.clock.advance(60_000);
      const file = join(folder, "copy.txt");
      const xen = { XenHost: simulator.masterUrl, XenUsr: "root", XenPass: "xenroot" };
      const settings = { ...xen, ...mysqlSettings(scratch, "collect") };
      const collected = await runProgram("xcp-collect", ["--export", file], { settings });
      expect(collected).toMatchObject({ code: 0, stderr: "" });
      const there = parseSnapshot(await readFile(file, "utf8"));
      expect(differences(comparable(there), comparable(parseSnapshot(text)))).toEqual([]);
      const planned = await planOf(scratch, rules);
      // The pool tells its measures rounded: of plans that are as good another one may be found.
      expect(planned.certificate.costBytes / plan.certificate.costBytes).toBeCloseTo(1, 1);
      expect(planned.unresolved.map(({ refusals }) => refusals.length)).toEqual(
        plan.unresolved.map(({ refusals }) => refusals.length),
      );
    } finally {
      await simulator.stop();
      pool.close();
      await scratch.drop();
    }
  });
});

/** Without addresses, and without what control domains are made of: hosts' figures are put right by those. */
function comparable({ snapshot }: SnapshotDocument): unknown {
  return {
    ...snapshot,
    // What interfaces there are beside the one that is shown, an export does not say of the networks on them.
    hosts: snapshot.hosts.map((host) => ({ ...host, ip: null, interfaces: null })),
    vms: snapshot.vms.map((vm) => (vm.isControlDomain ? { ...vm, placementBytes: 0, vcpuAverage: 0 } : vm)),
  };
}

/** Where two values differ. The pool tells its measures with four decimals: 0.01 % of a CPU. */
function differences(actual: unknown, expected: unknown, path = ""): string[] {
  if (typeof actual === "object" && typeof expected === "object" && actual !== null && expected !== null) {
    const keys = new Set([...Object.keys(actual), ...Object.keys(expected)]);
    const at = (value: object, key: string) => (value as Record<string, unknown>)[key];
    return [...keys].flatMap((key) => differences(at(actual, key), at(expected, key), `${path}/${key}`));
  }
  if (typeof actual === "number" && typeof expected === "number" && Math.abs(actual - expected) <= 0.0101)
    return [];
  return actual === expected ? [] : [`${path}: ${String(actual)} instead of ${String(expected)}`];
}

describe("xcp-collect --export", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ pool: { builtin: "thesis" } });
  });
  afterAll(() => world?.stop());

  it("writes the text to standard output, and what it says of itself to standard error", async () => {
    const { code, stdout, stderr } = await world.run("xcp-collect", ["--export", "-"]);
    expect(code).toBe(0);
    expect(printSnapshot(parseSnapshot(stdout))).toBe(stdout);
    expect(stderr).toMatch(/^xcp-collect: collected pool Main Pool: 2 hosts, 3 VMs .*\n$/);
  });

  it("needs no MySQL with --no-store, and contacts none", async () => {
    const settings = {
      XenHost: world.simulator.masterUrl,
      XenUsr: "root",
      XenPass: world.settings("collect")["XenPass"] ?? "",
    };
    const run = await runProgram("xcp-collect", ["--export", "-", "--no-store"], { settings });
    expect(run.stderr).toMatch(/not stored/);
    expect(run.code).toBe(0);
    expect(parseSnapshot(run.stdout).snapshot.hosts).toHaveLength(2);
  });

  it("leaves nothing beside the file, and the file as it was when it cannot be written", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "pool.txt");
    await writeFile(file, "before");
    expect((await world.run("xcp-collect", ["--export", file])).code).toBe(0);
    expect(parseSnapshot(await readFile(file, "utf8")).snapshot.vms).toHaveLength(5);
    expect(await readdir(folder)).toEqual(["pool.txt"]);
    const nowhere = await world.run("xcp-collect", ["--export", join(folder, "no", "such", "folder")]);
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toMatch(/cannot write .*ENOENT/);
    await symlink("/dev/null", join(folder, "device"));
    const device = await world.run("xcp-collect", ["--export", join(folder, "device")]);
    expect(device.stderr).toContain("it is no file; --export - writes to standard output");
    expect(existsSync("/dev/null")).toBe(true);
  });

  it.each([
    [["--no-store"], "--no-store goes with --export"],
    [["--force"], "--force goes with --import"],
    [["--import", "x", "--export", "y"], "cannot be used with"],
    [["--import", "x", "--interval", "5"], "cannot be used with"],
  ])("refuses %j as wrong usage", async (args, message) => {
    const run = await world.run("xcp-collect", args);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(message);
  });
});

describe("xcp-collect --import", () => {
  let world: World;
  let text: string;
  beforeAll(async () => {
    world = await startWorld({ pool: { builtin: "thesis" } });
    text = (await world.run("xcp-collect", ["--export", "-", "--no-store"])).stdout;
  });
  afterAll(() => world?.stop());

  it("stores the picture again and again, and over another pool's only by --force", async () => {
    const first = await world.run("xcp-collect", ["--import", "-"], { stdin: text });
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect((await world.run("xcp-collect", ["--import", "-"], { stdin: text })).code).toBe(0);
    const other = text.replace(/^pool \S+/m, "pool 11111111-2222-3333-4444-555555555555");
    const refused = await world.run("xcp-collect", ["--import", "-"], { stdin: other });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/holds collections of another pool \([0-9a-f-]{36}\).*or say --force/);
    expect((await world.run("xcp-collect", ["--import", "-", "--force"], { stdin: other })).code).toBe(0);
  });

  it("is refused where the pool itself was collected: xcp-control would act on an old picture", async () => {
    expect((await world.run("xcp-collect", ["--import", "-", "--force"], { stdin: text })).code).toBe(0);
    expect((await world.run("xcp-collect")).code).toBe(0);
    const refused = await world.run("xcp-collect", ["--import", "-"], { stdin: text });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/holds collections that were read from this pool itself/);
  });

  it("names the line of a text that it cannot read, and stores nothing", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "broken.txt");
    await writeFile(file, text.replace("cpuNum=4", "cpuNum=four"));
    const run = await world.run("xcp-collect", ["--import", file]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/broken\.txt:4: cpuNum=four: must be a number/);
  });
});

describe("xcp-sim --snapshot", () => {
  it("plays an export, and says what is wrong with a file that is none", async () => {
    const world = await startWorld({ pool: { builtin: "thesis" } });
    try {
      const folder = await temporaryFolder();
      const file = join(folder, "pool.txt");
      expect((await world.run("xcp-collect", ["--export", file, "--no-store"])).code).toBe(0);
      const sim = await startProgram("xcp-sim", ["--http", "--snapshot", file]);
      const [, url] = await sim.waitFor(/XenHost=(\S+)/);
      const settings = { XenHost: url ?? "", XenUsr: "root", XenPass: "xenroot" };
      const there = await runProgram("xcp-collect", ["--export", "-", "--no-store"], { settings });
      expect(there.code, there.stderr).toBe(0);
      expect(
        parseSnapshot(there.stdout)
          .snapshot.vms.map(({ name }) => name)
          .sort(),
      ).toEqual(
        parseSnapshot(await readFile(file, "utf8"))
          .snapshot.vms.map(({ name }) => name)
          .sort(),
      );
      await writeFile(file, "pool Main\n");
      const wrong = await runProgram("xcp-sim", ["--snapshot", file]);
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toContain(
        'pool.txt:1: this is no snapshot: its first line must be "xcp-balance-snapshot 1"',
      );
    } finally {
      await world.stop();
    }
  });
});
