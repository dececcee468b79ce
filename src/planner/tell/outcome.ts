/** The plan as data: steps with their figures, and the pool after them. Pure. */
import { derivedSubjects } from "../../domain/derived.ts";
import { subjectValue } from "../../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import type { NamedSubject } from "../../domain/rule.ts";
import { arrivingWeight, capacity, rawWeight, withValues, writtenSubjects } from "../../domain/weight.ts";
import type { Move, MoveFigures } from "../plan.ts";
import { weightOn } from "../problem.ts";
import type { State } from "../state.ts";
import type { PlannedTransfer } from "../steps/makespan.ts";
import type { Step } from "../steps/order.ts";
import { measured, placeOf } from "./figures.ts";
import type { Reason } from "./reason.ts";

/** The steps as moves, with the values before and after each; `state` ends after the last. */
export function toMoves(
  state: State,
  steps: readonly Step[],
  reasons: readonly Reason[],
  transfers: readonly PlannedTransfer[],
  starts: readonly number[],
): Move[] {
  const { hosts, vms, copies } = state.problem;
  state.reset();
  return steps.flatMap((step, index) => {
    const [vm, source, destination] = [vms[step.vm], hosts[step.from], hosts[step.to]];
    const reason = reasons[index];
    const figures = reason === undefined ? null : figuresOf(state, step, reason.rule);
    state.move(step.vm, step.to);
    if (vm === undefined || source === undefined || destination === undefined) return [];
    if (reason === undefined || figures === null) return [];
    return [
      {
        vm: vm.uuid,
        source: source.uuid,
        destination: destination.uuid,
        ...figures,
        purpose: reason.purpose,
        makesRoomFor: vms[reason.guest]?.uuid ?? null,
        reason: reason.text,
        copyBytes: copies[step.vm] ?? null,
        after: transfers[index]?.after ?? [],
        startSeconds: starts[index] ?? 0,
        seconds: transfers[index]?.seconds ?? 0,
      },
    ];
  });
}

/** What the step does to the term `r` as things stand; null where there is no such term. */
export function figuresOf(state: State, { vm, from, to }: Step, r: number): MoveFigures | null {
  const { problem } = state;
  const { R, rules, inverse } = problem;
  const rule = rules[r];
  if (rule === undefined) return null;
  const [left, come] = [weightOn(problem, vm, from, r), weightOn(problem, vm, to, r)];
  const [source, destination] = [from * R + r, to * R + r];
  const sourceBefore = state.load[source] ?? 0;
  const destinationBefore = state.load[destination] ?? 0;
  return {
    rule,
    ...placeOf(problem, r),
    mean: state.floor[r] ?? 0,
    sourceBefore: measured(problem, r, sourceBefore),
    sourceAfter: measured(problem, r, sourceBefore - left * (inverse[source] ?? 0)),
    destinationBefore: measured(problem, r, destinationBefore),
    destinationAfter: measured(problem, r, destinationBefore + come * (inverse[destination] ?? 0)),
  };
}

/** What moves with a VM; the rest follows from that. */
const moved: readonly NamedSubject[] = [...writtenSubjects, ...derivedSubjects];

interface HostChange {
  /** In absolute units. */
  readonly weights: Map<NamedSubject, number>;
  bytes: number;
}

/** The hosts after all moves, by the VMs' own measures, and where they come to by what they want. */
export function hostsAfter(
  snapshot: Snapshot,
  moves: readonly Pick<Move, "vm" | "source" | "destination">[],
): Host[] {
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const homes = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const changes = new Map<Uuid, HostChange>();
  const change = (host: Uuid, vm: Vm, sign: number) => {
    const of = changes.get(host) ?? noChange();
    add(of, vm, homes.get(vm.uuid) === host ? rawWeight : arrivingWeight, sign);
    changes.set(host, of);
  };
  for (const { vm: uuid, source, destination } of moves) {
    const vm = vms.get(uuid);
    if (vm === undefined) continue;
    change(source, vm, -1);
    change(destination, vm, 1);
  }
  return snapshot.hosts.map((host) => {
    const of = changes.get(host.uuid);
    return of === undefined ? host : withChange(host, of);
  });
}

/** What any host becomes when `vm` comes to it, by what it wants: as `hostsAfter` has it, for one host after the other. */
export function hostWith(vm: Vm): (host: Host) => Host {
  const of = noChange();
  add(of, vm, arrivingWeight, 1);
  return (host) => withChange(host, of);
}

function noChange(): HostChange {
  return { weights: new Map(), bytes: 0 };
}

function add(of: HostChange, vm: Vm, weightOf: typeof rawWeight, sign: number): void {
  for (const subject of moved) {
    of.weights.set(subject, (of.weights.get(subject) ?? 0) + sign * (weightOf(vm, subject) ?? 0));
  }
  of.bytes += sign * (vm.placementBytes ?? 0);
}

function withChange(host: Host, { weights, bytes }: HostChange): Host {
  const value = (subject: NamedSubject): number | undefined => {
    const before = subjectValue(host, subject);
    return before === null
      ? undefined
      : before + (weights.get(subject) ?? 0) / (capacity(host, subject) ?? 1);
  };
  const { derived } = host;
  return {
    ...withValues(host, writtenSubjects, value),
    ...(derived === undefined
      ? {}
      : { derived: Object.fromEntries(derivedSubjects.map((subject) => [subject, value(subject) ?? null])) }),
    placementFreeBytes: host.placementFreeBytes === null ? null : host.placementFreeBytes - bytes,
  };
}
