/** Runs that search in vain for what stays broken: the first spends the whole search, those after it say why they do not. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Snapshot } from "../../src/domain/pool.ts";
import { type Rule, subjectsOf } from "../../src/domain/rule.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { printRule } from "../../src/rules/print.ts";
import { printSnapshot } from "../../src/snapshot/text.ts";
import { generate } from "../support/plan/pools.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
});
afterAll(() => world?.stop());

const change = { ControlMode: "observe", ControlPlanMilliseconds: "20", ControlHeadroomMb: "0" };

/** A pool in which one VM of eight may move: for the planner of a run a search is in vain, and nothing is proved. */
function inVain(): { readonly snapshot: Snapshot; readonly rules: readonly Rule[] } {
  for (let seed = 1; seed < 400; seed++) {
    const kind = {
      name: "",
      hosts: 6,
      vms: 40,
      unequal: true,
      fill: 0.95,
      rules: 2,
      strict: 0.9,
      hard: true,
    };
    const pool = generate(kind, seed);
    const vms = pool.snapshot.vms.map((vm, v) => (v % 8 === 0 ? vm : { ...vm, immovable: "VM_HAS_VGPU" }));
    const snapshot = { ...pool.snapshot, vms };
    const plan = planMigrations(snapshot, pool.rules, {
      maxMoves: 10,
      headroomBytes: 0,
      bannedVms: new Map(),
      bannedPairs: new Map(),
      budgetMs: 20,
      targetFraction: 0.8,
      noisePercent: 1,
      searchedBefore: null,
    });
    if (plan.fruitless !== undefined && subjectsOf(pool.rules).length > 0)
      return { snapshot, rules: pool.rules };
  }
  throw new Error("no such pool");
}

it("a search in vain is made whole once, and told by the runs after it until something is changed", async () => {
  const { snapshot, rules } = inVain();
  const stdin = printSnapshot({ snapshot, takenAt: new Date(), complete: true });
  const collect = () => world.run("xcp-collect", ["--import", "-", "--force"], { stdin });
  expect(await collect()).toMatchObject({ code: 0 });
  const lines = rules.flatMap((rule) => ["-e", `CREATE RULE HOST ${printRule(rule)}`]);
  expect(await world.run("xcp-manager", lines)).toMatchObject({ code: 0 });
  const control = () => world.run("xcp-control", [], { change });
  const told = /Nothing was searched whole \(2 ms of 20\): a search .* ago found nothing/;
  const first = await control();
  expect(first, first.stderr).toMatchObject({ code: 0 });
  expect(first.stdout).not.toMatch(told);
  expect(await rowsOf(world, "SELECT Name FROM FruitlessSearch")).toEqual([{ Name: "control" }]);
  await collect();
  expect((await control()).stdout).toMatch(told);
  const broken = snapshot.hosts.flatMap(({ name }) => ["-e", `EXPLAIN HOST "${name}"`]);
  const explained = await world.run("xcp-manager", broken, { change });
  expect(explained.stdout).toMatch(told);
  // Another setting, another search.
  expect(
    (await world.run("xcp-control", [], { change: { ...change, ControlHeadroomMb: "1" } })).stdout,
  ).not.toMatch(told);
});
