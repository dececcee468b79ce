/** What control makes of rules and measures: real collections of pools with known loads, planned from the database. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Rule, Subject } from "../../src/domain/rule.ts";
import { type Arena, openArena, type Ring } from "../support/controlArena.ts";
import { threeHosts } from "../support/controlPools.ts";
import { flowing } from "../support/poolTime.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

type Json = Record<string, unknown>;

interface PlanObject extends Json {
  readonly moves: readonly Json[];
  readonly rules: readonly Json[];
  readonly unresolved: readonly { readonly hostName: string; readonly refusals: readonly Json[] }[];
}

const cpu = (threshold: number): Rule => ({ subject: "CpuAverage", threshold });

async function plan(ring: Ring, ...rules: Rule[]): Promise<PlanObject> {
  await ring.collect(...rules);
  const told = await ring.control({ dryRun: true, json: true });
  expect(told.code).toBe(0);
  return told.objects[0] as PlanObject;
}

/** The whole text of a dry run. */
async function explain(ring: Ring, ...rules: Rule[]): Promise<string> {
  await ring.collect(...rules);
  return (await ring.control({ dryRun: true })).text;
}

describe("the threshold", () => {
  /** hot 75 %, cold 25 %: to the digits of a measure 25 above and below the mean. */
  const exact = `
pool "Exact" product=XCP-ng version=8.2
host hot master cpus=4 memory=8192 base-cpu=0%
host cold cpus=4 memory=8192 base-cpu=0%
vm a on=hot vcpus=2 memory=512 cpu=75% tools
vm b on=hot vcpus=2 memory=256 cpu=75% tools
vm c on=cold vcpus=2 memory=256 cpu=50% tools
`;

  it.each([
    ["at", 25, 0],
    ["just under", 25.01, 0],
    ["just over", 24.99, 1],
  ])("a host %s what is allowed (%d) gives %d moves", async (_where, threshold, count) => {
    const { rules, moves } = await plan(await arena.open(exact), cpu(threshold));
    expect(rules[0]?.["mean"]).toBeCloseTo(50, 3);
    expect(moves).toHaveLength(count);
    if (count > 0) expect(moves[0]).toMatchObject({ vmName: "b", fromName: "hot", toName: "cold" });
  });

  it("a plan that would only change the places of hot and cold is not made", async () => {
    const single = exact.replace("vm b on=hot", "vm b on=cold").replace("cpu=75%", "cpu=100%");
    const { moves, unresolved } = await plan(await arena.open(single.replace("vcpus=2", "vcpus=4")), cpu(5));
    expect(moves).toEqual([]);
    expect(unresolved[0]?.refusals.map(({ reason }) => reason).join()).toMatch(/would break the rule/);
  });
});

describe("a pair that only VMs which change places can clear", () => {
  const tight = `
pool "Tight" product=XCP-ng version=8.2
host hot master cpus=4 memory=8192 base-cpu=0%
host cold cpus=4 memory=8192 base-cpu=0%
vm a on=hot vcpus=4 memory=256 cpu=50% tools
vm b on=hot vcpus=4 memory=256 cpu=40% tools
vm c on=cold vcpus=4 memory=256 cpu=30% tools
vm d on=cold vcpus=4 memory=256 cpu=10% tools
`;

  it("is told so with the two VMs, and they are moved only where ControlMomentaryWorsening says so", async () => {
    const ring = await arena.open(tight, { byHand: true });
    await ring.pool.clock.advance(60_000);
    const text = await explain(ring, cpu(10));
    expect(text).toContain("no order of moves that never makes a rule worse clears it: of its 3 VMs");
    expect(text).toMatch(
      /b \(hot -> cold\), then d \(cold -> hot\) would clear it, 512 MB to copy; between the two cold would have 80 % of CpuAverage for about .*, 75 % are allowed \(ControlMomentaryWorsening=yes lets control do it\)/,
    );
    expect((await ring.control()).code).toBe(0);
    expect(ring.migrations).toEqual([]);
    await flowing(ring.pool, ring.control({ change: { momentaryWorsening: true } }));
    expect(ring.migrations).toEqual(["b -> cold", "d -> hot"]);
    await ring.pool.clock.advance(60_000);
    await ring.collect(cpu(10));
    expect((await ring.control({ dryRun: true })).text).toContain("Nothing to do");
  });
});

describe("the subjects", () => {
  const twins = `
pool "Twins" product=XCP-ng version=8.2
host hot master cpus=4 memory=16384 base-cpu=0%
host cold cpus=4 memory=16384 base-cpu=0%
vm cpu1 on=hot vcpus=2 memory=256 cpu=80% tools
vm cpu2 on=hot vcpus=2 memory=256 cpu=80% tools
vm memory1 on=hot memory=4096 cpu=0% tools
vm memory2 on=hot memory=4096 cpu=0% tools
vm rx1 on=hot memory=128 cpu=0% rx=1000 tools
vm rx2 on=hot memory=128 cpu=0% rx=1000 tools
vm tx1 on=hot memory=128 cpu=0% tx=1000 tools
vm tx2 on=hot memory=128 cpu=0% tx=1000 tools
`;
  const rules: readonly [Subject, number, RegExp][] = [
    ["CpuAverage", 30, /^cpu[12]$/],
    ["OccupiedMemoryMb", 3000, /^memory[12]$/],
    ["PifEth0RxKb", 500, /^rx[12]$/],
    ["PifEth0TxKb", 500, /^tx[12]$/],
  ];

  it.each(rules)("%s above the mean by more than %d moves one VM that weighs on it", async (...rule) => {
    const [subject, threshold, name] = rule;
    const { moves, unresolved } = await plan(await arena.open(twins), { subject, threshold });
    expect(moves).toMatchObject([{ vmName: expect.stringMatching(name), subject, threshold }]);
    expect(unresolved).toEqual([]);
  });

  it("all four rules together are kept by four moves", async () => {
    const all = rules.map(([subject, threshold]) => ({ subject, threshold }));
    const { moves, unresolved, rules: after } = await plan(await arena.open(twins), ...all);
    expect(moves).toHaveLength(4);
    expect(unresolved).toEqual([]);
    for (const { hosts } of after as { hosts: Json[] }[]) {
      expect(hosts.map(({ brokenAfter }) => brokenAfter)).toEqual([false, false]);
    }
  });

  it("a VM that would cure one rule and break another stays, and the other VM goes", async () => {
    const memory: Rule = { subject: "OccupiedMemoryMb", threshold: 700 };
    const filled = `${threeHosts}vm ballast on=cold1 memory=900 cpu=0% tools\nvm more on=cold2 memory=900 cpu=0% tools\n`;
    const ring = await arena.open(
      filled.replace("vm small on=hot vcpus=2 memory=256", "vm small on=hot vcpus=2 memory=2000"),
    );
    const { moves } = await plan(ring, cpu(25), memory);
    expect(moves).toMatchObject([{ vmName: "big" }]);
  });
});

describe("what is unknown", () => {
  it("a host without a CPU value is left out of the mean, named, and receives nothing", async () => {
    const ring = await arena.open(threeHosts);
    ring.command("nan cold1 cpu* for=10m");
    const { moves, rules } = await plan(ring, cpu(25));
    expect(rules[0]).toMatchObject({ mean: expect.closeTo(50, 1), missing: [ring.uuid("host", "cold1")] });
    expect(moves).toMatchObject([{ toName: "cold2" }]);
    expect(await explain(ring, cpu(25))).toContain("cold1: no value, left out of this mean");
  });

  it("when every other host is unknown nothing moves", async () => {
    const ring = await arena.open(threeHosts);
    for (const host of ["cold1", "cold2"]) ring.command(`nan ${host} cpu0 for=10m`);
    const { moves } = await plan(ring, cpu(1));
    expect(moves).toEqual([]);
  });

  it("a VM without a value never moves, and the reason is told", async () => {
    const ring = await arena.open(threeHosts);
    ring.command("nan small cpu0 for=10m");
    expect((await plan(ring, cpu(25))).moves).toMatchObject([{ vmName: "big" }]);
    ring.command("nan big cpu* for=10m");
    const { moves, unresolved } = await plan(ring, cpu(25));
    expect(moves).toEqual([]);
    expect(unresolved).toMatchObject([{ hostName: "hot" }]);
    expect(await explain(ring, cpu(25))).toContain("small stays: its part in CpuAverage is unknown");
  });

  it("a host that cannot be read at all is out of the mean and named", async () => {
    const ring = await arena.open(`${threeHosts}host cold3 cpus=4 memory=8192 base-cpu=0%\n`);
    ring.command("crash cold2");
    const text = await explain(ring, cpu(25));
    expect(text).toMatch(/^cold2 is left out of mean and moves: its measures could not be read$/m);
    expect(text).toMatch(/mean 30 %/);
    expect(text).not.toContain("-> cold2");
  });
});

describe("odd pools", () => {
  it("a pool of one host, and one without running VMs, have nothing to do and say why", async () => {
    const one =
      'pool "One" product=XCP-ng version=8.2\nhost only master cpus=4\nvm busy on=only vcpus=4 cpu=90% tools\n';
    expect(await explain(await arena.open(one), cpu(0))).toMatch(
      /Nothing to do: no host breaks a rule\. CpuAverage: mean \d+(\.\d+)? %, only is furthest above it, by 0 of 0 %/,
    );
    const idle = threeHosts.replaceAll(/^vm (\w+) on=hot/gm, "vm $1 halted");
    expect(await explain(await arena.open(idle), cpu(25))).toContain("Nothing to do: no host breaks a rule");
    expect(await explain(await arena.open(idle), cpu(1))).toMatch(
      /cold2 stays .*: nothing can clear it: .*\n.* it is a control domain/,
    );
  });

  it("hosts and VMs with equal names are told apart by their uuids", async () => {
    const ring = await arena.open(threeHosts);
    const { db } = ring.pool;
    for (const host of db.all("host")) db.set("host", host, "name_label", "xen");
    const { moves } = await plan(ring, cpu(25));
    const text = await explain(ring, cpu(25));
    expect(moves).toMatchObject([{ vmName: "small", fromName: "xen", toName: "xen" }]);
    expect(text).toContain(`Move 1: small: xen (${moves[0]?.["from"]}) -> xen (${moves[0]?.["to"]});`);
  });

  it("a VM or host in maintenance, paused, blocked or pinned stays with its reason", async () => {
    const ring = await arena.open(threeHosts);
    ring.command('block small "licensed here"');
    ring.command("pause big");
    ring.command("disable cold1");
    const text = await explain(ring, cpu(10), { subject: "OccupiedMemoryMb", threshold: 100 });
    expect(text).toContain("small stays: OPERATION_BLOCKED (licensed here)");
    expect(text).toMatch(/big stays: it is Paused, not Running/);
    expect(text).toContain("cold1 is left out of mean and moves: it is disabled (maintenance)");
  });

  it("a row of HostRule that is no rule is named and moves nothing", async () => {
    const ring = await arena.open(threeHosts);
    await ring.collect();
    const { asRoot } = await import("../support/database.ts");
    await asRoot(
      "INSERT INTO HostRule (Subject, Threshold) VALUES ('CpuTotal', 5)",
      arena.database.admin.database,
    );
    const told = await ring.control();
    expect(told).toMatchObject({ code: 0 });
    expect(told.text).toContain("Rule CpuTotal > 5 is left out: CpuTotal is not one of");
    expect(ring.migrations).toEqual([]);
  });
});
