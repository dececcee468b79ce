/**
 * Laws of rankings over random pools: what is found by difference is what the whole evaluation finds, to the last digit; and no
 * place is before another that is better for those who wait for CPUs and as good in everything else.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Snapshot, Vm } from "../../src/domain/pool.ts";
import { chainOf, noOptions, type Rule, type ServeRule } from "../../src/domain/rule.ts";
import type { Floors } from "../../src/planner/evacuate/harm.ts";
import { rankHosts } from "../../src/planner/place/rank.ts";
import type { Ranking, RankOptions } from "../../src/planner/place/ranking.ts";
import { addedMinutes } from "../../src/planner/place/score.ts";
import type { Demand } from "../../src/planner/plan.ts";
import { expectedShortage } from "../../src/planner/serve/shortage.ts";
import { aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { wholeRules } from "../support/plan/wholeRules.ts";
import { pools, ruleSets } from "../support/randomPools.ts";
import { someOf, timeoutFor } from "../support/runs.ts";

const mebibyte = 1024 * 1024;
const options: RankOptions = { headroomBytes: 64 * mebibyte, bannedVms: new Map(), bannedPairs: new Map() };
const serve = (worth: number, overMinutes = 60): ServeRule => ({
  serve: "CPU",
  worth,
  overMinutes,
  ...noOptions,
});

/** Chains, limits BELOW, free memory that falls with the mean: what a VM that comes does to other hosts, too. */
const chains: fc.Arbitrary<readonly Rule[]> = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 800 }), fc.integer({ min: 0, max: 3 }))
  .map(([percent, megabytes, guests]) => [
    chainOf([
      { subjects: ["CpuAverage"], condition: "above", amount: percent },
      { subjects: ["MemoryFreeMb"], condition: "below", amount: megabytes },
    ]),
    chainOf([{ subjects: ["MemoryFreeMb"], condition: "more than mean", amount: megabytes }]),
    chainOf([
      { subjects: ["VmCount"], condition: "more than mean", amount: guests },
      { subjects: ["PifEth0RxKb", "PifEth0TxKb"], condition: "more than mean", amount: megabytes },
    ]),
    chainOf([{ subjects: ["VcpuCount"], condition: "above", amount: percent * 4 }]),
  ]);

/** A VM of the pool that runs, or one that does not. */
function vmOf({ vms }: Snapshot, at: number, isHalted: boolean): Vm {
  const found = vms[at % Math.max(1, vms.length)];
  return isHalted || found === undefined
    ? aVm({ uuid: uuid(5000), powerState: "Halted", vcpuNum: 2, vcpuAverage: at % 101, vif0RxKb: at % 300 })
    : found;
}

it(
  "rules and harms of each place are those of the whole pool",
  () => {
    const floors: Floors = (_rule, place) => (place === 0 ? 20 : Number.NEGATIVE_INFINITY);
    fc.assert(
      fc.property(
        pools,
        ruleSets,
        chains,
        fc.nat(500),
        fc.boolean(),
        (pool, single, chained, at, isHalted) => {
          const vm = vmOf(pool, at, isHalted);
          const snapshot = isHalted ? { ...pool, vms: [...pool.vms, vm] } : pool;
          const rules = [...single, ...chained];
          const whole = wholeRules(snapshot, rules, vm, floors);
          for (const place of rankHosts(snapshot, rules, vm, { ...options, floors }).places) {
            expect({ rules: place.rules, harms: place.harms }).toEqual(whole(place.host));
          }
        },
      ),
      { numRuns: someOf(1000), seed: 15 },
    );
  },
  timeoutFor(300_000),
);

/** What the hosts of a pool of equals want, and what the VM wants. */
const wanting = fc.record({
  hosts: fc.array(
    fc.record({ mean: fc.float({ min: 0, max: 8, noNaN: true }), variance: fc.constantFrom(0, 0.2, 1, 4) }),
    {
      minLength: 2,
      maxLength: 6,
    },
  ),
  mean: fc.float({ min: 0, max: 4, noNaN: true }),
  variance: fc.constantFrom(0, 0.5, 2),
  worth: fc.constantFrom(0, 0.1, 1, 5),
});

function rankedOfEquals({
  hosts,
  mean,
  variance,
  worth,
}: {
  hosts: readonly { mean: number; variance: number }[];
  mean: number;
  variance: number;
  worth: number;
}): { ranking: Ranking; shortOf: (n: number) => number } {
  const guests = hosts.map((_, n) => aVm({ uuid: uuid(100 + n), vcpuNum: 4, vcpuAverage: 0 }));
  const who = aVm({ uuid: uuid(99), powerState: "Halted" });
  const snapshot = aSnapshot(
    hosts.map(
      (_, n) =>
        [aHost({ uuid: uuid(n + 1), placementFreeBytes: 2048 * mebibyte }), [guests[n] as Vm]] as const,
    ),
    { halted: [who] },
  );
  const demands = new Map(
    hosts.map((wanted, n): [Vm["uuid"], Demand] => [
      uuid(100 + n),
      { means: [wanted.mean], variance: wanted.variance },
    ]),
  );
  const ranking = rankHosts(snapshot, [], who, {
    ...options,
    serve: { rule: serve(worth), demands },
    demand: { means: [mean], variance },
  });
  return {
    ranking,
    /** Of the pool, with the VM on the host: by hand, from the demands. */
    shortOf: (at) =>
      60 *
      hosts.reduce((sum, each, n) => {
        const here = n === at ? 1 : 0;
        return sum + expectedShortage(each.mean + here * mean, each.variance + here * variance, 4);
      }, 0),
  };
}

it(
  "of hosts that are equal but for what is wanted of them the best leaves the pool least short, and each is before those that leave it shorter",
  () => {
    fc.assert(
      fc.property(wanting, (input) => {
        const { ranking, shortOf } = rankedOfEquals(input);
        const short = ranking.places.map(({ host }) => shortOf(Number(host.slice(-2)) - 1));
        expect(ranking.places).toHaveLength(input.hosts.length);
        short.forEach((minutes, n) => {
          expect(minutes).toBeLessThanOrEqual((short[n + 1] ?? Number.POSITIVE_INFINITY) + 1e-6);
        });
        const least = Math.min(...short);
        for (const [n, { serve: own }] of ranking.places.entries())
          expect(addedMinutes(own) - addedMinutes(ranking.places[0]?.serve ?? null)).toBeCloseTo(
            (short[n] ?? 0) - least,
            6,
          );
      }),
      { numRuns: someOf(1000), seed: 15 },
    );
  },
  timeoutFor(120_000),
);
