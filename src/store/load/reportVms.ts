/** What VMs used and waited for, by snapshots that lie evenly in a span of time. Read only. */
import type { Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import type { CpuShortage, TopVm, TopVms } from "../../report/facts.ts";
import { sinceEpoch } from "../columnTypes.ts";
import type { Database } from "../connection.ts";
import { readSnapshots } from "../history.ts";
import { sqlSeconds } from "./reportLoads.ts";

/** Each snapshot of a large pool takes a while to read. */
const mostSnapshots = 24;

const shownVms = 15;

/** A snapshot and when it was made, in seconds since 1970. */
interface PictureMoment {
  readonly id: number;
  readonly at: number;
}

export interface VmsRead {
  readonly topVms: TopVms;
  readonly shortage: CpuShortage | null;
}

/**
 * The VMs with the most CPU, and those that did not get theirs, with where `newest` has them; control domains are none.
 * A picture that knows no measure of a VM, as of one that has just come to its host, counts for nothing but is no less a
 * picture: where VMs are is read off the newest collection alone.
 */
export async function vmsBetween(db: Database, newest: Snapshot, from: number, to: number): Promise<VmsRead> {
  const poolUuid = newest.pool.uuid;
  const homes: Homes = new Map(newest.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const chosen = await momentsBetween(db, poolUuid, from, to);
  const sums = new Map<Uuid, VmSums>();
  const waits = new Waits();
  let [read, first, last] = [0, null as number | null, null as number | null];
  for (const { id, at } of chosen) {
    const found = (await db.read((reader) => readSnapshots(reader, [id]))).get(id);
    if (found === undefined || found.pool.uuid !== poolUuid) continue;
    add(sums, found);
    waits.add(at, found);
    read++;
    first ??= at;
    last = at;
  }
  const vms = [...sums.entries()]
    .map(([vm, sum]) => topOf(vm, sum, homes))
    .sort((a, b) => b.cpus - a.cpus || (a.vm < b.vm ? -1 : 1))
    .slice(0, shownVms);
  return { topVms: { snapshots: read, from: first, to: last, vms }, shortage: waits.result(homes) };
}

/** Evenly apart, the newest among them; oldest first. */
async function momentsBetween(
  db: Database,
  poolUuid: string,
  from: number,
  to: number,
): Promise<readonly PictureMoment[]> {
  const rows = await db.read((reader) =>
    reader.tuples(
      `SELECT CollectionId, ${sinceEpoch("CollectedAt")} FROM CollectionPicture
         JOIN Collection ON Collection.Id = CollectionPicture.CollectionId
        WHERE CollectedAt >= ? AND CollectedAt < ? AND PoolUuid = ? ORDER BY CollectionId`,
      [sqlSeconds(from), sqlSeconds(to), poolUuid],
    ),
  );
  const step = Math.max(1, rows.length / mostSnapshots);
  const chosen: PictureMoment[] = [];
  for (let place = rows.length - 1; place >= 0; place -= step) {
    const [id, at] = rows[Math.round(place)] ?? [];
    if (id !== undefined) chosen.push({ id: Number(id), at: Number(at) });
  }
  return chosen.reverse();
}

/** Where VMs are now. */
type Homes = ReadonlyMap<Uuid, Uuid>;

interface VmSums {
  seen: number;
  cpus: number;
  mostCpus: number;
  vm: Vm;
  network: number;
  networkSeen: number;
}

function add(sums: Map<Uuid, VmSums>, { vms, placements }: Snapshot): void {
  const hostOf = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  for (const vm of vms) {
    if (!hostOf.has(vm.uuid) || vm.isControlDomain || vm.vcpuAverage === null || vm.vcpuNum === null)
      continue;
    const cpus = (vm.vcpuAverage * vm.vcpuNum) / 100;
    const sum = sums.get(vm.uuid) ?? {
      seen: 0,
      cpus: 0,
      mostCpus: 0,
      vm,
      network: 0,
      networkSeen: 0,
    };
    sum.vm = vm;
    sum.seen++;
    sum.cpus += cpus;
    sum.mostCpus = Math.max(sum.mostCpus, cpus);
    if (vm.vif0RxKb !== null && vm.vif0TxKb !== null) {
      sum.network += vm.vif0RxKb + vm.vif0TxKb;
      sum.networkSeen++;
    }
    sums.set(vm.uuid, sum);
  }
}

function topOf(
  vm: Uuid,
  { seen, cpus, mostCpus, vm: last, network, networkSeen }: VmSums,
  homes: Homes,
): TopVm {
  return {
    vm,
    host: homes.get(vm) ?? null,
    cpus: cpus / seen,
    mostCpus,
    vcpus: last.vcpuNum,
    memoryMb: last.memoryMb,
    networkKb: networkSeen === 0 ? null : network / networkSeen,
  };
}

/** Percent of its vCPUs that the VM waited for; null where nothing tells. */
function waitOf({ vcpuAverage, cpuDemand = null, cpuWait = null }: Vm): number | null {
  return cpuDemand === null || vcpuAverage === null ? cpuWait : Math.max(0, cpuDemand - vcpuAverage);
}

/** Sums of what one thing waited for. */
interface WaitSums {
  waited: number;
  used: number;
  most: number;
  seen: number;
}

/** CPU that was wanted and not got, gathered snapshot by snapshot. */
class Waits {
  readonly #moments: { at: number; used: number; waited: number }[] = [];
  readonly #vms = new Map<Uuid, WaitSums>();
  readonly #hosts = new Map<Uuid, WaitSums>();

  /** A snapshot that knows of no VM what it waited for says nothing. */
  add(at: number, { vms, placements }: Snapshot): void {
    const hostOf = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
    const perHost = new Map<Uuid, number>();
    let [used, waited, known] = [0, 0, 0];
    for (const vm of vms) {
      const host = hostOf.get(vm.uuid);
      if (host === undefined || vm.isControlDomain || vm.vcpuNum === null) continue;
      const cpus = ((vm.vcpuAverage ?? 0) * vm.vcpuNum) / 100;
      used += cpus;
      const waits = waitOf(vm);
      if (waits === null) continue;
      const waiting = (waits * vm.vcpuNum) / 100;
      known++;
      waited += waiting;
      perHost.set(host, (perHost.get(host) ?? 0) + waiting);
      count(this.#vms, vm.uuid, { waited: waiting, used: cpus });
    }
    if (known === 0) return;
    this.#moments.push({ at, used, waited });
    for (const [host, waiting] of perHost) count(this.#hosts, host, { waited: waiting, used: 0 });
  }

  result(homes: Homes): CpuShortage | null {
    if (this.#moments.length === 0) return null;
    const hosts = [...this.#hosts].map(([host, { waited, most, seen }]) => ({
      host,
      waited: waited / seen,
      most,
    }));
    const vms = [...this.#vms].map(([vm, { waited, used, seen }]) => ({
      vm,
      host: homes.get(vm) ?? null,
      waited: waited / seen,
      used: used / seen,
    }));
    return {
      moments: this.#moments,
      hosts: hosts.sort((a, b) => b.waited - a.waited || (a.host < b.host ? -1 : 1)),
      vms: vms.sort((a, b) => b.waited - a.waited || (a.vm < b.vm ? -1 : 1)).slice(0, shownVms),
    };
  }
}

function count(
  sums: Map<Uuid, WaitSums>,
  key: Uuid,
  { waited, used }: Pick<WaitSums, "waited" | "used">,
): void {
  const sum = sums.get(key) ?? { waited: 0, used: 0, most: 0, seen: 0 };
  sum.waited += waited;
  sum.used += used;
  sum.most = Math.max(sum.most, waited);
  sum.seen++;
  sums.set(key, sum);
}
