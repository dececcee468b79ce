/** Assesses moves that were planned from an earlier snapshot: what the pool as it is now says to each. Pure. */
import { withDerived } from "../../domain/derived.ts";
import { absence, evaluate } from "../../domain/deviation.ts";
import type { Snapshot, Uuid } from "../../domain/pool.ts";
import type { Rule } from "../../domain/rule.ts";
import type { Certificate, Plan, PlanOptions, RefusalCode } from "../plan.ts";
import { scheduleOf, transfersOf } from "../planner.ts";
import { inOrder, type Problem, toProblem } from "../problem.ts";
import { Bounds } from "../search/bound.ts";
import { State } from "../state.ts";
import { describe } from "../tell/explain.ts";
import { hostsAfter, toMoves } from "../tell/outcome.ts";
import { reasonsOf } from "../tell/reason.ts";
import type { Step } from "./order.ts";
import { unwanted } from "./wanted.ts";

/** A move as it was planned. */
export interface EarlierMove {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  /** It waits there for its own place, or until others have passed. */
  readonly parked: boolean;
}

/** Why the move of this index cannot be made any more, when those before it are done. */
export interface Objection {
  readonly index: number;
  readonly reason: string;
}

/**
 * Exactly these moves in this order, with the figures that they have now; or what stands against the first that is not
 * possible, or would break a rule, or would make a broken one worse, or that no rule wants.
 */
export function recheck(
  pool: Snapshot,
  rules: readonly Rule[],
  moves: readonly EarlierMove[],
  options: PlanOptions,
): Plan | Objection {
  const snapshot = withDerived(inOrder(pool));
  // The thresholds themselves: that a plan aims lower is no reason to refuse what keeps them.
  const problem = toProblem(snapshot, rules, { ...options, targetFraction: 1 });
  const state = new State(problem);
  const steps = stepsOf(problem, state, moves);
  if ("index" in steps) return steps;
  // Whether a breach has lasted long enough to act on was asked when the plan was made.
  const aims = new State(toProblem(snapshot, rules, { ...options, suppressed: () => false }));
  const limits = new State(
    toProblem(snapshot, rules, { ...options, targetFraction: 1, suppressed: () => false }),
  );
  const index = unwanted(limits, aims, steps);
  if (index >= 0) return { index, reason: "no rule wants it: without it no rule is broken more" };
  return toPlan(snapshot, rules, options, state, steps);
}

/**
 * The moves as steps from where things stand, each possible when those before it are made, or what stands against the
 * first that is not; `state` stands behind the last of them.
 */
export function stepsOf(
  problem: Problem,
  state: State,
  moves: readonly EarlierMove[],
): readonly Step[] | Objection {
  const steps: Step[] = [];
  const made = new Int32Array(problem.H);
  for (const [index, move] of moves.entries()) {
    const step = stepOf(problem, state, move);
    if (typeof step === "string") return { index, reason: step };
    const reason = countMove(problem, made, step);
    if (reason !== null) return { index, reason };
    state.move(step.vm, step.to);
    steps.push(step);
  }
  return steps;
}

/** Counts the step at its hosts; why one of them may take part in no more, else null. */
function countMove({ hosts, movesLeft }: Problem, made: Int32Array, { from, to }: Step): string | null {
  for (const h of [from, to]) {
    made[h] = (made[h] ?? 0) + 1;
    if ((made[h] ?? 0) <= (movesLeft[h] ?? 0)) continue;
    return `${hosts[h]?.name || hosts[h]?.uuid} may take part in no more moves for now, limit ${movesLeft[h]}`;
  }
  return null;
}

/** The move as a step from where things stand, or why it cannot be one. */
function stepOf(problem: Problem, state: State, move: EarlierMove): Step | string {
  const from = problem.hosts.findIndex(({ uuid }) => uuid === move.source);
  const to = problem.hosts.findIndex(({ uuid }) => uuid === move.destination);
  if (to < 0) return "the destination takes no part";
  const vm = problem.vms.findIndex(({ uuid }) => uuid === move.vm);
  if (vm < 0) {
    const stuck = problem.stuck.find((each) => each.vm.uuid === move.vm);
    return stuck?.reason ?? "its host takes no part";
  }
  if (from < 0 || state.at[vm] !== from) return "it is on another host by then";
  if (from === to) return "source and destination are the same";
  if (state.stepFits(vm, to)) return { vm, from, to, parked: move.parked };
  return describe(state, vm, to, stepObstacle(state, vm, to));
}

function stepObstacle(state: State, v: number, d: number): RefusalCode {
  const { H, shut, closed, need } = state.problem;
  if (shut.length > 0 && shut[v * H + d] === 1) return closed.get(v * H + d)?.code ?? "bar";
  const free = state.free[d] ?? 0;
  if (free === Number.NEGATIVE_INFINITY) return "unknown";
  if (free < (need[v] ?? 0)) return "memory";
  return state.fullGroup(v, d) >= 0 ? "apart" : "rule";
}

function toPlan(
  snapshot: Snapshot,
  rules: readonly Rule[],
  options: PlanOptions,
  state: State,
  steps: readonly Step[],
): Plan {
  const certificate = certificateOf(state, steps);
  const transfers = transfersOf(state.problem, steps, options);
  const times = scheduleOf(transfers, options);
  // What they were planned for, the aim included.
  const reasons = reasonsOf(new State(toProblem(snapshot, rules, options)), steps);
  const moves = toMoves(state, steps, reasons, transfers, times.starts);
  const after = rules.map((rule) => evaluate(hostsAfter(snapshot, moves), rule));
  return {
    moves,
    before: rules.map((rule) => evaluate(snapshot.hosts, rule)),
    after,
    unresolved: after.flatMap(({ rule, means, verdicts }) =>
      verdicts
        .filter(({ broken }) => broken)
        .map(({ hostUuid, value, term }) => ({
          host: hostUuid,
          rule,
          ...(term > 0 ? { term } : {}),
          value,
          mean: means[term] ?? 0,
          proved: false,
          proof: null,
          reason: "these moves do not bring it under the threshold",
          refusals: [],
        })),
    ),
    absent: snapshot.hosts.flatMap((host) => {
      const reason = absence(host);
      return reason === null ? [] : [{ host: host.uuid, reason }];
    }),
    limited: false,
    spent: [],
    certificate,
    seconds: times.seconds,
    secondsBound: times.bound,
    rounds: 0,
    searched: false,
  };
}

/** By what no plan undercuts that clears the pairs which these moves clear; `state` stands after the last. */
function certificateOf(state: State, steps: readonly Step[]): Certificate {
  const costBytes = steps.reduce((sum, { vm }) => sum + (state.problem.cost[vm] ?? 0), 0);
  const shedding = new Bounds(state.problem).total((pair) => !state.isOver(pair));
  const boundBytes = Math.min(costBytes, shedding);
  return { kind: "bounded", boundBytes, costBytes, gap: boundBytes > 0 ? costBytes / boundBytes - 1 : 0 };
}
