/**
 * The pool with one host to be emptied, as the planner computes with it: hard limits only, since an evacuation asks
 * for no rule's leave. Pure.
 *
 * The drained host takes part as a source and receives nothing. Anti-affinity groups are shared out among the hosts
 * that remain. Its VMs go though a measure of theirs is unknown, and though they leave companions: those leave too.
 */
import { takesPart } from "../../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import type { Groups } from "../groups.ts";
import type { PlanOptions } from "../plan.ts";
import { type Problem, type Stuck, toProblem } from "../problem.ts";

export interface DrainProblem {
  readonly problem: Problem;
  /** The drained host, as an index of `problem`. */
  readonly source: number;
  /** VMs of it that may move. */
  readonly leaving: readonly number[];
  /** VMs of it that nothing moves, with the reason; control domains are not among them. */
  readonly pinned: readonly Stuck[];
}

/** The problem of emptying `host`, which must be a host of the snapshot; the snapshot's lists are in order. */
export function toDrain(snapshot: Snapshot, host: Host, options: PlanOptions): DrainProblem {
  const bare = toProblem(asSource(snapshot, host, options), [], options);
  const source = bare.hosts.findIndex(({ uuid }) => uuid === host.uuid);
  const free = bare.free.slice();
  free[source] = Number.NEGATIVE_INFINITY;
  const problem = { ...bare, free, groups: sharedOut(bare.groups, bare.H, source) };
  const leaving = [...bare.home.keys()].filter((v) => bare.home[v] === source);
  const pinned = bare.stuck.filter((stuck) => stuck.host === source && !stuck.vm.isControlDomain);
  return { problem, source, leaving, pinned };
}

/** Whether the rest of the pool counts the host: a drained host leaves the mean. */
export function withoutDrained(snapshot: Snapshot, host: Uuid): Snapshot {
  const hosts = snapshot.hosts.map((each) => (each.uuid === host ? { ...each, enabled: false } : each));
  return { ...snapshot, hosts };
}

/** The snapshot with the host in it, whatever its state: what keeps others from it does not keep its VMs there. */
function asSource(snapshot: Snapshot, host: Host, { affinityTags = [] }: PlanOptions): Snapshot {
  const on = new Set(
    snapshot.placements.filter(({ hostUuid }) => hostUuid === host.uuid).map(({ vmUuid }) => vmUuid),
  );
  const unbound = (vm: Vm): Vm => ({ ...vm, tags: vm.tags.filter((tag) => !affinityTags.includes(tag)) });
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((each) => (each.uuid === host.uuid ? { ...each, ...taking } : each)),
    vms: snapshot.vms.map((vm) =>
      on.has(vm.uuid) ? { ...unbound(vm), immovable: heldThere(vm, host) ?? vm.immovable } : vm,
    ),
  };
}

function heldThere(vm: Vm, host: Host): string | null {
  if (!host.live) return "the pool says that its host is not alive, so nothing can be migrated from there";
  return vm.migratingTo === null ? null : "it is just being migrated to its host";
}

const taking = { enabled: true, live: true, read: true } as const satisfies Partial<Host>;

/** A host may hold one member; where there are more than hosts remain, the even share of those. */
function sharedOut(groups: Groups, H: number, source: number): Groups {
  const remaining = Math.max(1, H - 1);
  const limit = groups.limit.slice();
  groups.names.forEach((_, g) => {
    const held = groups.count.subarray(g * H, (g + 1) * H);
    const size = held.reduce((sum, each) => sum + each, 0);
    for (let h = 0; h < H; h++) {
      limit[g * H + h] = h === source ? 0 : Math.max(held[h] ?? 0, Math.ceil(size / remaining), 1);
    }
  });
  return { ...groups, limit, emptied: source };
}

/** Hosts that can take VMs at all. */
export function destinations(snapshot: Snapshot, host: Uuid): readonly Host[] {
  return snapshot.hosts.filter((each) => each.uuid !== host && takesPart(each));
}
