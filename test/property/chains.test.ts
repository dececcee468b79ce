/** Laws of plans by chains and sums over seeded random pools; tiny pools are compared with trying everything. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withDerived } from "../../src/domain/derived.ts";
import { evaluate, termValue } from "../../src/domain/deviation.ts";
import type { Snapshot } from "../../src/domain/pool.ts";
import { type AnySubject, asSingle, chainOf, type Rule, type Term } from "../../src/domain/rule.ts";
import type { Plan, PlanOptions } from "../../src/planner/plan.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { toProblem } from "../../src/planner/problem.ts";
import { Bounds } from "../../src/planner/search/bound.ts";
import { Random } from "../../src/planner/search/random.ts";
import { recheck } from "../../src/planner/steps/recheck.ts";
import { hostsAfter } from "../../src/planner/tell/outcome.ts";
import { nonsenseOf } from "../../src/rules/lint.ts";
import { type BookMove, ChainBook } from "../support/chainBook.ts";
import { generate, type Kind } from "../support/plan/pools.ts";
import { rule } from "../support/rules.ts";
import { someOf } from "../support/runs.ts";

const headroomBytes = 64 * 1024 * 1024;
const options: PlanOptions = {
  maxMoves: 1000,
  headroomBytes,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  rounds: 60,
};
const runs = { numRuns: someOf(250), seed: 20_261_125 };

interface ChainPool {
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
}

type Shape = readonly [sum: readonly string[], condition: Term["condition"]];

/** What terms are made of; the last ones can be past because VMs leave, or hang on no VM at all. */
const shapes: readonly Shape[] = [
  [["CpuAverage"], "more than mean"],
  [["CpuAverage"], "more than mean"],
  [["OccupiedMemoryMb"], "more than mean"],
  [["PifEth0RxKb", "PifEth0TxKb"], "more than mean"],
  [["PifEth0RxKb"], "more than mean"],
  [["VmCount"], "more than mean"],
  [["CpuAverage"], "above"],
  [["PifEth0RxKb", "PifEth0TxKb"], "above"],
  [["MemoryFreeMb"], "below"],
  [["VmCount"], "above"],
  [["loadavg"], "above"],
  [["CpuAverage"], "below"],
  [["VcpuCount"], "more than mean"],
  [["VcpuCount"], "above"],
];

const kinds: fc.Arbitrary<Kind> = fc.record({
  name: fc.constant("random"),
  hosts: fc.integer({ min: 2, max: 9 }),
  vms: fc.integer({ min: 1, max: 60 }),
  unequal: fc.boolean(),
  fill: fc.constantFrom(0.6, 0.85, 0.95),
  rules: fc.constant(1),
  strict: fc.constantFrom(0.1, 0.4, 0.9),
  hard: fc.boolean(),
});

/** A pool with one to three rules, chains mostly, whose thresholds some hosts are past. */
function withChains(kind: Kind, seed: number): ChainPool {
  const random = new Random(seed);
  const plain = generate(kind, seed).snapshot;
  const hosts = plain.hosts.map((host) => ({ ...host, sources: { loadavg: random.next() * 4 } }));
  const snapshot = withDerived({ ...plain, hosts });
  const rules: Rule[] = [];
  for (let tries = 0; rules.length < 1 + random.below(3) && tries < 30; tries++) {
    const terms = Array.from({ length: 1 + random.below(3) }, () => termOf(snapshot, random));
    const rule = chainOf(terms);
    if (nonsenseOf(rule) === null) rules.push(asSingle(rule) ?? rule);
  }
  return { snapshot, rules };
}

/** A threshold that lies somewhere among what hosts have, so that some are past it. */
function termOf({ hosts }: Snapshot, random: Random): Term {
  const [sum = [], condition = "above"] = shapes[random.below(shapes.length)] ?? [];
  const subjects = sum as readonly string[] as readonly AnySubject[];
  const bare: Term = { subjects, condition, amount: 0 };
  const values = hosts.map((host) => termValue(host, bare) ?? 0).sort((a, b) => a - b);
  const mean = values.reduce((all, each) => all + each, 0) / values.length;
  const share = random.next();
  const pick = values[Math.floor(share * values.length)] ?? 0;
  const amount = condition === "more than mean" ? ((values.at(-1) ?? 0) - mean) * share : pick;
  return { ...bare, amount: Math.round(Math.max(0, amount) * 100) / 100 };
}

const pools: fc.Arbitrary<ChainPool> = fc
  .tuple(kinds, fc.integer({ min: 1, max: 1_000_000 }))
  .map(([kind, seed]) => withChains(kind, seed))
  .filter(({ rules }) => rules.length > 0);
const tinyPools: fc.Arbitrary<ChainPool> = fc
  .tuple(
    kinds,
    fc.integer({ min: 2, max: 3 }),
    fc.integer({ min: 2, max: 5 }),
    fc.integer({ min: 1, max: 1_000_000 }),
  )
  .map(([kind, hosts, vms, seed]) => withChains({ ...kind, hosts, vms }, seed))
  .filter(({ rules }) => rules.length > 0);

/** Pools in which a host breaks a chain by letting VMs go: it is past a limit, and its CPUs are nearly idle enough. */
const guardedPools: fc.Arbitrary<ChainPool> = fc
  .tuple(
    kinds,
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.integer({ min: 0, max: 8 }),
    fc.double({ min: 0.7, max: 1, noNaN: true }),
  )
  .map(([kind, seed, which, share]) => {
    const { snapshot, rules } = generate({ ...kind, vms: kind.hosts * 6, rules: 2, strict: 0.9 }, seed);
    const busy = snapshot.hosts[which % snapshot.hosts.length]?.cpuAverage ?? 0;
    const amount = Math.max(0.1, Math.round(busy * share * 100) / 100);
    const guard = chainOf([
      { subjects: ["OccupiedMemoryMb"], condition: "above", amount: 1 },
      { subjects: ["CpuAverage"], condition: "below", amount },
    ]);
    return { snapshot: withDerived(snapshot), rules: [...rules, guard] };
  });

function planFor({ snapshot, rules }: ChainPool, extra: Partial<PlanOptions> = {}): Plan {
  return planMigrations(snapshot, rules, { ...options, ...extra });
}

/** The moves in an order that chance chooses of those that keep their waits. */
function anyOrder(moves: Plan["moves"], draws: Iterator<number>): readonly BookMove[] {
  const done = new Set<number>();
  const order: BookMove[] = [];
  while (done.size < moves.length) {
    const ready = moves.flatMap((move, i) =>
      !done.has(i) && move.after.every((each) => done.has(each)) ? [i] : [],
    );
    const next = ready[(draws.next().value ?? 0) % ready.length] ?? 0;
    done.add(next);
    order.push(moves[next] as BookMove);
  }
  return order;
}

/** What is wrong with the moves, and the pairs that are broken after them. */
function replay({ snapshot, rules }: ChainPool, moves: readonly BookMove[]) {
  const book = new ChainBook(snapshot, rules, headroomBytes);
  const before = book.broken();
  const faults = moves.flatMap((move) => book.move(move));
  return { faults, before, after: book.broken(), frozen: book.broken(true) };
}

const pairsOf = ({ rules }: ChainPool, plan: Plan) =>
  plan.unresolved.map(({ host, rule }) => `${host} ${rules.indexOf(rule)}`).sort();

describe("laws of every plan by chains", () => {
  it("no step breaks a chain newly, or brings a broken one further past any of its terms", () => {
    let [broken, cured, moved] = [0, 0, 0];
    fc.assert(
      fc.property(pools, (pool) => {
        const { moves } = planFor(pool);
        const { faults, before, after } = replay(pool, moves);
        expect(faults).toEqual([]);
        expect(after.filter((pair) => !before.includes(pair))).toEqual([]);
        broken += before.length;
        cured += before.length - after.length;
        moved += moves.length;
      }),
      // What holds in the mean is held against as many pools each time.
      { ...runs, numRuns: 250 },
    );
    // The pools ask for something, and most of it is done.
    expect(broken).toBeGreaterThan(100);
    expect(cured / broken).toBeGreaterThan(0.5);
    expect(moved).toBeGreaterThan(100);
  });

  it("no step makes a host break a chain by what leaves it, in whatever order steps run that keep their waits", () => {
    let moved = 0;
    fc.assert(
      fc.property(guardedPools, fc.infiniteStream(fc.nat()), (pool, draws) => {
        const { moves } = planFor(pool);
        expect(replay(pool, moves).faults).toEqual([]);
        expect(replay(pool, anyOrder(moves, draws)).faults).toEqual([]);
        moved += moves.length;
      }),
      runs,
    );
    expect(moved).toBeGreaterThan(someOf(100));
  });

  it("the same holds with a margin, with a limit of moves, and of chains that are no goal now", () => {
    fc.assert(
      fc.property(pools, fc.integer({ min: 0, max: 4 }), fc.boolean(), (pool, maxMoves, asleep) => {
        const suppressed = (host: string) => asleep && host.charCodeAt(7) % 2 === 0;
        const { moves } = planFor(pool, { maxMoves, targetFraction: 0.8, suppressed });
        expect(moves.length).toBeLessThanOrEqual(maxMoves);
        expect(replay(pool, moves).faults).toEqual([]);
      }),
      runs,
    );
  });

  it("what it leaves broken is named, and nothing else is broken", () => {
    fc.assert(
      fc.property(pools, (pool) => {
        const plan = planFor(pool);
        expect(pairsOf(pool, plan)).toEqual(replay(pool, plan.moves).after.sort());
        const told = plan.after.flatMap(({ verdicts }, rule) =>
          verdicts.filter(({ broken }) => broken).map(({ hostUuid }) => `${hostUuid} ${rule}`),
        );
        expect(told.sort()).toEqual(pairsOf(pool, plan));
      }),
      runs,
    );
  });

  it("planning again after it moves nothing more where all was cleared", () => {
    fc.assert(
      fc.property(pools, (pool) => {
        const { snapshot, rules } = pool;
        const plan = planFor(pool);
        if (plan.unresolved.length > 0) return;
        const at = new Map(plan.moves.map(({ vm, destination }) => [vm, destination]));
        const moved: Snapshot = {
          ...snapshot,
          hosts: hostsAfter(snapshot, plan.moves),
          placements: snapshot.placements.map((each) => ({
            ...each,
            hostUuid: at.get(each.vmUuid) ?? each.hostUuid,
          })),
        };
        expect(planFor({ snapshot: moved, rules }).moves).toEqual([]);
      }),
      runs,
    );
  });

  it("its steps are found possible again when it is looked at as a saved plan, with the same end", () => {
    fc.assert(
      fc.property(pools, (pool) => {
        const plan = planFor(pool);
        const saved = plan.moves.map((move) => ({ ...move, parked: move.purpose === "waits elsewhere" }));
        const again = recheck(pool.snapshot, pool.rules, saved, options);
        expect("moves" in again && again.moves.map(({ vm }) => vm)).toEqual(plan.moves.map(({ vm }) => vm));
        expect("moves" in again && again.after).toEqual(plan.after);
      }),
      { ...runs, numRuns: someOf(100) },
    );
  });

  it("any order that keeps its waits is as good as its own", () => {
    fc.assert(
      fc.property(pools, fc.infiniteStream(fc.nat()), (pool, draws) => {
        expect(replay(pool, anyOrder(planFor(pool).moves, draws)).faults).toEqual([]);
      }),
      { ...runs, numRuns: someOf(150) },
    );
  });
});

describe("the account of a plan by chains", () => {
  it("evaluates chains as a plain account does", () => {
    fc.assert(
      fc.property(pools, ({ snapshot, rules }) => {
        const told = rules.flatMap((rule, index) =>
          evaluate(snapshot.hosts, rule)
            .verdicts.filter(({ broken }) => broken)
            .map(({ hostUuid }) => `${hostUuid} ${index}`),
        );
        expect(told.sort()).toEqual(new ChainBook(snapshot, rules, 0).broken().sort());
      }),
      runs,
    );
  });

  it("has a bound that no way undercuts, and is the best where it says so: tried through in tiny pools", () => {
    let [optimal, compared] = [0, 0];
    fc.assert(
      fc.property(tinyPools, (pool) => {
        const plan = planFor(pool, { budgetMs: 2000 });
        const left = replay(pool, plan.moves).frozen;
        const ways = allWays(pool);
        const start = new ChainBook(pool.snapshot, pool.rules, headroomBytes).broken(true);
        const clears = ways.filter(({ broken }) =>
          broken.every((pair) => left.includes(pair) || !start.includes(pair)),
        );
        const cheapest = Math.min(...clears.map(({ cost }) => cost));
        const { kind, boundBytes, costBytes } = plan.certificate;
        expect(boundBytes).toBeLessThanOrEqual(cheapest * (1 + 1e-9));
        const fewest = Math.min(...ways.map(({ broken }) => broken.length));
        compared++;
        if (kind !== "optimal") return;
        optimal++;
        expect(left.length).toBe(fewest);
        const best = Math.min(
          ...ways.filter(({ broken }) => broken.length === fewest).map(({ cost }) => cost),
        );
        expect(costBytes).toBeLessThanOrEqual(best * (1 + 1e-9));
      }),
      { ...runs, numRuns: someOf(120) },
    );
    expect(optimal / compared).toBeGreaterThan(0.8);
  });
});

describe("the bound of chains", () => {
  it("is never above the cheapest way that clears what can be cleared, tried through in tiny pools", () => {
    let [compared, chosen] = [0, 0];
    fc.assert(
      fc.property(tinyPools, (pool) => {
        const problem = toProblem(pool.snapshot, pool.rules, options);
        const bounds = new Bounds(problem);
        const ways = allWays(pool);
        const goals = new ChainBook(pool.snapshot, pool.rules, headroomBytes).broken(true);
        const reached = new Set(goals.filter((pair) => ways.some(({ broken }) => !broken.includes(pair))));
        for (let pair = 0; pair < problem.H * problem.R; pair++) {
          if (bounds.unclearable[pair] === 0) continue;
          const rule = pool.rules.indexOf(problem.rules[pair % problem.R] as Rule);
          expect(reached).not.toContain(`${problem.hosts[Math.floor(pair / problem.R)]?.uuid} ${rule}`);
        }
        const all = ways.filter(({ broken }) => broken.every((pair) => !goals.includes(pair)));
        if (goals.length === 0 || all.length === 0) return;
        compared++;
        if (problem.chained) chosen++;
        const cheapest = Math.min(...all.map(({ cost }) => cost));
        expect(bounds.total(() => true)).toBeLessThanOrEqual(cheapest * (1 + 1e-9));
      }),
      { ...runs, numRuns: someOf(200) },
    );
    expect(compared).toBeGreaterThan(someOf(30));
    expect(chosen).toBeGreaterThan(someOf(15));
  });
});

describe("large pools", () => {
  const kind = {
    name: "large",
    hosts: 64,
    vms: 2400,
    unequal: false,
    fill: 0.85,
    rules: 4,
    strict: 0.4,
    hard: false,
  };
  const both = "CpuAverage > 8 AND OccupiedMemoryMb > 20000";
  const sum = "PifEth0RxKb + PifEth0TxKb > 4000";

  it.each([
    [[both]],
    [[sum]],
    [["CpuAverage > 8", sum]],
    [[both, `${sum} AND CpuAverage ABOVE 50`, "VmCount > 6 AND CpuAverage > 4"]],
  ])("of equal hosts are cured of %j at what no plan undercuts", (texts) => {
    const rules = texts.map(rule);
    for (const seed of [1, 2, 3]) {
      const { snapshot } = generate(kind, seed);
      const { certificate, unresolved, moves, before } = planFor({ snapshot, rules }, { budgetMs: 300 });
      expect(
        before.flatMap(({ verdicts }) => verdicts.filter(({ broken }) => broken)).length,
      ).toBeGreaterThan(0);
      expect(unresolved).toEqual([]);
      expect(moves.length).toBeGreaterThan(0);
      expect(certificate.kind).toBe("optimal");
    }
  });
});

interface Way {
  readonly broken: readonly string[];
  readonly cost: number;
}

/** Every state that steps without harm reach, each by the cheapest way. */
function allWays({ snapshot, rules }: ChainPool): readonly Way[] {
  const costs = new Map(snapshot.vms.map((vm) => [vm.uuid as string, vm.copyBytes ?? 0]));
  const open: { moves: readonly BookMove[]; cost: number }[] = [{ moves: [], cost: 0 }];
  const closed = new Set<string>();
  const ways: Way[] = [];
  while (open.length > 0) {
    open.sort((a, b) => b.cost - a.cost);
    const { moves, cost } = open.pop() ?? { moves: [], cost: 0 };
    const book = new ChainBook(snapshot, rules, headroomBytes);
    for (const move of moves) book.move(move);
    if (closed.has(book.place())) continue;
    closed.add(book.place());
    if (!book.endsWorse()) ways.push({ broken: book.broken(true), cost });
    const at = new Map(
      snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid as string, hostUuid as string]),
    );
    for (const { vm, destination } of moves) at.set(vm, destination);
    for (const [vm, source] of at) {
      for (const { uuid: destination } of snapshot.hosts) {
        if (destination === source) continue;
        const next = [...moves, { vm, source, destination }];
        const trial = new ChainBook(snapshot, rules, headroomBytes);
        const faults = next.flatMap((move) => trial.move(move));
        if (faults.length === 0 && !closed.has(trial.place())) {
          open.push({ moves: next, cost: cost + (costs.get(vm) ?? 0) });
        }
      }
    }
  }
  return ways;
}
