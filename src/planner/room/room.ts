/**
 * Plans how room is made for a VM that is to start: least copied, of equals the fewest moves, and never a rule broken, or
 * broken worse, by any step. Pure: reads nothing but its arguments, decides nothing by time or chance.
 *
 * The way: what no plan undercuts on each host; host after host, the cheapest VMs away and others after them where that
 * needs room itself; tiny pools are searched through. Where a rule serves VMs, the same VMs then go where they wait least.
 */
import { withDerived } from "../../domain/derived.ts";
import { absence, evaluate } from "../../domain/deviation.ts";
import type { Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import type { Rule } from "../../domain/rule.ts";
import { bytes } from "../../text/format.ts";
import { CpuWaits } from "../evacuate/waits.ts";
import { rankHosts } from "../place/rank.ts";
import type { Ranking, RankOptions, RefusedHost } from "../place/ranking.ts";
import { wantedAfter } from "../place/served.ts";
import type { Certificate, Plan, PlanOptions } from "../plan.ts";
import { defaults, scheduleOf, transfersOf } from "../planner.ts";
import { inOrder, type Problem, toProblem } from "../problem.ts";
import { Bounds } from "../search/bound.ts";
import { isTiny } from "../search/exact.ts";
import { Random } from "../search/random.ts";
import { Rehousing } from "../search/rehouse.ts";
import { Spread } from "../search/spread.ts";
import { Work } from "../search/work.ts";
import { State } from "../state.ts";
import type { Step } from "../steps/order.ts";
import { hostsAfter } from "../tell/outcome.ts";
import { RoomBounds } from "./bounds.ts";
import { searchRoom } from "./exact.ts";
import { type GuestProblem, placedAfter, wantedOn, withGuest } from "./guest.ts";
import { withLeastWaits } from "./leastWaits.ts";
import { needed } from "./needed.ts";
import { toRoomMoves } from "./roomMoves.ts";

export type RoomOptions = PlanOptions & RankOptions;

/** The moves after which the VM can start. Its evaluations are of the pool without it. */
export interface RoomPlan extends Plan {
  /** Bytes that a host must have free, as xapi counts them; null where unknown. */
  readonly needBytes: number | null;
  /** The host that is best for the VM when the moves are done; null where it can start nowhere then. */
  readonly target: Uuid | null;
  /** Every host for the VM when the moves are done. */
  readonly ranking: Ranking;
  /** Where it can start nowhere: what stands against room on each host, one by one. */
  readonly obstacles: readonly RefusedHost[];
  /** Where it can start nowhere: whether no moves whatever could change that. */
  readonly proved: boolean;
}

/** States that the search through a tiny pool opens at most. */
const openedStates = 20_000;

/**
 * The plan after which `vm`, which does not run, can start in `pool`: without moves where it can already. `vm` is one of the
 * pool's, or one of nobody's (`vmOfSize`). The same input and seed give the same plan, in whatever order its lists come;
 * the options' limit of moves does not cut it.
 */
export function planRoom(pool: Snapshot, rules: readonly Rule[], vm: Vm, options: RoomOptions): RoomPlan {
  const snapshot = withDerived(inOrder(pool));
  const ranking = rankHosts(snapshot, rules, vm, options);
  const planned = { snapshot, rules, vm, options };
  if (ranking.places.length > 0 || vm.placementBytes === null) return withoutMoves(planned, ranking, true);
  const targets = new Set(ranking.refused.flatMap(({ host, code }) => (code === "memory" ? [host] : [])));
  if (targets.size === 0) return withoutMoves(planned, ranking, true);
  const work = new Work(options.budgetMs ?? defaults.budgetMs);
  // The thresholds themselves: making room asks for no margin.
  const problem = toProblem(snapshot, rules, { ...options, targetFraction: 1 });
  if (problem.H === 0) return withoutMoves(planned, ranking, true);
  const guest = withGuest(problem, vm, targets, options.headroomBytes);
  const bounds = new RoomBounds(guest, new Bounds(guest.problem, work), work);
  const found = search(guest, bounds, options, work);
  if (found.steps === null) {
    return {
      ...withoutMoves(planned, ranking, found.proved),
      obstacles: obstaclesOf(ranking, guest, bounds),
    };
  }
  const { serve } = options;
  const steps =
    serve === undefined
      ? found.steps
      : withLeastWaits(guest, found.steps, new CpuWaits(snapshot, guest, serve), work);
  return toRoomPlan(planned, guest, { ...found, steps });
}

interface FoundRoom {
  readonly steps: readonly Step[] | null;
  /** Nothing copies less. */
  readonly bound: number;
  /** The plan is the cheapest; without steps, there is none. */
  readonly proved: boolean;
  readonly rounds: number;
}

function search(guest: GuestProblem, bounds: RoomBounds, options: RoomOptions, work: Work): FoundRoom {
  const targets = bounds.targets();
  const [first] = targets;
  if (first === undefined) return { steps: null, bound: 0, proved: true, rounds: 0 };
  const best: { steps: readonly Step[] | null; cost: number } = {
    steps: null,
    cost: Number.POSITIVE_INFINITY,
  };
  let rounds = 0;
  for (const { host, bound } of targets) {
    if (bound >= best.cost || !work.more()) break;
    const rehousing = roomOn(wantedOn(guest, host), options, work);
    const { left, steps } = rehousing.run(options.rounds ?? Number.POSITIVE_INFINITY, bound);
    rounds += rehousing.rounds;
    if (left > 0) continue;
    const way = needed(guest, steps);
    const cost = costOf(guest.problem, way);
    if (cost < best.cost) Object.assign(best, { steps: way, cost });
  }
  const proved = best.steps !== null && best.cost <= first.bound;
  if (proved || !isTiny(guest.problem.H - 1, guest.problem.V)) {
    return { steps: best.steps, bound: first.bound, proved, rounds };
  }
  const exact = searchRoom(guest, bounds, best.cost, openedStates, work);
  if (exact.steps !== null) return { steps: exact.steps, bound: exact.bound, proved: true, rounds };
  const bound = Math.max(first.bound, Number.isFinite(exact.bound) ? exact.bound : 0);
  return { steps: best.steps, bound, proved: exact.exhausted, rounds };
}

function roomOn(guest: GuestProblem, options: RoomOptions, work: Work): Rehousing {
  const spread = new Spread(guest, [], () => Number.NEGATIVE_INFINITY, work);
  return new Rehousing(guest, spread, new Set(), new Random(options.seed ?? defaults.seed), work);
}

function costOf({ cost }: Problem, steps: readonly Step[]): number {
  return steps.reduce((sum, { vm }) => sum + (cost[vm] ?? 0), 0);
}

interface PlannedRoom {
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
  readonly vm: Vm;
  readonly options: RoomOptions;
}

function withoutMoves(
  { snapshot, rules, options }: PlannedRoom,
  ranking: Ranking,
  proved: boolean,
): RoomPlan {
  const before = rules.map((rule) => evaluate(snapshot.hosts, rule));
  return {
    ...ofAll(snapshot, options),
    moves: [],
    before,
    after: before,
    certificate: { kind: proved ? "optimal" : "bounded", boundBytes: 0, costBytes: 0, gap: 0 },
    seconds: 0,
    secondsBound: 0,
    rounds: 0,
    searched: false,
    needBytes: ranking.needBytes,
    target: ranking.places[0]?.host ?? null,
    ranking,
    obstacles: ranking.places.length > 0 ? [] : ranking.refused,
    proved,
  };
}

function ofAll(
  snapshot: Snapshot,
  { suspects }: RoomOptions,
): Pick<Plan, "unresolved" | "absent" | "limited" | "spent"> {
  const absent = snapshot.hosts.flatMap((host) => {
    const reason = suspects?.get(host.uuid) ?? absence(host);
    return reason === null ? [] : [{ host: host.uuid, reason }];
  });
  return { unresolved: [], absent, limited: false, spent: [] };
}

function toRoomPlan(
  { snapshot, rules, vm, options }: PlannedRoom,
  guest: GuestProblem,
  { steps, bound, proved, rounds }: FoundRoom & { readonly steps: readonly Step[] },
): RoomPlan {
  const transfers = transfersOf(guest.problem, steps, options);
  const times = scheduleOf(transfers, options);
  const moves = toRoomMoves(guest, steps, transfers, times.starts);
  const hosts = hostsAfter(snapshot, moves);
  const { serve } = options;
  const after = serve === undefined ? options : { ...options, wanted: wantedAfter(snapshot, serve, moves) };
  const ranking = rankHosts(placedAfter(snapshot, hosts, moves), rules, vm, after);
  return {
    ...ofAll(snapshot, options),
    moves,
    before: rules.map((rule) => evaluate(snapshot.hosts, rule)),
    after: rules.map((rule) => evaluate(hosts, rule)),
    certificate: certificateOf(costOf(guest.problem, steps), bound, proved),
    seconds: times.seconds,
    secondsBound: times.bound,
    rounds,
    searched: rounds > 0,
    needBytes: vm.placementBytes,
    target: ranking.places[0]?.host ?? null,
    ranking,
    obstacles: [],
    proved,
  };
}

function certificateOf(costBytes: number, bound: number, proved: boolean): Certificate {
  const boundBytes = proved ? costBytes : Math.min(costBytes, bound);
  return {
    kind: proved ? "optimal" : "bounded",
    boundBytes,
    costBytes,
    gap: boundBytes > 0 ? costBytes / boundBytes - 1 : 0,
  };
}

/** What stands against room on each host: of those that lack memory alone, how much could leave them. */
function obstaclesOf({ refused }: Ranking, { problem }: GuestProblem, bounds: RoomBounds): RefusedHost[] {
  const state = new State(problem);
  return refused.map((each) => {
    const h = problem.hosts.findIndex(({ uuid }) => uuid === each.host);
    if (each.code !== "memory" || h < 0) return each;
    if (state.free[h] === Number.NEGATIVE_INFINITY)
      return { ...each, reason: `${each.reason}; ${problem.blind[h]}` };
    const more = bounds.freeable(h);
    const found =
      more === 0
        ? "none of its VMs can go elsewhere"
        : `its VMs that could go elsewhere have ${bytes(more, "MB")}`;
    return { ...each, reason: `${each.reason}; ${found}` };
  });
}
