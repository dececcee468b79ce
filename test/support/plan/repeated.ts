/** A pool as its own plans leave it, and the pictures of it that later runs see: the same with a little noise. */
import type { Host, Snapshot, Vm } from "../../../src/domain/pool.ts";
import type { Move, PlanOptions } from "../../../src/planner/plan.ts";
import { planMigrations } from "../../../src/planner/planner.ts";
import type { Random } from "../../../src/planner/search/random.ts";
import { hostsAfter } from "../../../src/planner/tell/outcome.ts";
import type { Pool } from "./pools.ts";

/** Plans after which nothing more is tried to settle the pool. */
const mostPlans = 6;

/** The pool with the moves made. */
export function applied(snapshot: Snapshot, moves: readonly Move[]): Snapshot {
  const at = new Map(moves.map(({ vm, destination }) => [vm, destination]));
  return {
    ...snapshot,
    hosts: hostsAfter(snapshot, moves),
    placements: snapshot.placements.map((each) => ({
      ...each,
      hostUuid: at.get(each.vmUuid) ?? each.hostUuid,
    })),
  };
}

/** The pool when plans find nothing more to move; null where they do not stop, or leave nothing broken. */
export function settled({ snapshot, rules }: Pool, options: PlanOptions): Pool | null {
  let now = snapshot;
  for (let plans = 0; plans < mostPlans; plans++) {
    const { moves, unresolved } = planMigrations(now, rules, options);
    if (moves.length === 0) return unresolved.length === 0 ? null : { snapshot: now, rules };
    now = applied(now, moves);
  }
  return null;
}

/** The same pool, with each VM's CPU and network up to `part` more or less, and the hosts' by as much. */
export function withNoise({ snapshot, rules }: Pool, part: number, random: Random): Pool {
  const changed = new Map<string, Vm>();
  for (const vm of snapshot.vms) {
    const noisy = (value: number | null) =>
      value === null ? null : value * (1 + part * (2 * random.next() - 1));
    changed.set(vm.uuid, {
      ...vm,
      vcpuAverage: noisy(vm.vcpuAverage),
      vif0RxKb: noisy(vm.vif0RxKb),
      vif0TxKb: noisy(vm.vif0TxKb),
    });
  }
  const before = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const guests = new Map<string, [Vm, Vm][]>();
  for (const { vmUuid, hostUuid } of snapshot.placements) {
    const [old, now] = [before.get(vmUuid), changed.get(vmUuid)];
    if (old === undefined || now === undefined) continue;
    guests.set(hostUuid, [...(guests.get(hostUuid) ?? []), [old, now]]);
  }
  const hosts = snapshot.hosts.map((host): Host => {
    const own = guests.get(host.uuid) ?? [];
    const more = (read: (vm: Vm) => number) =>
      own.reduce((sum, [old, now]) => sum + read(now) - read(old), 0);
    const plus = (value: number | null, by: number) => (value === null ? null : value + by);
    const cpus = (vm: Vm) => ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / (host.cpuNum ?? 1);
    return {
      ...host,
      cpuAverage: plus(host.cpuAverage, more(cpus)),
      pifEth0RxKb: plus(
        host.pifEth0RxKb,
        more((vm) => vm.vif0RxKb ?? 0),
      ),
      pifEth0TxKb: plus(
        host.pifEth0TxKb,
        more((vm) => vm.vif0TxKb ?? 0),
      ),
    };
  });
  return {
    snapshot: { ...snapshot, hosts, vms: snapshot.vms.map((vm) => changed.get(vm.uuid) ?? vm) },
    rules,
  };
}
