/** The steps of an evacuation as moves, with what each does to its two hosts. Pure. */
import { termValue } from "../../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { type Rule, termsOf } from "../../domain/rule.ts";
import { termWeight } from "../../domain/weight.ts";
import type { Move, MoveFigures } from "../plan.ts";
import type { Housing } from "../search/rehouse.ts";
import type { Spread } from "../search/spread.ts";
import { State } from "../state.ts";
import type { PlannedTransfer } from "../steps/makespan.ts";
import type { Step } from "../steps/order.ts";
import { hostsAfter } from "../tell/outcome.ts";
import { type Reason, reasonsOf } from "../tell/reason.ts";
import type { DrainProblem } from "./drain.ts";

export interface Evacuated {
  readonly drain: DrainProblem;
  readonly spread: Spread;
  readonly housing: Housing;
}

/** The moves in their order; `spread` ends after the last. */
export function toEvacuationMoves(
  snapshot: Snapshot,
  { drain, spread, housing }: Evacuated,
  transfers: readonly PlannedTransfer[],
  starts: readonly number[],
): Move[] {
  const { problem, source, leaving } = drain;
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, host]));
  const reasons = reasonsOf(new State(problem), housing.steps);
  const going = new Set(housing.steps.map(({ vm }) => vm));
  spread.reset();
  for (const v of leaving) spread.expect(v, going.has(v));
  return housing.steps.flatMap((step, index) => {
    spread.move(step.vm, step.from, step.to);
    const vm = problem.vms[step.vm];
    const [from, to] = [of(step.from), of(step.to)];
    if (vm === undefined || from === undefined || to === undefined) return [];
    const [fromAfter, toAfter] = oneMove(snapshot, vm, from, to);
    hosts.set(from.uuid, fromAfter).set(to.uuid, toAfter);
    return [
      {
        vm: vm.uuid,
        source: from.uuid,
        destination: to.uuid,
        ...figures(spread, step.to, [from, fromAfter], [to, toAfter]),
        copyBytes: problem.copies[step.vm] ?? null,
        ...purposeOf(step, reasons[index]),
        after: transfers[index]?.after ?? [],
        startSeconds: starts[index] ?? 0,
        seconds: transfers[index]?.seconds ?? 0,
      },
    ];
  });

  function purposeOf(
    { from, parked }: Step,
    found?: Reason,
  ): Pick<Move, "purpose" | "makesRoomFor" | "reason"> {
    const name = problem.hosts[source]?.name || (problem.hosts[source]?.uuid ?? "");
    if ((from === source && !parked) || found === undefined) {
      return { purpose: "evacuates", makesRoomFor: null, reason: `${name} is to be emptied` };
    }
    const makesRoomFor = problem.vms[found.guest]?.uuid ?? null;
    return { purpose: found.purpose, makesRoomFor, reason: found.text };
  }

  function of(h: number): Host | undefined {
    const uuid = problem.hosts[h]?.uuid;
    return uuid === undefined ? undefined : hosts.get(uuid);
  }
}

function oneMove(snapshot: Snapshot, vm: Vm, source: Host, destination: Host): [Host, Host] {
  const both = { ...snapshot, hosts: [source, destination], vms: [vm] };
  const move = { vm: vm.uuid, source: source.uuid, destination: destination.uuid };
  const [fromAfter = source, toAfter = destination] = hostsAfter(both, [move]);
  return [fromAfter, toAfter];
}

const none: MoveFigures = {
  rule: null,
  mean: 0,
  sourceBefore: 0,
  sourceAfter: 0,
  destinationBefore: 0,
  destinationAfter: 0,
};

type BeforeAndAfter = readonly [before: Host, after: Host];

/** By the rule that the destination is nearest to, where both hosts have a value of it. */
function figures(
  spread: Spread,
  to: number,
  source: BeforeAndAfter,
  destination: BeforeAndAfter,
): MoveFigures {
  const nearest = spread.nearest(to);
  if (nearest === null) return none;
  const { rule, place, mean } = nearest;
  const term = termsOf(rule)[place];
  if (term === undefined) return none;
  const [sourceBefore, sourceAfter] = source.map((host) => termValue(host, term));
  const [destinationBefore, destinationAfter] = destination.map((host) => termValue(host, term));
  if (sourceBefore == null || sourceAfter == null) return none;
  if (destinationBefore == null || destinationAfter == null) return none;
  const which = place > 0 ? { term: place } : {};
  return { rule, ...which, mean, sourceBefore, sourceAfter, destinationBefore, destinationAfter };
}

/** VMs among those moved whose part in a rule is unknown. */
export function unmeasuredOf(
  snapshot: Snapshot,
  rules: readonly Rule[],
  moves: readonly Pick<Move, "vm">[],
): Uuid[] {
  const moved = new Set(moves.map(({ vm }) => vm));
  return snapshot.vms
    .filter(
      (vm) => moved.has(vm.uuid) && rules.flatMap(termsOf).some((term) => termWeight(vm, term) === null),
    )
    .map(({ uuid }) => uuid);
}
