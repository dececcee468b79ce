/** What a rule that serves VMs says to a VM on one host after the other: by the sums that its plans are made by. Pure. */
import type { Host, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { migrationGigabytes, type ServeRule } from "../../domain/rule.ts";
import { noUuid } from "../../domain/vmSize.ts";
import type { Demand, Move, ServeOptions } from "../plan.ts";
import { cpusOf, demandAsUsed, hostDemands, meanWanted, partsOf } from "../serve/hostDemands.ts";
import { ServedHosts, type WantedOfHosts } from "../serve/serve.ts";
import { noticeable } from "../serve/stillShort.ts";
import type { HostServe, RankedServe, RankOptions } from "./ranking.ts";

/** CPU-minutes under which a host is not called short because of a VM: the rule moves nothing for less. */
export function toleratedMinutes(
  { worth }: ServeRule,
  overheadGigabytes: number = migrationGigabytes,
): number {
  return Math.max(noticeable, worth * overheadGigabytes);
}

export class ServedPlaces {
  readonly #hosts: readonly Host[];
  readonly #sums: ServedHosts<WantedOfHosts>;
  readonly #demand: Demand | null;
  readonly #serve: ServeOptions;

  /** @param source the host that the VM runs on, which it is taken off; null where it does not run. */
  constructor(snapshot: Snapshot, serve: ServeOptions, vm: Vm, source: Uuid | null, options: RankOptions) {
    const { hosts } = snapshot;
    const parts = partsOf(serve.demands);
    this.#hosts = hosts;
    this.#serve = serve;
    this.#demand = demandFor(vm, source, serve, options.demand ?? null, parts);
    this.#sums = new ServedHosts({
      minutes: serve.rule.overMinutes,
      capacity: hosts.map(cpusOf),
      hosts: wantedOf(snapshot, serve, options.wanted),
      vms: [this.#demand],
      transferCpus: 0,
    });
    const home = hosts.findIndex(({ uuid }) => uuid === source);
    if (home >= 0) this.#sums.change(home, 0, -1);
  }

  /** Of one of the snapshot's hosts; null where it is not known how many CPUs it has. */
  on(host: Uuid): HostServe | null {
    const h = this.#hosts.findIndex(({ uuid }) => uuid === host);
    if ((this.#sums.problem.capacity[h] ?? 0) <= 0) return null;
    return { shortageBefore: this.#sums.shortage(h), shortageAfter: this.#sums.after(h, 0, 1) };
  }

  facts(): RankedServe {
    const { rule, overheadGigabytes } = this.#serve;
    const demand = this.#demand;
    return {
      rule,
      toleratedMinutes: toleratedMinutes(rule, overheadGigabytes),
      wantedCpus: demand === null ? null : meanWanted(demand),
      spreadCpus: demand === null ? null : Math.sqrt(demand.variance),
    };
  }
}

/** One that runs is in the sums by what is known of it, and is taken out of them by the same. */
function demandFor(
  vm: Vm,
  source: Uuid | null,
  { demands }: ServeOptions,
  given: Demand | null,
  parts: number,
): Demand | null {
  if (source !== null) return demands.get(vm.uuid) ?? demandAsUsed(vm, parts);
  if (given === null || given.means.length === parts) return given;
  return { means: new Array<number>(parts).fill(meanWanted(given)), variance: given.variance };
}

/** A pool is asked about VM after VM: the sums of its hosts are the same. */
const known = new WeakMap<Snapshot, { readonly of: unknown; readonly demands: readonly Demand[] }>();

function wantedOf(
  snapshot: Snapshot,
  { demands }: ServeOptions,
  wanted: RankOptions["wanted"],
): readonly Demand[] {
  const found = known.get(snapshot);
  const all = found?.of === demands ? found.demands : hostDemands(snapshot, snapshot.hosts, demands);
  if (found?.demands !== all) known.set(snapshot, { of: demands, demands: all });
  return wanted === undefined
    ? all
    : snapshot.hosts.map(({ uuid }, h) => wanted.get(uuid) ?? all[h] ?? { means: [0], variance: 0 });
}

/** What is wanted of each host when `moves` are made in `snapshot`: of each VM what it wanted before. */
export function wantedAfter(
  snapshot: Snapshot,
  { demands, rule }: ServeOptions,
  moves: readonly Pick<Move, "vm" | "source" | "destination">[],
): ReadonlyMap<Uuid, Demand> {
  const { hosts } = snapshot;
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const parts = partsOf(demands);
  const going = moves.flatMap((move) => {
    const vm = vms.get(move.vm);
    return vm === undefined ? [] : [{ ...move, demand: demands.get(vm.uuid) ?? demandAsUsed(vm, parts) }];
  });
  const sums = new ServedHosts({
    minutes: rule.overMinutes,
    capacity: hosts.map(cpusOf),
    hosts: hostDemands(snapshot, hosts, demands),
    vms: going.map(({ demand }) => demand),
    transferCpus: 0,
  });
  const at = new Map(hosts.map(({ uuid }, h) => [uuid, h]));
  going.forEach(({ source, destination }, v) => {
    const [from, to] = [at.get(source), at.get(destination)];
    if (source !== noUuid && from !== undefined) sums.change(from, v, -1);
    if (to !== undefined) sums.change(to, v, 1);
  });
  return new Map(hosts.map(({ uuid }, h) => [uuid, sums.demand(h)]));
}
