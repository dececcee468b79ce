/**
 * Plans how running VMs are consolidated: fewest hosts on within the rule's limits and with its hosts to spare, then least
 * memory copied. Pure: reads nothing but its arguments, decides nothing by time or chance.
 *
 * Hosts that are emptied only send and hosts that stay only receive: after every step every host that stays is within
 * its limits, in whatever order the steps are made.
 */

import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import type { Move } from "../planner/plan.ts";
import type { PlannedTransfer } from "../planner/steps/makespan.ts";
import { schedule } from "../planner/steps/schedule.ts";
import { hostsAfter } from "../planner/tell/outcome.ts";
import { bytesBound } from "./bound.ts";
import { type Consolidation, Consolidator } from "./consolidate.ts";
import type { PackingOptions } from "./options.ts";
import { type Packing, toPacking } from "./packing.ts";
import type { GreenGoal } from "./rule.ts";

/** A host that the plan empties. Its moves are timed from the start of its own drain: hosts are emptied one by one. */
export interface Drain {
  readonly host: Uuid;
  readonly moves: readonly Move[];
  readonly copyBytes: number;
  readonly seconds: number;
}

export interface GreenCertificate {
  /** No consolidation within the limits and with the hosts to spare leaves fewer on, and what forces so many. */
  readonly hostsBound: number;
  readonly boundReason: string;
  readonly hostsOn: number;
  /** Whoever empties as many hosts copies at least so much. */
  readonly boundBytes: number;
  readonly costBytes: number;
  /** "optimal": hosts and bytes are what the bounds say. */
  readonly kind: "optimal" | "bounded";
}

export interface GreenPlan {
  /** Hosts that take part and stay on, by uuid, each with the reason. */
  readonly on: readonly { readonly host: Uuid; readonly reason: string }[];
  /** Hosts to empty, cheapest first. */
  readonly drains: readonly Drain[];
  readonly certificate: GreenCertificate;
}

/** The consolidation of `pool` under `rule`: the same input and seed give the same plan, in whatever order its lists come. */
export function planGreen(pool: Snapshot, rule: GreenGoal, options: PackingOptions): GreenPlan {
  const packing = toPacking(pool, rule, options);
  const consolidator = new Consolidator(packing, options);
  let consolidation = consolidator.run();
  // What is asked again of the pool as the plan leaves it must say nothing, so the plan asks itself.
  const most = packing.H - consolidator.bound.hosts;
  for (let asked = packing.snapshot; consolidation.count < most; ) {
    asked = afterwards(packing, consolidation);
    const more = furtherConsolidation(packing, asked, rule, options, consolidation);
    if (more === null) break;
    consolidation = more;
  }
  return toPlan(packing, consolidator, consolidation, options);
}

/**
 * How the host alone is emptied now, into hosts among `receivers` (default: all others that take part); null where its VMs find
 * no places within the limits, or the host may not sleep at all.
 */
export function planDrain(
  pool: Snapshot,
  rule: GreenGoal,
  options: PackingOptions,
  host: Uuid,
  receivers?: ReadonlySet<Uuid>,
): Drain | null {
  const packing = toPacking(pool, rule, options);
  const { hosts, H } = packing.problem;
  const h = hosts.findIndex(({ uuid }) => uuid === host);
  if (h < 0 || packing.kept[h] !== null || H - 1 < packing.minimum) return null;
  const off = Uint8Array.from({ length: H }, (_, each) => (each === h ? 1 : 0));
  const receives = off.map((each, d) =>
    each === 1 || !(receivers?.has(hosts[d]?.uuid ?? host) ?? true) ? 0 : 1,
  );
  const consolidator = new Consolidator(packing, options);
  return consolidator.tryOff(off, 0, receives)
    ? (drainsOf(packing, consolidator.best, options)[0] ?? null)
    : null;
}

/** The pool when the drains are carried out: emptied hosts take no part any more. */
export function consolidated(
  pool: Snapshot,
  drains: readonly {
    readonly host: Uuid;
    readonly moves: readonly Pick<Move, "vm" | "source" | "destination">[];
  }[],
): Snapshot {
  const moves = drains.flatMap((drain) => drain.moves);
  const places = new Map(moves.map(({ vm, destination }) => [vm, destination]));
  const off = new Set(drains.map(({ host }) => host));
  return {
    ...pool,
    hosts: hostsAfter(pool, moves).map((host) => (off.has(host.uuid) ? { ...host, enabled: false } : host)),
    placements: pool.placements.map((each) => ({
      ...each,
      hostUuid: places.get(each.vmUuid) ?? each.hostUuid,
    })),
  };
}

function afterwards(packing: Packing, consolidation: Consolidation): Snapshot {
  const moved = movedItems(packing, consolidation);
  const drains = packing.problem.hosts
    .filter((_, h) => consolidation.off[h] === 1)
    .map((host) => ({
      host: host.uuid,
      moves: moved
        .filter(({ from }) => from === host)
        .flatMap(({ vms, to }) => vms.map((vm) => ({ vm, source: host.uuid, destination: to.uuid }))),
    }));
  return consolidated(packing.snapshot, drains);
}

/** What the same search finds in the pool as the consolidation leaves it, as one consolidation from where things are; or null. */
function furtherConsolidation(
  packing: Packing,
  asked: Snapshot,
  rule: GreenGoal,
  options: PackingOptions,
  consolidation: Consolidation,
): Consolidation | null {
  const next = toPacking(asked, rule, options);
  const found = new Consolidator(next, options).run();
  if (found.count === 0) return null;
  const index = new Map(packing.problem.hosts.map(({ uuid }, h) => [uuid, h]));
  const off = consolidation.off.slice();
  next.problem.hosts.forEach(({ uuid }, h) => {
    if (found.off[h] === 1) off[index.get(uuid) ?? 0] = 1;
  });
  const places = new Map(
    movedItems(next, found).flatMap(({ vms, to }) => vms.map((vm) => [vm, index.get(to.uuid) ?? 0])),
  );
  const at = consolidation.at.map((h, i) => {
    const vm = packing.problem.vms[packing.members[i]?.[0] ?? 0]?.uuid;
    return (vm === undefined ? undefined : places.get(vm)) ?? h;
  });
  const bytes = packing.cost.reduce((sum, each, i) => sum + (at[i] === packing.home[i] ? 0 : each), 0);
  return { off, count: consolidation.count + found.count, bytes, at };
}

interface MovedItem {
  readonly vms: readonly Uuid[];
  readonly from: Host;
  readonly to: Host;
}

function movedItems({ problem, members, home }: Packing, { at }: Consolidation): MovedItem[] {
  return members.flatMap((bundle, i) => {
    const [from, to] = [problem.hosts[home[i] ?? 0], problem.hosts[at[i] ?? 0]];
    if (from === undefined || to === undefined || from === to) return [];
    return [{ vms: bundle.flatMap((v) => problem.vms[v]?.uuid ?? []), from, to }];
  });
}

function toPlan(
  packing: Packing,
  { bound }: Consolidator,
  consolidation: Consolidation,
  options: PackingOptions,
): GreenPlan {
  const { problem, kept, H } = packing;
  const needed = `no fewer hosts were found to hold all VMs; ${bound.reason} alone needs ${bound.hosts} on`;
  const boundBytes = bytesBound(packing, consolidation.count);
  const hostsOn = H - consolidation.count;
  const optimal = hostsOn === bound.hosts && consolidation.bytes <= boundBytes;
  return {
    on: problem.hosts.flatMap(({ uuid }, h) =>
      consolidation.off[h] === 1 ? [] : [{ host: uuid, reason: kept[h] ?? needed }],
    ),
    drains: drainsOf(packing, consolidation, options),
    certificate: {
      hostsBound: bound.hosts,
      boundReason: bound.reason,
      hostsOn,
      boundBytes,
      costBytes: consolidation.bytes,
      kind: optimal ? "optimal" : "bounded",
    },
  };
}

function drainsOf(packing: Packing, consolidation: Consolidation, options: PackingOptions): Drain[] {
  const { problem } = packing;
  const drains = problem.hosts.flatMap((_, h) =>
    consolidation.off[h] === 1 ? [drainTo(packing, consolidation.at, options, h)] : [],
  );
  return drains.sort((a, b) => a.copyBytes - b.copyBytes || (a.host < b.host ? -1 : 1));
}

/** What leaves host `h` when the items are at `at`. */
export function drainTo(packing: Packing, at: Int32Array, options: PackingOptions, h: number): Drain {
  const { problem, members, itemsOf } = packing;
  const going = (itemsOf[h] ?? [])
    .flatMap((i) => (members[i] ?? []).map((v) => ({ v, to: at[i] ?? h })))
    .filter(({ to }) => to !== h)
    .sort((a, b) => (problem.cost[b.v] ?? 0) - (problem.cost[a.v] ?? 0) || a.v - b.v);
  const transfers = going.map(({ v, to }): PlannedTransfer => {
    const seconds = secondsOf(packing, options, v, h, to);
    return { vm: v, from: h, to, seconds, after: [] };
  });
  const times = schedule(transfers, options.transfersPerHost ?? 2);
  const moves = transfers.flatMap((transfer, index) => toMove(packing, transfer, times.starts[index] ?? 0));
  const copyBytes = going.reduce((sum, { v }) => sum + (problem.cost[v] ?? 0), 0);
  const host = problem.hosts[h]?.uuid;
  if (host === undefined) throw new Error(`no host ${h}`);
  return { host, moves, copyBytes, seconds: times.seconds };
}

function secondsOf(
  { problem }: Packing,
  options: PackingOptions,
  v: number,
  from: number,
  to: number,
): number {
  const [vm, source, destination] = [problem.vms[v], problem.hosts[from]?.uuid, problem.hosts[to]?.uuid];
  if (
    vm !== undefined &&
    source !== undefined &&
    destination !== undefined &&
    options.secondsOf !== undefined
  ) {
    return options.secondsOf(vm, source, destination);
  }
  return (problem.cost[v] ?? 0) / (options.bytesPerSecond ?? 110_000_000);
}

/** No rule asks for it: as in an evacuation without rules, the figures are 0. */
function toMove({ problem }: Packing, transfer: PlannedTransfer, startSeconds: number): Move[] {
  const [vm, source, destination] = [
    problem.vms[transfer.vm]?.uuid,
    problem.hosts[transfer.from]?.uuid,
    problem.hosts[transfer.to]?.uuid,
  ];
  if (vm === undefined || source === undefined || destination === undefined) return [];
  return [
    {
      vm,
      source,
      destination,
      rule: null,
      mean: 0,
      sourceBefore: 0,
      sourceAfter: 0,
      destinationBefore: 0,
      destinationAfter: 0,
      copyBytes: problem.copies[transfer.vm] ?? null,
      purpose: "evacuates",
      makesRoomFor: null,
      reason: "its host is emptied, to sleep",
      after: [],
      startSeconds,
      seconds: transfer.seconds,
    },
  ];
}
