/** A pool of 64 hosts and 2,400 VMs, a tenth of them halted, with the uuid of the recorded requests. */

import type { Snapshot } from "../../../src/domain/pool.ts";
import type { Rule } from "../../../src/domain/rule.ts";
import { generate } from "../plan/pools.ts";
import { poolUuid } from "./recordedPool.ts";

export interface LargePool {
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
  /** Uuids of the halted VMs: those that are started. */
  readonly halted: readonly string[];
}

export function largePool(hosts = 64, vms = 2400): LargePool {
  const kind = { name: "wlb", hosts, vms, unequal: true, fill: 0.7, rules: 4, strict: 0.9, hard: true };
  const { snapshot, rules } = generate(kind, 1);
  const halted = new Set(
    snapshot.vms
      .filter(({ isControlDomain }, index) => !isControlDomain && index % 10 === 0)
      .map(({ uuid }) => uuid),
  );
  return {
    rules,
    halted: [...halted],
    snapshot: {
      ...snapshot,
      pool: { ...snapshot.pool, uuid: poolUuid },
      hosts: snapshot.hosts.map((host, index) => ({ ...host, ip: `192.0.2.${index + 10}` })),
      vms: snapshot.vms.map((vm) =>
        halted.has(vm.uuid) ? { ...vm, powerState: "Halted", vcpuAverage: null } : vm,
      ),
      placements: snapshot.placements.filter(({ vmUuid }) => !halted.has(vmUuid)),
    },
  };
}
