/** Full hosts that give their VMs less than they want, as collections see them; and how much was wanted and not given. */
import { maxMinShares } from "../../../src/domain/fairShare.ts";
import type { Snapshot, Uuid, Vm } from "../../../src/domain/pool.ts";

/** How collections see what the VMs do not get. */
export type Sight = "waits" | "nothing";

/** A moment's loads are those of so long at most. */
const longestSeconds = 300;

/** Shares the hosts' CPUs out and counts, moment by moment. */
export class SharedCpus {
  readonly #cpusOfTransfer: number;
  readonly #sight: Sight;
  #wanted = 0;
  #served = 0;
  #last: { readonly seconds: number; readonly wanted: number; readonly served: number } | null = null;

  /** @param cpusOfTransfer CPUs that a migration keeps busy on each of its two hosts. */
  constructor(cpusOfTransfer: number, sight: Sight) {
    this.#cpusOfTransfer = cpusOfTransfer;
    this.#sight = sight;
  }

  /** CPU-minutes that VMs wanted and did not get. */
  get starvedMinutes(): number {
    return (this.#wanted - this.#served) / 60;
  }

  /** Part of the wanted CPU time that was given, 0 to 1. */
  get share(): number {
    return this.#wanted > 0 ? this.#served / this.#wanted : 1;
  }

  /** What a collection reads where the VMs of `truth` want what its measures say. */
  see(truth: Snapshot, seconds: number): Snapshot {
    const vms = new Map(truth.vms.map((vm) => [vm.uuid, vm]));
    const guests = new Map<Uuid, Vm[]>(truth.hosts.map(({ uuid }) => [uuid, []]));
    const transfers = new Map<Uuid, number>();
    const add = (host: Uuid) => transfers.set(host, (transfers.get(host) ?? 0) + 1);
    for (const { vmUuid, hostUuid } of truth.placements) {
      const vm = vms.get(vmUuid);
      if (vm === undefined) continue;
      guests.get(hostUuid)?.push(vm);
      if (vm.migratingTo !== null) for (const end of [hostUuid, vm.migratingTo]) add(end);
    }
    const seen = new Map<Uuid, Vm>();
    const busy = new Map<Uuid, number>();
    let [wanted, served] = [0, 0];
    for (const { uuid, cpuNum } of truth.hosts) {
      const cpus = cpuNum ?? 0;
      const own = Math.min(cpus, (transfers.get(uuid) ?? 0) * this.#cpusOfTransfer);
      const here = guests.get(uuid) ?? [];
      const demands = here.map(({ vcpuAverage, vcpuNum }) => ((vcpuAverage ?? 0) * (vcpuNum ?? 0)) / 100);
      const shares = maxMinShares(cpus - own, demands);
      here.forEach((vm, index) => {
        const [demand, share] = [demands[index] ?? 0, shares[index] ?? 0];
        wanted += demand;
        served += share;
        seen.set(vm.uuid, { ...vm, ...this.#measures(vm, demand, share) });
      });
      const used = own + shares.reduce((sum, each) => sum + each, 0);
      busy.set(uuid, cpus > 0 ? Math.min(100, (100 * used) / cpus) : 0);
    }
    this.#count(seconds, wanted, served);
    return {
      ...truth,
      hosts: truth.hosts.map((host) => ({ ...host, cpuAverage: busy.get(host.uuid) ?? host.cpuAverage })),
      vms: truth.vms.map((vm) => seen.get(vm.uuid) ?? vm),
    };
  }

  #measures({ vcpuNum }: Vm, demand: number, share: number): Partial<Vm> {
    const vcpus = vcpuNum ?? 0;
    if (vcpus === 0) return {};
    const vcpuAverage = (100 * share) / vcpus;
    return this.#sight === "waits"
      ? { vcpuAverage, cpuWait: (100 * (demand - share)) / vcpus }
      : { vcpuAverage, cpuWait: null };
  }

  #count(seconds: number, wanted: number, served: number): void {
    if (this.#last !== null) {
      const stood = Math.min(longestSeconds, seconds - this.#last.seconds);
      this.#wanted += this.#last.wanted * stood;
      this.#served += this.#last.served * stood;
    }
    this.#last = { seconds, wanted, served };
  }
}
