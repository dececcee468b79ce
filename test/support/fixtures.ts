/** The only builders of domain objects in tests: every field that is set is meaningful for the test that sets it. */
import type { ControlState } from "../../src/domain/controlState.ts";
import { CostBook } from "../../src/domain/migrationCost.ts";
import {
  asUuid,
  type Host,
  type InfeasiblePair,
  type Placement,
  type Snapshot,
  type StoredSnapshot,
  type Vm,
} from "../../src/domain/pool.ts";

const mebibyte = 1024 * 1024;

/** A uuid that is readable in a failing test: uuid(7) ends in ...0007. */
export function uuid(number: number): ReturnType<typeof asUuid> {
  return asUuid(`00000000-0000-4000-8000-${String(number).padStart(12, "0")}`);
}

export function aHost(fields: Partial<Host> & Pick<Host, "uuid">): Host {
  return {
    name: `host-${fields.uuid.slice(-2)}`,
    ip: "192.0.2.1",
    cpuNum: 4,
    memoryTotalMb: 4096,
    memoryFreeMb: 2048,
    xapiMemoryUsageMb: 2,
    xapiFreeMemoryMb: 1,
    pifLoRxKb: 0,
    pifLoTxKb: 0,
    pifEth0RxKb: 0,
    pifEth0TxKb: 0,
    dom0LoadAvg: 0,
    cpuAverage: 0,
    enabled: true,
    live: true,
    isMaster: false,
    version: "8.3.0",
    placementFreeBytes: 2048 * mebibyte,
    powerOnMode: "",
    cpuMhz: null,
    read: true,
    ...fields,
  };
}

export function aVm(fields: Partial<Vm> & Pick<Vm, "uuid">): Vm {
  const memoryMb = fields.memoryMb ?? 512;
  return {
    name: `vm-${fields.uuid.slice(-2)}`,
    memoryMb,
    memoryInternalFreeMb: 100,
    vif0TxKb: 0,
    vif0RxKb: 0,
    vcpuAverage: 0,
    vcpuNum: 1,
    powerState: "Running",
    isControlDomain: false,
    placementBytes: (memoryMb ?? 0) * mebibyte,
    copyBytes: (memoryMb ?? 0) * mebibyte,
    tags: [],
    hasTools: true,
    immovable: null,
    haPriority: "",
    antiAffinityGroups: [],
    migratingTo: null,
    shrinksToBytes: null,
    ...fields,
  };
}

/** A snapshot of hosts with the VMs that run on each. */
export function aSnapshot(
  placed: readonly (readonly [Host, readonly Vm[]])[],
  extra: { readonly infeasiblePairs?: readonly InfeasiblePair[]; readonly halted?: readonly Vm[] } = {},
): Snapshot {
  const placements: Placement[] = placed.flatMap(([host, vms]) =>
    vms.map((vm) => ({ hostUuid: host.uuid, vmUuid: vm.uuid })),
  );
  return {
    pool: {
      uuid: uuid(9000),
      name: "pool",
      haEnabled: false,
      haTolerance: null,
      haPlannedFor: null,
      wlbEnabled: false,
      rollingUpgrade: false,
    },
    hosts: placed.map(([host]) => host),
    vms: [...placed.flatMap(([, vms]) => vms), ...(extra.halted ?? [])],
    placements,
    infeasiblePairs: extra.infeasiblePairs ?? [],
  };
}

/** Chapter 6 of the thesis: Host1 at 25 % with VM1, Host2 at 100 % with VM2 (small) and VM3. */
export function chapterSix(): {
  readonly snapshot: Snapshot;
  readonly host1: Host;
  readonly host2: Host;
  readonly vm1: Vm;
  readonly vm2: Vm;
  readonly vm3: Vm;
} {
  const host1 = aHost({
    uuid: asUuid("eb966de6-276a-0428-2ecb-d1b2a69eff57"),
    name: "Host1",
    cpuAverage: 25,
    isMaster: true,
  });
  const host2 = aHost({
    uuid: asUuid("6874ed0e-e89f-3fb4-306c-0ae78732ed62"),
    name: "Host2",
    cpuAverage: 100,
  });
  const vm1 = aVm({
    uuid: asUuid("0a511f3b-ca5f-2c5d-7751-55b6a138f86e"),
    name: "VM1 - Debian",
    memoryMb: 1024,
    vcpuNum: 2,
    vcpuAverage: 50,
  });
  const vm2 = aVm({
    uuid: asUuid("67bad7be-dcce-a819-f7e2-9c92c9e626bc"),
    name: "VM2 - Debian",
    memoryMb: 256,
    vcpuNum: 2,
    vcpuAverage: 99,
  });
  const vm3 = aVm({
    uuid: asUuid("c9918a2b-1b72-0cd8-6571-419db7f3be19"),
    name: "VM3 - Ubuntu",
    memoryMb: 1024,
    vcpuNum: 3,
    vcpuAverage: 66,
  });
  const snapshot = aSnapshot([
    [host1, [vm1]],
    [host2, [vm2, vm3]],
  ]);
  return { snapshot, host1, host2, vm1, vm2, vm3 };
}

/** Nothing stands against acting, and nothing was done yet. */
export function aControlState(extra: Partial<ControlState> = {}): ControlState {
  return {
    pause: null,
    breaker: { open: false, trips: 0, openedAt: null, openUntil: null, closesInSeconds: null, reason: null },
    startedLastHour: 0,
    exclusions: [],
    open: [],
    recent: [],
    lastEnd: null,
    unsettled: [],
    observations: [],
    handled: new Map(),
    costs: new CostBook([]),
    ...extra,
  };
}

/** The snapshot as a whole, fresh collection of it is stored. */
export function aStored(snapshot: Snapshot): StoredSnapshot {
  const at = new Date(0);
  const collection = {
    id: 7,
    startedAt: at,
    finishedAt: at,
    poolUuid: snapshot.pool.uuid,
    durationMs: 400,
    clockSkewSeconds: null,
    hostsRead: snapshot.hosts.length,
    hostsUnread: 0,
    vms: snapshot.vms.length,
    complete: true,
  };
  return { snapshot, collection, ageSeconds: 5 };
}
