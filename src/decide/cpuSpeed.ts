/**
 * CPUs of unequal speed: where the hosts' clock rates differ by more than a tenth, what a VM uses is counted in CPUs of
 * the fastest host, so that it weighs more where CPUs are slower. Pure.
 */
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";

/** Rates that differ by less are taken for the same: turbo and rounding are larger than that. */
const noticeable = 1.1;

/**
 * `snapshot` with each host's speed as a part of the fastest one's, and the load of its VMs in CPUs of that one. As it
 * is where no rates differ by more than a tenth, and where a host that takes VMs tells no rate.
 */
export function withCpuSpeeds(snapshot: Snapshot): Snapshot {
  const rates = snapshot.hosts.flatMap(({ enabled, live, cpuMhz }) => (enabled && live ? [cpuMhz] : []));
  if (rates.length < 2 || rates.includes(null)) return snapshot;
  const known = rates.filter((rate) => rate !== null);
  const fastest = Math.max(...known);
  if (fastest <= noticeable * Math.min(...known)) return snapshot;
  const speedOf = ({ cpuMhz }: Host) => (cpuMhz === null ? 1 : cpuMhz / fastest);
  const speeds = new Map(snapshot.hosts.map((host) => [host.uuid, speedOf(host)]));
  const homes = new Map<Uuid, Uuid>(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => ({ ...host, cpuSpeed: speedOf(host) })),
    vms: snapshot.vms.map((vm) => {
      const home = homes.get(vm.uuid);
      const speed = home === undefined ? 1 : (speeds.get(home) ?? 1);
      if (vm.vcpuAverage === null || speed === 1) return vm;
      const { cpuDemand } = vm;
      const demand = cpuDemand === undefined || cpuDemand === null ? {} : { cpuDemand: cpuDemand * speed };
      return { ...vm, vcpuAverage: vm.vcpuAverage * speed, ...demand };
    }),
  };
}
