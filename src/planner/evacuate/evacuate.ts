/**
 * Plans how a host is emptied: fewest VMs left behind, then no rule broken where that can be had, then least copied, then
 * fewest CPU-minutes that VMs will wait where a rule serves them, then most even. Pure: reads nothing but its arguments,
 * decides nothing by time or chance.
 *
 * An administrator asked for it: a rule keeps no VM there, but which rule breaks on which host is told.
 */
import { withDerived } from "../../domain/derived.ts";
import { absence, evaluate } from "../../domain/deviation.ts";
import type { Host, Snapshot, Uuid } from "../../domain/pool.ts";
import type { Rule } from "../../domain/rule.ts";
import type { Certificate, Plan, PlanOptions } from "../plan.ts";
import { defaults, scheduleOf, transfersOf } from "../planner.ts";
import { inOrder } from "../problem.ts";
import { Bounds } from "../search/bound.ts";
import { Random } from "../search/random.ts";
import { type Housing, Rehousing } from "../search/rehouse.ts";
import { Spread } from "../search/spread.ts";
import { Work } from "../search/work.ts";
import { hostsAfter } from "../tell/outcome.ts";
import { type DrainProblem, toDrain, withoutDrained } from "./drain.ts";
import { toEvacuationMoves, unmeasuredOf } from "./evacuationMoves.ts";
import { type Floors, type Harm, harmsOf, unresolvedOf } from "./harm.ts";
import { type Stay, staysOf } from "./stay.ts";
import { CpuWaits, type ShortHost } from "./waits.ts";

/** A plan that empties a host. Its evaluations are of the hosts that remain: a drained host leaves the mean. */
export interface Evacuation extends Plan {
  readonly host: Uuid;
  /** VMs that stay on the host; without any it is empty but for its control domains. */
  readonly stays: readonly Stay[];
  /** Rules that hosts break because of what comes to them. */
  readonly harms: readonly Harm[];
  /** Hosts on which VMs wait longer because of what comes to them; not there where no rule serves VMs. */
  readonly short?: readonly ShortHost[];
  /** VMs that go though their part in a rule is unknown: no figure holds it. */
  readonly unmeasured: readonly Uuid[];
  /** VMs that stay and would leave if guests might be squeezed (see decide/squeeze); not there where there are none. */
  readonly squeezable?: readonly Uuid[];
}

export interface EvacuationOptions extends PlanOptions {
  /** Why hosts that take no part are not believed, where that is the reason. */
  readonly suspects?: ReadonlyMap<Uuid, string>;
}

/**
 * The plan that empties the host `uuid`: the same input and seed give the same plan, in whatever order its lists come.
 * The options' limit of moves does not cut it. Throws where the snapshot has no such host.
 */
export function planEvacuation(
  pool: Snapshot,
  rules: readonly Rule[],
  uuid: Uuid,
  options: EvacuationOptions,
): Evacuation {
  const snapshot = withDerived(inOrder(pool));
  const host = snapshot.hosts.find((each) => each.uuid === uuid);
  if (host === undefined) throw new Error(`no host ${uuid} in the snapshot`);
  const work = new Work(options.budgetMs ?? defaults.budgetMs);
  const drain = toDrain(snapshot, host, options);
  const bounds = new Bounds(drain.problem, work);
  const hopeless = new Set(drain.leaving.filter((v) => !bounds.canLeave(v)));
  const floors = options.floors ?? (() => Number.NEGATIVE_INFINITY);
  const waiting = options.serve === undefined ? null : new CpuWaits(snapshot, drain, options.serve);
  const spread = new Spread(drain, rules, floors, work, waiting);
  const random = new Random(options.seed ?? defaults.seed);
  const rehousing = new Rehousing(drain, spread, hopeless, random, work);
  const housing = rehousing.run(options.rounds ?? Number.POSITIVE_INFINITY);
  const planned = { snapshot, host, rules, options, floors, drain, hopeless, spread, housing };
  return { ...toEvacuation(planned), rounds: rehousing.rounds, searched: rehousing.rounds > 0 };
}

interface PlannedEvacuation {
  readonly snapshot: Snapshot;
  readonly host: Host;
  readonly rules: readonly Rule[];
  readonly options: EvacuationOptions;
  readonly floors: Floors;
  readonly drain: DrainProblem;
  readonly hopeless: ReadonlySet<number>;
  readonly spread: Spread;
  readonly housing: Housing;
}

function toEvacuation(planned: PlannedEvacuation): Omit<Evacuation, "rounds" | "searched"> {
  const { snapshot, host, rules, options, floors, drain, hopeless, housing } = planned;
  const transfers = transfersOf(drain.problem, housing.steps, options);
  const times = scheduleOf(transfers, options);
  const moves = toEvacuationMoves(snapshot, planned, transfers, times.starts);
  const short = planned.spread.shortHosts();
  const remaining = withoutDrained(snapshot, host.uuid);
  const before = rules.map((rule) => evaluate(remaining.hosts, rule));
  const after = rules.map((rule) => evaluate(hostsAfter(remaining, moves), rule));
  const absent = absentOf(snapshot, host, options.suspects);
  const harms = harmsOf(before, after, moves, floors);
  return {
    host: host.uuid,
    moves,
    before,
    after,
    unresolved: unresolvedOf(after, harms, floors, host),
    absent: [{ host: host.uuid, reason: "it is to be emptied" }, ...absent],
    limited: false,
    spent: [],
    certificate: certificateOf(planned),
    seconds: times.seconds,
    secondsBound: times.bound,
    stays: staysOf(snapshot, drain, housing, hopeless, absent),
    harms,
    ...(short === null ? {} : { short }),
    unmeasured: unmeasuredOf(snapshot, rules, moves),
  };
}

function absentOf(snapshot: Snapshot, drained: Host, suspects?: ReadonlyMap<Uuid, string>): Plan["absent"] {
  return snapshot.hosts.flatMap((host) => {
    const reason = suspects?.get(host.uuid) ?? absence(host);
    return reason === null || host === drained ? [] : [{ host: host.uuid, reason }];
  });
}

/** The VMs that go must be copied, whatever the plan. */
function certificateOf({ drain, hopeless, housing }: PlannedEvacuation): Certificate {
  const { cost, home } = drain.problem;
  const going = new Set(housing.steps.map(({ vm }) => vm).filter((v) => home[v] === drain.source));
  const boundBytes = [...going].reduce((sum, v) => sum + (cost[v] ?? 0), 0);
  const costBytes = housing.steps.reduce((sum, { vm }) => sum + (cost[vm] ?? 0), 0);
  const proved = housing.left === hopeless.size && costBytes === boundBytes;
  return {
    kind: proved ? "optimal" : "bounded",
    boundBytes,
    costBytes,
    gap: boundBytes > 0 ? costBytes / boundBytes - 1 : 0,
  };
}
