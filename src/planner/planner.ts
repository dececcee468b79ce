/**
 * Plans migrations: fewest broken (host, rule) pairs left, then least memory to copy, with a proof of how far from
 * the best the plan may be. Pure: reads nothing but its arguments, decides nothing by time or chance.
 *
 * The way: bound what no plan undercuts; relieve host after host by the cheapest set of VMs that clears it; take back
 * what nothing needs; repair by ruin and recreate until proved or out of budget; search tiny pools through; order the
 * moves so that each step is possible.
 */
import { absence, evaluate } from "../deviation.ts";
import type { Snapshot } from "../pool.ts";
import type { Rule } from "../rule.ts";
import { Bounds } from "./bound.ts";
import { isTiny, searchExactly, searchFewest } from "./exact.ts";
import { explain } from "./explain.ts";
import { orderSteps, type Step } from "./order.ts";
import { hostsAfter, toMoves } from "./outcome.ts";
import type { Certificate, Plan, PlanOptions, Unresolved } from "./plan.ts";
import { inOrder, type Problem, toProblem } from "./problem.ts";
import { Random } from "./random.ts";
import { better, Repair } from "./repair.ts";
import { schedule, type Transfer } from "./schedule.ts";
import { forbidden, State } from "./state.ts";
import { waitsOf } from "./waits.ts";

const defaults = {
  seed: 1,
  rounds: 500,
  transfersPerHost: 2,
  bytesPerSecond: 110_000_000,
};
/** Rounds of repair before a tiny pool is searched through, and the states that search opens at most. */
const roundsBeforeExact = 200;
const openedStates = 20_000;

/** The plan for `pool` under `rules`: the same input and seed give the same plan, in whatever order its lists come. */
export function planMigrations(pool: Snapshot, rules: readonly Rule[], options: PlanOptions): Plan {
  const snapshot = inOrder(pool);
  const found = solve(snapshot, rules, options);
  if ((options.targetFraction ?? 1) >= 1 || found.unresolved.length === 0) return found.plan();
  // Where the margin cannot be had everywhere, the rules themselves come first.
  const bare = solve(snapshot, rules, { ...options, targetFraction: 1 });
  return bare.unresolved.length < found.unresolved.length ? bare.plan() : found.plan();
}

interface Solved {
  readonly unresolved: readonly number[];
  readonly plan: () => Plan;
}

function solve(snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions): Solved {
  const problem = toProblem(snapshot, rules, options);
  const state = new State(problem);
  const bounds = new Bounds(problem);
  const result = search(state, bounds, options);
  goThrough(state, result.steps);
  const unresolved: number[] = [];
  for (let pair = 0; pair < problem.H * problem.R; pair++) if (state.breaks(pair)) unresolved.push(pair);
  return { unresolved, plan: () => toPlan(snapshot, rules, options, { state, bounds, result, unresolved }) };
}

interface Found {
  readonly steps: readonly Step[];
  readonly rounds: number;
  /** Pairs left that were not proved to be unclearable one by one. */
  readonly open: number;
  /** The exact search proved that nothing leaves fewer pairs, and nothing as few at less cost. */
  readonly optimal: boolean;
}

function search(state: State, bounds: Bounds, options: PlanOptions): Found {
  const more = () => true;
  const rounds = options.rounds ?? defaults.rounds;
  const repair = new Repair(state, bounds, new Random(options.seed ?? defaults.seed), more);
  repair.first();
  const { H, V } = state.problem;
  const tiny = isTiny(H, V);
  repair.run(tiny ? Math.min(rounds, roundsBeforeExact) : rounds);
  if (tiny && !repair.proved() && rounds > 0) {
    const exact = finish(state, bounds, repair, more);
    if (exact !== null) return exact;
    repair.run(rounds - roundsBeforeExact);
  }
  const { steps } = orderSteps(state, repair.best.moves);
  return { steps, rounds: repair.rounds, open: repair.best.left - repair.hopeless, optimal: false };
}

/** Searches a tiny pool through; null when that ended without a result. */
function finish(state: State, bounds: Bounds, repair: Repair, more: () => boolean): Found | null {
  const { best, hopeless, rounds } = repair;
  const cleared = best.left === hopeless;
  const limit = cleared ? best.cost : Number.POSITIVE_INFINITY;
  const exact = searchExactly(state, bounds, hopeless, limit, openedStates, more);
  if (!exact.exhausted) return null;
  if (exact.steps !== null) return { steps: exact.steps, rounds, open: 0, optimal: true };
  if (cleared) return { steps: orderSteps(state, best.moves).steps, rounds, open: 0, optimal: true };
  const fewest = searchFewest(state, bounds, openedStates, more);
  if (!fewest.exhausted && !better(fewest, best)) return null;
  return { steps: fewest.steps, rounds, open: fewest.left - hopeless, optimal: fewest.exhausted };
}

function goThrough(state: State, steps: readonly Step[]): void {
  state.reset();
  for (const { vm, to } of steps) state.move(vm, to);
}

interface Work {
  readonly state: State;
  readonly bounds: Bounds;
  readonly result: Found;
  readonly unresolved: readonly number[];
}

function toPlan(snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions, work: Work): Plan {
  const { state, result } = work;
  const certificate = certify(work);
  goThrough(state, result.steps);
  const unresolved = explainAll(snapshot, work);
  const steps = prefix(state, result.steps, options.maxMoves);
  const transfers = transfersOf(state.problem, steps, options);
  const times = schedule(transfers, options.transfersPerHost ?? defaults.transfersPerHost);
  const moves = toMoves(state, steps, transfers, times.starts);
  const hosts = hostsAfter(snapshot, moves);
  return {
    moves,
    before: rules.map((rule) => evaluate(snapshot.hosts, rule)),
    after: rules.map((rule) => evaluate(hosts, rule)),
    unresolved,
    absent: snapshot.hosts.flatMap((host) => {
      const reason = absence(host);
      return reason === null ? [] : [{ host: host.uuid, reason }];
    }),
    limited: steps.length < result.steps.length,
    certificate,
    seconds: times.seconds,
    secondsBound: times.bound,
    rounds: result.rounds,
  };
}

/** The first `most` steps; fewer where stopping there would leave a pair worse than it was. */
function prefix(state: State, steps: readonly Step[], most: number): readonly Step[] {
  let length = Math.min(steps.length, Math.max(0, most));
  while (length > 0 && length < steps.length) {
    goThrough(state, steps.slice(0, length));
    if (state.left() < forbidden) break;
    length--;
  }
  return steps.slice(0, length);
}

function transfersOf(problem: Problem, steps: readonly Step[], options: PlanOptions): Transfer[] {
  const perSecond = options.bytesPerSecond ?? defaults.bytesPerSecond;
  const waits = waitsOf(problem, steps);
  return steps.map(({ vm, from, to }, index) => {
    const [moved, source, destination] = [problem.vms[vm], problem.hosts[from], problem.hosts[to]];
    let seconds = (problem.cost[vm] ?? 0) / perSecond;
    if (moved !== undefined && source !== undefined && destination !== undefined) {
      const known = options.secondsOf?.(moved, source.uuid, destination.uuid) ?? Number.NaN;
      if (Number.isFinite(known) && known >= 0) seconds = known;
    }
    return { vm, from, to, seconds, after: waits[index] ?? [] };
  });
}

/** `state` stands where the plan ends. */
function certify({ state, bounds, result }: Work): Certificate {
  const costBytes = result.steps.reduce((sum, { vm }) => sum + (state.problem.cost[vm] ?? 0), 0);
  goThrough(state, result.steps);
  const shedding = bounds.total((pair) => !state.isOver(pair));
  const boundBytes = result.optimal ? costBytes : Math.min(costBytes, shedding);
  const cheapest = result.open === 0 && costBytes <= boundBytes * (1 + 1e-12);
  return {
    kind: result.optimal || cheapest ? "optimal" : "bounded",
    boundBytes,
    costBytes,
    gap: boundBytes > 0 ? costBytes / boundBytes - 1 : 0,
  };
}

function explainAll(snapshot: Snapshot, { state, bounds, result, unresolved }: Work): Unresolved[] {
  const { problem } = state;
  const absent = snapshot.hosts.filter((host) => absence(host) !== null).map(({ uuid }) => uuid);
  // What cannot reach the aim may still be able to keep the threshold: proofs of what stays broken are about that.
  const same = problem.aim.every((aim, r) => aim === problem.allowed[r]);
  const proofs = same ? bounds : new Bounds({ ...problem, aim: problem.allowed });
  // Of one goal alone: that nothing clears all is that nothing clears it.
  const alone = result.optimal && result.open === 1 && goals(problem, bounds) === 1;
  return unresolved.flatMap((pair) => {
    const [h, r] = [Math.floor(pair / problem.R), pair % problem.R];
    const [host, rule] = [problem.hosts[h], problem.rules[r]];
    if (host === undefined || rule === undefined) return [];
    const proved = proofs.unclearable[pair] === 1 || (alone && same);
    const { reason, refusals } = explain(state, h, r, proved, absent);
    const value = state.load[pair] ?? 0;
    return [{ host: host.uuid, rule, value, mean: state.mean(r), proved, reason, refusals }];
  });
}

/** Broken pairs that no bound proves to be hopeless. */
function goals({ broken }: Problem, { unclearable }: Bounds): number {
  return broken.reduce((sum, each, pair) => sum + (each === 1 && unclearable[pair] === 0 ? 1 : 0), 0);
}
