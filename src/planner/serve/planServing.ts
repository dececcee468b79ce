/**
 * One plan for a rule that serves VMs and for those that balance. What is worth most goes first: the moves that serve,
 * then those of the other rules from where these have left the pool. Neither undoes the other: a move that serves
 * breaks no rule and makes none worse, a VM moves once, and no VM comes to a host that it would make wait. Pure.
 */
import { derivedFor } from "../../domain/derived.ts";
import { evaluate, subjectValue } from "../../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { migrationGigabytes, type Rule } from "../../domain/rule.ts";
import { figure } from "../../text/format.ts";
import { pairKey } from "../facts.ts";
import type { HostForecast, Move, Plan, PlanOptions, ServeForecast, ServeOptions } from "../plan.ts";
import { planMigrations, scheduleOf, secondsOfStep, transfersOf } from "../planner.ts";
import { inOrder, type Problem, toProblem } from "../problem.ts";
import { State } from "../state.ts";
import type { PlannedTransfer } from "../steps/makespan.ts";
import { type EarlierMove, type Objection, recheck, stepsOf } from "../steps/recheck.ts";
import { hostsAfter } from "../tell/outcome.ts";
import { cpusOf, hostDemands, meanWanted } from "./hostDemands.ts";
import { chooseMoves, rate, type Saving, ServedHosts, type ServeProblem, savingsOf } from "./serve.ts";
import { type Circumstances, noticeable, stillShort } from "./stillShort.ts";

/** CPUs that copying keeps busy on each end of a migration. */
const transferCpus = 0.4;

/** What a move of another rule may cost VMs, as a part of what would be worth a move back. */
const toleratedHarm = 0.05;

/** Pairs of VM and host that are looked at; beyond, only VMs of hosts that break a rule are. */
const mostPairs = 300_000;

/** The plan for `pool` under `rules` and the rule of `options.serve`; without one that of `rules` alone. */
export function planServing(pool: Snapshot, rules: readonly Rule[], options: PlanOptions): Plan {
  const { serve } = options;
  if (serve === undefined) return planMigrations(pool, rules, options);
  const snapshot = inOrder(pool);
  // A VM that is light may still wait.
  const problem = toProblem(snapshot, rules, { ...options, noisePercent: 0 });
  const served = serveProblem(snapshot, problem, options, serve);
  const state = new State(problem);
  const savings = chooseMoves(state, served, options.maxMoves);
  const steps = savings.map(({ step }) => step);
  const transfers = transfersOf(problem, steps, options);
  const moves = savings.map((saving, index) => moveOf(saving, transfers[index], problem, served, serve));
  const sums = new ServedHosts(served);
  for (const { vm, from, to } of steps) sums.move(vm, from, to);
  const rest = planRest({ snapshot, rules, options, problem, moves, sums, state });
  const forecast = forecastOf(serve, served, sums, state, {
    absent: rest.absent.map(({ host }) => host),
    limited: moves.length >= options.maxMoves,
  });
  return joined(rest, moves, forecast, { snapshot, rules, options, problem });
}

/** A move as it was planned, and whether it was one that serves VMs. */
export interface EarlierServingMove extends EarlierMove {
  readonly serves: boolean;
}

/**
 * As `recheck`, of a plan that may begin with moves that serve VMs: each of these is still possible, and still worth
 * what the rule of `options.serve` asks with all others of them made.
 */
export function recheckServing(
  pool: Snapshot,
  rules: readonly Rule[],
  moves: readonly EarlierServingMove[],
  options: PlanOptions,
): Plan | Objection {
  const { serve, ...others } = options;
  const count = moves.filter(({ serves }) => serves).length;
  if (count === 0) return recheck(pool, rules, moves, others);
  if (serve === undefined)
    return { index: moves.findIndex(({ serves }) => serves), reason: "no rule that serves VMs acts now" };
  const late = moves.findIndex(({ serves }, index) => serves && index >= count);
  if (late >= 0) return { index: late, reason: "moves that serve VMs come first" };
  const snapshot = inOrder(pool);
  const problem = toProblem(snapshot, rules, { ...options, noisePercent: 0, targetFraction: 1 });
  const state = new State(problem);
  const steps = stepsOf(problem, state, moves.slice(0, count));
  if ("index" in steps) return steps;
  const served = serveProblem(snapshot, problem, options, serve);
  const savings = savingsOf(state, served, steps);
  const index = savings.findIndex((saving) => rate(saving, served) <= serve.rule.worth);
  const least = savings[index];
  if (least !== undefined) {
    const saves = figure(Math.max(0, rate(least, served)), 1);
    const reason = `by now it saves ${saves} CPU-minutes for each GB that it counts for, and the rule wants more than ${figure(serve.rule.worth)}`;
    return { index, reason };
  }
  const transfers = transfersOf(problem, steps, options);
  const made = savings.map((saving, at) => moveOf(saving, transfers[at], problem, served, serve));
  const sums = new ServedHosts(served);
  for (const { vm, from, to } of steps) sums.move(vm, from, to);
  const begun = { snapshot, rules, options, problem, moves: made, sums, state };
  const rest = recheck(placedAfter(snapshot, made), rules, moves.slice(count), restOptions(begun));
  if (!("moves" in rest)) return { index: rest.index + count, reason: rest.reason };
  const forecast = forecastOf(serve, served, sums, state, {
    absent: rest.absent.map(({ host }) => host),
    limited: made.length >= options.maxMoves,
  });
  return joined(rest, made, forecast, begun);
}

/** The demands by the indices of `problem`; a host's own is what it is busy with beside its VMs. */
export function serveProblem(
  snapshot: Snapshot,
  problem: Problem,
  options: PlanOptions,
  { rule, demands, overheadGigabytes = migrationGigabytes }: ServeOptions,
): ServeProblem {
  return {
    minutes: rule.overMinutes,
    worth: rule.worth,
    overheadGigabytes,
    transferCpus,
    capacity: problem.hosts.map(cpusOf),
    hosts: hostDemands(snapshot, problem.hosts, demands),
    vms: problem.vms.map(({ uuid }) => demands.get(uuid) ?? null),
    seconds: (vm, from, to) => secondsOfStep(problem, { vm, from, to }, options),
  };
}

function moveOf(
  { step: { vm, from, to }, minutes, gigabytes }: Saving,
  transfer: PlannedTransfer | undefined,
  problem: Problem,
  served: ServeProblem,
  { rule }: ServeOptions,
): Move {
  const [moved, source, destination] = [problem.vms[vm], problem.hosts[from], problem.hosts[to]];
  if (moved === undefined || source === undefined || destination === undefined)
    throw new Error("a step of no VM or host");
  const waitPercent = waitOf(moved);
  const saved = `saves about ${figure(minutes, minutes < 10 ? 1 : 0)} CPU-minutes in the next ${ahead(rule.overMinutes)} for ${figure(gigabytes, 1)} GB`;
  const waits =
    waitPercent === null || waitPercent < 0.5
      ? `${nameOf(source)} is expected to have too few CPUs for its VMs`
      : `${nameOf(moved)} waits ${figure(waitPercent, 0)} % of its time`;
  return {
    vm: moved.uuid,
    source: source.uuid,
    destination: destination.uuid,
    rule: null,
    mean: 0,
    sourceBefore: 0,
    sourceAfter: 0,
    destinationBefore: 0,
    destinationAfter: 0,
    copyBytes: problem.copies[vm] ?? null,
    purpose: "serves",
    makesRoomFor: null,
    reason: `${waits}; moving it to ${nameOf(destination)} ${saved}`,
    after: transfer?.after ?? [],
    startSeconds: 0,
    seconds: transfer?.seconds ?? served.seconds(vm, from, to),
    served: { savedMinutes: minutes, perGigabyte: rate({ minutes, gigabytes }, served), waitPercent },
  };
}

/** CPU-minutes as they are told: to a tenth where they are few. */
export function minutesFigure(minutes: number): string {
  return figure(minutes, minutes < 10 ? 1 : 0);
}

/** "hour", "90 minutes" */
export function ahead(minutes: number): string {
  return minutes === 60 ? "hour" : `${minutes} minutes`;
}

/** Part of the CPU time it wants that the VM waits for, percent. */
function waitOf({ vcpuAverage, cpuDemand = null, cpuWait = null }: Vm): number | null {
  if (vcpuAverage === null || (cpuDemand ?? cpuWait) === null) return null;
  const wanted = Math.max(vcpuAverage, cpuDemand ?? vcpuAverage + (cpuWait ?? 0));
  return wanted > 0 ? (100 * (wanted - vcpuAverage)) / wanted : 0;
}

interface Begun {
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
  readonly options: PlanOptions;
  readonly problem: Problem;
  readonly moves: readonly Move[];
  readonly sums: ServedHosts;
  /** Stands behind the moves. */
  readonly state: State;
}

/** What the other rules ask for, from where the moves that serve have left the pool. */
function planRest(begun: Begun): Plan {
  const { snapshot, rules, options } = begun;
  if (rules.length === 0) return planMigrations(snapshot, rules, options);
  return planMigrations(placedAfter(snapshot, begun.moves), rules, restOptions(begun));
}

/** The pool when the moves are made. */
function placedAfter(snapshot: Snapshot, moves: readonly Move[]): Snapshot {
  if (moves.length === 0) return snapshot;
  const places = new Map(moves.map(({ vm, destination }) => [vm, destination]));
  return {
    ...snapshot,
    hosts: hostsAfter(snapshot, moves),
    placements: snapshot.placements.map((each) => ({
      ...each,
      hostUuid: places.get(each.vmUuid) ?? each.hostUuid,
    })),
  };
}

/** What the other rules must leave alone, for the sake of the moves that serve. */
function restOptions({ options, problem, moves, sums, state }: Begun): PlanOptions {
  const { serve: _, ...others } = options;
  const made = new Map<Uuid, number>();
  for (const { source, destination } of moves)
    for (const host of [source, destination]) made.set(host, (made.get(host) ?? 0) + 1);
  return {
    ...others,
    maxMoves: Math.max(0, options.maxMoves - moves.length),
    bannedVms: new Map([
      ...options.bannedVms,
      ...moves.map(({ vm }): [Uuid, string] => [vm, "the rule that serves VMs moves it"]),
    ]),
    bannedPairs: new Map([...options.bannedPairs, ...harmfulPairs(problem, sums, state)]),
    movesLeftOf: (host) => (options.movesLeftOf?.(host) ?? Number.POSITIVE_INFINITY) - (made.get(host) ?? 0),
  };
}

/**
 * Pairs of a VM and a host where it, or its way there, would make VMs wait longer than it relieves them; none where no
 * rule is broken, for nothing moves then.
 */
function harmfulPairs(problem: Problem, sums: ServedHosts, state: State): [string, string][] {
  const { H, R, V, broken, hosts, vms, cost } = problem;
  if (!broken.includes(1)) return [];
  const tight = tightHosts(H, sums);
  const everywhere = V * tight.length <= mostPairs;
  const pairs: [string, string][] = [];
  const { worth, minutes } = sums.problem;
  for (let h = 0; h < H; h++) {
    if (!everywhere && !broken.subarray(h * R, h * R + R).includes(1)) continue;
    for (let v = state.first(h); v >= 0; v = state.after(v)) {
      const vm = vms[v];
      if (vm === undefined) continue;
      const limit = (toleratedHarm * worth * (cost[v] ?? 0)) / 1024 ** 3;
      const relief = sums.shortage(h) - sums.after(h, v, -1);
      // To whichever host: their links are taken for alike.
      const taken = Math.min(minutes, sums.problem.seconds(v, h, tight[0] ?? h) / 60);
      const leaving = sums.burden(h, taken);
      for (const d of tight) {
        const host = hosts[d];
        if (d === h || host === undefined) continue;
        const harm = sums.after(d, v, 1) - sums.shortage(d) + sums.burden(d, taken) + leaving;
        if (harm - relief > limit)
          pairs.push([pairKey(vm.uuid, host.uuid), harmText(sums, host, v, d, harm - relief)]);
      }
    }
  }
  return pairs;
}

/** What the host is expected to be asked for, beside what it is at: the one may be full where the other is not. */
function harmText(sums: ServedHosts, host: Host, v: number, d: number, minutes: number): string {
  const { capacity, vms, minutes: ahead_ } = sums.problem;
  const cpuNow = subjectValue(host, "CpuAverage");
  const now = cpuNow === null ? "" : `it is at ${figure(cpuNow, 0)} % now, but `;
  const spread = sums.spread(d) < 0.05 ? "" : ` (give or take ${figure(sums.spread(d), 1)})`;
  const more = meanWanted(vms[v] ?? { means: [] });
  const wanted = `${figure(sums.wanted(d), 1)} of its ${figure(capacity[d] ?? 0)} CPUs${spread} are expected to be wanted in the next ${ahead(ahead_)}, by the last hour`;
  return `${now}${wanted}; this VM wants ${figure(more, 1)} more, and VMs would wait ${minutesFigure(minutes)} CPU-minutes longer with it there (SERVE CPU)`;
}

/** The hosts where VMs would wait longer if a VM came that wants as much as the largest. */
function tightHosts(H: number, sums: ServedHosts): readonly number[] {
  const { vms, minutes } = sums.problem;
  const means: number[] = [];
  let variance = 0;
  for (const demand of vms) {
    demand?.means.forEach((mean, t) => {
      means[t] = Math.max(means[t] ?? 0, mean);
    });
    variance = Math.max(variance, demand?.variance ?? 0);
  }
  const largest = { means, variance };
  return Array.from({ length: H }, (_, h) => h).filter(
    (h) => sums.withMore(h, largest) - sums.shortage(h) + sums.burden(h, minutes) > negligible,
  );
}

/** CPU-minutes that are nothing beside rounding. */
const negligible = 1e-6;

function forecastOf(
  { rule }: ServeOptions,
  served: ServeProblem,
  after: ServedHosts,
  state: State,
  circumstances: Circumstances,
): ServeForecast {
  const before = new ServedHosts(served);
  const each = state.problem.hosts.map(
    (host, h): HostForecast => ({
      host: host.uuid,
      cpus: served.capacity[h] ?? 0,
      wantedBefore: before.wanted(h),
      wantedAfter: after.wanted(h),
      spreadBefore: before.spread(h),
      spreadAfter: after.spread(h),
      shortageBefore: before.shortage(h),
      shortageAfter: after.shortage(h),
    }),
  );
  const sum = (read: (of: HostForecast) => number) => each.reduce((all, of) => all + read(of), 0);
  const lacks = ({ shortageBefore, shortageAfter }: HostForecast) =>
    Math.max(shortageBefore, shortageAfter) >= noticeable;
  return {
    rule,
    before: sum(({ shortageBefore }) => shortageBefore),
    after: sum(({ shortageAfter }) => shortageAfter),
    hosts: each.filter(lacks),
    calm: each.filter((of) => !lacks(of)),
    short: stillShort(state, after, circumstances),
  };
}

/** The moves that serve, then the others: each of these waits for those of the first that share a host with it. */
function joined(
  rest: Plan,
  moves: readonly Move[],
  serve: ServeForecast,
  { snapshot, rules, options, problem }: Pick<Begun, "snapshot" | "rules" | "options" | "problem">,
): Plan {
  if (moves.length === 0) return { ...rest, serve };
  const { fruitless: _, searchBefore: __, ...others } = rest;
  const later = rest.moves.map((move): Move => {
    const first = moves.flatMap((each, index) =>
      problem.anyVarying || sharesHost(each, move) ? [index] : [],
    );
    return { ...move, after: [...first, ...move.after.map((index) => index + moves.length)] };
  });
  const all = [...moves, ...later];
  const hostIndex = new Map(problem.hosts.map((host, h) => [host.uuid, h]));
  const times = scheduleOf(
    all.map(({ source, destination, seconds, after }, index) => ({
      vm: index,
      from: hostIndex.get(source) ?? 0,
      to: hostIndex.get(destination) ?? 0,
      seconds,
      after,
    })),
    options,
  );
  const { hosts } = derivedFor(snapshot, rules);
  return {
    ...others,
    moves: all.map((move, index) => ({ ...move, startSeconds: times.starts[index] ?? 0 })),
    before: rules.map((rule) => evaluate(hosts, rule)),
    seconds: times.seconds,
    secondsBound: times.bound,
    serve,
  };
}

function sharesHost(a: Move, b: Move): boolean {
  const hosts = [b.source, b.destination];
  return hosts.includes(a.source) || hosts.includes(a.destination);
}

function nameOf({ name, uuid }: Host | Vm): string {
  return name === "" ? uuid : name;
}
