/**
 * A VM that is to start, as the planner computes with it: a guest of a host that is none, from which it has to be brought
 * somewhere. Pure. It weighs nothing but its memory: what it does to rules is told, and forbids no start.
 */
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { noUuid } from "../../domain/vmSize.ts";
import type { DrainProblem } from "../evacuate/drain.ts";
import type { Problem } from "../problem.ts";

/** The problem with the guest: the last VM, on the last host. */
export interface GuestProblem extends DrainProblem {
  readonly guest: number;
}

/** What the guest is called in sentences where it has no name. */
export const namelessGuest = "the new VM";

/**
 * `problem` with `vm` waiting to come in. `targets` are the hosts that could take it but for their memory. xapi starts a
 * VM though no headroom stays, so `headroomBytes` of what it needs are left out of the comparison.
 */
export function withGuest(
  problem: Problem,
  vm: Vm,
  targets: ReadonlySet<Uuid>,
  headroomBytes: number,
): GuestProblem {
  const { H, V, R, hosts, groups } = problem;
  const [grown, guest, source] = [H + 1, V, H];
  const shut = new Uint8Array((V + 1) * grown);
  for (const key of problem.closed.keys()) shut[Math.floor(key / H) * grown + (key % H)] = 1;
  for (let v = 0; v < V; v++) shut[v * grown + source] = 1;
  hosts.forEach(({ uuid }, h) => {
    if (!targets.has(uuid)) shut[guest * grown + h] = 1;
  });
  const widened = (cells: Int32Array): Int32Array =>
    Int32Array.from({ length: groups.names.length * grown }, (_, at) =>
      at % grown === source ? 0 : (cells[Math.floor(at / grown) * H + (at % grown)] ?? 0),
    );
  return {
    guest,
    source,
    leaving: [guest],
    pinned: [],
    problem: {
      ...problem,
      hosts: [...hosts, waitingRoom(hosts[0])],
      vms: [...problem.vms, { ...vm, name: vm.name || namelessGuest }],
      H: grown,
      V: V + 1,
      load: padded(problem.load, R, 0),
      known: Uint8Array.from([...problem.known, ...new Array(R).fill(0)]),
      broken: Uint8Array.from([...problem.broken, ...new Array(R).fill(0)]),
      held: Uint8Array.from([...problem.held, ...new Array(R).fill(0)]),
      inverse: padded(problem.inverse, R, 0),
      // No rule judges where it waits.
      ceiling: padded(problem.ceiling, R, Number.POSITIVE_INFINITY),
      weight: padded(problem.weight, R, 0),
      arriving: padded(problem.arriving, R, 0),
      need: padded(problem.need, 1, Math.max(0, (vm.placementBytes ?? 0) - headroomBytes)),
      cost: padded(problem.cost, 1, 0),
      copies: [...problem.copies, null],
      home: Int32Array.from([...problem.home, source]),
      free: padded(problem.free, 1, Number.NEGATIVE_INFINITY),
      movesLeft: padded(problem.movesLeft, 1, Number.POSITIVE_INFINITY),
      groups: {
        ...groups,
        first: Int32Array.from([...groups.first, groups.first[V] ?? 0]),
        count: widened(groups.count),
        limit: widened(groups.limit),
        fixed: widened(groups.fixed),
      },
      // What the reasons are nobody asks of this problem.
      closed: new Map(),
      shut,
      blind: [...problem.blind, null],
    },
  };
}

/** The same problem with the guest wanted on host `target` only. */
export function wantedOn(guest: GuestProblem, target: number): GuestProblem {
  const { H } = guest.problem;
  const shut = guest.problem.shut.slice();
  for (let h = 0; h < H; h++) if (h !== target) shut[guest.guest * H + h] = 1;
  return { ...guest, problem: { ...guest.problem, shut } };
}

function padded(values: Float64Array, count: number, value: number): Float64Array {
  const grown = new Float64Array(values.length + count).fill(value);
  grown.set(values);
  return grown;
}

/** A host that has nothing: no measures, no memory. */
function waitingRoom(like: Host | undefined): Host {
  if (like === undefined) throw new Error("there is no host that takes part");
  return {
    ...like,
    uuid: noUuid,
    name: "nowhere",
    memoryTotalMb: null,
    memoryFreeMb: null,
    cpuAverage: null,
    pifEth0RxKb: null,
    pifEth0TxKb: null,
    placementFreeBytes: null,
    derived: {},
    sources: {},
  };
}

/** The snapshot when the moves are done: VMs on their new hosts. */
export function placedAfter(
  snapshot: Snapshot,
  hosts: readonly Host[],
  moves: readonly { readonly vm: Uuid; readonly destination: Uuid }[],
): Snapshot {
  const at = new Map(moves.map(({ vm, destination }) => [vm, destination]));
  return {
    ...snapshot,
    hosts,
    placements: snapshot.placements.map((place) => ({
      ...place,
      hostUuid: at.get(place.vmUuid) ?? place.hostUuid,
    })),
  };
}
