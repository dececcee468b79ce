/** VMs that idle by day and peak together, balanced by their vCPUs: the real programs, a simulated pool, a real database. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWorld, type World } from "../support/world.ts";

/** All desktops run on one host and do nothing; the other hosts are nearly empty, and one has twice the CPUs. */
const scenario = `
pool "Desktops" product=XCP-ng version=8.3 bandwidth=1000
host full master cpus=8 memory=65536 base-cpu=0%
host spare cpus=8 memory=65536 base-cpu=0%
host large cpus=16 memory=65536 base-cpu=0%
${Array.from({ length: 8 }, (_, n) => `vm desk${n + 1} on=full vcpus=4 memory=1024 cpu=1% tools`).join("\n")}
vm files on=spare vcpus=2 memory=1024 cpu=1% tools
`;

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, speed: 20 });
});
afterAll(() => world.stop());

const manager = (line: string) => world.run("xcp-manager", ["-e", line]);

async function dryRun(): Promise<string> {
  expect((await world.run("xcp-collect")).code).toBe(0);
  const { code, stdout } = await world.run("xcp-control", ["--dry-run", "--instant"]);
  expect(code).toBe(0);
  return stdout;
}

interface RuleOfPlan {
  readonly terms?: readonly { readonly subjects: readonly string[] }[];
  readonly hosts: readonly { readonly hostName: string; values: number[]; valuesAfter: number[] }[];
}

/** The hosts of the rule on vCPUs in the plan of the next run. */
async function planned(): Promise<RuleOfPlan["hosts"]> {
  const { stdout } = await world.run("xcp-control", ["--dry-run", "--instant", "--json"]);
  const { rules } = JSON.parse(stdout) as { readonly rules: readonly RuleOfPlan[] };
  const rule = rules.find(({ terms }) => terms?.some(({ subjects }) => subjects.includes("VcpuCount")));
  return (rule?.hosts ?? []).toSorted((a, b) => (a.hostName < b.hostName ? -1 : 1));
}

/** On a busy machine each of the programs takes seconds to start. */
const patience = 90_000;

describe("a rule on vCPUs per CPU", () => {
  it(
    "moves idle VMs to where there are CPUs for their peak, which no rule on load asks for",
    async () => {
      await manager("CREATE RULE HOST CpuAverage > 10");
      expect(await dryRun()).toContain("Nothing to do: no host breaks a rule");
      await manager("CREATE RULE HOST VcpuCount > 50");
      expect((await manager("SHOW SUBJECTS")).stdout).toMatch(
        /^- VcpuCount - % - mean 141\.67 % of 3 hosts$/m,
      );
      const told = await dryRun();
      expect(told).toMatch(/^ {2}full: VcpuCount 400 \(\+258\.\d+\) BREAKS IT/m);
      expect(told).toMatch(/^ {2}large: VcpuCount 0 \(-141\.\d+\)/m);
      expect(told).toMatch(/^Move 1: desk\d: full -> \w+; VcpuCount full 400 -> 350/m);
    },
    patience,
  );

  it(
    "is kept exactly after the moves: the next collection has what was promised, and nothing is left to do",
    async () => {
      const promised = (await planned()).map(({ hostName, valuesAfter }) => [hostName, valuesAfter]);
      expect(promised).toHaveLength(3);
      const run = await world.run("xcp-control", ["--instant"]);
      expect(run.code).toBe(0);
      expect(run.stdout).toContain("End Migration");
      expect(await dryRun()).toContain("Nothing to do");
      expect((await planned()).map(({ hostName, values }) => [hostName, values])).toEqual(promised);
    },
    patience,
  );
});
