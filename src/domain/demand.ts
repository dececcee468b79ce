/**
 * What VMs want of the CPUs: what they used and what they waited for, as far as the pool tells. Pure.
 *
 * On a full host what a VM uses is its share, not its demand. What tells of the rest, the best first: the states of its
 * vCPUs; how many vCPUs of its host run or want to ("hostload"), of which more than use CPUs wait; what it used while
 * its host was not full. A demand is never less than what was measured, nor more than all of the VM's vCPUs.
 */
import { maxMinShares } from "./fairShare.ts";
import { type DemandSource, type Host, occupiesHost, type Snapshot, type Uuid, type Vm } from "./pool.ts";
import { sharedLayout } from "./sharedLayout.ts";

export interface VmDemand {
  /** Percent, of which 100 is all of the VM's vCPUs. */
  readonly percent: number;
  readonly source: DemandSource;
}

/** From this CpuAverage on, in percent, a host is full: its VMs may get less than they want. */
export const fullPercent = 95;

/** From this use on, in percent, a VM's vCPUs are full: it cannot want more. */
const fullVm = 98;

/** VMs that use less than this part of what the largest uses get all that they want: a fair host serves them first. */
const nearLargest = 0.7;

/** The demand of a VM as it is stored; null where it is not known what it uses. */
export function demandOf(vm: Vm): VmDemand | null {
  const { vcpuAverage, cpuDemand, demandFrom } = vm;
  if (vcpuAverage === null) return null;
  if (cpuDemand === undefined || cpuDemand === null) return { percent: vcpuAverage, source: "measured" };
  return { percent: Math.max(vcpuAverage, cpuDemand), source: demandFrom ?? "measured" };
}

/** Whether the host's VMs may get less than they want. */
export function isFull({ cpuAverage }: Host): boolean {
  return cpuAverage !== null && cpuAverage >= fullPercent;
}

/** What was measured beside the columns of hosts and VMs. */
export interface DemandMeasures {
  /** Percent of the time in which a VM's vCPUs wanted to run and could not; VMs of which it is not known are not there. */
  readonly waits: ReadonlyMap<Uuid, number>;
  /** vCPUs that run or want to, for each of the host's CPUs; hosts that do not tell are not there. */
  readonly hostloads: ReadonlyMap<Uuid, number>;
}

/** `snapshot` with the demands that `measures` tell of. */
export function withMeasuredDemands(snapshot: Snapshot, { waits, hostloads }: DemandMeasures): Snapshot {
  if (waits.size === 0 && !snapshot.hosts.some(isFull)) return snapshot;
  const demands = new Map<Uuid, VmDemand>();
  const guests = guestsByHost(snapshot);
  for (const host of snapshot.hosts) {
    const here = guests.get(host.uuid) ?? [];
    for (const vm of here) {
      const wait = waits.get(vm.uuid);
      if (wait === undefined || vm.vcpuAverage === null) continue;
      demands.set(vm.uuid, { percent: vm.vcpuAverage + wait, source: "run-states" });
    }
    const hostload = hostloads.get(host.uuid);
    if (hostload === undefined || !isFull(host) || host.cpuNum === null) continue;
    const known = here.reduce((sum, vm) => sum + cpusOf(vm, waits.get(vm.uuid) ?? 0), 0);
    const excess = (hostload - (host.cpuAverage ?? 0) / 100) * host.cpuNum - known;
    for (const [vm, percent] of spread(
      excess,
      here.filter(({ uuid }) => !waits.has(uuid)),
    ))
      demands.set(vm, { percent, source: "hostload" });
  }
  return withDemands(snapshot, demands);
}

/** Whether there is a VM on a full host whose demand nothing tells of. */
export function lacksDemands(snapshot: Snapshot): boolean {
  return silentVms(snapshot).length > 0;
}

/** The VMs on full hosts that may want more than they use, which nothing tells. */
export function unknownDemands(snapshot: Snapshot): ReadonlySet<Uuid> {
  return new Set(silentVms(snapshot).map(({ uuid }) => uuid));
}

/**
 * `snapshot` with what VMs on full hosts used before, where nothing else tells of their demand: in `before`, the
 * collection before this one, their demand as it was stored, or what they used on a host that was not full then.
 */
export function withLastUse(snapshot: Snapshot, before: Snapshot): Snapshot {
  const hostThen = new Map(before.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const full = new Set(before.hosts.filter(isFull).map(({ uuid }) => uuid));
  const vms = new Map(before.vms.map((vm) => [vm.uuid, vm]));
  const demands = new Map<Uuid, VmDemand>();
  for (const { uuid, vcpuAverage } of silentVms(snapshot)) {
    const [then, host] = [vms.get(uuid), hostThen.get(uuid)];
    const last = then === undefined || host === undefined ? null : demandOf(then);
    if (last === null || host === undefined || vcpuAverage === null) continue;
    // On a full host of which nothing is known, what it used is its share.
    if (last.source === "measured" && full.has(host)) continue;
    if (last.percent > vcpuAverage) demands.set(uuid, { percent: last.percent, source: "last-use" });
  }
  return withDemands(snapshot, demands);
}

/** VMs that may have got less than they want, of which nothing is known but what they used. */
function silentVms(snapshot: Snapshot): readonly Vm[] {
  const full = snapshot.hosts.filter(isFull);
  const guests = full.length === 0 ? nobody : guestsByHost(snapshot);
  return full.flatMap(({ uuid }) => {
    const here = guests.get(uuid) ?? [];
    if (here.some(({ demandFrom }) => demandFrom === "hostload")) return [];
    const waiting = new Set(waitingVms(here).map((vm) => vm.uuid));
    return here.filter((vm) => vm.demandFrom === undefined && waiting.has(vm.uuid));
  });
}

/** What each of `vms` wants where `excess` CPUs more are wanted than used: no VM more than its vCPUs. */
function spread(excess: number, vms: readonly Vm[]): [Uuid, number][] {
  if (!(excess > 0)) return [];
  const waiting = waitingVms(vms);
  const shares = maxMinShares(
    excess,
    waiting.map((vm) => cpusOf(vm, 100 - (vm.vcpuAverage ?? 0))),
  );
  return waiting.map(({ uuid, vcpuAverage, vcpuNum }, index) => [
    uuid,
    (vcpuAverage ?? 0) + (100 * (shares[index] ?? 0)) / (vcpuNum ?? 1),
  ]);
}

/**
 * Those of a full host's VMs that can be waiting: their vCPUs are not full, and they use about as much as the largest,
 * for a host that shares fairly gives all that it wants to whoever wants less than that.
 */
function waitingVms(vms: readonly Vm[]): readonly Vm[] {
  const largest = vms.reduce((most, vm) => Math.max(most, cpusOf(vm, vm.vcpuAverage ?? 0)), 0);
  const unfilled = vms.filter(
    ({ vcpuAverage, vcpuNum }) => vcpuAverage !== null && vcpuAverage < fullVm && (vcpuNum ?? 0) > 0,
  );
  const near = unfilled.filter((vm) => cpusOf(vm, vm.vcpuAverage ?? 0) >= nearLargest * largest);
  return near.length > 0 ? near : unfilled;
}

/** CPUs that are `percent` of all the VM's vCPUs. */
function cpusOf({ vcpuNum }: Vm, percent: number): number {
  return (percent * (vcpuNum ?? 0)) / 100;
}

const nobody: ReadonlyMap<Uuid, readonly Vm[]> = new Map();

function guestsByHost({ vms, placements }: Snapshot): ReadonlyMap<Uuid, readonly Vm[]> {
  const byUuid = new Map(vms.map((vm) => [vm.uuid, vm]));
  const guests = new Map<Uuid, Vm[]>();
  for (const { vmUuid, hostUuid } of placements) {
    const vm = byUuid.get(vmUuid);
    if (vm === undefined || vm.isControlDomain || !occupiesHost(vm.powerState)) continue;
    const here = guests.get(hostUuid);
    if (here === undefined) guests.set(hostUuid, [vm]);
    else here.push(vm);
  }
  return guests;
}

function withDemands(snapshot: Snapshot, demands: ReadonlyMap<Uuid, VmDemand>): Snapshot {
  if (demands.size === 0) return snapshot;
  const vms = snapshot.vms.map((vm): Vm => {
    const demand = demands.get(vm.uuid);
    if (demand === undefined || vm.vcpuAverage === null) return vm;
    // Two decimals: what else differs between collections is noise.
    const percent = Math.min(100, Math.round(100 * demand.percent) / 100);
    const cpuDemand = Math.max(vm.vcpuAverage, percent);
    return { ...sharedLayout, ...vm, cpuDemand, demandFrom: demand.source };
  });
  return { ...snapshot, vms };
}
