/**
 * Plans migrations: fewest broken (host, rule) pairs left, then least memory to copy, with a proof of how far from
 * the best the plan may be. Pure: reads nothing but its arguments, decides nothing by time or chance.
 *
 * The way: bound what no plan undercuts; relieve host after host by the cheapest set of VMs that clears it; take back
 * what nothing needs; repair by ruin and recreate until proved or out of budget; search tiny pools through; order the
 * moves so that each step is possible.
 */
import { withDerived } from "../domain/derived.ts";
import { absence, evaluate } from "../domain/deviation.ts";
import type { Host, Snapshot } from "../domain/pool.ts";
import type { Rule } from "../domain/rule.ts";
import type { Certificate, Plan, PlanOptions, Proof, SwapOffer, Unresolved } from "./plan.ts";
import { byUuid, countRules, inOrder, type Problem, toProblem } from "./problem.ts";
import { Bounds } from "./search/bound.ts";
import { isTiny, searchExactly, searchFewest } from "./search/exact.ts";
import { isFruitless, searchBefore, searchedOf } from "./search/fruitless.ts";
import { Random } from "./search/random.ts";
import { better, Repair, type Solution } from "./search/repair.ts";
import { findSwap, type Swap } from "./search/swap.ts";
import { Work } from "./search/work.ts";
import { State } from "./state.ts";
import type { PlannedTransfer } from "./steps/makespan.ts";
import { tidied } from "./steps/needed.ts";
import { orderSteps, type Step } from "./steps/order.ts";
import { areWithin, beginning } from "./steps/prefix.ts";
import { type Schedule, schedule } from "./steps/schedule.ts";
import { waitsOf } from "./steps/waits.ts";
import { explain } from "./tell/explain.ts";
import { measured, placeOf } from "./tell/figures.ts";
import { hostsAfter, toMoves } from "./tell/outcome.ts";
import { type Reason, reasonsOf } from "./tell/reason.ts";
import { offerOf, swapReasons } from "./tell/swaps.ts";

export const defaults = { seed: 1, budgetMs: 300, transfersPerHost: 2, bytesPerSecond: 110_000_000 };
/** Rounds of repair before a tiny pool is searched through, and the states that search opens at most. */
const roundsBeforeExact = 200;
const openedStates = 20_000;
/** What the search for VMs that could change places may spend. */
const swapMs = 20;

/** The plan for `pool` under `rules`: the same input and seed give the same plan, in whatever order its lists come. */
export function planMigrations(pool: Snapshot, rules: readonly Rule[], options: PlanOptions): Plan {
  if (rules.length === 0) return planOfNoRules(pool);
  const { searchedBefore, budgetMs = defaults.budgetMs } = options;
  if (searchedBefore === undefined) return planWithin(budgetMs, pool, rules, options);
  const before = searchBefore(searchedBefore, pool, rules, options, budgetMs);
  const plan = planWithin(before?.milliseconds ?? budgetMs, pool, rules, options);
  if (!isFruitless(plan)) return plan;
  if (before !== null) return { ...plan, searchBefore: before };
  return { ...plan, fruitless: searchedOf(pool, rules, options) };
}

function planWithin(budgetMs: number, pool: Snapshot, rules: readonly Rule[], options: PlanOptions): Plan {
  const snapshot = withDerived(inOrder(pool));
  const work = new Work(budgetMs);
  const attempt = new PlanAttempt(snapshot, rules, options, work);
  if ((options.targetFraction ?? 1) >= 1) return attempt.goOn().plan();
  work.allow(0.5);
  const unresolved = attempt.goOn().unresolved().length;
  work.allow(1);
  if (unresolved === 0) return attempt.goOn().plan();
  // Where the margin cannot be had everywhere, the rules themselves come first.
  const bare = new PlanAttempt(snapshot, rules, { ...options, targetFraction: 1 }, work).goOn();
  return bare.unresolved().length < unresolved ? bare.plan() : attempt.plan(bare);
}

/** Nothing is to be done, and nothing could be better. */
function planOfNoRules({ hosts }: Snapshot): Plan {
  return {
    moves: [],
    before: [],
    after: [],
    unresolved: [],
    absent: absentOf(hosts.toSorted(byUuid)),
    limited: false,
    spent: [],
    certificate: { kind: "optimal", boundBytes: 0, costBytes: 0, gap: 0 },
    seconds: 0,
    secondsBound: 0,
    rounds: 0,
    searched: false,
  };
}

/** The hosts that take no part, with the reasons. */
function absentOf(hosts: readonly Host[]): Plan["absent"] {
  return hosts.flatMap((host) => {
    const reason = absence(host);
    return reason === null ? [] : [{ host: host.uuid, reason }];
  });
}

interface FoundSteps {
  readonly steps: readonly Step[];
  /** Pairs left that were not proved to be unclearable one by one. */
  readonly open: number;
  /** The exact search proved that nothing leaves fewer pairs, and nothing as few at less cost. */
  readonly optimal: boolean;
}

/** The search for one plan; it can be interrupted and go on. */
class PlanAttempt {
  readonly #snapshot: Snapshot;
  readonly #rules: readonly Rule[];
  readonly #options: PlanOptions;
  readonly #work: Work;
  readonly #state: State;
  readonly #bounds: Bounds;
  readonly #repair: Repair;
  #begun = false;
  #searched = false;
  #exact: FoundSteps | null = null;
  /** Of the search as far as it has come: the way is put in order and tidied once. */
  #found: FoundSteps | null = null;

  constructor(snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions, work: Work) {
    const problem = toProblem(snapshot, rules, options);
    this.#snapshot = snapshot;
    this.#rules = rules;
    this.#options = options;
    this.#work = work;
    this.#state = new State(problem, work);
    this.#bounds = new Bounds(problem, work);
    this.#repair = new Repair(this.#state, this.#bounds, new Random(options.seed ?? defaults.seed), work);
  }

  /** Searches until the plan is proved to be the best, or what is allowed of the budget is spent. */
  goOn(): this {
    this.#found = null;
    const rounds = (this.#options.rounds ?? Number.POSITIVE_INFINITY) - this.#repair.rounds;
    if (!this.#begun) {
      this.#repair.first();
      if (this.#options.earlyProofs ?? true) this.#repair.proveLeft();
    }
    this.#begun = true;
    const { H, V } = this.#state.problem;
    if (!isTiny(H, V)) this.#repair.run(rounds);
    else if (this.#exact === null) this.#goOnTiny(rounds);
    return this;
  }

  #goOnTiny(rounds: number): void {
    const before = Math.max(0, Math.min(rounds, roundsBeforeExact - this.#repair.rounds));
    this.#repair.run(before);
    if (this.#repair.proved() || rounds <= 0) return;
    if (!this.#searched && this.#work.more()) {
      this.#searched = true;
      this.#exact = finish(this.#state, this.#bounds, this.#repair, this.#work);
    }
    if (this.#exact === null) this.#repair.run(rounds - before);
  }

  /** Pairs that stay broken. */
  unresolved(): readonly number[] {
    const { H, R, first } = this.#state.problem;
    goThrough(this.#state, this.#result().steps);
    return [...new Array(H * R).keys()].filter(
      (pair) => first[pair % R] === pair % R && this.#state.breaks(pair),
    );
  }

  #result(): FoundSteps {
    if (this.#exact !== null) return this.#exact;
    const { best, hopeless } = this.#repair;
    this.#found ??= {
      steps: wayTo(this.#state, best, this.#work),
      open: best.left - hopeless,
      optimal: false,
    };
    return this.#found;
  }

  /** Whether it is known that no plan leaves fewer pairs: everything was tried, or it is proved. */
  isExhausted(): boolean {
    const { best, hopeless } = this.#repair;
    return this.#exact?.optimal ?? best.left === hopeless;
  }

  /** `bare` is the search that aims at the thresholds themselves, where this one aims lower and left pairs above them. */
  plan(bare: PlanAttempt | null = (this.#options.targetFraction ?? 1) >= 1 ? this : null): Plan {
    const result = this.#result();
    const unresolved = this.unresolved();
    return toPlan(this.#snapshot, this.#rules, this.#options, {
      state: this.#state,
      bounds: this.#bounds,
      rounds: this.#repair.rounds,
      result,
      unresolved,
      exhausted: bare?.isExhausted() ?? false,
      proofs: (bare ?? this).#bounds,
      searched: this.#hasSearched() || (bare ?? this).#hasSearched(),
    });
  }

  /** Whether it went on from its first plans. */
  #hasSearched(): boolean {
    return this.#repair.rounds > 0 || this.#searched;
  }
}

/** Searches a tiny pool through; null when that ended without a result. */
function finish(state: State, bounds: Bounds, repair: Repair, work: Work): FoundSteps | null {
  const { best, hopeless } = repair;
  const cleared = best.left === hopeless;
  const limit = cleared ? best.cost : Number.POSITIVE_INFINITY;
  const exact = searchExactly(state, bounds, hopeless, limit, openedStates, work);
  if (!exact.exhausted) return null;
  // The exact search does not know of hosts' limits of moves; what keeps them anyway is no less the best.
  const { movesLeft } = state.problem;
  if (exact.steps !== null) {
    return areWithin(exact.steps, movesLeft) ? { steps: exact.steps, open: 0, optimal: true } : null;
  }
  if (cleared) return { steps: wayTo(state, best, work), open: 0, optimal: true };
  const fewest = searchFewest(state, bounds, openedStates, work);
  if (!fewest.exhausted && !better(fewest, best)) return null;
  if (!areWithin(fewest.steps, movesLeft)) return null;
  return { steps: fewest.steps, open: fewest.left - hopeless, optimal: fewest.exhausted };
}

/** The steps to the solution. */
function wayTo(state: State, { moves, steps }: Solution, work: Work): readonly Step[] {
  return tidied(state, steps ?? orderSteps(state, moves, work).steps);
}

function goThrough(state: State, steps: readonly Step[]): void {
  state.reset();
  for (const { vm, to } of steps) state.move(vm, to);
}

interface PlannedSteps {
  readonly state: State;
  readonly bounds: Bounds;
  readonly rounds: number;
  readonly result: FoundSteps;
  readonly unresolved: readonly number[];
  readonly exhausted: boolean;
  /** Of what stays above the thresholds themselves. */
  readonly proofs: Bounds;
  readonly searched: boolean;
}

function toPlan(
  snapshot: Snapshot,
  rules: readonly Rule[],
  options: PlanOptions,
  planned: PlannedSteps,
): Plan {
  const { state, result, rounds, searched } = planned;
  const most = Math.max(0, options.maxMoves);
  const first = beginning(state, result.steps, waitsOf(state.problem, result.steps), most);
  const isWhole = first.length === result.steps.length;
  const room = isWhole && options.momentaryWorsening ? most - first.length : 0;
  goThrough(state, result.steps);
  const swaps = chooseSwaps(planned, room);
  const certificate = certify(planned, swaps);
  const unresolved = explainAll(snapshot, planned, (swap) => offerOf(state, swap, secondsOf(swap)));
  const steps = first.steps.slice(0, first.length);
  const reasons = [
    ...reasonsOf(state, first.steps).slice(0, first.length),
    ...reasonsFor(state, steps, swaps),
  ];
  const transfers = withSwaps(transfersOf(state.problem, steps, options), swaps, state.problem, options);
  const times = scheduleOf(transfers, options);
  const all = [...steps, ...swaps.flatMap((swap) => swap.steps)];
  const moves = toMoves(state, all, reasons, transfers, times.starts);
  const hosts = hostsAfter(snapshot, moves);
  return {
    moves,
    before: rules.map((rule) => evaluate(snapshot.hosts, rule)),
    after: rules.map((rule) => evaluate(hosts, rule)),
    unresolved,
    absent: absentOf(snapshot.hosts),
    limited: !isWhole,
    spent: first.spent.flatMap((h) => state.problem.hosts[h]?.uuid ?? []),
    certificate: unresolved.every(({ proof }) => proof !== null)
      ? certificate
      : { ...certificate, kind: "bounded" },
    seconds: times.seconds,
    secondsBound: times.bound,
    rounds,
    searched,
  };

  function secondsOf({ steps: [, second] }: Swap): number {
    return secondsOfStep(state.problem, second, options);
  }
}

/** The swaps that clear what the steps leave, one after the other, as far as `room` moves go; `state` ends behind them. */
function chooseSwaps({ state, bounds, result, unresolved }: PlannedSteps, room: number): readonly Swap[] {
  const work = new Work(swapMs);
  const swaps: Swap[] = [];
  for (const pair of unresolved) {
    if (2 * swaps.length + 2 > room || !state.isOver(pair) || bounds.unclearable[pair] === 1) continue;
    const swap = findSwap(state, state.easiest(pair), work);
    if (swap === null) continue;
    const all = [...result.steps, ...swaps.flatMap(({ steps }) => steps), ...swap.steps];
    if (!areWithin(all, state.problem.movesLeft)) continue;
    for (const { vm, to } of swap.steps) state.move(vm, to);
    swaps.push(swap);
  }
  return swaps;
}

/** The reasons of the swaps, which follow `steps`; `state` ends behind them all. */
function reasonsFor(state: State, steps: readonly Step[], swaps: readonly Swap[]): Reason[] {
  goThrough(state, steps);
  return swaps.flatMap((swap) => {
    const reasons = swapReasons(state, swap);
    for (const { vm, to } of swap.steps) state.move(vm, to);
    return reasons;
  });
}

/** The transfers with those of the swaps: each waits for all before it at its hosts, its second for its first. */
function withSwaps(
  transfers: readonly PlannedTransfer[],
  swaps: readonly Swap[],
  problem: Problem,
  options: PlanOptions,
): readonly PlannedTransfer[] {
  const all = [...transfers];
  for (const step of swaps.flatMap(({ steps }) => steps)) {
    const ends = [step.from, step.to];
    const after = all.flatMap(({ from, to }, index) =>
      ends.includes(from) || ends.includes(to) ? [index] : [],
    );
    const { vm, from, to } = step;
    all.push({ vm, from, to, seconds: secondsOfStep(problem, step, options), after });
  }
  return all;
}

/** When each would run within the slots of the options. */
export function scheduleOf(transfers: readonly PlannedTransfer[], options: PlanOptions): Schedule {
  return schedule(transfers, options.transfersPerHost ?? defaults.transfersPerHost, options.transfersInPool);
}

/** The steps with what they wait for and how long they take. */
export function transfersOf(
  problem: Problem,
  steps: readonly Step[],
  options: PlanOptions,
): PlannedTransfer[] {
  const waits = waitsOf(problem, steps);
  return steps.map((step, index) => {
    const { vm, from, to } = step;
    return { vm, from, to, seconds: secondsOfStep(problem, step, options), after: waits[index] ?? [] };
  });
}

/** How long the transfer takes, in seconds. */
export function secondsOfStep(
  problem: Problem,
  { vm, from, to }: Pick<Step, "vm" | "from" | "to">,
  options: PlanOptions,
): number {
  const [moved, source, destination] = [problem.vms[vm], problem.hosts[from], problem.hosts[to]];
  if (moved !== undefined && source !== undefined && destination !== undefined) {
    const known = options.secondsOf?.(moved, source.uuid, destination.uuid) ?? Number.NaN;
    if (Number.isFinite(known) && known >= 0) return known;
  }
  return (problem.cost[vm] ?? 0) / (options.bytesPerSecond ?? defaults.bytesPerSecond);
}

/** `state` stands where the plan ends. */
function certify({ state, bounds, result }: PlannedSteps, swaps: readonly Swap[]): Certificate {
  const { cost } = state.problem;
  const moved = swaps.reduce((sum, swap) => sum + swap.cost, 0);
  const costBytes = result.steps.reduce((sum, { vm }) => sum + (cost[vm] ?? 0), moved);
  const shedding = bounds.total((pair) => !state.isOver(pair));
  const optimal = result.optimal && swaps.length === 0;
  const boundBytes = optimal ? costBytes : Math.min(costBytes, shedding);
  // Where it is not known which pair must stay, leaving another one might cost less.
  const least = bounds.oneMoreStays ? 0 : boundBytes;
  const cheapest = result.open <= swaps.length && costBytes <= least * (1 + 1e-12);
  return {
    kind: optimal || cheapest ? "optimal" : "bounded",
    boundBytes,
    costBytes,
    gap: boundBytes > 0 ? costBytes / boundBytes - 1 : 0,
  };
}

/** `state` stands where the plan ends. */
function explainAll(
  snapshot: Snapshot,
  { state, proofs, unresolved, exhausted }: PlannedSteps,
  offer: (swap: Swap) => SwapOffer | null,
): Unresolved[] {
  const { problem } = state;
  const absent = snapshot.hosts.filter((host) => absence(host) !== null).map(({ uuid }) => uuid);
  const left = unresolved.filter((pair) => state.breaks(pair));
  const open = left.filter((pair) => proofs.hopeless[pair] === 0);
  // Of one goal alone: that nothing clears all is that nothing clears it.
  const alone = exhausted && open.length === 1 && goals(problem, proofs) === 1;
  const work = new Work(swapMs);
  return left.flatMap((pair) => {
    // Of a chain the term that is nearest to being kept speaks for it.
    const easiest = state.easiest(pair);
    const [h, r] = [Math.floor(pair / problem.R), easiest % problem.R];
    const [host, rule] = [problem.hosts[h], problem.rules[r]];
    if (host === undefined || rule === undefined) return [];
    const isImpossible = proofs.unclearable[pair] === 1;
    const itself = proofs.hopeless[pair] === 1 || alone;
    const proof: Proof | null = isImpossible ? "impossible" : itself || exhausted ? "no order" : null;
    const noRoom = proofs.refuted[pair] === 1;
    const { reason, refusals } = explain(state, h, r, absent, { proof, alone: itself, noRoom });
    const found = isImpossible ? null : findSwap(state, easiest, work);
    const swap = found === null ? null : offer(found);
    const value = measured(problem, r, state.load[easiest] ?? 0);
    const figures = { ...placeOf(problem, r), value, mean: state.mean(r) };
    const proved = itself;
    return [
      {
        host: host.uuid,
        rule,
        ...figures,
        proved,
        proof,
        reason,
        refusals,
        ...(swap === null ? {} : { swap }),
      },
    ];
  });
}

/** Broken pairs that no bound proves to be hopeless. */
function goals(problem: Problem, { hopeless }: Bounds): number {
  const { broken } = problem;
  return countRules(
    problem,
    broken.map((each, pair) => (each === 1 && hopeless[pair] === 0 ? 1 : 0)),
  );
}
