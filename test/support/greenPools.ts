/** Pools of hosts of ten CPUs and 32 GiB for green computing, and views of them. */

import type { HostState } from "../../src/domain/hostPower.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { TimedSnapshot } from "../../src/power/load.ts";
import { type GreenOptions, greenDefaults } from "../../src/power/options.ts";
import type { PowerView } from "../../src/power/policy.ts";
import type { GreenGoal } from "../../src/power/rule.ts";
import { aHost, aSnapshot, aVm, uuid } from "./fixtures.ts";

const mebibyte = 1024 * 1024;
const totalMb = 32_768;
const ownMb = 2048;

export interface Sketch {
  /** What each VM takes, in percent of one CPU. */
  readonly vms?: readonly number[];
  readonly vmMb?: number;
  readonly fields?: Partial<Host>;
  readonly vmFields?: Partial<Vm>;
}

/** Host number `index` has uuid(index + 1), its VMs uuid(100 * (index + 1) + n). The first is the master. */
export function aGreenPool(sketches: readonly Sketch[]): Snapshot {
  return aSnapshot(
    sketches.map(({ vms = [], vmMb = 2048, fields = {}, vmFields = {} }, index) => {
      const guests = vms.map((load, n) =>
        aVm({
          uuid: uuid(100 * (index + 1) + n),
          memoryMb: vmMb,
          vcpuNum: 4,
          vcpuAverage: load / 4,
          ...vmFields,
        }),
      );
      const usedMb = ownMb + vmMb * vms.length;
      const host = aHost({
        uuid: uuid(index + 1),
        name: `xen${index + 1}`,
        cpuNum: 10,
        cpuAverage: vms.reduce((sum, load) => sum + load, 20) / 10,
        memoryTotalMb: totalMb,
        memoryFreeMb: totalMb - usedMb,
        placementFreeBytes: (totalMb - usedMb) * mebibyte,
        isMaster: index === 0,
        powerOnMode: "IPMI",
        ...fields,
      });
      return [host, guests] as const;
    }),
  );
}

/** A host that is off: no measures. */
export const off: Partial<Host> = {
  enabled: false,
  live: false,
  read: false,
  cpuAverage: null,
  memoryTotalMb: null,
  memoryFreeMb: null,
  placementFreeBytes: null,
};

/** Host number `index` as it was when it was empty. */
export function emptyHost(index: number): Host {
  const sketches = Array.from({ length: index + 1 }, () => ({}));
  return aGreenPool(sketches).hosts[index] as Host;
}

export const greenRule: GreenGoal = {
  limits: [
    { kind: "below", subject: "CpuAverage", value: 70 },
    { kind: "memory free", percent: 10 },
  ],
  spareHosts: 0,
  between: null,
};

export const greenOptions: GreenOptions = {
  ...greenDefaults,
  headroomBytes: 0,
  bannedVms: new Map(),
  bannedPairs: new Map(),
  canWake: ({ powerOnMode }) => powerOnMode !== "",
  keepOn: new Map(),
};

export const now = 1_000_000;

/** The pool as it has been for `minutes`, a snapshot a minute. */
export function steady(snapshot: Snapshot, minutes = 45): readonly TimedSnapshot[] {
  return Array.from({ length: minutes }, (_, i) => ({ at: now - 60 * (minutes - 1 - i), snapshot }));
}

/** What is seen of the pool; states by the number of the host. */
export function aView(
  snapshots: readonly TimedSnapshot[],
  states: Readonly<Record<number, HostState>> = {},
  fields: Partial<PowerView> = {},
): PowerView {
  return {
    now,
    minuteOfDay: 12 * 60,
    snapshots,
    states: new Map<Uuid, HostState>(
      Object.entries(states).map(([index, state]) => [uuid(Number(index) + 1), state]),
    ),
    hold: null,
    ...fields,
  };
}
