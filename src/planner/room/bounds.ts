/** What no plan undercuts that makes room for a VM on a host. Pure. */
import type { Bounds } from "../search/bound.ts";
import { Cover } from "../search/cover.ts";
import type { Work } from "../search/work.ts";
import type { GuestProblem } from "./guest.ts";

/** Nodes of the search for the cheapest set of VMs that must leave. */
const nodes = 2000;

/** A host on which there could be room, and the least bytes that must be copied away from it. */
export interface RoomTarget {
  readonly host: number;
  readonly bound: number;
}

/** The least that making room costs, host by host and as a state of the pool goes on. */
export class RoomBounds {
  readonly #guest: GuestProblem;
  readonly #bounds: Bounds;
  readonly #cover: Cover;
  readonly #least: readonly Map<number, number>[];

  constructor(guest: GuestProblem, bounds: Bounds, work: Work) {
    this.#guest = guest;
    this.#bounds = bounds;
    this.#cover = new Cover(work);
    this.#least = guest.problem.hosts.map(() => new Map());
  }

  /** Hosts that may take the guest, whatever they have free now. */
  get admitted(): readonly number[] {
    const { guest, source, problem } = this.#guest;
    const { H, shut, free } = problem;
    return Array.from({ length: H }, (_, h) => h).filter(
      (h) => h !== source && shut[guest * H + h] !== 1 && free[h] !== Number.NEGATIVE_INFINITY,
    );
  }

  /** The hosts on which room can be made as far as the bound knows, cheapest first. */
  targets(): readonly RoomTarget[] {
    return this.admitted
      .map((host) => ({ host, bound: this.#cheapest(host, this.#bounds.vmsOf(host), this.#lack(host)) }))
      .filter(({ bound }) => Number.isFinite(bound))
      .sort((a, b) => a.bound - b.bound || a.host - b.host);
  }

  /** The most that leaving can free on the host, beside what is free there, in bytes. */
  freeable(host: number): number {
    const { need } = this.#guest.problem;
    return this.#bounds
      .vmsOf(host)
      .reduce((sum, v) => sum + (this.#bounds.canLeave(v) ? (need[v] ?? 0) : 0), 0);
  }

  /** The same bound of the host with exactly `vms` on it (as bits, for tiny pools) and `free` bytes left. */
  from(host: number, bits: number, vms: readonly number[], free: number): number {
    const known = this.#least[host]?.get(bits);
    if (known !== undefined) return known;
    const least = this.#cheapest(host, vms, this.#need() - free);
    this.#least[host]?.set(bits, least);
    return least;
  }

  #need(): number {
    return this.#guest.problem.need[this.#guest.guest] ?? 0;
  }

  #lack(host: number): number {
    return this.#need() - (this.#guest.problem.free[host] ?? 0);
  }

  #cheapest(_host: number, vms: readonly number[], lack: number): number {
    if (lack <= 0) return 0;
    const { cost, need } = this.#guest.problem;
    const leaving = vms.filter((v) => v !== this.#guest.guest && this.#bounds.canLeave(v));
    this.#cover.reserve(leaving.length, 1);
    leaving.forEach((v, i) => {
      this.#cover.cost[i] = cost[v] ?? 0;
      this.#cover.gain[i] = (need[v] ?? 0) / lack;
    });
    this.#cover.solve(nodes);
    return this.#cover.bound;
  }
}
