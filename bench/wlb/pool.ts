/** The pool that stars are measured with: 64 hosts and 2,400 VMs, a tenth of them halted. */
import { asUuid, type Uuid } from "../../src/domain/pool.ts";
import { generate, type Pool } from "../../test/support/plan/pools.ts";

export const poolUuid: Uuid = asUuid("11111111-0000-4000-8000-000000000001");

export function poolOf(): Pool {
  const kind = {
    name: "wlb",
    hosts: 64,
    vms: 2400,
    unequal: true,
    fill: 0.7,
    rules: 4,
    strict: 0.9,
    hard: true,
  };
  const { snapshot, rules } = generate(kind, 1);
  const halted = new Set(snapshot.vms.filter((_, index) => index % 10 === 0).map(({ uuid }) => uuid));
  return {
    rules,
    snapshot: {
      ...snapshot,
      pool: { ...snapshot.pool, uuid: poolUuid },
      hosts: snapshot.hosts.map((host, index) => ({ ...host, ip: `192.0.2.${index + 1}` })),
      vms: snapshot.vms.map((vm) =>
        halted.has(vm.uuid) && !vm.isControlDomain ? { ...vm, powerState: "Halted", vcpuAverage: null } : vm,
      ),
      placements: snapshot.placements.filter(({ vmUuid }) => !halted.has(vmUuid)),
    },
  };
}
