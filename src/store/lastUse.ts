/** What a VM that does not run used when it last ran, read from the history. Read only. */

import { asModelled } from "../decide/assess.ts";
import type { LastUse } from "../decide/placing.ts";
import { demandOver } from "../decide/serving.ts";
import { occupiesHost, type Snapshot, type StoredSnapshot, type Uuid, type Vm } from "../domain/pool.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "./connection.ts";
import { loadHistoryBackwards } from "./history.ts";

/** Collections that are looked through for it, and those that are averaged once it is found. */
const mostLookedThrough = 3000;
const mostSamples = 30;

/**
 * The measures of `vm` when it last ran, as means over the last samples of that; null where it runs, and where the
 * newest collections of the history do not know it as running.
 */
export async function loadLastUse(
  db: Database,
  { collection }: StoredSnapshot,
  vm: Pick<Vm, "uuid" | "powerState">,
  settings: Pick<ControlSettings, "cpuSpeed" | "squeeze">,
): Promise<LastUse | null> {
  return (await loadLastUses(db, { collection }, [vm], settings)).get(vm.uuid) ?? null;
}

/** The same of several VMs in one walk through the history; those of which nothing is known are not in the map. */
export async function loadLastUses(
  db: Database,
  { collection }: Pick<StoredSnapshot, "collection">,
  vms: readonly Pick<Vm, "uuid" | "powerState">[],
  settings: Pick<ControlSettings, "cpuSpeed" | "squeeze">,
): Promise<ReadonlyMap<Uuid, LastUse>> {
  const uses = new Map<Uuid, LastUse>();
  const samplesOf = new Map<Uuid, { readonly at: Date; readonly samples: Vm[] }>();
  const open = new Set(vms.filter(({ powerState }) => !occupiesHost(powerState)).map(({ uuid }) => uuid));
  const end = (uuid: Uuid) => {
    const known = samplesOf.get(uuid);
    if (known !== undefined) {
      const { at, samples } = known;
      uses.set(uuid, {
        measures: meansOf(samples),
        demand: demandOver(samples),
        samples: samples.length,
        at,
      });
    }
    open.delete(uuid);
  };
  if (open.size === 0) return uses;
  for await (const past of loadHistoryBackwards(db, collection.poolUuid, mostLookedThrough)) {
    const running = runningIn(past.snapshot, open);
    const modelled = running.size === 0 ? running : runningIn(asModelled(past.snapshot, settings), open);
    for (const uuid of [...open]) {
      const found = running.get(uuid);
      const known = samplesOf.get(uuid);
      // A sample without measures is one of its first seconds: what comes before is another run of it.
      if (found === undefined && known !== undefined) end(uuid);
      if (found === undefined) continue;
      const samples = known?.samples ?? [];
      if (known === undefined) samplesOf.set(uuid, { at: past.collection.startedAt, samples });
      samples.push(modelled.get(uuid) ?? found);
      if (samples.length === mostSamples) end(uuid);
    }
    if (open.size === 0) break;
  }
  for (const uuid of [...open]) end(uuid);
  return uses;
}

/** Those of `wanted` that run and are measured. */
function runningIn({ vms, placements }: Snapshot, wanted: ReadonlySet<Uuid>): Map<Uuid, Vm> {
  const placed = new Set(placements.flatMap(({ vmUuid }) => (wanted.has(vmUuid) ? [vmUuid] : [])));
  const found = vms.filter(({ uuid, vcpuAverage }) => placed.has(uuid) && vcpuAverage !== null);
  return new Map(found.map((vm) => [vm.uuid, vm]));
}

function meansOf(samples: readonly Vm[]): LastUse["measures"] {
  const mean = (measureOf: (vm: Vm) => number | null | undefined): number | null => {
    const known = samples.flatMap((vm) => measureOf(vm) ?? []);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  const [cpuDemand, eth0RxKb, eth0TxKb, cpuWait] = [
    samples.some((vm) => vm.cpuDemand !== undefined) ? mean((vm) => vm.cpuDemand ?? vm.vcpuAverage) : null,
    mean((vm) => vm.eth0RxKb),
    mean((vm) => vm.eth0TxKb),
    mean((vm) => vm.cpuWait),
  ];
  const eth0Vifs = samples[0]?.eth0Vifs;
  return {
    vcpuAverage: mean((vm) => vm.vcpuAverage),
    ...(cpuDemand === null ? {} : { cpuDemand }),
    vif0RxKb: mean((vm) => vm.vif0RxKb),
    vif0TxKb: mean((vm) => vm.vif0TxKb),
    ...(cpuWait === null ? {} : { cpuWait }),
    ...(eth0Vifs === undefined ? {} : { eth0Vifs }),
    ...(eth0RxKb === null ? {} : { eth0RxKb }),
    ...(eth0TxKb === null ? {} : { eth0TxKb }),
  };
}
